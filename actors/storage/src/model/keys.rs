//! Servers of keys (Outline, MTProto) and the keys on them; plans.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use usipipo_domain::access::KeySecret;
use usipipo_domain::ids::{NodeId, PlanId, ServiceId, UserId};
use usipipo_domain::new_server::{NewServer, ServerAccess};
use usipipo_domain::outgoing::OutboxMessage;
use usipipo_domain::promotion::AdTag;
use usipipo_domain::service::{NodeState, Product};

/// How to reach the management interface of a server of keys. Sealed at rest, as a whole.
#[derive(Debug, Clone)]
pub enum KeyAccess {
    /// Outline: the management address, whose path is the only credential, and its certificate.
    Outline {
        /// `https://host:port/prefix`
        api_url: SecretString,
        /// SHA-256 of the certificate, 64 hex digits.
        cert_sha256: String,
    },
    /// telemt's HTTP API.
    Telemt {
        /// `http://host:port`
        api_url: SecretString,
        /// What it expects in `Authorization`, if anything.
        auth_header: Option<SecretString>,
    },
    /// The server was removed, and nobody knows any more what led to it.
    Forgotten,
    /// What leads to it lies sealed in its row and cannot be opened.
    Unreadable,
}

impl KeyAccess {
    /// Whether two management addresses are one: blanks around them, letters' case and slashes at the end are nothing.
    #[must_use]
    pub fn same_address(one: &SecretString, other: &SecretString) -> bool {
        let plain = |url: &SecretString| url.expose_secret().trim().trim_end_matches('/').to_lowercase();
        plain(one) == plain(other)
    }

    /// Whether both lead to one server: then each would take the other's keys for foreign ones.
    #[must_use]
    pub fn same_server(&self, other: &Self) -> bool {
        self.address().zip(other.address()).is_some_and(|(one, other)| Self::same_address(one, other))
    }

    /// `None` when nobody knows it.
    const fn address(&self) -> Option<&SecretString> {
        match self {
            Self::Outline { api_url, .. } | Self::Telemt { api_url, .. } => Some(api_url),
            Self::Forgotten | Self::Unreadable => None,
        }
    }
}

/// A server of keys as the settings (or an admin) describe it.
#[derive(Debug, Clone)]
pub struct KeyNodeSpec {
    /// Unique among all servers.
    pub name: String,
    /// For people ("Miami").
    pub place: String,
    /// ISO 3166 code, upper case; empty when not known.
    pub country: String,
    /// What its keys are.
    pub product: Product,
    /// Most keys on it.
    pub capacity: u32,
    /// Where clients connect.
    pub host: String,
    /// TCP (and for Outline also UDP) port of clients.
    pub port: u16,
    /// MTProto with fake TLS: the domain that it pretends to be.
    pub domain: Option<String>,
    /// Keys that are not ours may be removed.
    pub exclusive: bool,
    /// How to manage it.
    pub access: KeyAccess,
}

impl From<&NewServer> for KeyNodeSpec {
    fn from(new: &NewServer) -> Self {
        let access = match &new.access {
            ServerAccess::Outline { api_url, cert_sha256 } => {
                KeyAccess::Outline { api_url: api_url.expose().into(), cert_sha256: cert_sha256.clone() }
            }
            ServerAccess::Telemt { api_url, auth_header } => KeyAccess::Telemt {
                api_url: api_url.expose().into(),
                auth_header: auth_header.as_ref().map(|header| header.expose().into()),
            },
        };
        Self {
            name: new.name.clone(),
            place: new.place.clone(),
            country: new.country.clone(),
            product: new.product,
            capacity: new.capacity,
            host: new.host.clone(),
            port: new.port,
            domain: new.domain.clone(),
            exclusive: false,
            access,
        }
    }
}

/// What became of a change of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerChanged {
    /// It is so now.
    Yes {
        /// What it was for before.
        before: NodeState,
    },
    /// It stays as it was: so many services live on it.
    InUse(u64),
    /// It stays as it was: so many keys are still to be taken off it.
    KeysLeft(u64),
    /// There is no such server, or it was removed.
    NoSuch,
}

/// A server of keys as its row says.
#[derive(Debug, Clone)]
pub struct KeyNodeRow {
    /// Its id.
    pub id: NodeId,
    /// From the settings at first, from the row afterwards, except `access`, which follows the settings.
    pub spec: KeyNodeSpec,
    /// What it is for.
    pub state: NodeState,
    /// It answered last time.
    pub up: bool,
    /// An admin added it while the program ran; else it came from the settings.
    pub added: bool,
    /// The incarnation of its counters when they were last recorded.
    pub incarnation: Option<String>,
}

