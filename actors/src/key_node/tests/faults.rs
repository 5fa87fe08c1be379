//! Faults of `faults.md` that concern servers of keys.

use super::*;
use crate::sweeper;
use crate::sweeper::SweeperMsg;

/// Ends of mutual interest: the sweeper looks now.
fn swept(world: &World) {
    world.bench.env.directory.sweeper.tell(SweeperMsg::ClockMoved);
}

async fn with_sweeper(product: Product) -> World {
    let world = World::with(product, |limits| limits.sweep_every = Duration::from_secs(3_600)).await;
    world.start().await;
    world.bench.start([sweeper::spec(&world.bench.duty)]).await;
    world
}

/// The length of a free period.
const fn days(product: Product) -> i64 {
    if matches!(product, Product::Mtproto) { 30 } else { 7 }
}

const DAY: i64 = 86_400;

#[tokio::test]
async fn fault_08_while_the_server_is_away_the_buyer_is_told_once_and_gets_the_key_when_it_is_back() {
    for product in BOTH {
        let world = World::with(product, |limits| limits.sweep_every = Duration::from_secs(3_600)).await;
        world.driver.fail(away());
        world.start().await;
        world.bench.start([sweeper::spec(&world.bench.duty)]).await;
        let (service, key) = world.pending(ANA).await;
        world.nudge();
        until("the admin is told", async || world.alerts_told() == [false]).await;
        assert!(!world.up());
        world.bench.pass(21);
        for _ in 0..3 {
            swept(&world);
        }
        let waiting = || {
            let screens = world.bench.messenger.screens(ANA);
            screens.iter().filter(|screen| matches!(screen, Screen::Waiting { .. })).count()
        };
        until("the buyer is told", async || waiting() == 1).await;
        world.driver.fail(None);
        until("the service works", async || world.bench.status(service).await == "active").await;
        until("the buyer has it", async || world.told(ANA, &Body::ConfigFile { service }) == 1).await;
        until("the admin is told of the end", async || world.alerts_told() == [false, true]).await;
        assert_eq!((world.driver.standing(&key.name), waiting()), (Open, 1));
    }
}

#[tokio::test]
async fn fault_08_a_change_whose_answer_is_lost_is_found_and_made_once() {
    for product in BOTH {
        let world = World::new(product).await;
        world.start().await;
        until("the server answers", async || world.up()).await;
        world.driver.lose_answers(1);
        let (service, name) = world.active(ANA).await;
        assert_eq!(world.driver.changes(), [KeyChange::Put(name)]);
        until("the owner has it", async || world.told(ANA, &Body::ConfigFile { service }) == 1).await;
    }
}

#[tokio::test]
async fn fault_09_a_server_that_forgot_its_keys_has_them_back_and_usage_is_neither_lost_nor_doubled() {
    for product in BOTH {
        let world = World::new(product).await;
        world.start().await;
        let (service, name) = world.active(ANA).await;
        let secret = world.driver.secret(&name);
        world.driver.traffic(&name, 3_000);
        until("usage is recorded", async || world.used(service).await == 3_000).await;
        world.driver.forget();
        until("the key is back", async || world.driver.standing(&name) == Open).await;
        assert_eq!(world.driver.secret(&name), secret);
        world.driver.traffic(&name, 30);
        until("usage goes on", async || world.used(service).await == 3_030).await;
        world.compared().await;
        assert_eq!(world.used(service).await, 3_030);
    }
}

#[tokio::test]
async fn fault_09_counters_that_begin_at_zero_again_count_on() {
    let world = World::new(Product::Mtproto).await;
    world.start().await;
    let (service, name) = world.active(ANA).await;
    world.driver.traffic(&name, 5_000);
    until("usage is recorded", async || world.used(service).await == 5_000).await;
    world.driver.restart();
    world.driver.traffic(&name, 7_000);
    until("usage goes on", async || world.used(service).await == 12_000).await;
    world.bench.kill(NAME).await;
    world.compared().await;
    assert_eq!(world.used(service).await, 12_000);
    assert_eq!(world.driver.changes().len(), 1, "the key was never put again");
}

#[tokio::test]
async fn fault_09_usage_up_to_the_removal_of_a_key_counts() {
    for product in BOTH {
        let world = World::with(product, |limits| limits.reconcile_every = Duration::from_secs(3_600)).await;
        world.start().await;
        until("the server answers", async || world.up()).await;
        let (service, name) = world.active(ANA).await;
        world.driver.traffic(&name, 15);
        world.accept(ANA, Effect::OfferRevoke(service)).await;
        until("the key is gone", async || world.driver.standing(&name) == Absent).await;
        let over = "SELECT count(*) AS n FROM access_keys WHERE removed_at IS NOT NULL";
        until("its row is over", async || world.bench.db.number(over).await == 1).await;
        assert_eq!(world.used(service).await, 15);
    }
}

