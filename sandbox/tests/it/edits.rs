//! Editing and deleting.

use serde_json::json;

use crate::support::Sim;

const NOT_MODIFIED: &str = "Bad Request: message is not modified: specified new message content and reply markup are exactly the same \
                            as a current content and reply markup of the message";

#[tokio::test]
async fn a_text_is_edited_once() {
    let sim = Sim::with_ana().await;
    let keyboard = json!({"inline_keyboard": [[{"text": "A", "callback_data": "a"}]]});
    sim.ok("sendMessage", json!({"chat_id": 1001, "text": "<b>one</b>", "parse_mode": "HTML", "reply_markup": keyboard})).await;
    let same = json!({"chat_id": 1001, "message_id": 2, "text": "<strong>one</strong> ", "parse_mode": "HTML", "reply_markup": keyboard});
    assert_eq!(sim.refused("editMessageText", same).await, NOT_MODIFIED);
    let other_marks =
        json!({"chat_id": 1001, "message_id": 2, "text": "one", "reply_markup": keyboard});
    let edited = sim.ok("editMessageText", other_marks).await;
    assert!(edited["edit_date"].is_i64() && edited["entities"].is_null());
    let edited = sim
        .ok(
            "editMessageText",
            json!({"chat_id": 1001, "message_id": 2, "text": "one"}),
        )
        .await;
    assert!(
        edited["reply_markup"].is_null(),
        "left out, the keyboard goes away"
    );
    assert_eq!(
        sim.refused(
            "editMessageReplyMarkup",
            json!({"chat_id": 1001, "message_id": 2})
        )
        .await,
        NOT_MODIFIED
    );
    sim.ok(
        "editMessageReplyMarkup",
        json!({"chat_id": 1001, "message_id": 2, "reply_markup": keyboard}),
    )
    .await;
    let chat = sim.get("/sim/people/1001/chat").await;
    assert_eq!(
        (&chat["messages"][1]["text"], &chat["messages"][1]["edited"]),
        (&json!("one"), &json!(true))
    );
}

#[tokio::test]
async fn what_cannot_be_edited_is_refused() {
    let sim = Sim::with_ana().await;
    let edit = |id: i64| json!({"chat_id": 1001, "message_id": id, "text": "y"});
    assert_eq!(
        sim.refused("editMessageText", edit(1)).await,
        "Bad Request: message can't be edited"
    );
    assert_eq!(
        sim.refused("editMessageText", edit(99)).await,
        "Bad Request: message to edit not found"
    );
    sim.ok("sendMessage", json!({"chat_id": 1001, "text": "x"}))
        .await;
    let caption = json!({"chat_id": 1001, "message_id": 2, "caption": "y"});
    assert_eq!(
        sim.refused("editMessageCaption", caption).await,
        "Bad Request: there is no caption in the message to edit"
    );
    let form = reqwest::multipart::Form::new()
        .text("chat_id", "1001")
        .part(
            "document",
            reqwest::multipart::Part::bytes(b"x".to_vec()).file_name("a.txt"),
        );
    sim.client
        .post(sim.method_url("sendDocument"))
        .multipart(form)
        .send()
        .await
        .unwrap();
    assert_eq!(
        sim.refused("editMessageText", edit(3)).await,
        "Bad Request: there is no text in the message to edit"
    );
    let edited = sim
        .ok(
            "editMessageCaption",
            json!({"chat_id": 1001, "message_id": 3, "caption": "<i>y</i>", "parse_mode": "HTML"}),
        )
        .await;
    assert_eq!(edited["caption_entities"][0]["type"], "italic");
    sim.ok("deleteMessage", json!({"chat_id": 1001, "message_id": 2}))
        .await;
    assert_eq!(
        sim.refused("editMessageText", edit(2)).await,
        "Bad Request: message to edit not found"
    );
    assert_eq!(
        sim.refused("deleteMessage", json!({"chat_id": 1001, "message_id": 2}))
            .await,
        "Bad Request: message to delete not found"
    );
    let chat = sim.get("/sim/people/1001/chat").await;
    assert_eq!(
        (
            &chat["messages"][1]["deleted"],
            &chat["messages"][1]["text"]
        ),
        (&json!(true), &serde_json::Value::Null)
    );
}
