//! Keyboards: what is refused, and pressing.

use serde_json::Value;
use serde_json::json;

use crate::support::Sim;

fn with_button(button: &Value) -> Value {
    json!({"chat_id": 1001, "text": "x", "reply_markup": {"inline_keyboard": [[button]]}})
}

#[tokio::test]
async fn buttons_have_rules() {
    let sim = Sim::with_ana().await;
    let good = [
        json!({"text": "A", "callback_data": "a".repeat(64)}),
        json!({"text": "A", "url": "https://example.org/?a=b"}),
        json!({"text": "A", "url": "tg://resolve?domain=x"}),
        json!({"text": "A", "url": "example.org"}),
        json!({"text": "A", "copy_text": {"text": "c".repeat(256)}}),
        json!({"text": "A", "web_app": {"url": "https://example.org/"}}),
        json!({"text": "A", "callback_data": "a", "style": "danger"}),
    ];
    for button in &good {
        sim.ok("sendMessage", with_button(button)).await;
    }
    let bad = [
        (
            json!({"text": "A"}),
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (
            json!({"text": "A", "callback_data": "a", "url": "https://a.b"}),
            "can't parse inline keyboard button: exactly one action is expected, found callback_data and url",
        ),
        (
            json!({"text": "", "callback_data": "a"}),
            "can't parse inline keyboard button: text must be non-empty",
        ),
        (
            json!({"text": "A", "callback_data": ""}),
            "BUTTON_DATA_INVALID",
        ),
        (
            json!({"text": "A", "callback_data": "ñ".repeat(33)}),
            "BUTTON_DATA_INVALID",
        ),
        (
            json!({"text": "A", "callback_data": 5}),
            "field \"reply_markup.inline_keyboard[0][0].callback_data\" must be String, not an Integer",
        ),
        (
            json!({"callback_data": "a"}),
            "field \"reply_markup.inline_keyboard[0][0].text\" of InlineKeyboardButton is required",
        ),
        (
            json!({"text": "A", "calback_data": "a"}),
            "unknown field \"reply_markup.inline_keyboard[0][0].calback_data\" of InlineKeyboardButton",
        ),
        (
            json!({"text": "A", "copy_text": {"text": "c".repeat(257)}}),
            "BUTTON_COPY_TEXT_INVALID",
        ),
        (
            json!({"text": "A", "url": "http://localhost/"}),
            "inline keyboard button URL 'http://localhost/' is invalid: Wrong HTTP URL",
        ),
        (
            json!({"text": "A", "url": "javascript:alert(1)"}),
            "inline keyboard button URL 'javascript:alert(1)' is invalid: Unsupported URL protocol",
        ),
        (
            json!({"text": "A", "web_app": {"url": "http://a.b"}}),
            "inline keyboard button Web App URL 'http://a.b' is invalid: Only HTTPS links are allowed",
        ),
        (
            json!({"text": "A", "callback_data": "a", "style": "pink"}),
            "can't parse inline keyboard button: invalid button style specified",
        ),
        (json!({"text": "A", "pay": true}), "BUTTON_TYPE_INVALID"),
    ];
    for (button, reason) in &bad {
        assert_eq!(
            sim.refused("sendMessage", with_button(button)).await,
            format!("Bad Request: {reason}"),
            "{button}"
        );
    }
    let button = json!({"text": "A", "callback_data": "a"});
    let rows = |rows: usize, columns: usize| json!({"chat_id": 1001, "text": "x", "reply_markup": {"inline_keyboard": vec![vec![button.clone(); columns]; rows]}});
    sim.ok("sendMessage", rows(12, 8)).await;
    for too_many in [rows(1, 9), rows(13, 8)] {
        assert!(
            sim.refused("sendMessage", too_many)
                .await
                .starts_with("Bad Request: reply markup is too long")
        );
    }
}

#[tokio::test]
async fn only_buttons_that_are_there_can_be_pressed() {
    let sim = Sim::with_ana().await;
    let keyboard = json!({"inline_keyboard": [
        [{"text": "Menu", "callback_data": "menu"}, {"text": "Site", "url": "https://example.org/"}],
        [{"text": "Copy", "copy_text": {"text": "abc"}}],
    ]});
    sim.ok(
        "sendMessage",
        json!({"chat_id": 1001, "text": "x", "reply_markup": keyboard}),
    )
    .await;
    let pressed = sim
        .post(
            "/sim/people/1001/press",
            json!({"message_id": 2, "data": "menu"}),
        )
        .await;
    let update = sim.updates().await.pop().unwrap();
    assert_eq!(update["callback_query"]["id"], pressed["callback_query_id"]);
    assert_eq!(
        (
            &update["callback_query"]["data"],
            &update["callback_query"]["message"]["message_id"]
        ),
        (&json!("menu"), &json!(2))
    );
    let site = sim
        .post("/sim/people/1001/press", json!({"text": "Site"}))
        .await;
    assert_eq!(site, json!({"kind": "url", "url": "https://example.org/"}));
    let copy = sim
        .post("/sim/people/1001/press", json!({"row": 1, "col": 0}))
        .await;
    assert_eq!(copy, json!({"kind": "copy", "copy": "abc"}));
    for absent in [
        json!({"data": "other"}),
        json!({"message_id": 1, "data": "menu"}),
        json!({"text": "Nothing"}),
        json!({"row": 3, "col": 0}),
    ] {
        let (status, body) = sim.try_post("/sim/people/1001/press", absent).await;
        assert_eq!(status, 409, "{body}");
    }
}

#[tokio::test]
async fn forged_presses_go_through_on_request() {
    let sim = Sim::with_ana().await;
    sim.post("/sim/people", json!({"id": 1002, "first_name": "Eva"}))
        .await;
    sim.ok("sendMessage", json!({"chat_id": 1001, "text": "for Ana"}))
        .await;
    sim.post(
        "/sim/people/1002/press",
        json!({"message_id": 2, "of": 1001, "data": "stolen", "force": true}),
    )
    .await;
    let query = sim.updates().await.pop().unwrap()["callback_query"].take();
    assert_eq!(
        (
            &query["from"]["id"],
            &query["message"]["chat"]["id"],
            &query["data"]
        ),
        (&json!(1002), &json!(1001), &json!("stolen"))
    );
    sim.post(
        "/sim/people/1001/press",
        json!({"message_id": 99, "data": "old", "force": true}),
    )
    .await;
    let query = sim.updates().await.pop().unwrap()["callback_query"].take();
    assert_eq!(
        query["message"],
        json!({"chat": query["message"]["chat"], "message_id": 99, "date": 0}),
        "inaccessible"
    );
}

#[tokio::test]
async fn a_query_is_answered_once_and_in_time() {
    let sim = Sim::with_ana().await;
    let too_old =
        "Bad Request: query is too old and response timeout expired or query ID is invalid";
    sim.ok(
        "sendMessage",
        with_button(&json!({"text": "A", "callback_data": "a"})),
    )
    .await;
    let press = async || {
        let pressed = sim
            .post("/sim/people/1001/press", json!({"text": "A"}))
            .await;
        pressed["callback_query_id"].clone()
    };
    let id = press().await;
    let long = json!({"callback_query_id": id, "text": "x".repeat(201)});
    assert_eq!(
        sim.refused("answerCallbackQuery", long).await,
        "Bad Request: MESSAGE_TOO_LONG"
    );
    sim.ok(
        "answerCallbackQuery",
        json!({"callback_query_id": id, "text": "Done", "show_alert": true}),
    )
    .await;
    assert_eq!(
        sim.refused("answerCallbackQuery", json!({"callback_query_id": id}))
            .await,
        too_old
    );
    assert_eq!(
        sim.refused("answerCallbackQuery", json!({"callback_query_id": "7"}))
            .await,
        too_old
    );
    let chat = sim.get("/sim/people/1001/chat").await;
    assert_eq!(
        (&chat["toasts"][0]["text"], &chat["toasts"][0]["alert"]),
        (&json!("Done"), &json!(true))
    );
    let id = press().await;
    assert_eq!(sim.get("/sim/state").await["callback_queries"][0]["id"], id);
    sim.post("/sim/limits", json!({"callback_seconds": 0}))
        .await;
    assert_eq!(
        sim.refused("answerCallbackQuery", json!({"callback_query_id": id}))
            .await,
        too_old
    );
}

#[tokio::test]
async fn a_press_can_wait_for_its_answer() {
    let sim = Sim::with_ana().await;
    sim.ok(
        "sendMessage",
        with_button(&json!({"text": "A", "callback_data": "a"})),
    )
    .await;
    let offset = sim.updates().await.len();
    let answer = async {
        let got = sim
            .ok(
                "getUpdates",
                json!({"offset": 100_000_001 + offset, "timeout": 20}),
            )
            .await;
        sim.ok(
            "answerCallbackQuery",
            json!({"callback_query_id": got[0]["callback_query"]["id"], "text": "ok"}),
        )
        .await;
    };
    let (pressed, ()) = tokio::join!(
        sim.post("/sim/people/1001/press", json!({"text": "A", "wait": 20})),
        answer
    );
    assert_eq!(
        pressed["answer"],
        json!({"text": "ok", "show_alert": false, "url": null})
    );
}

#[tokio::test]
async fn reply_keyboards_are_shown_and_taken_away() {
    let sim = Sim::with_ana().await;
    let markup = json!({"keyboard": [["Yes", {"text": "No"}]], "resize_keyboard": true});
    sim.ok(
        "sendMessage",
        json!({"chat_id": 1001, "text": "x", "reply_markup": markup}),
    )
    .await;
    assert_eq!(
        sim.get("/sim/people/1001/chat").await["reply_keyboard"],
        json!([["Yes", "No"]])
    );
    assert_eq!(
        sim.refused(
            "editMessageText",
            json!({"chat_id": 1001, "message_id": 2, "text": "y"})
        )
        .await,
        "Bad Request: message can't be edited"
    );
    sim.ok(
        "sendMessage",
        json!({"chat_id": 1001, "text": "x", "reply_markup": {"remove_keyboard": true}}),
    )
    .await;
    assert_eq!(
        sim.get("/sim/people/1001/chat").await["reply_keyboard"],
        Value::Null
    );
}
