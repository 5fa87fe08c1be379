//! Webhooks.

use std::sync::Arc;
use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::Value;
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::Sim;

/// What a hook got, and how it answers: the first `failures` posts with 500.
#[derive(Default)]
struct Hook {
    got: Mutex<Vec<(Option<String>, Bytes)>>,
    failures: Mutex<usize>,
    /// A post that holds this text is never answered.
    stuck: Mutex<Option<String>>,
    answer: Mutex<String>,
}

impl Hook {
    fn fails(&self) -> bool {
        let mut failures = self.failures.lock().unwrap();
        let fails = *failures > 0;
        *failures = failures.saturating_sub(1);
        fails
    }

    fn count(&self) -> usize {
        self.got.lock().unwrap().len()
    }

    fn texts(&self) -> Vec<String> {
        let got = self.got.lock().unwrap();
        let text = |bytes: &Bytes| -> String {
            let update: Value = serde_json::from_slice(bytes).unwrap();
            update["message"]["text"].as_str().unwrap().to_owned()
        };
        got.iter().map(|(_, bytes)| text(bytes)).collect()
    }
}

async fn take(State(hook): State<Arc<Hook>>, headers: HeaderMap, body: Bytes) -> Response {
    if hook.fails() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let stuck = hook.stuck.lock().unwrap().clone();
    if stuck.is_some_and(|text| String::from_utf8_lossy(&body).contains(&text)) {
        std::future::pending::<()>().await;
    }
    let secret = headers
        .get("X-Telegram-Bot-Api-Secret-Token")
        .map(|value| value.to_str().unwrap().to_owned());
    hook.got.lock().unwrap().push((secret, body));
    hook.answer.lock().unwrap().clone().into_response()
}

async fn hook() -> (Arc<Hook>, String) {
    let hook = Arc::new(Hook::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let app = Router::new().fallback(take).with_state(hook.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (hook, url)
}

#[tokio::test]
async fn updates_arrive_with_the_secret() {
    let sim = Sim::with_ana().await;
    let (hook, url) = hook().await;
    sim.ok(
        "setWebhook",
        json!({"url": url, "secret_token": "s3cret_-", "max_connections": 3}),
    )
    .await;
    sim.until("the pending update arrives", async || hook.count() == 1)
        .await;
    assert_eq!(hook.got.lock().unwrap()[0].0.as_deref(), Some("s3cret_-"));
    sim.until("none is pending", async || {
        sim.ok("getWebhookInfo", json!({})).await["pending_update_count"] == 0
    })
    .await;
    let info = sim.ok("getWebhookInfo", json!({})).await;
    assert_eq!(
        (&info["url"], &info["max_connections"]),
        (&json!(url), &json!(3))
    );
    sim.ok("setWebhook", json!({"url": ""})).await;
    assert_eq!(sim.ok("getWebhookInfo", json!({})).await["url"], "");
}

#[tokio::test]
async fn failures_are_retried_in_order_and_told() {
    let sim = Sim::with_ana().await;
    let (hook, url) = hook().await;
    *hook.failures.lock().unwrap() = 3;
    for number in 0..5 {
        sim.post("/sim/people/1001/send", json!({"text": number.to_string()}))
            .await;
    }
    sim.ok("setWebhook", json!({"url": url})).await;
    sim.until("all arrive", async || hook.count() == 6).await;
    assert_eq!(hook.texts(), ["/start", "0", "1", "2", "3", "4"]);
    let info = sim.ok("getWebhookInfo", json!({})).await;
    assert_eq!(
        info["last_error_message"],
        "Wrong response from the webhook: 500 Internal Server Error"
    );
    assert!(info["last_error_date"].is_i64());
}

#[tokio::test]
async fn nothing_is_lost_between_hook_and_polling() {
    let sim = Sim::with_ana().await;
    sim.ok("setWebhook", json!({"url": "http://127.0.0.1:9/closed"}))
        .await;
    sim.until("it fails", async || {
        sim.ok("getWebhookInfo", json!({})).await["last_error_message"] == "Connection refused"
    })
    .await;
    sim.ok("deleteWebhook", json!({})).await;
    assert_eq!(sim.updates().await.len(), 1);
    sim.ok(
        "setWebhook",
        json!({"url": "http://127.0.0.1:9/closed", "drop_pending_updates": true}),
    )
    .await;
    sim.ok("deleteWebhook", json!({})).await;
    assert_eq!(sim.updates().await.len(), 0);
}

#[tokio::test]
async fn bytes_that_are_no_json_arrive_too() {
    let sim = Sim::start().await;
    let (hook, url) = hook().await;
    sim.ok("setWebhook", json!({"url": url})).await;
    sim.post("/sim/updates/raw", json!({"raw": "{\"update_id\": 5,"}))
        .await;
    sim.until("it arrives", async || hook.count() == 1).await;
    assert_eq!(
        hook.got.lock().unwrap()[0].1.as_ref(),
        b"{\"update_id\": 5,"
    );
}

#[tokio::test]
async fn the_answer_may_be_a_call() {
    let sim = Sim::with_ana().await;
    let (hook, url) = hook().await;
    *hook.answer.lock().unwrap() =
        json!({"method": "sendMessage", "chat_id": 1001, "text": "at once"}).to_string();
    sim.ok("setWebhook", json!({"url": url})).await;
    let seen = sim
        .get("/sim/chat/wait?person=1001&text=at%20once&timeout=20")
        .await;
    assert_eq!(seen["message"]["message_id"], 2);
}

#[tokio::test]
async fn one_chat_does_not_hold_up_another() {
    let sim = Sim::start().await;
    let (hook, url) = hook().await;
    *hook.stuck.lock().unwrap() = Some("stuck".to_owned());
    sim.ok("setWebhook", json!({"url": url, "max_connections": 2}))
        .await;
    for (id, texts) in [(1, ["stuck", "behind"]), (2, ["a", "b"])] {
        sim.post("/sim/people", json!({"id": id, "first_name": "P"}))
            .await;
        for text in texts {
            sim.post(&format!("/sim/people/{id}/send"), json!({"text": text}))
                .await;
        }
    }
    sim.until("the other's arrive", async || hook.count() == 2)
        .await;
    assert_eq!(hook.texts(), ["a", "b"]);
    sim.until("two are pending", async || {
        sim.ok("getWebhookInfo", json!({})).await["pending_update_count"] == 2
    })
    .await;
}
