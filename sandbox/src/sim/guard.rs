//! Keeps pages of other places away from the control API: a browser would let any web site write to a port of this machine,
//! and let one whose name suddenly means this machine read from it too.

use std::net::IpAddr;

use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header::HOST;
use axum::http::header::ORIGIN;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::json;

use super::SimError;
use crate::world::Shared;

/// Refuses what a page of another place sent, and on the loopback whatever came under a name of another machine.
pub async fn guard(State(world): State<Shared>, request: Request, next: Next) -> Response {
    match refusal(request.headers(), world.settings.listen.ip()) {
        Some(reason) => SimError(StatusCode::FORBIDDEN, json!({"error": reason})).into_response(),
        None => next.run(request).await,
    }
}

fn refusal(headers: &HeaderMap, listen: IpAddr) -> Option<String> {
    let text = |name| {
        headers
            .get(name)
            .map(|value: &axum::http::HeaderValue| value.to_str().unwrap_or("?"))
    };
    let host = text(HOST).unwrap_or_default();
    let name = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    let local = name.is_empty()
        || name == "localhost"
        || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    if listen.is_loopback() && !local {
        return Some(format!(
            "this sandbox is for this machine alone, so it has no name such as {name}; use http://127.0.0.1"
        ));
    }
    match text(ORIGIN) {
        Some(origin) if origin.split_once("://").map(|(_, place)| place) != Some(host) => {
            Some(format!("a page of {origin} may not use the control API"))
        }
        _ => None,
    }
}
