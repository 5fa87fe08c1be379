//! Logs: one line an event on standard error, as text or JSON.
//!
//! **Convention:** an event or a span around it carries `user = <Telegram id>` where a person caused it, and
//! `actor = "<name>"` inside an actor; the nearest one counts. Every line shows `user=<id>`, or `user=SYSTEM` where there is
//! none. Panics are logged the same way, within the span they happen in.
//!
//! Lines go through a bounded queue to a thread of their own: a log target that is closed, full or slow never stops the
//! program; lines that find no room are counted and the number is logged when there is room again. Secrets that were named
//! with [`hide`], and anything that looks like a token in a Bot API address, are replaced before a line leaves.

mod layer;
mod redact;
mod sink;

pub use redact::{hide, redact};
pub use sink::LogGuard;

use crate::config::LogSettings;
use layer::LogLayer;
use std::io::IsTerminal as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry};

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The level is wrong.
    #[error("log.level is not understood: {0}; write error, warn, info, debug or trace")]
    Level(String),
    /// Somebody did it before.
    #[error("logging was set up already")]
    Twice,
}

/// Longest panic message kept, in bytes.
const PANIC_BYTES_MAX: usize = 2_000;

/// Starts logging to standard error and logs panics. Keep the guard until the end: when dropped it writes what is queued.
///
/// # Errors
/// [`TelemetryError`], when called twice or with a level that is not understood.
pub fn init(settings: &LogSettings) -> Result<LogGuard, TelemetryError> {
    let filter = EnvFilter::try_new(&settings.level).map_err(|cause| TelemetryError::Level(cause.to_string()))?;
    let (sink, guard) = sink::start(std::io::stderr());
    let layer = LogLayer::new(settings.format, std::io::stderr().is_terminal(), sink);
    let subscriber = Registry::default().with(layer.with_filter(filter));
    tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::Twice)?;
    std::panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let message = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        let end = message.floor_char_boundary(PANIC_BYTES_MAX);
        let location = info.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        tracing::error!(location, thread, "panic: {}", &message[..end]);
    }));
    Ok(guard)
}

#[cfg(test)]
mod tests;
