//! The sandbox as a program.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncBufReadExt;
use tokio::io::BufReader;
use tokio::net::TcpListener;
use tokio::process::Child;
use tokio::process::Command;
use tokio::time::timeout;

use usipipo_sandbox::world::Settings;

use crate::support::PATIENCE;
use crate::support::Sim;

/// An empty directory of this test's own.
fn tempdir(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("sandbox-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    path
}

async fn start(arguments: &[&str]) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_usipipo-sandbox"))
        .args(["--listen", "127.0.0.1:0", "--quiet"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = timeout(PATIENCE, lines.next_line())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    (
        child,
        line.strip_prefix("listening on ").unwrap().to_owned(),
    )
}

#[tokio::test]
async fn it_says_where_it_listens_and_stops_with_its_parent() {
    let (mut child, url) = start(&["--exit-with-parent", "--token", "77:X"]).await;
    let me = reqwest::get(format!("{url}/bot77:X/getMe")).await.unwrap();
    assert!(me.text().await.unwrap().contains("\"id\":77"));
    drop(child.stdin.take());
    let status = timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn a_signal_stops_it_though_someone_polls() {
    let (mut child, url) = start(&[]).await;
    let poll = tokio::spawn(reqwest::get(format!(
        "{url}/bot12345:TEST/getUpdates?timeout=50"
    )));
    let state = async || {
        reqwest::get(format!("{url}/sim/state"))
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    };
    while !state().await.contains("\"poller\":true") {}
    let id = child.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .arg(id)
            .status()
            .await
            .unwrap()
            .success()
    );
    let status = timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    assert!(status.success());
    assert!(
        poll.await
            .unwrap()
            .unwrap()
            .text()
            .await
            .unwrap()
            .contains("\"result\":[]")
    );
}

#[tokio::test]
async fn what_was_said_outlives_a_kill() {
    let directory = tempdir("kill");
    let path = directory.to_str().unwrap();
    let (mut child, url) = start(&["--state-dir", path]).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = async |url: &str, path: &str, body: Value| -> Value {
        client
            .post(format!("{url}{path}"))
            .json(&body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    };
    post(
        &url,
        "/sim/people",
        json!({"id": 1001, "first_name": "Ana"}),
    )
    .await;
    for number in 0..20 {
        post(
            &url,
            "/sim/people/1001/send",
            json!({"text": format!("message {number}")}),
        )
        .await;
    }
    post(
        &url,
        "/bot12345:TEST/sendMessage",
        json!({"chat_id": 1001, "text": "the last word"}),
    )
    .await;
    let saved = async {
        let file = directory.join("state.json");
        while !std::fs::read_to_string(&file).is_ok_and(|text| text.contains("the last word")) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, saved).await.unwrap();
    // SIGKILL, in the middle of more writes.
    for number in 20..40 {
        post(
            &url,
            "/sim/people/1001/send",
            json!({"text": format!("message {number}")}),
        )
        .await;
    }
    child.kill().await.unwrap();

    let (_child, url) = start(&["--state-dir", path]).await;
    let chat: Value = reqwest::get(format!("{url}/sim/people/1001/chat"))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let messages = chat["messages"].as_array().unwrap();
    assert!(
        messages.len() >= 21,
        "{} messages came back",
        messages.len()
    );
    assert_eq!(messages[20]["text"], "the last word");
    // Those that came back are a beginning of what was said, with nothing missing in between.
    for (index, message) in messages.iter().enumerate().skip(21) {
        assert_eq!(message["text"], format!("message {}", index - 1));
    }
    let updates = post(&url, "/bot12345:TEST/getUpdates", json!({})).await;
    assert_eq!(
        updates["result"].as_array().unwrap().len(),
        messages.len() - 1,
        "an update for each message of hers"
    );
}

/// A program with a clock at `/demo/clock`, as far ahead as it says.
async fn program(listener: TcpListener, ahead: Arc<AtomicI64>) {
    let show = |ahead: &AtomicI64| Json(json!({"offset_seconds": ahead.load(Ordering::SeqCst)}));
    let read = ahead.clone();
    let app = Router::new().route(
        "/demo/clock",
        get(async move || show(&read)).post(async move |Json(body): Json<Value>| {
            let seconds = body["advance_seconds"].as_i64().unwrap();
            if seconds > 100_000 {
                return Err((StatusCode::CONFLICT, "not so far"));
            }
            ahead.fetch_add(seconds, Ordering::SeqCst);
            Ok(show(&ahead))
        }),
    );
    axum::serve(listener, app).await.unwrap();
}

#[tokio::test]
async fn the_clock_waits_for_a_program_that_starts_and_follows_it() {
    // A place where nobody listens yet.
    let place = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let sim = Sim::with(Settings {
        program_url: Some(format!("http://{place}")),
        ..Settings::for_tests()
    })
    .await;
    let ahead = Arc::new(AtomicI64::new(500));
    let later = async {
        sim.until("the sandbox has looked for the program", async || {
            sim.get("/sim/state").await["program"]["reachable"] == false
        })
        .await;
        tokio::spawn(program(
            TcpListener::bind(place).await.unwrap(),
            ahead.clone(),
        ));
    };
    let (moved, ()) = tokio::join!(
        sim.post("/sim/clock", json!({"advance_seconds": 86400})),
        later
    );
    assert_eq!(
        (&moved["program"], &moved["offset_seconds"]),
        (&json!("moved"), &json!(86900))
    );

    sim.ana().await;
    let before = sim.get("/sim/clock").await["now"].as_i64().unwrap();
    let sent = sim
        .ok("sendMessage", json!({"chat_id": 1001, "text": "x"}))
        .await;
    assert!(sent["date"].as_i64().unwrap() >= before);

    let (status, body) = sim
        .try_post("/sim/clock", json!({"advance_seconds": 100_001}))
        .await;
    assert_eq!(status, 502);
    assert_eq!(
        body["error"],
        "the program answered 409 Conflict: not so far"
    );
    assert_eq!(
        body["offset_seconds"], 86900,
        "both clocks stay as they were"
    );

    // Somebody else moves the program's clock, or it starts with a kept one.
    ahead.store(90_000, Ordering::SeqCst);
    sim.until("the clock follows", async || {
        sim.get("/sim/clock").await["offset_seconds"] == 90_000
    })
    .await;
}

#[tokio::test]
async fn scripts_can_wait_until_the_bot_is_there() {
    let sim = Sim::start().await;
    let away = sim
        .client
        .get(sim.url("/sim/program"))
        .send()
        .await
        .unwrap();
    assert_eq!(away.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(away.json::<Value>().await.unwrap()["attached"], Value::Null);
    let (up, _) = tokio::join!(
        sim.get("/sim/program?wait=20"),
        sim.ok("getUpdates", json!({}))
    );
    assert_eq!(
        up,
        json!({"url": null, "reachable": null, "attached": "polling", "up": true})
    );
    sim.ok("setWebhook", json!({"url": "http://127.0.0.1:9/hook"}))
        .await;
    assert_eq!(sim.get("/sim/program").await["attached"], "webhook");
}
