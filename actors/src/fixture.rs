//! What tests of single actors begin with: a database with a leader, fakes around it, and a supervisor.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use crate::directory::Directory;
use crate::env::{Duty, Env};
use crate::leader::LeaderMsg;
use crate::limits::Limits;
use crate::rig::Lock;
use crate::supervision::policy::Policy;
use crate::supervision::{ChildSpec, Fault, Roster, Supervisor, SupervisorArgs, SupervisorMsg, SupervisorRef};
use crate::testing::clock::FakeClock;
use crate::testing::messenger::FakeMessenger;
use crate::testing::parser::FakeParser;
use chrono::{DateTime, TimeDelta, Utc};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::watch;
use usipipo_domain::ids::{ServiceId, UserId};
use usipipo_storage::Store;
use usipipo_storage::model::{Epoch, PeerRow, StoreOptions};
use usipipo_storage::testing::{SeededNode, TestDatabase};

/// Somebody with a large id (fault 24).
pub(crate) const ANA: UserId = UserId(4_503_599_627_370_501);
pub(crate) const BEA: UserId = UserId(22);
pub(crate) const ADMIN: UserId = UserId(7);

/// Noon plus seconds, long before or after the real now.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000 + seconds, 0).unwrap()
}

/// Its store knows no quiet hours but those that users chose, so that notices come at once at any time of the day.
pub(crate) struct Bench {
    pub(crate) db: Arc<TestDatabase>,
    pub(crate) store: Store,
    pub(crate) node: SeededNode,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) messenger: Arc<FakeMessenger>,
    pub(crate) env: Arc<Env>,
    pub(crate) duty: Duty,
    root: SupervisorRef,
}

/// Listens in the leader's place.
struct Ear;

impl Actor for Ear {
    type Msg = LeaderMsg;
    type State = watch::Sender<Option<Epoch>>;
    type Arguments = Self::State;

    async fn pre_start(&self, _: ActorRef<LeaderMsg>, told: Self::State) -> Result<Self::State, ActorProcessingErr> {
        Ok(told)
    }

    async fn handle(
        &self,
        _: ActorRef<LeaderMsg>,
        message: LeaderMsg,
        told: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        if let LeaderMsg::LostLead(epoch) = message {
            told.send_replace(Some(epoch));
        }
        Ok(())
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.root.kill();
    }
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}, |_| {}).await
    }

    pub(crate) async fn with(limits: impl FnOnce(&mut Limits), store: impl FnOnce(&mut StoreOptions)) -> Self {
        let db = Arc::new(TestDatabase::new().await);
        let lead = db.store();
        let epoch = db.lead(&lead).await;
        let node = db.seed_node("miami").await;
        let mut bounds = Limits { backoff_min: Duration::from_millis(10), ..Limits::default() };
        limits(&mut bounds);
        let clock = Arc::new(FakeClock::at(at(0)));
        let messenger = Arc::new(FakeMessenger::default());
        let env = Arc::new(Env {
            store: db.store_with(store),
            clock: clock.clone(),
            messenger: messenger.clone(),
            parser: Arc::new(FakeParser),
            registrar: Arc::new(crate::ports::promotion::ByAdmin),
            drivers: Arc::new(crate::testing::drivers::FakeDrivers::default()),
            directory: Directory::default(),
            options: crate::testing::options(ADMIN, bounds),
        });
        let duty = Duty { env: Arc::clone(&env), epoch };
        let args = SupervisorArgs {
            name: "test".to_owned(),
            children: Vec::new(),
            policy: Policy::from(env.limits()),
            alerts: Arc::new(|_| {}),
            roster: Roster::default(),
            given_up: Arc::new(OnceLock::new()),
        };
        let (root, _) = Supervisor::spawn(None, Supervisor, args).await.unwrap();
        Self { db, store: lead, node, clock, messenger, env, duty, root }
    }

    /// Starts children in order and returns when they run.
    pub(crate) async fn start(&self, children: impl IntoIterator<Item = ChildSpec>) {
        for child in children {
            self.root.cast(SupervisorMsg::Add(child)).unwrap();
        }
        self.ask(SupervisorMsg::Settled).await;
    }

    /// Stops a child; it has ended when this returns.
    pub(crate) async fn stop(&self, name: &str) {
        let name = name.to_owned();
        assert!(self.ask(|reply| SupervisorMsg::Remove { name, within: None, reply }).await, "there is no such child");
    }

    /// Kills a child; its supervisor starts it again.
    pub(crate) async fn kill(&self, path: &str) {
        let path = path.to_owned();
        self.ask(|reply| SupervisorMsg::Find { path, reply }).await.expect("it runs").kill();
    }

    /// Makes a child panic at its next message.
    pub(crate) fn panic(&self, name: &str) {
        self.env.directory.faults.plan(name, Fault::Panic);
    }

    /// How often a child was started again.
    pub(crate) async fn restarts(&self, name: &str) -> u64 {
        let tree = self.ask(SupervisorMsg::Tree).await;
        tree.children.iter().find(|child| child.name == name).map_or(0, |child| child.restarts)
    }

    async fn ask<T: Send + 'static>(&self, message: impl FnOnce(RpcReplyPort<T>) -> SupervisorMsg) -> T {
        let within = Duration::from_secs(20);
        let (port, answer) = crate::ask::port(within);
        self.root.cast(message(port)).unwrap();
        crate::ask::await_reply(answer, within).await.unwrap()
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.env.clock.now()
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    /// A pending trial at `10.66.0.host`.
    pub(crate) async fn trial(&self, user: UserId, host: u8) -> (ServiceId, PeerRow) {
        let service = self.db.seed_trial(&self.store, self.duty.epoch, user, &self.node, host, self.now()).await;
        (service, self.peer(service).await)
    }

    /// The newest peer of a service that is not over.
    pub(crate) async fn peer(&self, service: ServiceId) -> PeerRow {
        let peers = self.store.peers_of(self.node.node).await.unwrap();
        peers.into_iter().rfind(|peer| peer.service == service).expect("the service has a peer")
    }

    /// Messages made by steps before an actor under test began are of no interest: they count as sent.
    pub(crate) async fn forget_messages(&self) {
        self.db.execute("UPDATE outbox SET sent_at = created_at WHERE sent_at IS NULL AND failed_at IS NULL").await;
    }

    /// Keeps everybody away from a table until it is released.
    pub(crate) async fn lock(&self, table: &str) -> Lock {
        Lock::taken(&self.db, table).await
    }

    /// Stands in for the leader; the epoch of which an actor last said that it is lost.
    pub(crate) async fn lost_lead(&self) -> watch::Receiver<Option<Epoch>> {
        let (told, lost) = watch::channel(None);
        let (ear, _) = Actor::spawn(None, Ear, told).await.unwrap();
        self.env.directory.leader.enter(ear);
        lost
    }

    pub(crate) async fn status(&self, service: ServiceId) -> String {
        self.db.text(&format!("SELECT status AS t FROM services WHERE id = {service}")).await
    }
}
