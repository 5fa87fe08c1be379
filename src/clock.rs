//! The only place that reads the wall clock.

mod demo;

pub use demo::{DemoClock, DemoClockError};

use chrono::{DateTime, SubsecRound as _, Utc};
use usipipo_actors::ports::clock::Clock;

/// The time of the machine, with microseconds at most, as PostgreSQL keeps it. For logs and files; whatever decides
/// something asks a [`Clock`].
#[must_use]
pub fn wall() -> DateTime<Utc> {
    #[allow(clippy::disallowed_methods, reason = "the one place that may")]
    let now = std::time::SystemTime::now();
    DateTime::<Utc>::from(now).trunc_subsecs(6)
}

/// Real time.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        wall()
    }
}

#[cfg(test)]
mod tests;
