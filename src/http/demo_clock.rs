//! `POST /demo/clock`: moves the program's clock ahead. Exists in the demo only.

use super::problem;
use crate::clock::{DemoClock, DemoClockError};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use usipipo_actors::ports::clock::Clock as _;

#[derive(Debug, Deserialize)]
struct Advance {
    advance_seconds: i64,
}

pub(super) fn router(clock: Arc<DemoClock>) -> Router {
    Router::new().route("/demo/clock", post(advance).get(show)).with_state(clock)
}

async fn show(State(clock): State<Arc<DemoClock>>) -> Response {
    state(&clock)
}

async fn advance(State(clock): State<Arc<DemoClock>>, body: Bytes) -> Response {
    let Ok(wish) = serde_json::from_slice::<Advance>(&body) else {
        return problem(StatusCode::BAD_REQUEST, "send {\"advance_seconds\": 3600}");
    };
    let moved = tokio::task::spawn_blocking({
        let clock = Arc::clone(&clock);
        move || clock.advance(wish.advance_seconds)
    });
    match moved.await {
        Ok(Ok(now)) => {
            tracing::info!(seconds = wish.advance_seconds, %now, "the demo's clock was moved");
            state(&clock)
        }
        Ok(Err(error @ DemoClockError::Range)) => problem(StatusCode::BAD_REQUEST, &error.to_string()),
        Ok(Err(error)) => problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "the clock could not be moved; see the log"),
    }
}

fn state(clock: &DemoClock) -> Response {
    let now = clock.now();
    Json(json!({ "now": now.timestamp(), "iso": now, "offset_seconds": clock.offset_seconds() })).into_response()
}
