//! The state between runs.

use std::path::PathBuf;

use reqwest::multipart::Form;
use reqwest::multipart::Part;
use serde_json::json;
use usipipo_sandbox::world::Settings;

use crate::support::Sim;

/// An empty directory of this test's own.
fn directory(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("sandbox-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    path
}

fn settings(path: &std::path::Path) -> Settings {
    Settings {
        state_dir: Some(path.to_owned()),
        ..Settings::for_tests()
    }
}

#[tokio::test]
async fn everything_comes_back() {
    let path = directory("back");
    let sim = Sim::with(settings(&path)).await;
    sim.ana().await;
    let markup = json!({"inline_keyboard": [[{"text": "A", "callback_data": "a"}]]});
    sim.ok(
        "sendMessage",
        json!({"chat_id": 1001, "text": "<b>x</b>", "parse_mode": "HTML", "reply_markup": markup}),
    )
    .await;
    let form = Form::new().text("chat_id", "1001").part(
        "document",
        Part::bytes(b"bytes".to_vec()).file_name("a.conf"),
    );
    sim.client
        .post(sim.method_url("sendDocument"))
        .multipart(form)
        .send()
        .await
        .unwrap();
    sim.ok(
        "setMyCommands",
        json!({"commands": [{"command": "a", "description": "b"}]}),
    )
    .await;
    sim.post("/sim/clock", json!({"advance_seconds": 500}))
        .await;
    sim.post("/sim/updates/next", json!({"update_id": 7_000_000_000_i64}))
        .await;
    let chat = sim.get("/sim/people/1001/chat").await;
    sim.sandbox.stop().await.unwrap();

    let sim = Sim::with(settings(&path)).await;
    assert_eq!(sim.get("/sim/people/1001/chat").await, chat);
    assert_eq!(sim.updates().await.len(), 1);
    assert_eq!(
        sim.ok("getMyCommands", json!({}))
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(sim.get("/sim/clock").await["offset_seconds"], 500);
    let id = chat["messages"][2]["document"]["file_id"].as_str().unwrap();
    let file = sim
        .client
        .get(sim.url(&format!("/sim/files/{id}")))
        .send()
        .await
        .unwrap();
    assert_eq!(file.text().await.unwrap(), "bytes");
    let sent = sim
        .post("/sim/people/1001/send", json!({"text": "on"}))
        .await;
    assert_eq!(
        (&sent["message_id"], &sent["update_id"]),
        (&json!(4), &json!(7_000_000_000_i64))
    );
    sim.sandbox.stop().await.unwrap();

    let sim = Sim::with(Settings {
        fresh: true,
        ..settings(&path)
    })
    .await;
    assert_eq!(sim.get("/sim/state").await["people"], json!([]));
}

#[tokio::test]
async fn changes_are_saved_while_it_runs() {
    let path = directory("running");
    let sim = Sim::with(settings(&path)).await;
    sim.ana().await;
    let file = path.join("state.json");
    sim.until("the person is in the file", async || {
        std::fs::read_to_string(&file).is_ok_and(|text| text.contains("Ana"))
    })
    .await;
}

#[tokio::test]
async fn an_unreadable_state_is_told() {
    let path = directory("unreadable");
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(path.join("state.json"), "{}").unwrap();
    let error = usipipo_sandbox::Sandbox::start(settings(&path))
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("start with --fresh to forget it"),
        "{error}"
    );
}
