//! The control API: what the people and the outside do.

use axum::Json;
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::json;

use crate::outline::Server as Outline;
use crate::telemt::Server as Telemt;
use crate::world::Chat;
use crate::world::Shared;

pub mod actions;
pub mod chat;
pub mod control;
pub mod guard;
pub mod load;
pub mod outline;
pub mod page;
pub mod people;
pub mod press;
pub mod program;
pub mod raw;
pub mod servers;
pub mod state;
pub mod telemt;
pub mod watch;

/// The largest body of all; documents come in base64 here, which is a third longer.
pub const MAX_BODY_BYTES: usize = 80 * 1024 * 1024;

/// A refusal of the control API.
#[derive(Debug)]
pub struct SimError(pub StatusCode, pub Value);

impl SimError {
    /// A request that makes no sense.
    pub fn bad(reason: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, json!({"error": reason.into()}))
    }

    /// Something that is not there.
    pub fn missing(reason: impl Into<String>) -> Self {
        Self(StatusCode::NOT_FOUND, json!({"error": reason.into()}))
    }

    /// Something that can't be done as things are.
    pub fn conflict(reason: impl Into<String>) -> Self {
        Self(StatusCode::CONFLICT, json!({"error": reason.into()}))
    }
}

impl IntoResponse for SimError {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

/// An answer of the control API.
pub type SimResult = Result<Json<Value>, SimError>;

/// JSON whatever the content type says; an empty body is an empty object.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> axum::extract::FromRequest<S> for Body<T> {
    type Rejection = SimError;

    async fn from_request(
        request: axum::extract::Request,
        state: &S,
    ) -> Result<Self, Self::Rejection> {
        let bytes = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|error| SimError::bad(error.to_string()))?;
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(bytes)
            .map(Body)
            .map_err(|error| SimError::bad(error.to_string()))
    }
}

/// A query string whose mistakes are told in JSON.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> axum::extract::FromRequestParts<S> for Params<T> {
    type Rejection = SimError;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        let query = axum::extract::Query::try_from_uri(&parts.uri);
        query
            .map(|axum::extract::Query(value)| Params(value))
            .map_err(|error| SimError::bad(error.body_text()))
    }
}

/// The chat of a person.
pub fn find(world: &Shared, id: i64) -> Result<std::sync::Arc<Chat>, SimError> {
    world
        .chats
        .get(id)
        .ok_or_else(|| SimError::missing(format!("there is no person {id}")))
}

/// All routes of the control API and the chat page, closed to pages of other places.
pub fn routes(world: &Shared) -> Router<Shared> {
    Router::new()
        .route("/", get(page::index))
        .route("/web/{name}", get(page::part))
        .route("/sim/state", get(state::state))
        .route("/sim/people", get(people::list).post(people::put))
        .route("/sim/people/{id}", get(people::one).delete(people::delete))
        .route("/sim/people/{id}/block", post(people::block))
        .route("/sim/people/{id}/deactivate", post(people::deactivate))
        .route("/sim/people/{id}/send", post(actions::send))
        .route(
            "/sim/people/{id}/edited_message",
            post(actions::edited_message),
        )
        .route(
            "/sim/people/{id}/send_document",
            post(actions::send_document),
        )
        .route("/sim/people/{id}/send_photo", post(actions::send_photo))
        .route("/sim/people/{id}/sticker", post(actions::sticker))
        .route("/sim/people/{id}/location", post(actions::location))
        .route("/sim/people/{id}/contact", post(actions::contact))
        .route("/sim/people/{id}/press", post(press::press))
        .route("/sim/people/{id}/pay", post(press::pay))
        .route("/sim/people/{id}/pre_checkout", post(press::pre_checkout))
        .route("/sim/people/{id}/chat", get(chat::chat))
        .route("/sim/people/{id}/commands", get(people::commands))
        .route("/sim/watch", get(watch::watch))
        .route("/sim/program", get(program::program))
        .route("/sim/chat/wait", get(chat::wait))
        .route("/sim/files/{file_id}", get(control::file))
        .route("/sim/calls", get(control::calls))
        .route("/sim/calls/clear", post(control::clear_calls))
        .route("/sim/updates", get(raw::list))
        .route("/sim/updates/raw", post(raw::push))
        .route("/sim/updates/next", post(raw::next))
        .route("/sim/updates/clear", post(raw::clear))
        .route(
            "/sim/faults",
            get(control::faults)
                .post(control::add_faults)
                .delete(control::clear_faults),
        )
        .route(
            "/sim/limits",
            get(control::limits).post(control::set_limits),
        )
        .route(
            "/sim/clock",
            get(control::clock).post(control::advance_clock),
        )
        .route("/sim/reset", post(control::reset))
        .route("/sim/load", post(load::load))
        .route(
            "/sim/outline",
            get(servers::list::<Outline>).post(outline::create),
        )
        .route(
            "/sim/outline/{name}",
            get(servers::one::<Outline>).delete(servers::delete::<Outline>),
        )
        .route(
            "/sim/outline/{name}/keys",
            get(outline::keys).post(outline::add_key),
        )
        .route("/sim/outline/{name}/traffic", post(outline::traffic))
        .route(
            "/sim/outline/{name}/faults",
            get(servers::faults::<Outline>)
                .post(servers::set_faults::<Outline>)
                .delete(servers::clear_faults::<Outline>),
        )
        .route("/sim/outline/{name}/forget", post(outline::forget))
        .route(
            "/sim/telemt",
            get(servers::list::<Telemt>).post(telemt::create),
        )
        .route(
            "/sim/telemt/{name}",
            get(servers::one::<Telemt>).delete(servers::delete::<Telemt>),
        )
        .route(
            "/sim/telemt/{name}/users",
            get(telemt::list_users).post(telemt::add_user),
        )
        .route("/sim/telemt/{name}/traffic", post(telemt::traffic))
        .route("/sim/telemt/{name}/restart", post(telemt::restart))
        .route("/sim/telemt/{name}/forget", post(telemt::forget))
        .route(
            "/sim/telemt/{name}/faults",
            get(servers::faults::<Telemt>)
                .post(servers::set_faults::<Telemt>)
                .delete(servers::clear_faults::<Telemt>),
        )
        .route_layer(from_fn_with_state(world.clone(), guard::guard))
}
