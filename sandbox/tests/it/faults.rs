//! Faults on request.

use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use crate::support::Sim;

async fn send(sim: &Sim) -> Result<(u16, String), reqwest::Error> {
    let request = sim
        .client
        .post(sim.method_url("sendMessage"))
        .json(&json!({"chat_id": 1001, "text": "x"}));
    let response = request.send().await?;
    Ok((response.status().as_u16(), response.text().await?))
}

async fn sent(sim: &Sim) -> i64 {
    sim.get("/sim/people/1001").await["last_message_id"]
        .as_i64()
        .unwrap()
        - 1
}

#[tokio::test]
async fn each_fault_shows_once() {
    let sim = Sim::with_ana().await;
    sim.post("/sim/faults", json!({"rules": [
        {"method": "sendMessage", "action": "429", "retry_after": 7},
        {"method": "sendmessage", "chat_id": 1001, "action": "500"},
        {"action": "502-html", "method": "sendMessage"},
        {"method": "sendMessage", "action": "error", "code": 403, "description": "Forbidden: x"},
        {"method": "getMe", "times": -1, "action": "500"},
        {"chat_id": 5, "action": "500"},
    ]}))
    .await;
    let (status, body) = send(&sim).await.unwrap();
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, &body["parameters"]["retry_after"]),
        (429, &json!(7))
    );
    assert_eq!(body["description"], "Too Many Requests: retry after 7");
    assert_eq!(send(&sim).await.unwrap().0, 500);
    let (status, body) = send(&sim).await.unwrap();
    assert!(status == 502 && body.starts_with("<html>"));
    assert_eq!(send(&sim).await.unwrap().0, 403);
    assert_eq!(sent(&sim).await, 0);
    assert_eq!(send(&sim).await.unwrap().0, 200);
    let faults = sim.get("/sim/faults").await;
    assert_eq!(
        (&faults["faults"][0]["hits"], &faults["faults"][5]["hits"]),
        (&json!(1), &json!(0))
    );
    sim.client
        .delete(sim.url("/sim/faults"))
        .send()
        .await
        .unwrap();
    assert_eq!(sim.get("/sim/faults").await["faults"], json!([]));
}

#[tokio::test]
async fn a_dropped_call_may_have_taken_effect() {
    let sim = Sim::with_ana().await;
    sim.post(
        "/sim/faults",
        json!({"rules": [{"method": "sendMessage", "action": "drop"}]}),
    )
    .await;
    assert!(send(&sim).await.is_err());
    assert_eq!(sent(&sim).await, 0);
    sim.post(
        "/sim/faults",
        json!({"rules": [{"method": "sendMessage", "action": "drop", "when": "after"}]}),
    )
    .await;
    assert!(send(&sim).await.is_err());
    assert_eq!(sent(&sim).await, 1);
    let calls = sim.get("/sim/calls?method=sendMessage").await;
    assert_eq!(
        (
            &calls["counts"]["sendMessage"],
            &calls["errors"]["sendMessage"]
        ),
        (&json!(2), &json!(2))
    );
    assert_eq!(
        calls["calls"][1]["description"],
        "the connection was dropped"
    );
}

#[tokio::test]
async fn a_hanging_call_is_slow_and_then_fine() {
    let sim = Sim::with_ana().await;
    let rules =
        json!({"rules": [{"method": "sendMessage", "action": "hang", "ms": 300, "skip": 1}]});
    sim.post("/sim/faults", rules).await;
    send(&sim).await.unwrap();
    let started = Instant::now();
    assert_eq!(send(&sim).await.unwrap().0, 200);
    assert!(started.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn mistakes_in_rules_are_told() {
    let sim = Sim::start().await;
    for rules in [
        json!([{"action": "explode"}]),
        json!([{"method": "sendMesage", "action": "500"}]),
        json!([{"action": "hang"}]),
    ] {
        assert_eq!(
            sim.try_post("/sim/faults", json!({"rules": rules})).await.0,
            400
        );
    }
}
