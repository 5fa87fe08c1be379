//! A second process beside the first.

use crate::support::program::free_port;
use crate::support::world::World;
use std::time::Instant;

#[tokio::test]
async fn fault_33_a_standby_takes_over_within_seconds_and_nothing_is_handled_twice() {
    let world = World::new().await;
    let mut first = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    ana.take_trial().await;

    let mut launch = world.launch.clone();
    launch.data_dir = world.directory.path().join("second");
    launch.http.set_port(free_port());
    launch.metrics.set_port(free_port());
    std::fs::create_dir_all(&launch.data_dir).unwrap();
    // Both need the same master keys.
    std::fs::copy(world.launch.data_dir.join("master.keys"), launch.data_dir.join("master.keys")).unwrap();
    let mut second = launch.spawn();
    second.until_ready("standby").await;

    ana.ask("/profile", "Here since").await;
    first.kill();
    let begin = Instant::now();
    let rev = ana.send("/help").await;
    second.until_ready("leader").await;
    let took = begin.elapsed();
    assert!(took.as_secs() < 12, "the standby took over after {took:?}");
    ana.wait(rev, "text=How%20it%20works").await;
    let answers =
        ana.messages().await.iter().filter(|m| m["text"].as_str().is_some_and(|t| t.contains("How it works"))).count();
    assert_eq!(answers, 1);

    // The first comes back and stands by; an orderly stop hands over at once.
    let mut first = world.launch.spawn();
    first.until_ready("standby").await;
    assert!(second.stop().await.success());
    let begin = Instant::now();
    first.until_ready("leader").await;
    assert!(begin.elapsed().as_secs() < 5, "the lease was not given back");
    ana.ask("/profile", "Here since").await;
}
