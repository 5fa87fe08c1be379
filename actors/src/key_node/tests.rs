#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod edges;
mod faults;
mod settling;

use super::spec;
use crate::fixture::{ADMIN, ANA, BEA, Bench};
use crate::node::NodeMsg;
use crate::ports::driver::DriverError;
use crate::testing::key_driver::{FakeKeyDriver, KeyChange};
use crate::testing::until;
use crate::{alerts, outbox};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use usipipo_domain::access::KeySecret;
use usipipo_domain::dialogue::{Act, Effect};
use usipipo_domain::ids::{NodeId, ServiceId, UserId};
use usipipo_domain::outgoing::{Body, Place};
use usipipo_domain::screen::Screen;
use usipipo_domain::service::{NodeChange, Product};
use usipipo_storage::model::{KeyNodeRow, KeyRow, KeyStanding};

use KeyStanding::{Absent, Closed, Open};

const NAME: &str = "key_node/one";
const GB: u64 = 1_000_000_000;

/// A bench with a server of keys under an actor, the outbox and alerts.
struct World {
    bench: Bench,
    driver: Arc<FakeKeyDriver>,
    node: KeyNodeRow,
}

impl World {
    async fn new(product: Product) -> Self {
        Self::with(product, |_| {}).await
    }

    async fn with(product: Product, limits: impl FnOnce(&mut crate::limits::Limits)) -> Self {
        let driver = if product == Product::Outline { FakeKeyDriver::outline() } else { FakeKeyDriver::telemt() };
        Self::on(product, driver, limits).await
    }

    async fn on(product: Product, driver: FakeKeyDriver, limits: impl FnOnce(&mut crate::limits::Limits)) -> Self {
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
        let node = bench.db.seed_key_node("one", product).await;
        Self { bench, driver: Arc::new(driver), node }
    }

    async fn start(&self) {
        let duty = &self.bench.duty;
        self.bench.start([alerts::spec(duty), outbox::spec(duty), spec(duty, &self.node, self.driver.clone())]).await;
    }

    fn id(&self) -> NodeId {
        self.node.id
    }

    fn nudge(&self) {
        self.bench.env.directory.wake_nodes(&[self.id()]);
    }

    /// A pending service; the server's actor is not told.
    async fn pending(&self, user: UserId) -> (ServiceId, KeyRow) {
        let bench = &self.bench;
        let service = bench.db.seed_key_service(&bench.store, bench.duty.epoch, user, &self.node, bench.now()).await;
        (service, self.key(service).await)
    }

    async fn active(&self, user: UserId) -> (ServiceId, String) {
        let (service, key) = self.pending(user).await;
        self.nudge();
        until("the service works", async || self.bench.status(service).await == "active").await;
        (service, key.name)
    }

    /// The newest key of a service that is not over.
    async fn key(&self, service: ServiceId) -> KeyRow {
        let keys = self.bench.store.keys_of(self.id()).await.unwrap();
        keys.into_iter().filter(|key| key.service == service).max_by_key(|key| key.id).expect("it has a key")
    }

    /// Waits for a whole comparison that begins after now.
    async fn compared(&self) {
        let surveys = self.driver.surveys();
        until("the server was compared twice", async || self.driver.surveys() >= surveys + 3).await;
    }

    async fn accept(&self, user: UserId, effect: Effect) {
        let bench = &self.bench;
        let act = async |effect| {
            let act = Act::Do(effect);
            bench.db.act(&bench.store, bench.duty.epoch, user, act, |_| {}, bench.now()).await.unwrap()
        };
        let asked = act(effect).await;
        let offer = match usipipo_storage::testing::screen(&asked) {
            Some(Screen::AskRevoke { offer, .. } | Screen::AskRenew { offer, .. }) => *offer,
            other => panic!("{other:?}"),
        };
        act(Effect::Accept { offer, own_key: None, node: None }).await;
        self.nudge();
    }

    async fn change(&self, change: NodeChange) {
        let (bench, node) = (&self.bench, self.id());
        let act = Act::Do(Effect::ChangeNode { node, change });
        bench.db.act(&bench.store, bench.duty.epoch, ADMIN, act, |_| {}, bench.now()).await.unwrap();
        self.nudge();
    }

    async fn used(&self, service: ServiceId) -> i64 {
        let sum = format!("SELECT used_up + used_down AS n FROM services WHERE id = {service}");
        self.bench.db.number(&sum).await
    }

