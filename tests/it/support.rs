//! What several tests need.

use std::time::{Duration, Instant};

pub(crate) mod board;
pub(crate) mod data_centre;
pub(crate) mod hasten;
pub(crate) mod lever;
pub(crate) mod netns;
pub(crate) mod probe;
pub(crate) mod program;
pub(crate) mod prometheus;
pub(crate) mod servers;
pub(crate) mod tools;
pub(crate) mod wg_client;
pub(crate) mod world;

/// How long anything may take that is waited for; generous, since the machine may be busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again and again until there is something.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begin.elapsed() < PATIENCE, "waited {} s in vain until {what}", PATIENCE.as_secs());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
