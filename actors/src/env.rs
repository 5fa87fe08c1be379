//! What every actor needs: handed to each at its start.

use crate::directory::Directory;
use crate::limits::Limits;
use crate::ports::clock::Clock;
use crate::ports::drivers::Drivers;
use crate::ports::messenger::Messenger;
use crate::ports::promotion::PromotionRegistrar;
use crate::ports::updates::UpdateParser;
use chrono::TimeDelta;
use std::fmt;
use std::sync::Arc;
use usipipo_domain::ids::BotId;
use usipipo_domain::lang::Lang;
use usipipo_domain::lifecycle::QuietHours;
use usipipo_domain::permission::Staff;
use usipipo_storage::Store;
use usipipo_storage::model::Epoch;

/// What the operator decided.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whose updates these are.
    pub bot: BotId,
    /// Who may do what.
    pub staff: Arc<Staff>,
    /// For users whose app tells no language that we speak.
    pub language: Lang,
    /// IANA name, for users who have not chosen one.
    pub tz: String,
    /// How long after its end a renewal brings back the same address and key.
    pub grace: TimeDelta,
    /// When nobody is reminded of anything, for users who chose no hours of their own; `None`: never.
    pub quiet: Option<QuietHours>,
    /// Most services that a user may hold at a time; what admins grant does not count.
    pub services_max: u16,
    /// Bounds on queues, batches and retries.
    pub limits: Limits,
}

/// The tree's surroundings.
pub struct Env {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The way to Telegram.
    pub messenger: Arc<dyn Messenger>,
    /// Reads updates.
    pub parser: Arc<dyn UpdateParser>,
    /// Gets promotion tags.
    pub registrar: Arc<dyn PromotionRegistrar>,
    /// Makes drivers of servers of keys.
    pub drivers: Arc<dyn Drivers>,
    /// Who is where.
    pub directory: Directory,
    /// What the operator decided.
    pub options: Options,
}

impl Env {
    /// The bounds.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.options.limits
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").field("options", &self.options).finish_non_exhaustive()
    }
}

/// The surroundings of an actor that works only while this process leads.
#[derive(Debug, Clone)]
pub struct Duty {
    /// The tree's surroundings.
    pub env: Arc<Env>,
    /// Every write carries it.
    pub epoch: Epoch,
}
