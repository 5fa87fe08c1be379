#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{NodeMsg, spec};
use crate::fixture::{ADMIN, ANA, BEA, Bench, at};
use crate::ports::driver::{DriverError, DriverMode};
use crate::testing::driver::{Change, FakeDriver};
use crate::testing::until;
use crate::{alerts, outbox, sweeper};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use usipipo_domain::dialogue::{Act, Effect};
use usipipo_domain::ids::{ServiceId, UserId};
use usipipo_domain::outgoing::Body;
use usipipo_domain::screen::Screen;
use usipipo_domain::wg::{PeerSpec, PublicKey};

mod config_only;

const NAME: &str = "node/miami";

/// A bench with a server under an actor, the outbox and alerts.
struct World {
    bench: Bench,
    driver: Arc<FakeDriver>,
}

impl World {
    async fn new() -> Self {
        Self::with(DriverMode::Userspace, |_| {}).await
    }

    async fn with(mode: DriverMode, limits: impl FnOnce(&mut crate::limits::Limits)) -> Self {
        let bench = Bench::with(
            |bounds| {
                bounds.reconcile_every = Duration::from_millis(50);
                bounds.node_down_after = Duration::from_millis(300);
                bounds.send_rate = None;
                limits(bounds);
            },
            |_| {},
        )
        .await;
        Self { bench, driver: Arc::new(FakeDriver::new(mode)) }
    }

    async fn start(&self) {
        let duty = &self.bench.duty;
        let row = self.bench.store.node(self.bench.node.node).await.unwrap().unwrap();
        self.bench.start([alerts::spec(duty), outbox::spec(duty), spec(duty, &row, self.driver.clone())]).await;
    }

    fn nudge(&self) {
        self.bench.env.directory.wake_nodes(&[self.bench.node.node]);
    }

    /// A pending trial; the server's actor is not told.
    async fn trial(&self, user: UserId, host: u8) -> (ServiceId, PublicKey) {
        let (service, peer) = self.bench.trial(user, host).await;
        (service, peer.public_key)
    }

    async fn active(&self, user: UserId, host: u8) -> (ServiceId, PublicKey) {
        let (service, key) = self.trial(user, host).await;
        self.nudge();
        until("the service works", async || self.bench.status(service).await == "active").await;
        (service, key)
    }

    /// Waits for a whole comparison that begins after now.
    async fn compared(&self) {
        let reads = self.driver.reads();
        until("the server was compared twice", async || self.driver.reads() >= reads + 3).await;
    }

    async fn revoke(&self, user: UserId, service: ServiceId) {
        let bench = &self.bench;
        let act = async |effect| {
            let act = Act::Do(effect);
            bench.db.act(&bench.store, bench.duty.epoch, user, act, |_| {}, bench.now()).await.unwrap()
        };
        let asked = act(Effect::OfferRevoke(service)).await;
        let Some(Screen::AskRevoke { offer, .. }) = usipipo_storage::testing::screen(&asked).cloned() else {
            panic!("{asked:?}")
        };
        act(Effect::Accept { offer, own_key: None, node: None }).await;
    }

    async fn used(&self, service: ServiceId) -> (i64, i64) {
        let number = |column| format!("SELECT {column} AS n FROM services WHERE id = {service}");
        (self.bench.db.number(&number("used_up")).await, self.bench.db.number(&number("used_down")).await)
    }

    fn up(&self) -> bool {
        self.bench.env.directory.node(self.bench.node.node).unwrap().up.load(Ordering::Acquire)
    }

    fn alerts_told(&self) -> Vec<bool> {
        let resolved = |body| match body {
            Some(Body::Alert { resolved, .. }) => Some(resolved),
            _ => None,
        };
        self.bench.messenger.to(ADMIN).into_iter().filter_map(|message| resolved(message.content.body)).collect()
    }
}

fn away() -> Option<DriverError> {
    Some(DriverError::Unavailable("connection refused".to_owned()))
}

