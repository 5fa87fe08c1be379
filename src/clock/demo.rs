//! A clock that the demo moves ahead.

use super::wall;
use chrono::{DateTime, TimeDelta, Utc};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;
use usipipo_actors::ports::clock::Clock;

const FILE: &str = "demo-clock";
/// Largest total; keeps every time that is computed from it within PostgreSQL's and chrono's range.
const OFFSET_SECONDS_MAX: i64 = 100 * 366 * 86_400;

/// Why the clock was not moved.
#[derive(Debug, thiserror::Error)]
pub enum DemoClockError {
    /// Backwards, or too far.
    #[error("the clock only goes ahead, by 1 to {OFFSET_SECONDS_MAX} seconds in all")]
    Range,
    /// The offset could not be stored.
    #[error("{path} cannot be used: {cause}; check that the disk has room and the directory belongs to this user")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

/// Real time plus an offset that is kept between runs. It never goes back, not even when the machine's time does.
#[derive(Debug)]
pub struct DemoClock {
    path: PathBuf,
    offset_seconds: watch::Sender<i64>,
    latest_micros: AtomicI64,
    /// Moves are made one after another.
    moving: Mutex<()>,
}

impl DemoClock {
    /// Takes up the offset kept in the directory, zero if there is none.
    ///
    /// # Errors
    /// [`DemoClockError::File`].
    pub fn open(data_dir: &Path) -> Result<Self, DemoClockError> {
        let path = data_dir.join(FILE);
        let wrong = |cause| DemoClockError::File { path: path.clone(), cause };
        let offset = match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map_err(|_| wrong(io::Error::other("it holds no number of seconds")))?,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => 0,
            Err(cause) => return Err(wrong(cause)),
        };
        if !(0..=OFFSET_SECONDS_MAX).contains(&offset) {
            return Err(wrong(io::Error::other("the number of seconds is out of range")));
        }
        let latest_micros = AtomicI64::new(i64::MIN);
        Ok(Self { path, offset_seconds: watch::Sender::new(offset), latest_micros, moving: Mutex::new(()) })
    }

    /// Moves the clock ahead and keeps it so; returns the new time.
    ///
    /// # Errors
    /// [`DemoClockError`]; the clock is as before then.
    pub fn advance(&self, seconds: i64) -> Result<DateTime<Utc>, DemoClockError> {
        let _moving = self.moving.lock().unwrap_or_else(PoisonError::into_inner);
        let total = self.offset_seconds().checked_add(seconds).ok_or(DemoClockError::Range)?;
        if seconds <= 0 || total > OFFSET_SECONDS_MAX {
            return Err(DemoClockError::Range);
        }
        self.store(total).map_err(|cause| DemoClockError::File { path: self.path.clone(), cause })?;
        self.offset_seconds.send_replace(total);
        Ok(self.now())
    }

    /// How far ahead of real time it is.
    #[must_use]
    pub fn offset_seconds(&self) -> i64 {
        *self.offset_seconds.borrow()
    }

    /// Tells of every move, so that timers can be looked at again.
    #[must_use]
    pub fn moves(&self) -> watch::Receiver<i64> {
        self.offset_seconds.subscribe()
    }

    fn store(&self, total: i64) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let mut file = fs::File::create(&new)?;
        writeln!(file, "{total}")?;
        file.sync_all()?;
        fs::rename(&new, &self.path)
    }
}

impl Clock for DemoClock {
    fn now(&self) -> DateTime<Utc> {
        let now = wall() + TimeDelta::seconds(self.offset_seconds());
        let before = self.latest_micros.fetch_max(now.timestamp_micros(), Ordering::SeqCst);
        if before > now.timestamp_micros() { DateTime::from_timestamp_micros(before).unwrap_or(now) } else { now }
    }
}
