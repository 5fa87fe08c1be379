#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::supervision::Fault;
use crate::system::System;
use crate::testing::system::{World, all_run};
use crate::testing::until;
use usipipo_domain::ids::UserId;
use usipipo_domain::outgoing::{Body, Outgoing, Place, Priority};
use usipipo_domain::screen::Screen;
use usipipo_storage::StoreError;

fn epoch(system: &System) -> Option<Epoch> {
    match system.role() {
        Role::Leader(epoch) => Some(epoch),
        _ => None,
    }
}

async fn leads(system: &System) -> Epoch {
    until("it leads", async || epoch(system).is_some()).await;
    epoch(system).unwrap()
}

async fn stands_by(system: &System) {
    until("it stands by", async || system.role() == Role::Standby).await;
}

async fn duty_restarts(system: &System) -> Option<u64> {
    system.tree().await.find(DUTY).map(|duty| duty.restarts)
}

/// When the lease ends, in microseconds of the server's clock.
async fn lease_ends(world: &World) -> i64 {
    world.database.number("SELECT (extract(epoch FROM expires_at) * 1000000)::bigint AS n FROM leader_lease").await
}

fn hello() -> Outgoing {
    Outgoing::new(Body::Screen { screen: Screen::Help, place: Place::New })
}

#[tokio::test]
async fn fault_33_a_second_process_stands_by_and_takes_over_when_the_first_is_killed() {
    let world = World::new().await;
    let first = world.lead().await;
    let second = world.start().await;
    stands_by(&second).await;
    assert!(second.tree().await.find(DUTY).is_none(), "a standby does none of the leader's work");
    let users: Vec<_> = (100..140).map(UserId).collect();
    for user in &users {
        world.greet(*user).await;
    }

    // What Telegram took is marked: a message between the two would rightly be sent again.
    until("every answer is marked as sent", async || world.unsent().await == 0).await;

    let old = epoch(&first).unwrap();
    let killed = Instant::now();
    first.crash().await;
    let new = leads(&second).await;
    assert!(new > old);
    assert!(killed.elapsed() < world.limits.lease_ttl + world.limits.lease_renew + Duration::from_secs(3));
    all_run(&second).await;
    world.greet(UserId(500)).await;
    world.all_handled().await;
    for user in &users {
        assert_eq!(world.homes(*user), 1, "nothing is handled twice");
    }
    second.stop(std::future::pending()).await;
}

#[tokio::test]
async fn fault_33_a_standby_takes_webhooks_and_the_leader_handles_them_once() {
    let mut world = World::new().await;
    world.polls = false;
    let first = world.lead().await;
    let second = world.start().await;
    stands_by(&second).await;
    let users: Vec<_> = (100..120).map(UserId).collect();
    for user in &users {
        let (_, raw) = world.text(*user, "/start");
        // Telegram sends an update again when it is not sure; here to the other process.
        second.accept(vec![raw.clone()]).await.unwrap();
        first.accept(vec![raw]).await.unwrap();
    }
    for user in &users {
        until("the user is answered", async || world.homes(*user) > 0).await;
    }
    world.all_handled().await;
    assert!(users.iter().all(|user| world.homes(*user) == 1));
}

#[tokio::test]
async fn fault_33_writes_of_an_epoch_that_is_over_are_refused_and_its_work_ends() {
    let world = World::new().await;
    let first = world.lead().await;
    let old = epoch(&first).unwrap();
    // Another process takes the lead while the first believes in its lease: as after a pause of the whole machine.
    world.database.execute("UPDATE leader_lease SET expires_at = '-infinity'").await;
    let other = world.database.store();
    let new = other.try_lead("other", Duration::from_secs(60)).await.unwrap().unwrap();
    let stale =
        first.env().store.enqueue(old, UserId(7), Priority::Reply, &hello(), None, first.env().clock.now()).await;
    assert!(matches!(stale, Err(StoreError::NotLeader)));
    stands_by(&first).await;
    until("its work has ended", async || first.tree().await.find(DUTY).is_none()).await;
    let fresh = other.enqueue(new, UserId(7), Priority::Reply, &hello(), None, first.env().clock.now()).await;
    assert!(fresh.unwrap().is_some());
    // Left alone, it leads again.
    other.release_lead("other", new).await.unwrap();
    assert!(leads(&first).await > new);
    all_run(&first).await;
    until("what waits is sent", async || !world.messenger.to(UserId(7)).is_empty()).await;
}

