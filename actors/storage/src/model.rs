//! What goes into and comes out of [`crate::Store`]. No Diesel type leaves the package.

use chrono::{DateTime, Utc};
use chrono_tz_name::TzName;
use ipnetwork::{Ipv4Network, Ipv6Network};
use std::time::Duration;
use usipipo_domain::access::KeySecret;
use usipipo_domain::dialogue::{State, Step};
use usipipo_domain::ids::{BotId, InboxSeq, LeaseId, NodeId, OutboxId, PoolId, ServiceId, UserId};
use usipipo_domain::lang::Lang;
use usipipo_domain::lifecycle::QuietHours;
use usipipo_domain::outgoing::OutboxMessage;
use usipipo_domain::screen::{Screen, TrialRefusal};
use usipipo_domain::service::{Addresses, NodeState, Product, Purpose, SERVICES_MAX, ServiceCard};
use usipipo_domain::wg::{PresharedKey, PrivateKey, PublicKey};

mod keys;
mod reports;
pub use keys::{
    KeyAccess, KeyNodeRow, KeyNodeSpec, KeyReading, KeyReadings, KeyRow, KeyStanding, OfferRow, PreparedKey,
    PromotionRow, Recorded, Reminded, ServerChanged, ServerChoice, ServerStanding, UsageKind,
};
pub use reports::{AlertRow, DeadLetterRow, NodeOverview, Page, PoolOverview, SystemStats};

/// A time zone's IANA name, checked where it was chosen.
pub mod chrono_tz_name {
    /// For example `America/Havana`.
    pub type TzName = String;
}

/// Which leadership a write belongs to. A write of an older epoch is refused with [`crate::StoreError::NotLeader`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub i64);

/// The lease of leadership as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadRow {
    /// Who has it, or had it last; empty when nobody ever had.
    pub holder: String,
    /// In which epoch.
    pub epoch: Epoch,
    /// It ran out or was given back, by the server's clock.
    pub over: bool,
}

/// An update to store.
#[derive(Debug, Clone)]
pub struct NewUpdate {
    /// Telegram's id.
    pub update_id: Option<i64>,
    /// Who caused it.
    pub user: Option<UserId>,
    /// `session`, `payments`, `membership` or `ignored`.
    pub lane: &'static str,
    /// The bytes as received.
    pub raw: Vec<u8>,
}

/// An update in the inbox, handed to whom it concerns. Its attempt is counted already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRow {
    /// Our own order.
    pub seq: InboxSeq,
    /// Who caused it.
    pub user: Option<UserId>,
    /// Which way it goes.
    pub lane: String,
    /// The bytes as received.
    pub raw: Vec<u8>,
    /// This attempt included.
    pub attempts: u16,
    /// When we got it.
    pub received_at: DateTime<Utc>,
}

/// What a session keeps of its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// Telegram's id.
    pub id: UserId,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: Option<String>,
    /// Without the at sign.
    pub username: Option<String>,
    /// Chosen or guessed language.
    pub lang: Lang,
    /// Chosen or default time zone.
    pub tz: TzName,
    /// First contact.
    pub created_at: DateTime<Utc>,
    /// Last contact, exact to the hour.
    pub last_seen_at: DateTime<Utc>,
    /// They blocked the bot.
    pub blocked: bool,
    /// Reminders before an end are sent.
    pub reminders: bool,
    /// Their own quiet hours (equal ends: never); `None` for those of the settings.
    pub quiet: Option<QuietHours>,
}

/// A session's memory, rebuilt when it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSnapshot {
    /// `None` for someone who never wrote.
    pub user: Option<UserRow>,
    /// Where the conversation stands.
    pub state: State,
}

/// What must be kept of the user with this step: they are new, or a name changed, or were last seen long ago, or are back
/// after they blocked the bot. `None` in [`StepCommit::touch`] leaves the row alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserTouch {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: Option<String>,
    /// Without the at sign.
    pub username: Option<String>,
    /// For a new user only: the language guessed from their app; never changes an existing one.
    pub lang: Lang,
    /// For a new user only.
    pub tz: TzName,
    /// For a new user only: the parameter of their first `/start`.
    pub referral: Option<String>,
}

/// What the session prepared for an effect that makes a service: an address reserved by the pool's actor, and keys.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The node the address is on.
    pub node: NodeId,
    /// The pool it comes from.
    pub pool: PoolId,
    /// The reserved addresses; `None` for a rotation, which keeps its lease.
    pub addresses: Option<Addresses>,
    /// New private key; unused when the effect brings the user's own public key.
    pub private_key: PrivateKey,
    /// New preshared key.
    pub preshared_key: PresharedKey,
    /// The name a new service gets ("WireGuard 1").
    pub name: String,
}

