//! The endpoints below `/v1`, in telemt's order of checks: whether the API is on, the list of addresses, `Authorization`, the
//! route, read-only, the body, and last what is asked.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::extract::State as Extract;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::header::ALLOW;
use axum::http::header::AUTHORIZATION;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::IF_MATCH;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::Server;
use super::config;
use super::state::State;
use super::users;
use crate::world::Shared;

/// The largest body, in bytes; telemt's own default.
const MAX_BODY_BYTES: usize = 65_536;
/// The version that is told.
const VERSION: &str = "3.4.25";

/// Numbers the refusals.
static REQUEST_ID: AtomicU64 = AtomicU64::new(1);

/// A refusal.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    allow: Option<&'static str>,
}

impl ApiError {
    /// Any refusal.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            allow: None,
        }
    }

    /// 400.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// 409.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    fn not_allowed(allow: &'static str) -> Self {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self {
            allow: Some(allow),
            ..Self::new(
                status,
                "method_not_allowed",
                "Unsupported HTTP method for this route",
            )
        }
    }

    /// What the refusal says.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let id = REQUEST_ID.fetch_add(1, Ordering::Relaxed);
        let error = json!({"code": self.code, "message": self.message});
        let body = json!({"ok": false, "error": error, "request_id": id});
        let mut response = (self.status, Json(body)).into_response();
        if let Some(allow) = self.allow {
            let allow = HeaderValue::from_static(allow);
            response.headers_mut().insert(ALLOW, allow);
        }
        response
    }
}

/// What handlers work on.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) world: Shared,
    pub(super) server: Arc<Server>,
}

/// A status with `data`; the revision is added when it is sent.
pub(super) type Answer = Result<(StatusCode, Value), ApiError>;

/// The whole API of an instance.
pub fn routes(world: Shared, server: Arc<Server>) -> Router {
    Router::new()
        .fallback(entry)
        .with_state(Api { world, server })
}

async fn entry(Extract(api): Extract<Api>, request: Request) -> Response {
    let changes = request.method() != Method::GET;
    tokio::time::sleep(Duration::from_millis(api.server.habits().slow_ms)).await;
    let mut response = match api.answer(request).await {
        Ok((status, data)) => {
            let revision = api.server.state().file.revision();
            let body = json!({"ok": true, "data": data, "revision": revision});
            (status, Json(body)).into_response()
        }
        Err(error) => error.into_response(),
    };
    if changes && response.status().is_success() && api.server.loses_answer() {
        // It happened, and nobody will ever hear of it.
        std::future::pending::<()>().await;
    }
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// What is asked.
enum Route {
    Health,
    Ready,
    Info,
    Summary,
    ActiveIps,
    Users,
    Create,
    One(String),
    Patch(String),
    Delete(String),
    Act(String, Act),
    Config,
    PatchConfig,
    Reload,
    ReloadStatus(String),
}

/// What is done with one user.
#[derive(Clone, Copy)]
enum Act {
    Rotate,
    Enable,
    Disable,
    ResetQuota,
}

impl Route {
    fn find(method: &Method, path: &str) -> Result<Self, ApiError> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let method = method.as_str();
        Ok(match (method, parts.as_slice()) {
            ("GET", ["v1", "health"]) => Self::Health,
            ("GET", ["v1", "health", "ready"]) => Self::Ready,
            ("GET", ["v1", "system", "info"]) => Self::Info,
            ("GET", ["v1", "stats", "summary"]) => Self::Summary,
            ("GET", ["v1", "stats", "users", "active-ips"]) => Self::ActiveIps,
            ("GET", ["v1", "users"] | ["v1", "stats", "users"]) => Self::Users,
            ("POST", ["v1", "users"]) => Self::Create,
            ("GET", ["v1", "users", name]) => Self::One((*name).to_owned()),
            ("PATCH", ["v1", "users", name]) => Self::Patch((*name).to_owned()),
            ("DELETE", ["v1", "users", name]) => Self::Delete((*name).to_owned()),
            ("POST", ["v1", "users", name, act]) => {
                let act = match *act {
                    "rotate-secret" => Act::Rotate,
                    "enable" => Act::Enable,
                    "disable" => Act::Disable,
                    "reset-quota" => Act::ResetQuota,
                    _ => return Err(ApiError::not_found("Route not found")),
                };
                Self::Act((*name).to_owned(), act)
            }
            ("GET", ["v1", "config"]) => Self::Config,
            ("PATCH", ["v1", "config"]) => Self::PatchConfig,
            (_, ["v1", "config"]) => return Err(ApiError::not_allowed("GET, PATCH")),
            ("POST", ["v1", "system", "reload"]) => Self::Reload,
            ("GET", ["v1", "system", "reload", id]) => Self::ReloadStatus((*id).to_owned()),
            // A POST is one of the actions without its name, and so no route at all.
            ("POST", ["v1", "users", _]) => return Err(ApiError::not_found("Route not found")),
            (_, ["v1", "users", _]) => return Err(ApiError::not_allowed("GET, PATCH, DELETE")),
            _ => return Err(ApiError::not_found("Route not found")),
        })
    }
}

