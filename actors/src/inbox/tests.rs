#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;
use crate::rig::Rig;
use crate::supervision::Fault;
use crate::testing::until;
use std::time::Duration;
use usipipo_domain::ids::UserId;
use usipipo_domain::outgoing::Body;

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_come_during_a_statement_share_the_next_one() {
    let rig = Rig::new(|_| {}).await;
    rig.start(vec![spec(&rig.env)]).await;
    let answers: Vec<_> = (1..=100)
        .map(|user| {
            let updates = vec![rig.env.parser.peek(rig.update(user, r#""text":"/help""#))];
            let (reply, answer) = crate::ask::port(Duration::from_secs(20));
            assert!(rig.env.directory.inbox.tell(InboxMsg::Accept { updates, reply }));
            answer
        })
        .collect();
    for answer in answers {
        crate::ask::await_reply(answer, Duration::from_secs(20)).await.unwrap().unwrap();
    }
    let statements = rig.db.number("SELECT count(DISTINCT xmin::text) AS n FROM inbox").await;
    assert!(statements <= 4, "{statements} statements");
    assert_eq!(rig.db.text("SELECT string_agg(user_id::text, ' ' ORDER BY seq) AS t FROM inbox").await, {
        (1..=100).map(|user| user.to_string()).collect::<Vec<_>>().join(" ")
    });
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM inbox").await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_stores_and_counts_no_attempt() {
    let rig = Rig::new(|_| {}).await;
    rig.start(vec![spec(&rig.env)]).await;
    rig.says(7, "/help").await;
    assert_eq!(rig.db.number("SELECT max(attempts)::bigint AS n FROM inbox").await, 0);
    // The same update once more is the same update.
    let again = br#"{"update_id":1,"from":7,"text":"/help"}"#.to_vec();
    rig.accept(vec![again.clone(), again]).await.unwrap();
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM inbox").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_told_to_whoever_brought_it_and_may_come_again() {
    let rig = Rig::with(
        Arc::new(crate::testing::parser::FakeParser),
        |options| options.statement_timeout = Duration::from_millis(200),
        |_| {},
    )
    .await;
    rig.start(vec![spec(&rig.env)]).await;
    rig.says(7, "/help").await;
    let lock = crate::rig::Lock::on(&rig, "inbox").await;
    let update = rig.update(7, r#""text":"/help""#);
    let refused = rig.accept(vec![update.clone()]).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    lock.release().await;
    until("it is taken", async || rig.accept(vec![update.clone()]).await.is_ok()).await;
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM inbox").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_14_a_query_is_refused_in_time_while_nothing_can_be_stored() {
    let rig = Rig::new(|_| {}).await;
    rig.start(vec![spec(&rig.env)]).await;
    rig.says(7, "/help").await;
    let lock = crate::rig::Lock::on(&rig, "inbox").await;
    let begun = Instant::now();
    let update = rig.update(7, r#""checkout":"q1""#);
    let _ = tokio::join!(rig.accept(vec![update.clone()]), async {
        until("it is refused", async || rig.messenger.count() == 1).await;
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
        lock.release().await;
    });
    let refusal = rig.messenger.to(UserId(7)).remove(0).content.body;
    assert_eq!(refusal, Some(Body::RefuseCheckout { query_id: "q1".to_owned() }));
    // It comes again, is stored, and is not refused from here a second time.
    until("it is stored", async || rig.accept(vec![update.clone()]).await.is_ok()).await;
    assert_eq!(rig.messenger.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_panic_a_new_inbox_stores() {
    let rig = Rig::new(|_| {}).await;
    rig.start(vec![spec(&rig.env)]).await;
    let update = rig.update(7, r#""text":"/help""#);
    for fault in [Fault::Panic, Fault::Error] {
        rig.env.directory.faults.plan(KIND, fault);
        assert!(rig.accept(vec![update.clone()]).await.is_err());
        until("it is stored", async || rig.accept(vec![update.clone()]).await.is_ok()).await;
    }
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM inbox").await, 1);
    assert_eq!(rig.env.directory.inbox.depth(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_at_once_is_refused_and_not_kept_in_memory() {
    let rig = Rig::new(|_| {}).await;
    rig.start(vec![spec(&rig.env)]).await;
    let lock = crate::rig::Lock::on(&rig, "inbox").await;
    let mut answers = Vec::new();
    for _ in 0..6 {
        let batch: Vec<_> = (0..1_000).map(|_| rig.env.parser.peek(rig.update(7, r#""text":"/help""#))).collect();
        let (reply, answer) = crate::ask::port(Duration::from_secs(20));
        rig.env.directory.inbox.tell(InboxMsg::Accept { updates: batch, reply });
        answers.push(answer);
    }
    let refused = crate::ask::await_reply(answers.pop().unwrap(), Duration::from_secs(5)).await.unwrap();
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    lock.release().await;
    for answer in answers {
        crate::ask::await_reply(answer, Duration::from_secs(20)).await.unwrap().unwrap();
    }
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM inbox").await, 5_000);
}
