//! `/metrics` in Prometheus' text format.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use std::time::Duration;

/// Seconds; from a handler's fraction of a millisecond to a poll's half a minute.
const SECONDS_BUCKETS: [f64; 17] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Bytes; from a short message to the largest body.
const BYTES_BUCKETS: [f64; 8] = [64.0, 256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0];
/// Histograms collect samples until somebody looks; without a scraper this keeps them small.
const UPKEEP: Duration = Duration::from_secs(5);

/// Why metrics cannot be collected.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// Somebody collects them already.
    #[error("metrics cannot be collected: {0}")]
    Install(String),
}

/// The program's metrics.
#[derive(Debug, Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    process: Collector,
}

fn builder() -> Result<PrometheusBuilder, MetricsError> {
    let wrong = |cause: metrics_exporter_prometheus::BuildError| MetricsError::Install(cause.to_string());
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS_BUCKETS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_bytes".to_owned()), &BYTES_BUCKETS))
        .map_err(wrong)
}

impl Metrics {
    /// Collects everything that is reported through the `metrics` crate in this process from now on. To be called within a
    /// runtime, once.
    ///
    /// # Errors
    /// [`MetricsError`] when something collects them already.
    pub fn install() -> Result<Self, MetricsError> {
        let handle = builder()?.install_recorder().map_err(|cause| MetricsError::Install(cause.to_string()))?;
        let process = Collector::default();
        process.describe();
        let upkeep = handle.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                upkeep.run_upkeep();
            }
        });
        Ok(Self { handle, process })
    }

    /// Everything, now.
    #[must_use]
    pub fn render(&self) -> String {
        self.process.collect();
        self.handle.render()
    }

    pub(super) fn router(&self) -> Router {
        Router::new().route("/metrics", get(page)).with_state(self.clone())
    }
}

async fn page(State(metrics): State<Metrics>) -> Response {
    let text = metrics.render();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_histograms_with_fine_buckets() {
        let recorder = builder().unwrap().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            metrics::histogram!("usipipo_test_seconds", "actor" => "x").record(0.0004);
            metrics::counter!("usipipo_test_total").increment(2);
        });
        let text = handle.render();
        assert!(text.contains("usipipo_test_seconds_bucket{actor=\"x\",le=\"0.0005\"} 1"), "{text}");
        assert!(text.contains("usipipo_test_seconds_bucket{actor=\"x\",le=\"0.00025\"} 0"), "{text}");
        assert!(text.contains("usipipo_test_total 2"), "{text}");
    }
}
