//! What a user holds, and its life.

use crate::ids::{LeaseId, NodeId, ServiceId, UserId};
use crate::permission::Permission;
use crate::wg::PublicKey;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, Ipv6Addr};

/// What is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    /// A WireGuard config.
    Wireguard,
    /// An Outline (Shadowsocks) access key.
    Outline,
    /// A proxy for Telegram alone.
    Mtproto,
}

impl Product {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wireguard => "wireguard",
            Self::Outline => "outline",
            Self::Mtproto => "mtproto",
        }
    }

    /// Every product, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Wireguard, Self::Outline, Self::Mtproto];

    /// From storage, settings and buttons.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|product| product.as_str() == text)
    }

    /// What steers its servers, as their rows and metrics say.
    #[must_use]
    pub const fn driver(self) -> &'static str {
        match self {
            Self::Wireguard => "wireguard",
            Self::Outline => "outline",
            Self::Mtproto => "telemt",
        }
    }

    /// The product that lives on a driver's servers.
    #[must_use]
    pub fn of_driver(driver: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|product| product.driver() == driver)
    }

    /// Whether it is tunnelled with addresses of ours; else it is a key or secret on a server.
    #[must_use]
    pub const fn has_addresses(self) -> bool {
        matches!(self, Self::Wireguard)
    }
}

/// What a pool's addresses are for; trials never take paid ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Free trials.
    Trial,
    /// Everything that was paid for or granted.
    Paid,
}

impl Purpose {
    /// As stored, and as metrics label it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::Paid => "paid",
        }
    }
}

/// Where a service stands: `pending → active ⇄ suspended → expired | revoked | failed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceStatus {
    /// Rows exist; the server does not carry it yet.
    Pending,
    /// It works.
    Active,
    /// It is kept but does not work; the reasons say why.
    Suspended,
    /// Its grace ended.
    Expired,
    /// A person ended it.
    Revoked,
    /// It never came up.
    Failed,
}

impl ServiceStatus {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Failed => "failed",
        }
    }

    /// Whether it still holds its address.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Pending | Self::Active | Self::Suspended)
    }
}

/// Why a service is suspended; each is cleared on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SuspendReason {
    /// Its time is over.
    Expiry,
    /// Its traffic is used up.
    Quota,
    /// An admin suspended it.
    Admin,
}

impl SuspendReason {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expiry => "expiry",
            Self::Quota => "quota",
            Self::Admin => "admin",
        }
    }
}

/// What a server is for just now, as admins decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeState {
    /// Takes new services.
    Active,
    /// Keeps what it has and takes nothing new.
    Draining,
    /// As draining, and nobody is alarmed when it does not answer.
    Maintenance,
    /// It is no more.
    Removed,
}

impl NodeState {
    /// As stored, and as metrics label it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Maintenance => "maintenance",
            Self::Removed => "removed",
        }
    }

    /// From storage.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Draining, Self::Maintenance, Self::Removed]
            .into_iter()
            .find(|state| state.as_str() == text)
    }

    /// Whether admins are to hear that it does not work; of one in maintenance they know.
    #[must_use]
    pub const fn alarms(self) -> bool {
        matches!(self, Self::Active | Self::Draining)
    }
}

/// What an admin does to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeChange {
    /// Back to normal.
    Activate,
    /// Nothing new on it.
    Drain,
    /// Work is done on it.
    Maintain,
    /// For good; only when nothing lives on it and every key is taken off it.
    Remove,
    /// As removal, of a server that no longer exists: keys still to be taken off it are given up.
    Forget,
}

impl NodeChange {
    /// What the server is for afterwards.
    #[must_use]
    pub const fn state(self) -> NodeState {
        match self {
            Self::Activate => NodeState::Active,
            Self::Drain => NodeState::Draining,
            Self::Maintain => NodeState::Maintenance,
            Self::Remove | Self::Forget => NodeState::Removed,
        }
    }
}

/// Most days by which an admin extends a service at once.
pub const EXTEND_MAX_DAYS: u16 = 366;

/// What an admin does to a user's service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceChange {
    /// It does not work until somebody lifts it: reason [`SuspendReason::Admin`].
    Pause,
    /// An admin's pause goes, and with [`SuspendReason::Quota`] what was used until now. That its time is over stays: see
    /// [`ServiceChange::Extend`].
    Resume,
    /// So many days of 24 hours more, at most [`EXTEND_MAX_DAYS`], from its end, or from now when that is over.
    Extend {
        /// How many.
        days: u16,
    },
    /// For good.
    Revoke,
}

