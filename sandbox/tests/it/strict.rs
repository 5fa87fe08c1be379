//! What Telegram refuses is refused, with its words.

use serde_json::Value;
use serde_json::json;

use crate::support::Sim;

#[tokio::test]
async fn wrong_parameters_are_refused() {
    let sim = Sim::with_ana().await;
    let long = "x".repeat(4097);
    let long_caption = "x".repeat(1025);
    let table: Vec<(&str, Value, &str)> = vec![
        (
            "sendMessage",
            json!({"text": "x"}),
            "Bad Request: chat_id is empty",
        ),
        (
            "sendMessage",
            json!({"chat_id": 1001}),
            "Bad Request: message text is empty",
        ),
        (
            "sendMessage",
            json!({"chat_id": 1001, "text": "  \n"}),
            "Bad Request: message text is empty",
        ),
        (
            "sendMessage",
            json!({"chat_id": 1001, "text": long}),
            "Bad Request: message is too long",
        ),
        (
            "sendMessage",
            json!({"chat_id": 4242, "text": "x"}),
            "Bad Request: chat not found",
        ),
        (
            "sendMessage",
            json!({"chat_id": 1001, "text": 5}),
            "Bad Request: field \"text\" must be String, not an Integer",
        ),
        (
            "sendMessage",
            json!({"chat_id": true, "text": "x"}),
            "Bad Request: field \"chat_id\" must be Integer or String, not a Boolean",
        ),
        (
            "sendMessage",
            json!({"chat_id": 1001, "text": "x", "colour": 1}),
            "Bad Request: unknown parameter \"colour\" of sendMessage",
        ),
        (
            "sendMessage",
            json!({"chat_id": 1001, "text": "x", "link_preview_options": {"is_disable": true}}),
            "Bad Request: unknown field \"link_preview_options.is_disable\" of LinkPreviewOptions",
        ),
        (
            "sendMessage",
            json!({"chat_id": 1001, "text": "x", "entities": [{"type": "bold", "offset": 0}]}),
            "Bad Request: field \"entities[0].length\" of MessageEntity is required",
        ),
        (
            "sendMessage",
            json!({"chat_id": 1001, "text": "x", "parse_mode": "BBCode"}),
            "Bad Request: unsupported parse_mode",
        ),
        (
            "sendMessage",
            json!({"chat_id": 1001, "text": "x", "reply_markup": "{"}),
            "Bad Request: can't parse reply keyboard markup JSON object",
        ),
        (
            "sendMessage",
            json!({"chat_id": 1001, "text": "x", "reply_parameters": {"message_id": 99}}),
            "Bad Request: message to be replied not found",
        ),
        (
            "sendMessage",
            json!({"chat_id": 1001, "text": "<b>x", "parse_mode": "HTML"}),
            "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\"",
        ),
        (
            "editMessageText",
            json!({"chat_id": 1001, "text": "x"}),
            "Bad Request: message identifier is not specified",
        ),
        (
            "editMessageText",
            json!({"chat_id": 1001, "message_id": "5", "text": "x"}),
            "Bad Request: field \"message_id\" must be Integer, not a String",
        ),
        (
            "deleteMessage",
            json!({"chat_id": 1001, "message_id": 99}),
            "Bad Request: message to delete not found",
        ),
        (
            "sendDocument",
            json!({"chat_id": 1001}),
            "Bad Request: there is no document in the request",
        ),
        (
            "sendDocument",
            json!({"chat_id": 1001, "document": "x", "caption": long_caption}),
            "Bad Request: message caption is too long",
        ),
        (
            "sendChatAction",
            json!({"chat_id": 1001, "action": "dancing"}),
            "Bad Request: wrong parameter action in request",
        ),
        (
            "getFile",
            json!({"file_id": "nope"}),
            "Bad Request: invalid file_id",
        ),
        (
            "getUpdates",
            json!({"allowed_updates": ["mesage"]}),
            "Bad Request: unknown kind of update \"mesage\" in allowed_updates",
        ),
        (
            "getUpdates",
            json!({"allowed_updates": "message"}),
            "Bad Request: can't parse allowed_updates JSON object",
        ),
        (
            "setWebhook",
            json!({"url": "http://example.org/x"}),
            "Bad Request: bad webhook: An HTTPS URL must be provided for webhook",
        ),
        (
            "setWebhook",
            json!({"url": "https://example.org:4443/x"}),
            "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
        ),
        (
            "setWebhook",
            json!({"url": "https://example.org/", "secret_token": "a b"}),
            "Bad Request: secret token contains unallowed characters",
        ),
    ];
    for (method, parameters, description) in table {
        assert_eq!(
            sim.refused(method, parameters.clone()).await,
            description,
            "{method} {parameters}"
        );
    }
    assert_eq!(
        sim.get("/sim/people/1001").await["last_message_id"],
        1,
        "nothing of it was sent"
    );
}

