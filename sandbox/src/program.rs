//! The program under test: whether it is there, and its clock, which leads in the demo.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::world::Shared;
use crate::world::World;

/// The program has this long to move its clock, its start included.
const MOVE_WITHIN: Duration = Duration::from_secs(30);
/// A look at its clock takes this long at most.
const LOOK_WITHIN: Duration = Duration::from_secs(2);
/// It is looked at so often.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// So long between two attempts to reach a program that is starting.
const RETRY_EVERY: Duration = Duration::from_millis(100);
/// A bot that polled so recently is still counted as polling.
const POLLED_WITHIN: Duration = Duration::from_secs(5);

/// What is known about it.
#[derive(Debug, Default)]
pub struct Program {
    reachable: AtomicBool,
    /// Held while its clock is asked or moved, so that no old answer is taken for a new one.
    turn: Mutex<()>,
}

/// How the bot gets its updates: `"polling"`, `"webhook"`, or `None` when it gets none.
pub fn attached(world: &World) -> Option<&'static str> {
    if world.webhook.target().is_some() {
        Some("webhook")
    } else if world.updates.polled_within(POLLED_WITHIN) {
        Some("polling")
    } else {
        None
    }
}

/// For the page and for scripts that wait.
pub fn view(world: &World) -> Value {
    let url = world.settings.program_url.as_deref();
    let reachable = url.map(|_| world.program.reachable.load(Ordering::Relaxed));
    let attached = attached(world);
    json!({"url": url, "reachable": reachable, "attached": attached, "up": attached.is_some() && reachable != Some(false)})
}

/// Follows the program's clock for ever; ends at once when there is no program.
pub async fn run(world: Shared) {
    let Some(url) = world.settings.program_url.clone() else {
        return;
    };
    loop {
        {
            let _turn = world.program.turn.lock().await;
            let answer = world
                .client
                .get(format!("{url}/demo/clock"))
                .timeout(LOOK_WITHIN)
                .send()
                .await;
            world
                .program
                .reachable
                .store(answer.is_ok(), Ordering::Relaxed);
            if let Ok(answer) = answer
                && answer.status().is_success()
                && let Ok(body) = answer.bytes().await
            {
                follow(&world, &body);
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Takes over the program's offset; `false` if the answer holds none.
fn follow(world: &World, body: &[u8]) -> bool {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(offset) = body["offset_seconds"].as_i64() else {
        return false;
    };
    if offset != world.clock.offset() {
        world.clock.set_offset(offset);
        world.touch();
    }
    true
}

/// Moves the program's clock and then this one; waits for a program that is only starting.
/// `Ok(false)` when there is none and only this clock was moved.
///
/// # Errors
/// Why the program did not move its clock; this one is as before then.
pub async fn advance(world: &World, seconds: i64) -> Result<bool, String> {
    let Some(url) = &world.settings.program_url else {
        world.clock.advance(seconds);
        world.touch();
        return Ok(false);
    };
    let deadline = Instant::now() + MOVE_WITHIN;
    loop {
        let _turn = world.program.turn.lock().await;
        let request = world
            .client
            .post(format!("{url}/demo/clock"))
            .timeout(MOVE_WITHIN);
        match request
            .json(&json!({"advance_seconds": seconds}))
            .send()
            .await
        {
            // Nothing was sent, so a second attempt cannot move it twice.
            Err(error) if error.is_connect() && Instant::now() < deadline => {}
            Err(error) => return Err(format!("the program cannot be reached at {url}: {error}")),
            Ok(response) => return take(world, response, seconds).await.map(|()| true),
        }
        drop(_turn);
        tokio::time::sleep(RETRY_EVERY).await;
    }
}

async fn take(world: &World, response: reqwest::Response, seconds: i64) -> Result<(), String> {
    let status = response.status();
    let body = response.bytes().await.unwrap_or_default();
    if status == StatusCode::NOT_FOUND {
        return Err(
            "the program has no /demo/clock; only the demo's clock can be moved".to_owned(),
        );
    }
    if !status.is_success() {
        return Err(format!(
            "the program answered {status}: {}",
            String::from_utf8_lossy(&body)
        ));
    }
    if !follow(world, &body) {
        world.clock.advance(seconds);
        world.touch();
    }
    Ok(())
}
