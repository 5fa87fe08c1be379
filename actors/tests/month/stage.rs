//! The program on its stage: a real database, simulated servers, a clock that is moved by hand.

use crate::telegram::Telegram;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use usipipo_actors::domain::plan::{PlanKind, PlanSpec};
use usipipo_actors::domain::service::{Product, Purpose};
use usipipo_actors::model::{KeyNodeSpec, NodeSpec, PoolSpec};
use usipipo_actors::node::NodeMsg;
use usipipo_actors::ports::clock::Clock;
use usipipo_actors::ports::driver::DriverError;
use usipipo_actors::storage::testing::Reader;
use usipipo_actors::system::{KeyNodePart, NodePart, System, SystemParts};
use usipipo_actors::testing::clock::FakeClock;
use usipipo_actors::testing::driver::FakeDriver;
use usipipo_actors::testing::key_driver::FakeKeyDriver;
use usipipo_actors::testing::system::{World, key_node_spec, leads, node_spec};
use usipipo_actors::testing::until;

/// Longest wait for a level; a debug build beside other work is slow.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a level is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// How often the servers' actors are stirred while a level is waited for.
const STIR_EVERY: Duration = Duration::from_millis(150);
/// Which part of what is undone the messages are.
const MESSAGES: usize = 1;
/// Somebody who waits longer for a server is told so.
pub(crate) const TELL_WAITING_AFTER: Duration = Duration::from_secs(1_800);

/// A server of either sort.
#[derive(Clone)]
pub(crate) enum Server {
    Tunnels(Arc<FakeDriver>),
    Keys(Arc<FakeKeyDriver>, Product),
}

impl Server {
    /// Every call fails, or none.
    pub(crate) fn fail(&self, away: bool) {
        let failure = away.then(|| DriverError::Unavailable("the server is away".to_owned()));
        match self {
            Self::Tunnels(driver) => driver.fail(failure),
            Self::Keys(driver, _) => driver.fail(failure),
        }
    }

    /// It loses what it has, counters included.
    pub(crate) fn forget(&self) {
        match self {
            Self::Tunnels(driver) => driver.restart(),
            Self::Keys(driver, _) => driver.forget(),
        }
    }
}

pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) telegram: Arc<Telegram>,
    pub(crate) servers: BTreeMap<String, Server>,
    /// Servers that do not answer now.
    pub(crate) away: BTreeSet<String>,
    pub(crate) system: System,
    pub(crate) reader: Reader,
    tunnels: Vec<NodeSpec>,
    keys: Vec<KeyNodeSpec>,
    holder: String,
}

fn madrid() -> NodeSpec {
    let pool = |purpose, v4: &str| PoolSpec { purpose, v4: Some(v4.parse().unwrap()), v6: None };
    NodeSpec {
        name: "madrid".to_owned(),
        place: "Madrid".to_owned(),
        country: "ES".to_owned(),
        endpoint: "madrid.example.org:51820".to_owned(),
        // Small enough to be full at times.
        pools: vec![pool(Purpose::Trial, "10.70.0.0/26"), pool(Purpose::Paid, "10.71.0.0/25")],
        ..node_spec()
    }
}

fn key_node(name: &str, product: Product, capacity: u32) -> KeyNodeSpec {
    KeyNodeSpec { capacity, ..key_node_spec(name, product) }
}

/// Plans short enough that a month sees several periods of them, some with little traffic.
pub(crate) fn plans() -> Vec<PlanSpec> {
    const MB: u64 = 1_000_000;
    let plan = |code: &str, product, kind, days, quota: Option<u64>| PlanSpec {
        code: code.to_owned(),
        product,
        kind,
        days,
        price_cents: if kind == PlanKind::Paid { 100 } else { 0 },
        quota_bytes: quota.map(|quota| quota * MB),
        devices: (product == Product::Mtproto).then_some(5),
    };
    vec![
        plan("wg-trial", Product::Wireguard, PlanKind::Trial, 7, Some(5_000)),
        plan("wg-free", Product::Wireguard, PlanKind::Free, 4, Some(1_500)),
        plan("wg-week", Product::Wireguard, PlanKind::Paid, 7, Some(20_000)),
        plan("wg-1m", Product::Wireguard, PlanKind::Paid, 30, None),
        plan("outline-trial", Product::Outline, PlanKind::Trial, 3, Some(2_000)),
        plan("outline-free", Product::Outline, PlanKind::Free, 5, Some(1_000)),
        plan("outline-1m", Product::Outline, PlanKind::Paid, 30, None),
        plan("mtproto-free", Product::Mtproto, PlanKind::Free, 6, Some(3_000)),
        plan("mtproto-1m", Product::Mtproto, PlanKind::Paid, 30, None),
    ]
}