    fn up(&self) -> bool {
        self.bench.env.directory.node(self.id()).unwrap().up.load(Ordering::Acquire)
    }

    fn alerts_told(&self) -> Vec<bool> {
        let resolved = |body| match body {
            Some(Body::Alert { resolved, .. }) => Some(resolved),
            _ => None,
        };
        self.bench.messenger.to(ADMIN).into_iter().filter_map(|message| resolved(message.content.body)).collect()
    }

    async fn alert_is_open(&self, key: &str) -> bool {
        let sql = format!("SELECT count(*) AS n FROM alerts WHERE key = '{key}' AND resolved_at IS NULL");
        self.bench.db.number(&sql).await == 1
    }

    fn told(&self, user: UserId, body: &Body) -> usize {
        self.bench.messenger.to(user).into_iter().filter(|message| message.content.body.as_ref() == Some(body)).count()
    }
}

fn away() -> Option<DriverError> {
    Some(DriverError::Unavailable("connection refused".to_owned()))
}

fn other() -> KeySecret {
    KeySecret::mtproto([99; 16])
}

const BOTH: [Product; 2] = [Product::Outline, Product::Mtproto];

#[tokio::test]
async fn a_nudge_makes_the_key_without_reading_the_server_and_its_owner_gets_screen_and_key() {
    for product in BOTH {
        let world = World::with(product, |limits| limits.reconcile_every = Duration::from_secs(3600)).await;
        world.start().await;
        until("the server answers", async || world.up()).await;
        let (service, name) = world.active(ANA).await;
        assert_eq!(world.driver.on_it(), [(name.clone(), Open)]);
        let row = world.key(service).await;
        assert_eq!((world.driver.secret(&name), world.driver.devices(&name)), (row.secret, row.devices));
        until("the owner is told", async || {
            let bodies: Vec<_> =
                world.bench.messenger.to(ANA).into_iter().filter_map(|message| message.content.body).collect();
            bodies.ends_with(&[
                Body::Screen { screen: Screen::Ready { service }, place: Place::Progress },
                Body::ConfigFile { service },
            ])
        })
        .await;
        assert_eq!(world.driver.surveys(), 1);
    }
}

#[tokio::test]
async fn changes_are_made_one_after_the_other_whatever_is_asked_meanwhile() {
    let world = World::new(Product::Outline).await;
    world.driver.delay(Duration::from_millis(5));
    world.start().await;
    let mut services = Vec::new();
    for user in 100..120 {
        services.push(world.pending(UserId(user)).await.0);
        world.nudge();
    }
    let active = "SELECT count(*) AS n FROM services WHERE status = 'active'";
    until("all work", async || world.bench.db.number(active).await == 20).await;
    assert_eq!(world.driver.most_under_way(), 1);
    assert_eq!(world.driver.changes().len(), 20, "each was put once");
}

#[tokio::test]
async fn traffic_is_looked_at_in_the_middle_of_many_changes() {
    let world = World::with(Product::Mtproto, |limits| limits.key_batch_max = 4).await;
    world.driver.delay(Duration::from_millis(10));
    for user in 100..140 {
        world.pending(UserId(user)).await;
    }
    world.start().await;
    let active = "SELECT count(*) AS n FROM services WHERE status = 'active'";
    until("some work", async || world.bench.db.number(active).await > 4).await;
    let surveys = world.driver.surveys();
    until("the server was read again", async || world.driver.surveys() > surveys).await;
    assert!(world.bench.db.number(active).await < 40, "before the changes were made");
    until("all work", async || world.bench.db.number(active).await == 40).await;
    assert_eq!(world.driver.changes().len(), 40, "each was put once");
}

#[tokio::test]
async fn a_service_that_used_up_its_traffic_is_closed_and_its_owner_told_once() {
    let world = World::new(Product::Outline).await;
    world.start().await;
    let (service, name) = world.active(ANA).await;
    let (_, others) = world.active(BEA).await;
    world.driver.traffic(&name, 5 * GB - 1);
    world.compared().await;
    assert_eq!(world.driver.standing(&name), Open);
    world.driver.traffic(&name, 1);
    until("it is cut off", async || world.driver.standing(&name) == Absent).await;
    until("and believed so", async || world.key(service).await.applied == Closed).await;
    assert_eq!(world.bench.status(service).await, "suspended");
    let over = Body::OverQuota { service };
    until("its owner is told", async || world.told(ANA, &over) == 1).await;
    world.compared().await;
    assert_eq!((world.driver.standing(&name), world.driver.standing(&others)), (Absent, Open));
    assert_eq!(world.told(ANA, &over), 1);
    assert_eq!(world.used(service).await, i64::try_from(5 * GB).unwrap());
}

