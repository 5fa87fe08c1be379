//! A clock that stands still until it is moved.

use crate::ports::clock::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::atomic::{AtomicI64, Ordering};

/// 2026-01-01, 12:00 UTC: where a [`FakeClock`] starts.
const START_MICROS: i64 = 1_767_268_800_000_000;

/// A clock that stands still until it is moved; all who share it see the move at once.
#[derive(Debug)]
pub struct FakeClock {
    micros: AtomicI64,
}

impl Default for FakeClock {
    fn default() -> Self {
        Self { micros: AtomicI64::new(START_MICROS) }
    }
}

impl FakeClock {
    /// A clock that shows this time.
    #[must_use]
    pub const fn at(time: DateTime<Utc>) -> Self {
        Self { micros: AtomicI64::new(time.timestamp_micros()) }
    }

    /// Moves it, also backwards.
    pub fn advance(&self, by: TimeDelta) {
        self.micros.fetch_add(by.num_microseconds().unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// Sets it.
    pub fn set(&self, time: DateTime<Utc>) {
        self.micros.store(time.timestamp_micros(), Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.micros.load(Ordering::SeqCst)).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}
