//! What admins do for one person and for a server of proxies, as both sides meet it.

use crate::support::program::ADMIN;
use crate::support::until;
use crate::support::world::{Person, World, encode};
use serde_json::Value;

const TAG: &str = "3f40462915a3e6026a4d790127b95ded";
const DAY: u64 = 86_400;

/// What the copy buttons of the newest message hold.
async fn copies(person: &Person<'_>) -> Vec<String> {
    let messages = person.messages().await;
    let rows = messages.last().unwrap()["buttons"].as_array().unwrap().clone();
    let keys = rows.iter().flat_map(|row| row.as_array().unwrap());
    keys.filter_map(|key| key["copy"].as_str()).map(str::to_owned).collect()
}

async fn tags(world: &World) -> Vec<Value> {
    world.telemt_users("ams").await.iter().map(|user| user["user_ad_tag"].clone()).collect()
}

#[tokio::test]
async fn an_admin_promotes_a_server_of_proxies_step_by_step() {
    let world = World::new().await.with_telemt("ams").await;
    let _bot = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    let proxy = ana.take_proxy().await;
    let admin = world.person_speaking(ADMIN, "Admin", "en").await;
    admin.ask("/start", "👋").await;
    admin.ask("/nodes", "ams").await;
    let node = world.database.number("SELECT id::bigint AS n FROM nodes WHERE name = 'ams'").await;
    admin.click(&format!("1node:{node}"), "ams").await;
    admin.click("1pro:", "step 1 of 4").await;
    assert_eq!(copies(&admin).await, ["/newproxy"]);
    admin.click("1pst:", "step 2 of 4").await;
    let place = format!("{}:{}", proxy.host, proxy.port);
    assert_eq!(copies(&admin).await, [place, proxy.host.clone(), proxy.port.to_string()]);
    admin.click(&format!("1pst:{node}:3"), "step 3 of 4").await;
    let secret = copies(&admin).await.remove(0);
    assert!(secret.len() == 32 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()), "{secret}");
    let own: String = proxy.key.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_ne!(secret, own, "a user's secret is shown to nobody else");
    admin.click(&format!("1pst:{node}:4"), "step 4 of 4").await;

    // What is no tag is told, and the question stays open.
    admin.ask("thanks", "no tag").await;
    admin.ask(&secret, "That is a secret").await;
    admin.ask(&own, "That is a secret").await;
    admin.ask(&"0".repeat(32), "tag of zeros").await;
    assert_eq!(tags(&world).await, [Value::Null]);
    let answer = format!("Success! Your tag: {TAG} https://t.me/proxy?server=x&port=1&secret=dd{secret}");
    admin.ask(&answer, "has its tag").await;
    until("every user has the tag", async || (tags(&world).await == [TAG]).then_some(())).await;
    assert!(world.works(&proxy).await);
    // Who comes later gets it with the secret.
    let luis = world.person_speaking(1002, "Luis", "en").await;
    luis.take_proxy().await;
    assert_eq!(tags(&world).await, [TAG, TAG]);

    admin.click("1node:", "Promotes a channel").await;
    admin.click("1pq:", "Take the promotion off").await;
    admin.click("1pc:", "ams").await;
    until("nobody has a tag", async || tags(&world).await.iter().all(Value::is_null).then_some(())).await;
    let audited = "SELECT count(*) AS n FROM audit WHERE action IN ('node.begin_promotion', 'node.set_ad_tag', 'node.clear_ad_tag')";
    assert_eq!(world.database.number(audited).await, 3);
}

#[tokio::test]
async fn an_admin_pauses_extends_and_revokes_and_the_owner_hears_it_in_their_language() {
    let world = World::new().await.with_telemt("ams").await;
    let _bot = world.program().await;
    let ana = world.person(1001, "Ana").await;
    let proxy = ana.take_proxy().await;
    let ends = async || world.database.number("SELECT extract(epoch FROM ends_at)::bigint AS n FROM services").await;
    let before = ends().await;
    let expires = async || {
        let user = world.telemt_users("ams").await.remove(0);
        chrono::DateTime::parse_from_rfc3339(user["expiration_rfc3339"].as_str().unwrap()).unwrap().timestamp()
    };
    assert!(expires().await >= before + 2 * 86_400, "the server closes it by itself, after the grace");

    let admin = world.person_speaking(ADMIN, "Admin", "en").await;
    admin.ask("/start", "👋").await;
    admin.ask("/user 1001", "Ana").await;
    admin.click("1us:", "Proxy").await;
    let service = world.database.number("SELECT id AS n FROM services").await;
    let of = |change: &str| format!("1uq:1001:{service}:{change}");
    let (pause, resume, week, revoke) = (of("p"), of("r"), of("e7"), of("x"));

    let rev = ana.rev().await;
    admin.click(&pause, "Pause").await;
    admin.click("1uc:", "Paused by an administrator").await;
    ana.wait(rev, &format!("text={}", encode("puso en pausa"))).await;
    until("the secret is refused", async || world.is_refused(&proxy).await.then_some(())).await;

    let rev = ana.rev().await;
    admin.click(&resume, "Lift the pause").await;
    admin.click("1uc:", "Proxy").await;
    ana.wait(rev, &format!("text={}", encode("volvió a abrir"))).await;
    until("the same secret works again", async || world.works(&proxy).await.then_some(())).await;

    let rev = ana.rev().await;
    admin.click(&week, "7 more days").await;
    let (message, data) = admin.button("1uc:").await;
    admin.click("1uc:", "Proxy").await;
    ana.wait(rev, &format!("text={}", encode("7 días más"))).await;
    // A second tap on the same button, as on a slow link.
    admin.forge(message, &data).await;
    assert_eq!(ends().await, before + 7 * i64::try_from(DAY).unwrap());
    until("the server lets it live as long", async || (expires().await >= before + 9 * 86_400).then_some(())).await;

    let rev = ana.rev().await;
    admin.ask("/user 1001", "Ana").await;
    admin.click("1us:", "Proxy").await;
    admin.click(&revoke, "Revoke").await;
    admin.click("1uc:", "Proxy").await;
    ana.wait(rev, &format!("text={}", encode("revocó"))).await;
    until("the user is gone", async || world.telemt_users("ams").await.is_empty().then_some(())).await;
    let audited = format!("SELECT count(*) AS n FROM audit WHERE action LIKE 'service.%' AND user_id = {ADMIN}");
    assert_eq!(world.database.number(&audited).await, 4);
}
