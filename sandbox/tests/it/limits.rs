//! Telegram's limits on sending.

use serde_json::json;

use crate::support::Sim;

#[tokio::test]
async fn a_burst_passes_and_then_429_comes() {
    let sim = Sim::with_ana().await;
    sim.post("/sim/people", json!({"id": 1002, "first_name": "Eva"}))
        .await;
    sim.post("/sim/people/1002/send", json!({"text": "hi"}))
        .await;
    // So slow that nothing refills within the test.
    sim.post("/sim/limits", json!({"enabled": true, "chat_per_second": 0.01, "chat_burst": 3, "per_second": 0.01, "burst": 5})).await;
    let send = |id: i64| json!({"chat_id": id, "text": "x"});
    for _ in 0..3 {
        sim.ok("sendMessage", send(1001)).await;
    }
    let (status, body) = sim.call("sendMessage", send(1001)).await;
    let wait = body["parameters"]["retry_after"].as_u64().unwrap();
    assert_eq!(
        (status.as_u16(), body["description"].as_str().unwrap()),
        (
            429,
            format!("Too Many Requests: retry after {wait}").as_str()
        )
    );
    assert!((90..=101).contains(&wait), "{wait}");
    for _ in 0..2 {
        sim.ok("sendMessage", send(1002)).await;
    }
    let (status, _) = sim.call("sendMessage", send(1002)).await;
    assert_eq!(status, 429, "the limit of all chats");
    sim.ok("getChat", json!({"chat_id": 1001})).await;
    sim.post("/sim/limits", json!({"enabled": false})).await;
    sim.ok("sendMessage", send(1001)).await;
}