fn parts(
    world: &World,
    clock: &Arc<FakeClock>,
    telegram: &Arc<Telegram>,
    servers: &BTreeMap<String, Server>,
    tunnels: &[NodeSpec],
    keys: &[KeyNodeSpec],
) -> SystemParts {
    let nodes = tunnels.iter().map(|spec| match &servers[&spec.name] {
        Server::Tunnels(driver) => NodePart { spec: spec.clone(), driver: Arc::clone(driver) as _ },
        Server::Keys(..) => unreachable!("a server of tunnels"),
    });
    let key_nodes = keys.iter().map(|spec| match &servers[&spec.name] {
        Server::Keys(driver, _) => KeyNodePart { spec: spec.clone(), driver: Arc::clone(driver) as _ },
        Server::Tunnels(_) => unreachable!("a server of keys"),
    });
    SystemParts {
        clock: Arc::clone(clock) as _,
        messenger: Arc::clone(telegram) as _,
        nodes: nodes.collect(),
        key_nodes: key_nodes.collect(),
        plans: plans(),
        ..world.parts()
    }
}

impl Stage {
    pub(crate) async fn open(start: DateTime<Utc>) -> Self {
        let mut world = World::new().await;
        let limits = &mut world.limits;
        limits.lease_ttl = Duration::from_secs(30);
        // The sweeper works when the clock is moved, and at no other time.
        limits.sweep_every = Duration::from_secs(3_600);
        limits.tell_waiting_after = TELL_WAITING_AFTER;
        limits.reconcile_every = Duration::from_secs(5);
        limits.stats_every = Duration::from_secs(5);
        limits.session_crashes_max = 1_000;
        // All updates are counted at the end, which may come a few hours after the thirty days for which they are kept.
        limits.delete_after = Duration::from_secs(366 * 86_400);
        let clock = Arc::new(FakeClock::at(start));
        let telegram = Arc::new(Telegram::new(&clock));
        let tunnels = vec![node_spec(), madrid()];
        let keys = vec![
            key_node("outline-1", Product::Outline, 400),
            key_node("outline-2", Product::Outline, 60),
            key_node("telemt-1", Product::Mtproto, 500),
            key_node("telemt-2", Product::Mtproto, 100),
        ];
        let mut servers: BTreeMap<String, Server> = BTreeMap::new();
        for spec in &tunnels {
            servers.insert(spec.name.clone(), Server::Tunnels(Arc::default()));
        }
        for spec in &keys {
            let driver = match spec.product {
                Product::Outline => FakeKeyDriver::outline(),
                Product::Mtproto | Product::Wireguard => FakeKeyDriver::telemt(),
            };
            let driver = driver.with_capacity(usize::try_from(spec.capacity).unwrap());
            servers.insert(spec.name.clone(), Server::Keys(Arc::new(driver), spec.product));
        }
        let parts = parts(&world, &clock, &telegram, &servers, &tunnels, &keys);
        let holder = parts.holder.clone();
        let system = System::start(parts).await.expect("the system starts");
        leads(&system).await;
        let reader = world.database.reader().await;
        Self { world, clock, telegram, servers, away: BTreeSet::new(), system, reader, tunnels, keys, holder }
    }

