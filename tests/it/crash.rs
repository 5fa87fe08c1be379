//! Crash tests that count: the process is killed before and after each commit and each call of a trial's way, and whatever
//! the point, there is one service, one lease, one key and at most one message too many.

use crate::support::until;
use crate::support::world::World;
use std::collections::BTreeMap;

/// Worlds at the same time.
const AT_ONCE: usize = 6;

/// What goes on all the time and has nothing to do with this user.
fn is_background(name: &str) -> bool {
    [
        "look_lead",
        "try_lead",
        "renew_lead",
        "release_lead",
        "record_health",
        "record_usage",
        "getUpdates",
        "getMe",
        "deleteWebhook",
        "setMy",
        "tidy",
        "release_quarantined",
        "expire_due",
        "tell_waiting",
        "ensure_node",
        "raise",
        "resolve",
    ]
    .iter()
    .any(|background| name.starts_with(background))
}

/// From /start to the config; survives the program's death in the middle.
async fn journey(world: &World, env: &[(&str, &str)]) -> bool {
    let mut launch = world.launch.clone();
    for (name, value) in env {
        launch = launch.with(name, value);
    }
    let mut program = launch.spawn();
    let ana = world.person_speaking(1001, "Ana", "en").await;
    let mut died = false;
    ana.send("/start").await;
    let mut asked = false;
    let mut pressed = false;
    until("the config arrives", async || {
        if program.try_ended().is_some() {
            died = true;
            program = world.launch.spawn();
        }
        let messages = ana.messages().await;
        let has = |words: &str| messages.iter().any(|m| m["text"].as_str().is_some_and(|text| text.contains(words)));
        if !asked && has("Hello") {
            asked = true;
            ana.send("/trial").await;
        }
        if !pressed && has("free trial") {
            pressed = true;
            ana.press_accept().await;
        }
        let ready = has("Done.") || has("Your file is ready");
        (ready && messages.iter().any(|m| m["document"].is_object())).then_some(())
    })
    .await;
    // Whatever is still to come must have come before we count; the program may also die only now.
    until("nothing is left to do", async || {
        if program.try_ended().is_some() {
            died = true;
            program = world.launch.spawn();
        }
        let left = "SELECT (SELECT count(*) FROM inbox WHERE done_at IS NULL) + \
                    (SELECT count(*) FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL) AS n";
        (world.database.number(left).await == 0).then_some(())
    })
    .await;
    died
}

async fn check(world: &World, died: bool, point: &str) {
    for (what, sql) in [
        ("services", "SELECT count(*) AS n FROM services"),
        ("active services", "SELECT count(*) AS n FROM services WHERE status = 'active'"),
        ("leases", "SELECT count(*) AS n FROM leases"),
        ("keys", "SELECT count(*) AS n FROM peers WHERE applied"),
        ("trials", "SELECT count(*) AS n FROM trials"),
    ] {
        assert_eq!(world.database.number(sql).await, 1, "{what}, killed {point}");
    }
    let messages = world.person_speaking(1001, "Ana", "en").await.messages().await;
    let documents = messages.iter().filter(|m| m["document"].is_object()).count();
    let hellos = messages.iter().filter(|m| m["text"].as_str().is_some_and(|text| text.contains("Hello"))).count();
    let allowed = 1 + usize::from(died);
    assert!((1..=allowed).contains(&documents), "{documents} documents, killed {point}");
    assert!((1..=allowed).contains(&hellos), "{hellos} greetings, killed {point}");
}

/// The points of an undisturbed journey, by name with how often each came.
async fn points() -> BTreeMap<String, u32> {
    let world = World::new().await;
    let log = world.directory.path().join("points");
    assert!(!journey(&world, &[("USIPIPO_CRASH_LOG", log.to_str().unwrap())]).await);
    check(&world, false, "never").await;
    let mut counts = BTreeMap::new();
    for line in std::fs::read_to_string(&log).unwrap().lines() {
        let name = line.split(' ').nth(2).unwrap();
        if !is_background(name) {
            *counts.entry(name.to_owned()).or_insert(0) += 1;
        }
    }
    counts
}

#[tokio::test]
async fn fault_02_a_trial_survives_a_kill_at_every_commit_and_call() {
    let points = points().await;
    for must in ["commit_steps", "sendMessage", "sendDocument", "peers_applied", "store_updates"] {
        assert!(points.contains_key(must), "{must} is no point: {points:?}");
    }
    let mut killed = 0;
    let mut plans: Vec<String> = Vec::new();
    for (name, count) in &points {
        plans.extend((1..=*count).flat_map(|nth| ["before", "after"].map(|side| format!("{name}#{nth}:{side}"))));
    }
    // Most of the time goes into waiting for starts and answers, so several worlds live side by side.
    let worlds = tokio::task::LocalSet::new();
    worlds
        .run_until(async {
            let mut running = tokio::task::JoinSet::new();
            let mut plans = plans.into_iter();
            loop {
                while running.len() < AT_ONCE
                    && let Some(at) = plans.next()
                {
                    running.spawn_local(async move {
                        let world = World::new().await;
                        let died = journey(&world, &[("USIPIPO_CRASH_AT", &at)]).await;
                        check(&world, died, &at).await;
                        eprintln!("{} at {at}", if died { "killed" } else { "not reached" });
                        died
                    });
                }
                match running.join_next().await {
                    Some(died) => killed += u32::from(died.unwrap()),
                    None => break,
                }
            }
        })
        .await;
    let tried: u32 = points.values().sum::<u32>() * 2;
    eprintln!("killed at {killed} of {tried} points: {points:?}");
    assert!(killed * 10 >= tried * 8, "only {killed} of {tried} points were reached");
}
