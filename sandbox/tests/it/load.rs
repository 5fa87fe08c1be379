//! The load generator, against a bot of a few lines.

use serde_json::json;

use crate::support::Sim;

/// Answers every message with a button and every press with an edit, but not `/silent`.
async fn bot(sim: &Sim) {
    let mut offset = 0;
    loop {
        let updates = sim
            .ok("getUpdates", json!({"offset": offset, "timeout": 20}))
            .await;
        for update in updates.as_array().unwrap() {
            offset = update["update_id"].as_i64().unwrap() + 1;
            let markup = json!({"inline_keyboard": [[{"text": "A", "callback_data": "a"}]]});
            if let Some(chat) = update["message"]["chat"]["id"].as_i64() {
                if update["message"]["text"] != "/silent" {
                    sim.ok(
                        "sendMessage",
                        json!({"chat_id": chat, "text": "x", "reply_markup": markup}),
                    )
                    .await;
                }
                continue;
            }
            let query = &update["callback_query"];
            sim.ok(
                "answerCallbackQuery",
                json!({"callback_query_id": query["id"]}),
            )
            .await;
            let edit = json!({"chat_id": query["from"]["id"], "message_id": query["message"]["message_id"],
                "text": format!("pressed {offset}"), "reply_markup": markup});
            sim.ok("editMessageText", edit).await;
        }
    }
}

#[tokio::test]
async fn every_update_gets_its_reply() {
    let sim = Sim::start().await;
    let plan = json!({"people": 20, "updates": 300, "concurrency": 10, "mix": {"buttons": 0.5}});
    let report = tokio::select! {
        () = bot(&sim) => unreachable!("the bot never ends"),
        report = sim.post("/sim/load", plan) => report,
    };
    assert_eq!(
        (&report["updates"], &report["replies"], &report["wrong"]),
        (&json!(300), &json!(300), &json!(0)),
        "{report}"
    );
    assert_eq!(report["not_answered_queries"], 0);
    assert!(
        report["buttons"].as_u64().unwrap() > 50 && report["texts"].as_u64().unwrap() > 50,
        "{report}"
    );
    assert!(report["latency_ms"]["p99"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn a_missing_reply_is_wrong() {
    let sim = Sim::start().await;
    let plan = json!({"people": 3, "updates": 6, "rate": 1000, "mix": {"buttons": 0}, "texts": ["/silent"], "timeout_ms": 50});
    let report = tokio::select! {
        () = bot(&sim) => unreachable!("the bot never ends"),
        report = sim.post("/sim/load", plan) => report,
    };
    assert_eq!(
        (&report["replies"], &report["wrong"]),
        (&json!(0), &json!(6)),
        "{report}"
    );
}