    /// The process dies in the middle of everything, and another one takes its place.
    pub(crate) async fn crash(&mut self) {
        self.system.crash().await;
        self.world.deaths.report(&self.holder);
        let parts = parts(&self.world, &self.clock, &self.telegram, &self.servers, &self.tunnels, &self.keys);
        self.holder = parts.holder.clone();
        self.system = System::start(parts).await.expect("the system starts");
        leads(&self.system).await;
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Has every server that answers compared.
    pub(crate) fn stir(&self) {
        for (_, place) in self.system.env().directory.all_nodes() {
            if !self.away.contains(&place.name) {
                place.slot.tell(NodeMsg::Tick);
            }
        }
    }

    /// Waits until a query gives nothing but zeros; it is shown when it does not.
    pub(crate) async fn becomes_zero(&mut self, what: &str, sql: &str) {
        self.becomes(what, sql, Self::stir, all_zero).await;
    }

    async fn becomes(&mut self, what: &str, sql: &str, stir: impl Fn(&Self), holds: impl Fn(&Self, &str) -> bool) {
        let begun = Instant::now();
        let mut stirred = Instant::now();
        loop {
            let left = self.reader.text(sql).await;
            if holds(self, &left) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}; left: {left}");
            if stirred.elapsed() > STIR_EVERY {
                stir(self);
                stirred = Instant::now();
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until every update is handled.
    async fn handled(&mut self) {
        until("Telegram's updates are taken", async || self.world.source.unconfirmed() == 0).await;
        self.becomes_zero("updates are handled", "SELECT count(*)::text AS t FROM inbox WHERE done_at IS NULL").await;
    }

    /// Waits until every update is handled, every message sent, and every server that answers has what it should.
    pub(crate) async fn settle(&mut self) {
        self.handled().await;
        let sql = self.undone("count(*)");
        self.becomes_zero("updates, messages, peers, keys are done", &sql).await;
    }

    /// Waits for the same, except that messages need not be marked as sent once Telegram has them: people do not wait for that.
    pub(crate) async fn answers(&mut self) {
        self.handled().await;
        let sql = self.undone("coalesce(string_agg(id::text, ','), '0')");
        let holds = |stage: &Self, left: &str| {
            let arrived = |row: &str| row == "0" || row.parse().is_ok_and(|row| stage.telegram.has(row));
            left.split(' ').enumerate().all(|(part, left)| match part {
                MESSAGES => left.split(',').all(arrived),
                _ => left == "0",
            })
        };
        self.becomes("people have their answers", &sql, Self::stir, holds).await;
    }

    /// What is left to do: updates, messages (seen as the caller wants), peers, keys.
    fn undone(&self, messages: &str) -> String {
        let away: Vec<String> = self.away.iter().map(|name| format!("'{name}'")).collect();
        let away = if away.is_empty() { "''".to_owned() } else { away.join(",") };
        format!(
            "SELECT concat_ws(' ',
                (SELECT count(*) FROM inbox WHERE done_at IS NULL),
                (SELECT {messages} FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL),
                (SELECT count(*) FROM peers p JOIN services s ON s.id = p.service_id JOIN nodes n ON n.id = p.node_id
                 WHERE p.removed_at IS NULL AND n.name NOT IN ({away})
                   AND (p.retired_at IS NOT NULL OR p.applied <> (s.status IN ('pending', 'active')))),
                (SELECT count(*) FROM access_keys k JOIN services s ON s.id = k.service_id JOIN nodes n ON n.id = k.node_id
                 WHERE k.removed_at IS NULL AND n.name NOT IN ({away})
                   AND (k.retired_at IS NOT NULL OR k.applied <> CASE WHEN s.status IN ('pending', 'active') THEN 'open'
                        WHEN s.status = 'suspended' THEN 'closed' ELSE 'absent' END))
             ) AS t"
        )
    }

    /// The clock shows another time: waits until everything that is due is done.
    pub(crate) async fn sweep(&mut self) {
        self.system.clock_moved();
        let now = self.now();
        let at = |time: DateTime<Utc>| format!("'{}'::timestamptz", time.to_rfc3339());
        let (grace, late) =
            (at(now - TimeDelta::hours(48)), at(now - TimeDelta::from_std(TELL_WAITING_AFTER).unwrap()));
        let now = at(now);
        let sql = format!(
            "SELECT concat_ws(' ',
                (SELECT count(*) FROM services WHERE status = 'active' AND (ends_at <= {now} OR remind_at <= {now})),
                (SELECT count(*) FROM services WHERE status = 'suspended' AND NOT reasons @> ARRAY['expiry'] AND ends_at <= {now}),
                (SELECT count(*) FROM services WHERE status = 'suspended' AND reasons @> ARRAY['expiry'] AND ends_at <= {grace}),
                (SELECT count(*) FROM leases l WHERE state = 'quarantined' AND quarantine_until <= {now} AND NOT EXISTS (
                    SELECT FROM peers p WHERE p.service_id = l.service_id AND p.node_id = l.node_id AND p.removed_at IS NULL)),
                (SELECT count(*) FROM held_notices WHERE due_at <= {now}),
                (SELECT count(*) FROM services WHERE status = 'pending' AND created_at < {late} AND late_told_at IS NULL)
             ) AS t"
        );
        let stir = |stage: &Self| stage.system.clock_moved();
        self.becomes("the sweeper is through", &sql, stir, all_zero).await;
        self.settle().await;
    }
}

fn all_zero(_: &Stage, left: &str) -> bool {
    left.split(' ').all(|part| part == "0")
}