#[tokio::test]
async fn fault_10_a_key_of_ours_removed_or_changed_by_hand_comes_back_and_a_foreign_one_is_reported_and_left() {
    for product in BOTH {
        let world = World::new(product).await;
        world.start().await;
        let (_, name) = world.active(ANA).await;
        let secret = world.driver.secret(&name);
        world.driver.put_by_hand("foreign", other());
        world.driver.remove_by_hand(&name);
        until("ours is back", async || world.driver.standing(&name) == Open).await;
        until("the admin is told", async || world.alerts_told() == [false]).await;
        world.driver.put_by_hand(&name, other());
        until("ours has its secret again", async || world.driver.secret(&name) == secret).await;
        world.driver.turn_by_hand(&name, Closed);
        until("ours is open again", async || world.driver.standing(&name) == Open).await;
        world.compared().await;
        assert_eq!(world.driver.secret("foreign"), Some(other()));
        let id = world.id();
        let foreign = format!("SELECT foreign_peers::bigint AS n FROM nodes WHERE id = {id}");
        assert_eq!(world.bench.db.number(&foreign).await, 1);
        world.driver.remove_by_hand("foreign");
        until("the admin is told of the end", async || world.alerts_told() == [false, true]).await;
    }
}

#[tokio::test]
async fn fault_10_on_a_server_that_is_ours_alone_foreign_keys_are_removed() {
    let mut world = World::new(Product::Mtproto).await;
    world.node.spec.exclusive = true;
    world.start().await;
    let (_, name) = world.active(ANA).await;
    world.driver.put_by_hand("foreign", other());
    until("it is gone", async || world.driver.standing("foreign") == Absent).await;
    assert_eq!(world.driver.standing(&name), Open);
}

#[tokio::test]
async fn fault_10_a_name_that_somebody_elses_key_has_is_left_to_them_and_the_service_gets_another() {
    for product in BOTH {
        let world = World::new(product).await;
        let (service, key) = world.pending(ANA).await;
        world.driver.put_by_hand(&key.name, other());
        world.start().await;
        until("the service works", async || world.bench.status(service).await == "active").await;
        let now = world.key(service).await;
        assert_ne!(now.name, key.name);
        assert_eq!(now.secret, key.secret, "its owner's link stays as it is");
        assert_eq!(world.driver.secret(&now.name), key.secret);
        assert_eq!(world.driver.secret(&key.name), Some(other()));
        // The same without a reading of the server before.
        let (service, key) = world.pending(BEA).await;
        world.driver.put_by_hand(&key.name, other());
        world.nudge();
        until("the service works", async || world.bench.status(service).await == "active").await;
        assert_eq!(world.driver.secret(&key.name), Some(other()));
    }
}

#[tokio::test]
async fn fault_11_when_one_key_is_removed_the_others_are_not_touched() {
    let world = World::new(Product::Mtproto).await;
    world.start().await;
    let mut others = Vec::new();
    for user in 100..105 {
        others.push(world.active(UserId(user)).await.1);
    }
    let (service, name) = world.active(ANA).await;
    let before = world.driver.changes().len();
    world.accept(ANA, Effect::OfferRevoke(service)).await;
    until("the key is gone", async || world.driver.standing(&name) == Absent).await;
    world.compared().await;
    assert_eq!(world.driver.changes()[before..], [KeyChange::Removed(name)]);
    assert!(others.iter().all(|other| world.driver.standing(other) == Open));
}

#[tokio::test]
async fn fault_11_a_new_start_of_the_actor_touches_no_key() {
    let world = World::new(Product::Outline).await;
    world.start().await;
    world.active(ANA).await;
    world.active(BEA).await;
    let before = world.driver.changes();
    world.bench.kill(NAME).await;
    until("it is back", async || world.bench.restarts(NAME).await == 1).await;
    world.compared().await;
    world.bench.panic(NAME);
    until("it is back again", async || world.bench.restarts(NAME).await == 2).await;
    world.compared().await;
    assert_eq!(world.driver.changes(), before);
}

#[tokio::test]
async fn fault_12_many_keys_that_end_in_the_same_minute_are_all_closed_and_every_owner_told_once() {
    const MANY: i64 = 60;
    let world = with_sweeper(Product::Mtproto).await;
    let mut services = Vec::new();
    for user in 100..100 + MANY {
        services.push(world.pending(UserId(user)).await.0);
    }
    world.nudge();
    let with = async |status: &str| {
        world.bench.db.number(&format!("SELECT count(*) AS n FROM services WHERE status = '{status}'")).await
    };
    until("all work", async || with("active").await == MANY).await;
    world.bench.pass(days(Product::Mtproto) * DAY);
    swept(&world);
    until("all ended", async || with("suspended").await == MANY).await;
    until("all are closed", async || world.driver.on_it().iter().all(|(_, standing)| *standing == Closed)).await;
    until("everybody is told", async || {
        (100..).zip(&services).all(|(user, service)| world.told(UserId(user), &Body::Ended { service: *service }) == 1)
    })
    .await;
    assert_eq!(world.driver.most_under_way(), 1);
}

