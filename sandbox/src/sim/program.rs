//! Whether the program under test is up.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use tokio::time::Instant;

use super::Params;
use super::SimError;
use super::SimResult;
use crate::program;
use crate::world::Shared;

/// The longest wait, in seconds.
const MAX_WAIT_SECONDS: f64 = 600.0;
/// A wait looks so often.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long to wait for it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    #[serde(default)]
    wait: f64,
}

/// `GET /sim/program`
pub async fn program(State(world): State<Shared>, Params(query): Params<Wait>) -> SimResult {
    let wait =
        Duration::try_from_secs_f64(query.wait.clamp(0.0, MAX_WAIT_SECONDS)).unwrap_or_default();
    let deadline = Instant::now() + wait;
    loop {
        let view = program::view(&world);
        if view["up"] == true {
            return Ok(Json(view));
        }
        if Instant::now() >= deadline || *world.stopping.borrow() {
            return Err(SimError(StatusCode::SERVICE_UNAVAILABLE, view));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
