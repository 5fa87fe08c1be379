//! Long polling.

use serde_json::Value;
use serde_json::json;

use crate::support::PATIENCE;
use crate::support::Sim;

fn ids(updates: &[Value]) -> Vec<i64> {
    updates
        .iter()
        .map(|update| update["update_id"].as_i64().unwrap() - 100_000_000)
        .collect()
}

async fn sim_with(count: usize) -> Sim {
    let sim = Sim::start().await;
    sim.post("/sim/people", json!({"id": 1001, "first_name": "Ana"}))
        .await;
    for number in 0..count {
        sim.post(
            "/sim/people/1001/send",
            json!({"text": format!("/n{number}")}),
        )
        .await;
    }
    sim
}

async fn poll(sim: &Sim, parameters: Value) -> Vec<i64> {
    ids(sim.ok("getUpdates", parameters).await.as_array().unwrap())
}

#[tokio::test]
async fn an_offset_confirms() {
    let sim = sim_with(5).await;
    assert_eq!(poll(&sim, json!({})).await, [1, 2, 3, 4, 5]);
    assert_eq!(poll(&sim, json!({"limit": 2})).await, [1, 2]);
    assert_eq!(poll(&sim, json!({"offset": 100_000_003})).await, [3, 4, 5]);
    assert_eq!(poll(&sim, json!({"offset": 0})).await, [3, 4, 5]);
    assert_eq!(
        poll(&sim, json!({"offset": -1})).await,
        [5],
        "all before are forgotten"
    );
    assert_eq!(poll(&sim, json!({})).await, [5]);
    assert_eq!(
        poll(&sim, json!({"offset": 100_000_006, "timeout": 0})).await,
        Vec::<i64>::new()
    );
}

#[tokio::test]
async fn a_poll_waits_for_an_update() {
    let sim = sim_with(0).await;
    let (got, _) = tokio::join!(
        poll(&sim, json!({"timeout": 20})),
        sim.post("/sim/people/1001/send", json!({"text": "hi"})),
    );
    assert_eq!(got, [1]);
}

#[tokio::test]
async fn the_older_of_two_polls_ends_with_409() {
    let sim = sim_with(0).await;
    let older = sim
        .client
        .post(sim.method_url("getUpdates"))
        .json(&json!({"timeout": 50}));
    let older = tokio::spawn(older.send());
    sim.until("the first poll waits", async || {
        sim.get("/sim/state").await["updates"]["poller"] == true
    })
    .await;
    assert_eq!(poll(&sim, json!({})).await, Vec::<i64>::new());
    let older = tokio::time::timeout(PATIENCE, older)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(older.status(), 409);
    let body: Value = older.json().await.unwrap();
    let expected = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";
    assert_eq!(body["description"], expected);
}

#[tokio::test]
async fn a_webhook_and_polling_exclude_each_other() {
    let sim = sim_with(1).await;
    let waiting = sim
        .client
        .post(sim.method_url("getUpdates"))
        .json(&json!({"offset": 100_000_002, "timeout": 50}));
    let waiting = tokio::spawn(waiting.send());
    sim.until("the poll waits", async || {
        sim.get("/sim/state").await["updates"]["poller"] == true
    })
    .await;
    sim.ok("setWebhook", json!({"url": "http://127.0.0.1:9/hook"}))
        .await;
    let ended: Value = waiting.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(
        ended["description"],
        "Conflict: terminated by setWebhook request"
    );
    let refused = sim.refused("getUpdates", json!({})).await;
    assert!(refused.starts_with("Conflict: can't use getUpdates method while webhook is active"));
    sim.ok("deleteWebhook", json!({})).await;
    assert_eq!(poll(&sim, json!({})).await, Vec::<i64>::new());
}

#[tokio::test]
async fn allowed_updates_are_remembered() {
    let sim = sim_with(1).await;
    poll(&sim, json!({"allowed_updates": ["callback_query"]})).await;
    let sent = sim
        .post("/sim/people/1001/send", json!({"text": "unseen"}))
        .await;
    assert_eq!(sent["update_id"], Value::Null);
    assert_eq!(poll(&sim, json!({})).await, [1], "what was there stays");
    assert_eq!(
        sim.ok("getWebhookInfo", json!({})).await["allowed_updates"],
        json!(["callback_query"])
    );
    poll(&sim, json!({"allowed_updates": []})).await;
    sim.post("/sim/people/1001/send", json!({"text": "seen"}))
        .await;
    assert_eq!(poll(&sim, json!({})).await, [1, 2]);
}

#[tokio::test]
async fn raw_bytes_go_out_as_they_are() {
    let sim = sim_with(0).await;
    let odd = r#"{"update_id": {{update_id}} ,"future_thing":{"a":"\u0000"}}"#;
    let pushed = sim.post("/sim/updates/raw", json!({"raw": odd})).await;
    assert_eq!(
        pushed,
        json!({"update_id": 100_000_001, "valid_json": true})
    );
    let broken = sim
        .post("/sim/updates/raw", json!({"raw": "{\"update_id\": 5,"}))
        .await;
    assert_eq!(broken["valid_json"], false);
    let text = sim
        .client
        .get(sim.method_url("getUpdates"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let expected =
        r#"{"ok":true,"result":[{"update_id": 100000001 ,"future_thing":{"a":"\u0000"}}]}"#;
    assert_eq!(text, expected, "what is not JSON is left out");
    let url = sim.url("/sim/updates/raw?force=1");
    sim.client
        .post(url)
        .header("content-type", "application/octet-stream")
        .body(vec![b'{', 0xff])
        .send()
        .await
        .unwrap();
    let bytes = sim
        .client
        .get(sim.method_url("getUpdates"))
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert!(bytes.ends_with(b",{\xff]}"));
}

#[tokio::test]
async fn ids_can_be_set_and_repeated() {
    let sim = sim_with(1).await;
    sim.post("/sim/updates/next", json!({"update_id": 5_000_000_000_i64}))
        .await;
    let sent = sim
        .post("/sim/people/1001/send", json!({"text": "far"}))
        .await;
    assert_eq!(sent["update_id"], 5_000_000_000_i64);
    sim.post(
        "/sim/updates/raw",
        json!({"raw": "{\"update_id\":100000001}"}),
    )
    .await;
    let got: Vec<i64> = sim
        .updates()
        .await
        .iter()
        .map(|update| update["update_id"].as_i64().unwrap())
        .collect();
    assert_eq!(got, [100_000_001, 5_000_000_000, 100_000_001]);
    assert_eq!(
        sim.ok("getUpdates", json!({"offset": 100_000_002}))
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn commands_are_marked_and_long_texts_split() {
    let sim = sim_with(0).await;
    sim.post("/sim/people/1001/send", json!({"text": "/start abc"}))
        .await;
    let sent = sim
        .post("/sim/people/1001/send", json!({"text": "x".repeat(10_000)}))
        .await;
    assert_eq!(sent["message_ids"], json!([2, 3, 4]));
    let updates = sim.updates().await;
    assert_eq!(
        updates[0]["message"]["entities"],
        json!([{"type": "bot_command", "offset": 0, "length": 6}])
    );
    assert_eq!(updates.len(), 4);
}
