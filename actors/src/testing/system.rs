//! Builds whole systems on a test's database, with fakes for everything outside.
#![allow(clippy::expect_used, clippy::panic, reason = "only tests use this")]

use super::driver::FakeDriver;
use super::drivers::FakeDrivers;
use super::key_driver::FakeKeyDriver;
use super::liveness::FakeLiveness;
use super::messenger::FakeMessenger;
use super::parser::FakeParser;
use super::source::FakeSource;
use crate::leader::Role;
use crate::limits::Limits;
use crate::ports::clock::Clock;
use crate::ports::promotion::ByAdmin;
use crate::supervision::{ChildState, TreeNode};
use crate::system::{KeyNodePart, NodePart, System, SystemParts};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use usipipo_domain::callback::Button;
use usipipo_domain::ids::{ServiceId, UserId};
use usipipo_domain::outgoing::Body;
use usipipo_domain::plan::PlanSpec;
use usipipo_domain::screen::Screen;
use usipipo_domain::service::{Product, Purpose};
use usipipo_storage::model::{KeyAccess, KeyNodeSpec, NodeSpec, PoolSpec};
use usipipo_storage::testing::TestDatabase;

/// Longest wait of [`until`]; a machine that builds something else at the same time is slow.
pub const PATIENCE: Duration = Duration::from_secs(40);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(3);

/// Waits until something holds.
///
/// # Panics
/// When it does not within [`PATIENCE`]; the text says what was waited for.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// A clock that runs like the machine's from noon on 2026-01-01 (UTC), and can be moved.
#[derive(Debug)]
pub struct RunningClock {
    begun: Instant,
    moved_micros: AtomicI64,
}

impl Default for RunningClock {
    fn default() -> Self {
        Self { begun: Instant::now(), moved_micros: AtomicI64::new(1_767_268_800_000_000) }
    }
}

