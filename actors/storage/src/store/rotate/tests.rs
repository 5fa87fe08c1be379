#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::super::fixture::{ANA, BEA, World, at, tunnel};
use crate::{Store, StoreError, Vault};
use secrecy::{ExposeSecret as _, SecretString};
use usipipo_domain::dialogue::{Act, Effect};
use usipipo_domain::service::Product;
use usipipo_domain::wg::PrivateKey;

/// The newest key alone.
fn without_old_keys(vault: &Vault) -> Vault {
    let text = vault.to_text();
    let line = text.expose_secret().lines().find(|line| !line.starts_with('#')).unwrap().to_owned();
    Vault::from_text(&SecretString::from(line)).unwrap()
}

#[tokio::test]
async fn after_a_rotation_the_old_key_may_be_dropped() {
    let world = World::new().await;
    let (service, peer) = world.pending(ANA, 2).await;
    let offer = world.db.seed_trial_offer(&world.store, world.epoch, BEA, at(0)).await;
    let own = PrivateKey::from_random([9; 32]).public_key();
    let accept = Act::Do(Effect::Accept { offer, own_key: Some(own), node: None });
    let prepared = crate::testing::prepared(&world.node, 3);
    world.db.act(&world.store, world.epoch, BEA, accept, |step| step.prepared = Some(prepared), at(0)).await.unwrap();
    let before = world.store.client_config(ANA, service).await.unwrap().unwrap();

    let both = world.db.vault().with_new_key().unwrap();
    let newest = without_old_keys(&both);
    let with = |vault: Vault| Store::connect(&world.db.options(), vault).unwrap();
    let early = with(newest.clone()).client_config(ANA, service).await;
    assert!(matches!(early, Err(StoreError::Vault(_))), "still sealed with the old key: {early:?}");

    assert_eq!(with(both.clone()).rotate_secrets().await.unwrap(), 3, "a node and two peers");
    assert_eq!(with(both).rotate_secrets().await.unwrap(), 0, "nothing is left");

    let store = with(newest);
    let after = store.client_config(ANA, service).await.unwrap().unwrap();
    let (after, before) = (tunnel(after), tunnel(before));
    assert_eq!((after.private_key, after.preshared_key), (before.private_key, before.preshared_key));
    let peers = store.peers_of(world.node.node).await.unwrap();
    assert_eq!(peers.iter().map(|peer| peer.public_key).collect::<Vec<_>>(), [peer.public_key, own]);
    assert_eq!(store.nodes().await.unwrap()[0].private_key, world.node.private_key);
    let page = store.services_of(BEA, &Product::ALL, 0, 8).await.unwrap();
    assert!(page.rows[0].own_key, "a key that we never had is still not there");
    let old = world.store.client_config(ANA, service).await;
    assert!(matches!(old, Err(StoreError::Vault(_))), "the old key opens nothing any more: {old:?}");
}

#[tokio::test]
async fn a_rotation_goes_in_batches_and_stops_at_a_key_that_is_missing() {
    let world = World::new().await;
    let (_, first) = world.pending(ANA, 2).await;
    // Many rows by copy: each sealed value must belong to its own key, so they are all the same key on other nodes.
    world
        .db
        .execute(&format!(
            "INSERT INTO peers (service_id, node_id, public_key, preshared_key, created_at, retired_at, removed_at)
             SELECT service_id, node_id, public_key, preshared_key, created_at, created_at, created_at
             FROM peers, generate_series(1, 1203) WHERE id = {}",
            first.id
        ))
        .await;
    let both = world.db.vault().with_new_key().unwrap();
    let store = Store::connect(&world.db.options(), both.clone()).unwrap();
    assert_eq!(store.rotate_secrets().await.unwrap(), 1 + 1 + 1203);

    world
        .db
        .execute("UPDATE peers SET preshared_key = set_byte(preshared_key, 4, get_byte(preshared_key, 4) # 1)")
        .await;
    let newest = without_old_keys(&both.with_new_key().unwrap());
    let store = Store::connect(&world.db.options(), newest).unwrap();
    assert!(matches!(store.rotate_secrets().await, Err(StoreError::Vault(_))));
}
