#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;
use crate::rig::{ADMIN, Rig, now};
use crate::supervision::Fault;
use crate::testing::until;
use crate::{alerts, inbox, outbox, router};
use usipipo_domain::outgoing::Body;
use usipipo_storage::model::NewUpdate;

async fn start(rig: &Rig) {
    let duty = &rig.duty;
    rig.start(vec![
        alerts::spec(duty),
        inbox::spec(&rig.env),
        outbox::spec(duty),
        router::spec(duty),
        spec(duty, Lane::Payments),
        spec(duty, Lane::Membership),
    ])
    .await;
}

fn left(id: i64, lane: &'static str, raw: &str) -> NewUpdate {
    NewUpdate { update_id: Some(id), user: Some(UserId(7)), lane, raw: raw.as_bytes().to_vec() }
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_07_money_that_comes_twice_is_one_alert_and_a_query_is_refused() {
    let rig = Rig::new(|_| {}).await;
    start(&rig).await;
    let paid = r#""paid":"charge-1""#;
    let batch = vec![rig.update(7, r#""checkout":"q1""#), rig.update(7, paid), rig.update(7, paid)];
    rig.accept(batch).await.unwrap();
    rig.all_done().await;
    let refusals = rig.messenger.to(UserId(7));
    until("the query is refused", async || rig.messenger.to(UserId(7)).len() == 1).await;
    let refused = rig.messenger.to(UserId(7)).remove(0).content.body;
    assert_eq!(refused, Some(Body::RefuseCheckout { query_id: "q1".to_owned() }), "{refusals:?}");
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM alerts WHERE key = 'unexpected_payment/charge-1'").await, 1);
    until("admins are told", async || rig.messenger.to(ADMIN).len() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_07_payments_found_after_a_restart_are_handled_whatever_the_user_does() {
    let rig = Rig::new(|_| {}).await;
    let rows = vec![
        left(1, "payments", r#"{"from":7,"paid":"charge-1"}"#),
        left(2, "payments", "nonsense"),
        left(3, "payments", r#"{"from":7,"paid":"charge-2"}"#),
        left(4, "membership", r#"{"from":7,"blocked":true}"#),
    ];
    rig.env.store.store_updates(rig.env.options.bot, rows, false, now(&rig)).await.unwrap();
    rig.env.directory.faults.plan("payments", Fault::Panic);
    start(&rig).await;
    rig.all_done().await;
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM alerts WHERE key LIKE 'unexpected_payment/%'").await, 2);
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM dead_letters WHERE lane = 'payments'").await, 1);
    until("the user hears nothing of it", async || rig.messenger.to(ADMIN).len() >= 2).await;
    assert!(rig.messenger.to(UserId(7)).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_blocks_the_bot_and_comes_back_is_known_as_such() {
    let rig = Rig::new(|_| {}).await;
    rig.db.seed_node("miami").await;
    rig.db.seed_trial_offer(&rig.env.store, rig.duty.epoch, UserId(7), now(&rig)).await;
    rig.db.execute("UPDATE outbox SET sent_at = created_at").await;
    start(&rig).await;
    let blocked = "SELECT count(*) AS n FROM users WHERE blocked_at IS NOT NULL";
    for (told, count) in [("true", 1), ("false", 0)] {
        let update = rig.update(7, &format!(r#""blocked":{told}"#));
        rig.accept(vec![update]).await.unwrap();
        rig.becomes(blocked, count).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_tried_too_often_is_kept_as_a_dead_letter_and_the_others_are_handled() {
    let rig = Rig::new(|_| {}).await;
    let rows = (1..=5).map(|id| left(id, "payments", &format!(r#"{{"from":7,"paid":"c{id}"}}"#))).collect();
    rig.env.store.store_updates(rig.env.options.bot, rows, true, now(&rig)).await.unwrap();
    rig.db.execute("UPDATE inbox SET attempts = 3 WHERE update_id = 2").await;
    start(&rig).await;
    rig.all_done().await;
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM dead_letters").await, 1);
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM inbox WHERE outcome = 'handled'").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn under_an_epoch_that_is_over_a_lane_does_nothing() {
    let rig = Rig::new(|_| {}).await;
    start(&rig).await;
    rig.db.execute("UPDATE leader_lease SET epoch = epoch + 1").await;
    rig.accept(vec![rig.update(7, r#""paid":"charge-1""#)]).await.unwrap();
    rig.stop().await;
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM inbox WHERE done_at IS NULL").await, 1);
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM alerts").await, 0);
}
