//! A second process beside the first, or after it.

use crate::support::program::{Launch, free_port};
use crate::support::world::{Person, World};
use std::time::{Duration, Instant};
use usipipo_actors::limits::Limits;

/// Another process on the same database, with the same master keys.
fn beside(world: &World) -> Launch {
    let mut launch = world.launch.clone();
    launch.data_dir = world.directory.path().join("second");
    launch.http.set_port(free_port());
    launch.metrics.set_port(free_port());
    std::fs::create_dir_all(&launch.data_dir).unwrap();
    std::fs::copy(world.launch.data_dir.join("master.keys"), launch.data_dir.join("master.keys")).unwrap();
    launch
}

/// Whoever leads from now on has not waited for the lease to run out.
async fn never_over(world: &World) {
    world.database.execute("UPDATE leader_lease SET expires_at = 'infinity'").await;
}

/// It took less than waiting for the lease would.
fn at_once(what: &str, took: Duration) {
    let lease = Limits::default().lease_ttl;
    eprintln!("{what} after {took:.2?}; the lease lasts {lease:?}");
    assert!(took < lease, "{what} only after {took:?}");
}

async fn helps(ana: Person<'_>) -> usize {
    let messages = ana.messages().await;
    messages.iter().filter(|m| m["text"].as_str().is_some_and(|t| t.contains("How it works"))).count()
}

#[tokio::test]
async fn fault_33_a_standby_takes_over_at_once_after_a_kill_and_nothing_is_handled_twice() {
    let world = World::new().await;
    let mut first = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    ana.take_trial().await;
    let mut second = beside(&world).spawn();
    second.until_ready("standby").await;

    ana.ask("/profile", "Here since").await;
    first.kill();
    let begin = Instant::now();
    never_over(&world).await;
    let rev = ana.send("/help").await;
    second.until_ready("leader").await;
    at_once("the standby leads", begin.elapsed());
    ana.wait(rev, "text=How%20it%20works").await;
    at_once("the standby answers", begin.elapsed());
    assert_eq!(helps(ana).await, 1);

    // The first comes back and stands by; an orderly stop hands over at once.
    let mut first = world.launch.spawn();
    first.until_ready("standby").await;
    assert!(second.stop().await.success());
    let begin = Instant::now();
    first.until_ready("leader").await;
    at_once("the lease that was given back is taken", begin.elapsed());
    ana.ask("/profile", "Here since").await;
}

#[tokio::test]
async fn fault_33_the_next_start_after_a_kill_leads_and_answers_at_once() {
    let world = World::new().await;
    let mut first = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    ana.ask("/start", "Hello").await;
    first.kill();
    never_over(&world).await;
    let rev = ana.send("/help").await;
    let begin = Instant::now();
    let mut second = world.launch.spawn();
    ana.wait(rev, "text=How%20it%20works").await;
    at_once("the next start answers", begin.elapsed());
    second.until_ready("leader").await;
    assert_eq!(helps(ana).await, 1);
}

#[tokio::test]
async fn fault_33_of_a_leader_on_another_machine_nothing_is_known_until_its_lease_is_over() {
    let world = World::new().await;
    let mut first = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    ana.ask("/start", "Hello").await;
    first.kill();
    world.database.execute("UPDATE leader_lease SET holder = 'elsewhere-' || holder, expires_at = 'infinity'").await;
    let epoch = "SELECT epoch AS n FROM leader_lease";
    let before = world.database.number(epoch).await;
    let mut second = world.launch.spawn();
    // It says so only after it looked.
    second.until_ready("standby").await;
    assert_eq!(world.database.number(epoch).await, before);
    world.database.execute("UPDATE leader_lease SET expires_at = clock_timestamp()").await;
    second.until_ready("leader").await;
    ana.ask("/help", "How it works").await;
}