fn foreign(number: u8) -> PeerSpec {
    PeerSpec {
        public_key: PublicKey::from_bytes([number; 32]),
        preshared_key: None,
        allowed_ips: vec![format!("10.66.0.{number}/32").parse().unwrap()],
    }
}

#[tokio::test]
async fn a_nudge_puts_the_key_and_its_owner_gets_screen_and_file() {
    let world = World::with(DriverMode::Userspace, |limits| limits.reconcile_every = Duration::from_secs(3600)).await;
    world.start().await;
    until("the server answers", async || world.up()).await;
    let (service, key) = world.active(ANA, 2).await;
    assert!(world.driver.carries(&key));
    let peer = world.bench.peer(service).await;
    assert_eq!(world.driver.preshared_key(&key), peer.preshared_key);
    let on_it = &world.driver.on_it()[0].allowed_ips;
    assert_eq!(on_it, &["10.66.0.2/32".parse().unwrap(), "fd66::2/128".parse().unwrap()]);
    until("the owner is told", async || {
        let bodies: Vec<_> =
            world.bench.messenger.to(ANA).into_iter().filter_map(|message| message.content.body).collect();
        bodies.ends_with(&[
            Body::Screen { screen: Screen::Ready { service }, place: usipipo_domain::outgoing::Place::Progress },
            Body::ConfigFile { service },
        ])
    })
    .await;
    let interface = world.driver.interface().unwrap();
    let addresses: Vec<_> = interface.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["10.66.0.1/24", "fd66::1/64", "10.67.0.1/24"]);
    assert_eq!((interface.name.as_str(), interface.listen_port, interface.mtu), ("wg0", 51820, 1420));
}

#[tokio::test]
async fn fault_08_while_the_server_is_away_the_buyer_is_told_once_and_gets_the_service_when_it_is_back() {
    let world = World::with(DriverMode::Userspace, |limits| {
        limits.tell_waiting_after = Duration::from_secs(20);
        limits.sweep_every = Duration::from_secs(3600);
    })
    .await;
    world.driver.fail(away());
    world.start().await;
    world.bench.start([sweeper::spec(&world.bench.duty)]).await;
    let (service, key) = world.trial(ANA, 2).await;
    world.nudge();
    until("the admin is told", async || world.alerts_told() == [false]).await;
    assert!(!world.up());
    assert_eq!(world.bench.db.number("SELECT count(*) AS n FROM nodes WHERE up OR down_since IS NULL").await, 0);
    world.bench.pass(21);
    for _ in 0..3 {
        world.bench.env.directory.sweeper.tell(sweeper::SweeperMsg::ClockMoved);
    }
    let waiting = || {
        let screens = world.bench.messenger.screens(ANA);
        screens.iter().filter(|screen| matches!(screen, Screen::Waiting { .. })).count()
    };
    until("the buyer is told", async || waiting() == 1).await;
    world.driver.fail(None);
    until("the service works", async || world.bench.status(service).await == "active").await;
    until("the buyer has it", async || world.bench.messenger.screens(ANA).last() == Some(&Screen::Ready { service }))
        .await;
    until("the admin is told of the end", async || world.alerts_told() == [false, true]).await;
    assert!(world.driver.carries(&key) && world.up());
    assert_eq!(waiting(), 1);
}

#[tokio::test]
async fn fault_09_a_server_that_forgot_its_peers_has_them_back_and_usage_is_neither_lost_nor_doubled() {
    for by_itself in [true, false] {
        let world = World::new().await;
        world.start().await;
        let (service, key) = world.active(ANA, 2).await;
        world.driver.traffic(&key, 1_000, 2_000, at(5));
        until("usage is recorded", async || world.used(service).await == (1_000, 2_000)).await;
        if by_itself {
            world.driver.restart()
        } else {
            world.driver.forget_peers()
        }
        until("the peer is back", async || world.driver.carries(&key)).await;
        world.driver.traffic(&key, 10, 20, at(9));
        until("usage goes on", async || world.used(service).await == (1_010, 2_020)).await;
        world.compared().await;
        assert_eq!(world.used(service).await, (1_010, 2_020));
        let handshake =
            format!("SELECT extract(epoch FROM last_handshake)::bigint AS n FROM services WHERE id = {service}");
        assert_eq!(world.bench.db.number(&handshake).await, at(9).timestamp());
    }
}

