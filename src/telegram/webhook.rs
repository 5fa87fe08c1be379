//! Updates that Telegram sends us, at the path of `telegram.webhook_url`.
//!
//! The secret is looked at before a byte of the body is read. 200 is said only after the update is stored; until then
//! Telegram keeps it and tries again. Bad JSON is stored as well, since it would otherwise come again for a day.

use crate::telegram::metrics;
use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq as _;

/// Header with the secret (Bot API, `setWebhook.secret_token`).
const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";
/// Largest update, bytes; real ones stay under 64 KiB.
const UPDATE_MAX_BYTES: usize = 1024 * 1024;
/// Longest time a request may take to arrive.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The update could not be stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the update could not be stored: {0}")]
pub struct SinkError(pub String);

/// Where received updates go.
#[async_trait]
pub trait WebhookSink: Send + Sync + 'static {
    /// Stores an update; returns when it is durable.
    async fn accept(&self, raw: Vec<u8>) -> Result<(), SinkError>;
}

struct Webhook {
    secret: SecretString,
    sink: Arc<dyn WebhookSink>,
}

/// The path of the public address, where we expect updates; a reverse proxy passes it on as it is.
#[must_use]
pub fn path_of(webhook_url: &str) -> String {
    let path = reqwest::Url::parse(webhook_url).map(|url| url.path().to_owned()).unwrap_or_default();
    // The router gives braces a meaning.
    if path.is_empty() || path.contains(['{', '}']) { "/".to_owned() } else { path }
}

/// The route, to be merged into the program's server.
pub fn routes(path: &str, secret: SecretString, sink: Arc<dyn WebhookSink>) -> Router {
    Router::new()
        .route(path, post(receive))
        .layer(DefaultBodyLimit::max(UPDATE_MAX_BYTES))
        .with_state(Arc::new(Webhook { secret, sink }))
}

async fn receive(State(webhook): State<Arc<Webhook>>, request: Request) -> StatusCode {
    let (status, outcome) = webhook.handle(request).await;
    ::metrics::counter!(metrics::WEBHOOK_REQUESTS, "outcome" => outcome).increment(1);
    status
}

impl Webhook {
    async fn handle(&self, request: Request) -> (StatusCode, &'static str) {
        if !self.knows_secret(request.headers()) {
            return (StatusCode::UNAUTHORIZED, "unauthorized");
        }
        let body = tokio::time::timeout(READ_TIMEOUT, Bytes::from_request(request, &())).await;
        let raw = match body {
            Ok(Ok(body)) => Vec::from(body),
            Ok(Err(refusal)) if refusal.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                return (StatusCode::PAYLOAD_TOO_LARGE, "too_large");
            }
            Ok(Err(refusal)) => return (refusal.status(), "unreadable"),
            Err(_) => return (StatusCode::REQUEST_TIMEOUT, "unreadable"),
        };
        match self.sink.accept(raw).await {
            Ok(()) => (StatusCode::OK, "stored"),
            Err(error) => {
                tracing::warn!(user = "SYSTEM", %error, "a webhook update was not taken; telegram will send it again");
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
            }
        }
    }

    /// Compares in a time that depends on the lengths alone.
    fn knows_secret(&self, headers: &HeaderMap) -> bool {
        let secret = self.secret.expose_secret().as_bytes();
        let mut given = headers.get_all(SECRET_HEADER).iter();
        match (given.next(), given.next()) {
            (Some(one), None) => !secret.is_empty() && bool::from(one.as_bytes().ct_eq(secret)),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
