//! What people do with the bot, and what they do wrong.

use crate::support::program::ADMIN;
use crate::support::until;
use crate::support::world::World;
use serde_json::json;

/// Above 2^52, where floating point ends.
const ANA: i64 = 4_503_599_627_370_497;
/// Above 2^31.
const LUIS: i64 = 2_147_483_649;

#[tokio::test]
async fn two_buttons_lead_from_start_to_a_config_that_wireguard_takes() {
    let world = World::new().await;
    let program = world.program().await;
    let ana = world.person(ANA, "Ana").await;
    let home = ana.ask("/start", "Hola, Ana").await;
    assert!(home["text"].as_str().unwrap().contains("que funciona en un minuto"), "{home:#}");
    ana.tap("Probar gratis", "de prueba").await;
    let rev = ana.press_accept().await;
    let file = ana.wait(rev, "document=.conf").await;
    let config = ana.file(&file).await;
    for part in [
        "[Interface]",
        "PrivateKey = ",
        "Address = 10.77.",
        "DNS = ",
        "[Peer]",
        "PublicKey = ",
        "PresharedKey = ",
        "Endpoint = ",
        "AllowedIPs = 0.0.0.0/0, ::/0",
    ] {
        assert!(config.contains(part), "{part} is missing in\n{config}");
    }
    // One message changed along the way: the offer became "preparing" and then "ready".
    ana.wait(rev, "text=listo").await;
    until("provisioning is measured", async || {
        (program.metric("usipipo_services", &["status=\"active\""]).await >= 1.0).then_some(())
    })
    .await;
    // The QR code comes on request only.
    let rev = ana.press("QR").await;
    ana.wait(rev, "photo=1").await;
    program.stop().await;
}

#[tokio::test]
async fn a_service_is_renamed_rotated_and_revoked() {
    let world = World::new().await;
    let _program = world.program().await;
    let ana = world.person_speaking(LUIS, "Luis", "en").await;
    let first = ana.take_trial().await;
    ana.ask("/vpn", "Your VPNs").await;
    ana.tap("WireGuard 1", "never connected").await;
    ana.tap("Name", "What would you like to call").await;
    ana.ask(&"x".repeat(60), "too long").await;
    ana.ask("\u{202e}  Mi <b>&  📱", "Mi <b>& 📱").await;
    ana.tap("Change key", "stops working at once").await;
    let rev = ana.press("Yes, change it").await;
    let second = ana.wait(rev, "document=.conf").await;
    let second = ana.file(&second).await;
    let line = |config: &str, key: &str| config.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    assert_eq!(line(&first, "Address"), line(&second, "Address"), "the address stays");
    assert_ne!(line(&first, "PrivateKey"), line(&second, "PrivateKey"), "the key changes");
    ana.ask("/vpn", "Your VPNs").await;
    ana.tap("📱", "WireGuard").await;
    ana.tap("Revoke", "This cannot be undone").await;
    ana.tap("Yes, revoke it", "no longer connects").await;
    ana.ask("/trial", "You used your WireGuard trial").await;
    assert_eq!(world.database.number("SELECT count(*) AS n FROM leases WHERE state = 'live'").await, 0);
}

