#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::super::fixture::{World, at};
use crate::model::{NodeSpec, PoolSpec};
use crate::testing::TestDatabase;
use usipipo_domain::ids::NodeId;
use usipipo_domain::service::Purpose;
use usipipo_domain::wg::PrivateKey;

fn spec() -> NodeSpec {
    NodeSpec {
        name: "local".to_owned(),
        driver: "wireguard".to_owned(),
        mode: "auto".to_owned(),
        place: "Miami".to_owned(),
        country: "US".to_owned(),
        interface: "wg0".to_owned(),
        listen_port: 51_820,
        endpoint: "vpn.example.org:51820".to_owned(),
        dns: vec!["1.1.1.1".to_owned(), "2606:4700:4700::1111".to_owned()],
        mtu: 1420,
        exclusive: true,
        pools: vec![
            PoolSpec { purpose: Purpose::Trial, v4: Some("10.66.0.0/20".parse().unwrap()), v6: None },
            PoolSpec {
                purpose: Purpose::Paid,
                v4: Some("10.66.64.0/18".parse().unwrap()),
                v6: Some("fd66::/64".parse().unwrap()),
            },
        ],
    }
}

fn key(byte: u8) -> PrivateKey {
    PrivateKey::from_random([byte; 32])
}

#[tokio::test]
async fn a_node_is_created_once_and_its_row_wins_afterwards() {
    let db = TestDatabase::new().await;
    let store = db.store();
    let made = store.ensure_node(&spec(), &key(1), at(0)).await.unwrap();
    assert_eq!(format!("{:?}", made.spec), format!("{:?}", spec()));
    assert_eq!((made.private_key.clone(), made.public_key), (key(1), key(1).public_key()));
    assert_eq!((made.pool_ids.len(), made.up), (2, false));

    let mut changed = spec();
    changed.endpoint = "elsewhere:1".to_owned();
    changed.listen_port = 1;
    changed.mode = "userspace".to_owned();
    changed.interface = "wg7".to_owned();
    changed.pools[0].v4 = Some("10.99.0.0/20".parse().unwrap());
    let again = store.ensure_node(&changed, &key(2), at(1)).await.unwrap();
    assert_eq!((again.id, again.pool_ids.clone()), (made.id, made.pool_ids));
    assert_eq!(again.private_key, key(1), "the server's key stays");
    assert_eq!((again.spec.endpoint.as_str(), again.spec.listen_port), ("vpn.example.org:51820", 51_820));
    assert_eq!(again.spec.pools, spec().pools);
    assert_eq!(
        (again.spec.mode.as_str(), again.spec.interface.as_str()),
        ("userspace", "wg7"),
        "these follow the settings"
    );
    let actions = "SELECT string_agg(action, ' ' ORDER BY id) AS t FROM audit WHERE user_id IS NULL";
    assert_eq!(db.text(actions).await, "node.create pool.create pool.create node.change");
    store.ensure_node(&changed, &key(2), at(2)).await.unwrap();
    assert_eq!(db.number("SELECT count(*) AS n FROM audit").await, 4, "no change, no row");
}

#[tokio::test]
async fn a_pool_that_the_settings_add_later_is_added() {
    let db = TestDatabase::new().await;
    let store = db.store();
    let mut few = spec();
    few.pools.truncate(1);
    assert_eq!(store.ensure_node(&few, &key(1), at(0)).await.unwrap().pool_ids.len(), 1);
    let more = store.ensure_node(&spec(), &key(1), at(1)).await.unwrap();
    assert_eq!(more.spec.pools, spec().pools);
}

#[tokio::test]
async fn fault_33_two_processes_that_start_at_once_make_one_node() {
    let db = TestDatabase::new().await;
    let calls = (1..=6).map(|byte| {
        let store = db.store();
        tokio::spawn(async move { store.ensure_node(&spec(), &key(byte), at(0)).await })
    });
    let mut keys = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        keys.push(call.await.unwrap().unwrap().public_key);
    }
    keys.dedup();
    assert_eq!(keys.len(), 1, "all of them hold the same key");
    assert_eq!(db.number("SELECT count(*) AS n FROM pools").await, 2);
}

#[tokio::test]
async fn every_node_is_listed_with_its_own_pools() {
    let world = World::new().await;
    let made = world.store.ensure_node(&spec(), &key(1), at(0)).await.unwrap();
    let nodes = world.store.nodes().await.unwrap();
    assert_eq!(nodes.iter().map(|node| node.spec.name.as_str()).collect::<Vec<_>>(), ["miami", "local"]);
    assert_eq!(nodes[0].pool_ids, [world.node.trial, world.node.paid]);
    assert_eq!((nodes[1].id, &nodes[1].pool_ids), (made.id, &made.pool_ids));
    assert!(nodes[0].up);
    assert!(world.store.node(NodeId(999)).await.unwrap().is_none());
}

#[tokio::test]
async fn secrets_are_not_shown_when_a_row_is_printed() {
    let db = TestDatabase::new().await;
    let node = db.store().ensure_node(&spec(), &key(1), at(0)).await.unwrap();
    assert!(!format!("{node:?}").contains(&key(1).expose_base64()));
}
