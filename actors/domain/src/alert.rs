//! What admins are told about.

use crate::ids::ServiceId;
use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Look when you have time.
    Warning,
    /// Users are hurt now.
    Critical,
}

impl Severity {
    /// As stored, and as metrics label it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// A condition. One open alert exists per [`AlertKind::key`], however often it is raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AlertKind {
    /// A server does not answer.
    NodeDown {
        /// Its name.
        node: String,
        /// What its driver said.
        error: String,
    },
    /// Peers that are not ours were found on a server and left alone.
    ForeignPeers {
        /// Its name.
        node: String,
        /// How many.
        count: u32,
    },
    /// A pool is full, or will be soon.
    PoolNearlyFull {
        /// The server's name.
        node: String,
        /// `trial` or `paid`.
        purpose: String,
        /// Addresses that can still be given out.
        free: u64,
        /// All addresses.
        total: u64,
    },
    /// A server of keys is full, or nearly.
    ServerNearlyFull {
        /// Its name.
        node: String,
        /// Services that have a place on it.
        used: u64,
        /// Most services on it.
        capacity: u64,
    },
    /// Several probes of a server in a row failed: it answers us, and does not serve its users.
    ProbeFailing {
        /// Its name.
        node: String,
        /// What the last one found.
        error: String,
    },
    /// An actor crashes again and again and was given up for now.
    ActorQuarantined {
        /// Its kind.
        actor: String,
        /// The last cause.
        cause: String,
    },
    /// An update could not be handled.
    DeadLetter {
        /// Open dead letters.
        count: u32,
    },
    /// Telegram's token is refused, or somebody else polls with it.
    TelegramRefuses {
        /// What it said.
        error: String,
    },
    /// A payment arrived although nothing is sold yet, or does not fit any order.
    UnexpectedPayment {
        /// The provider's id of it.
        charge: String,
    },
    /// Services wait for a server longer than they should.
    ProvisioningLate {
        /// How many.
        count: u32,
    },
    /// A stored secret cannot be opened, so the service's key cannot be put on its server.
    SecretUnreadable {
        /// The server's name.
        node: String,
        /// Whose secret.
        service: ServiceId,
    },
}

impl AlertKind {
    /// Alerts with the same key are one.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::NodeDown { node, .. } => format!("node_down/{node}"),
            Self::ForeignPeers { node, .. } => format!("foreign_peers/{node}"),
            Self::PoolNearlyFull { node, purpose, .. } => format!("pool_nearly_full/{node}/{purpose}"),
            Self::ServerNearlyFull { node, .. } => format!("server_nearly_full/{node}"),
            Self::ProbeFailing { node, .. } => format!("probe_failing/{node}"),
            Self::ActorQuarantined { actor, .. } => format!("actor_quarantined/{actor}"),
            Self::DeadLetter { .. } => "dead_letter".to_owned(),
            Self::TelegramRefuses { .. } => "telegram_refuses".to_owned(),
            Self::UnexpectedPayment { charge } => format!("unexpected_payment/{charge}"),
            Self::ProvisioningLate { .. } => "provisioning_late".to_owned(),
            Self::SecretUnreadable { service, .. } => format!("secret_unreadable/{service}"),
        }
    }

    /// The kind's name, for metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NodeDown { .. } => "node_down",
            Self::ForeignPeers { .. } => "foreign_peers",
            Self::PoolNearlyFull { .. } => "pool_nearly_full",
            Self::ServerNearlyFull { .. } => "server_nearly_full",
            Self::ProbeFailing { .. } => "probe_failing",
            Self::ActorQuarantined { .. } => "actor_quarantined",
            Self::DeadLetter { .. } => "dead_letter",
            Self::TelegramRefuses { .. } => "telegram_refuses",
            Self::UnexpectedPayment { .. } => "unexpected_payment",
            Self::ProvisioningLate { .. } => "provisioning_late",
            Self::SecretUnreadable { .. } => "secret_unreadable",
        }
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::NodeDown { .. }
            | Self::ProbeFailing { .. }
            | Self::TelegramRefuses { .. }
            | Self::UnexpectedPayment { .. }
            | Self::ProvisioningLate { .. }
            | Self::SecretUnreadable { .. } => Severity::Critical,
            Self::ForeignPeers { .. }
            | Self::PoolNearlyFull { .. }
            | Self::ServerNearlyFull { .. }
            | Self::ActorQuarantined { .. }
            | Self::DeadLetter { .. } => Severity::Warning,
        }
    }

    /// Whether only a person can say that it is over: nothing in the program sees it.
    #[must_use]
    pub const fn is_settled_by_hand(&self) -> bool {
        matches!(self, Self::UnexpectedPayment { .. })
    }
}
