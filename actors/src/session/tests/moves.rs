//! Services that move to another server, and keys that are changed.

use super::*;
use crate::ports::driver::{DriverError, DriverMode};
use crate::supervision::ChildSpec;
use crate::testing::driver::FakeDriver;
use crate::testing::key_driver::FakeKeyDriver;
use crate::{ip_pool, key_node, node};
use std::time::Duration;
use usipipo_domain::callback::Button;
use usipipo_domain::ids::{NodeId, OfferId, ServiceId};
use usipipo_domain::service::NodeState;
use usipipo_storage::model::{KeyNodeRow, KeyRow, KeyStanding};
use usipipo_storage::testing::SeededNode;

use KeyStanding::{Absent, Open};

const BOTH: [Product; 2] = [Product::Outline, Product::Mtproto];

/// Short comparisons, so that a server that was away is found soon.
async fn rig() -> Rig {
    Rig::new(|limits| limits.reconcile_every = Duration::from_millis(50)).await
}

/// Presses a button that proposes something, and waits for the offer.
async fn asked(rig: &Rig, button: &Button) -> OfferId {
    let offers = || -> Vec<OfferId> {
        let offer = |screen| match screen {
            Screen::TrialOffer { offer, .. } | Screen::AskMove { offer, .. } | Screen::AskRotate { offer, .. } => {
                Some(offer)
            }
            _ => None,
        };
        rig.messenger.screens(ANA).into_iter().filter_map(offer).collect()
    };
    let before = offers().len();
    rig.presses(ANA.0, &button.encode(), 3).await;
    until("an offer is made", async || offers().len() > before).await;
    offers().pop().unwrap()
}

async fn at(rig: &Rig, offer: OfferId, node: NodeId) {
    rig.presses(ANA.0, &Button::AcceptAt { offer, node }.encode(), 3).await;
}

/// Waits until Ana got the screen so often.
async fn seen(rig: &Rig, screen: &Screen, times: usize) {
    let seen = || rig.messenger.screens(ANA).iter().filter(|other| *other == screen).count();
    until(&format!("{screen:?} is seen {times} times"), async || seen() == times).await;
}

/// Waits until Ana was told so often that the service works, each time with the thing itself.
async fn told(rig: &Rig, service: ServiceId, times: usize) {
    seen(rig, &Screen::Ready { service }, times).await;
    let thing = Body::ConfigFile { service };
    let things =
        || rig.messenger.to(ANA).iter().filter(|message| message.content.body.as_ref() == Some(&thing)).count();
    until("the thing itself came", async || things() == times).await;
}

/// Ana's service works; what a change of server or key must not change.
async fn what_stays(rig: &Rig, service: ServiceId) -> String {
    let active = format!("SELECT count(*) AS n FROM services WHERE id = {service} AND status = 'active'");
    rig.becomes(&active, 1).await;
    let stays = "name || '|' || ends_at || '|' || activated_at || '|' || period || '|' || days || '|' || used_down";
    rig.db.text(&format!("SELECT {stays} AS t FROM services WHERE id = {service} AND user_id = {ANA}")).await
}

/// Ana gave it a name, used it, and time went by.
async fn lived_in(rig: &Rig, service: ServiceId) {
    rig.db.execute(&format!("UPDATE services SET name = 'Tablet', used_down = 77 WHERE id = {service}")).await;
    rig.clock.advance(chrono::TimeDelta::hours(5));
}

/// Drains a server just while somebody's step waits for its row: after the step was prepared, before it is committed.
async fn drain_during(rig: &Rig, node: NodeId, step: impl AsyncFnOnce()) {
    rig.db.execute("CREATE TABLE now_drained ()").await;
    let sql = format!(
        "SELECT 1 FROM nodes WHERE id = {node} FOR UPDATE;
         UPDATE nodes SET state = 'draining' WHERE id = {node};
         DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM now_drained) LOOP PERFORM pg_sleep(0.02); END LOOP; END $$;"
    );
    let db = Arc::clone(&rig.db);
    let draining = tokio::spawn(async move { db.execute(&sql).await });
    let count = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND";
    rig.becomes(&format!("{count} wait_event = 'PgSleep'"), 1).await;
    step().await;
    // The server's own actor may wait as well, to write how the server does.
    rig.becomes(&format!("{count} wait_event_type = 'Lock' AND query ~ 'FOR (NO KEY UPDATE|KEY SHARE)'"), 1).await;
    rig.db.execute("INSERT INTO now_drained DEFAULT VALUES").await;
    draining.await.unwrap();
}

