#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use crate::ports::clock::Clock as _;
use crate::system::System;
use crate::testing::system::World;
use crate::testing::until;
use usipipo_domain::access::Hidden;
use usipipo_domain::alert::AlertKind;
use usipipo_domain::ids::UserId;
use usipipo_domain::new_server::{NewServer, ServerAccess};
use usipipo_domain::service::{NodeChange, Product};

fn outline(name: &str) -> NewServer {
    NewServer {
        name: name.to_owned(),
        place: String::new(),
        country: "DE".to_owned(),
        product: Product::Outline,
        capacity: 50,
        host: "keys.example".to_owned(),
        port: 443,
        domain: None,
        access: ServerAccess::Outline {
            api_url: Hidden::new(format!("https://10.0.0.1:1/{name}")),
            cert_sha256: "AB".repeat(32),
        },
    }
}

async fn has(system: &System, name: &str) -> bool {
    system.tree().await.find(&format!("duty/key_node/{name}")).is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_added_by_another_process_is_started_and_ended_with_its_row() {
    let world = World::new().await;
    let system = world.lead().await;
    let store = world.database.store();
    store.add_key_node(&outline("fra"), world.clock.now()).await.unwrap().unwrap();
    system.servers_changed();
    until("it is up", async || {
        let up = store.node_overviews().await.unwrap();
        up.iter().any(|node| node.name == "fra" && node.up)
    })
    .await;
    assert!(has(&system, "fra").await);

    // Its actor is supervised like those of the settings.
    assert!(system.kill("duty/key_node/fra").await);
    until("it runs again", async || {
        let tree = system.tree().await;
        tree.find("duty/key_node/fra").is_some_and(|actor| actor.restarts == 1)
    })
    .await;

    store.change_node("fra", NodeChange::Remove, world.clock.now()).await.unwrap();
    system.servers_changed();
    until("its actor is gone", async || !has(&system, "fra").await).await;
    assert!(system.env().directory.all_nodes().iter().all(|(_, place)| place.name != "fra"));
    system.stop(std::future::pending()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_secret_cannot_be_opened_keeps_nobody_from_working_and_admins_hear_of_it() {
    let world = World::new().await;
    let store = world.database.store();
    for name in ["fra", "ber"] {
        store.add_key_node(&outline(name), world.clock.now()).await.unwrap().unwrap();
    }
    world.database.execute("UPDATE nodes SET access = 'broken', up = true WHERE name = 'fra'").await;
    let system = world.lead().await;
    assert!(has(&system, "ber").await && !has(&system, "fra").await);
    let alert = "SELECT count(*) AS n FROM alerts WHERE resolved_at IS NULL AND key LIKE 'node_down%fra%'";
    until("admins are told", async || world.database.number(alert).await == 1).await;
    let nodes = store.node_overviews().await.unwrap();
    let fra = nodes.iter().find(|node| node.name == "fra").unwrap();
    assert!(!fra.up && fra.error.is_some(), "nothing new goes to it: {fra:?}");

    store.change_node("fra", NodeChange::Remove, world.clock.now()).await.unwrap();
    system.servers_changed();
    until("that is over", async || world.database.number(alert).await == 0).await;
    system.stop(std::future::pending()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_added_server_is_there_after_a_restart_and_after_its_registry_crashed() {
    let world = World::new().await;
    let store = world.database.store();
    store.add_key_node(&outline("fra"), world.clock.now()).await.unwrap().unwrap();
    let system = world.lead().await;
    assert!(has(&system, "fra").await, "it is a child from the beginning");
    assert!(system.kill("duty/registry").await);
    store.add_key_node(&outline("ber"), world.clock.now()).await.unwrap().unwrap();
    until("the other one is started", async || has(&system, "ber").await).await;
    system.stop(std::future::pending()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_no_longer_in_the_settings_is_down_and_admins_hear_of_it_if_anything_lives_there() {
    let world = World::new().await;
    let (database, store) = (&world.database, world.database.store());
    // Both answered while an earlier process had them in its settings; nothing lives on the second.
    let used = database.seed_key_node("used", Product::Outline).await;
    database.seed_key_node("empty", Product::Outline).await;
    let epoch = database.lead(&store).await;
    database.seed_key_service(&store, epoch, UserId(7), &used, world.clock.now()).await;
    let gone = database.seed_key_node("gone", Product::Outline).await;
    let down = |node: &str| AlertKind::NodeDown { node: node.to_owned(), error: "it is away".to_owned() };
    store.raise(epoch, &down("gone"), &[], world.clock.now()).await.unwrap();
    database.execute(&format!("UPDATE nodes SET state = 'removed' WHERE id = {}", gone.id)).await;
    database.execute("UPDATE leader_lease SET expires_at = '-infinity'").await;

    let system = world.lead().await;
    until("both are down", async || {
        let nodes = store.node_overviews().await.unwrap();
        let lost = nodes.iter().filter(|node| ["used", "empty"].contains(&node.name.as_str()));
        lost.filter(|node| !node.up && node.error.as_deref().is_some_and(|error| error.contains("settings"))).count()
            == 2
    })
    .await;
    until("admins hear of one, and that a removed one is no matter any more", async || {
        let open: Vec<String> = store.open_alerts().await.unwrap().iter().map(|alert| alert.kind.key()).collect();
        open.contains(&down("used").key())
            && !open.contains(&down("empty").key())
            && !open.contains(&down("gone").key())
    })
    .await;
    system.stop(std::future::pending()).await;
}
