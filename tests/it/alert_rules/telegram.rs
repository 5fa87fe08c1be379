//! Telegram refuses, fails, or asks to wait.

use super::Watch;
use crate::support::world::World;
use serde_json::json;
use std::time::Duration;

pub(super) const CAUSED: &[&str] =
    &["UsipipoTokenRefused", "UsipipoNoUpdates", "UsipipoTelegramCallsFail", "UsipipoRepliesLate"];

/// Somebody who writes all the time, so that polls have something to bring.
struct Chatter(tokio::task::JoinHandle<()>);

impl Chatter {
    async fn start(world: &World) -> Self {
        world.person_speaking(1900, "Eva", "en").await.ask("/start", "Hello").await;
        let (client, url) = (world.client.clone(), world.url("/sim/people/1900/send"));
        Self(tokio::spawn(async move {
            loop {
                let _ = client.post(&url).json(&json!({"text": "/help"})).send().await;
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        }))
    }
}

impl Drop for Chatter {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[tokio::test]
async fn a_refusing_failing_and_busy_telegram_fires_and_resolves() {
    let world = World::new().await;
    let program = world.program().await;
    let _chatter = Chatter::start(&world).await;
    let Some(mut watch) = Watch::start(world.directory.path(), &[program.launch.metrics], CAUSED).await else {
        return;
    };
    for alert in CAUSED {
        watch.is_quiet(alert).await;
    }

    world.fault(json!({"method": "sendMessage", "times": -1, "action": "500"})).await;
    world.fault(json!({"method": "getUpdates", "times": -1, "action": "drop"})).await;
    watch.fires("UsipipoTelegramCallsFail").await;
    watch.shows("Calls of Telegram that failed", |rate| rate > 0.0).await;
    watch.shows("Telegram", |share| share < 0.8).await;
    watch.fires("UsipipoNoUpdates").await;
    watch.shows("Polls", |rate| rate > 0.0).await;
    world.no_faults().await;
    watch.is_over("UsipipoTelegramCallsFail").await;
    watch.is_over("UsipipoNoUpdates").await;

    // It asks to wait, longer than the numbers take to be read.
    world.fault(json!({"method": "sendMessage", "times": 1, "action": "429", "retry_after": 25})).await;
    watch.fires("UsipipoRepliesLate").await;
    watch.shows("Age of the oldest", |seconds| seconds > 6.0).await;
    watch.shows("Messages by outcome", |paused| paused == 1.0).await;
    watch.is_over("UsipipoRepliesLate").await;

    let refusal =
        json!({"method": "getUpdates", "times": 1, "action": "error", "code": 401, "description": "Unauthorized"});
    world.fault(refusal).await;
    watch.fires("UsipipoTokenRefused").await;
    watch.is_over("UsipipoTokenRefused").await;
    watch.ends();
}