impl RunningClock {
    /// Moves it.
    pub fn advance(&self, by: TimeDelta) {
        self.moved_micros.fetch_add(by.num_microseconds().unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Clock for RunningClock {
    fn now(&self) -> DateTime<Utc> {
        let run = i64::try_from(self.begun.elapsed().as_micros()).unwrap_or(i64::MAX);
        let micros = self.moved_micros.load(Ordering::SeqCst).saturating_add(run);
        DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// The name of a [`World`]'s server.
pub const NODE: &str = "miami";
/// The superadmin of a [`World`].
pub const SUPERADMIN: UserId = UserId(1);

/// A database and everything outside, shared by all systems that are started on it.
pub struct World {
    /// The database.
    pub database: TestDatabase,
    /// The time.
    pub clock: Arc<RunningClock>,
    /// Telegram's sending half.
    pub messenger: Arc<FakeMessenger>,
    /// Telegram's receiving half.
    pub source: Arc<FakeSource>,
    /// The server, [`NODE`].
    pub driver: Arc<FakeDriver>,
    /// Servers of keys; none at first, see [`World::with_keys`].
    pub key_nodes: Vec<(KeyNodeSpec, Arc<FakeKeyDriver>)>,
    /// Servers of keys that are added later.
    pub drivers: Arc<FakeDrivers>,
    /// Bounds; change them before a start.
    pub limits: Limits,
    /// Systems poll; otherwise they wait for [`System::accept`].
    pub polls: bool,
    updates: AtomicI64,
    /// Which processes are known to be dead; systems are `process 1`, `process 2` … in the order of their [`World::parts`].
    pub deaths: Arc<FakeLiveness>,
    holders: AtomicI64,
}

impl World {
    /// With quick limits, polling.
    pub async fn new() -> Self {
        let ms = Duration::from_millis;
        let limits = Limits {
            lease_ttl: ms(3_000),
            lease_renew: ms(300),
            lease_look: ms(100),
            stop_timeout: ms(5_000),
            backoff_min: ms(5),
            backoff_max: ms(100),
            child_crashes_max: 1_000,
            reconcile_every: ms(500),
            sweep_every: ms(500),
            stats_every: ms(200),
            send_rate: None,
            ..Limits::default()
        };
        Self {
            database: TestDatabase::new().await,
            clock: Arc::default(),
            messenger: Arc::default(),
            source: Arc::default(),
            driver: Arc::default(),
            key_nodes: Vec::new(),
            drivers: Arc::default(),
            limits,
            polls: true,
            updates: AtomicI64::new(1),
            deaths: Arc::default(),
            holders: AtomicI64::new(1),
        }
    }

    /// The same with an Outline server, `outline-1`, and a telemt server, `telemt-1`.
    pub async fn with_keys() -> Self {
        let mut world = Self::new().await;
        world.key_nodes = vec![
            (key_node_spec("outline-1", Product::Outline), Arc::new(FakeKeyDriver::outline())),
            (key_node_spec("telemt-1", Product::Mtproto), Arc::new(FakeKeyDriver::telemt())),
        ];
        world
    }

    /// The driver of a server of keys.
    ///
    /// # Panics
    /// When there is none of this name.
    #[must_use]
    pub fn keys_of(&self, name: &str) -> &FakeKeyDriver {
        &self.key_nodes.iter().find(|(spec, _)| spec.name == name).expect("there is such a server").1
    }

    /// What a system on this world is made of.
    #[must_use]
    pub fn parts(&self) -> SystemParts {
        let holder = self.holders.fetch_add(1, Ordering::SeqCst);
        SystemParts {
            store: self.database.store(),
            clock: Arc::clone(&self.clock) as _,
            messenger: Arc::clone(&self.messenger) as _,
            parser: Arc::new(FakeParser),
            registrar: Arc::new(ByAdmin),
            source: self.polls.then(|| Arc::clone(&self.source) as _),
            nodes: vec![NodePart { spec: node_spec(), driver: Arc::clone(&self.driver) as _ }],
            key_nodes: self
                .key_nodes
                .iter()
                .map(|(spec, driver)| KeyNodePart { spec: spec.clone(), driver: Arc::clone(driver) as _ })
                .collect(),
            drivers: Arc::clone(&self.drivers) as _,
            plans: PlanSpec::defaults(),
            options: super::options(SUPERADMIN, self.limits.clone()),
            holder: format!("process {holder}"),
            liveness: Arc::clone(&self.deaths) as _,
        }
    }

    /// Starts a system.
    pub async fn start(&self) -> System {
        System::start(self.parts()).await.expect("the system starts")
    }

    /// Starts a system and waits until it leads and all its actors work.
    pub async fn lead(&self) -> System {
        let system = self.start().await;
        leads(&system).await;
        system
    }

    fn next_update(&self) -> i64 {
        self.updates.fetch_add(1, Ordering::SeqCst)
    }

    /// A text as it comes from Telegram.
    #[must_use]
    pub fn text(&self, user: UserId, text: &str) -> (i64, Vec<u8>) {
        let id = self.next_update();
        (id, json!({"update_id": id, "from": user.0, "text": text}).to_string().into_bytes())
    }

    /// A press of a button as it comes from Telegram.
    #[must_use]
    pub fn pressed(&self, user: UserId, button: &Button, message: i32) -> (i64, Vec<u8>) {
        let id = self.next_update();
        let update = json!({
            "update_id": id, "from": user.0, "button": button.encode(), "message": message,
            "callback": format!("callback {id}"),
        });
        (id, update.to_string().into_bytes())
    }

    /// Any update with the fields of [`super::parser`], its id and sender set here.
    #[must_use]
    pub fn update(&self, user: UserId, mut fields: serde_json::Value) -> (i64, Vec<u8>) {
        let id = self.next_update();
        fields["update_id"] = id.into();
        fields["from"] = user.0.into();
        (id, fields.to_string().into_bytes())
    }

    /// The user sends a text, by polling.
    pub fn say(&self, user: UserId, text: &str) {
        let (id, raw) = self.text(user, text);
        self.source.push(id, raw);
    }

    /// The user presses a button, by polling.
    pub fn press(&self, user: UserId, button: &Button, message: i32) {
        let (id, raw) = self.pressed(user, button, message);
        self.source.push(id, raw);
    }

    /// Waits until the user was shown a screen that fits, and returns the last such one.
    pub async fn shown<T>(&self, what: &str, user: UserId, fits: impl Fn(&Screen) -> Option<T>) -> T {
        let mut found = None;
        until(&format!("{user} is shown {what}"), async || {
            found = self.messenger.screens(user).iter().rev().find_map(&fits);
            found.is_some()
        })
        .await;
        found.expect("it was waited for")
    }

    /// How often the user was shown the home screen.
    #[must_use]
    pub fn homes(&self, user: UserId) -> usize {
        self.messenger.screens(user).iter().filter(|screen| matches!(screen, Screen::Home { .. })).count()
    }

    /// A user who was never here says /start and is answered.
    pub async fn greet(&self, user: UserId) {
        self.say(user, "/start");
        self.shown("the home screen", user, |screen| matches!(screen, Screen::Home { .. }).then_some(())).await;
    }

    /// The user takes a trial and waits for the config file, by polling.
    pub async fn take_trial(&self, user: UserId) -> ServiceId {
        self.take_free(user, Product::Wireguard).await
    }

    /// The user takes the free plan of a product and waits for the thing itself, by polling.
    pub async fn take_free(&self, user: UserId, product: Product) -> ServiceId {
        self.press(user, &Button::TrialOf(product), 1);
        let offer = self
            .shown("the offer", user, |screen| match screen {
                Screen::TrialOffer { offer, product: of } if *of == product => Some(*offer),
                _ => None,
            })
            .await;
        let before = self.things_sent(user);
        self.press(user, &Button::Accept { offer }, 1);
        let mut sent = None;
        until(&format!("{user} gets it"), async || {
            sent = self.things_sent(user).into_iter().find(|service| !before.contains(service));
            sent.is_some()
        })
        .await;
        sent.expect("it was waited for")
    }

    /// Services whose config, key or link the user got, each as often as it was sent.
    #[must_use]
    pub fn things_sent(&self, user: UserId) -> Vec<ServiceId> {
        let things = self.messenger.to(user).into_iter().filter_map(|message| match message.content.body {
            Some(Body::ConfigFile { service }) => Some(service),
            _ => None,
        });
        things.collect()
    }

    /// Waits until the user got a config file.
    pub async fn config_sent(&self, user: UserId) -> ServiceId {
        let mut sent = None;
        until(&format!("{user} gets a config file"), async || {
            sent = self.messenger.to(user).into_iter().find_map(|message| match message.content.body {
                Some(Body::ConfigFile { service }) => Some(service),
                _ => None,
            });
            sent.is_some()
        })
        .await;
        sent.expect("it was waited for")
    }

    /// Messages that are not marked as sent or given up.
    pub async fn unsent(&self) -> i64 {
        self.database.number("SELECT count(*) AS n FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL").await
    }

    /// Waits until no update is left undone.
    pub async fn all_handled(&self) {
        until("all updates are handled", async || {
            self.source.unconfirmed() == 0
                && self.database.number("SELECT count(*) AS n FROM inbox WHERE done_at IS NULL").await == 0
        })
        .await;
    }
}

/// Waits until it leads and all its actors work.
pub async fn leads(system: &System) {
    until("it leads", async || matches!(system.role(), Role::Leader(_))).await;
    all_run(system).await;
}

/// Waits until every actor of the tree works.
pub async fn all_run(system: &System) {
    fn runs(node: &TreeNode) -> bool {
        node.state == ChildState::Running && node.children.iter().all(runs)
    }
    until("all actors work", async || {
        let tree = system.tree().await;
        runs(&tree) && tree.find("duty/stats").is_some()
    })
    .await;
}

/// A server of keys with room for 100.
#[must_use]
pub fn key_node_spec(name: &str, product: Product) -> KeyNodeSpec {
    let api_url = format!("https://{name}.example.org/api").into();
    KeyNodeSpec {
        name: name.to_owned(),
        place: "Frankfurt".to_owned(),
        country: "DE".to_owned(),
        product,
        capacity: 100,
        host: format!("{name}.example.org"),
        port: 443,
        domain: None,
        exclusive: false,
        access: match product {
            Product::Outline => KeyAccess::Outline { api_url, cert_sha256: "0".repeat(64) },
            Product::Mtproto | Product::Wireguard => KeyAccess::Telemt { api_url, auth_header: None },
        },
    }
}

/// A server with a trial pool of 253 addresses and IPv6, and a paid one.
#[must_use]
pub fn node_spec() -> NodeSpec {
    let pool = |purpose, v4: &str, v6: Option<&str>| PoolSpec {
        purpose,
        v4: Some(v4.parse().expect("a prefix")),
        v6: v6.map(|v6| v6.parse().expect("a prefix")),
    };
    NodeSpec {
        name: NODE.to_owned(),
        driver: "wireguard".to_owned(),
        mode: "auto".to_owned(),
        place: "Miami".to_owned(),
        country: "US".to_owned(),
        interface: "wg0".to_owned(),
        listen_port: 51_820,
        endpoint: "vpn.example.org:51820".to_owned(),
        dns: vec!["1.1.1.1".to_owned()],
        mtu: 1_420,
        exclusive: false,
        pools: vec![pool(Purpose::Trial, "10.66.0.0/24", Some("fd66::/64")), pool(Purpose::Paid, "10.67.0.0/24", None)],
    }
}
