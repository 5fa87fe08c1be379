#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::super::fixture::{ANA, BEA, World, at, bodies, days, hello};
use crate::model::{NewUpdate, SendFailure, SentMessage};
use chrono::TimeDelta;
use std::collections::HashSet;
use std::time::{Duration, Instant};
use usipipo_domain::dialogue::{Act, Effect};
use usipipo_domain::ids::BotId;
use usipipo_domain::lifecycle::GRACE;
use usipipo_domain::outgoing::{Body, Place, Priority};
use usipipo_domain::screen::Screen;
use usipipo_domain::service::{ServiceStatus, SuspendReason};

#[tokio::test]
async fn a_trial_ends_at_its_second_and_its_owner_is_told_once() {
    let world = World::new().await;
    let (store, epoch) = (&world.store, world.epoch);
    assert_eq!(store.next_sweep(GRACE).await.unwrap(), None);
    let (service, _) = world.active(ANA, 2).await;
    world.pending(BEA, 3).await;
    let end = at(0) + days(7);
    assert_eq!(store.next_sweep(GRACE).await.unwrap(), Some(end - days(4)));

    let early = store.expire_due(epoch, end - TimeDelta::microseconds(1), 10).await.unwrap();
    assert!(early.services.is_empty() && early.messages.is_empty() && early.wake.is_empty());
    let swept = store.expire_due(epoch, end, 10).await.unwrap();
    assert_eq!((swept.services, swept.wake), (vec![service], vec![world.node.node]));
    assert_eq!(bodies(&swept.messages), [Body::Ended { service }]);
    assert_eq!((swept.messages[0].chat, swept.messages[0].priority), (ANA, Priority::Notice));
    let card = store.card(ANA, service).await.unwrap().unwrap();
    assert_eq!((card.status, card.reasons), (ServiceStatus::Suspended, vec![SuspendReason::Expiry]));
    assert!(card.lease.is_some(), "a renewal brings back the same address");

    let again = store.expire_due(epoch, end, 10).await.unwrap();
    assert!(again.services.is_empty() && again.messages.is_empty());
    assert_eq!(store.next_sweep(GRACE).await.unwrap(), Some(end + GRACE));
    let audited = "SELECT count(*) AS n FROM audit WHERE action = 'service.suspend' AND user_id IS NULL";
    assert_eq!(world.db.number(audited).await, 1);
}

#[tokio::test]
async fn fault_13_the_end_of_one_period_is_told_once_even_when_it_comes_twice() {
    let world = World::new().await;
    let (service, _) = world.active(ANA, 2).await;
    let end = at(0) + days(7);
    assert_eq!(world.store.expire_due(world.epoch, end, 10).await.unwrap().messages.len(), 1);
    // The clock jumps back, and somebody makes it active again with the same end.
    let again = format!("UPDATE services SET status = 'active', reasons = '{{}}' WHERE id = {service}");
    world.db.execute(&again).await;
    let swept = world.store.expire_due(world.epoch, end, 10).await.unwrap();
    assert_eq!((swept.services.len(), swept.messages.len()), (1, 0));
    // Another period is told again.
    world.db.execute(&format!("{again}; UPDATE services SET ends_at = ends_at + make_interval(hours => 1)")).await;
    let swept = world.store.expire_due(world.epoch, end + TimeDelta::hours(1), 10).await.unwrap();
    assert_eq!((swept.services.len(), swept.messages.len()), (1, 1));
}

