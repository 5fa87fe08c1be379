//! The sandbox's own time: the system's, moved forward by the control API.
#![allow(
    clippy::disallowed_methods,
    reason = "the one place of this package that may"
)]

use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

use chrono::DateTime;
use chrono::SecondsFormat;
use chrono::Utc;

/// System time plus an offset.
#[derive(Debug, Default)]
pub struct Clock {
    offset_seconds: AtomicI64,
}

impl Clock {
    /// Seconds since 1970, as Telegram writes dates.
    #[allow(clippy::disallowed_methods, reason = "this is the sandbox's clock")]
    pub fn now(&self) -> i64 {
        Utc::now().timestamp().saturating_add(self.offset())
    }

    /// The same for people.
    pub fn iso(&self) -> String {
        DateTime::from_timestamp(self.now(), 0)
            .map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
            .unwrap_or_default()
    }

    /// How far this clock is ahead of the system's, in seconds.
    pub fn offset(&self) -> i64 {
        self.offset_seconds.load(Ordering::Relaxed)
    }

    /// Moves the clock by some seconds, backwards if negative.
    pub fn advance(&self, seconds: i64) {
        let moved = self.offset().saturating_add(seconds);
        self.offset_seconds.store(moved, Ordering::Relaxed);
    }

    /// Sets the offset, after a restart.
    pub fn set_offset(&self, seconds: i64) {
        self.offset_seconds.store(seconds, Ordering::Relaxed);
    }
}

/// The system's time in milliseconds since 1970, for the page's timers.
#[allow(
    clippy::disallowed_methods,
    reason = "what is shown for a real while is timed by the real clock"
)]
pub fn real_ms() -> i64 {
    Utc::now().timestamp_millis()
}

/// The system's time as text, for the list of calls.
pub fn real_iso(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms)
        .map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
        .unwrap_or_default()
}
