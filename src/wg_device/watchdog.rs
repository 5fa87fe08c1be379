//! Ends the process when the device stands still, so that it can be started anew.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Between two questions.
const EVERY: Duration = Duration::from_secs(10);
/// For one answer.
const WITHIN: Duration = Duration::from_secs(10);
/// Several, because one time-out may only mean that the whole machine was asleep.
const FAILURES_MAX: u32 = 3;

/// Asks for ever, from a thread of its own.
pub(super) fn start(socket: PathBuf) {
    let watch = move || {
        let mut failures = 0;
        loop {
            thread::sleep(EVERY);
            match ask(&socket) {
                Ok(()) => failures = 0,
                // It ends by itself when its socket was deleted.
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                Err(cause) => {
                    failures += 1;
                    tracing::warn!(failures, "the device does not answer: {cause}");
                }
            }
            if failures >= FAILURES_MAX {
                tracing::error!("the device stands still, so the process ends");
                std::process::exit(super::EXIT_BROKEN);
            }
        }
    };
    if let Err(cause) = thread::Builder::new().name("watchdog".to_owned()).spawn(watch) {
        tracing::warn!("nobody watches over the device: {cause}");
    }
}

/// A change that changes nothing still needs every thread to let go of the device for a moment.
fn ask(socket: &Path) -> io::Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(WITHIN))?;
    stream.set_write_timeout(Some(WITHIN))?;
    stream.write_all(b"set=1\n\n")?;
    let mut answer = [0; 16];
    match stream.read(&mut answer)? {
        0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
