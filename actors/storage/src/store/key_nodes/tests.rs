#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::super::fixture::{ANA, BEA, World, at};
use crate::StoreError;
use crate::model::KeyAccess;
use crate::testing::TestDatabase;
use secrecy::ExposeSecret as _;
use usipipo_domain::service::{NodeState, Product, Purpose};

#[tokio::test]
async fn a_server_of_keys_is_created_once_and_only_its_access_follows_the_settings() {
    let db = TestDatabase::new().await;
    let store = db.store();
    let row = db.seed_key_node("paris", Product::Outline).await;
    let mut spec = row.spec.clone();
    spec.place = "Lyon".to_owned();
    spec.access = KeyAccess::Outline { api_url: "https://10.0.0.9:9/other".into(), cert_sha256: "cd".repeat(32) };
    let again = store.ensure_key_node(&spec, at(1)).await.unwrap();
    assert_eq!((again.id, again.spec.place.as_str(), again.spec.capacity), (row.id, "Miami", 100));
    let KeyAccess::Outline { api_url, cert_sha256 } = &again.spec.access else { panic!("{again:?}") };
    assert_eq!((api_url.expose_secret(), cert_sha256.as_str()), ("https://10.0.0.9:9/other", "cd".repeat(32).as_str()));
    assert_eq!(db.number("SELECT count(*) AS n FROM audit WHERE action = 'node.change'").await, 1);
    store.ensure_key_node(&spec, at(2)).await.unwrap();
    assert_eq!(db.number("SELECT count(*) AS n FROM audit WHERE action = 'node.change'").await, 1, "nothing new");
    assert!(store.nodes().await.unwrap().is_empty(), "it is not one of WireGuard");
    assert_eq!(store.key_nodes().await.unwrap().len(), 1);
    spec.product = Product::Mtproto;
    assert!(matches!(store.ensure_key_node(&spec, at(3)).await, Err(StoreError::Broken(_))));
}

#[tokio::test]
async fn fault_28_the_way_into_a_server_does_not_lie_in_its_row() {
    let db = TestDatabase::new().await;
    let row = db.seed_key_node("paris", Product::Outline).await;
    let found = format!(
        "SELECT count(*) AS n FROM nodes WHERE position('127.0.0.1'::bytea IN access) > 0 OR nodes::text LIKE '%prefix%' AND id = {}",
        row.id
    );
    assert_eq!(db.number(&found).await, 0);
    // A sealed value of one row opens nothing in another.
    let other = db.seed_key_node("rome", Product::Outline).await;
    db.execute(&format!(
        "UPDATE nodes SET access = (SELECT access FROM nodes WHERE id = {}) WHERE id = {}",
        row.id, other.id
    ))
    .await;
    assert!(matches!(db.store().key_node(other.id).await, Err(StoreError::Vault(_))));
}

#[tokio::test]
async fn servers_that_answer_come_first_then_the_emptier_ones() {
    let world = World::new().await;
    let (db, store) = (&world.db, &world.store);
    let mut nodes = Vec::new();
    for name in ["a", "b", "c", "d"] {
        nodes.push(db.seed_key_node(name, Product::Mtproto).await);
    }
    let [a, b, c, d] = nodes.as_slice() else { panic!("four servers") };
    db.execute(&format!("UPDATE nodes SET capacity = 2 WHERE id = {}", a.id)).await;
    db.execute(&format!("UPDATE nodes SET up = false WHERE id = {}", b.id)).await;
    db.execute(&format!("UPDATE nodes SET state = 'draining' WHERE id = {}", d.id)).await;
    db.seed_key_service(store, world.epoch, ANA, a, at(0)).await;
    let choices = store.server_choices(Product::Mtproto, Purpose::Paid).await.unwrap();
    let seen: Vec<_> = choices.iter().map(|choice| (choice.node, choice.load_percent, choice.up)).collect();
    assert_eq!(seen, [(c.id, 0, true), (a.id, 50, true), (b.id, 0, false)]);
    db.seed_key_service(store, world.epoch, BEA, a, at(0)).await;
    let choices = store.server_choices(Product::Mtproto, Purpose::Paid).await.unwrap();
    assert_eq!(choices.iter().find(|choice| choice.node == a.id).unwrap().load_percent, 100);

    let tunnels = store.server_choices(Product::Wireguard, Purpose::Trial).await.unwrap();
    assert_eq!(tunnels.iter().map(|choice| choice.node).collect::<Vec<_>>(), [world.node.node]);
    assert!(store.server_choices(Product::Outline, Purpose::Paid).await.unwrap().is_empty());
    assert_eq!(store.node_state(d.id).await.unwrap(), NodeState::Draining);
    let overview = store.node_overviews().await.unwrap();
    let row = overview.iter().find(|row| row.id == a.id).unwrap();
    assert_eq!((row.driver.as_str(), row.services, row.capacity), ("telemt", 2, Some(2)));
}

