//! Every metric of the tree, named once. Labels are few and fixed: never a user, an address or an update.

use metrics::{Gauge, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use std::future::Future;
use std::time::{Duration, Instant};

macro_rules! names {
    ($($kind:ident $name:ident = $text:literal, $unit:expr, $help:literal;)*) => {
        $(#[doc = $help] pub const $name: &str = concat!("usipipo_", $text);)*

        /// Tells the exporter what each name means.
        pub fn describe_all() {
            $(names!(@$kind $name, $unit, $help);)*
        }

        /// Every name of the tree, for tests of boards and rules.
        pub const ALL: &[&str] = &[$($name),*];
    };
    (@counter $name:ident, $unit:expr, $help:literal) => { describe_counter!($name, $unit, $help) };
    (@gauge $name:ident, $unit:expr, $help:literal) => { describe_gauge!($name, $unit, $help) };
    (@histogram $name:ident, $unit:expr, $help:literal) => { describe_histogram!($name, $unit, $help) };
}

names! {
    counter ACTOR_MESSAGES = "actor_messages_total", Unit::Count, "Messages handled. Labels: actor, msg, outcome = ok, error, panic.";
    histogram ACTOR_HANDLE_SECONDS = "actor_handle_seconds", Unit::Seconds, "Time to handle one message. Labels: actor, msg.";
    gauge ACTOR_MAILBOX_DEPTH = "actor_mailbox_depth", Unit::Count, "Messages that wait in a mailbox. Labels: actor.";
    counter ACTOR_RESTARTS = "actor_restarts_total", Unit::Count, "Restarts of an actor. Labels: actor, cause = panic, error, killed, start, ended.";
    gauge ACTOR_UP = "actor_up", Unit::Count, "Actors alive. Labels: actor.";
    counter ACTOR_QUARANTINED = "actor_quarantined_total", Unit::Count, "Actors given up for a while. Labels: actor.";
    counter BUDGET_EXHAUSTED = "supervisor_budget_exhausted_total", Unit::Count, "Core children that took their supervisor along. Labels: supervisor.";
    gauge LEADER = "leader", Unit::Count, "1 while this process leads, 0 while it stands by.";
    gauge LEADER_EPOCH = "leader_epoch", Unit::Count, "The epoch this process last led in.";
    counter LEADERSHIP_CHANGES = "leadership_changes_total", Unit::Count, "Times this process took or lost the lead. Labels: change = taken, lost, released.";
    counter UPDATES_RECEIVED = "updates_received_total", Unit::Count, "Updates stored for the first time. Labels: lane.";
    counter UPDATES_DUPLICATE = "updates_duplicate_total", Unit::Count, "Updates that came again.";
    counter UPDATES_HANDLED = "updates_handled_total", Unit::Count, "Updates done. Labels: lane, outcome = handled, ignored, shed, dead.";
    histogram UPDATE_SECONDS = "update_seconds", Unit::Seconds, "From storing an update to its committed step.";
    histogram INTAKE_STORE_SECONDS = "intake_store_seconds", Unit::Seconds, "Time to make a batch of updates durable.";
    counter POLLS = "polls_total", Unit::Count, "Long polls. Labels: outcome = ok, unavailable, retry_after, conflict, unauthorized.";
    gauge INBOX_UNDONE = "inbox_undone", Unit::Count, "Updates stored and not yet handled.";
    gauge INBOX_LAG_SECONDS = "inbox_lag_seconds", Unit::Seconds, "Age of the oldest update that is not handled.";
    gauge SESSIONS = "sessions", Unit::Count, "Sessions in memory.";
    gauge SESSIONS_QUARANTINED = "sessions_quarantined", Unit::Count, "Sessions in quarantine.";
    counter SESSIONS_PASSIVATED = "sessions_passivated_total", Unit::Count, "Sessions that left memory because they were idle.";
    histogram COMMIT_BATCH = "commit_batch_steps", Unit::Count, "Steps committed in one transaction.";
    histogram COMMIT_SECONDS = "commit_seconds", Unit::Seconds, "Time of one transaction of steps.";
    counter STEPS = "steps_total", Unit::Count, "Steps. Labels: outcome = committed, already_done, address_taken, not_prepared, failed.";
    gauge OUTBOX_WAITING = "outbox_waiting", Unit::Count, "Messages that wait. Labels: priority.";
    gauge OUTBOX_LAG_SECONDS = "outbox_lag_seconds", Unit::Seconds, "Age of the oldest message that is due.";
    histogram OUTBOX_WAIT_SECONDS = "outbox_wait_seconds", Unit::Seconds, "From a message's row to its sending. Labels: priority.";
    counter OUTBOX_SENT = "outbox_sent_total", Unit::Count, "Messages. Labels: priority, outcome = sent, retry, failed, unreachable.";
    gauge OUTBOX_IN_FLIGHT = "outbox_in_flight", Unit::Count, "Messages under way to Telegram.";
    gauge OUTBOX_PAUSED = "outbox_paused", Unit::Count, "1 while Telegram asked to wait.";
    gauge NODE_UP = "node_up", Unit::Count, "1 while the server answers. Labels: node, mode.";
    gauge NODE_SECRETS_UNREADABLE = "node_secrets_unreadable", Unit::Count, "Services whose stored secret cannot be opened, so that their key cannot be put on the server. Labels: node.";
    gauge NODE_PEERS = "node_peers", Unit::Count, "Peers on the server. Labels: node, kind = ours, foreign.";
    gauge KEY_NODE_KEYS = "key_node_keys", Unit::Count, "Keys on a server of keys. Labels: node, kind = ours, foreign.";
    gauge SERVER_ROOM = "server_room_ratio", Unit::Count, "Share of a server's places that is free; 1 while nothing new is to go there. Only servers with a capacity. Labels: node.";
    counter PROBES = "probe_total", Unit::Count, "Keys tried as a client would. Labels: node, outcome = accepted, refused, unreachable, unclear, impossible.";
    gauge NODES = "nodes", Unit::Count, "Servers. Labels: driver, state = active, draining, maintenance, removed.";
    histogram NODE_RECONCILE_SECONDS = "node_reconcile_seconds", Unit::Seconds, "Time to compare and mend a server. Labels: node.";
    counter NODE_CHANGES = "node_peer_changes_total", Unit::Count, "Peers or keys put on or taken off. Labels: node, change = put, removed.";
    counter NODE_ERRORS = "node_errors_total", Unit::Count, "Calls of a server that failed. Labels: node, error = unavailable, refused, unsupported, taken, late.";
    counter NODE_TRAFFIC = "node_traffic_bytes_total", Unit::Bytes, "Traffic of our peers and keys. Labels: node, direction = up, down, both.";
    histogram PROVISION_SECONDS = "provision_seconds", Unit::Seconds, "From a peer's or key's row to it on its server. Labels: node.";
    gauge SERVICES = "services", Unit::Count, "Services. Labels: product, status.";
    gauge SERVICES_PENDING_SECONDS = "services_pending_oldest_seconds", Unit::Seconds, "Age of the oldest service that waits for its server.";
    gauge USERS = "users", Unit::Count, "Users. Labels: window = ever, day.";
    gauge POOL_ADDRESSES = "ip_pool_addresses", Unit::Count, "Addresses. Labels: node, purpose, state = free, live, reserved, quarantined.";
    gauge POOL_DAYS_LEFT = "ip_pool_days_left", Unit::Count, "Days until the pool is full at last week's pace; 3650 when it is not in sight. Labels: node, purpose.";
    counter POOL_LEASES = "ip_pool_leases_total", Unit::Count, "Requests for an address. Labels: outcome = reserved, full, conflict.";
    counter SWEPT = "sweeper_swept_total", Unit::Count, "Rows swept. Labels: what = expired, over_quota, graced, reminded, released, tidied.";
    gauge SWEEPER_LAST_SUCCESS = "sweeper_last_success_timestamp_seconds", Unit::Seconds, "When the last sweep ended well (Unix time).";
    gauge SWEEPER_LAG_SECONDS = "sweeper_lag_seconds", Unit::Seconds, "By how much the last sweep was late for the earliest end, reminder or end of a grace it found.";
    counter SWEEPER_FAILURES = "sweeper_failures_total", Unit::Count, "Sweeps that failed.";
    gauge ALERTS_OPEN = "alerts_open", Unit::Count, "Open alerts. Labels: severity.";
    counter ALERTS_RAISED = "alerts_raised_total", Unit::Count, "Conditions reported. Labels: kind.";
    gauge DEAD_LETTERS = "dead_letters", Unit::Count, "Updates that failed and were not put back.";
    counter PAYMENTS_UNEXPECTED = "payments_unexpected_total", Unit::Count, "Payment updates while nothing is sold. Labels: kind = pre_checkout, paid, refunded.";
    gauge STATS_LAST_SUCCESS = "stats_last_success_timestamp_seconds", Unit::Seconds, "When the numbers from the database were last read (Unix time).";
}

/// The gauge of a mailbox.
pub fn depth_gauge(actor: &'static str) -> Gauge {
    gauge!(ACTOR_MAILBOX_DEPTH, "actor" => actor)
}

/// Times and counts the handling of one message, also when it panics.
///
/// # Errors
/// Those of the handler.
pub async fn observed<T, E>(
    actor: &'static str,
    msg: &'static str,
    handler: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let mut watch = Watch { actor, msg, begun: Instant::now(), outcome: "panic" };
    let result = handler.await;
    watch.outcome = if result.is_ok() { "ok" } else { "error" };
    result
}

/// Reports when it is dropped, so that a panic counts as well.
struct Watch {
    actor: &'static str,
    msg: &'static str,
    begun: Instant,
    outcome: &'static str,
}

impl Drop for Watch {
    fn drop(&mut self) {
        histogram!(ACTOR_HANDLE_SECONDS, "actor" => self.actor, "msg" => self.msg).record(self.begun.elapsed());
        counter!(ACTOR_MESSAGES, "actor" => self.actor, "msg" => self.msg, "outcome" => self.outcome).increment(1);
    }
}

/// Counts one actor of its kind as alive for as long as it is kept; part of an actor's state.
#[derive(Debug)]
pub struct Alive(&'static str);

impl Alive {
    /// From now on.
    #[must_use]
    pub fn new(actor: &'static str) -> Self {
        gauge!(ACTOR_UP, "actor" => actor).increment(1.0);
        Self(actor)
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        gauge!(ACTOR_UP, "actor" => self.0).decrement(1.0);
    }
}

/// Seconds as a gauge shows them.
#[must_use]
pub fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
