#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::super::fixture::{ANA, BEA, World, at, days};
use usipipo_domain::pool::{Held, Pool};

#[tokio::test]
async fn an_address_rests_until_its_time_is_over_and_its_key_is_off_the_server() {
    let world = World::new().await;
    let (store, epoch, node) = (&world.store, world.epoch, world.node.node);
    let (service, peer) = world.active(ANA, 2).await;
    let (_, other) = world.active(BEA, 3).await;
    let leases = store.leases_of(world.node.trial).await.unwrap();
    assert_eq!(leases.iter().map(|lease| lease.addresses).collect::<Vec<_>>(), [peer.addresses, other.addresses]);
    assert!(leases.iter().all(|lease| lease.quarantine_until.is_none()));

    world.revoke(ANA, service, at(0)).await;
    let until = at(0) + days(1);
    assert_eq!(store.leases_of(world.node.trial).await.unwrap()[0].quarantine_until, Some(until));
    store.peers_removed(epoch, node, &[peer.id], at(5)).await.unwrap();
    assert!(store.release_quarantined(epoch, until - chrono::TimeDelta::seconds(1), 10).await.unwrap().is_empty());
    let released = store.release_quarantined(epoch, until, 10).await.unwrap();
    assert_eq!(released.len(), 1);
    assert_eq!((released[0].0, released[0].1.addresses), (world.node.trial, peer.addresses));
    assert!(store.release_quarantined(epoch, until, 10).await.unwrap().is_empty(), "once");
    assert_eq!(store.leases_of(world.node.trial).await.unwrap().len(), 1);
    assert_eq!(world.db.number("SELECT count(*) AS n FROM audit WHERE action = 'lease.release'").await, 1);
}

#[tokio::test]
async fn an_address_whose_old_key_is_still_on_the_server_is_not_released() {
    let world = World::new().await;
    let (store, epoch, node) = (&world.store, world.epoch, world.node.node);
    let (service, peer) = world.active(ANA, 2).await;
    world.revoke(ANA, service, at(0)).await;
    let later = at(0) + days(30);
    assert!(store.release_quarantined(epoch, later, 10).await.unwrap().is_empty());
    // Its address is still known to the node's actor.
    assert_eq!(world.peer(service).await.addresses, peer.addresses);
    store.peers_removed(epoch, node, &[peer.id], later).await.unwrap();
    assert_eq!(store.release_quarantined(epoch, later, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn releasing_goes_in_batches_and_leaves_live_leases() {
    let world = World::new().await;
    world.many(50).await;
    world
        .db
        .execute(
            "UPDATE peers SET retired_at = created_at, removed_at = created_at, applied = false WHERE id < 1030;
             UPDATE leases SET state = 'quarantined', quarantine_until = created_at WHERE service_id < 1030",
        )
        .await;
    let mut sizes = Vec::new();
    loop {
        let released = world.store.release_quarantined(world.epoch, at(1), 13).await.unwrap();
        if released.is_empty() {
            break;
        }
        sizes.push(released.len());
    }
    assert_eq!(sizes, [13, 13, 4]);
    assert_eq!(world.store.leases_of(world.node.trial).await.unwrap().len(), 20);
}

#[tokio::test]
async fn a_pool_is_rebuilt_from_its_rows() {
    let world = World::new().await;
    let (service, peer) = world.active(ANA, 2).await;
    let (_, other) = world.active(BEA, 3).await;
    world.revoke(ANA, service, at(0)).await;
    let spec = world.store.node(world.node.node).await.unwrap().unwrap().spec.pools[0].clone();
    let mut pool = Pool::new(spec.v4, spec.v6, 0);
    let rows = world.store.leases_of(world.node.trial).await.unwrap();
    pool.load(rows.iter().map(|lease| (lease.addresses, lease.quarantine_until)));
    assert_eq!(pool.held(peer.addresses), Some(Held::Quarantined { until: at(0) + days(1) }));
    assert_eq!(pool.held(other.addresses), Some(Held::Live));
    assert_eq!(pool.reserve(at(0)).unwrap().v4.unwrap().to_string(), "10.66.0.4");
}
