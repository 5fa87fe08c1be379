//! The management API's endpoints, below the secret prefix.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::extract::FromRequest;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::Request;
use axum::extract::State as Extract;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::LOCATION;
use axum::middleware::Next;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::any;
use axum::routing::get;
use axum::routing::put;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::Server;
use super::create;
use super::create::Wish;
use super::metrics;
use super::state::State;
use super::state::WINDOW_SECONDS;
use crate::world::Shared;

/// The largest body, in bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// The longest name of a server, in characters.
const MAX_NAME: usize = 100;
/// The version that is told.
const VERSION: &str = "1.12.3";

/// A refusal as Outline words it: `{"code", "message"}`.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            code,
            message,
        }
    }

    /// 400: a value that cannot be.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidArgument", message)
    }

    /// 409: somebody else has it.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "Conflict", message)
    }

    fn missing(name: &str) -> Self {
        let message = format!("Parameter `{name}` is missing");
        Self::new(StatusCode::BAD_REQUEST, "MissingParameter", message)
    }

    fn no_key(id: &str) -> Self {
        let message = format!("Access key \"{id}\" not found");
        Self::new(StatusCode::NOT_FOUND, "NotFoundError", message)
    }

    /// What the refusal says.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({"code": self.code, "message": self.message});
        (self.status, Json(body)).into_response()
    }
}

/// What handlers work on.
#[derive(Clone)]
struct Api {
    world: Shared,
    server: Arc<Server>,
}

impl Api {
    fn now(&self) -> i64 {
        self.world.clock.now()
    }

    async fn change<T>(
        &self,
        change: impl FnOnce(&mut State) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.server.change(&self.world, change).await
    }

    /// A change of limits, which are then compared at once.
    async fn limit(
        &self,
        change: impl FnOnce(&mut State) -> Result<(), ApiError>,
    ) -> Result<StatusCode, ApiError> {
        let now = self.now();
        self.change(|state| {
            change(state)?;
            state.enforce(now);
            Ok(StatusCode::NO_CONTENT)
        })
        .await
    }
}

type Made = Result<(StatusCode, Json<Value>), ApiError>;
type Done = Result<StatusCode, ApiError>;

/// A body's fields, of JSON or of a form.
struct Fields(Map<String, Value>);

impl Fields {
    fn required(&self, name: &str) -> Result<&Value, ApiError> {
        create::present(&self.0, name).ok_or_else(|| ApiError::missing(name))
    }

    fn text(&self, name: &str) -> Result<&str, ApiError> {
        let value = self.required(name)?;
        value.as_str().ok_or_else(|| {
            ApiError::invalid(format!("Expected a string for {name}, instead got {value}"))
        })
    }

    fn limit(&self) -> Result<u64, ApiError> {
        create::limit(self.required("limit")?)
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kind = request.headers().get(CONTENT_TYPE);
        let form = kind
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let content = |reason: String| {
            ApiError::new(
                StatusCode::BAD_REQUEST,
                "InvalidContent",
                format!("Invalid body: {reason}"),
            )
        };
        if form {
            let fields = axum::Form::<Map<String, Value>>::from_request(request, state).await;
            return fields
                .map(|axum::Form(fields)| Self(fields))
                .map_err(|error| content(error.body_text()));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| content(error.body_text()))?;
        if bytes.is_empty() {
            return Ok(Self(Map::new()));
        }
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| content(error.to_string()))
    }
}

/// The whole API of a server.
pub fn routes(world: Shared, server: Arc<Server>) -> Router {
    let api = Api { world, server };
    let below = Router::new()
        .route("/server", get(about))
        .route("/name", put(rename))
        .route("/server/hostname-for-access-keys", put(set_hostname))
        .route("/server/port-for-new-access-keys", put(set_port))
        .route(
            "/server/access-key-data-limit",
            put(set_default_limit).delete(remove_default_limit),
        )
        .route("/experimental/access-key-data-limit", any(moved))
        .route("/access-keys", get(list).post(post_key))
        .route("/access-keys/{id}", get(one).put(put_key).delete(delete))
        .route("/access-keys/{id}/name", put(rename_key))
        .route(
            "/access-keys/{id}/data-limit",
            put(set_limit).delete(remove_limit),
        )
        .route("/metrics/transfer", get(transfer))
        .route("/metrics/enabled", get(enabled).put(set_enabled))
        .route("/experimental/server/metrics", get(experimental));
    // Whoever does not know the prefix learns no more than that there is nothing.
    Router::new()
        .nest(&format!("/{}", api.server.prefix), below)
        .fallback(nothing)
        .method_not_allowed_fallback(not_allowed)
        .layer(from_fn_with_state(api.clone(), habits))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(api)
}

