//! Parts of a tree on a database of their own, for tests of the update's way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::directory::Directory;
use crate::env::{Duty, Env};
use crate::inbox::InboxMsg;
use crate::limits::Limits;
use crate::ports::promotion::ByAdmin;
use crate::ports::updates::UpdateParser;
use crate::supervision::policy::Policy;
use crate::supervision::{ChildSpec, Supervisor, SupervisorArgs, SupervisorMsg};
use crate::testing::clock::FakeClock;
use crate::testing::messenger::FakeMessenger;
use crate::testing::parser::FakeParser;
use crate::testing::until;
use crate::{committer, inbox, ip_pool, outbox, router};
use ractor::{Actor, ActorCell, ActorRef};
use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use usipipo_domain::ids::UserId;
use usipipo_storage::testing::{SeededNode, TestDatabase};
use usipipo_storage::{Store, StoreError};

/// An admin, who gets alerts.
pub(crate) const ADMIN: UserId = UserId(1);

pub(crate) struct Rig {
    pub(crate) duty: Duty,
    pub(crate) env: Arc<Env>,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) messenger: Arc<FakeMessenger>,
    pub(crate) db: Arc<TestDatabase>,
    root: Mutex<Option<ActorRef<SupervisorMsg>>>,
    last_update: AtomicI64,
}

impl Rig {
    /// An environment that leads, with nothing running in it.
    pub(crate) async fn new(change: impl FnOnce(&mut Limits)) -> Self {
        Self::with(Arc::new(FakeParser), |_| {}, change).await
    }

    pub(crate) async fn with(
        parser: Arc<dyn UpdateParser>,
        options: impl FnOnce(&mut usipipo_storage::model::StoreOptions),
        change: impl FnOnce(&mut Limits),
    ) -> Self {
        let db = Arc::new(TestDatabase::new().await);
        let store = db.store_with(options);
        let epoch = db.lead(&store).await;
        let (clock, messenger) = (Arc::new(FakeClock::default()), Arc::new(FakeMessenger::default()));
        let mut limits = Limits { send_rate: None, ..Limits::default() };
        change(&mut limits);
        let options = crate::testing::options(ADMIN, limits);
        let directory = Directory::default();
        let drivers = Arc::new(crate::testing::drivers::FakeDrivers::default());
        let env = Arc::new(Env {
            store,
            clock: clock.clone(),
            messenger: messenger.clone(),
            parser,
            registrar: Arc::new(ByAdmin),
            drivers,
            directory,
            options,
        });
        let duty = Duty { env: env.clone(), epoch };
        Self { duty, env, clock, messenger, db, root: Mutex::new(None), last_update: AtomicI64::new(0) }
    }

    /// Starts children under a supervisor, in order.
    pub(crate) async fn start(&self, children: Vec<ChildSpec>) {
        let names: Vec<String> = children.iter().map(|child| child.name.clone()).collect();
        let env = self.env.clone();
        let args = SupervisorArgs {
            name: "test".to_owned(),
            children,
            policy: Policy {
                window: Duration::from_secs(60),
                crashes_max: 50,
                backoff_min: Duration::from_millis(1),
                backoff_max: Duration::from_millis(5),
                rest: Duration::from_secs(60),
            },
            alerts: Arc::new(move |message| {
                env.directory.alerts.tell(message);
            }),
            roster: Default::default(),
            given_up: Arc::new(OnceLock::new()),
        };
        let (root, _) = Supervisor::spawn(None, Supervisor, args).await.unwrap();
        *self.root.lock().unwrap() = Some(root.clone());
        until("every child runs", async || {
            let tree = crate::ask::port(Duration::from_secs(1));
            let _ = root.cast(SupervisorMsg::Tree(tree.0));
            let tree = crate::ask::await_reply(tree.1, Duration::from_secs(1)).await;
            tree.is_ok_and(|tree| {
                names.iter().all(|name| {
                    tree.children
                        .iter()
                        .any(|child| child.name == *name && child.state == crate::supervision::ChildState::Running)
                })
            })
        })
        .await;
    }

    /// The way of a session update, with an outbox at its end.
    pub(crate) async fn start_way(&self) {
        self.start_way_beside(Vec::new()).await;
    }

    /// The same with others beside it, which run before the first session does.
    pub(crate) async fn start_way_beside(&self, others: impl IntoIterator<Item = ChildSpec>) {
        let duty = &self.duty;
        let mut children = vec![inbox::spec(&self.env), outbox::spec(duty)];
        children.extend(others);
        children.extend([committer::spec(duty), router::spec(duty)]);
        self.start(children).await;
    }

    /// The same with a server's trial pool.
    pub(crate) async fn start_way_with_pool(&self) -> SeededNode {
        let seeded = self.db.seed_node("miami").await;
        let row = self.env.store.node(seeded.node).await.unwrap().unwrap();
        self.start_way_beside((0..2).filter_map(|index| ip_pool::spec(&self.duty, &row, index))).await;
        seeded
    }

