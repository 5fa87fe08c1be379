//! Servers without tunnels on this machine.

use super::*;

#[tokio::test]
async fn without_tunnels_many_unreadable_secrets_do_not_keep_it_running_in_circles() {
    let world = World::with(DriverMode::ConfigOnly, |limits| limits.peer_batch_max = 2).await;
    for host in 2..6 {
        world.trial(UserId(i64::from(host)), host).await;
    }
    world.bench.db.execute("UPDATE peers SET preshared_key = '\\x00'").await;
    world.start().await;
    until("the admin is told of those it saw", async || world.alerts_told() == [false, false]).await;
    let place = world.bench.env.directory.node(world.bench.node.node).unwrap();
    until("it waits", async || place.slot.depth() == 0).await;
    assert_eq!(world.bench.db.number("SELECT count(*) AS n FROM services WHERE status = 'active'").await, 0);
}

#[tokio::test]
async fn without_tunnels_everything_wanted_counts_as_there() {
    let world = World::with(DriverMode::ConfigOnly, |limits| limits.peer_batch_max = 2).await;
    let mut services = Vec::new();
    for host in 2..7 {
        services.push(world.trial(UserId(i64::from(host)), host).await.0);
    }
    world.start().await;
    let active = "SELECT count(*) AS n FROM services WHERE status = 'active'";
    until("all work", async || world.bench.db.number(active).await == 5).await;
    assert_eq!(world.bench.db.number("SELECT count(*) AS n FROM nodes WHERE up AND config_only").await, 1);
    let (later, _) = world.active(ANA, 30).await;
    world.revoke(ANA, later).await;
    world.nudge();
    let over = "SELECT count(*) AS n FROM peers WHERE removed_at IS NOT NULL";
    until("the revoked one is over", async || world.bench.db.number(over).await == 1).await;
    assert_eq!(world.driver.calls(), 0);
}
