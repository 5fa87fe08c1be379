#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;
use crate::rig::Rig;
use crate::supervision::Fault;
use crate::testing::source::FakeSource;
use crate::testing::until;
use crate::{alerts, committer, inbox, outbox, router};

fn text(id: i64, user: i64, text: &str) -> String {
    format!(r#"{{"update_id":{id},"from":{user},"text":"{text}"}}"#)
}

async fn polling(rig: &Rig) -> Arc<FakeSource> {
    let source = Arc::new(FakeSource::default());
    let duty = &rig.duty;
    rig.start(vec![
        alerts::spec(duty),
        inbox::spec(&rig.env),
        outbox::spec(duty),
        committer::spec(duty),
        router::spec(duty),
        spec(duty, source.clone()),
    ])
    .await;
    source
}

async fn stored(rig: &Rig) -> i64 {
    rig.db.number("SELECT count(*) AS n FROM inbox").await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_polled_is_stored_confirmed_and_answered() {
    let rig = Rig::new(|_| {}).await;
    let source = polling(&rig).await;
    for id in 1..=250 {
        source.push(id, text(id, id % 9 + 10, "/help"));
    }
    until("all are confirmed", async || source.unconfirmed() == 0).await;
    assert_eq!(stored(&rig).await, 250);
    rig.all_done().await;
    until("all are answered", async || rig.messenger.count() == 250).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_17_when_intake_dies_it_is_restarted_and_skips_nothing() {
    let rig = Rig::new(|_| {}).await;
    let source = polling(&rig).await;
    for round in 0..10 {
        for id in round * 20 + 1..=round * 20 + 20 {
            source.push(id, text(id, id % 9 + 10, "/help"));
        }
        match round % 5 {
            0 => rig.env.directory.poller.get().unwrap().kill(),
            1 => rig.env.directory.inbox.get().unwrap().kill(),
            2 => rig.env.directory.faults.plan(KIND, Fault::Panic),
            3 => rig.env.directory.faults.plan(inbox::KIND, Fault::Panic),
            _ => rig.env.directory.faults.plan(inbox::KIND, Fault::Error),
        }
    }
    until("all are confirmed", async || source.unconfirmed() == 0).await;
    assert_eq!(stored(&rig).await, 200);
    rig.all_done().await;
    until("each is answered once", async || rig.messenger.count() == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_confirmed_before_it_is_stored() {
    let rig = Rig::new(|limits| limits.ask_timeout = Duration::from_millis(200)).await;
    let source = Arc::new(FakeSource::default());
    // Nobody stores.
    rig.start(vec![spec(&rig.duty, source.clone())]).await;
    source.push(1, text(1, 7, "/help"));
    until("it was polled and could not be stored", async || {
        rig.env.directory.poller.is_up() && !source.confirms().is_empty()
    })
    .await;
    tokio::time::timeout(Duration::from_millis(500), until("it is confirmed", async || source.unconfirmed() == 0))
        .await
        .unwrap_err();
    assert!(source.confirms().iter().all(Option::is_none));
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_30_numbers_that_start_anew_are_new_updates() {
    let rig = Rig::new(|_| {}).await;
    let source = polling(&rig).await;
    for id in 900..=905 {
        source.push(id, text(id, 7, "/help"));
    }
    until("all are confirmed", async || source.unconfirmed() == 0).await;
    rig.all_done().await;
    // A quiet week, then lower numbers, and then the old ones once more.
    rig.clock.advance(chrono::TimeDelta::days(8));
    until("the poller waits without a confirmation", async || source.confirms().last() == Some(&None)).await;
    for id in (5..=10).chain(900..=905) {
        source.push(id, text(id, 7, "/vpn"));
        until("it is confirmed", async || source.unconfirmed() == 0).await;
    }
    rig.all_done().await;
    assert_eq!(stored(&rig).await, 6 + 12);
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM inbox WHERE outcome = 'handled'").await, 18);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_31_an_update_without_a_readable_number_is_stored_once_and_stops_nobody() {
    let rig = Rig::new(|_| {}).await;
    let source = polling(&rig).await;
    source.push(1, text(1, 7, "/help"));
    source.push(2, "\u{0}{not even json");
    source.push(3, text(3, 7, "/vpn"));
    until("all are confirmed", async || source.unconfirmed() == 0).await;
    // At the end of a batch nothing after it confirms it.
    source.push(4, text(4, 7, "/help"));
    source.push(5, "{neither is this");
    until("all are confirmed", async || source.unconfirmed() == 0).await;
    source.push(6, text(6, 7, "/vpn"));
    until("all are confirmed", async || source.unconfirmed() == 0).await;
    rig.all_done().await;
    assert_eq!(stored(&rig).await, 6);
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM inbox WHERE outcome = 'handled'").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_an_alert_that_ends_with_the_next_good_poll() {
    let rig = Rig::new(|_| {}).await;
    let source = polling(&rig).await;
    source.fail_next(PollError::Conflict("somebody else polls".to_owned()));
    rig.becomes("SELECT count(*) AS n FROM alerts WHERE key = 'telegram_refuses'", 1).await;
    source.push(1, text(1, 7, "/help"));
    rig.becomes("SELECT count(*) AS n FROM alerts WHERE resolved_at IS NOT NULL", 1).await;
    until("polling goes on", async || source.unconfirmed() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passing_failures_are_waited_for_as_long_as_asked() {
    let rig = Rig::new(|_| {}).await;
    let source = polling(&rig).await;
    source.push(1, text(1, 7, "/help"));
    until("polling works", async || source.unconfirmed() == 0).await;
    let begun = Instant::now();
    source.fail_next(PollError::RetryAfter(Duration::from_millis(700)));
    source.fail_next(PollError::Unavailable("500".to_owned()));
    source.push(2, text(2, 7, "/help"));
    until("polling goes on", async || source.unconfirmed() == 0).await;
    assert!(begun.elapsed() >= Duration::from_millis(700));
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM alerts").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_14_a_batch_is_offered_until_the_database_takes_it() {
    let parser = Arc::new(crate::testing::parser::FakeParser);
    let rig = Rig::with(parser, |options| options.statement_timeout = Duration::from_millis(200), |_| {}).await;
    let source = polling(&rig).await;
    let lock = crate::rig::Lock::on(&rig, "inbox").await;
    source.push(1, text(1, 7, "/help"));
    tokio::time::timeout(Duration::from_millis(800), until("it is confirmed", async || source.unconfirmed() == 0))
        .await
        .unwrap_err();
    lock.release().await;
    until("it is confirmed", async || source.unconfirmed() == 0).await;
    rig.all_done().await;
    assert_eq!(stored(&rig).await, 1);
}