    /// A number for the next update.
    pub(crate) fn next_id(&self) -> i64 {
        self.last_update.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// An update of the small form; `rest` are its other fields.
    pub(crate) fn update(&self, user: i64, rest: &str) -> Vec<u8> {
        format!(r#"{{"update_id":{},"from":{user},{rest}}}"#, self.next_id()).into_bytes()
    }

    /// Has updates stored, in order, as one batch.
    pub(crate) async fn accept(&self, updates: Vec<Vec<u8>>) -> Result<(), StoreError> {
        let updates = updates.into_iter().map(|raw| self.env.parser.peek(raw)).collect();
        let asked = self.env.directory.inbox.ask(Duration::from_secs(20), |reply| InboxMsg::Accept { updates, reply });
        asked.await.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
    }

    /// Has one text stored.
    pub(crate) async fn says(&self, user: i64, text: &str) {
        let update = self.update(user, &format!(r#""text":"{text}""#));
        self.accept(vec![update]).await.unwrap();
    }

    /// Has one button press stored.
    pub(crate) async fn presses(&self, user: i64, data: &str, message: i32) {
        let id = self.next_id();
        let update =
            format!(r#"{{"update_id":{id},"from":{user},"button":"{data}","message":{message},"callback":"c{id}"}}"#);
        self.accept(vec![update.into_bytes()]).await.unwrap();
    }

    /// Waits until no row is undone.
    pub(crate) async fn all_done(&self) {
        until("every update is done", async || {
            self.db.number("SELECT count(*) AS n FROM inbox WHERE done_at IS NULL").await == 0
        })
        .await;
    }

    /// Waits until a query gives this number.
    pub(crate) async fn becomes(&self, sql: &str, number: i64) {
        until(&format!("`{sql}` gives {number}"), async || self.db.number(sql).await == number).await;
    }

    /// Sessions in memory.
    pub(crate) fn sessions(&self) -> Vec<ActorCell> {
        self.env.directory.router.get().map(|router| router.get_cell().get_children()).unwrap_or_default()
    }

    /// A second store, as another process has it.
    pub(crate) fn other_store(&self) -> Store {
        self.db.store()
    }

    /// Ends everything in order.
    pub(crate) async fn stop(&self) {
        let root = self.root.lock().unwrap().take();
        if let Some(root) = root {
            root.stop_and_wait(None, None).await.unwrap();
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(root) = self.root.lock().unwrap().take() {
            root.kill();
        }
    }
}

/// The rig's time.
pub(crate) fn now(rig: &Rig) -> chrono::DateTime<chrono::Utc> {
    rig.env.clock.now()
}

/// A lock that keeps everybody from a table.
pub(crate) struct Lock(Arc<TestDatabase>);

impl Lock {
    /// Takes it.
    pub(crate) async fn on(rig: &Rig, table: &str) -> Self {
        Self::taken(&rig.db, table).await
    }

    /// Takes it on any database.
    pub(crate) async fn taken(database: &Arc<TestDatabase>, table: &str) -> Self {
        let db = Arc::clone(database);
        let sql = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60) AS held");
        tokio::spawn(async move { db.execute(&sql).await });
        until("the table is locked", async || Self::is_held(database, table).await).await;
        Self(Arc::clone(database))
    }

    /// Whether somebody has the table for itself. The server lists the locks of all its databases, and those with one origin
    /// share their tables' numbers.
    async fn is_held(database: &TestDatabase, table: &str) -> bool {
        let held = format!(
            "SELECT count(*) AS n FROM pg_locks l JOIN pg_database d ON d.oid = l.database
             WHERE d.datname = current_database() AND l.granted AND l.mode = 'AccessExclusiveLock'
               AND l.relation = '{table}'::regclass"
        );
        database.number(&held).await == 1
    }

    /// Waits until somebody waits for it.
    pub(crate) async fn is_waited_for(&self) {
        until("somebody waits for the lock", async || !self.waits().await.is_empty()).await;
    }

    /// Waits until so many waited for it in vain, which the time-out of their statements ends.
    pub(crate) async fn turned_away(&self, many: usize) {
        let mut seen = HashSet::new();
        until(&format!("{many} waited for the lock in vain"), async || {
            let now = self.waits().await;
            let waiting = now.len();
            seen.extend(now);
            seen.len() - waiting >= many
        })
        .await;
    }

    /// Those that wait for a lock now, each by its connection and when it began.
    async fn waits(&self) -> Vec<String> {
        let waits = "SELECT coalesce(string_agg(pid || '@' || query_start, '|'), '') AS t FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event_type = 'Lock'";
        self.0.text(waits).await.split('|').filter(|wait| !wait.is_empty()).map(str::to_owned).collect()
    }

    /// Gives it back.
    pub(crate) async fn release(self) {
        self.0
            .number(
                "SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity
                 WHERE datname = current_database() AND query LIKE '%60) AS held'",
            )
            .await;
    }
}

#[tokio::test]
async fn the_lock_of_another_tests_database_is_not_taken_for_ones_own() {
    let (one, other) = (Arc::new(TestDatabase::new().await), Arc::new(TestDatabase::new().await));
    let lock = Lock::taken(&one, "inbox").await;
    assert!(Lock::is_held(&one, "inbox").await && !Lock::is_held(&other, "inbox").await);
    lock.release().await;
}
