//! Every bound of the tree, with its unit. Nothing in it is unbounded.

use std::time::Duration;

/// Bounds on queues, batches, retries and waits.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How long a lease of leadership lasts without renewal; a standby takes over after it, or at once when it knows that the
    /// leader is dead.
    pub lease_ttl: Duration,
    /// How often the lease is renewed.
    pub lease_renew: Duration,
    /// How often a standby looks at the lease: one small read.
    pub lease_look: Duration,
    /// Longest wait for an answer of another actor.
    pub ask_timeout: Duration,
    /// Updates stored in one statement.
    pub inbox_batch_max: usize,
    /// Updates of one user that are in memory at once; more wait in their rows.
    pub session_rows_max: usize,
    /// Undone updates of one user; beyond them the newer ones are shed and the user is told once.
    pub session_backlog_max: usize,
    /// A session without a word for so long leaves memory.
    pub session_idle: Duration,
    /// Most sessions in memory; beyond them the one idle longest leaves.
    pub sessions_max: usize,
    /// Attempts at one update before it becomes a dead letter.
    pub update_attempts_max: u16,
    /// Crashes of one session within `crash_window` that put it into quarantine.
    pub session_crashes_max: usize,
    /// For counting crashes.
    pub crash_window: Duration,
    /// How long a quarantine lasts.
    pub quarantine: Duration,
    /// Steps committed in one transaction.
    pub commit_batch_max: usize,
    /// Transactions of steps under way at once.
    pub commits_in_flight_max: usize,
    /// Messages under way to Telegram at once.
    pub sends_in_flight_max: usize,
    /// Messages that wait in memory; more wait in their rows.
    pub outbox_memory_max: usize,
    /// Attempts at one message before it is given up.
    pub send_attempts_max: u16,
    /// Telegram's limits; `None` lifts them (against the simulated Telegram only).
    pub send_rate: Option<SendRate>,
    /// How often a server is read and compared with the rows; within this time a service that used up its traffic is found.
    pub reconcile_every: Duration,
    /// Longest wait for one call of a server.
    pub driver_timeout: Duration,
    /// A server that does not answer for so long raises the alert.
    pub node_down_after: Duration,
    /// Keys put on a server between two looks at the mailbox.
    pub peer_batch_max: usize,
    /// Longest wait for one call of a server of keys, which writes its whole file anew for each change.
    pub key_call_timeout: Duration,
    /// Changes of a server of keys between two looks at the mailbox, and new keys read at once.
    pub key_batch_max: usize,
    /// How often an open key of a server is tried as a client would.
    pub probe_every: Duration,
    /// Longest wait for the end of such a trial.
    pub probe_timeout: Duration,
    /// A service that is pending for so long: its owner is told once.
    pub tell_waiting_after: Duration,
    /// How often expiries are looked for at the latest.
    pub sweep_every: Duration,
    /// Services expired, leases released or rows tidied in one transaction.
    pub sweep_batch_max: usize,
    /// Content of handled updates is erased after this.
    pub scrub_after: Duration,
    /// Handled updates, sent messages and old offers are deleted after this.
    pub delete_after: Duration,
    /// How often the numbers of the system are read for metrics and alerts.
    pub stats_every: Duration,
    /// Longest wait for an actor to finish what it has in hand when it is stopped.
    pub stop_timeout: Duration,
    /// First wait before a child is started again after it crashed twice; doubles up to `backoff_max`.
    pub backoff_min: Duration,
    /// Longest such wait.
    pub backoff_max: Duration,
    /// Crashes of one child within `crash_window` before it is given up (a core child takes its supervisor along, another
    /// one rests for `quarantine`).
    pub child_crashes_max: usize,
}

/// Telegram's limits of speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendRate {
    /// Messages a second, overall.
    pub per_second: u32,
    /// Messages a second in one chat.
    pub per_chat_per_second: u32,
    /// Messages that may go to one chat at once after a pause.
    pub burst: u32,
}

impl Default for SendRate {
    fn default() -> Self {
        Self { per_second: 30, per_chat_per_second: 1, burst: 3 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            lease_ttl: seconds(6),
            lease_renew: seconds(2),
            lease_look: Duration::from_millis(500),
            ask_timeout: seconds(5),
            inbox_batch_max: 256,
            session_rows_max: 16,
            session_backlog_max: 64,
            session_idle: seconds(600),
            sessions_max: 10_000,
            update_attempts_max: 3,
            session_crashes_max: 3,
            crash_window: seconds(60),
            quarantine: seconds(300),
            commit_batch_max: 64,
            commits_in_flight_max: 2,
            sends_in_flight_max: 64,
            outbox_memory_max: 20_000,
            send_attempts_max: 8,
            send_rate: Some(SendRate::default()),
            reconcile_every: seconds(30),
            driver_timeout: seconds(10),
            node_down_after: seconds(60),
            peer_batch_max: 256,
            key_call_timeout: seconds(20),
            key_batch_max: 32,
            probe_every: seconds(120),
            probe_timeout: seconds(20),
            tell_waiting_after: seconds(20),
            sweep_every: seconds(30),
            sweep_batch_max: 1_000,
            scrub_after: seconds(7 * 86_400),
            delete_after: seconds(30 * 86_400),
            stats_every: seconds(10),
            stop_timeout: seconds(10),
            backoff_min: Duration::from_millis(200),
            backoff_max: seconds(30),
            child_crashes_max: 5,
        }
    }
}