#[test]
fn an_allowance_is_enforced_within_two_minutes() {
    let limits = crate::limits::Limits::default();
    // One comparison records it: one call. The one that follows reads again and closes the key: two more. Before it one change
    // of another key may be under way.
    assert!(limits.reconcile_every + 4 * limits.key_call_timeout <= Duration::from_secs(120));
}

#[tokio::test]
async fn a_server_in_maintenance_alarms_nobody_and_one_that_is_active_again_does() {
    let world = World::new(Product::Mtproto).await;
    world.start().await;
    until("the server answers", async || world.up()).await;
    world.change(NodeChange::Maintain).await;
    let place = world.bench.env.directory.node(world.id()).unwrap();
    let state = usipipo_domain::service::NodeState::Maintenance;
    until("the actor knows", async || place.state() == state).await;
    world.driver.fail(away());
    until("it is down", async || !world.up()).await;
    let calls = world.driver.calls();
    until("it was down for long enough", async || world.driver.calls() > calls + 4).await;
    assert!(!world.alert_is_open("node_down/one").await);
    world.change(NodeChange::Activate).await;
    until("the alert is open", async || world.alert_is_open("node_down/one").await).await;
    world.driver.fail(None);
    until("it is over", async || !world.alert_is_open("node_down/one").await).await;
}

#[tokio::test]
async fn a_new_key_is_probed_and_probes_that_fail_in_a_row_raise_the_alert_until_one_succeeds() {
    let world = World::with(Product::Mtproto, |limits| limits.probe_every = Duration::from_millis(20)).await;
    world.start().await;
    let (_, _) = world.active(ANA).await;
    until("it was probed, again and again", async || world.driver.probes() > 3).await;
    let place = world.bench.env.directory.node(world.id()).unwrap();
    assert!(place.serves());
    assert!(!world.alert_is_open("probe_failing/one").await);
    world.driver.probes_end(Some(Ok(Some(false))));
    until("the alert is open", async || world.alert_is_open("probe_failing/one").await).await;
    assert!(world.up() && !place.serves());
    world.driver.probes_end(None);
    until("it is over", async || !world.alert_is_open("probe_failing/one").await).await;
    assert!(place.serves());
    until("the admin was told both", async || world.alerts_told() == [false, true]).await;
}

#[tokio::test]
async fn one_probe_that_fails_is_no_alarm() {
    let hour = Duration::from_secs(3_600);
    let world =
        World::with(Product::Mtproto, |limits| (limits.reconcile_every, limits.probe_every) = (hour, hour)).await;
    world.start().await;
    until("the server answers", async || world.up()).await;
    world.driver.probes_end(Some(Ok(Some(false))));
    world.active(ANA).await;
    until("its key was probed", async || world.driver.probes() == 1).await;
    world.driver.probes_end(None);
    world.active(BEA).await;
    until("the next probe began, after that one", async || world.driver.probes() == 2).await;
    // Alerts are noted in order: one that was raised before this one is in the table by then.
    world.driver.fail(away());
    world.bench.env.directory.node(world.id()).unwrap().slot.tell(NodeMsg::Tick);
    until("the server is down", async || world.alert_is_open("node_down/one").await).await;
    let noted = "SELECT count(*) AS n FROM alerts WHERE key = 'probe_failing/one'";
    assert_eq!(world.bench.db.number(noted).await, 0);
}

#[tokio::test]
async fn a_server_that_cannot_be_probed_is_left_alone() {
    let world = World::with(Product::Mtproto, |limits| limits.probe_every = Duration::from_millis(20)).await;
    world.start().await;
    world.active(ANA).await;
    let probes = world.driver.probes();
    until("it is probed", async || world.driver.probes() > probes).await;
    world.driver.probes_end(Some(Ok(None)));
    let probes = world.driver.probes();
    until("it was tried once more", async || world.driver.probes() > probes).await;
    let probes = world.driver.probes();
    world.compared().await;
    assert!(world.driver.probes() <= probes + 1);
    assert!(!world.alert_is_open("probe_failing/one").await);
}