#[tokio::test]
async fn fault_33_a_standby_takes_over_at_once_from_a_process_that_is_known_to_be_dead() {
    let mut world = World::new().await;
    world.limits.lease_ttl = Duration::from_secs(3_600);
    let first = world.lead().await;
    let second = world.start().await;
    stands_by(&second).await;
    // It leads in this epoch and no other; a dead one with another name is not it.
    let old = epoch(&first).unwrap();
    world.deaths.report("process 2");
    looks_twice(&world).await;
    assert_eq!((epoch(&first), second.role()), (Some(old), Role::Standby));

    first.crash().await;
    looks_twice(&world).await;
    assert_eq!(second.role(), Role::Standby, "nobody knows that it is dead");
    world.deaths.report("process 1");
    assert!(leads(&second).await > old);
    all_run(&second).await;
    world.greet(UserId(100)).await;

    // So does the next one at its start, and two at once do not both.
    second.crash().await;
    let (third, fourth) = tokio::join!(world.start(), world.start());
    let leading = || [&third, &fourth].into_iter().filter(|system| epoch(system).is_some()).count();
    let standing = || [&third, &fourth].into_iter().filter(|system| system.role() == Role::Standby).count();
    until("one leads, one stands by", async || leading() == 1 && standing() == 1).await;
    looks_twice(&world).await;
    assert_eq!((leading(), standing()), (1, 1));
    world.greet(UserId(200)).await;
}

/// Waits until standbys have looked at who holds the lease, from now on.
async fn looks_twice(world: &World) {
    let looks = world.deaths.looks();
    until("a standby looks twice", async || world.deaths.looks() >= looks + 2).await;
}

#[tokio::test]
async fn a_lease_that_is_given_back_is_taken_at_once() {
    let mut world = World::new().await;
    world.limits.lease_ttl = Duration::from_secs(3_600);
    let first = world.lead().await;
    let second = world.start().await;
    stands_by(&second).await;
    first.stop(std::future::pending()).await;
    assert_eq!(first.role(), Role::Stopping);
    leads(&second).await;
    // In a hurry as well.
    let third = world.start().await;
    stands_by(&third).await;
    second.stop(std::future::ready(())).await;
    leads(&third).await;
}

#[tokio::test]
async fn a_short_absence_of_the_database_ends_no_work() {
    let mut world = World::new().await;
    world.limits.lease_ttl = Duration::from_secs(30);
    let first = world.lead().await;
    let before = epoch(&first);
    let mut roles = first.role_changes();
    roles.mark_unchanged();
    for _ in 0..5 {
        world.database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").await;
        let before = lease_ends(&world).await;
        until("it is renewed", async || lease_ends(&world).await > before).await;
    }
    world.greet(UserId(100)).await;
    assert_eq!(epoch(&first), before);
    assert!(!roles.has_changed().unwrap());
    assert_eq!(duty_restarts(&first).await, Some(0));
}

#[tokio::test]
async fn a_crash_of_the_leader_actor_neither_ends_the_work_nor_doubles_it() {
    let world = World::new().await;
    let first = world.lead().await;
    let before = epoch(&first);
    let duty = |tree: &crate::supervision::TreeNode| {
        tree.children
            .iter()
            .filter(|child| child.name == DUTY)
            .map(|duty| (duty.restarts, duty.children.len()))
            .collect::<Vec<_>>()
    };
    let whole = duty(&first.tree().await);
    for fault in [Fault::Panic, Fault::Error, Fault::Start] {
        first.env().directory.faults.plan("leader", fault);
        if fault == Fault::Start {
            assert!(first.kill("leader").await);
        }
        until("it has struck", async || first.env().directory.faults.all_struck()).await;
        all_run(&first).await;
    }
    assert_eq!(first.tree().await.find("leader").unwrap().restarts, 4);
    assert_eq!(duty(&first.tree().await), whole);
    assert_eq!(epoch(&first), before);
    // It still renews: the lease does not run out.
    let twice = i64::try_from(world.limits.lease_ttl.as_micros()).unwrap() * 2;
    let enough = lease_ends(&world).await + twice;
    until("it has lasted for twice its time", async || {
        assert_eq!(epoch(&first), before);
        lease_ends(&world).await > enough
    })
    .await;
}

#[tokio::test]
async fn a_leader_actor_that_crashed_with_a_lost_lease_ends_the_work() {
    let world = World::new().await;
    let first = world.lead().await;
    world
        .database
        .execute("UPDATE leader_lease SET epoch = epoch + 1, holder = 'other', expires_at = 'infinity'")
        .await;
    assert!(first.kill("leader").await);
    stands_by(&first).await;
    until("its work has ended", async || first.tree().await.find(DUTY).is_none()).await;
    assert!(first.tree().await.find("leader").is_some());
}
