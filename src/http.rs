//! Two small HTTP servers: one for health, webhooks and (in the demo) the clock, one for metrics. Both expect a reverse
//! proxy or nobody before them and listen on this machine only, unless told otherwise.

mod demo_clock;
mod health;
mod metrics_page;
mod serve;

pub use health::{Readiness, ReadyCheck, ReadyReport, Role};
pub use metrics_page::{Metrics, MetricsError};
pub use serve::{HttpError, HttpServer};

use crate::clock::DemoClock;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Largest request body; Telegram's updates are far smaller.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Longest time for one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// What the first server serves.
pub struct HttpParts {
    /// Decides `/readyz`.
    pub readiness: Arc<dyn Readiness>,
    /// Telegram's webhook, with its own path.
    pub webhook: Option<Router>,
    /// Moved by `/demo/clock`; only in the demo.
    pub demo_clock: Option<Arc<DemoClock>>,
}

impl std::fmt::Debug for HttpParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpParts").field("webhook", &self.webhook.is_some()).finish_non_exhaustive()
    }
}

/// Starts the server for health and webhooks.
///
/// # Errors
/// [`HttpError`] when the address cannot be used.
pub async fn start(listen: SocketAddr, parts: HttpParts) -> Result<HttpServer, HttpError> {
    let mut router = health::router(parts.readiness);
    if let Some(webhook) = parts.webhook {
        router = router.merge(webhook);
    }
    if let Some(clock) = parts.demo_clock {
        router = router.merge(demo_clock::router(clock));
    }
    HttpServer::start("http.listen", listen, limited(router)).await
}

/// Starts the server for metrics.
///
/// # Errors
/// [`HttpError`] when the address cannot be used.
pub async fn start_metrics(listen: SocketAddr, metrics: &Metrics) -> Result<HttpServer, HttpError> {
    HttpServer::start("metrics.listen", listen, limited(metrics.router())).await
}

/// With limits on time and size, and a friendly answer to what there is not.
fn limited(router: Router) -> Router {
    router
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "there is nothing here") })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn(in_time))
}

async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => problem(StatusCode::SERVICE_UNAVAILABLE, "this took too long; try again"),
    }
}

fn problem(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "error": text }))).into_response()
}

#[cfg(test)]
mod tests;