/// Servers of keys under their actors.
struct Keys {
    rig: Rig,
    product: Product,
    rows: Vec<KeyNodeRow>,
    drivers: Vec<Arc<FakeKeyDriver>>,
}

impl Keys {
    async fn new(product: Product, names: &[&str]) -> Self {
        let rig = rig().await;
        let (mut rows, mut drivers, mut specs) = (Vec::new(), Vec::new(), Vec::new());
        for name in names {
            let row = rig.db.seed_key_node(name, product).await;
            let driver = if product == Product::Outline { FakeKeyDriver::outline() } else { FakeKeyDriver::telemt() };
            let driver = Arc::new(driver);
            specs.push(key_node::spec(&rig.duty, &row, driver.clone()));
            rows.push(row);
            drivers.push(driver);
        }
        rig.start_way_beside(specs).await;
        Self { rig, product, rows, drivers }
    }

    /// Ana takes a service on the first server.
    async fn begin(&self) -> ServiceId {
        let rig = &self.rig;
        let offer = asked(rig, &Button::TrialOf(self.product)).await;
        at(rig, offer, self.rows[0].id).await;
        rig.becomes("SELECT count(*) AS n FROM services WHERE user_id = 7", 1).await;
        ServiceId(rig.db.number("SELECT id AS n FROM services WHERE user_id = 7").await)
    }

    async fn working(&self) -> ServiceId {
        let service = self.begin().await;
        told(&self.rig, service, 1).await;
        service
    }

