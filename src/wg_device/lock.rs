//! One process per interface: a lock on a file, which the system gives back when the process ends in whatever way.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Held as long as it lives.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "closing the file gives the lock back")] File);

/// Takes it; `None` when another process keeps it longer than `patience`. Looking whether it is held takes it for a moment,
/// so one refusal means nothing.
pub(super) fn take(path: &Path, patience: Duration, poll: Duration) -> io::Result<Option<Lock>> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    let deadline = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(Lock(file))),
            Err(TryLockError::WouldBlock) if Instant::now() > deadline => return Ok(None),
            Err(TryLockError::WouldBlock) => thread::sleep(poll),
            Err(TryLockError::Error(cause)) => return Err(cause),
        }
    }
}

/// Whether a process holds it.
pub(super) fn is_held(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}
