//! `/healthz`: the process lives. `/readyz`: it does its work, or says why not.

use async_trait::async_trait;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// A check that takes longer counts as failed; what asks (a load balancer, systemd) has little patience.
const REPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// Knows whether the program does its work.
#[async_trait]
pub trait Readiness: Send + Sync + 'static {
    /// Looks now.
    async fn report(&self) -> ReadyReport;
}

/// What this process is among those on one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Not yet known.
    Starting,
    /// It polls, sends and reconciles.
    Leader,
    /// It waits to take over.
    Standby,
    /// It ends.
    Stopping,
}

/// One thing that must be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyCheck {
    /// What was looked at (`database`, `intake`).
    pub name: String,
    /// It is right.
    pub ok: bool,
    /// Why not, or what was seen.
    pub reason: String,
}

impl ReadyCheck {
    /// A check that is right.
    pub fn good(name: &str, reason: impl Into<String>) -> Self {
        Self { name: name.to_owned(), ok: true, reason: reason.into() }
    }

    /// A check that is not.
    pub fn bad(name: &str, reason: impl Into<String>) -> Self {
        Self { name: name.to_owned(), ok: false, reason: reason.into() }
    }
}

/// The answer of `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyReport {
    /// Every check is right and the process leads or stands by.
    pub ready: bool,
    /// What the process is.
    pub role: Role,
    /// Every check.
    pub checks: Vec<ReadyCheck>,
}

impl ReadyReport {
    /// Ready when every check is right; a starting or ending process never is.
    #[must_use]
    pub fn new(role: Role, checks: Vec<ReadyCheck>) -> Self {
        let ready = matches!(role, Role::Leader | Role::Standby) && checks.iter().all(|check| check.ok);
        Self { ready, role, checks }
    }
}

pub(super) fn router(readiness: Arc<dyn Readiness>) -> Router {
    let ready = Router::new().route("/readyz", get(readyz)).with_state(readiness);
    ready.route("/healthz", get(|| async { no_store(Json(serde_json::json!({ "alive": true }))) }))
}

async fn readyz(State(readiness): State<Arc<dyn Readiness>>) -> Response {
    let report = tokio::time::timeout(REPORT_TIMEOUT, readiness.report()).await.unwrap_or_else(|_| {
        let late = format!("no answer within {} s", REPORT_TIMEOUT.as_secs());
        ReadyReport::new(Role::Starting, vec![ReadyCheck::bad("report", late)])
    });
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, no_store(Json(report))).into_response()
}

fn no_store(body: impl IntoResponse) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], body)
}
