//! The only source of time.

use chrono::{DateTime, Utc};
use std::fmt::Debug;

/// Tells the time. Tests and the demo move it.
pub trait Clock: Send + Sync + Debug + 'static {
    /// Now, in UTC, with microseconds at most (what PostgreSQL keeps).
    fn now(&self) -> DateTime<Utc>;
}
