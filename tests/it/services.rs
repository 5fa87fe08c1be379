//! Outline keys and proxies for Telegram, as their users meet them.

use crate::support::program::ADMIN;
use crate::support::servers::{ShadowsocksClient, shadowsocks};
use crate::support::until;
use crate::support::world::World;
use axum::Router;
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;
use usipipo::mtproto::{SecretKind, Verdict};

/// Two days and what may be left of an hour.
const BEYOND_GRACE: u64 = 49 * 3_600;
const DAY: u64 = 86_400;

#[tokio::test]
async fn bytes_flow_with_the_link_of_a_trial_and_stop_when_it_is_revoked() {
    const BYTES: usize = 100_000;
    let Some(program) = shadowsocks() else { return };
    let site = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = site.local_addr().unwrap();
    let app = Router::new().route("/", get(async || "x".repeat(BYTES)));
    tokio::spawn(async { axum::serve(site, app).await.unwrap() });

    let world = World::new().await.with_outline("fra", true).await;
    let _bot = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    let client = ShadowsocksClient::start(&program, &ana.take_outline().await).await;
    let flows = async || client.fetch(place).await.is_some_and(|body| body.len() == BYTES);
    until("bytes flow", async || flows().await.then_some(())).await;
    ana.revoke("/vpn").await;
    until("bytes stop", async || (!flows().await).then_some(())).await;
    until("the key is gone", async || world.outline_keys("fra").await.is_empty().then_some(())).await;
    assert_eq!(world.database.number("SELECT count(*) AS n FROM access_keys WHERE removed_at IS NULL").await, 0);
}

#[tokio::test]
async fn a_probe_accepts_the_link_of_a_proxy_until_it_is_revoked() {
    let world = World::new().await.with_telemt("ams").await;
    let _bot = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    let proxy = ana.take_proxy().await;
    assert!(world.works(&proxy).await, "a secret works when its owner gets it");
    let wrong = crate::support::servers::Proxy { key: [7; 16], ..proxy.clone() };
    assert!(world.is_refused(&wrong).await, "the probe can tell");
    ana.revoke("/proxy").await;
    until("the secret is refused", async || world.is_refused(&proxy).await.then_some(())).await;
    let refused = world.probe(&proxy, SecretKind::Padded).await;
    assert!(matches!(refused, Verdict::SecretRefused { .. }), "{refused}");
    until("the user is gone", async || world.telemt_users("ams").await.is_empty().then_some(())).await;
}

#[tokio::test]
async fn fault_08_outline_is_away_while_someone_asks() {
    let world = World::new().await.with_outline("fra", false).await;
    let bot = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    // The offer is seen while all is well; then the server goes.
    ana.ask("/start", "👋").await;
    ana.ask("/trial", "").await;
    let rev = ana.press_data("1try:outline").await;
    ana.wait(rev, "").await;
    ana.button("1ok:").await;
    world.post("/sim/outline/fra/faults", json!({"mode": "refuse"})).await;
    let rev = ana.press_accept().await;
    ana.wait(rev, "").await;
    assert!(ana.messages().await.iter().all(|message| !message.to_string().contains("ss://")), "nothing to give yet");
    world.post("/sim/outline/fra/faults", json!({"mode": "up"})).await;
    ana.thing(rev, "ss://").await;
    assert_eq!(world.outline_keys("fra").await.len(), 1);
    assert_eq!(world.database.number("SELECT count(*) AS n FROM services WHERE status = 'active'").await, 1);
    drop(bot);
}

#[tokio::test]
async fn fault_08_telemt_is_away_while_someone_asks() {
    let world = World::new().await.with_telemt("ams").await;
    let bot = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    ana.ask("/start", "👋").await;
    ana.ask("/proxy", "").await;
    let rev = ana.press_data("1try:mtproto").await;
    ana.wait(rev, "").await;
    ana.button("1ok:").await;
    world.post("/sim/telemt/ams/faults", json!({"mode": "refuse"})).await;
    let rev = ana.press_accept().await;
    ana.wait(rev, "").await;
    world.post("/sim/telemt/ams/faults", json!({"mode": "up"})).await;
    ana.thing(rev, "https://t.me/proxy?").await;
    assert_eq!(world.telemt_users("ams").await.len(), 1);
    drop(bot);
}

