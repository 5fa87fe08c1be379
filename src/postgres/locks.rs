//! Two locks, see [`super`].

use super::error::PostgresError;
use super::layout::Layout;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A start may include a recovery after a crash.
const START_LOCK_WAIT: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(50);

fn open(path: &Path) -> Result<File, PostgresError> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    file.map_err(|cause| PostgresError::directory(path, cause))
}

/// Waits until nobody else looks, starts or stops. Held until dropped.
pub(super) async fn start_lock(layout: &Layout) -> Result<File, PostgresError> {
    let path = layout.base.join("start.lock");
    let file = open(&path)?;
    let end = Instant::now() + START_LOCK_WAIT;
    while file.try_lock().is_err() {
        if Instant::now() >= end {
            return Err(PostgresError::Busy { path });
        }
        sleep(POLL).await;
    }
    Ok(file)
}

/// Says that this process uses the server.
#[derive(Debug)]
pub(super) struct UserLock(File);

impl UserLock {
    /// To be taken under the start lock, when nobody can hold it for itself alone.
    pub(super) fn take(layout: &Layout) -> Result<Self, PostgresError> {
        let path = layout.base.join("users.lock");
        let file = open(&path)?;
        file.try_lock_shared().map_err(|_| PostgresError::Busy { path })?;
        Ok(Self(file))
    }

    /// Gives it up; `true` if nobody else holds it. To be called under the start lock.
    pub(super) fn was_last(self) -> bool {
        self.0.unlock().is_ok() && self.0.try_lock().is_ok()
    }
}
