#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod keys;
mod moves;

use crate::directory::PoolPlace;
use crate::rig::Rig;
use crate::testing::until;
use std::sync::Arc;
use usipipo_domain::ids::UserId;
use usipipo_domain::outgoing::{Body, Toast};
use usipipo_domain::screen::{Screen, TrialRefusal};
use usipipo_domain::service::Product;

const ANA: UserId = UserId(7);

/// The number of the offer that the user's last screen carries.
async fn offer(rig: &Rig, user: UserId, count: usize) -> i64 {
    until("an offer is made", async || rig.messenger.to(user).len() >= count).await;
    match rig.messenger.screens(user).pop() {
        Some(Screen::TrialOffer { offer, .. }) => offer.0,
        other => panic!("no offer but {other:?}"),
    }
}

fn place(rig: &Rig, pool: usipipo_domain::ids::PoolId) -> Arc<PoolPlace> {
    rig.env.directory.pool(pool).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_is_offered_and_taken_with_an_address_and_keys() {
    let rig = Rig::new(|_| {}).await;
    let seeded = rig.start_way_with_pool().await;
    rig.says(ANA.0, "/trial").await;
    let offer = offer(&rig, ANA, 1).await;
    rig.presses(ANA.0, &format!("1ok:{offer}"), 3).await;
    until("it is under way", async || rig.messenger.to(ANA).len() == 2).await;
    assert!(matches!(rig.messenger.screens(ANA)[1], Screen::Preparing { .. }));
    assert_eq!(rig.db.text("SELECT name AS t FROM services").await, "WireGuard 1");
    let lease = "SELECT host(v4) || ' ' || host(v6) || ' ' || pool_id AS t FROM leases";
    let lease = rig.db.text(lease).await;
    assert!(lease.starts_with("10.66.0.") && lease.ends_with(&format!(" {}", seeded.trial)), "{lease}");
    assert_eq!(rig.db.number("SELECT count(DISTINCT public_key) AS n FROM peers").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_29_five_taps_with_a_session_killed_in_between_make_one_service() {
    let rig = Rig::new(|limits| {
        limits.session_crashes_max = 100;
        limits.update_attempts_max = 100;
    })
    .await;
    rig.start_way_with_pool().await;
    rig.says(ANA.0, "/trial").await;
    let offer = offer(&rig, ANA, 1).await;
    let taps: Vec<_> = (0..5)
        .map(|_| {
            let id = rig.next_id();
            let from = ANA.0;
            format!(r#"{{"update_id":{id},"from":{from},"button":"1ok:{offer}","message":3,"callback":"c{id}"}}"#)
                .into_bytes()
        })
        .collect();
    for tap in taps {
        rig.accept(vec![tap]).await.unwrap();
        for cell in rig.sessions() {
            cell.kill();
        }
    }
    rig.all_done().await;
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM services").await, 1);
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM leases").await, 1);
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM trials").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_29_five_taps_at_once_make_one_service_and_every_press_is_answered() {
    let rig = Rig::new(|_| {}).await;
    rig.start_way_with_pool().await;
    rig.says(ANA.0, "/trial").await;
    let offer = offer(&rig, ANA, 1).await;
    for _ in 0..5 {
        rig.presses(ANA.0, &format!("1ok:{offer}"), 3).await;
    }
    rig.all_done().await;
    until("all presses are answered", async || rig.messenger.to(ANA).len() == 6).await;
    let toasts =
        rig.messenger.to(ANA).iter().filter(|message| message.content.toast == Some(Toast::AlreadyDone)).count();
    assert_eq!(toasts, 4);
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM services").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_01_an_address_that_another_process_took_is_replaced_unseen() {
    let rig = Rig::new(|_| {}).await;
    let seeded = rig.start_way_with_pool().await;
    let other = rig.other_store();
    // The other process takes the whole first half of the pool, of which this one knows nothing.
    for host in 1..=120_u8 {
        let user = UserId(1_000 + i64::from(host));
        let now = crate::rig::now(&rig);
        rig.db.seed_trial(&other, rig.duty.epoch, user, &seeded, host, now).await;
    }
    for user in 1..=10 {
        rig.says(user, "/trial").await;
        let offer = offer(&rig, UserId(user), 1).await;
        rig.presses(user, &format!("1ok:{offer}"), 3).await;
    }
    rig.becomes("SELECT count(*) AS n FROM services", 130).await;
    until("all are told so", async || {
        (1..=10).all(|user| matches!(rig.messenger.screens(UserId(user)).get(1), Some(Screen::Preparing { .. })))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_a_trial_is_refused_kindly() {
    let rig = Rig::new(|_| {}).await;
    rig.start_way().await;
    rig.says(ANA.0, "/trial").await;
    until("there is an answer", async || rig.messenger.to(ANA).len() == 1).await;
    assert_eq!(
        rig.messenger.screens(ANA)[0],
        Screen::TrialRefused { reason: TrialRefusal::NoNode, product: Product::Wireguard }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_pool_is_a_clear_refusal() {
    let rig = Rig::new(|_| {}).await;
    let seeded = rig.start_way_with_pool().await;
    rig.says(ANA.0, "/trial").await;
    let offer = offer(&rig, ANA, 1).await;
    rig.db.execute("UPDATE pools SET v6 = NULL").await;
    // All but the addresses that no client gets.
    let now = crate::rig::now(&rig);
    for host in 1..=254_u8 {
        let user = UserId(1_000 + i64::from(host));
        let _ = rig
            .db
            .act(
                &rig.env.store,
                rig.duty.epoch,
                user,
                usipipo_domain::dialogue::Act::Do(usipipo_domain::dialogue::Effect::Accept {
                    offer: rig.db.seed_trial_offer(&rig.env.store, rig.duty.epoch, user, now).await,
                    own_key: None,
                    node: None,
                }),
                |step| step.prepared = Some(usipipo_storage::testing::prepared(&seeded, host)),
                now,
            )
            .await;
    }
    rig.presses(ANA.0, &format!("1ok:{offer}"), 3).await;
    until("there is an answer", async || rig.messenger.to(ANA).len() == 2).await;
    assert_eq!(
        rig.messenger.screens(ANA)[1],
        Screen::TrialRefused { reason: TrialRefusal::PoolFull, product: Product::Wireguard }
    );
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM services WHERE user_id = 7").await, 0);
    let pool = place(&rig, seeded.trial);
    until("the pool knows", async || pool.free.load(std::sync::atomic::Ordering::Relaxed) == 0).await;
    rig.says(8, "/trial").await;
    until("there is an answer", async || rig.messenger.to(UserId(8)).len() == 1).await;
    assert_eq!(
        rig.messenger.screens(UserId(8))[0],
        Screen::TrialRefused { reason: TrialRefusal::PoolFull, product: Product::Wireguard }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_31_what_cannot_be_read_is_kept_and_the_others_of_its_batch_are_handled() {
    let rig = Rig::new(|_| {}).await;
    rig.start_way().await;
    let batch = vec![
        rig.update(7, r#""text":"/start""#),
        b"{\"update_id\":500,\"from\":7,\"text\":\"\0 never ends".to_vec(),
        b"\xff\xfe\x00".to_vec(),
        rig.update(7, r#""new_kind_of_update":{}"#),
        rig.update(7, r#""name":"A\u0000na","text":"/help""#),
        rig.update(7, r#""text":"nul \u0000 in it""#),
    ];
    rig.accept(batch).await.unwrap();
    rig.all_done().await;
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM inbox").await, 6, "every one is kept");
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM inbox WHERE outcome = 'handled'").await, 3);
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM inbox WHERE outcome = 'ignored'").await, 3);
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM dead_letters").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_24_large_ids_work_everywhere() {
    let rig = Rig::new(|_| {}).await;
    rig.start_way_with_pool().await;
    for user in [(1_i64 << 31) + 5, (1 << 52) + 5, i64::MAX - 5] {
        rig.says(user, "/trial").await;
        let offer = offer(&rig, UserId(user), 1).await;
        rig.presses(user, &format!("1ok:{offer}"), 3).await;
        until("it is under way", async || rig.messenger.to(UserId(user)).len() == 2).await;
        assert!(matches!(rig.messenger.screens(UserId(user))[1], Screen::Preparing { .. }));
        let rows = format!("SELECT count(*) AS n FROM services WHERE user_id = {user}");
        assert_eq!(rig.db.number(&rows).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_user_is_registered_by_whatever_they_do_first() {
    let rig = Rig::new(|_| {}).await;
    rig.start_way().await;
    let first = rig.update(7, r#""name":"Ana","username":"ana","lang":"en-GB","text":"/start FRIEND""#);
    rig.accept(vec![first, rig.update(8, r#""kind":"photo","lang":"fr""#)]).await.unwrap();
    rig.all_done().await;
    let row = "SELECT first_name || '/' || username || '/' || language || '/' || tz || '/' || referral AS t FROM users WHERE id = 7";
    assert_eq!(rig.db.text(row).await, "Ana/ana/en/America/Havana/FRIEND");
    assert_eq!(rig.db.text("SELECT language AS t FROM users WHERE id = 8").await, "es");
    // A new name is kept, the chosen language stays.
    rig.accept(vec![rig.update(7, r#""name":"Ana María","lang":"es","text":"/start LATER""#)]).await.unwrap();
    rig.all_done().await;
    assert_eq!(
        rig.db.text("SELECT first_name || language || referral AS t FROM users WHERE id = 7").await,
        "Ana MaríaenFRIEND"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_25_what_needs_a_permission_is_refused_to_everyone_else() {
    let rig = Rig::new(|_| {}).await;
    rig.start_way().await;
    rig.says(ANA.0, "/deadletters").await;
    rig.says(crate::rig::ADMIN.0, "/deadletters").await;
    until("both are answered", async || rig.messenger.count() == 2).await;
    assert_eq!(rig.messenger.screens(ANA), [Screen::NotAllowed]);
    assert_eq!(rig.messenger.screens(crate::rig::ADMIN), [Screen::DeadLetters { page: 0 }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_dead_letter_is_handled_again() {
    let rig = Rig::new(|limits| limits.quarantine = std::time::Duration::from_millis(50)).await;
    rig.start_way().await;
    rig.says(ANA.0, "PANIC").await;
    rig.becomes("SELECT count(*) AS n FROM dead_letters", 1).await;
    // By now the program has learned to read it.
    rig.db.execute(r#"UPDATE dead_letters SET raw = '{"from":7,"text":"/help"}'"#).await;
    let id = rig.db.number("SELECT id AS n FROM dead_letters").await;
    rig.presses(crate::rig::ADMIN.0, &format!("1again:{id}"), 3).await;
    until("it is answered", async || rig.messenger.screens(ANA).contains(&Screen::Help)).await;
    rig.all_done().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_14_a_database_that_hangs_up_costs_no_update_and_doubles_no_answer() {
    let rig = Rig::new(|_| {}).await;
    rig.start_way().await;
    rig.says(1, "/start").await;
    rig.all_done().await;
    let hang_up = "SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for round in 0..6 {
        for user in 1..=20 {
            let update = rig.update(user, r#""text":"/help""#);
            // As a webhook: again until it is taken.
            until("it is taken", async || rig.accept(vec![update.clone()]).await.is_ok()).await;
            if user == 10 && round % 2 == 0 {
                rig.db.number(hang_up).await;
            }
        }
    }
    rig.all_done().await;
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM inbox WHERE outcome = 'handled'").await, 121);
    let answers = "SELECT count(*) AS n FROM outbox";
    assert_eq!(rig.db.number(answers).await, 121);
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM dead_letters").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_press_that_changes_nothing_is_answered_all_the_same() {
    let rig = Rig::new(|_| {}).await;
    rig.start_way().await;
    rig.presses(ANA.0, "1-", 3).await;
    rig.presses(ANA.0, "0old", 3).await;
    until("both are answered", async || rig.messenger.count() == 2).await;
    let answers = rig.messenger.to(ANA);
    assert!(answers.iter().all(|answer| answer.content.callback_id.is_some()), "{answers:?}");
    assert!(answers[0].content.body.is_none());
    assert!(matches!(answers[1].content.body, Some(Body::Screen { screen: Screen::OldButton, .. })));
}
