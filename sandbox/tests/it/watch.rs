//! Several chats watched at once.

use serde_json::Value;
use serde_json::json;

use crate::support::Sim;

async fn eva(sim: &Sim) {
    sim.post("/sim/people", json!({"id": 1002, "first_name": "Eva"}))
        .await;
}

fn ids(answer: &Value) -> Vec<i64> {
    answer["chats"]
        .as_array()
        .unwrap()
        .iter()
        .map(|chat| chat["person"]["id"].as_i64().unwrap())
        .collect()
}

fn rev(answer: &Value, index: usize) -> u64 {
    answer["chats"][index]["rev"].as_u64().unwrap()
}

#[tokio::test]
async fn only_the_chats_that_changed_are_told() {
    let sim = Sim::with_ana().await;
    eva(&sim).await;
    let all = sim.get("/sim/watch?seen=1001,1002,7").await;
    assert_eq!((ids(&all), &all["gone"]), (vec![1001, 1002], &json!([7])));
    assert_eq!(all["chats"][0]["messages"][0]["text"], "/start");
    let seen = format!("1001:{},1002:{}", rev(&all, 0), rev(&all, 1));
    let nothing = sim.get(&format!("/sim/watch?seen={seen}")).await;
    assert_eq!((ids(&nothing), &nothing["epoch"]), (vec![], &all["epoch"]));

    let path = format!("/sim/watch?seen={seen}&wait=20");
    // Whichever comes first: a change before the watch is told at once, one after it wakes the watch.
    let (changed, _) = tokio::join!(
        sim.get(&path),
        sim.ok("sendMessage", json!({"chat_id": 1001, "text": "hello"}))
    );
    assert_eq!(ids(&changed), [1001]);
    assert_eq!(changed["chats"][0]["messages"].as_array().unwrap().len(), 1);
    assert_eq!(changed["chats"][0]["messages"][0]["text"], "hello");
}

#[tokio::test]
async fn a_reset_ends_a_watch_and_begins_a_new_epoch() {
    let sim = Sim::with_ana().await;
    let all = sim.get("/sim/watch?seen=1001").await;
    let epoch = all["epoch"].as_i64().unwrap();
    let path = format!(
        "/sim/watch?seen=1001:{}&wait=20&epoch={epoch}",
        rev(&all, 0)
    );
    let (ended, _) = tokio::join!(sim.get(&path), sim.post("/sim/reset", json!({})));
    assert!(ended["epoch"].as_i64().unwrap() > epoch, "{ended}");
    sim.ana().await;
    // The same revision, but of another epoch: everything is told.
    let again = sim.get(&path).await;
    assert_eq!(
        (
            ids(&again),
            again["chats"][0]["messages"].as_array().unwrap().len()
        ),
        (vec![1001], 1)
    );
}

#[tokio::test]
async fn presses_wait_until_they_are_answered() {
    let sim = Sim::with_ana().await;
    let markup = json!({"inline_keyboard": [[{"text": "A", "callback_data": "a"}, {"text": "B", "callback_data": "b"}]]});
    sim.ok(
        "sendMessage",
        json!({"chat_id": 1001, "text": "x", "reply_markup": markup}),
    )
    .await;
    let press = async |data: &str| {
        sim.post("/sim/people/1001/press", json!({"data": data}))
            .await
    };
    let (a, b) = (press("a").await, press("b").await);
    let waiting = sim.get("/sim/people/1001/chat").await;
    assert_eq!(
        waiting["waiting"],
        json!([b["callback_query_id"], a["callback_query_id"]])
    );
    assert_eq!(
        a["rev"], waiting["rev"],
        "a press by itself changes nothing that is shown"
    );
    sim.ok(
        "answerCallbackQuery",
        json!({"callback_query_id": a["callback_query_id"]}),
    )
    .await;
    let answered = sim.get("/sim/people/1001/chat").await;
    assert_eq!(answered["waiting"], json!([b["callback_query_id"]]));
    assert!(
        answered["rev"].as_u64() > a["rev"].as_u64(),
        "an answer without words is told as well"
    );
}

#[tokio::test]
async fn a_watch_has_limits() {
    let sim = Sim::with_ana().await;
    let many = vec!["1001"; 201].join(",");
    for (seen, told) in [
        (many.as_str(), "at most 200 chats"),
        ("1001:x", "not \"1001:x\""),
        ("ana", "not \"ana\""),
    ] {
        let response = sim
            .client
            .get(sim.url(&format!("/sim/watch?seen={seen}")))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 400);
        let error: Value = response.json().await.unwrap();
        assert!(error["error"].as_str().unwrap().contains(told), "{error}");
    }
}
