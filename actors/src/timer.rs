//! An actor's timers.

use std::time::Duration;
use tokio::task::AbortHandle;

/// Does something after a while unless it is dropped before; part of an actor's state, so that no timer of an actor that is
/// gone stirs its successor.
#[derive(Debug)]
pub(crate) struct Timer(AbortHandle);

impl Timer {
    /// Does it after `delay`; usually it tells the actor's own place something, so that the mailbox's depth counts it.
    pub(crate) fn after(delay: Duration, what: impl FnOnce() + Send + 'static) -> Self {
        let task = tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            what();
        });
        Self(task.abort_handle())
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A task that ends with the state that holds it.
#[derive(Debug)]
pub(crate) struct Task(AbortHandle);

impl Task {
    /// Runs it.
    pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(future).abort_handle())
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The next wait after a failure: doubles from `min` to `max`.
pub(crate) fn backoff(last: Option<Duration>, min: Duration, max: Duration) -> Duration {
    last.map_or(min, |last| (last * 2).min(max))
}