    /// A service's current key on a server.
    async fn key(&self, service: ServiceId, server: usize) -> Option<KeyRow> {
        let keys = self.rig.env.store.keys_of(self.rows[server].id).await.unwrap();
        keys.into_iter().find(|key| key.service == service && !key.retired)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_moves_to_the_server_that_was_chosen_and_its_old_one_dies() {
    for product in BOTH {
        let world = Keys::new(product, &["one", "two", "three"]).await;
        let rig = &world.rig;
        let service = world.working().await;
        lived_in(rig, service).await;
        let (old, before) = (world.key(service, 0).await.unwrap(), what_stays(rig, service).await);
        let offer = asked(rig, &Button::Move { service }).await;
        at(rig, offer, world.rows[2].id).await;
        until("the old key is dead", async || world.drivers[0].standing(&old.name) == Absent).await;
        told(rig, service, 2).await;
        let new = world.key(service, 2).await.unwrap();
        assert_eq!(world.drivers[2].on_it(), [(new.name.clone(), Open)]);
        assert_eq!(world.drivers[2].secret(&new.name), new.secret);
        assert_ne!(new.secret, old.secret);
        assert!(world.drivers[1].on_it().is_empty(), "it would have been as good");
        assert_eq!(what_stays(rig, service).await, before);
        assert!(before.starts_with("Tablet|"), "{before}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_key_is_another_one_on_the_same_server() {
    for product in BOTH {
        let world = Keys::new(product, &["one", "two"]).await;
        let rig = &world.rig;
        let service = world.working().await;
        lived_in(rig, service).await;
        let (old, before) = (world.key(service, 0).await.unwrap(), what_stays(rig, service).await);
        let offer = asked(rig, &Button::Rotate { service }).await;
        rig.presses(ANA.0, &Button::Accept { offer }.encode(), 3).await;
        until("the old key is dead", async || world.drivers[0].standing(&old.name) == Absent).await;
        told(rig, service, 2).await;
        let new = world.key(service, 0).await.unwrap();
        assert!(new.id != old.id && new.name != old.name && new.secret != old.secret);
        assert_eq!(world.drivers[0].on_it(), [(new.name.clone(), Open)]);
        assert_eq!(world.drivers[0].secret(&new.name), new.secret);
        assert!(world.drivers[1].on_it().is_empty());
        assert_eq!(what_stays(rig, service).await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_not_changed_again_before_its_owner_has_it() {
    let away = || Some(DriverError::Unavailable("connection refused".to_owned()));
    let world = Keys::new(Product::Mtproto, &["one"]).await;
    let (rig, driver) = (&world.rig, &world.drivers[0]);
    driver.fail(away());
    let service = world.begin().await;
    rig.presses(ANA.0, &Button::Rotate { service }.encode(), 3).await;
    seen(rig, &Screen::KeyOnItsWay { service }, 1).await;
    driver.fail(None);
    told(rig, service, 1).await;
    // Both are asked while nothing is on its way.
    let rotate = Button::Rotate { service };
    let offers = [asked(rig, &rotate).await, asked(rig, &rotate).await];
    driver.fail(away());
    for offer in offers {
        rig.presses(ANA.0, &Button::Accept { offer }.encode(), 3).await;
    }
    seen(rig, &Screen::KeyOnItsWay { service }, 2).await;
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM access_keys").await, 2);
    driver.fail(None);
    told(rig, service, 2).await;
    rig.presses(ANA.0, &Button::Accept { offer: offers[1] }.encode(), 3).await;
    told(rig, service, 3).await;
    rig.becomes("SELECT count(*) AS n FROM access_keys WHERE removed_at IS NULL", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_does_not_move_to_a_server_that_is_full_or_drained_meanwhile_and_works_on() {
    let product = Product::Mtproto;
    let world = Keys::new(product, &["one", "two"]).await;
    let (rig, two) = (&world.rig, &world.rows[1]);
    let service = world.working().await;
    let old = world.key(service, 0).await.unwrap();
    let offer = asked(rig, &Button::Move { service }).await;
    rig.db.execute(&format!("UPDATE nodes SET capacity = 1 WHERE id = {}", two.id)).await;
    let now = crate::rig::now(rig);
    rig.db.seed_key_service(&rig.env.store, rig.duty.epoch, UserId(1_000), two, now).await;
    at(rig, offer, two.id).await;
    seen(rig, &Screen::TrialRefused { reason: TrialRefusal::PoolFull, product }, 1).await;
    rig.db.execute("UPDATE nodes SET capacity = 2").await;
    drain_during(rig, two.id, async || at(rig, offer, two.id).await).await;
    seen(rig, &Screen::TrialRefused { reason: TrialRefusal::NoNode, product }, 1).await;
    assert_eq!(world.drivers[0].standing(&old.name), Open);
    assert_eq!(world.key(service, 0).await.unwrap().id, old.id);
    assert!(world.key(service, 1).await.is_none());
    // The question is still there when the server is.
    rig.db.execute("UPDATE nodes SET state = 'active'").await;
    at(rig, offer, two.id).await;
    told(rig, service, 2).await;
    until("the old key is dead", async || world.drivers[0].standing(&old.name) == Absent).await;
}

/// WireGuard servers under their actors, with their pools.
struct Tunnels {
    rig: Rig,
    nodes: Vec<SeededNode>,
    drivers: Vec<Arc<FakeDriver>>,
}

impl Tunnels {
    /// Each with its prefix for trials.
    async fn new(servers: &[(&str, &str)]) -> Self {
        let rig = rig().await;
        let (mut nodes, mut drivers) = (Vec::new(), Vec::new());
        let mut specs: Vec<ChildSpec> = Vec::new();
        for (name, prefix) in servers {
            let seeded = rig.db.seed_node(name).await;
            rig.db.execute(&format!("UPDATE pools SET v4 = '{prefix}', v6 = NULL WHERE id = {}", seeded.trial)).await;
            let row = rig.env.store.node(seeded.node).await.unwrap().unwrap();
            let driver = Arc::new(FakeDriver::new(DriverMode::Userspace));
            specs.push(node::spec(&rig.duty, &row, driver.clone()));
            specs.extend((0..2).filter_map(|index| ip_pool::spec(&rig.duty, &row, index)));
            nodes.push(seeded);
            drivers.push(driver);
        }
        rig.start_way_beside(specs).await;
        Self { rig, nodes, drivers }
    }

    /// Ana takes her trial on the first server.
    async fn working(&self) -> ServiceId {
        let rig = &self.rig;
        let offer = asked(rig, &Button::TrialOf(Product::Wireguard)).await;
        at(rig, offer, self.nodes[0].node).await;
        rig.becomes("SELECT count(*) AS n FROM services WHERE user_id = 7", 1).await;
        let service = ServiceId(rig.db.number("SELECT id AS n FROM services WHERE user_id = 7").await);
        told(rig, service, 1).await;
        service
    }

    /// The keys that a server carries, with their addresses.
    fn on(&self, server: usize) -> Vec<(usipipo_domain::wg::PublicKey, String)> {
        let on_it = self.drivers[server].on_it();
        on_it.iter().map(|peer| (peer.public_key, format!("{:?}", peer.allowed_ips))).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_moves_to_the_server_that_was_chosen_and_its_old_key_dies() {
    let servers = [("one", "10.66.0.0/24"), ("two", "10.66.1.0/24"), ("three", "10.66.2.0/24")];
    let world = Tunnels::new(&servers).await;
    let rig = &world.rig;
    let service = world.working().await;
    lived_in(rig, service).await;
    let (old, before) = (world.on(0), what_stays(rig, service).await);
    assert!(old.len() == 1 && old[0].1.contains("10.66.0."), "{old:?}");
    let offer = asked(rig, &Button::Move { service }).await;
    at(rig, offer, world.nodes[2].node).await;
    until("the old key is dead", async || world.on(0).is_empty()).await;
    told(rig, service, 2).await;
    let new = world.on(2);
    assert!(new.len() == 1 && new[0].1.contains("10.66.2.") && new[0].0 != old[0].0, "{new:?}");
    assert!(world.on(1).is_empty(), "it would have been as good");
    assert_eq!(what_stays(rig, service).await, before);
    let leases = "SELECT string_agg(node_id || ' ' || state, ', ' ORDER BY id) AS t FROM leases";
    let expected = format!("{} quarantined, {} live", world.nodes[0].node, world.nodes[2].node);
    assert_eq!(rig.db.text(leases).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_does_not_move_to_a_server_that_is_full_or_drained_meanwhile_and_works_on() {
    let product = Product::Wireguard;
    // The second has a single address for a client.
    let world = Tunnels::new(&[("one", "10.66.0.0/24"), ("two", "10.66.1.0/30"), ("three", "10.66.2.0/24")]).await;
    let rig = &world.rig;
    let service = world.working().await;
    let old = world.on(0);
    let offer = asked(rig, &Button::Move { service }).await;
    rig.says(8, "/trial").await;
    let theirs = super::offer(rig, UserId(8), 1).await;
    let accept = Button::AcceptAt { offer: OfferId(theirs), node: world.nodes[1].node };
    rig.presses(8, &accept.encode(), 3).await;
    until("the last place is taken", async || world.on(1).len() == 1).await;
    at(rig, offer, world.nodes[1].node).await;
    seen(rig, &Screen::TrialRefused { reason: TrialRefusal::PoolFull, product }, 1).await;
    let three = world.nodes[2].node;
    drain_during(rig, three, async || at(rig, offer, three).await).await;
    seen(rig, &Screen::TrialRefused { reason: TrialRefusal::NoNode, product }, 1).await;
    assert_eq!(world.on(0), old);
    assert!(world.on(2).is_empty());
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM leases WHERE state = 'live'").await, 2);
    // The question is still there when the server is.
    rig.db.execute("UPDATE nodes SET state = 'active'").await;
    let place = rig.env.directory.node(three).unwrap();
    until("its actor knows", async || place.state() == NodeState::Active).await;
    at(rig, offer, three).await;
    told(rig, service, 2).await;
    until("the old key is dead", async || world.on(0).is_empty()).await;
}
