//! The simulated servers of the sandbox, for tests of the drivers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use serde_json::{Value, json};
use usipipo_sandbox::Sandbox;
use usipipo_sandbox::world::Settings;

/// A simulated outside world.
pub(super) struct Simulated {
    sandbox: Sandbox,
    client: reqwest::Client,
}

impl Simulated {
    pub(super) async fn start() -> Self {
        let sandbox = Sandbox::start(Settings::for_tests()).await.unwrap();
        Self { sandbox, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.sandbox.url());
        let answer = self.client.post(url).json(&body).send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {body}");
        body
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.sandbox.url());
        self.client.get(url).send().await.unwrap().json().await.unwrap()
    }

    pub(super) async fn advance(&self, seconds: u64) {
        self.post("/sim/clock", json!({"advance_seconds": seconds})).await;
    }
}

/// The text of a field.
pub(super) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap()
}
