//! Telegram.

use super::doctor;
use crate::support::world::{World, encode};
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telegram_that_refuses_or_does_not_answer_is_told() {
    let world = World::new().await;
    let all_well = doctor(&world.launch);
    all_well.good("telegram", "polling");
    all_well.good("clock", "agrees");
    world.fault(json!({"times": -1, "action": "error", "code": 401, "description": "Unauthorized"})).await;
    doctor(&world.launch).bad("telegram", "the token is refused", "@BotFather");
    world.no_faults().await;
    world.fault(json!({"times": -1, "action": "500"})).await;
    doctor(&world.launch).bad("telegram", "", "check that this machine reaches");
    world.no_faults().await;
    doctor(&world.launch).good("telegram", "@usipipo_sandbox_bot");
    let mut launch = world.launch.clone();
    launch.api_url = "http://127.0.0.1:1".to_owned();
    doctor(&launch).bad("telegram", "", "http://127.0.0.1:1");
    // No token at all: nothing else can be looked at.
    let without = world.launch.clone().with("USIPIPO_TELEGRAM__TOKEN", "");
    doctor(&without).bad("telegram.token", "there is no token", "@BotFather");
    let wrong = world.launch.clone().with("USIPIPO_TELEGRAM__MODE", "pigeon");
    doctor(&wrong).bad("telegram.mode", "", "webhook");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_is_not_as_set_is_told() {
    let world = World::new().await;
    doctor(&world.launch).good("updates", "are polled");
    let elsewhere = "https://elsewhere.example.org/hook";
    let set = world.url(&format!("/bot12345:TEST/setWebhook?url={}", encode(elsewhere)));
    let hook = async || assert!(world.client.get(&set).send().await.unwrap().status().is_success());
    hook().await;
    doctor(&world.launch).look("updates", "keeps them from being polled", "start the program");
    // The program takes it away; whoever sets it again has the same token.
    let mut program = world.program().await;
    crate::support::until("the webhook is gone", async || {
        let state = world.get("/sim/state").await;
        (state["webhook"]["url"] == "" && state["updates"]["poller"] == true).then_some(())
    })
    .await;
    doctor(&world.launch).good("updates", "are polled");
    hook().await;
    doctor(&world.launch).bad("updates", "though the program runs", "another program uses this token");
    program.kill();

    let address = world.launch.http;
    let launch = world
        .launch
        .clone()
        .with("USIPIPO_TELEGRAM__MODE", "webhook")
        .with("USIPIPO_TELEGRAM__WEBHOOK_URL", &format!("http://{address}/telegram/hook"))
        .with("USIPIPO_TELEGRAM__WEBHOOK_SECRET", "a-secret_of-the-test");
    doctor(&launch).look("updates", elsewhere, "start the program, which sets it");
    let mut program = launch.spawn();
    program.until_ready("leader").await;
    crate::support::until("the webhook is ours", async || {
        let state = world.get("/sim/state").await;
        state["webhook"]["url"].as_str().is_some_and(|url| url.ends_with("/telegram/hook")).then_some(())
    })
    .await;
    doctor(&launch).good("updates", "/telegram/hook");
    // Nobody takes what Telegram brings.
    program.kill();
    world.person(1001, "Ana").await.send("/start").await;
    crate::support::until("an update could not be brought", async || {
        let info = world.client.get(world.url("/bot12345:TEST/getWebhookInfo")).send().await.unwrap();
        info.text().await.unwrap().contains("last_error_message").then_some(())
    })
    .await;
    doctor(&launch).look("updates", "could not bring all of them", "http.listen");
}

/// A Telegram whose clock stands still.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_differs_from_telegrams_is_told() {
    let world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut launch = world.launch.clone();
    launch.api_url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let body = r#"{"ok":true,"result":{"id":12345,"is_bot":true,"first_name":"x","username":"x","url":""}}"#;
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nDate: Tue, 01 Jan 2019 00:00:00 GMT\r\nContent-Type: application/json\r\n\
                 Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
        }
    });
    doctor(&launch).look("clock", "ahead of Telegram's", "timedatectl set-ntp true");
    doctor(&world.launch).good("clock", "agrees");
}
