//! The store (signatures; to be filled and split).
#![allow(clippy::todo, clippy::unused_async, unused_variables, missing_docs, reason = "being filled")]

use crate::StoreError;
use crate::Vault;
use crate::model::*;
use chrono::{DateTime, Utc};
use std::time::Duration;
use usipipo_domain::alert::AlertKind;
use usipipo_domain::ids::*;
use usipipo_domain::outgoing::{OutboxMessage, Outgoing, Priority};

type Result<T> = std::result::Result<T, StoreError>;

/// Access to the database; cheap to clone.
#[derive(Clone)]
pub struct Store {}

impl Store {
    /// Opens the pool; connections are made when needed.
    pub async fn connect(options: StoreOptions, vault: Vault) -> Result<Self> { todo!() }
    /// Brings the schema up to date; two processes may call it at once. Returns the names of migrations it ran.
    pub async fn migrate(options: &StoreOptions) -> Result<Vec<String>> { todo!() }
    /// One round trip, for readiness.
    pub async fn ping(&self) -> Result<()> { todo!() }

    // -- leadership --
    /// Takes the lease if it is free or over (by the server's clock); the epoch grows by one.
    pub async fn try_lead(&self, holder: &str, ttl: Duration) -> Result<Option<Epoch>> { todo!() }
    /// Keeps it; `false` when it is lost.
    pub async fn renew_lead(&self, holder: &str, epoch: Epoch, ttl: Duration) -> Result<bool> { todo!() }
    /// Gives it back, so that a standby takes over at once.
    pub async fn release_lead(&self, holder: &str, epoch: Epoch) -> Result<()> { todo!() }

