#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod faults;

use super::*;
use crate::alerts::AlertsMsg;
use crate::node::NodeMsg;
use crate::supervision::Fault;
use crate::testing::system::{NODE, RunningClock, World, all_run, node_spec};
use crate::testing::until;
use chrono::TimeDelta;
use serde_json::json;
use usipipo_domain::ids::UserId;
use usipipo_domain::service::Product;
use usipipo_storage::model::KeyStanding;

/// Every actor of a system that leads and polls.
fn paths() -> Vec<String> {
    let names = [
        "alerts",
        "outbox",
        "pool/miami/trial",
        "pool/miami/paid",
        "node/miami",
        "key_node/outline-1",
        "key_node/telemt-1",
        "committer",
        "router",
        "payments",
        "membership",
        "sweeper",
        "stats",
        "poller",
    ];
    let duty = names.iter().map(|name| format!("duty/{name}"));
    ["inbox", "leader", "duty"].iter().map(|name| (*name).to_owned()).chain(duty).collect()
}

/// Gives every actor something to do.
fn stir(world: &World, system: &System, number: i64) {
    let directory = &system.env().directory;
    world.say(UserId(7_000 + number), "/start");
    for fields in [json!({"blocked": number % 2 == 0}), json!({"checkout": "query"})] {
        let (id, raw) = world.update(UserId(8_000), fields);
        world.source.push(id, raw);
    }
    system.clock_moved();
    directory.alerts.tell(AlertsMsg::Resolve("nothing".to_owned()));
    for (_, node) in directory.all_nodes() {
        node.slot.tell(NodeMsg::Nudge);
    }
}

#[tokio::test]
async fn every_kind_of_actor_comes_back_after_a_kill() {
    let world = World::with_keys().await;
    let system = world.lead().await;
    for (number, path) in (100..).zip(paths()) {
        let before = restarts(&system, &path).await;
        assert!(system.kill(&path).await, "{path} is there");
        comes_back(&world, &system, &path, before, number).await;
    }
}

#[tokio::test]
async fn every_kind_of_actor_comes_back_after_a_panic() {
    each_comes_back_after(Fault::Panic, "panic").await;
}

#[tokio::test]
async fn every_kind_of_actor_comes_back_after_an_error() {
    each_comes_back_after(Fault::Error, "error").await;
}

#[tokio::test]
async fn every_kind_of_actor_comes_back_after_a_start_that_failed() {
    each_comes_back_after(Fault::Start, "start").await;
}

async fn each_comes_back_after(fault: Fault, cause: &str) {
    let world = World::with_keys().await;
    let system = world.lead().await;
    for (number, path) in (100..).zip(paths()) {
        let before = restarts(&system, &path).await;
        let name = path.strip_prefix("duty/").unwrap_or(&path);
        system.env().directory.faults.plan(name, fault);
        if fault == Fault::Start {
            assert!(system.kill(&path).await, "{path} is there");
        }
        let mut stirs = number * 100;
        until(&format!("{path} has failed"), async || {
            if stirs % 20 == 0 {
                stir(&world, &system, stirs);
            }
            stirs += 1;
            // For the supervisor.
            system.tree().await;
            system.env().directory.faults.all_struck()
        })
        .await;
        comes_back(&world, &system, &path, before, number).await;
        let tree = system.tree().await;
        assert!(tree.find(&path).unwrap().last_cause.as_ref().unwrap().starts_with(cause), "{path}");
    }
}

async fn restarts(system: &System, path: &str) -> u64 {
    system.tree().await.find(path).map_or(0, |node| node.restarts)
}

/// It works again, and with it the whole: somebody new is answered and gets a config.
async fn comes_back(world: &World, system: &System, path: &str, before: u64, number: i64) {
    until(&format!("{path} is counted as restarted"), async || restarts(system, path).await > before).await;
    all_run(system).await;
    let user = UserId(number);
    world.greet(user).await;
    let service = world.take_trial(user).await;
    let carried = world
        .database
        .number(&format!(
            "SELECT count(*) AS n FROM peers WHERE service_id = {service} AND applied AND retired_at IS NULL"
        ))
        .await;
    assert_eq!(carried, 1, "after {path}");
    for (product, node) in [(Product::Outline, "outline-1"), (Product::Mtproto, "telemt-1")] {
        let service = world.take_free(user, product).await;
        let key = "SELECT name AS t FROM access_keys WHERE applied = 'open' AND service_id =";
        let name = world.database.text(&format!("{key} {service}")).await;
        assert_eq!(world.keys_of(node).standing(&name), KeyStanding::Open, "after {path}");
    }
}

#[tokio::test]
async fn a_session_comes_back_after_a_kill_and_goes_on_in_the_middle_of_a_conversation() {
    let world = World::new().await;
    let system = world.lead().await;
    let user = UserId(100);
    world.greet(user).await;
    world.say(user, "/trial");
    let offer = world
        .shown("the offer", user, |screen| match screen {
            usipipo_domain::screen::Screen::TrialOffer { offer, .. } => Some(*offer),
            _ => None,
        })
        .await;
    assert!(system.kill("duty/router/*").await);
    world.press(user, &usipipo_domain::callback::Button::Accept { offer }, 1);
    world.config_sent(user).await;
}

