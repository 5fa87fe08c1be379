//! Asking another actor, always with a time-out and one flat error.

use ractor::RpcReplyPort;
use ractor::concurrency::OneshotReceiver;
use std::time::Duration;

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// Nobody is there; a restart is under way.
    #[error("the actor is away")]
    Away,
    /// It ended before it answered.
    #[error("the actor ended before it answered")]
    Dropped,
    /// It did not answer in time; it may still do what was asked.
    #[error("the actor did not answer in time")]
    Timeout,
}

/// A port for one answer, which knows how long it will be waited for.
#[must_use]
pub fn port<T: Send + 'static>(timeout: Duration) -> (RpcReplyPort<T>, OneshotReceiver<T>) {
    let (send, receive) = ractor::concurrency::oneshot();
    (RpcReplyPort::from((send, timeout)), receive)
}

/// Waits for the answer.
///
/// # Errors
/// [`AskError::Dropped`] and [`AskError::Timeout`].
pub async fn await_reply<T>(reply: OneshotReceiver<T>, timeout: Duration) -> Result<T, AskError> {
    match tokio::time::timeout(timeout, reply).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(AskError::Dropped),
        Err(_) => Err(AskError::Timeout),
    }
}