#[tokio::test]
async fn fault_12_ten_thousand_keys_that_end_in_one_minute_are_closed_in_batches_and_every_owner_told_once() {
    const MANY: u32 = 10_000;
    let world = World::with(Product::Mtproto, |limits| {
        limits.sweep_every = Duration::from_secs(3_600);
        limits.sweep_batch_max = 500;
        limits.outbox_memory_max = 1_000;
        limits.reconcile_every = crate::limits::Limits::default().reconcile_every;
    })
    .await;
    let bench = &world.bench;
    for (name, secret) in bench.db.seed_many_keys(&world.node, MANY, bench.now()).await {
        world.driver.put_by_hand(&name, secret);
    }
    world.start().await;
    bench.start([sweeper::spec(&bench.duty)]).await;
    until("the server answers", async || world.up()).await;
    bench.pass(60);
    swept(&world);
    let ended = "SELECT count(*) AS n FROM services WHERE status = 'suspended'";
    until("all ended", async || bench.db.number(ended).await == i64::from(MANY)).await;
    let closed = || world.driver.on_it().iter().filter(|(_, standing)| *standing == Closed).count();
    for part in (2_000..=MANY as usize).step_by(2_000) {
        until(&format!("{part} are closed"), async || closed() >= part).await;
    }
    let unsent = "SELECT count(*) AS n FROM outbox WHERE sent_at IS NULL";
    until("everybody is told", async || bench.db.number(unsent).await == 0).await;
    let believed = "SELECT count(*) AS n FROM access_keys WHERE applied = 'closed'";
    until("and believed closed", async || bench.db.number(believed).await == i64::from(MANY)).await;
    let told = bench.messenger.taken().into_iter().map(|taken| taken.message.chat).collect::<Vec<_>>();
    assert_eq!(told.len(), MANY as usize);
    assert_eq!(told.iter().collect::<std::collections::HashSet<_>>().len(), MANY as usize, "each once");
    assert_eq!(world.driver.most_under_way(), 1);
}

#[tokio::test]
async fn fault_13_a_key_ends_once_however_the_clock_jumps_and_comes_back_with_its_secret_when_renewed_in_its_grace() {
    let product = Product::Mtproto;
    let world = with_sweeper(product).await;
    let (service, name) = world.active(ANA).await;
    let secret = world.driver.secret(&name);
    world.bench.pass(days(product) * DAY + 5);
    swept(&world);
    until("it is closed", async || world.driver.standing(&name) == Closed).await;
    world.bench.pass(-3_600);
    swept(&world);
    world.bench.pass(3_600);
    swept(&world);
    world.compared().await;
    let ended = Body::Ended { service };
    until("the owner is told", async || world.told(ANA, &ended) == 1).await;
    world.accept(ANA, Effect::OfferRenew(service)).await;
    until("it works again", async || world.bench.status(service).await == "active").await;
    until("with its key", async || world.driver.standing(&name) == Open).await;
    assert_eq!((world.driver.secret(&name), world.told(ANA, &ended)), (secret, 1));
}

#[tokio::test]
async fn fault_13_after_its_grace_a_key_is_gone_for_good() {
    for product in BOTH {
        let world = with_sweeper(product).await;
        let (service, name) = world.active(ANA).await;
        world.bench.pass(days(product) * DAY);
        swept(&world);
        until("it is closed", async || world.key(service).await.applied == Closed).await;
        world.bench.pass(48 * 3_600);
        swept(&world);
        until("it is over", async || world.bench.status(service).await == "expired").await;
        let over = "SELECT count(*) AS n FROM access_keys WHERE removed_at IS NOT NULL";
        until("its row is over", async || world.bench.db.number(over).await == 1).await;
        assert_eq!((world.driver.standing(&name), world.driver.on_it().len()), (Absent, 0));
    }
}

#[tokio::test]
async fn fault_14_a_database_that_is_away_is_no_fault_of_the_server() {
    let world = World::new(Product::Mtproto).await;
    world.start().await;
    until("the server answers", async || world.up()).await;
    let (service, _) = world.pending(ANA).await;
    let lock = world.bench.lock("access_keys").await;
    world.nudge();
    lock.is_waited_for().await;
    assert!(world.up());
    lock.release().await;
    until("the service works", async || world.bench.status(service).await == "active").await;
}

#[tokio::test]
async fn fault_33_when_another_process_leads_it_changes_nothing_more() {
    let world = World::new(Product::Mtproto).await;
    let duty = &world.bench.duty;
    // Alone, so that nobody else says that the lead is lost.
    world.bench.start([spec(duty, &world.node, world.driver.clone())]).await;
    until("the server answers", async || world.up()).await;
    let lost = world.bench.lost_lead().await;
    world.bench.db.execute("UPDATE leader_lease SET epoch = epoch + 1").await;
    until("it says so", async || *lost.borrow() == Some(duty.epoch)).await;
    let last = world.driver.calls();
    let place = world.bench.env.directory.node(world.id()).unwrap();
    world.nudge();
    place.slot.tell(NodeMsg::Tick);
    until("the messages are taken", async || place.slot.depth() == 0).await;
    world.bench.stop(NAME).await;
    assert_eq!(world.driver.calls(), last);
}
