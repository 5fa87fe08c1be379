//! Who may do what: the one gate before every command and button.

use crate::ids::UserId;
use serde::{Deserialize, Serialize};

/// The closed list of what an admin can be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Permission {
    /// See the state of the whole system.
    SystemRead,
    /// See servers.
    NodesRead,
    /// Put servers into maintenance, drain them.
    NodesManage,
    /// See address pools.
    PoolsRead,
    /// See any user's card.
    UsersRead,
    /// Give a user a service.
    ServicesGrant,
    /// Pause a user's service, and lift what suspends it.
    ServicesSuspend,
    /// Give a user's service more days.
    ServicesExtend,
    /// End a user's service for good.
    ServicesRevoke,
    /// Read updates that failed.
    DeadLettersRead,
    /// Have them handled again.
    DeadLettersReplay,
    /// Receive alerts.
    AlertsReceive,
    /// Say that an alert is settled which only a person can settle.
    AlertsSettle,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 13] = [
        Self::SystemRead,
        Self::NodesRead,
        Self::NodesManage,
        Self::PoolsRead,
        Self::UsersRead,
        Self::ServicesGrant,
        Self::ServicesSuspend,
        Self::ServicesExtend,
        Self::ServicesRevoke,
        Self::DeadLettersRead,
        Self::DeadLettersReplay,
        Self::AlertsReceive,
        Self::AlertsSettle,
    ];

    /// As shown, stored and audited.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SystemRead => "system.read",
            Self::NodesRead => "nodes.read",
            Self::NodesManage => "nodes.manage",
            Self::PoolsRead => "pools.read",
            Self::UsersRead => "users.read",
            Self::ServicesGrant => "services.grant",
            Self::ServicesSuspend => "services.suspend",
            Self::ServicesExtend => "services.extend",
            Self::ServicesRevoke => "services.revoke",
            Self::DeadLettersRead => "deadletters.read",
            Self::DeadLettersReplay => "deadletters.replay",
            Self::AlertsReceive => "alerts.receive",
            Self::AlertsSettle => "alerts.settle",
        }
    }
}

/// A rank. Named roles with chosen permissions come between user and superadmin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everyone.
    User,
    /// Reads everything, helps users with what they hold, and replays failed updates.
    Admin,
    /// May do everything; named in the settings.
    Superadmin,
}

impl Role {
    /// Whether the role holds the permission.
    #[must_use]
    pub const fn holds(self, permission: Permission) -> bool {
        match self {
            Self::Superadmin => true,
            Self::Admin => !matches!(permission, Permission::NodesManage | Permission::ServicesGrant),
            Self::User => false,
        }
    }
}

/// Who has which role, from the settings.
#[derive(Debug, Clone, Default)]
pub struct Staff {
    superadmins: Vec<UserId>,
    admins: Vec<UserId>,
}

impl Staff {
    /// Takes the lists of the settings.
    #[must_use]
    pub fn new(superadmins: Vec<UserId>, admins: Vec<UserId>) -> Self {
        Self { superadmins, admins }
    }

    /// The role of a user.
    #[must_use]
    pub fn role_of(&self, user: UserId) -> Role {
        if self.superadmins.contains(&user) {
            Role::Superadmin
        } else if self.admins.contains(&user) {
            Role::Admin
        } else {
            Role::User
        }
    }

    /// Everyone who holds the permission.
    pub fn holders(&self, permission: Permission) -> impl Iterator<Item = UserId> + '_ {
        self.superadmins.iter().chain(&self.admins).copied().filter(move |user| self.role_of(*user).holds(permission))
    }
}