impl ServiceChange {
    /// What it needs.
    #[must_use]
    pub const fn permission(self) -> Permission {
        match self {
            Self::Pause | Self::Resume => Permission::ServicesSuspend,
            Self::Extend { .. } => Permission::ServicesExtend,
            Self::Revoke => Permission::ServicesRevoke,
        }
    }
}

/// Most services that a user may hold at a time, by default; what admins grant does not count against it.
pub const SERVICES_MAX: u16 = 5;

/// Addresses of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// IPv4, if the pool has it.
    pub v4: Option<Ipv4Addr>,
    /// IPv6, if the pool has it.
    pub v6: Option<Ipv6Addr>,
}

/// Everything a card shows. No secret in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceCard {
    /// The service.
    pub id: ServiceId,
    /// Its owner.
    pub user: UserId,
    /// What it is.
    pub product: Product,
    /// The name its owner gave it.
    pub name: String,
    /// Where it stands.
    pub status: ServiceStatus,
    /// Why it is suspended.
    pub reasons: Vec<SuspendReason>,
    /// Free trial.
    pub trial: bool,
    /// Its server.
    pub node: NodeId,
    /// Name of its server.
    pub node_name: String,
    /// Where its server stands, for people ("Miami"); empty when not set.
    pub node_place: String,
    /// ISO 3166 code of the country it stands in, upper case; empty when not known.
    pub node_country: String,
    /// Whether its server answered last time.
    pub node_up: bool,
    /// No tunnel is carried on this machine; configs only.
    pub node_config_only: bool,
    /// Its lease.
    pub lease: Option<LeaseId>,
    /// Its addresses.
    pub addresses: Addresses,
    /// The current key.
    pub public_key: Option<PublicKey>,
    /// The user keeps the private key; we never had it.
    pub own_key: bool,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it first worked.
    pub activated_at: Option<DateTime<Utc>>,
    /// When it ends.
    pub ends_at: Option<DateTime<Utc>>,
    /// Free plan that can be renewed without money.
    pub free: bool,
    /// Length of a period, in days.
    pub days: u16,
    /// Devices at the same time; `None` for unlimited.
    pub devices: Option<u16>,
    /// Traffic allowed in a period, bytes; `None` for unlimited.
    pub quota_bytes: Option<u64>,
    /// Bytes used, in both directions, before the present period.
    pub used_before: u64,
    /// Bytes the user sent.
    pub used_up: u64,
    /// Bytes the user received.
    pub used_down: u64,
    /// Last completed handshake.
    pub last_handshake: Option<DateTime<Utc>>,
}

impl ServiceCard {
    /// Bytes in both directions, in this period.
    #[must_use]
    pub const fn used(&self) -> u64 {
        self.used_up.saturating_add(self.used_down).saturating_sub(self.used_before)
    }

    /// Used share of the quota in percent, at most 100; `None` without a quota.
    #[must_use]
    pub fn used_percent(&self) -> Option<u8> {
        let quota = self.quota_bytes.filter(|quota| *quota > 0)?;
        let percent = u128::from(self.used()) * 100 / u128::from(quota);
        Some(u8::try_from(percent.min(100)).unwrap_or(100))
    }
}

/// Longest name of a service, in characters.
pub const NAME_MAX_CHARS: usize = 24;

/// Why a text is no name for a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NameError {
    /// Nothing visible in it.
    Empty,
    /// Longer than [`NAME_MAX_CHARS`].
    TooLong,
}

/// Cleans a name: no control or direction-changing characters, single spaces, at most [`NAME_MAX_CHARS`].
///
/// # Errors
/// When nothing visible is left or it is too long.
pub fn clean_name(text: &str) -> Result<String, NameError> {
    // Direction marks could make a name rearrange the rest of a line.
    let hidden = |c: char| {
        c.is_control() && !c.is_whitespace()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let visible: String = text.chars().filter(|c| !hidden(*c)).collect();
    let name = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    match name.chars().count() {
        0 => Err(NameError::Empty),
        n if n > NAME_MAX_CHARS => Err(NameError::TooLong),
        _ => Ok(name),
    }
}