#[tokio::test]
async fn fault_09_an_outline_server_that_forgot_everything_gets_its_keys_back() {
    let world = World::new().await.with_outline("fra", false).await;
    let _bot = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    ana.take_outline().await;
    let before = world.outline_keys("fra").await;
    world.post("/sim/outline/fra/forget", json!({})).await;
    let after =
        until("the key is back", async || Some(world.outline_keys("fra").await).filter(|keys| !keys.is_empty())).await;
    for field in ["id", "password", "port", "method"] {
        assert_eq!(after[0][field], before[0][field], "{field}");
    }
    assert_eq!(after.len(), 1);
}

#[tokio::test]
async fn fault_09_a_telemt_server_that_forgot_everything_gets_its_users_back() {
    let world = World::new().await.with_telemt("ams").await;
    let _bot = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    let proxy = ana.take_proxy().await;
    world.post("/sim/telemt/ams/forget", json!({})).await;
    until("the user is back", async || (world.telemt_users("ams").await.len() == 1).then_some(())).await;
    until("the same secret works again", async || world.works(&proxy).await.then_some(())).await;
}

#[tokio::test]
async fn fault_10_a_key_of_ours_removed_by_hand_comes_back_and_a_foreign_one_stays() {
    let world = World::new().await.with_outline("fra", false).await.with_telemt("ams").await;
    let bot = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    ana.take_outline().await;
    let proxy = ana.take_proxy().await;
    world.post("/sim/outline/fra/keys", json!({"id": "17", "password": "somebody-elses"})).await;
    let foreign = "0123456789abcdef0123456789abcdef";
    world.post("/sim/telemt/ams/users", json!({"username": "somebody", "secret": foreign})).await;

    // By hand: with the servers' own interfaces.
    let client = reqwest::Client::builder().no_proxy().danger_accept_invalid_certs(true).build().unwrap();
    let api = world.get("/sim/outline/fra").await["apiUrl"].as_str().unwrap().to_owned();
    let key = world.outline_keys("fra").await.iter().find(|key| key["id"] != "17").unwrap()["id"].clone();
    let key = key.as_str().unwrap();
    assert!(client.delete(format!("{api}/access-keys/{key}")).send().await.unwrap().status().is_success());
    let api = world.get("/sim/telemt/ams").await["url"].as_str().unwrap().to_owned();
    let user = world.telemt_users("ams").await[0]["username"].as_str().unwrap().to_owned();
    assert!(client.delete(format!("{api}/v1/users/{user}")).send().await.unwrap().status().is_success());

    until("the key is back", async || {
        world.outline_keys("fra").await.iter().any(|there| there["id"] == key).then_some(())
    })
    .await;
    until("the user is back", async || world.works(&proxy).await.then_some(())).await;
    assert!(world.outline_keys("fra").await.iter().any(|there| there["id"] == "17"), "the foreign key stays");
    let users = world.get("/sim/telemt/ams/users").await.to_string();
    assert!(users.contains("somebody"), "the foreign user stays");
    until("foreign keys are counted", async || {
        (bot.metric("usipipo_key_node_keys", &["kind=\"foreign\"", "node=\"fra\""]).await >= 1.0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_renewal_within_the_grace_brings_back_the_same_links() {
    let mut world = World::new().await.with_outline("fra", false).await.with_telemt("ams").await;
    let free = |index: usize, code: &str, product: &str| {
        let plan = [("CODE", code), ("PRODUCT", product), ("KIND", "free"), ("DAYS", "30")];
        plan.map(|(name, value)| (format!("USIPIPO_PLANS__{index}__{name}"), value.to_owned()))
    };
    for (name, value) in free(0, "o", "outline").into_iter().chain(free(1, "m", "mtproto")) {
        world.launch = world.launch.clone().with(&name, &value);
    }
    let _bot = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    let luis = world.person_speaking(1002, "Luis", "en").await;
    let link = ana.take_outline().await;
    let proxy = luis.take_proxy().await;
    world.advance(30 * DAY + 60).await;
    until("the key is closed", async || world.outline_keys("fra").await.is_empty().then_some(())).await;
    until("the secret is refused", async || world.is_refused(&proxy).await.then_some(())).await;
    assert_eq!(world.database.number("SELECT count(*) AS n FROM services WHERE status = 'suspended'").await, 2);

    for (person, list) in [(ana, "/vpn"), (luis, "/proxy")] {
        person.ask(list, "").await;
        person.press_data("1card:").await;
        person.press_data("1ren:").await;
        person.press_accept().await;
    }
    until("the secret works again", async || world.works(&proxy).await.then_some(())).await;
    until("the key is open", async || (world.outline_keys("fra").await.len() == 1).then_some(())).await;
    ana.ask("/vpn", "").await;
    ana.press_data("1card:").await;
    let rev = ana.press_data("1file:").await;
    assert_eq!(ana.thing(rev, "ss://").await, link);

    // Without a renewal the grace ends, and nothing is left.
    world.advance(30 * DAY + 60).await;
    until("both are suspended", async || {
        let suspended = "SELECT count(*) AS n FROM services WHERE status = 'suspended'";
        (world.database.number(suspended).await == 2).then_some(())
    })
    .await;
    world.advance(BEYOND_GRACE).await;
    until("both are over", async || {
        let over = "SELECT count(*) AS n FROM services WHERE status = 'expired'";
        (world.database.number(over).await == 2).then_some(())
    })
    .await;
    until("the user is gone", async || world.telemt_users("ams").await.is_empty().then_some(())).await;
}

#[tokio::test]
async fn other_plans_and_settings_leave_what_someone_has() {
    let world = World::new().await.with_telemt("ams").await;
    let bot = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    let proxy = ana.take_proxy().await;
    assert!(bot.stop().await.success());
    let before = world.database.text("SELECT devices || ' ' || ends_at AS t FROM services").await;
    let mut other = world.launch.clone();
    for (name, value) in [
        ("USIPIPO_PLANS__0__CODE", "mtproto-free"),
        ("USIPIPO_PLANS__0__PRODUCT", "mtproto"),
        ("USIPIPO_PLANS__0__KIND", "free"),
        ("USIPIPO_PLANS__0__DAYS", "3"),
        ("USIPIPO_PLANS__0__DEVICES", "1"),
        // Links that users have lead to the old place, so it stays.
        ("USIPIPO_NODES__1__PORT", "9"),
    ] {
        other = other.with(name, value);
    }
    let mut again = other.spawn();
    again.until_ready("leader").await;
    assert_eq!(world.database.text("SELECT devices || ' ' || ends_at AS t FROM services").await, before);
    assert_eq!(world.database.number("SELECT count(*) AS n FROM plans WHERE code = 'mtproto-free'").await, 2);
    ana.ask("/proxy", "").await;
    ana.press_data("1card:").await;
    let rev = ana.press_data("1file:").await;
    let link = ana.thing(rev, "https://t.me/proxy?").await;
    assert!(link.contains(&format!("port={}", proxy.port)), "{link}");
    assert!(world.works(&proxy).await);
    let luis = world.person_speaking(1002, "Luis", "en").await;
    luis.take_proxy().await;
    let newest = world.database.text("SELECT devices::text AS t FROM services ORDER BY id DESC LIMIT 1").await;
    assert_eq!(newest, "1", "who comes later gets what is on offer now");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_tree_and_admins_see_servers_of_keys() {
    let world = World::new().await.with_outline("fra", false).await.with_telemt("ams").await;
    let _bot = world.program().await;
    let said = |args: &[&str]| {
        let output = world.launch.command(args).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (good, doctor) = said(&["doctor"]);
    assert!(good, "{doctor}");
    for part in ["ok    server fra: Outline", "right certificate", "ok    server ams: telemt", "can be connected to"] {
        assert!(doctor.contains(part), "{part} is missing in\n{doctor}");
    }
    let (_, tree) = said(&["tree"]);
    assert!(tree.contains("fra") && tree.contains("ams"), "{tree}");
    let admin = world.person_speaking(ADMIN, "Admin", "en").await;
    admin.ask("/start", "👋").await;
    let nodes = admin.ask("/nodes", "fra").await;
    assert!(nodes.to_string().contains("ams"), "{nodes:#}");

    world.post("/sim/outline/fra/faults", json!({"mode": "refuse"})).await;
    world.post("/sim/telemt/ams/faults", json!({"forbidden": true})).await;
    let (good, doctor) = said(&["doctor"]);
    assert!(!good && doctor.contains("BAD   server fra") && doctor.contains("whitelist"), "{doctor}");
}