#[tokio::test]
async fn an_own_public_key_is_taken_and_no_private_one_is_kept() {
    let world = World::new().await;
    let _program = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    ana.ask("/start", "Hello").await;
    ana.ask("/trial", "free trial").await;
    ana.tap("Use my own key", "Paste your WireGuard").await;
    ana.ask("hello", "not a WireGuard public key").await;
    ana.ask("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "not safe").await;
    let rev = ana.send("j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8=").await;
    let file = ana.wait(rev, "document=.conf").await;
    assert!(ana.file(&file).await.contains("PrivateKey"), "a line to fill in");
    assert_eq!(world.database.number("SELECT count(*) AS n FROM peers WHERE private_key IS NOT NULL").await, 0);
}

#[tokio::test]
async fn fault_02_the_dialogue_goes_on_where_it_was_after_a_kill() {
    let world = World::new().await;
    let mut program = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    ana.take_trial().await;
    ana.ask("/vpn", "Your VPNs").await;
    ana.tap("WireGuard 1", "WireGuard").await;
    ana.tap("Name", "What would you like to call").await;
    program.kill();
    let rev = ana.send("Laptop").await;
    let _program = world.program().await;
    ana.wait(rev, "text=Laptop").await;
}

#[tokio::test]
async fn fault_22_texts_of_every_kind_are_shown_as_they_are() {
    let world = World::new().await;
    let _program = world.program().await;
    let name = "<script>&\"'\u{202e}abc 👨‍👩‍👧 ".repeat(20);
    let name: String = name.chars().take(60).collect();
    let ana = world.person_speaking(1001, &name, "en").await;
    ana.ask("/start", "Hello").await;
    ana.ask("/profile", "Id: 1001").await;
    ana.ask(&"<b>&".repeat(2_500), "was not waiting for a text").await;
    let rev = ana.rev().await;
    world.post("/sim/people/1001/sticker", json!({"emoji": "👍"})).await;
    ana.wait(rev, "text=only%20understand").await;
    let refused = world.get("/sim/calls?limit=1").await;
    assert!(refused["errors"].as_object().is_none_or(serde_json::Map::is_empty), "{refused:#}");
}

#[tokio::test]
async fn fault_23_old_foreign_and_forged_buttons_get_a_friendly_answer() {
    let world = World::new().await;
    let _program = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    let luis = world.person_speaking(1002, "Luis", "en").await;
    ana.take_trial().await;
    let (_, file) = ana.button("1file:").await;
    let (_, revoke) = {
        ana.ask("/vpn", "Your VPNs").await;
        ana.tap("WireGuard 1", "WireGuard").await;
        ana.button("1rev:").await
    };
    ana.tap("Revoke", "cannot be undone").await;
    let (_, accept) = ana.button("1ok:").await;
    let expected = [
        (file.as_str(), "no longer among yours"),
        (revoke.as_str(), "no longer among yours"),
        (accept.as_str(), "offer is gone"),
        ("0menu", "from before"),
        ("1nothing:of:ours", "from before"),
        ("1card:99999999999999999999", "from before"),
        ("1sys", "admins only"),
        ("1again:1", "admins only"),
        ("1tz:Mars/Olympus", "from before"),
        ("\u{0}\u{1}", "from before"),
    ];
    for (data, words) in expected {
        // A fresh screen each time: the same answer twice would change nothing that could be seen.
        let start = luis.ask("/start", "Hello").await;
        let message = start["message_id"].as_i64().unwrap();
        let rev = luis.rev().await;
        let answered = luis.forge(message, data).await;
        assert!(answered["answer"].is_object(), "{data:?} was never answered: {answered}");
        luis.wait(rev, &format!("text={}", crate::support::world::encode(words))).await;
    }
    assert_eq!(world.database.number("SELECT count(*) AS n FROM services WHERE status = 'active'").await, 1);
}

#[tokio::test]
async fn fault_29_five_taps_with_a_restart_in_between_make_one_service() {
    let world = World::new().await;
    let mut program = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    ana.ask("/start", "Hello").await;
    ana.ask("/trial", "free trial").await;
    let (message, data) = ana.button("1ok:").await;
    let tap = async || {
        let path = "/sim/people/1001/press";
        world.post(path, json!({"message_id": message, "data": data, "force": true})).await
    };
    tap().await;
    tap().await;
    program.kill();
    tap().await;
    tap().await;
    let program = world.program().await;
    tap().await;
    ana.wait(0, "document=.conf").await;
    until("every update is handled", async || {
        (world.database.number("SELECT count(*) AS n FROM inbox WHERE done_at IS NULL").await == 0).then_some(())
    })
    .await;
    assert_eq!(world.database.number("SELECT count(*) AS n FROM services").await, 1);
    assert_eq!(world.database.number("SELECT count(*) AS n FROM leases").await, 1);
    assert_eq!(world.database.number("SELECT count(*) AS n FROM peers").await, 1);
    drop(program);
}

#[tokio::test]
async fn settings_change_language_and_zone_at_once() {
    let world = World::new().await;
    let _program = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "de").await;
    ana.ask("/start", "Hola").await;
    ana.ask("/settings", "Ajustes").await;
    ana.tap("Idioma", "").await;
    ana.tap("English", "Settings").await;
    ana.tap("Time zone", "Where are you").await;
    ana.tap("Mexico City", "Mexico City").await;
    ana.ask("/cancel", "nothing to cancel").await;
    ana.ask("/nonsense", "do not know that command").await;
    ana.ask("/privacy", "What I know about you").await;
    ana.ask("/terms", "The rules").await;
    ana.ask("/help", "How it works").await;
    ana.ask("/status", "nothing running").await;
}

#[tokio::test]
async fn admins_see_the_system_and_others_do_not() {
    let world = World::new().await;
    let _program = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    ana.take_trial().await;
    for command in ["/nodes", "/pools", "/deadletters", "/user 1001"] {
        ana.ask(command, "admins only").await;
    }
    let admin = world.person_speaking(ADMIN, "Admin", "en").await;
    admin.ask("/start", "Hello").await;
    admin.ask("/status", "System").await;
    admin.ask("/nodes", "Configs only").await;
    admin.ask("/pools", "in use").await;
    admin.ask("/deadletters", "Messages that failed").await;
    admin.ask("/user 1001", "Ana").await;
    admin.ask("/user", "Write the person").await;
    admin.ask("/user 5", "I know nobody").await;
    let audited = "SELECT count(*) AS n FROM audit WHERE user_id = 1001 OR user_id IS NULL";
    assert!(world.database.number(audited).await >= 2, "the trial and its activation are written down");
}

#[tokio::test]
async fn a_trial_ends_at_its_second_and_its_owner_is_told() {
    let world = World::new().await;
    let program = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    ana.take_trial().await;
    let rev = ana.rev().await;
    world.advance(7 * 86_400 - 3_600).await;
    ana.ask("/vpn", "left").await;
    world.advance(3_601).await;
    ana.wait(rev, "text=ended%20on").await;
    until("the peer is gone", async || {
        let gone = "SELECT count(*) AS n FROM peers WHERE applied";
        (world.database.number(gone).await == 0).then_some(())
    })
    .await;
    assert_eq!(world.database.text("SELECT status AS t FROM services").await, "suspended");
    drop(program);
}
