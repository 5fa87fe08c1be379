//! Files, up and down.

use reqwest::multipart::Form;
use reqwest::multipart::Part;
use serde_json::Value;
use serde_json::json;

use crate::support::Sim;

/// Eight bytes that say PNG, and a header of 300 by 200.
fn picture() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend_from_slice(&300_u32.to_be_bytes());
    bytes.extend_from_slice(&200_u32.to_be_bytes());
    bytes
}

async fn upload(sim: &Sim, method: &str, form: Form) -> Value {
    sim.client
        .post(sim.method_url(method))
        .multipart(form)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_document_goes_up_and_down() {
    let sim = Sim::with_ana().await;
    let part = Part::bytes(b"[Interface]\n".to_vec()).file_name("wg ñ.conf");
    let form = Form::new()
        .text("chat_id", "1001")
        .text("caption", "<b>c</b>")
        .text("parse_mode", "HTML")
        .part("document", part);
    let sent = upload(&sim, "sendDocument", form).await;
    let document = &sent["result"]["document"];
    assert_eq!(
        (&document["file_name"], &document["file_size"]),
        (&json!("wg ñ.conf"), &json!(12)),
        "{sent}"
    );
    let id = document["file_id"].as_str().unwrap();
    let file = sim.ok("getFile", json!({"file_id": id})).await;
    let path = file["file_path"].as_str().unwrap();
    let down = sim
        .client
        .get(sim.url(&format!("/file/bot12345:TEST/{path}")))
        .send()
        .await
        .unwrap();
    assert_eq!(down.bytes().await.unwrap().as_ref(), b"[Interface]\n");
    let seen = sim
        .client
        .get(sim.url(&format!("/sim/files/{id}")))
        .send()
        .await
        .unwrap();
    assert!(
        seen.headers()["content-disposition"]
            .to_str()
            .unwrap()
            .contains("wg%20%C3%B1.conf")
    );
    assert_eq!(seen.bytes().await.unwrap().as_ref(), b"[Interface]\n");
    let again = sim
        .ok("sendDocument", json!({"chat_id": 1001, "document": id}))
        .await;
    assert_eq!(again["document"]["file_id"], id);
    assert_eq!(
        sim.client
            .get(sim.url("/file/bot12345:TEST/documents/nope"))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    assert_eq!(
        sim.client
            .get(sim.url(&format!("/file/bot1:X/{path}")))
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
}

#[tokio::test]
async fn a_file_may_be_attached_under_another_name() {
    let sim = Sim::with_ana().await;
    let part = Part::bytes(b"x".to_vec())
        .file_name("a.txt")
        .mime_str("text/plain")
        .unwrap();
    let form = Form::new()
        .text("chat_id", "1001")
        .text("document", "attach://f0")
        .part("f0", part);
    let sent = upload(&sim, "sendDocument", form).await;
    assert_eq!(
        sent["result"]["document"]["mime_type"], "text/plain",
        "{sent}"
    );
    let form = Form::new()
        .text("chat_id", "1001")
        .text("document", "attach://f1");
    assert_eq!(upload(&sim, "sendDocument", form).await["error_code"], 400);
    let stray = Part::bytes(b"x".to_vec()).file_name("a.txt");
    let form = Form::new()
        .text("chat_id", "1001")
        .text("text", "x")
        .part("stray", stray);
    assert_eq!(
        upload(&sim, "sendMessage", form).await["description"],
        "Bad Request: unknown parameter \"stray\" of sendMessage"
    );
}

#[tokio::test]
async fn photos_are_looked_at() {
    let sim = Sim::with_ana().await;
    let form = |bytes: Vec<u8>| {
        Form::new()
            .text("chat_id", "1001")
            .part("photo", Part::bytes(bytes).file_name("qr.png"))
    };
    let sent = upload(&sim, "sendPhoto", form(picture())).await;
    assert_eq!(
        (
            &sent["result"]["photo"][0]["width"],
            &sent["result"]["photo"][0]["height"]
        ),
        (&json!(300), &json!(200)),
        "{sent}"
    );
    assert_eq!(
        upload(&sim, "sendPhoto", form(b"no picture".to_vec())).await["description"],
        "Bad Request: IMAGE_PROCESS_FAILED"
    );
    assert_eq!(
        upload(&sim, "sendPhoto", form(Vec::new())).await["description"],
        "Bad Request: file must be non-empty"
    );
    let seen = sim.get("/sim/chat/wait?person=1001&photo=1").await;
    assert_eq!(seen["message"]["photo"]["width"], 300);
}

#[tokio::test]
async fn sizes_are_limited() {
    let sim = Sim::with_ana().await;
    let document = |size: usize| {
        Form::new()
            .text("chat_id", "1001")
            .part("document", Part::bytes(vec![7; size]).file_name("big"))
    };
    let mib = 1024 * 1024;
    let sent = upload(&sim, "sendDocument", document(21 * mib)).await;
    let id = &sent["result"]["document"]["file_id"];
    assert_eq!(
        sim.refused("getFile", json!({"file_id": id})).await,
        "Bad Request: file is too big"
    );
    assert_eq!(
        upload(&sim, "sendDocument", document(50 * mib + 1)).await["error_code"],
        413
    );
    let mut big = picture();
    big.resize(10 * mib + 1, 0);
    let form = Form::new()
        .text("chat_id", "1001")
        .part("photo", Part::bytes(big).file_name("big.png"));
    assert!(
        upload(&sim, "sendPhoto", form).await["description"]
            .as_str()
            .unwrap()
            .starts_with("Bad Request: too big for a photo")
    );
}

#[tokio::test]
async fn people_send_files_too() {
    let sim = Sim::with_ana().await;
    sim.post(
        "/sim/people/1001/send_document",
        json!({"file_name": "a.txt", "base64": "aGk=", "mime": "text/plain"}),
    )
    .await;
    let update = sim.updates().await.pop().unwrap();
    let file = sim
        .ok(
            "getFile",
            json!({"file_id": update["message"]["document"]["file_id"]}),
        )
        .await;
    let url = sim.url(&format!(
        "/file/bot12345:TEST/{}",
        file["file_path"].as_str().unwrap()
    ));
    assert_eq!(
        sim.client
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap(),
        "hi"
    );
    let (status, _) = sim
        .try_post("/sim/people/1001/send_photo", json!({"base64": "aGk="}))
        .await;
    assert_eq!(status, 400);
}
