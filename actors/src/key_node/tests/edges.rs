//! Slow servers, late answers, busy keys, and servers that are removed.

use super::*;

#[tokio::test]
async fn a_key_that_its_server_does_not_act_on_yet_is_nobodys_news_and_no_fault_of_the_server() {
    let world = World::new(Product::Mtproto).await;
    let (service, key) = world.pending(ANA).await;
    world.driver.slow(&key.name);
    world.start().await;
    world.active(BEA).await;
    world.compared().await;
    assert_eq!(world.bench.status(service).await, "pending");
    assert_eq!(world.told(ANA, &Body::ConfigFile { service }), 0);
    assert!(world.bench.env.directory.node(world.id()).unwrap().serves());
    assert!(!world.alert_is_open("node_down/one").await && !world.alert_is_open("probe_failing/one").await);
    world.driver.slow_no_more();
    until("it works", async || world.bench.status(service).await == "active").await;
    until("its owner has it", async || world.told(ANA, &Body::ConfigFile { service }) == 1).await;
}

#[tokio::test]
async fn a_key_that_is_slow_to_close_is_not_believed_closed() {
    let world = World::new(Product::Mtproto).await;
    world.start().await;
    let (service, name) = world.active(ANA).await;
    world.bench.db.execute(&format!("UPDATE services SET quota_bytes = {GB} WHERE id = {service}")).await;
    world.driver.slow(&name);
    world.driver.traffic(&name, GB);
    until("it is over its traffic", async || world.bench.status(service).await == "suspended").await;
    until("it is closed there", async || world.driver.standing(&name) == Closed).await;
    until("and believed so", async || world.key(service).await.applied == Closed).await;
}

#[tokio::test]
async fn a_server_that_acts_on_no_new_key_raises_the_alert_until_it_does() {
    let world = World::new(Product::Mtproto).await;
    for user in 100..103 {
        let (_, key) = world.pending(UserId(user)).await;
        world.driver.slow(&key.name);
    }
    world.start().await;
    until("the alert is open", async || world.alert_is_open("probe_failing/one").await).await;
    assert!(world.up() && !world.bench.env.directory.node(world.id()).unwrap().serves());
    world.driver.slow_no_more();
    until("it is over", async || !world.alert_is_open("probe_failing/one").await).await;
    assert!(world.bench.env.directory.node(world.id()).unwrap().serves());
}

#[tokio::test]
async fn new_keys_on_a_slow_server_let_a_survey_through() {
    let world = World::with(Product::Mtproto, |limits| limits.reconcile_every = Duration::from_secs(3_600)).await;
    world.start().await;
    until("the server answers", async || world.up()).await;
    for user in 100..108 {
        world.pending(UserId(user)).await;
    }
    world.driver.delay(Duration::from_millis(300));
    world.nudge();
    until("the server is read again", async || world.driver.surveys() == 2).await;
    assert!(world.driver.on_it().len() < 8, "before all are made");
    let active = "SELECT count(*) AS n FROM services WHERE status = 'active'";
    until("all work", async || world.bench.db.number(active).await == 8).await;
    assert_eq!(world.driver.changes().len(), 8, "each was put once");
}

#[tokio::test]
async fn a_key_with_all_its_devices_is_not_probed() {
    let world = World::with(Product::Mtproto, |limits| limits.probe_every = Duration::from_millis(20)).await;
    world.start().await;
    let (_, name) = world.active(ANA).await;
    until("it is probed", async || world.driver.probes() > 2).await;
    world.driver.fill(&name);
    world.compared().await;
    let probes = world.driver.probes();
    world.compared().await;
    world.compared().await;
    assert_eq!(world.driver.probes(), probes);
    assert!(!world.alert_is_open("probe_failing/one").await);
}

#[tokio::test]
async fn a_removed_server_is_left_alone_and_its_alerts_are_over() {
    let world = World::new(Product::Mtproto).await;
    world.driver.put_by_hand("default", other());
    world.start().await;
    until("an alert is open", async || world.alert_is_open("foreign_peers/one").await).await;
    world.driver.fail(away());
    until("the server is down", async || world.alert_is_open("node_down/one").await).await;
    world.change(NodeChange::Remove).await;
    let open = "SELECT count(*) AS n FROM alerts WHERE resolved_at IS NULL";
    until("nothing is said of it", async || world.bench.db.number(open).await == 0).await;
    world.driver.fail(None);
    let calls = world.driver.calls();
    world.nudge();
    let place = world.bench.env.directory.node(world.id()).unwrap();
    until("the actor heard it", async || place.slot.depth() == 0).await;
    // What it does with what it heard is done when it has ended.
    world.bench.stop(NAME).await;
    assert_eq!(world.driver.calls(), calls);
    assert!(!world.up());
}

#[tokio::test]
async fn a_key_that_comes_after_its_row_is_over_is_taken_off_and_a_strangers_is_not() {
    for product in BOTH {
        let world = World::new(product).await;
        world.start().await;
        let (service, name) = world.active(ANA).await;
        let secret = world.key(service).await.secret.unwrap();
        world.driver.put_by_hand("7", other());
        world.accept(ANA, Effect::OfferRevoke(service)).await;
        let left = async || world.bench.store.keys_of(world.id()).await.unwrap().len();
        until("its row is over", async || left().await == 0).await;
        world.driver.put_by_hand(&name, secret);
        until("it is taken off", async || world.driver.standing(&name) == Absent).await;
        // With another secret it is another's.
        world.driver.put_by_hand(&name, other());
        world.compared().await;
        assert_eq!(world.driver.on_it().len(), 2);
    }
}

#[tokio::test]
async fn a_key_that_was_put_without_an_answer_is_not_believed_gone_before_it_cannot_come_any_more() {
    let within = Duration::from_secs(2);
    let world = World::with(Product::Mtproto, |limits| {
        limits.key_call_timeout = within;
        // Longer, so that it is the put that takes too long and not a survey.
        limits.reconcile_every = within * 2;
    })
    .await;
    world.start().await;
    until("the server answers", async || world.up()).await;
    let (service, key) = world.pending(ANA).await;
    world.driver.delay(within * 10);
    world.nudge();
    until("the call is given up", async || !world.up()).await;
    let given_up = std::time::Instant::now();
    world.driver.delay(Duration::ZERO);
    world.accept(ANA, Effect::OfferRevoke(service)).await;
    let left = async || world.bench.store.keys_of(world.id()).await.unwrap().len();
    until("its row is over", async || left().await == 0).await;
    // The clock of the actor began a moment earlier than this one.
    assert!(given_up.elapsed() >= within / 2, "{:?}", given_up.elapsed());
    assert_eq!(world.driver.standing(&key.name), Absent);
}
