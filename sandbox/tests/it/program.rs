//! The sandbox as a program.

use std::process::Stdio;

use tokio::io::AsyncBufReadExt;
use tokio::io::BufReader;
use tokio::process::Child;
use tokio::process::Command;
use tokio::time::timeout;

use crate::support::PATIENCE;

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
