//! Updates of any bytes, and the stream itself.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use super::Body;
use super::Params;
use super::SimError;
use super::SimResult;
use crate::world::Shared;

/// So many updates are listed.
const LISTED: usize = 1000;

/// Bytes in JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raw {
    raw: String,
    update_id: Option<i64>,
    #[serde(default)]
    force: bool,
}

/// Options when the body is the bytes.
#[derive(Debug, Deserialize)]
pub struct RawOptions {
    update_id: Option<i64>,
    force: Option<String>,
}

/// `POST /sim/updates/raw`
pub async fn push(
    State(world): State<Shared>,
    Params(options): Params<RawOptions>,
    headers: HeaderMap,
    body: Bytes,
) -> SimResult {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let (update_id, valid) = if content_type.starts_with("application/json") {
        let raw: Raw =
            serde_json::from_slice(&body).map_err(|error| SimError::bad(error.to_string()))?;
        world.updates.push_raw(
            raw.raw.as_bytes(),
            raw.update_id.or(options.update_id),
            raw.force,
        )
    } else {
        let force = options
            .force
            .is_some_and(|force| force != "0" && force != "false");
        world.updates.push_raw(&body, options.update_id, force)
    };
    world.touch();
    Ok(Json(json!({"update_id": update_id, "valid_json": valid})))
}

/// `GET /sim/updates`
pub async fn list(State(world): State<Shared>) -> Json<Value> {
    let unconfirmed: Vec<Value> = world
        .updates
        .after(0, LISTED)
        .into_iter()
        .map(|(_, update)| json!({"update_id": update.id, "raw": String::from_utf8_lossy(&update.raw)}))
        .collect();
    Json(
        json!({"next_update_id": world.updates.next_id(), "pending": world.updates.pending(), "unconfirmed": unconfirmed}),
    )
}

/// The id to go on with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Next {
    update_id: i64,
}

/// `POST /sim/updates/next`
pub async fn next(State(world): State<Shared>, Body(next): Body<Next>) -> Json<Value> {
    world.updates.set_next_id(next.update_id);
    world.touch();
    Json(json!({"next_update_id": next.update_id}))
}

/// `POST /sim/updates/clear`
pub async fn clear(State(world): State<Shared>) -> Json<Value> {
    world.updates.drop_pending();
    world.touch();
    Json(json!({"ok": true}))
}
