//! Services that are keys on a server.

use super::*;
use std::sync::atomic::Ordering;
use usipipo_domain::callback::Button;
use usipipo_domain::ids::OfferId;
use usipipo_storage::model::KeyNodeRow;

const PRODUCT: Product = Product::Mtproto;

/// Servers that answer, as far as their actors would know.
async fn servers(rig: &Rig, names: &[&str]) -> Vec<KeyNodeRow> {
    let mut rows = Vec::new();
    for name in names {
        let row = rig.db.seed_key_node(name, PRODUCT).await;
        rig.env.directory.add_node(row.id, name, true).up.store(true, Ordering::Relaxed);
        rows.push(row);
    }
    rows
}

/// The user asks for the product's free plan.
async fn offered(rig: &Rig, user: UserId) -> OfferId {
    rig.presses(user.0, &Button::TrialOf(PRODUCT).encode(), 3).await;
    let mut found = None;
    until("an offer is made", async || {
        found = rig.messenger.screens(user).iter().rev().find_map(|screen| match screen {
            Screen::TrialOffer { offer, product: PRODUCT } => Some(*offer),
            _ => None,
        });
        found.is_some()
    })
    .await;
    found.unwrap()
}

/// The user takes it; the server on which it is.
async fn taken(rig: &Rig, user: UserId) -> i64 {
    let offer = offered(rig, user).await;
    rig.presses(user.0, &Button::Accept { offer }.encode(), 3).await;
    let services = format!("SELECT count(*) AS n FROM services WHERE user_id = {user}");
    rig.becomes(&services, 1).await;
    rig.db
        .number(&format!(
            "SELECT k.node_id::bigint AS n FROM access_keys k JOIN services s ON s.id = k.service_id WHERE s.user_id = {user}"
        ))
        .await
}

async fn load(rig: &Rig, server: &KeyNodeRow, users: std::ops::Range<i64>) {
    for user in users {
        let now = crate::rig::now(rig);
        rig.db.seed_key_service(&rig.env.store, rig.duty.epoch, UserId(user), server, now).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_on_the_server_that_serves_and_has_the_least_load() {
    let rig = Rig::new(|_| {}).await;
    rig.start_way().await;
    let rows = servers(&rig, &["one", "two", "three"]).await;
    let [one, two, three] = rows.as_slice() else { panic!("three servers") };
    let place = |row: &KeyNodeRow| rig.env.directory.node(row.id).unwrap();
    load(&rig, two, 1_000..1_005).await;
    load(&rig, three, 2_000..2_002).await;
    place(one).up.store(false, Ordering::Relaxed);
    assert_eq!(taken(&rig, UserId(1)).await, i64::from(three.id.0), "less load than the other that answers");
    place(three).failing.store(true, Ordering::Relaxed);
    assert_eq!(taken(&rig, UserId(2)).await, i64::from(two.id.0), "it serves its users");
    rig.db.execute("UPDATE nodes SET state = 'draining' WHERE name = 'two'").await;
    assert_eq!(taken(&rig, UserId(3)).await, i64::from(three.id.0), "it answers us at least");
    rig.db.execute("UPDATE nodes SET state = 'maintenance' WHERE name = 'three'").await;
    assert_eq!(taken(&rig, UserId(4)).await, i64::from(one.id.0), "there it waits");
    let secrets = "SELECT count(DISTINCT secret) AS n FROM access_keys";
    assert_eq!(rig.db.number(secrets).await, 5 + 2 + 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_last_place_is_taken_between_offer_and_tap_it_is_a_clear_refusal_and_no_key_is_made() {
    let rig = Rig::new(|_| {}).await;
    rig.start_way().await;
    let rows = servers(&rig, &["one"]).await;
    rig.db.execute("UPDATE nodes SET capacity = 1").await;
    let offer = offered(&rig, ANA).await;
    load(&rig, &rows[0], 1_000..1_001).await;
    rig.presses(ANA.0, &Button::Accept { offer }.encode(), 3).await;
    until("it is refused", async || {
        rig.messenger
            .screens(ANA)
            .iter()
            .any(|screen| matches!(screen, Screen::TrialRefused { product: PRODUCT, reason: TrialRefusal::PoolFull }))
    })
    .await;
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM access_keys").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_23_somebody_elses_offer_makes_no_key_and_the_answer_is_friendly() {
    let rig = Rig::new(|_| {}).await;
    rig.start_way().await;
    servers(&rig, &["one"]).await;
    let offer = offered(&rig, ANA).await;
    rig.presses(8, &Button::Accept { offer }.encode(), 3).await;
    rig.presses(8, &Button::AcceptAt { offer, node: usipipo_domain::ids::NodeId(99) }.encode(), 3).await;
    until("both are answered", async || rig.messenger.to(UserId(8)).len() == 2).await;
    assert!(rig.messenger.screens(UserId(8)).iter().all(|screen| *screen == Screen::OfferGone));
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM access_keys").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_29_five_taps_at_once_make_one_key() {
    let rig = Rig::new(|_| {}).await;
    rig.start_way().await;
    servers(&rig, &["one"]).await;
    let offer = offered(&rig, ANA).await;
    for _ in 0..5 {
        rig.presses(ANA.0, &Button::Accept { offer }.encode(), 3).await;
    }
    rig.all_done().await;
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM access_keys").await, 1);
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM services").await, 1);
}
