//! A pool that is full, and ends that come late.

use super::Watch;
use crate::support::world::{Person, World};

pub(super) const CAUSED: &[&str] = &["UsipipoPoolFull", "UsipipoPoolNearlyFull", "UsipipoSweeperLate"];

/// A pool of /29 has so many addresses besides its own, the server's and the last.
const ADDRESSES: i64 = 5;

#[tokio::test]
async fn a_full_pool_and_late_ends_fire_and_resolve() {
    let mut world = World::new().await;
    let mut launch = world.launch.clone();
    for (name, value) in [
        ("0__PURPOSE", "trial"),
        ("0__V4", "10.99.0.0/29"),
        ("0__V6", "fd99:1::/120"),
        ("1__PURPOSE", "paid"),
        ("1__V4", "10.99.64.0/24"),
        ("1__V6", "fd99:2::/112"),
    ] {
        launch = launch.with(&format!("USIPIPO_NODES__0__POOLS__{name}"), value);
    }
    world.launch = launch;
    let program = world.program().await;
    let Some(mut watch) = Watch::start(world.directory.path(), &[program.launch.metrics], CAUSED).await else {
        return;
    };
    for alert in CAUSED {
        watch.is_quiet(alert).await;
    }
    for id in 0..ADDRESSES {
        world.person_speaking(3_000 + id, "Ana", "en").await.take_trial().await;
    }
    watch.shows("Requests for an address", |rate| rate > 0.0).await;
    watch.fires("UsipipoPoolFull").await;
    watch.fires("UsipipoPoolNearlyFull").await;
    watch.shows("Addresses in use", |share| share == 1.0).await;
    watch.shows("Addresses", |live| live == 5.0).await;
    watch.shows("Days until full", |days| days < 7.0).await;
    let late = world.person_speaking(3_100, "Luis", "en").await;
    late.ask("/start", "Hello").await;
    late.ask("/trial", "").await;

    // One address is given back, and a week later all trials are over.
    let ana = Person { world: &world, id: 3_000 };
    ana.ask("/vpn", "Your VPNs").await;
    ana.tap("WireGuard 1", "WireGuard").await;
    ana.tap("Revoke", "cannot be undone").await;
    ana.tap("Yes, revoke it", "no longer connects").await;
    world.advance(8 * 86_400).await;
    watch.fires("UsipipoSweeperLate").await;
    watch.shows("Sweeps late by", |seconds| seconds > 60.0).await;
    watch.shows("Swept", |rate| rate > 0.0).await;
    watch.is_over("UsipipoPoolFull").await;
    watch.is_over("UsipipoPoolNearlyFull").await;
    watch.is_over("UsipipoSweeperLate").await;
    watch.ends();
}