#[tokio::test]
async fn fault_09_usage_up_to_the_removal_of_a_key_counts() {
    let world = World::with(DriverMode::Userspace, |limits| limits.reconcile_every = Duration::from_secs(3600)).await;
    world.start().await;
    let (service, key) = world.active(ANA, 2).await;
    world.driver.traffic(&key, 7, 8, at(5));
    world.revoke(ANA, service).await;
    world.nudge();
    until("the key is gone", async || !world.driver.carries(&key)).await;
    until("its row is over", async || {
        world.bench.db.number("SELECT count(*) AS n FROM peers WHERE removed_at IS NOT NULL").await == 1
    })
    .await;
    assert_eq!(world.used(service).await, (7, 8));
}

#[tokio::test]
async fn fault_10_a_peer_of_ours_removed_by_hand_comes_back_and_a_foreign_one_is_reported_and_left() {
    let world = World::new().await;
    world.start().await;
    let (_, key) = world.active(ANA, 2).await;
    world.driver.put_by_hand(&foreign(99));
    world.driver.remove_by_hand(&key);
    until("ours is back", async || world.driver.carries(&key)).await;
    until("the admin is told", async || world.alerts_told() == [false]).await;
    world.compared().await;
    assert!(world.driver.carries(&foreign(99).public_key));
    assert!(!world.driver.changes().contains(&Change::Removed(foreign(99).public_key)));
    assert_eq!(world.bench.db.number("SELECT foreign_peers::bigint AS n FROM nodes").await, 1);
    world.driver.remove_by_hand(&foreign(99).public_key);
    until("the admin is told of the end", async || world.alerts_told() == [false, true]).await;
}

#[tokio::test]
async fn fault_10_on_a_server_that_is_ours_alone_foreign_peers_are_removed() {
    let world = World::new().await;
    world.bench.db.execute("UPDATE nodes SET exclusive = true").await;
    world.start().await;
    let (_, key) = world.active(ANA, 2).await;
    world.driver.put_by_hand(&foreign(99));
    until("it is gone", async || !world.driver.carries(&foreign(99).public_key)).await;
    assert!(world.driver.carries(&key));
}

#[tokio::test]
async fn fault_10_addresses_of_a_peer_changed_by_hand_are_put_right() {
    let world = World::new().await;
    world.start().await;
    let (service, key) = world.active(ANA, 2).await;
    world.driver.traffic(&key, 100, 200, at(1));
    // Somebody gives its address to another key: the prefix moves.
    world.driver.put_by_hand(&foreign(2));
    until("it has its addresses again", async || {
        world.driver.on_it().iter().any(|peer| peer.public_key == key && peer.allowed_ips.len() == 2)
    })
    .await;
    world.compared().await;
    assert_eq!(world.used(service).await, (100, 200));
}

#[tokio::test]
async fn fault_11_when_one_device_is_removed_the_others_are_not_touched() {
    let world = World::new().await;
    world.start().await;
    let mut others = Vec::new();
    for host in 3..8 {
        others.push(world.active(UserId(i64::from(host)), host).await.1);
    }
    let (service, key) = world.active(ANA, 2).await;
    let before = world.driver.changes().len();
    world.revoke(ANA, service).await;
    world.nudge();
    until("the key is gone", async || !world.driver.carries(&key)).await;
    world.compared().await;
    assert_eq!(world.driver.changes()[before..], [Change::Removed(key)]);
    assert!(others.iter().all(|other| world.driver.carries(other)));
}