#[tokio::test]
async fn fault_12_ten_thousand_services_end_at_once_and_every_owner_is_told() {
    const SERVICES: u32 = 10_000;
    const BATCH: usize = 500;
    let world = World::new().await;
    world.many(SERVICES).await;
    let now = at(i64::from(SERVICES) + 1);
    let started = Instant::now();
    let (mut told, mut ended, mut batches) = (HashSet::new(), 0, 0);
    loop {
        let swept = world.store.expire_due(world.epoch, now, BATCH).await.unwrap();
        assert!(swept.services.len() <= BATCH);
        ended += swept.services.len();
        for message in &swept.messages {
            assert!(told.insert(message.chat), "told twice: {}", message.chat);
        }
        if swept.services.is_empty() {
            break;
        }
        batches += 1;
    }
    let took = started.elapsed();
    eprintln!("{ended} services suspended in {batches} batches: {took:?}");
    assert_eq!((ended, told.len()), (SERVICES as usize, SERVICES as usize));
    assert_eq!(world.db.number("SELECT count(*) AS n FROM services WHERE status = 'active'").await, 0);
    assert_eq!(
        world.db.number("SELECT count(*) AS n FROM outbox WHERE sent_at IS NULL AND priority = 2").await,
        10_000
    );
    assert_eq!(world.db.number("SELECT count(*) AS n FROM audit WHERE action = 'service.suspend'").await, 10_000);
    assert!(took < Duration::from_secs(30), "{took:?}");
    // The peers are the node's work now, in batches too.
    let sizes = "SELECT count(*) AS n FROM peers p JOIN services s ON s.id = p.service_id WHERE p.applied AND s.status <> 'active'";
    assert_eq!(world.db.number(sizes).await, 10_000);
}

#[tokio::test]
async fn two_sweeps_at_once_share_the_work() {
    let world = World::new().await;
    world.many(300).await;
    let other = world.db.store();
    let mut told = HashSet::new();
    for _ in 0..6 {
        let (one, two) =
            tokio::join!(world.store.expire_due(world.epoch, at(999), 40), other.expire_due(world.epoch, at(999), 40));
        for message in one.unwrap().messages.into_iter().chain(two.unwrap().messages) {
            assert!(told.insert(message.chat));
        }
    }
    let rest = world.store.expire_due(world.epoch, at(999), 1000).await.unwrap();
    assert_eq!(told.len() + rest.messages.len(), 300);
}

#[tokio::test]
async fn those_that_ended_first_are_suspended_first_and_blockers_are_not_written_to() {
    let world = World::new().await;
    world.many(10).await;
    world.db.execute("UPDATE users SET blocked_at = created_at WHERE id = 1001").await;
    let swept = world.store.expire_due(world.epoch, at(999), 3).await.unwrap();
    assert_eq!(swept.services.iter().map(|service| service.0).collect::<Vec<_>>(), [1000, 1001, 1002]);
    assert_eq!(swept.messages.iter().map(|message| message.chat.0).collect::<Vec<_>>(), [1000, 1002]);
}