/// One update's step, to be committed as a whole.
#[derive(Debug, Clone)]
pub struct StepCommit {
    /// The update; if it is done already, nothing happens.
    pub seq: InboxSeq,
    /// Who.
    pub user: UserId,
    /// What the dialogue decided. For [`usipipo_domain::dialogue::Act::Do`], the effect is carried out here and its
    /// outcome turned into messages by [`usipipo_domain::dialogue::after`].
    pub step: Step,
    /// The state before; the row is written only when it changes.
    pub before: State,
    /// The button press to answer.
    pub callback_id: Option<String>,
    /// What changed of the user.
    pub touch: Option<UserTouch>,
    /// For `Accept` of an offer that needs an address or WireGuard keys ([`OfferNeeds::Address`], [`OfferNeeds::Keys`]).
    pub prepared: Option<Prepared>,
    /// For `Accept` of an offer that needs a key ([`OfferNeeds::Key`], [`OfferNeeds::Secret`]).
    pub prepared_key: Option<PreparedKey>,
    /// Why nothing could be prepared for a service (no node is up, pools are full), and of which product: the user is told,
    /// an offer stays usable. Looked at for `OfferTrial` (of another product, or of none in particular, what it is about is
    /// left out of the choice) and for `Accept` of whatever makes or moves a service, and only when nothing else stands
    /// against it, as a trial used already.
    pub refused: Option<(TrialRefusal, Product)>,
    /// What the settings allow.
    pub rules: StepRules,
    /// The program's time.
    pub now: DateTime<Utc>,
}

/// Rules of the settings that a step may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepRules {
    /// Most services that a user may hold at a time; granted ones do not count.
    pub services_max: u16,
    /// Quiet hours that a user gets who turns them on.
    pub quiet: Option<QuietHours>,
}

impl Default for StepRules {
    fn default() -> Self {
        Self { services_max: SERVICES_MAX, quiet: Some(QuietHours::default()) }
    }
}

/// What a committed step leaves to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepDone {
    /// The conversation's state now.
    pub state: State,
    /// Rows that wait to be sent, for the outbox's memory.
    pub messages: Vec<OutboxMessage>,
    /// Servers with new work.
    pub wake: Vec<NodeId>,
    /// The prepared address was used; if not, its reservation is to be given back.
    pub address_used: bool,
    /// A failed update of this user is in the inbox again: their session is to be nudged.
    pub replayed: Option<UserId>,
}

/// Why a step was not committed; the others of its group are not affected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepRefusal {
    /// It was committed before.
    #[error("the update was handled before")]
    AlreadyDone,
    /// Somebody else holds the prepared address; ask the pool for the next one and try again.
    #[error("the address is taken")]
    AddressTaken,
    /// The effect needs an address or keys that were not prepared; look at the offer with `Store::offer_needs`.
    #[error("the offer needs an address or keys")]
    NotPrepared,
    /// The database refused this step and took the others; trying again will not help.
    #[error("the database refused the step: {0}")]
    Broken(String),
}

/// What taking an offer needs to be prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfferNeeds {
    /// Nothing: gone, taken, foreign, or something that needs no preparation. The commit tells the user.
    Nothing,
    /// An address from a pool of this purpose, and keys.
    Address {
        /// Which pools.
        purpose: Purpose,
        /// Not on this server: it is a move away from it.
        not: Option<NodeId>,
    },
    /// Keys; the service stays on this node and pool.
    Keys {
        /// The node of the service.
        node: NodeId,
        /// The pool of its lease.
        pool: PoolId,
    },
    /// A new secret on a server of this product that takes new services.
    Key {
        /// Of what.
        product: Product,
        /// Not on this server: it is a move away from it.
        not: Option<NodeId>,
    },
    /// A new secret; the service stays on its server.
    Secret {
        /// Of what.
        product: Product,
        /// The server.
        node: NodeId,
    },
}

/// A server as the settings describe it, for `Store::ensure_node`.
#[derive(Debug, Clone)]
pub struct NodeSpec {
    /// Unique name.
    pub name: String,
    /// `wireguard`.
    pub driver: String,
    /// `auto`, `kernel`, `userspace` or `config-only`.
    pub mode: String,
    /// For people ("Miami").
    pub place: String,
    /// ISO 3166 code, upper case; empty when not known.
    pub country: String,
    /// Network interface.
    pub interface: String,
    /// UDP port.
    pub listen_port: u16,
    /// `host:port` for clients.
    pub endpoint: String,
    /// Name servers for clients.
    pub dns: Vec<String>,
    /// Bytes.
    pub mtu: u32,
    /// Foreign peers may be removed.
    pub exclusive: bool,
    /// Address pools.
    pub pools: Vec<PoolSpec>,
}

/// A pool as the settings describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSpec {
    /// Trial or paid.
    pub purpose: Purpose,
    /// IPv4 prefix.
    pub v4: Option<Ipv4Network>,
    /// IPv6 prefix.
    pub v6: Option<Ipv6Network>,
}

/// A server as its row says.
#[derive(Debug, Clone)]
pub struct NodeRow {
    /// Its id.
    pub id: NodeId,
    /// From the settings at first, from the row afterwards.
    pub spec: NodeSpec,
    /// Its pools' ids, in the order of `spec.pools`.
    pub pool_ids: Vec<PoolId>,
    /// The server's key.
    pub private_key: PrivateKey,
    /// Its public half.
    pub public_key: PublicKey,
    /// It answered last time.
    pub up: bool,
    /// What it is for.
    pub state: NodeState,
}