    // -- inbox --
    /// Stores updates in one statement (row by row if that is refused), not fenced: a standby takes webhooks too. Returns
    /// the rows that are new, in order, their first attempt counted when `deliver` is set (the caller hands them on at once).
    /// An id seen more than two days ago belongs to a new series and is stored again.
    pub async fn store_updates(&self, bot: BotId, updates: Vec<NewUpdate>, deliver: bool, now: DateTime<Utc>) -> Result<Vec<InboxRow>> { todo!() }
    /// Users with undone session rows, oldest first.
    pub async fn waiting_users(&self, limit: usize) -> Result<Vec<UserId>> { todo!() }
    /// The user's undone session rows in order, each attempt counted first.
    pub async fn take_for_user(&self, epoch: Epoch, user: UserId, limit: usize) -> Result<Vec<InboxRow>> { todo!() }
    /// Undone rows of the other lanes in order, each attempt counted first.
    pub async fn take_for_lane(&self, epoch: Epoch, lane: &'static str, limit: usize) -> Result<Vec<InboxRow>> { todo!() }
    /// Undone session rows of one user.
    pub async fn backlog_of(&self, user: UserId) -> Result<u64> { todo!() }
    /// Marks all but the oldest `keep` undone session rows of a user as shed and queues one "slow down" (at most one a minute, by dedupe).
    pub async fn shed(&self, epoch: Epoch, user: UserId, keep: usize, now: DateTime<Utc>) -> Result<(u64, Vec<OutboxMessage>)> { todo!() }
    /// Marks rows as done without a step.
    pub async fn finish(&self, epoch: Epoch, seqs: &[InboxSeq], ignored: bool, now: DateTime<Utc>) -> Result<()> { todo!() }
    /// Moves a row to the dead letters; `apologise` queues an apology with the returned code to its user. Raises the alert.
    pub async fn bury(&self, epoch: Epoch, seq: InboxSeq, error: &str, apologise: bool, now: DateTime<Utc>) -> Result<(String, Vec<OutboxMessage>)> { todo!() }
    /// What a session's start needs.
    pub async fn session_snapshot(&self, user: UserId) -> Result<SessionSnapshot> { todo!() }

    // -- steps --
    /// What taking an offer needs to be prepared; only for the offer's own user, else `Nothing`.
    pub async fn offer_needs(&self, user: UserId, offer: OfferId, now: DateTime<Utc>) -> Result<OfferNeeds> { todo!() }
    /// How many services the user ever had of this product (for names).
    pub async fn services_ever(&self, user: UserId) -> Result<u64> { todo!() }
    /// Commits steps of several users in one transaction; one step's refusal does not touch the others.
    pub async fn commit_steps(&self, epoch: Epoch, steps: Vec<StepCommit>) -> Result<Vec<std::result::Result<StepDone, StepRefusal>>> { todo!() }
    /// A user blocked the bot or came back; with the inbox row it came in.
    pub async fn set_blocked(&self, epoch: Epoch, seq: Option<InboxSeq>, user: UserId, blocked: bool, now: DateTime<Utc>) -> Result<()> { todo!() }
    /// Finishes a payments row while nothing is sold: a pre-checkout is refused through the outbox, money raises an alert, once.
    pub async fn unexpected_payment(&self, epoch: Epoch, seq: InboxSeq, user: UserId, refuse_query: Option<&str>, charge: Option<&str>, now: DateTime<Utc>) -> Result<Vec<OutboxMessage>> { todo!() }

    // -- nodes and peers --
    /// Creates the node and its pools if missing; the row wins otherwise (except `mode` and `interface`, which follow the settings).
    /// `key` is used when it is created.
    pub async fn ensure_node(&self, spec: &NodeSpec, key: &usipipo_domain::wg::PrivateKey, now: DateTime<Utc>) -> Result<NodeRow> { todo!() }
    pub async fn nodes(&self) -> Result<Vec<NodeRow>> { todo!() }
    pub async fn node(&self, node: NodeId) -> Result<Option<NodeRow>> { todo!() }
    /// Every key that is not over on this node (removed_at is null).
    pub async fn peers_of(&self, node: NodeId) -> Result<Vec<PeerRow>> { todo!() }
    /// Only those where belief and wish differ, oldest first.
    pub async fn peer_work(&self, node: NodeId, limit: usize) -> Result<Vec<PeerRow>> { todo!() }
    /// Re-checks just before a removal: `true` if no wanted row of this node has the key.
    pub async fn may_remove(&self, node: NodeId, key: &usipipo_domain::wg::PublicKey) -> Result<bool> { todo!() }
    /// The server carries these now, in a new incarnation (counters from zero). Pending services become active, their end
    /// is computed, owners get "ready" (in place of progress) and the config file. Returns rows to send.
    pub async fn peers_applied(&self, epoch: Epoch, node: NodeId, peers: &[i64], now: DateTime<Utc>) -> Result<Vec<OutboxMessage>> { todo!() }
    /// The server no longer carries these; retired ones are over.
    pub async fn peers_removed(&self, epoch: Epoch, node: NodeId, peers: &[i64], now: DateTime<Utc>) -> Result<()> { todo!() }
    /// Adds what the counters grew by since they were last read, in one statement.
    pub async fn record_usage(&self, epoch: Epoch, node: NodeId, counters: &[PeerCounters]) -> Result<()> { todo!() }
    pub async fn record_health(&self, epoch: Epoch, node: NodeId, health: &NodeHealth) -> Result<()> { todo!() }
    /// Pending services older than this whose owner was not told yet: queues `Waiting` in place of progress, once each.
    pub async fn tell_waiting(&self, epoch: Epoch, created_before: DateTime<Utc>, now: DateTime<Utc>, limit: usize) -> Result<Vec<OutboxMessage>> { todo!() }

    // -- pools --
    pub async fn leases_of(&self, pool: PoolId) -> Result<Vec<LeaseRow>> { todo!() }
    /// Quarantined leases whose time is over and whose keys are off the server become released. At most `limit`.
    pub async fn release_quarantined(&self, epoch: Epoch, now: DateTime<Utc>, limit: usize) -> Result<Vec<(PoolId, LeaseRow)>> { todo!() }

    // -- sweeping --
    /// The next moment at which something ends.
    pub async fn next_expiry(&self) -> Result<Option<DateTime<Utc>>> { todo!() }
    /// Suspends (reason expiry) active services that are over, at most `limit`; tells their owners once (dedupe).
    pub async fn expire_due(&self, epoch: Epoch, now: DateTime<Utc>, limit: usize) -> Result<Swept> { todo!() }
    /// Deletes what is kept for a time only: empties `raw` of inbox rows done long ago, deletes older rows, old offers and sent outbox rows. In batches; returns rows touched.
    pub async fn tidy(&self, epoch: Epoch, scrub_before: DateTime<Utc>, delete_before: DateTime<Utc>, limit: usize) -> Result<u64> { todo!() }

    // -- outbox --
    /// Rows that are due, by priority and id, not those in `except`.
    pub async fn outbox_due(&self, now: DateTime<Utc>, except: &[OutboxId], limit: usize) -> Result<Vec<OutboxMessage>> { todo!() }
    /// Queues a message outside a step (e.g. for tests or admin tools).
    pub async fn enqueue(&self, epoch: Epoch, chat: UserId, priority: Priority, content: &Outgoing, dedupe: Option<&str>, now: DateTime<Utc>) -> Result<Option<OutboxMessage>> { todo!() }
    /// Marks a batch as sent and notes which message shows which screen, in one statement each.
    pub async fn mark_sent(&self, epoch: Epoch, sent: &[SentMessage], now: DateTime<Utc>) -> Result<()> { todo!() }
    pub async fn mark_failure(&self, epoch: Epoch, id: OutboxId, failure: &SendFailure, now: DateTime<Utc>) -> Result<()> { todo!() }

    // -- alerts --
    /// Opens the alert or counts it again; only opening queues messages to `tell` (priority notice).
    pub async fn raise(&self, epoch: Epoch, kind: &AlertKind, tell: &[UserId], now: DateTime<Utc>) -> Result<Vec<OutboxMessage>> { todo!() }
    /// Closes it if open and tells once.
    pub async fn resolve(&self, epoch: Epoch, key: &str, tell: &[UserId], now: DateTime<Utc>) -> Result<Vec<OutboxMessage>> { todo!() }
    pub async fn alert(&self, id: AlertId) -> Result<Option<AlertRow>> { todo!() }
    pub async fn open_alerts(&self) -> Result<Vec<AlertRow>> { todo!() }

    // -- reads for screens (decide nothing) --
    pub async fn viewer(&self, user: UserId) -> Result<Option<Viewer>> { todo!() }
    /// Own live services (and those ended in the last week), newest first.
    pub async fn services_of(&self, user: UserId, page: u16, per_page: u16) -> Result<Page<usipipo_domain::service::ServiceCard>> { todo!() }
    /// Only the user's own.
    pub async fn card(&self, user: UserId, service: ServiceId) -> Result<Option<usipipo_domain::service::ServiceCard>> { todo!() }
    /// Only the user's own, live and not suspended.
    pub async fn client_config(&self, user: UserId, service: ServiceId) -> Result<Option<ClientConfig>> { todo!() }
    pub async fn trial_taken(&self, user: UserId) -> Result<Option<(ServiceId, DateTime<Utc>)>> { todo!() }
    pub async fn system_stats(&self, now: DateTime<Utc>) -> Result<SystemStats> { todo!() }
    pub async fn node_overviews(&self) -> Result<Vec<NodeOverview>> { todo!() }
    pub async fn pool_overviews(&self, now: DateTime<Utc>) -> Result<Vec<PoolOverview>> { todo!() }
    /// Open ones first, newest first.
    pub async fn dead_letters(&self, page: u16, per_page: u16) -> Result<Page<DeadLetterRow>> { todo!() }
    pub async fn dead_letter(&self, id: DeadLetterId) -> Result<Option<DeadLetterRow>> { todo!() }

    // -- keys --
    /// Re-encrypts every secret with the vault's current key, in batches; returns how many rows were changed.
    pub async fn rotate_secrets(&self) -> Result<u64> { todo!() }
}