#[tokio::test]
async fn fault_08_an_owner_whose_server_takes_longer_is_told_once() {
    let world = World::new().await;
    let (service, peer) = world.pending(ANA, 2).await;
    let (store, epoch) = (&world.store, world.epoch);
    assert!(store.tell_waiting(epoch, at(0), at(10), 10).await.unwrap().is_empty(), "not older than that");
    let told = store.tell_waiting(epoch, at(1), at(11), 10).await.unwrap();
    let waiting = Body::Screen { screen: Screen::Waiting { service }, place: Place::Progress };
    assert_eq!(bodies(&told), [waiting]);
    assert!(store.tell_waiting(epoch, at(1), at(12), 10).await.unwrap().is_empty());
    let messages = store.peers_applied(epoch, world.node.node, &[peer.id], at(600)).await.unwrap();
    assert_eq!(messages.len(), 2, "ready and the file follow on recovery");
    assert!(store.tell_waiting(epoch, at(900), at(900), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn fault_08_an_owner_whose_new_key_waits_for_its_server_is_told_once_and_told_when_it_works() {
    let world = World::new().await;
    let (store, epoch) = (&world.store, world.epoch);
    let (service, old) = world.active(ANA, 2).await;
    let rotated = async |host, now| {
        let asked = world.act(ANA, Act::Do(Effect::OfferRotate(service)), now).await;
        let Some(Body::Screen { screen: Screen::AskRotate { offer, .. }, .. }) = asked.first() else {
            panic!("{asked:?}")
        };
        let accept = Act::Do(Effect::Accept { offer: *offer, own_key: None, node: None });
        let keys = crate::testing::prepared(&world.node, host);
        world.db.act(store, epoch, ANA, accept, |step| step.prepared = Some(keys), now).await.unwrap();
    };
    rotated(9, at(100)).await;
    assert!(store.tell_waiting(epoch, at(100), at(120), 10).await.unwrap().is_empty(), "not older than that");
    let waiting = Body::Screen { screen: Screen::Waiting { service }, place: Place::Progress };
    let told = store.tell_waiting(epoch, at(101), at(121), 10).await.unwrap();
    assert_eq!((bodies(&told), told[0].chat), (vec![waiting.clone()], ANA));
    assert!(store.tell_waiting(epoch, at(101), at(122), 10).await.unwrap().is_empty());
    // Another new key is another wait.
    rotated(10, at(200)).await;
    assert_eq!(bodies(&store.tell_waiting(epoch, at(201), at(222), 10).await.unwrap()), [waiting]);

    let new = world.peer(service).await;
    assert_ne!(new.id, old.id);
    let messages = store.peers_applied(epoch, world.node.node, &[new.id], at(600)).await.unwrap();
    assert_eq!(messages.len(), 2, "ready and the file follow on recovery");
    assert!(store.tell_waiting(epoch, at(900), at(900), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_new_key_of_a_service_that_ended_meanwhile_is_no_wait() {
    let world = World::new().await;
    world.active(ANA, 2).await;
    world
        .db
        .execute("UPDATE peers SET told_at = NULL; UPDATE services SET status = 'suspended', reasons = ARRAY['quota']")
        .await;
    assert!(world.store.tell_waiting(world.epoch, at(900), at(900), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn content_is_emptied_first_and_rows_are_deleted_later() {
    let world = World::new().await;
    let (store, epoch) = (&world.store, world.epoch);
    let update = |id: i64| NewUpdate { update_id: Some(id), user: Some(ANA), lane: "session", raw: b"secret".to_vec() };
    let mut seqs = Vec::new();
    for (id, day) in [(1, 0), (2, 10), (3, 20), (4, 20)] {
        let rows = store.store_updates(BotId(1), vec![update(id)], false, at(0) + days(day)).await.unwrap();
        seqs.push(rows[0].seq);
        if id < 4 {
            store.finish(epoch, &[rows[0].seq], false, at(0) + days(day)).await.unwrap();
        }
    }
    store.bury(epoch, seqs[3], "boom", false, &[], at(0) + days(20)).await.unwrap();
    let old = store.enqueue(epoch, ANA, Priority::Notice, &hello(1), None, at(0)).await.unwrap().unwrap();
    let failed = store.enqueue(epoch, ANA, Priority::Notice, &hello(2), None, at(0)).await.unwrap().unwrap();
    store.enqueue(epoch, ANA, Priority::Notice, &hello(3), None, at(0)).await.unwrap().unwrap();
    let sent = SentMessage { id: old.id, chat: ANA, shown: None };
    store.mark_sent(epoch, &[sent], at(1)).await.unwrap();
    let failure = SendFailure::Failed { error: "no".to_owned(), blocked: false };
    store.mark_failure(epoch, failed.id, &failure, at(1)).await.unwrap();

    // On day 21: contents older than 5 days go, rows older than 15.
    let (scrub, delete) = (at(0) + days(16), at(0) + days(6));
    let mut touched = Vec::new();
    loop {
        let rows = store.tidy(epoch, scrub, delete, 1).await.unwrap();
        if rows == 0 {
            break;
        }
        touched.push(rows);
    }
    assert_eq!(touched.iter().sum::<u64>(), 2 + 1 + 2, "two emptied, one of them deleted, and two messages");
    let rows = "SELECT string_agg(update_id || ':' || length(raw), ' ' ORDER BY seq) AS t FROM inbox";
    assert_eq!(world.db.text(rows).await, "2:0 3:6 4:6");
    assert_eq!(world.db.number("SELECT count(*) AS n FROM dead_letters WHERE raw <> ''").await, 1);
    assert_eq!(
        world.db.text("SELECT string_agg(content::text, ' ') AS t FROM outbox").await.matches("service").count(),
        1
    );

    let later = at(0) + days(30);
    while store.tidy(epoch, later, at(0) + days(6), 10).await.unwrap() > 0 {}
    assert_eq!(world.db.number("SELECT count(*) AS n FROM dead_letters WHERE raw = ''").await, 1);
    while store.tidy(epoch, later, later, 10).await.unwrap() > 0 {}
    assert_eq!(world.db.number("SELECT count(*) AS n FROM dead_letters").await, 0);
    assert_eq!(world.db.number("SELECT count(*) AS n FROM inbox").await, 0);
    assert_eq!(world.db.number("SELECT count(*) AS n FROM outbox").await, 1, "what waits to be sent stays");
}

#[tokio::test]
async fn undone_updates_keep_their_content_and_old_offers_go() {
    let world = World::new().await;
    let seq = world.db.seed_update(&world.store, 7, ANA, at(0)).await;
    world.db.seed_trial_offer(&world.store, world.epoch, BEA, at(0)).await;
    let later = at(0) + days(300);
    while world.store.tidy(world.epoch, later, later, 10).await.unwrap() > 0 {}
    assert_eq!(world.db.number(&format!("SELECT count(*) AS n FROM inbox WHERE raw <> '' AND seq = {seq}")).await, 1);
    assert_eq!(world.db.number("SELECT count(*) AS n FROM inbox").await, 1);
    assert_eq!(world.db.number("SELECT count(*) AS n FROM offers").await, 0);
}

#[tokio::test]
async fn an_emptied_dead_letter_is_not_put_back() {
    let world = World::new().await;
    let seq = world.db.seed_update(&world.store, 7, ANA, at(0)).await;
    world.store.bury(world.epoch, seq, "boom", false, &[], at(0)).await.unwrap();
    let id = world.store.dead_letters(0, 8).await.unwrap().rows[0].id;
    while world.store.tidy(world.epoch, at(9), at(-9), 10).await.unwrap() > 0 {}
    let shown = world.act(ANA, Act::Do(Effect::Replay(id)), at(10)).await;
    let list = Body::Screen { screen: Screen::DeadLetters { page: 0 }, place: Place::New };
    assert_eq!(shown, [list]);
    assert!(world.store.dead_letter(id).await.unwrap().unwrap().replayed_at.is_none());
}

#[tokio::test]
async fn days_go_after_ninety_and_services_without_a_period_get_theirs() {
    let world = World::new().await;
    let (store, epoch) = (&world.store, world.epoch);
    world.many(3).await;
    world.db.execute("UPDATE services SET status = 'suspended', reasons = '{quota}' WHERE id = 1001").await;
    let today = at(0);
    for age in [0, 90, 91, 120] {
        let day = (today - days(age)).date_naive();
        world
            .db
            .execute(&format!("INSERT INTO usage_days (service_id, day, up) SELECT id, '{day}', 5 FROM services"))
            .await;
    }
    let mut touched = Vec::new();
    loop {
        let rows = store.tidy_services(epoch, today, 2).await.unwrap();
        if rows == 0 {
            break;
        }
        touched.push(rows);
    }
    assert_eq!(touched.iter().sum::<u64>(), 6 + 3, "{touched:?}");
    assert!(touched.iter().all(|rows| *rows <= 4), "{touched:?}");
    assert_eq!(world.db.number("SELECT count(*) AS n FROM usage_days").await, 6);
    let begun = "SELECT count(*) AS n FROM services WHERE period_at = activated_at AND remind_at = activated_at";
    assert_eq!(world.db.number(begun).await, 3);
}