#[tokio::test]
async fn fault_11_a_new_start_of_the_actor_touches_no_peer() {
    let world = World::new().await;
    world.start().await;
    world.active(ANA, 2).await;
    world.active(BEA, 3).await;
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
async fn a_service_that_used_up_its_traffic_is_taken_off_its_server_and_its_owner_told_once() {
    let world = World::new().await;
    world.start().await;
    let (service, key) = world.active(ANA, 2).await;
    let (_, other) = world.active(BEA, 3).await;
    let quota = usipipo_storage::testing::TRIAL_QUOTA;
    world.driver.traffic(&key, quota - 1, 0, at(5));
    world.compared().await;
    assert!(world.driver.carries(&key));
    world.driver.traffic(&key, 0, 1, at(6));
    until("it is off the server", async || !world.driver.carries(&key)).await;
    assert_eq!(world.bench.status(service).await, "suspended");
    let told = || {
        let messages = world.bench.messenger.to(ANA).into_iter();
        messages.filter(|message| message.content.body == Some(Body::OverQuota { service })).count()
    };
    until("its owner is told", async || told() == 1).await;
    world.compared().await;
    assert!(!world.driver.carries(&key) && world.driver.carries(&other));
    assert_eq!((told(), world.used(service).await), (1, (i64::try_from(quota).unwrap() - 1, 1)));
}

#[test]
fn an_allowance_is_enforced_within_two_minutes() {
    let limits = crate::limits::Limits::default();
    // One comparison records it: two calls. The look at the rows that follows takes it off: two more.
    assert!(limits.reconcile_every + 4 * limits.driver_timeout <= Duration::from_secs(120));
}

#[tokio::test]
async fn a_secret_that_cannot_be_opened_costs_one_service_and_admins_are_told_until_it_can_be() {
    let world = World::new().await;
    let ((bad, bad_key), (good, _)) = (world.trial(ANA, 2).await, world.trial(BEA, 3).await);
    let turn = async || {
        let turned = "set_byte(preshared_key, 40, get_byte(preshared_key, 40) # 1)";
        let sql = format!("UPDATE peers SET preshared_key = {turned} WHERE service_id = {bad}");
        world.bench.db.execute(&sql).await;
    };
    turn().await;
    world.start().await;
    until("the other works", async || world.bench.status(good).await == "active").await;
    until("the admin is told", async || world.alerts_told() == [false]).await;
    let key = format!("SELECT count(*) AS n FROM alerts WHERE key = 'secret_unreadable/{bad}' AND resolved_at IS NULL");
    assert_eq!(world.bench.db.number(&key).await, 1);
    world.compared().await;
    assert!(world.up() && !world.driver.carries(&bad_key));
    assert_eq!(world.bench.status(bad).await, "pending");
    // Mended while nobody looks: the next actor knows of the alert from its row.
    world.bench.stop(NAME).await;
    turn().await;
    let row = world.bench.store.node(world.bench.node.node).await.unwrap().unwrap();
    world.bench.start([spec(&world.bench.duty, &row, world.driver.clone())]).await;
    until("it works", async || world.bench.status(bad).await == "active").await;
    until("the admin is told of the end", async || world.alerts_told() == [false, true]).await;
    assert!(world.driver.carries(&bad_key));
}

#[tokio::test]
async fn after_a_panic_of_the_driver_it_starts_again_and_goes_on() {
    let world = World::new().await;
    world.start().await;
    until("the server answers", async || world.up()).await;
    world.driver.panic_next();
    until("it was started again", async || world.bench.restarts(NAME).await == 1).await;
    world.active(ANA, 2).await;
}

#[tokio::test]
async fn a_key_put_just_before_a_crash_is_found_and_not_put_again() {
    let world = World::new().await;
    let (service, peer) = world.bench.trial(ANA, 2).await;
    // What a predecessor had done before it could mark it.
    world.driver.put_by_hand(&super::plan::spec(&peer));
    world.driver.traffic(&peer.public_key, 40, 50, at(1));
    world.start().await;
    until("the service works", async || world.bench.status(service).await == "active").await;
    until("its usage counts", async || world.used(service).await == (40, 50)).await;
    world.compared().await;
    assert_eq!(world.driver.changes(), []);
    assert_eq!(world.used(service).await, (40, 50));
}

#[tokio::test]
async fn many_keys_are_put_in_batches_and_nudges_get_through() {
    let world = World::with(DriverMode::Userspace, |limits| limits.peer_batch_max = 3).await;
    let mut keys = Vec::new();
    for host in 2..22 {
        keys.push(world.trial(UserId(i64::from(host)), host).await.1);
    }
    world.start().await;
    until("all are on it", async || keys.iter().all(|key| world.driver.carries(key))).await;
    let active = "SELECT count(*) AS n FROM services WHERE status = 'active'";
    until("all work", async || world.bench.db.number(active).await == 20).await;
    world.compared().await;
    let puts = world.driver.changes();
    assert_eq!(puts.len(), 20, "each once: {puts:?}");
}

#[tokio::test]
async fn a_peer_that_the_server_refuses_stops_no_other() {
    let world = World::new().await;
    let (bad, bad_key) = world.trial(ANA, 2).await;
    let (good, _) = world.trial(BEA, 3).await;
    world.driver.refuse(bad_key);
    world.start().await;
    until("the other works", async || world.bench.status(good).await == "active").await;
    world.nudge();
    world.compared().await;
    assert_eq!(world.bench.status(bad).await, "pending");
    assert!(world.up());
}

#[tokio::test]
async fn a_server_that_hangs_counts_as_away() {
    let world = World::with(DriverMode::Userspace, |limits| limits.driver_timeout = Duration::from_millis(50)).await;
    world.driver.delay(Duration::from_secs(60));
    world.start().await;
    until("the admin is told", async || world.alerts_told() == [false]).await;
    let error = world.bench.db.text("SELECT error AS t FROM nodes").await;
    assert!(error.contains("does not answer"), "{error}");
    world.driver.delay(Duration::ZERO);
    until("it is back", async || world.up()).await;
}

#[tokio::test]
async fn what_the_machine_cannot_do_is_said_in_its_own_words() {
    let world = World::new().await;
    world.driver.fail(Some(DriverError::Unsupported("needs CAP_NET_ADMIN; run it as root".to_owned())));
    world.start().await;
    until("it is written", async || {
        world.bench.db.number("SELECT count(*) AS n FROM nodes WHERE error IS NOT NULL").await == 1
    })
    .await;
    assert_eq!(world.bench.db.text("SELECT error AS t FROM nodes").await, "needs CAP_NET_ADMIN; run it as root");
}

#[tokio::test]
async fn fault_14_a_database_that_is_away_is_no_fault_of_the_server() {
    let world = World::new().await;
    world.start().await;
    until("the server answers", async || world.up()).await;
    let (service, _) = world.trial(ANA, 2).await;
    let lock = world.bench.lock("peers").await;
    world.nudge();
    lock.is_waited_for().await;
    assert!(world.up());
    lock.release().await;
    until("the service works", async || world.bench.status(service).await == "active").await;
    assert!(world.up());
}

#[tokio::test]
async fn fault_33_when_another_process_leads_it_changes_nothing_more() {
    let world = World::new().await;
    let duty = &world.bench.duty;
    let row = world.bench.store.node(world.bench.node.node).await.unwrap().unwrap();
    // Alone, so that nobody else says that the lead is lost.
    world.bench.start([spec(duty, &row, world.driver.clone())]).await;
    until("the server answers", async || world.up()).await;
    let (_, peer) = world.bench.trial(ANA, 2).await;
    until("it is on it", async || world.driver.carries(&peer.public_key)).await;
    let place = world.bench.env.directory.node(world.bench.node.node).unwrap();
    let lost = world.bench.lost_lead().await;
    world.bench.db.execute("UPDATE leader_lease SET epoch = epoch + 1").await;
    // Its next write is refused; after that it reads nothing either.
    until("it says so", async || *lost.borrow() == Some(duty.epoch)).await;
    let last = world.driver.calls();
    place.slot.tell(NodeMsg::Tick);
    place.slot.tell(NodeMsg::Nudge);
    until("the messages are taken", async || place.slot.depth() == 0).await;
    // It ends after what it has in hand.
    world.bench.stop(NAME).await;
    assert_eq!(world.driver.calls(), last);
}