#[tokio::test]
async fn one_unreadable_row_keeps_no_server_from_being_read_and_the_settings_mend_it() {
    let db = TestDatabase::new().await;
    let store = db.store();
    let paris = db.seed_key_node("paris", Product::Outline).await;
    db.seed_key_node("rome", Product::Mtproto).await;
    db.seed_key_node("oslo", Product::Mtproto).await;
    db.execute("UPDATE nodes SET access = 'broken' WHERE name = 'paris'").await;
    db.execute("UPDATE nodes SET settings = '{}' WHERE name = 'oslo'").await;
    let rows = store.key_nodes().await.unwrap();
    let seen: Vec<_> = rows.iter().map(|row| (row.spec.name.as_str(), row.spec.host.as_str())).collect();
    assert_eq!(seen, [("paris", "keys.example.org"), ("rome", "keys.example.org")], "its users' place is still known");
    assert!(matches!(rows[0].spec.access, KeyAccess::Unreadable));
    db.execute("UPDATE nodes SET added = true").await;
    assert_eq!(store.added_key_nodes().await.unwrap().len(), 2);
    let again = store.ensure_key_node(&paris.spec, at(1)).await.unwrap();
    assert!(matches!(again.spec.access, KeyAccess::Outline { .. }));
    let unreadable = crate::model::KeyNodeSpec { access: KeyAccess::Unreadable, ..paris.spec.clone() };
    assert!(store.ensure_key_node(&unreadable, at(2)).await.is_err());
}

#[tokio::test]
async fn counting_services_reads_indices_alone() {
    let world = World::new().await;
    let node = world.db.seed_key_node("rome", Product::Mtproto).await.id;
    world.many(3_000).await;
    world
        .db
        .execute(&format!(
            "INSERT INTO access_keys (service_id, node_id, name, secret, created_at)
             SELECT id, {node}, 'k' || id, 'x', created_at FROM services"
        ))
        .await;
    world.db.execute("VACUUM ANALYZE services").await;
    world.db.execute("VACUUM ANALYZE access_keys").await;
    let mut conn = world.store.conn().await.unwrap();
    for (sql, index) in [
        (
            "SELECT product, status, count(*) AS n FROM services GROUP BY product, status ORDER BY product, status",
            "services_counts",
        ),
        (
            "SELECT count(DISTINCT k.service_id) FROM access_keys k WHERE k.node_id = 1 AND k.removed_at IS NULL",
            "access_keys_there",
        ),
    ] {
        #[derive(diesel::QueryableByName)]
        struct Line {
            #[diesel(sql_type = diesel::sql_types::Text, column_name = "QUERY PLAN")]
            line: String,
        }
        let lines: Vec<Line> =
            diesel_async::RunQueryDsl::load(diesel::sql_query(format!("EXPLAIN {sql}")), &mut conn).await.unwrap();
        let plan: String = lines.into_iter().map(|row| row.line + "\n").collect();
        assert!(plan.contains(&format!("Index Only Scan using {index}")), "{plan}");
    }
}