impl Api {
    async fn answer(&self, request: Request) -> Answer {
        let habits = self.server.habits();
        if habits.api_disabled {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Err(ApiError::new(status, "api_disabled", "API is disabled"));
        }
        if habits.forbidden {
            let status = StatusCode::FORBIDDEN;
            return Err(ApiError::new(
                status,
                "forbidden",
                "Source IP is not allowed",
            ));
        }
        let (head, body) = request.into_parts();
        let authorization = head.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let wanted = self.server.auth_header.as_bytes();
        if !wanted.is_empty() && authorization != Some(wanted) {
            let status = StatusCode::UNAUTHORIZED;
            let message = "Missing or invalid Authorization header";
            return Err(ApiError::new(status, "unauthorized", message));
        }
        let route = Route::find(&head.method, head.uri.path())?;
        if habits.read_only && head.method != Method::GET {
            let status = StatusCode::FORBIDDEN;
            return Err(ApiError::new(
                status,
                "read_only",
                "API runs in read-only mode",
            ));
        }
        let body = to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| {
            let message = format!("Body exceeds {MAX_BODY_BYTES} bytes");
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", message)
        })?;
        if self.server.takes_error() {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            let message = "a fault that was asked for";
            return Err(ApiError::new(status, "internal_error", message));
        }
        self.run(route, &head.headers, &body)
    }

    fn run(&self, route: Route, headers: &HeaderMap, body: &[u8]) -> Answer {
        let ok = |data| Ok((StatusCode::OK, data));
        match route {
            Route::Health => {
                ok(json!({"status": "ok", "read_only": self.server.habits().read_only}))
            }
            Route::Ready => Ok(self.ready()),
            Route::Info => ok(self.info()),
            Route::Summary => ok(self.summary()),
            Route::ActiveIps => ok(self.active_ips()),
            Route::Users => {
                let state = self.server.state();
                let running = self.server.running();
                let names = state.file.users.keys();
                ok(names
                    .filter_map(|name| state.info(name, &running))
                    .collect())
            }
            Route::One(name) => ok(self.user(&self.server.state(), &name)?),
            Route::Create => self.create(headers, &object(body)?),
            Route::Patch(name) => self.patch(headers, &name, &object(body)?),
            Route::Delete(name) => self.delete(headers, &name),
            Route::Act(name, act) => self.act(headers, &name, act, body),
            Route::Config => ok(config::view(&self.server.state().file)),
            Route::PatchConfig => config::patch(self, headers, &object(body)?),
            Route::Reload => config::reload(self, headers),
            Route::ReloadStatus(id) => config::reload_status(self, &id),
        }
    }

    fn ready(&self) -> (StatusCode, Value) {
        match self.server.habits().not_ready {
            false => (StatusCode::OK, json!({"ready": true, "status": "ready"})),
            true => {
                let data =
                    json!({"ready": false, "status": "not_ready", "reason": "admission_closed"});
                (StatusCode::SERVICE_UNAVAILABLE, data)
            }
        }
    }

    fn uptime(&self) -> i64 {
        (self.world.clock.now() - self.server.state().started).max(0)
    }

    fn info(&self) -> Value {
        json!({
            "version": VERSION, "uptime_seconds": self.uptime(), "process_started_at_epoch_secs": self.server.state().started,
            "config_path": "/etc/telemt/config.toml", "config_hash": self.server.state().file.revision(),
        })
    }

    fn summary(&self) -> Value {
        let uptime = self.uptime();
        let state = self.server.state();
        let connections: u64 = state.counters.values().map(|user| user.connections()).sum();
        json!({
            "uptime_seconds": uptime, "connections_total": connections, "connections_bad_total": 0,
            "handshake_timeouts_total": 0, "configured_users": state.file.users.len(),
        })
    }

    fn active_ips(&self) -> Value {
        let state = self.server.state();
        let with_some = state
            .counters
            .iter()
            .map(|(name, counters)| (name, counters.ips()))
            .filter(|(_, ips)| !ips.is_empty());
        with_some
            .map(|(name, ips)| json!({"username": name, "active_ips": ips}))
            .collect()
    }

    /// A user as it is shown, or 404.
    fn user(&self, state: &State, name: &str) -> Result<Value, ApiError> {
        state
            .info(name, &self.server.running())
            .ok_or_else(|| no_user(name))
    }

    /// A change of the file, if the client's revision is the present one. The status is 202 while the running configuration
    /// does not know the user.
    pub(super) fn change<T>(
        &self,
        headers: &HeaderMap,
        change: impl FnOnce(&mut State) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.server.change(&self.world, |state| {
            check_revision(state, headers)?;
            change(state)
        })
    }

    /// `UserInfo` after a change, with the status for it.
    fn changed(&self, name: &str, known: StatusCode) -> Answer {
        let user = self.user(&self.server.state(), name)?;
        let status = match user["in_runtime"] == true {
            true => known,
            false => StatusCode::ACCEPTED,
        };
        Ok((status, user))
    }

    fn with_secret(&self, name: &str, known: StatusCode) -> Answer {
        let (status, user) = self.changed(name, known)?;
        let state = self.server.state();
        let secret = state.file.users.get(name).map(|user| user.secret.clone());
        Ok((status, json!({"user": user, "secret": secret})))
    }

    fn create(&self, headers: &HeaderMap, body: &Map<String, Value>) -> Answer {
        let name = users::username(body)?;
        let user = users::create(body)?;
        self.change(headers, |state| {
            if state.file.users.contains_key(&name) {
                return Err(ApiError::conflict("user_exists", "User already exists"));
            }
            state.file.users.insert(name.clone(), user);
            Ok(())
        })?;
        self.with_secret(&name, StatusCode::CREATED)
    }

    fn patch(&self, headers: &HeaderMap, name: &str, body: &Map<String, Value>) -> Answer {
        self.change(headers, |state| {
            let user = state.file.users.get_mut(name);
            let user = user.ok_or_else(|| no_user(name))?;
            let mut changed = user.clone();
            users::merge(&mut changed, body)?;
            *user = changed;
            Ok(())
        })?;
        self.changed(name, StatusCode::OK)
    }

    fn delete(&self, headers: &HeaderMap, name: &str) -> Answer {
        self.change(headers, |state| {
            if !state.file.users.contains_key(name) {
                return Err(no_user(name));
            }
            if state.file.users.len() == 1 {
                let message = "Cannot delete the last configured user";
                return Err(ApiError::conflict("last_user_forbidden", message));
            }
            state.file.users.remove(name);
            state.quota_used.remove(name);
            Ok(())
        })?;
        let in_runtime = self.server.running().users.contains_key(name);
        let status = match in_runtime {
            true => StatusCode::ACCEPTED,
            false => StatusCode::OK,
        };
        Ok((status, json!({"username": name, "in_runtime": in_runtime})))
    }

    fn act(&self, headers: &HeaderMap, name: &str, act: Act, body: &[u8]) -> Answer {
        match act {
            Act::Rotate => {
                let body = match body {
                    [] => Map::new(),
                    body => object(body)?,
                };
                let secret = users::secret(&body)?.unwrap_or_else(super::state::new_secret);
                self.change(headers, |state| {
                    let user = state.file.users.get_mut(name);
                    user.ok_or_else(|| no_user(name))?.secret = secret;
                    Ok(())
                })?;
                self.with_secret(name, StatusCode::OK)
            }
            Act::Enable | Act::Disable => {
                let enabled = matches!(act, Act::Enable);
                self.change(headers, |state| {
                    let user = state.file.users.get_mut(name);
                    user.ok_or_else(|| no_user(name))?.enabled = enabled;
                    Ok(())
                })?;
                self.server.admit(name, enabled);
                self.changed(name, StatusCode::OK)
            }
            Act::ResetQuota => {
                let now = self.world.clock.now();
                let mut state = self.server.state();
                check_revision(&state, headers)?;
                if !state.file.users.contains_key(name) {
                    return Err(no_user(name));
                }
                state.quota_used.remove(name);
                self.world.touch();
                let data = json!({"username": name, "used_bytes": 0, "last_reset_epoch_secs": now});
                Ok((StatusCode::OK, data))
            }
        }
    }
}

/// Compares `If-Match`, quoted or not, with the file's revision.
pub(super) fn check_revision(state: &State, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(wanted) = headers.get(IF_MATCH) else {
        return Ok(());
    };
    let wanted = wanted.to_str().unwrap_or_default().trim().trim_matches('"');
    if wanted != state.file.revision() {
        let message = "Config revision mismatch";
        return Err(ApiError::conflict("revision_conflict", message));
    }
    Ok(())
}

fn no_user(name: &str) -> ApiError {
    ApiError::not_found(format!("User {name} not found"))
}

fn object(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    serde_json::from_slice(body).map_err(|_| ApiError::bad("Invalid JSON body"))
}
