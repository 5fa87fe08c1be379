#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::super::fixture::at;
use crate::model::{KeyAccess, ServerChanged};
use crate::testing::TestDatabase;
use secrecy::ExposeSecret as _;
use usipipo_domain::access::Hidden;
use usipipo_domain::new_server::{NewServer, ServerAccess, ServerProblem};
use usipipo_domain::service::{NodeChange, NodeState, Product};

fn new_server(name: &str, url: &str) -> NewServer {
    NewServer {
        name: name.to_owned(),
        place: "Frankfurt".to_owned(),
        country: "DE".to_owned(),
        product: Product::Outline,
        capacity: 50,
        host: "keys.example".to_owned(),
        port: 443,
        domain: None,
        access: ServerAccess::Outline { api_url: Hidden::new(url), cert_sha256: "AB".repeat(32) },
    }
}

#[tokio::test]
async fn a_server_is_added_once_under_its_name_and_once_under_its_address() {
    let db = TestDatabase::new().await;
    let store = db.store();
    let id = store.add_key_node(&new_server("fra", "https://10.0.0.1:1/secret"), at(0)).await.unwrap().unwrap();
    let same = new_server("ber", " https://10.0.0.1:1/SECRET/ ");
    let known = ServerProblem::Known { name: "fra".to_owned() };
    assert_eq!(store.add_key_node(&same, at(1)).await.unwrap(), Err(known));
    let namesake = new_server("fra", "https://10.0.0.2:1/other");
    assert_eq!(store.add_key_node(&namesake, at(1)).await.unwrap(), Err(ServerProblem::NameTaken));
    let added = store.added_key_nodes().await.unwrap();
    assert_eq!(added.len(), 1);
    let row = &added[0];
    assert_eq!((row.id, row.added, row.state, row.spec.capacity), (id, true, NodeState::Active, 50));
    let KeyAccess::Outline { api_url, .. } = &row.spec.access else { panic!("{row:?}") };
    assert_eq!(api_url.expose_secret(), "https://10.0.0.1:1/secret");
    assert_eq!(db.number("SELECT count(*) AS n FROM audit WHERE action = 'node.add'").await, 1);
}

#[tokio::test]
async fn fault_28_the_secret_of_an_added_server_is_sealed_and_forgotten_with_the_server() {
    let db = TestDatabase::new().await;
    let store = db.store();
    let id = store.add_key_node(&new_server("fra", "https://10.0.0.1:1/s3cret"), at(0)).await.unwrap().unwrap();
    let plain =
        "SELECT count(*) AS n FROM nodes WHERE position('s3cret'::bytea IN access) > 0 OR nodes::text LIKE '%s3cret%'";
    assert_eq!(db.number(plain).await, 0);
    let before = NodeState::Active;
    assert_eq!(store.change_node("fra", NodeChange::Remove, at(1)).await.unwrap(), ServerChanged::Yes { before });
    assert_eq!(db.number("SELECT count(*) AS n FROM nodes WHERE access IS NOT NULL").await, 0);
    let row = store.key_node(id).await.unwrap().unwrap();
    assert!(matches!(row.spec.access, KeyAccess::Forgotten), "{row:?}");
    assert!(store.added_key_nodes().await.unwrap().is_empty());
    // What is removed comes back under no name, and a key rotation has nothing to do with it.
    assert_eq!(store.change_node("fra", NodeChange::Activate, at(2)).await.unwrap(), ServerChanged::NoSuch);
    assert_eq!(store.rotate_secrets().await.unwrap(), 0);
    let again = new_server("fra-2", "https://10.0.0.1:1/s3cret");
    assert!(store.add_key_node(&again, at(3)).await.unwrap().is_ok(), "its address is free again");
}

#[tokio::test]
async fn a_removed_server_of_the_settings_does_not_get_its_secret_back_from_them() {
    let db = TestDatabase::new().await;
    let store = db.store();
    let row = db.seed_key_node("paris", Product::Outline).await;
    assert!(!row.added);
    store.change_node("paris", NodeChange::Remove, at(1)).await.unwrap();
    let again = store.ensure_key_node(&row.spec, at(2)).await.unwrap();
    assert_eq!(again.state, NodeState::Removed);
    assert_eq!(db.number("SELECT count(*) AS n FROM nodes WHERE access IS NOT NULL").await, 0);
}

#[tokio::test]
async fn the_settings_win_over_what_was_added_under_the_same_name() {
    let db = TestDatabase::new().await;
    let store = db.store();
    store.add_key_node(&new_server("fra", "https://10.0.0.1:1/old"), at(0)).await.unwrap().unwrap();
    let mut spec = store.added_key_nodes().await.unwrap().remove(0).spec;
    spec.access = KeyAccess::Outline { api_url: "https://10.0.0.9:1/new".into(), cert_sha256: "CD".repeat(32) };
    let row = store.ensure_key_node(&spec, at(1)).await.unwrap();
    let KeyAccess::Outline { api_url, .. } = &row.spec.access else { panic!("{row:?}") };
    assert_eq!(api_url.expose_secret(), "https://10.0.0.9:1/new");
}

#[tokio::test]
async fn a_command_changes_servers_by_name_and_refuses_what_lives() {
    let db = TestDatabase::new().await;
    let store = db.store();
    db.seed_key_node("paris", Product::Outline).await;
    for (change, state) in [
        (NodeChange::Drain, NodeState::Draining),
        (NodeChange::Maintain, NodeState::Maintenance),
        (NodeChange::Activate, NodeState::Active),
    ] {
        assert!(matches!(store.change_node("paris", change, at(1)).await.unwrap(), ServerChanged::Yes { .. }));
        assert_eq!(store.key_nodes().await.unwrap()[0].state, state);
    }
    assert_eq!(store.change_node("rome", NodeChange::Drain, at(1)).await.unwrap(), ServerChanged::NoSuch);
    db.execute("INSERT INTO users (id, first_name, language, tz, created_at, last_seen_at) VALUES (7, 'A', 'es', 'UTC', 'epoch', 'epoch')").await;
    db.execute("INSERT INTO services (user_id, product, trial, node_id, name, status, days, created_at) SELECT 7, 'outline', false, id, 'x', 'pending', 30, 'epoch' FROM nodes WHERE name = 'paris'").await;
    assert_eq!(store.change_node("paris", NodeChange::Remove, at(1)).await.unwrap(), ServerChanged::InUse(1));
}
