//! The control API itself.

use serde_json::Value;
use serde_json::json;

use crate::support::Sim;

#[tokio::test]
async fn the_chat_shows_what_changed() {
    let sim = Sim::with_ana().await;
    let rev = sim.get("/sim/people/1001/chat").await["rev"]
        .as_u64()
        .unwrap();
    let path = format!("/sim/people/1001/chat?after={rev}&wait=20");
    let (chat, _) = tokio::join!(
        sim.get(&path),
        sim.ok(
            "sendMessage",
            json!({"chat_id": 1001, "text": "<b>a</b> <script>", "entities": []})
        ),
    );
    assert_eq!(chat["messages"].as_array().unwrap().len(), 1);
    assert_eq!(
        chat["messages"][0]["html"],
        "&lt;b&gt;a&lt;/b&gt; &lt;script&gt;"
    );
    sim.ok(
        "sendChatAction",
        json!({"chat_id": 1001, "action": "typing"}),
    )
    .await;
    assert_eq!(
        sim.get("/sim/people/1001/chat").await["typing"]["action"],
        "typing"
    );
    let old = sim.get("/sim/people/1001/chat?after=99999&wait=20").await;
    assert_eq!(
        old["messages"].as_array().unwrap().len(),
        2,
        "a revision from before a reset shows all"
    );
}

#[tokio::test]
async fn a_wait_ends_with_what_is_there() {
    let sim = Sim::with_ana().await;
    let response = sim
        .client
        .get(sim.url("/sim/chat/wait?person=1001&text=never&timeout=0.05"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(
        response.json::<Value>().await.unwrap()["messages"][0]["text"],
        "/start"
    );
    let (seen, _) = tokio::join!(
        sim.get("/sim/chat/wait?person=1001&text=needle&button=Go&timeout=20"),
        async {
            sim.ok(
                "sendMessage",
                json!({"chat_id": 1001, "text": "a needle without a button"}),
            )
            .await;
            let markup = json!({"inline_keyboard": [[{"text": "Go!", "callback_data": "go"}]]});
            sim.ok(
                "sendMessage",
                json!({"chat_id": 1001, "text": "a needle", "reply_markup": markup}),
            )
            .await;
        },
    );
    assert_eq!(seen["message"]["message_id"], 3);
}

#[tokio::test]
async fn calls_are_counted() {
    let sim = Sim::with_ana().await;
    sim.ok("sendMessage", json!({"chat_id": 1001, "text": "x"}))
        .await;
    sim.refused("sendMessage", json!({"chat_id": 1, "text": "x"}))
        .await;
    let calls = sim.get("/sim/calls?chat_id=1001").await;
    assert_eq!(
        (&calls["counts"]["sendMessage"], &calls["last"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(
        (
            calls["calls"].as_array().unwrap().len(),
            &calls["calls"][0]["ok"]
        ),
        (1, &json!(true))
    );
    let after = sim.get("/sim/calls?after=1").await;
    assert_eq!(after["calls"][0]["error_code"], 400);
    sim.post("/sim/calls/clear", json!({})).await;
    sim.ok("getMe", json!({})).await;
    let calls = sim.get("/sim/calls").await;
    assert_eq!(
        (&calls["counts"], &calls["calls"][0]["n"]),
        (&json!({"getMe": 1}), &json!(3))
    );
}

#[tokio::test]
async fn people_come_change_and_go() {
    let sim = Sim::start().await;
    let ana = sim
        .post(
            "/sim/people",
            json!({"first_name": "Ana", "username": "ana", "label": "admin"}),
        )
        .await;
    assert_eq!(ana["id"], 1001);
    let ana = sim
        .post(
            "/sim/people",
            json!({"id": 1001, "last_name": "P", "username": ""}),
        )
        .await;
    assert_eq!(
        (&ana["first_name"], &ana["last_name"], &ana["username"]),
        (&json!("Ana"), &json!("P"), &Value::Null)
    );
    assert_eq!(
        sim.post("/sim/people", json!({"first_name": "Eva"})).await["id"],
        1002
    );
    assert_eq!(sim.try_post("/sim/people", json!({})).await.0, 400);
    assert_eq!(
        sim.try_post("/sim/people", json!({"first_name": "X", "colour": 1}))
            .await
            .0,
        400
    );
    sim.client
        .delete(sim.url("/sim/people/1001"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        sim.get("/sim/people").await["people"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        sim.try_post("/sim/people/1001/send", json!({"text": "x"}))
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn people_do_other_things() {
    let sim = Sim::with_ana().await;
    sim.post(
        "/sim/people/1001/edited_message",
        json!({"message_id": 1, "text": "/help"}),
    )
    .await;
    sim.post("/sim/people/1001/sticker", json!({"emoji": "🦄"}))
        .await;
    sim.post(
        "/sim/people/1001/location",
        json!({"latitude": 1.5, "longitude": 2.5}),
    )
    .await;
    sim.post("/sim/people/1001/contact", json!({"phone_number": "+1"}))
        .await;
    let updates = sim.updates().await;
    assert_eq!(updates[1]["edited_message"]["text"], "/help");
    assert_eq!(updates[2]["message"]["sticker"]["emoji"], "🦄");
    assert_eq!(updates[3]["message"]["location"]["latitude"], 1.5);
    assert_eq!(updates[4]["message"]["contact"]["user_id"], 1001);
}

#[tokio::test]
async fn a_reset_forgets() {
    let sim = Sim::with_ana().await;
    sim.post(
        "/sim/faults",
        json!({"rules": [{"action": "500", "times": -1}]}),
    )
    .await;
    sim.post("/sim/clock", json!({"advance_seconds": 5})).await;
    sim.post("/sim/reset", json!({})).await;
    let state = sim.get("/sim/state").await;
    assert_eq!(
        (
            &state["people"],
            &state["faults"],
            &state["clock"]["offset_seconds"]
        ),
        (&json!([]), &json!([]), &json!(0))
    );
    assert_eq!(sim.updates().await.len(), 0);
}

#[tokio::test]
async fn pages_of_other_places_are_kept_away() {
    let sim = Sim::with_ana().await;
    let own = sim.sandbox.address().to_string();
    let port = sim.sandbox.address().port();
    let table = [
        (None, None, 200),
        (None, Some(format!("http://{own}")), 200),
        (
            Some(format!("localhost:{port}")),
            Some(format!("http://localhost:{port}")),
            200,
        ),
        (None, Some("https://evil.example".to_owned()), 403),
        (None, Some("null".to_owned()), 403),
        (None, Some(format!("http://127.0.0.1:{}", port ^ 1)), 403),
        (Some(format!("evil.example:{port}")), None, 403),
        (
            Some(format!("evil.example:{port}")),
            Some(format!("http://evil.example:{port}")),
            403,
        ),
    ];
    for (host, origin, status) in table {
        for path in ["/sim/state", "/sim/people/1001/chat", "/"] {
            let mut request = sim.client.get(sim.url(path));
            request = host
                .iter()
                .fold(request, |request, host| request.header("Host", host));
            request = origin
                .iter()
                .fold(request, |request, origin| request.header("Origin", origin));
            let answer = request.send().await.unwrap();
            assert_eq!(
                answer.status(),
                status,
                "{path} from {origin:?} at {host:?}"
            );
        }
    }
}
