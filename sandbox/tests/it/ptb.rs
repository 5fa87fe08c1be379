//! python-telegram-bot, a client of other hands, works with the sandbox.

use std::process::Stdio;

use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncBufReadExt;
use tokio::io::BufReader;
use tokio::process::Child;
use tokio::process::Command;
use tokio::time::timeout;

use crate::support::PATIENCE;
use crate::support::Sim;

/// The python of a virtual environment with the library; `None` where it can't be had.
async fn python() -> Option<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/ptb.sh");
    let output = Command::new(script).output().await.unwrap();
    if output.status.success() {
        return Some(String::from_utf8(output.stdout).unwrap().trim().to_owned());
    }
    let reason = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        std::env::var_os("CI").is_none(),
        "python-telegram-bot could not be installed: {reason}"
    );
    eprintln!(
        "SKIPPED: the sandbox was NOT tested with python-telegram-bot, since it could not be installed:\n{reason}"
    );
    eprintln!(
        "Remedy: `apt-get install python3-venv python3-pip`, a way to PyPI, then run {script}"
    );
    None
}

async fn start(sim: &Sim, python: &str, way: &str) -> Child {
    let mut child = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ptb/bot.py"))
        .arg(sim.sandbox.url())
        .arg(way)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap();
    assert_eq!(line.as_deref(), Some("ready"));
    child
}

async fn seen(sim: &Sim, wanted: &str) -> Value {
    sim.get(&format!("/sim/chat/wait?person=1001&timeout=20&{wanted}"))
        .await["message"]
        .take()
}

#[tokio::test]
async fn a_bot_of_other_hands_works_by_polling() {
    works("polling").await;
}

#[tokio::test]
async fn a_bot_of_other_hands_works_by_webhook() {
    works("webhook").await;
}

async fn works(way: &str) {
    let Some(python) = python().await else { return };
    let sim = Sim::start().await;
    let _bot = start(&sim, &python, way).await;
    assert_eq!(sim.get("/sim/program?wait=20").await["attached"], way);
    sim.ana().await;

    let hello = seen(&sim, "text=Hello").await;
    assert_eq!(
        (&hello["text"], &hello["reply_to"]),
        (&json!("Hello Ana, press"), &json!(1))
    );
    assert_eq!(
        hello["buttons"][1][1],
        json!({"text": "Copy", "kind": "copy", "copy": "abc"})
    );

    let pressed = sim
        .post(
            "/sim/people/1001/press",
            json!({"text": "Count", "wait": 20}),
        )
        .await;
    assert_eq!(
        pressed["answer"],
        json!({"text": "1!", "show_alert": true, "url": null})
    );
    let counted = seen(&sim, "text=Counted&button=More").await;
    assert_eq!(
        (&counted["message_id"], &counted["edited"]),
        (&hello["message_id"], &json!(true))
    );
    sim.post(
        "/sim/people/1001/press",
        json!({"message_id": 2, "data": "file", "force": true}),
    )
    .await;
    let file = seen(&sim, "document=wg.conf").await;
    assert_eq!(
        (&file["caption"], &file["document"]["size"]),
        (&json!("wg"), &json!(12))
    );

    sim.post(
        "/sim/people/1001/send_document",
        json!({"file_name": "key.txt", "base64": "c2VjcmV0"}),
    )
    .await;
    seen(&sim, "text=Got%20key.txt:%20secret!").await;
    seen(&sim, "document=key.txt").await;

    sim.post("/sim/people", json!({"id": 1002, "first_name": "Eva"}))
        .await;
    sim.post("/sim/people/1002/send", json!({"text": "hi"}))
        .await;
    sim.post("/sim/people/1002/block", json!({"blocked": true}))
        .await;
    sim.post("/sim/people/1001/send", json!({"text": "/errors 1002"}))
        .await;
    let errors = seen(&sim, "text=BadRequest").await;
    let expected = [
        "BadRequest: Can't parse entities: can't find end tag corresponding to start tag \"b\"",
        "BadRequest: Chat not found",
        "BadRequest: Message to edit not found",
        "BadRequest: Query is too old and response timeout expired or query id is invalid",
        "Forbidden: Forbidden: bot was blocked by the user",
    ];
    let got = errors["text"].as_str().unwrap();
    assert_eq!(got.to_lowercase(), expected.join("\n").to_lowercase());

    let calls = sim.get("/sim/calls").await;
    assert_eq!(
        calls["errors"].as_object().unwrap().len(),
        3,
        "no other call failed: {calls}"
    );
}
