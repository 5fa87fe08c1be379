#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;
use crate::rig::{ADMIN, Rig, now};
use crate::supervision::Fault;
use crate::testing::until;
use crate::{alerts, committer, inbox, outbox};
use chrono::TimeDelta;
use usipipo_domain::outgoing::Body;
use usipipo_domain::screen::Screen;
use usipipo_storage::model::NewUpdate;

const fn user(id: i64) -> UserId {
    UserId(id)
}

fn quick(limits: &mut crate::limits::Limits) {
    limits.quarantine = Duration::from_millis(300);
}

async fn order_kept(rig: &Rig, users: i64) {
    let disorder = rig
        .db
        .number(
            "SELECT count(*) AS n FROM (SELECT id, lag(id) OVER (PARTITION BY chat_id ORDER BY (content->'body'->'Screen'->
             'screen'->'UserCard'->>'user')::bigint) AS before FROM outbox
             WHERE content->'body'->'Screen'->'screen'->'UserCard' IS NOT NULL) t WHERE before > id",
        )
        .await;
    assert_eq!(disorder, 0, "of {users} users");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_users_updates_are_handled_in_order_with_many_users_at_once() {
    let rig = Rig::new(|limits| limits.session_backlog_max = 1_000).await;
    rig.start_way().await;
    // An admin's cards carry the number that was asked for, so the order shows in the answers.
    for round in 0..10 {
        let mut batch = Vec::new();
        for number in round * 10..round * 10 + 10 {
            batch.push(rig.update(ADMIN.0, &format!(r#""text":"/user {number}""#)));
            batch.extend((2..22).map(|other| rig.update(other, r#""text":"/help""#)));
        }
        rig.accept(batch).await.unwrap();
    }
    rig.all_done().await;
    order_kept(&rig, 22).await;
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM inbox WHERE outcome = 'handled'").await, 2_100);
    until("every answer is sent", async || rig.messenger.count() == 2_100).await;
    let cards: Vec<_> = rig
        .messenger
        .screens(ADMIN)
        .into_iter()
        .map(|screen| match screen {
            Screen::UserCard { user } => user.0,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(cards, (0..100).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_left_by_an_earlier_process_are_handled_at_the_start_and_before_new_ones() {
    let rig = Rig::new(|_| {}).await;
    let old: Vec<_> = (0..40)
        .map(|number| NewUpdate {
            update_id: Some(1_000 + number),
            user: Some(ADMIN),
            lane: "session",
            raw: format!(r#"{{"from":1,"text":"/user {number}"}}"#).into_bytes(),
        })
        .collect();
    rig.env.store.store_updates(rig.env.options.bot, old, false, now(&rig)).await.unwrap();
    rig.start_way().await;
    rig.says(ADMIN.0, "/user 40").await;
    rig.all_done().await;
    until("every answer is sent", async || rig.messenger.count() == 41).await;
    order_kept(&rig, 1).await;
    let most = rig.db.number("SELECT max(attempts)::bigint AS n FROM inbox WHERE update_id >= 1000").await;
    assert_eq!(most, 1, "each was taken once");
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_16_a_panic_on_one_users_input_quarantines_only_that_session() {
    let rig = Rig::new(quick).await;
    let duty = &rig.duty;
    let children =
        vec![alerts::spec(duty), inbox::spec(&rig.env), outbox::spec(duty), committer::spec(duty), spec(duty)];
    rig.start(children).await;
    let (bad, good) = (user(66), user(7));
    rig.says(good.0, "/start").await;
    until("the good user is answered", async || rig.messenger.to(good).len() == 1).await;
    let rest_of_us: Vec<_> = rig.sessions().iter().map(|cell| cell.get_id()).collect();
    let router = rig.env.directory.router.get().unwrap().get_id();

    // One batch, so that the poison and what follows it are handed out together.
    let batch = ["PANIC", "/help"].map(|text| rig.update(bad.0, &format!(r#""text":"{text}""#)));
    rig.accept(batch.to_vec()).await.unwrap();
    rig.becomes("SELECT count(*) AS n FROM dead_letters WHERE user_id = 66", 1).await;
    let attempts = rig.db.number("SELECT attempts::bigint AS n FROM dead_letters").await;
    assert_eq!(attempts, 4, "three tries, and the look that found them to be enough");
    let error = rig.db.text("SELECT error AS t FROM dead_letters").await;
    assert!(error.contains("an update that cannot be handled"), "{error}");

    // Everybody else notices nothing, not even during the quarantine.
    rig.says(good.0, "/help").await;
    until("the good user is answered", async || rig.messenger.to(good).len() == 2).await;
    assert!(rig.sessions().iter().any(|cell| rest_of_us.contains(&cell.get_id())), "their session lives on");
    assert_eq!(rig.env.directory.router.get().unwrap().get_id(), router);

    // One apology, then what followed the poison, with no attempt lost to it.
    until("the bad user is answered", async || rig.messenger.to(bad).len() == 2).await;
    let screens = rig.messenger.screens(bad);
    assert!(matches!(screens[0], Screen::Apology { .. }), "{screens:?}");
    assert_eq!(screens[1], Screen::Help);
    let other =
        rig.db.number("SELECT attempts::bigint AS n FROM inbox WHERE user_id = 66 AND outcome = 'handled'").await;
    assert!(other <= 2, "handed out once with the poison and once alone, not {other} times");
    // The alert opens and closes with the quarantine.
    let alerts = "SELECT count(*) AS n FROM alerts WHERE key = 'actor_quarantined/session' AND resolved_at IS";
    rig.becomes(&format!("{alerts} NOT NULL"), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_killed_is_restarted_at_once_with_its_rows() {
    let rig = Rig::new(|_| {}).await;
    rig.start_way().await;
    rig.says(7, "/start").await;
    until("there is an answer", async || rig.messenger.count() == 1).await;
    // Nothing can be committed, so that it dies with rows in hand.
    rig.env.directory.committer.get().unwrap().kill();
    rig.says(7, "/help").await;
    for cell in rig.sessions() {
        cell.kill();
    }
    until("the answer comes", async || rig.messenger.count() == 2).await;
    assert_eq!(rig.messenger.screens(user(7))[1], Screen::Help);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_18_a_flood_of_one_user_is_shed_with_one_notice_and_delays_nobody() {
    let rig = Rig::new(|_| {}).await;
    rig.start_way().await;
    let flood = user(99);
    let mut slowest = Duration::ZERO;
    for round in 1..=8 {
        let batch = (0..250).map(|_| rig.update(flood.0, r#""text":"/help""#)).collect();
        rig.accept(batch).await.unwrap();
        let begun = Instant::now();
        let others = (1..=10).map(|other| rig.update(other, r#""text":"/help""#)).collect();
        rig.accept(others).await.unwrap();
        until("the others are answered", async || (1..=10).all(|other| rig.messenger.to(user(other)).len() == round))
            .await;
        slowest = slowest.max(begun.elapsed());
    }
    assert!(slowest < Duration::from_secs(2), "somebody else waited {slowest:?}");
    rig.all_done().await;
    let outcome = async |outcome: &str| {
        rig.db.number(&format!("SELECT count(*) AS n FROM inbox WHERE user_id = 99 AND outcome = '{outcome}'")).await
    };
    let (shed, handled) = (outcome("shed").await, outcome("handled").await);
    assert_eq!(shed + handled, 2_000);
    assert!(shed >= 200, "only {shed} of 2,000 were shed");
    let notices =
        "SELECT count(*) AS n FROM outbox WHERE chat_id = 99 AND content->'body'->'Screen'->>'screen' = 'SlowDown'";
    assert_eq!(rig.db.number(notices).await, 1);
    let others = rig.db.number("SELECT count(*) AS n FROM inbox WHERE user_id <> 99 AND outcome <> 'handled'").await;
    assert_eq!(others, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_has_more_in_hand_than_it_may() {
    let rig = Rig::new(|limits| limits.session_backlog_max = 10_000).await;
    // Without a committer nothing gets done.
    rig.start(vec![inbox::spec(&rig.env), spec(&rig.duty)]).await;
    until("new rows are given", async || rig.env.directory.router_caught_up.load(Ordering::Acquire)).await;
    let batch = (0..200).map(|_| rig.update(5, r#""text":"/help""#)).collect();
    rig.accept(batch).await.unwrap();
    rig.start(vec![committer::spec(&rig.duty)]).await;
    rig.all_done().await;
    // What was given was handled at its first attempt; what had to wait was pulled, which counts another.
    let attempts = "SELECT string_agg(attempts || ':' || rows, ' ' ORDER BY attempts) AS t
                    FROM (SELECT attempts, count(*) AS rows FROM inbox GROUP BY attempts) counts";
    assert_eq!(rig.db.text(attempts).await, "1:16 2:184");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_session_leaves_memory_and_comes_back_as_it_was() {
    let rig = Rig::new(|limits| limits.session_idle = Duration::from_millis(100)).await;
    let seeded = rig.db.seed_node("miami").await;
    let service = rig.db.seed_trial(&rig.env.store, rig.duty.epoch, user(7), &seeded, 9, now(&rig)).await;
    rig.start_way().await;
    rig.presses(7, &format!("1name:{service}"), 3).await;
    until("the name is asked for", async || rig.messenger.count() >= 1).await;
    until("the session is at rest", async || rig.sessions().is_empty()).await;
    rig.says(7, "Portátil").await;
    rig.all_done().await;
    assert_eq!(rig.db.text("SELECT name AS t FROM services").await, "Portátil");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_resumes_in_the_middle_of_a_question() {
    let rig = Rig::new(|_| {}).await;
    let seeded = rig.db.seed_node("miami").await;
    let service = rig.db.seed_trial(&rig.env.store, rig.duty.epoch, user(7), &seeded, 9, now(&rig)).await;
    rig.start_way().await;
    rig.presses(7, &format!("1name:{service}"), 3).await;
    rig.all_done().await;
    rig.env.directory.router.get().unwrap().kill();
    rig.says(7, "Portátil").await;
    rig.all_done().await;
    assert_eq!(rig.db.text("SELECT name AS t FROM services").await, "Portátil");
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_bound_the_session_idle_longest_makes_room() {
    let rig = Rig::new(|limits| limits.sessions_max = 5).await;
    rig.start_way().await;
    for other in 1..=20 {
        rig.says(other, "/help").await;
        until("it is answered", async || rig.messenger.to(user(other)).len() == 1).await;
        assert!(rig.sessions().len() <= 6, "one may be on its way out");
    }
    let batch = (1..=20).map(|other| rig.update(other, r#""text":"/vpn""#)).collect();
    rig.accept(batch).await.unwrap();
    until("all are answered though not all at once", async || rig.messenger.count() == 40).await;
    until("the bound holds", async || rig.sessions().len() <= 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_panics_is_restarted_and_no_update_is_lost() {
    let rig = Rig::new(|_| {}).await;
    rig.start_way().await;
    for round in 0..5 {
        rig.env.directory.faults.plan(KIND, if round % 2 == 0 { Fault::Panic } else { Fault::Error });
        let batch = (1..=10).map(|other| rig.update(other, r#""text":"/help""#)).collect();
        rig.accept(batch).await.unwrap();
    }
    rig.all_done().await;
    assert!(rig.env.directory.faults.all_struck());
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM inbox WHERE outcome = 'handled'").await, 50);
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM outbox").await, 50, "each answered once");
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_33_under_an_epoch_that_is_over_nothing_is_handled() {
    let rig = Rig::new(|_| {}).await;
    rig.start_way().await;
    rig.says(7, "/start").await;
    rig.all_done().await;
    rig.db.execute("UPDATE leader_lease SET epoch = epoch + 1").await;
    let sent = rig.db.number("SELECT count(*) AS n FROM outbox").await;
    let batch = (1..=50).map(|other| rig.update(other, r#""text":"/help""#)).collect();
    rig.accept(batch).await.unwrap();
    rig.stop().await;
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM inbox WHERE done_at IS NULL").await, 50);
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM outbox").await, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_finishes_what_is_in_hand_and_leaves_the_rest_undone_and_whole() {
    let rig = Rig::new(|limits| limits.session_backlog_max = 10_000).await;
    rig.start_way().await;
    let batch = (0..250).map(|number| rig.update(number % 50, r#""text":"/help""#)).collect();
    rig.accept(batch).await.unwrap();
    rig.stop().await;
    let handled = rig.db.number("SELECT count(*) AS n FROM inbox WHERE outcome = 'handled'").await;
    let answers = rig.db.number("SELECT count(*) AS n FROM outbox").await;
    assert_eq!(handled, answers);
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM inbox WHERE outcome IS NULL").await, 250 - handled);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_contact_is_exact_to_the_hour_and_costs_no_write_within_it() {
    let rig = Rig::new(|_| {}).await;
    rig.start_way().await;
    let seen = "SELECT extract(epoch FROM last_seen_at)::bigint AS n FROM users";
    rig.says(7, "/start").await;
    rig.all_done().await;
    let first = rig.db.number(seen).await;
    rig.clock.advance(TimeDelta::minutes(59));
    rig.says(7, "/help").await;
    rig.all_done().await;
    assert_eq!(rig.db.number(seen).await, first);
    rig.clock.advance(TimeDelta::minutes(1));
    rig.says(7, "/help").await;
    rig.all_done().await;
    assert_eq!(rig.db.number(seen).await, first + 3_600);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tree_tells_how_many_sessions_there_are() {
    let rig = Rig::new(|_| {}).await;
    rig.start_way().await;
    for other in 1..=3 {
        rig.says(other, "/help").await;
    }
    rig.all_done().await;
    until("all three are idle", async || describe(&rig.env).await.more.contains(&("session idle".to_owned(), 3))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answered_screen_reached_the_outbox_at_once() {
    let rig = Rig::new(|_| {}).await;
    rig.start_way().await;
    rig.says(7, "/start").await;
    until("it is sent", async || rig.messenger.count() == 1).await;
    let first = rig.messenger.to(user(7)).remove(0);
    assert!(matches!(first.content.body, Some(Body::Screen { screen: Screen::Home { new: true }, .. })), "{first:?}");
    rig.says(7, "/start").await;
    until("it is sent", async || rig.messenger.count() == 2).await;
    assert_eq!(rig.messenger.screens(user(7))[1], Screen::Home { new: false });
}
