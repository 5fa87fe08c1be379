//! Files, calls, faults, limits, the clock.

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use super::Body;
use super::Params;
use super::SimError;
use super::SimResult;
use crate::program;
use crate::world::Shared;
use crate::world::faults::Rule;
use crate::world::limits::Rates;

/// `GET /sim/files/{file_id}`
pub async fn file(
    State(world): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, SimError> {
    let stored = world
        .files
        .get(&id)
        .ok_or_else(|| SimError::missing("there is no such file"))?;
    let mut name = String::new();
    for byte in stored.file.file_name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    let disposition = format!("inline; filename*=UTF-8''{name}");
    // What bots and people send must not run as a page of this origin.
    let headers = [
        (CONTENT_TYPE, stored.file.mime.clone()),
        (CONTENT_DISPOSITION, disposition),
        (
            axum::http::header::CONTENT_SECURITY_POLICY,
            "sandbox".to_owned(),
        ),
        (
            axum::http::header::X_CONTENT_TYPE_OPTIONS,
            "nosniff".to_owned(),
        ),
    ];
    Ok((headers, stored.bytes.clone()).into_response())
}

/// Which calls.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallsQuery {
    #[serde(default)]
    after: u64,
    method: Option<String>,
    chat_id: Option<i64>,
    limit: Option<usize>,
}

/// `GET /sim/calls`
pub async fn calls(State(world): State<Shared>, Params(query): Params<CallsQuery>) -> Json<Value> {
    Json(world.calls.list(
        query.after,
        query.method.as_deref(),
        query.chat_id,
        query.limit.unwrap_or(1000),
    ))
}

/// `POST /sim/calls/clear`
pub async fn clear_calls(State(world): State<Shared>) -> Json<Value> {
    world.calls.clear();
    Json(json!({"ok": true}))
}

/// Rules to add.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    rules: Vec<Rule>,
}

/// `GET /sim/faults`
pub async fn faults(State(world): State<Shared>) -> Json<Value> {
    Json(json!({"faults": world.faults.list()}))
}

/// `POST /sim/faults`
pub async fn add_faults(State(world): State<Shared>, Body(body): Body<Rules>) -> SimResult {
    for rule in &body.rules {
        if let Some(method) = &rule.method
            && world.schema.method(method).is_none()
        {
            return Err(SimError::bad(format!("there is no method {method}")));
        }
    }
    for rule in body.rules {
        world.faults.add(rule);
    }
    Ok(faults(State(world)).await)
}

/// `DELETE /sim/faults`
pub async fn clear_faults(State(world): State<Shared>) -> Json<Value> {
    world.faults.clear();
    Json(json!({"ok": true}))
}

/// `GET /sim/limits`
pub async fn limits(State(world): State<Shared>) -> Json<Rates> {
    Json(world.limits.rates())
}

/// `POST /sim/limits`
pub async fn set_limits(State(world): State<Shared>, Body(changes): Body<Value>) -> SimResult {
    let mut rates = json!(world.limits.rates());
    if let (Some(rates), Some(changes)) = (rates.as_object_mut(), changes.as_object()) {
        rates.extend(changes.clone());
    }
    let rates: Rates =
        serde_json::from_value(rates).map_err(|error| SimError::bad(error.to_string()))?;
    world.limits.set(rates);
    Ok(Json(json!(rates)))
}

/// `GET /sim/clock`
pub async fn clock(State(world): State<Shared>) -> Json<Value> {
    Json(
        json!({"now": world.clock.now(), "offset_seconds": world.clock.offset(), "iso": world.clock.iso()}),
    )
}

/// How far the clock moves.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    advance_seconds: i64,
}

/// `POST /sim/clock`
pub async fn advance_clock(State(world): State<Shared>, Body(body): Body<Advance>) -> SimResult {
    let moved = program::advance(&world, body.advance_seconds).await;
    let mut answer = json!({"now": world.clock.now(), "offset_seconds": world.clock.offset()});
    match moved {
        Ok(true) => answer["program"] = json!("moved"),
        Ok(false) => answer["program"] = json!("not set"),
        Err(error) => {
            answer["program"] = json!("failed");
            answer["error"] = json!(error);
            return Err(SimError(StatusCode::BAD_GATEWAY, answer));
        }
    }
    Ok(Json(answer))
}

/// What stays.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reset {
    keep_webhook: bool,
}

/// `POST /sim/reset`
pub async fn reset(State(world): State<Shared>, Body(body): Body<Reset>) -> Json<Value> {
    world.reset(body.keep_webhook);
    Json(json!({"ok": true}))
}