/// What a node's actor last saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeHealth {
    /// It answers.
    pub up: bool,
    /// No tunnel is carried on this machine.
    pub config_only: bool,
    /// Why not.
    pub error: Option<String>,
    /// Peers on it that are not ours.
    pub foreign_peers: u32,
    /// Looked at.
    pub now: DateTime<Utc>,
}

/// A key that a server should carry, or should no longer carry.
#[derive(Debug, Clone)]
pub struct PeerRow {
    /// Row id.
    pub id: i64,
    /// Whose.
    pub service: ServiceId,
    /// The key.
    pub public_key: PublicKey,
    /// Shared with the client; `None` when the stored secret cannot be opened: the key cannot be put on a server then.
    pub preshared_key: Option<PresharedKey>,
    /// What it may use.
    pub addresses: Addresses,
    /// The server should carry it: not retired, and the service is pending or active.
    pub wanted: bool,
    /// We believe that the server carries it.
    pub applied: bool,
    /// It will never be wanted again.
    pub retired: bool,
    /// When the key was made.
    pub created_at: DateTime<Utc>,
}

/// Counters of one peer as the server reports them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCounters {
    /// Row id.
    pub peer: i64,
    /// Bytes from the user in this incarnation.
    pub rx: u64,
    /// Bytes to the user in this incarnation.
    pub tx: u64,
    /// Last completed handshake.
    pub last_handshake: Option<DateTime<Utc>>,
}

/// A lease that keeps its addresses from being given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseRow {
    /// Its id.
    pub id: LeaseId,
    /// Its addresses.
    pub addresses: Addresses,
    /// It rests until then (and until the server has dropped its key).
    pub quarantine_until: Option<DateTime<Utc>>,
}

/// What ends did: of time, or of traffic.
#[derive(Debug, Clone, Default)]
pub struct Swept {
    /// Services that are suspended for this reason now.
    pub services: Vec<ServiceId>,
    /// Servers with peers to remove.
    pub wake: Vec<NodeId>,
    /// Rows that wait to be sent.
    pub messages: Vec<OutboxMessage>,
}

/// A message that Telegram took.
#[derive(Debug, Clone)]
pub struct SentMessage {
    /// The row.
    pub id: OutboxId,
    /// The chat.
    pub chat: UserId,
    /// The message that now shows a screen.
    pub shown: Option<(i32, Screen)>,
}

/// What became of a message that Telegram did not take.
#[derive(Debug, Clone)]
pub enum SendFailure {
    /// Try again at this time.
    Retry {
        /// Not before.
        at: DateTime<Utc>,
        /// What happened.
        error: String,
    },
    /// Given up.
    Failed {
        /// What happened.
        error: String,
        /// The user blocked the bot: their other messages are given up too.
        blocked: bool,
    },
}

/// Everything needed to render for one user, read in one query.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// Their row.
    pub user: UserRow,
    /// The message that shows the current screen, what it shows, and since when.
    pub current: Option<(i32, Screen, DateTime<Utc>)>,
}

/// What a user needs to use a service, secrets included, read at the moment of sending.
#[derive(Debug)]
pub struct ClientConfig {
    /// The service.
    pub card: ServiceCard,
    /// The thing itself.
    pub thing: Thing,
}

/// What a service is to its user.
#[derive(Debug)]
pub enum Thing {
    /// A WireGuard config.
    Tunnel(TunnelConfig),
    /// An Outline key.
    Outline {
        /// Shadowsocks password.
        password: secrecy::SecretString,
        /// Where clients connect.
        host: String,
        /// TCP and UDP.
        port: u16,
    },
    /// A proxy for Telegram.
    Mtproto {
        /// Without `dd`, `ee` or domain.
        secret: KeySecret,
        /// Where clients connect.
        host: String,
        /// TCP.
        port: u16,
        /// The domain that it pretends to be, if it does.
        domain: Option<String>,
    },
}

/// The secrets of a WireGuard config.
#[derive(Debug)]
pub struct TunnelConfig {
    /// `None`: the user keeps it.
    pub private_key: Option<PrivateKey>,
    /// Shared with the server.
    pub preshared_key: PresharedKey,
    /// The server's key.
    pub server_key: PublicKey,
    /// `host:port`.
    pub endpoint: String,
    /// Name servers.
    pub dns: Vec<String>,
    /// Bytes.
    pub mtu: u32,
}

/// Settings of the connection pool.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// `postgres://…`; a secret, because it may hold a password.
    pub url: secrecy::SecretString,
    /// Most connections.
    pub max_connections: usize,
    /// Longest wait for a free connection.
    pub wait_timeout: Duration,
    /// Longest run of one statement.
    pub statement_timeout: Duration,
}

/// Who a Telegram bot is, for rows of its own.
pub type Bot = BotId;
