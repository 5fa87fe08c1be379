//! Updates by webhook.

use crate::support::until;
use crate::support::world::World;

async fn world() -> World {
    let mut world = World::new().await;
    let address = world.launch.http;
    // The simulated Telegram posts to plain http on this machine; the settings want https for the real one.
    world.launch = world
        .launch
        .clone()
        .with("USIPIPO_TELEGRAM__MODE", "webhook")
        .with("USIPIPO_TELEGRAM__WEBHOOK_URL", &format!("http://{address}/telegram/hook"))
        .with("USIPIPO_TELEGRAM__WEBHOOK_SECRET", "a-secret_of-the-test");
    world
}

#[tokio::test]
async fn a_conversation_goes_through_the_webhook_and_survives_a_kill() {
    let world = world().await;
    let mut program = world.program().await;
    until("the webhook is set", async || {
        let state = world.get("/sim/state").await;
        state["webhook"]["url"].as_str().is_some_and(|url| url.ends_with("/telegram/hook")).then_some(())
    })
    .await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    ana.take_trial().await;
    program.kill();
    let rev = ana.send("/profile").await;
    let program = world.program().await;
    ana.wait(rev, "text=Here%20since").await;

    // Nobody else gets in.
    let hook = program.url("/telegram/hook");
    let before = world.database.number("SELECT count(*) AS n FROM inbox").await;
    let refused = world.client.post(&hook).body("{\"update_id\":1}").send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let wrong =
        world.client.post(&hook).header("X-Telegram-Bot-Api-Secret-Token", "wrong").body("{}").send().await.unwrap();
    assert_eq!(wrong.status(), 401);
    assert_eq!(world.database.number("SELECT count(*) AS n FROM inbox").await, before);
}

#[tokio::test]
async fn fault_31_rubbish_by_webhook_is_kept_and_stops_nobody() {
    let world = world().await;
    let program = world.program().await;
    let hook = program.url("/telegram/hook");
    let rubbish: [&[u8]; 4] = [b"{", b"\0\0", b"{\"update_id\": 77, \"hologram\": {}}", b"[]"];
    for body in rubbish {
        let answer = world.client.post(&hook).header("X-Telegram-Bot-Api-Secret-Token", "a-secret_of-the-test");
        assert_eq!(answer.body(body).send().await.unwrap().status(), 200);
    }
    assert_eq!(world.database.number("SELECT count(*) AS n FROM inbox WHERE lane = 'ignored'").await, 4);
    let ana = world.person_speaking(1001, "Ana", "en").await;
    ana.ask("/start", "Hello").await;
}