/// The server's habits around every call.
async fn habits(Extract(api): Extract<Api>, request: Request, next: Next) -> Response {
    let changes = request.method() != Method::GET;
    let slow = api.server.habits().slow_ms;
    tokio::time::sleep(Duration::from_millis(slow)).await;
    api.server.tick(&api.world);
    let mut response = if api.server.takes_error() {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        ApiError::new(status, "InternalServer", "a fault that was asked for").into_response()
    } else {
        next.run(request).await
    };
    if changes && response.status().is_success() && api.server.loses_answer() {
        // It happened, and nobody will ever hear of it.
        std::future::pending::<()>().await;
    }
    let any = HeaderValue::from_static("*");
    response
        .headers_mut()
        .insert(ACCESS_CONTROL_ALLOW_ORIGIN, any);
    response
}

async fn nothing(uri: Uri) -> ApiError {
    let message = format!("{} does not exist", uri.path());
    ApiError::new(StatusCode::NOT_FOUND, "ResourceNotFound", message)
}

async fn not_allowed(method: Method) -> ApiError {
    let message = format!("{method} is not allowed");
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
}

async fn moved(Extract(api): Extract<Api>) -> Response {
    let place = format!("/{}/server/access-key-data-limit", api.server.prefix);
    (StatusCode::PERMANENT_REDIRECT, [(LOCATION, place)]).into_response()
}

async fn about(Extract(api): Extract<Api>) -> Json<Value> {
    let state = api.server.state();
    let mut about = json!({
        "name": state.name, "serverId": state.server_id, "metricsEnabled": state.metrics_enabled,
        "createdTimestampMs": state.created_ms, "version": VERSION,
        "portForNewAccessKeys": state.port_for_new_keys, "hostnameForAccessKeys": state.hostname,
        "experimental": {},
    });
    if let Some(bytes) = state.default_limit {
        about["accessKeyDataLimit"] = json!({"bytes": bytes});
    }
    Json(about)
}