/// A server of any kind, as its row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerStanding {
    /// Its id.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub state: NodeState,
    /// An admin added it while the program ran; else it came from the settings.
    pub added: bool,
    /// Its row says that it answers.
    pub up: bool,
    /// And why not.
    pub error: Option<String>,
    /// Services live on it.
    pub in_use: bool,
}

/// How a key should be, or is believed to be, on its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyStanding {
    /// Not there.
    Absent,
    /// There and usable.
    Open,
    /// There and cut off: its service is suspended, and may come back with the same key.
    Closed,
}

impl KeyStanding {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// A key that a server should carry, or should no longer carry.
#[derive(Debug, Clone)]
pub struct KeyRow {
    /// Row id.
    pub id: i64,
    /// Whose.
    pub service: ServiceId,
    /// Outline's id, telemt's user name.
    pub name: String,
    /// Password or secret; `None` when the stored one cannot be opened: the key cannot be put on a server then.
    pub secret: Option<KeySecret>,
    /// How it should be: open for pending and active services, closed for suspended ones, absent when retired.
    pub wanted: KeyStanding,
    /// How we believe it is.
    pub applied: KeyStanding,
    /// It will never be wanted again.
    pub retired: bool,
    /// When the key was made.
    pub created_at: DateTime<Utc>,
    /// When its service ends, once known.
    pub ends_at: Option<DateTime<Utc>>,
    /// Length of a period of its service, in days of 24 hours.
    pub days: u16,
    /// The promotion tag of its server.
    pub ad_tag: Option<AdTag>,
    /// Devices at the same time; `None` for unlimited.
    pub devices: Option<u16>,
    /// Bytes recorded for it so far.
    pub total: u64,
}

/// What a proxy server is registered and promoted with.
#[derive(Debug, Clone)]
pub struct PromotionRow {
    /// The server's name.
    pub name: String,
    /// Where clients connect.
    pub host: String,
    /// TCP.
    pub port: u16,
    /// Its tag.
    pub tag: Option<AdTag>,
    /// A secret of nobody's, while it is being registered.
    pub secret: Option<KeySecret>,
}

/// What a server says about the traffic of one of our keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyReading {
    /// Row id.
    pub key: i64,
    /// Bytes, in the sense of [`UsageKind`].
    pub bytes: u64,
}

/// What a reading counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UsageKind {
    /// Everything since the server's counters began (in its present incarnation).
    SinceStart,
    /// The last thirty days.
    Window30Days,
}

/// A complete reading of a server's counters.
#[derive(Debug, Clone)]
pub struct KeyReadings {
    /// Names the life of the counters; another one begins at zero.
    pub incarnation: String,
    /// What the numbers count.
    pub kind: UsageKind,
    /// One for each of our keys that is there.
    pub readings: Vec<KeyReading>,
}

/// What recording usage led to.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// Rows that wait to be sent: quota notices.
    pub messages: Vec<OutboxMessage>,
    /// Services suspended now because their quota is used up; their server has keys to close.
    pub suspended: Vec<ServiceId>,
}

/// A secret made for an offer that needs a key on a server.
#[derive(Debug, Clone)]
pub struct PreparedKey {
    /// The server chosen by load and health.
    pub node: NodeId,
    /// New secret.
    pub secret: KeySecret,
    /// The name a new service gets ("Outline 1").
    pub name: String,
}

/// A server on which an offer could be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerChoice {
    /// It.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// For people.
    pub place: String,
    /// ISO 3166 code or empty.
    pub country: String,
    /// It answers.
    pub up: bool,
    /// Share of its capacity in use, percent.
    pub load_percent: u8,
}

/// What an offer is about, for its screens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferRow {
    /// `trial`, `free`, `grant`, `renew`, `move`, `rotate` or `revoke`.
    pub kind: String,
    /// What it gives or changes.
    pub product: Product,
    /// The plan of a new service or period.
    pub plan: Option<PlanId>,
    /// The service it changes.
    pub service: Option<ServiceId>,
    /// Who gets what a grant gives.
    pub for_user: Option<UserId>,
}

/// A reminder to be sent, or planned anew.
#[derive(Debug, Clone, Default)]
pub struct Reminded {
    /// Rows looked at; fewer than the limit when nothing is left.
    pub looked_at: usize,
    /// Rows that wait to be sent.
    pub messages: Vec<OutboxMessage>,
}