#[tokio::test]
async fn what_one_key_is_refused_keeps_no_other_from_its_owner_and_is_tried_again() {
    let driver = FakeKeyDriver::outline().with_capacity(2);
    let world = World::on(Product::Outline, driver, |_| {}).await;
    world.start().await;
    world.driver.put_by_hand("7", other());
    let (_, first) = world.active(ANA).await;
    let (late, _) = world.pending(BEA).await;
    world.nudge();
    world.compared().await;
    assert!(world.up());
    assert_eq!(world.bench.status(late).await, "pending");
    assert_eq!(world.driver.standing(&first), Open);
    world.driver.remove_by_hand("7");
    until("there is room for it", async || world.bench.status(late).await == "active").await;
}

#[tokio::test]
async fn a_secret_that_cannot_be_opened_costs_one_service_and_admins_are_told_until_it_can_be() {
    let world = World::new(Product::Mtproto).await;
    let ((bad, key), (good, _)) = (world.pending(ANA).await, world.pending(BEA).await);
    let turn = async || {
        let turned = "set_byte(secret, 40, get_byte(secret, 40) # 1)";
        world.bench.db.execute(&format!("UPDATE access_keys SET secret = {turned} WHERE service_id = {bad}")).await;
    };
    turn().await;
    world.start().await;
    until("the other works", async || world.bench.status(good).await == "active").await;
    until("the admin is told", async || world.alerts_told() == [false]).await;
    world.compared().await;
    assert_eq!((world.driver.standing(&key.name), world.up()), (Absent, true));
    turn().await;
    until("it works", async || world.bench.status(bad).await == "active").await;
    until("the admin is told of the end", async || world.alerts_told() == [false, true]).await;
}

#[tokio::test]
async fn the_actor_comes_back_after_a_kill_a_panic_an_error_and_a_start_that_failed_and_goes_on() {
    use crate::supervision::Fault;
    let world = World::with(Product::Mtproto, |limits| limits.child_crashes_max = 100).await;
    world.start().await;
    until("the server answers", async || world.up()).await;
    let back = async |restarts: u64| {
        until("it was started again", async || world.bench.restarts(NAME).await >= restarts).await;
        world.active(UserId(1_000 + i64::try_from(restarts).unwrap())).await;
    };
    world.bench.kill(NAME).await;
    back(1).await;
    world.driver.panic_next();
    back(2).await;
    world.bench.env.directory.faults.plan(NAME, Fault::Error);
    world.nudge();
    back(3).await;
    world.bench.env.directory.faults.plan(NAME, Fault::Start);
    world.bench.kill(NAME).await;
    back(4).await;
    assert_eq!(world.driver.changes().len(), 4, "each key was put once");
}

/// What a server sees to by itself while nobody steers it.
#[tokio::test]
async fn the_server_knows_when_to_close_a_key_and_which_channel_its_users_see() {
    let world = World::new(Product::Mtproto).await;
    world.start().await;
    let (service, name) = world.active(ANA).await;
    let grace = world.bench.env.options.grace;
    let earliest = async || world.key(service).await.ends_at.unwrap() + grace;
    let put = world.driver.terms(&name).unwrap();
    assert!(put.expires_at.unwrap() >= earliest().await && put.ad_tag.is_none());
    let puts = || world.driver.changes().len();
    let before = puts();
    world.compared().await;
    assert_eq!(puts(), before, "what was put before it worked fits");

    world.accept(ANA, Effect::OfferRenew(service)).await;
    let renewed = earliest().await;
    assert!(renewed > put.expires_at.unwrap());
    let follows = async || world.driver.terms(&name).unwrap().expires_at.unwrap() >= renewed;
    until("the renewal reaches the server", follows).await;

    let tag = usipipo_domain::promotion::AdTag::parse("3f40462915a3e6026a4d790127b95ded").unwrap();
    let act = Act::Do(Effect::SetAdTag { node: world.id(), tags: vec![tag.clone()] });
    let bench = &world.bench;
    bench.db.act(&bench.store, bench.duty.epoch, BEA, act, |_| {}, bench.now()).await.unwrap();
    until("the tag reaches the server", async || world.driver.terms(&name).unwrap().ad_tag.as_ref() == Some(&tag))
        .await;
    assert_eq!(world.driver.standing(&name), Open);
}