async fn rename(Extract(api): Extract<Api>, fields: Fields) -> Done {
    let name = fields.text("name")?.to_owned();
    if name.chars().count() > MAX_NAME {
        // The real one words it as an invalid argument whose usual status is 409.
        let message = format!("Requested name should be at most {MAX_NAME} characters long");
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "InvalidArgument",
            message,
        ));
    }
    api.change(|state| {
        state.name = name;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

async fn set_hostname(Extract(api): Extract<Api>, fields: Fields) -> Done {
    let hostname = fields.text("hostname")?.to_owned();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_name = hostname.len() <= 253 && hostname.split('.').all(label);
    if !is_name && hostname.parse::<std::net::IpAddr>().is_err() {
        let message = format!("Hostname {hostname} isn't a valid hostname or IP address");
        return Err(ApiError::invalid(message));
    }
    api.change(|state| {
        state.hostname = hostname;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

async fn set_port(Extract(api): Extract<Api>, fields: Fields) -> Done {
    let port = create::port(fields.required("port")?)?;
    api.change(|state| {
        create::check_port(state, port, |port| api.server.is_free(port))?;
        state.port_for_new_keys = port;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

async fn set_default_limit(Extract(api): Extract<Api>, fields: Fields) -> Done {
    let limit = fields.limit()?;
    api.limit(|state| {
        state.default_limit = Some(limit);
        Ok(())
    })
    .await
}

async fn remove_default_limit(Extract(api): Extract<Api>) -> Done {
    api.limit(|state| {
        state.default_limit = None;
        Ok(())
    })
    .await
}

async fn list(Extract(api): Extract<Api>) -> Json<Value> {
    let state = api.server.state();
    let keys: Vec<Value> = state.keys.iter().map(|key| state.view(key)).collect();
    Json(json!({"accessKeys": keys}))
}

async fn one(Extract(api): Extract<Api>, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    let state = api.server.state();
    let key = state.key(&id).ok_or_else(|| ApiError::no_key(&id))?;
    Ok(Json(state.view(key)))
}

async fn post_key(Extract(api): Extract<Api>, fields: Fields) -> Made {
    if create::present(&fields.0, "id").is_some() {
        let message = "Parameter `id` is not allowed here; create keys with an id by PUT";
        return Err(ApiError::invalid(message));
    }
    grant(&api, Wish::read(&fields.0, None)?).await
}

async fn put_key(Extract(api): Extract<Api>, Path(id): Path<String>, fields: Fields) -> Made {
    grant(&api, Wish::read(&fields.0, Some(id))?).await
}

async fn grant(api: &Api, wish: Wish) -> Made {
    api.change(|state| {
        let key = wish.grant(state, |port| api.server.is_free(port))?;
        Ok((StatusCode::CREATED, Json(state.view(&key))))
    })
    .await
}

async fn delete(Extract(api): Extract<Api>, Path(id): Path<String>) -> Done {
    api.change(|state| {
        let before = state.keys.len();
        state.keys.retain(|key| key.id != id);
        match state.keys.len() < before {
            true => Ok(StatusCode::NO_CONTENT),
            false => Err(ApiError::no_key(&id)),
        }
    })
    .await
}

async fn rename_key(Extract(api): Extract<Api>, Path(id): Path<String>, fields: Fields) -> Done {
    let name = fields.text("name")?.to_owned();
    api.change(|state| {
        let key = state.key_mut(&id).ok_or_else(|| ApiError::no_key(&id))?;
        key.name = name;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

async fn set_limit(Extract(api): Extract<Api>, Path(id): Path<String>, fields: Fields) -> Done {
    let limit = fields.limit()?;
    key_limit(&api, &id, Some(limit)).await
}

async fn remove_limit(Extract(api): Extract<Api>, Path(id): Path<String>) -> Done {
    key_limit(&api, &id, None).await
}

async fn key_limit(api: &Api, id: &str, limit: Option<u64>) -> Done {
    api.limit(|state| {
        let key = state.key_mut(id).ok_or_else(|| ApiError::no_key(id))?;
        key.data_limit = limit;
        Ok(())
    })
    .await
}

async fn transfer(Extract(api): Extract<Api>) -> Json<Value> {
    let now = api.now();
    let state = api.server.state();
    let transferred = state.all_transferred(WINDOW_SECONDS, now);
    let by_id: Map<String, Value> = transferred
        .into_iter()
        .map(|(id, (bytes, _))| (id.to_owned(), json!(bytes)))
        .collect();
    Json(json!({"bytesTransferredByUserId": by_id}))
}

async fn enabled(Extract(api): Extract<Api>) -> Json<Value> {
    Json(json!({"metricsEnabled": api.server.state().metrics_enabled}))
}

async fn set_enabled(Extract(api): Extract<Api>, fields: Fields) -> Done {
    let value = fields.required("metricsEnabled")?;
    let enabled = value.as_bool().ok_or_else(|| {
        ApiError::invalid(format!(
            "Expected metricsEnabled to be boolean, not {value}"
        ))
    })?;
    api.change(|state| {
        state.metrics_enabled = enabled;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// The query of the experimental metrics.
#[derive(serde::Deserialize)]
struct Since {
    since: Option<String>,
}

async fn experimental(
    Extract(api): Extract<Api>,
    Query(query): Query<Since>,
) -> Result<Json<Value>, ApiError> {
    let since = query.since.ok_or_else(|| ApiError::missing("since"))?;
    let seconds = metrics::seconds(&since)
        .ok_or_else(|| ApiError::invalid(format!("`since` is not a time range: {since}")))?;
    let now = api.now();
    Ok(Json(metrics::view(&api.server.state(), seconds, now)))
}
