//! The Bot API: `/bot<token>/<method>` and `/file/bot<token>/<path>`.

use std::time::Duration;
use std::time::Instant;

use axum::Json;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::extract::Request;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::Html;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::json;

use crate::listener::Connection;
use crate::percent;
use crate::world::Shared;
use crate::world::World;
use crate::world::faults::Action;
use crate::world::faults::When;
use crate::world::files::MAX_DOWNLOAD_BYTES;

pub mod error;
pub mod methods;
pub mod request;
pub mod schema;

use error::ApiError;
use request::Incoming;

const UNKNOWN: &str = "(unknown)";

/// Notes the call when it ends, also when the client goes away before.
struct Record<'a> {
    world: &'a World,
    method: &'static str,
    chat_id: Option<i64>,
    received: Instant,
    error: Option<(u16, Box<str>)>,
}

impl Record<'_> {
    fn fail(&mut self, error: &ApiError) {
        self.error = Some((error.code, error.description.as_str().into()));
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        self.world
            .calls
            .add(self.method, self.chat_id, self.error.take(), self.received);
    }
}

/// Answers everything that has no other route.
pub async fn entry(
    State(world): State<Shared>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response {
    let path = request.uri().path().to_owned();
    if let Some(rest) = path.strip_prefix("/file/bot") {
        return download(&world, rest).unwrap_or_else(|error| refuse(&error));
    }
    let Some((token, name)) = path
        .strip_prefix("/bot")
        .and_then(|rest| rest.split_once('/'))
    else {
        return refuse(&ApiError::not_found());
    };
    let method = world.schema.method(name);
    let mut record = Record {
        world: &world,
        method: method.map_or(UNKNOWN, |method| method.name),
        chat_id: None,
        received: Instant::now(),
        error: Some((0, "the client went away".into())),
    };
    if percent::decode(token) != world.settings.token {
        let error = ApiError::new(401, "Unauthorized");
        record.fail(&error);
        return refuse(&error);
    }
    let Some(method) = method else {
        tracing::warn!(method = name, "a method that is not simulated was called");
        record.fail(&ApiError::not_found());
        return refuse(&ApiError::not_found());
    };
    let incoming = match Incoming::read(request).await {
        Ok(incoming) => incoming,
        Err(error) => {
            record.fail(&error);
            return refuse(&error);
        }
    };
    record.chat_id = incoming
        .peek_integer("chat_id")
        .or_else(|| incoming.peek_integer("user_id"));
    let fault = world.faults.hit(method.name, record.chat_id);
    if let Some((When::Before, action)) = &fault
        && let Some(response) = act(action, &connection, &mut record).await
    {
        return response;
    }
    let arguments = incoming.check(&world.schema, method);
    let result = match arguments {
        Ok(arguments) => methods::call(&world, method.name, &arguments, record.received).await,
        Err(error) => Err(error),
    };
    let response = match result {
        Ok(result) => {
            record.error = None;
            accept(&result)
        }
        Err(error) => {
            record.fail(&error);
            refuse(&error)
        }
    };
    if let Some((When::After, action)) = &fault
        && let Some(response) = act(action, &connection, &mut record).await
    {
        return response;
    }
    response
}

/// Shows a fault; `None` when the call goes on.
async fn act(
    action: &Action,
    connection: &Connection,
    record: &mut Record<'_>,
) -> Option<Response> {
    let error = match action {
        Action::Hang { ms } | Action::Delay { ms } => {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
            return None;
        }
        Action::TooMany { retry_after } => ApiError::too_many(*retry_after),
        Action::Internal => ApiError::new(500, "Internal Server Error"),
        Action::BadGateway => ApiError::new(502, "Bad Gateway"),
        Action::Drop => ApiError::new(0, "the connection was dropped"),
        Action::Error { code, description } => ApiError::new(*code, description),
    };
    record.fail(&error);
    Some(match action {
        Action::BadGateway => {
            let page = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>";
            (StatusCode::BAD_GATEWAY, Html(page)).into_response()
        }
        Action::Drop => {
            connection.cut();
            StatusCode::OK.into_response()
        }
        _ => refuse(&error),
    })
}

fn accept(result: &[u8]) -> Response {
    let mut body = Vec::with_capacity(result.len() + 24);
    body.extend_from_slice(b"{\"ok\":true,\"result\":");
    body.extend_from_slice(result);
    body.push(b'}');
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

fn refuse(error: &ApiError) -> Response {
    (error.status(), Json(error.body())).into_response()
}

fn download(world: &World, rest: &str) -> Result<Response, ApiError> {
    let (token, path) = rest.split_once('/').ok_or_else(ApiError::not_found)?;
    if percent::decode(token) != world.settings.token {
        return Err(ApiError::new(401, "Unauthorized"));
    }
    let file = world
        .files
        .at(&percent::decode(path))
        .ok_or_else(ApiError::not_found)?;
    if file.bytes.len() > MAX_DOWNLOAD_BYTES {
        return Err(ApiError::not_found());
    }
    Ok((
        [(CONTENT_TYPE, "application/octet-stream")],
        Body::from(file.bytes.clone()),
    )
        .into_response())
}

/// Runs a call that came as the answer to a webhook; its result is not seen by anyone.
pub async fn call_from_webhook(world: &Shared, body: &[u8]) {
    let Ok(serde_json::Value::Object(mut object)) = serde_json::from_slice(body) else {
        return;
    };
    let Some(serde_json::Value::String(name)) = object.remove("method") else {
        return;
    };
    let Some(method) = world.schema.method(&name) else {
        return;
    };
    let mut record = Record {
        world,
        method: method.name,
        chat_id: None,
        received: Instant::now(),
        error: None,
    };
    let incoming = Incoming::from_object(object);
    record.chat_id = incoming.peek_integer("chat_id");
    let result = match incoming.check(&world.schema, method) {
        Ok(arguments) => methods::call(world, method.name, &arguments, record.received).await,
        Err(error) => Err(error),
    };
    if let Err(error) = result {
        record.fail(&error);
    }
}

/// A value as the bytes of a result.
pub fn result(value: &impl serde::Serialize) -> Result<Vec<u8>, ApiError> {
    serde_json::to_vec(value)
        .map_err(|error| ApiError::new(500, format!("Internal Server Error: {error}")))
}

/// `true` as a result.
pub fn done() -> Result<Vec<u8>, ApiError> {
    result(&json!(true))
}