#[tokio::test]
async fn lengths_are_counted_after_parsing_in_utf16() {
    let sim = Sim::with_ana().await;
    let at_limit = format!("<b>{}</b>&lt;&lt;", "😀".repeat(2047));
    let sent = sim
        .ok(
            "sendMessage",
            json!({"chat_id": 1001, "text": at_limit, "parse_mode": "HTML"}),
        )
        .await;
    assert_eq!(sent["entities"][0]["length"], 4094);
    let beyond = format!("{at_limit}x");
    let refused = sim
        .refused(
            "sendMessage",
            json!({"chat_id": 1001, "text": beyond, "parse_mode": "HTML"}),
        )
        .await;
    assert_eq!(refused, "Bad Request: message is too long");
}

#[tokio::test]
async fn parameters_come_in_every_form() {
    let sim = Sim::with_ana().await;
    let url = sim.method_url("SENDMESSAGE");
    let markup = r#"{"inline_keyboard":[[{"text":"A","callback_data":"a"}]]}"#;
    let fields = [
        ("chat_id", "1001"),
        ("text", "a+b & ñ"),
        ("reply_markup", markup),
        ("disable_notification", "true"),
    ];
    let mut multipart = reqwest::multipart::Form::new();
    for (name, value) in fields {
        multipart = multipart.text(name, value);
    }
    let requests = [
        sim.client.get(&url).query(&fields),
        sim.client.post(&url).query(&fields),
        sim.client.post(&url).form(&fields),
        sim.client.post(&url).multipart(multipart),
        sim.client
            .post(&url)
            .json(&json!({"chat_id": "1001", "text": "a+b & ñ", "reply_markup": markup})),
    ];
    for request in requests {
        let body: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(body["result"]["text"], "a+b & ñ", "{body}");
        assert_eq!(
            body["result"]["reply_markup"]["inline_keyboard"][0][0]["callback_data"],
            "a"
        );
    }
}

#[tokio::test]
async fn unknown_methods_and_tokens_are_refused() {
    let sim = Sim::start().await;
    let (status, body) = sim.call("sendDice", json!({})).await;
    assert_eq!(
        (status.as_u16(), body),
        (
            404,
            json!({"ok": false, "error_code": 404, "description": "Not Found"})
        )
    );
    let response = sim
        .client
        .get(sim.url("/bot12345:WRONG/getMe"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(
        response.json::<Value>().await.unwrap()["description"],
        "Unauthorized"
    );
    let me = sim.ok("getme", json!({})).await;
    assert_eq!((&me["id"], &me["is_bot"]), (&json!(12345), &json!(true)));
}

#[tokio::test]
async fn ids_beyond_32_and_52_bits_work() {
    let sim = Sim::start().await;
    for id in [3_000_000_000_i64, (1 << 52) + 1, i64::MAX] {
        sim.post("/sim/people", json!({"id": id, "first_name": "Big"}))
            .await;
        sim.post(&format!("/sim/people/{id}/send"), json!({"text": "hi"}))
            .await;
        let sent = sim
            .ok("sendMessage", json!({"chat_id": id, "text": "x"}))
            .await;
        assert_eq!(
            (sent["chat"]["id"].as_i64(), sent["message_id"].as_i64()),
            (Some(id), Some(2))
        );
    }
}

#[tokio::test]
async fn a_stranger_cannot_be_written_to() {
    let sim = Sim::start().await;
    sim.post("/sim/people", json!({"id": 7, "first_name": "Shy"}))
        .await;
    assert_eq!(
        sim.refused("sendMessage", json!({"chat_id": 7, "text": "x"}))
            .await,
        "Bad Request: chat not found"
    );
    sim.post("/sim/people/7/send", json!({"text": "hello"}))
        .await;
    sim.ok("sendMessage", json!({"chat_id": 7, "text": "x"}))
        .await;
    sim.post("/sim/people/7/block", json!({"blocked": true}))
        .await;
    let blocked = "Forbidden: bot was blocked by the user";
    assert_eq!(
        sim.refused("sendMessage", json!({"chat_id": 7, "text": "x"}))
            .await,
        blocked
    );
    assert_eq!(
        sim.refused(
            "editMessageText",
            json!({"chat_id": 7, "message_id": 2, "text": "y"})
        )
        .await,
        blocked
    );
    let update = sim.updates().await.pop().unwrap();
    assert_eq!(
        update["my_chat_member"]["new_chat_member"]["status"],
        "kicked"
    );
    sim.post("/sim/people/7/block", json!({"blocked": false}))
        .await;
    sim.ok("sendMessage", json!({"chat_id": 7, "text": "x"}))
        .await;
    sim.post("/sim/people/7/deactivate", json!({})).await;
    assert_eq!(
        sim.refused("sendMessage", json!({"chat_id": 7, "text": "x"}))
            .await,
        "Forbidden: user is deactivated"
    );
}
