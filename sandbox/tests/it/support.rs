//! A sandbox of the test's own, and short words to drive it.

use std::time::Duration;

use reqwest::Client;
use reqwest::StatusCode;
use serde_json::Value;
use serde_json::json;
use usipipo_sandbox::Sandbox;
use usipipo_sandbox::world::Settings;

/// How long anything may take that is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running sandbox with a client.
pub(crate) struct Sim {
    pub(crate) sandbox: Sandbox,
    pub(crate) client: Client,
}

impl Sim {
    pub(crate) async fn start() -> Self {
        Self::with(Settings {
            limits: false,
            ..Settings::for_tests()
        })
        .await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let sandbox = Sandbox::start(settings).await.unwrap();
        Self {
            sandbox,
            client: Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// With one person, 1001, who has sent /start.
    pub(crate) async fn with_ana() -> Self {
        let sim = Self::start().await;
        sim.ana().await;
        sim
    }

    pub(crate) async fn ana(&self) {
        self.post(
            "/sim/people",
            json!({"id": 1001, "first_name": "Ana", "language_code": "es"}),
        )
        .await;
        self.post("/sim/people/1001/send", json!({"text": "/start"}))
            .await;
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.url())
    }

    pub(crate) fn method_url(&self, method: &str) -> String {
        self.url(&format!("/bot12345:TEST/{method}"))
    }

    /// A call as JSON, with status and body.
    pub(crate) async fn call(&self, method: &str, parameters: Value) -> (StatusCode, Value) {
        let response = self
            .client
            .post(self.method_url(method))
            .json(&parameters)
            .send()
            .await
            .unwrap();
        (response.status(), response.json().await.unwrap())
    }

    /// The result of a call that succeeds.
    pub(crate) async fn ok(&self, method: &str, parameters: Value) -> Value {
        let (status, mut body) = self.call(method, parameters).await;
        assert!(
            status == StatusCode::OK && body["ok"] == true,
            "{method}: {body}"
        );
        body["result"].take()
    }

    /// The description of a call that is refused; its code stands in HTTP's status as well.
    pub(crate) async fn refused(&self, method: &str, parameters: Value) -> String {
        let (status, body) = self.call(method, parameters.clone()).await;
        assert_eq!(
            body["ok"], false,
            "{method} {parameters} was accepted: {body}"
        );
        assert_eq!(body["error_code"], status.as_u16());
        body["description"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let response = self.client.get(self.url(path)).send().await.unwrap();
        let status = response.status();
        let body = response.json().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {body}");
        body
    }

    pub(crate) async fn try_post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let response = self
            .client
            .post(self.url(path))
            .json(&body)
            .send()
            .await
            .unwrap();
        (response.status(), response.json().await.unwrap())
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.try_post(path, body).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }

    /// All unconfirmed updates, which stay unconfirmed.
    pub(crate) async fn updates(&self) -> Vec<Value> {
        self.ok("getUpdates", json!({}))
            .await
            .as_array()
            .unwrap()
            .clone()
    }

    /// Polls until `done` says so.
    pub(crate) async fn until<F: AsyncFn() -> bool>(&self, what: &str, done: F) {
        let wait = async {
            while !done().await {
                tokio::task::yield_now().await;
            }
        };
        assert!(
            tokio::time::timeout(PATIENCE, wait).await.is_ok(),
            "it never came true: {what}"
        );
    }
}