#[tokio::test]
async fn a_system_is_ready_when_it_leads_and_all_work() {
    let world = World::new().await;
    let system = world.lead().await;
    let checks = system.readiness().await;
    let names: Vec<_> = checks.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names, ["database", "leadership", "inbox", "outbox", "router", "committer", "poller"]);
    assert!(checks.iter().all(|(_, ok, _)| *ok), "{checks:?}");
    let standby = world.start().await;
    until("it stands by", async || standby.role() == Role::Standby).await;
    let checks = standby.readiness().await;
    assert_eq!(checks.len(), 3);
    assert!(checks.iter().all(|(_, ok, _)| *ok), "{checks:?}");
}

#[tokio::test]
async fn a_system_starts_without_a_database_and_says_so() {
    let world = World::new().await;
    let away = Store::connect(
        &crate::model::StoreOptions { url: "postgres:///none?host=/nowhere".into(), ..world.database.options() },
        world.database.vault().clone(),
    );
    let system = System::start(SystemParts { store: away.unwrap(), ..world.parts() }).await.unwrap();
    let checks = system.readiness().await;
    assert_eq!(checks.iter().map(|(_, ok, _)| *ok).collect::<Vec<_>>(), [false, false, true]);
    let refused = system.accept(vec![world.text(UserId(1), "/start").1]).await;
    assert!(matches!(refused, Err(AcceptError::Store(StoreError::Unavailable(_)))), "{refused:?}");
    system.stop(std::future::pending()).await;
}

#[tokio::test]
async fn the_tree_shows_every_actor_and_sessions_by_state() {
    let world = World::with_keys().await;
    let system = world.lead().await;
    world.greet(UserId(100)).await;
    let tree = system.tree().await;
    for path in paths() {
        assert!(tree.find(&path).is_some(), "{path}");
    }
    let router = tree.find("duty/router").unwrap();
    assert!(router.queue.is_some());
    assert_eq!(router.more.iter().map(|(_, count)| count).sum::<u64>(), 1, "{:?}", router.more);
    assert!(!system.kill("duty/nobody").await);
}

#[tokio::test]
async fn a_stopped_system_has_finished_what_it_had_in_hand() {
    let world = World::new().await;
    let system = world.lead().await;
    for user in 100..200 {
        world.say(UserId(user), "/start");
    }
    until("it is in the middle of it", async || world.messenger.count() > 10).await;
    let begun = std::time::Instant::now();
    system.stop(std::future::pending()).await;
    assert!(begun.elapsed() < world.limits.stop_timeout, "nobody had to be killed");
    // Nothing is left halfway: every answer that was handed over is marked as sent.
    let sent = world.database.number("SELECT count(*) AS n FROM outbox WHERE sent_at IS NOT NULL").await;
    assert_eq!(sent, i64::try_from(world.messenger.count()).unwrap());
    let next = world.lead().await;
    world.all_handled().await;
    for user in 100..200 {
        until("everybody is answered", async || world.homes(UserId(user)) > 0).await;
        assert_eq!(world.homes(UserId(user)), 1);
    }
    next.stop(std::future::pending()).await;
}

#[tokio::test]
async fn a_core_actor_that_crashes_again_and_again_ends_the_system() {
    let mut world = World::new().await;
    world.limits.child_crashes_max = 3;
    let system = world.lead().await;
    for _ in 0..20 {
        system.env().directory.faults.plan("outbox", Fault::Start);
    }
    assert!(system.kill("duty/outbox").await);
    tokio::time::timeout(crate::testing::system::PATIENCE, system.ended()).await.expect("it ends");
    assert!(system.given_up.get().unwrap().starts_with("duty crashed too often"));
    // The lease is given back even so.
    system.stop(std::future::pending()).await;
    let next = world.lead().await;
    drop(next);
}

#[tokio::test]
async fn a_worker_that_crashes_again_and_again_rests_and_admins_are_told() {
    let mut world = World::new().await;
    world.limits.child_crashes_max = 3;
    let system = world.lead().await;
    for _ in 0..3 {
        system.env().directory.faults.plan("stats", Fault::Start);
    }
    assert!(system.kill("duty/stats").await);
    until("it rests", async || {
        system.tree().await.find("duty/stats").is_some_and(|stats| stats.state == ChildState::Resting)
    })
    .await;
    until("the alert is open", async || {
        let open = system.env().store.open_alerts().await.unwrap();
        open.iter().any(|alert| alert.kind.key() == "actor_quarantined/stats")
    })
    .await;
    world.greet(UserId(100)).await;
}

#[tokio::test]
async fn a_moved_clock_ends_trials_at_once() {
    let mut world = World::new().await;
    world.limits.sweep_every = Duration::from_secs(3_600);
    let system = world.lead().await;
    world.take_trial(UserId(100)).await;
    assert_eq!(world.driver.on_it().len(), 1);
    RunningClock::advance(&world.clock, TimeDelta::days(8));
    system.clock_moved();
    until("the peer is gone", async || world.driver.on_it().is_empty()).await;
}

#[tokio::test]
async fn dead_letters_are_counted_and_their_users_told() {
    let world = World::new().await;
    let system = world.lead().await;
    world.say(UserId(100), "PANIC");
    until("it is given up", async || world.database.number("SELECT count(*) AS n FROM dead_letters").await == 1).await;
    world
        .shown("an apology", UserId(100), |screen| {
            matches!(screen, usipipo_domain::screen::Screen::Apology { .. }).then_some(())
        })
        .await;
    assert_eq!(system.env().store.system_stats(system.env().clock.now()).await.unwrap().dead_letters, 1);
    world.greet(UserId(101)).await;
}

#[test]
fn the_server_of_a_world_is_named_as_tests_name_it() {
    assert_eq!(node_spec().name, NODE);
}
