//! Fake ports, options, and a builder of whole systems, for tests.

pub mod clock;
pub mod driver;
pub mod drivers;
pub mod key_driver;
pub mod liveness;
pub mod messenger;
pub mod parser;
pub mod source;
pub mod system;

use crate::env::Options;
use crate::limits::Limits;
use std::sync::Arc;
use usipipo_domain::ids::{BotId, UserId};
use usipipo_domain::lang::Lang;
use usipipo_domain::lifecycle::{GRACE, QuietHours};
use usipipo_domain::permission::Staff;
use usipipo_domain::service::SERVICES_MAX;

pub use system::until;

/// What an operator in Havana decides who leaves the rest as it is: one superadmin, the usual quiet hours.
#[must_use]
pub fn options(superadmin: UserId, limits: Limits) -> Options {
    Options {
        bot: BotId(42),
        staff: Arc::new(Staff::new(vec![superadmin], Vec::new())),
        language: Lang::Es,
        tz: "America/Havana".to_owned(),
        grace: GRACE,
        quiet: Some(QuietHours::default()),
        services_max: SERVICES_MAX,
        limits,
    }
}
