//! One server: reads it first, then the rows, and makes it carry what the rows want, one change at a time.
//!
//! A full comparison runs at the start, after trouble, and every half minute; it also brings usage and handshakes. Between
//! comparisons a nudge looks only at the rows that differ from what is believed. Counters are recorded before a peer is taken off
//! or made anew, because the server forgets them then. Other peers are never touched.
//!
//! With 5,000 peers a comparison without changes is one reading of the server (about 0.1 s) and one query; putting them all
//! takes about as long as the WireGuard library needs, because rows are marked while the next batch is put.

mod health;
mod plan;
mod secrets;
mod work;

use crate::directory::NodePlace;
use crate::env::{Duty, Env};
use crate::leader::LeaderMsg;
use crate::metrics::{self as names, Alive};
use crate::ports::driver::{DriverError, DriverMode, VpnDriver};
use crate::supervision::ChildSpec;
use crate::timer::{Timer, backoff};
use health::Health;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use usipipo_domain::ids::{NodeId, ServiceId};
use usipipo_domain::pool::server_addresses;
use usipipo_domain::wg::InterfaceSpec;
use usipipo_storage::StoreError;
use usipipo_storage::model::{NodeRow, PeerCounters, PeerRow};

/// As metrics label it.
pub const KIND: &str = "node";

/// First wait before a server or database that does not answer is tried again; doubles.
const RETRY_MIN: Duration = Duration::from_millis(200);
/// Longest such wait; somebody may be waiting for a service.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Messages of a server's actor.
#[derive(Debug)]
pub enum NodeMsg {
    /// Rows changed: look at the few that differ.
    Nudge,
    /// Self-timer: compare everything.
    Tick,
    /// Go on with a comparison that was interrupted to let other messages through.
    Continue,
}

impl NodeMsg {
    const fn name(&self) -> &'static str {
        match self {
            Self::Nudge => "nudge",
            Self::Tick => "tick",
            Self::Continue => "continue",
        }
    }
}

/// A server's actor.
#[derive(Debug, Clone, Copy)]
pub struct Node;

/// What it needs to start.
#[derive(Clone)]
pub struct NodeArgs {
    duty: Duty,
    place: Arc<NodePlace>,
    id: NodeId,
    name: String,
    exclusive: bool,
    interface: InterfaceSpec,
    driver: Arc<dyn VpnDriver>,
}

/// The server as a child. Enters its place into the directory.
#[must_use]
pub fn spec(duty: &Duty, node: &NodeRow, driver: Arc<dyn VpnDriver>) -> ChildSpec {
    let place = duty.env.directory.add_node(node.id, &node.spec.name);
    let args = NodeArgs {
        duty: duty.clone(),
        place: Arc::clone(&place),
        id: node.id,
        name: node.spec.name.clone(),
        exclusive: node.spec.exclusive,
        interface: interface(node),
        driver,
    };
    let make = move || (Node, args.clone());
    ChildSpec::new(&duty.env, KIND, format!("node/{}", node.spec.name), make).worker().queue(move || place.slot.depth())
}

/// The server's end of its tunnels.
#[must_use]
pub fn interface(node: &NodeRow) -> InterfaceSpec {
    InterfaceSpec {
        name: node.spec.interface.clone(),
        private_key: node.private_key.clone(),
        listen_port: node.spec.listen_port,
        addresses: node.spec.pools.iter().flat_map(|pool| server_addresses(pool.v4, pool.v6)).collect(),
        mtu: node.spec.mtu,
    }
}

/// Why a piece of work ended early.
#[derive(Debug)]
enum Trouble {
    Driver(DriverError),
    Store(StoreError),
}

impl From<DriverError> for Trouble {
    fn from(error: DriverError) -> Self {
        Self::Driver(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The state of a server's actor.
pub struct NodeState {
    args: NodeArgs,
    health: Health,
    /// The server was compared since it last failed, so that nudges may rely on it.
    compared: bool,
    /// Changes that a comparison found, still to be made.
    steps: VecDeque<plan::Step>,
    /// Rows handled since that comparison; their steps are out of date.
    handled: HashSet<i64>,
    /// When the comparison under way began.
    begun: Option<Instant>,
    /// Put on the server and not yet marked.
    unmarked: Vec<PeerRow>,
    /// Counters as last recorded, to leave out what did not change.
    recorded: HashMap<i64, PeerCounters>,
    /// Services whose secret could not be opened when last looked at, with their alerts; `None` until an alert of an earlier
    /// actor was looked for.
    sealed: Option<BTreeSet<ServiceId>>,
    wait: Option<Duration>,
    tick: Option<Timer>,
    quiet: bool,
    _alive: Alive,
}

impl Actor for Node {
    type Msg = NodeMsg;
    type State = NodeState;
    type Arguments = NodeArgs;

    async fn pre_start(&self, myself: ActorRef<NodeMsg>, args: NodeArgs) -> Result<NodeState, ActorProcessingErr> {
        args.place.slot.enter(myself);
        args.place.nudged.store(false, Ordering::Release);
        let health = Health::new(&args);
        let mut state = NodeState {
            args,
            health,
            compared: false,
            steps: VecDeque::new(),
            handled: HashSet::new(),
            begun: None,
            unmarked: Vec::new(),
            recorded: HashMap::new(),
            sealed: None,
            wait: None,
            tick: None,
            quiet: false,
            _alive: Alive::new(KIND),
        };
        state.tick_after(Duration::ZERO);
        Ok(state)
    }

    async fn handle(
        &self,
        _myself: ActorRef<NodeMsg>,
        message: NodeMsg,
        state: &mut NodeState,
    ) -> Result<(), ActorProcessingErr> {
        state.args.place.slot.taken();
        names::observed(KIND, message.name(), async {
            Box::pin(state.take(message)).await;
            Ok(())
        })
        .await
    }

    async fn post_stop(&self, _myself: ActorRef<NodeMsg>, state: &mut NodeState) -> Result<(), ActorProcessingErr> {
        // Else the next comparison finds them on the server.
        if !state.quiet {
            let within = state.env().limits().stop_timeout / 2;
            let _ = tokio::time::timeout(within, state.mark()).await;
        }
        Ok(())
    }
}

impl NodeState {
    fn env(&self) -> &Env {
        &self.args.duty.env
    }

    fn config_only(&self) -> bool {
        self.args.driver.mode() == DriverMode::ConfigOnly
    }

    fn tick_after(&mut self, delay: Duration) {
        let place = Arc::clone(&self.args.place);
        self.tick = Some(Timer::after(delay, move || {
            place.slot.tell(NodeMsg::Tick);
        }));
    }

    async fn take(&mut self, message: NodeMsg) {
        if self.quiet {
            return;
        }
        let result = match message {
            NodeMsg::Nudge => {
                // Before the rows are read: who commits later tells again.
                self.args.place.nudged.store(false, Ordering::Release);
                self.nudged().await
            }
            // One comparison at a time: the rest of the last one first.
            NodeMsg::Tick if self.steps.is_empty() => self.compare().await,
            NodeMsg::Tick | NodeMsg::Continue => self.proceed().await,
        };
        if let Err(trouble) = result {
            self.failed(trouble).await;
        }
    }

    /// Looks at the rows that differ from what is believed.
    async fn nudged(&mut self) -> Result<(), Trouble> {
        // A server that was not compared since it failed is compared soon, which does this and more.
        if !self.compared {
            return Ok(());
        }
        self.mark().await?;
        let limit = self.env().limits().peer_batch_max;
        let rows = self.env().store.peer_work(self.args.id, limit).await?;
        let full = rows.len() == limit;
        // Rows that cannot be done must not make us run in circles.
        if self.work_off(rows).await? && full {
            self.env().directory.wake_nodes(&[self.args.id]);
        }
        Ok(())
    }

    /// Compares everything and begins to mend it.
    async fn compare(&mut self) -> Result<(), Trouble> {
        self.begun = Some(Instant::now());
        self.mark().await?;
        let env = Arc::clone(&self.args.duty.env);
        if self.config_only() {
            self.answered(0).await?;
            return self.config_only_work().await;
        }
        if self.call(self.args.driver.ensure_interface(&self.args.interface)).await? {
            tracing::info!(actor = KIND, node = self.args.name, "the interface is made anew");
        }
        let server = self.call(self.args.driver.peers()).await?;
        let rows = env.store.peers_of(self.args.id).await?;
        self.look_at_secrets(&rows).await?;
        let found = plan::compare(&server, rows, self.args.exclusive);
        if !found.homeless.is_empty() {
            tracing::error!(actor = KIND, node = self.args.name, peers = ?found.homeless, "peers without an address");
        }
        self.record(&found.usage).await?;
        self.health.peers(found.ours, found.foreign);
        self.compared = true;
        self.answered(found.foreign).await?;
        self.applied(found.found).await?;
        self.removed(&found.gone).await?;
        (self.steps, self.handled) = (found.steps, HashSet::new());
        self.proceed().await
    }

    /// Makes the next changes that the comparison found, and lets others through before the rest.
    async fn proceed(&mut self) -> Result<(), Trouble> {
        if self.config_only() {
            return self.config_only_work().await;
        }
        self.next_batch().await?;
        if !self.steps.is_empty() {
            self.args.place.slot.tell(NodeMsg::Continue);
            return Ok(());
        }
        self.mark().await?;
        self.done();
        Ok(())
    }

    fn done(&mut self) {
        if let Some(begun) = self.begun.take() {
            self.health.compared_in(begun.elapsed());
            self.handled.clear();
            self.wait = None;
            self.tick_after(self.env().limits().reconcile_every);
        }
    }

    async fn failed(&mut self, trouble: Trouble) {
        // What is on the server and what is marked may differ now: nudges wait for the next comparison.
        self.compared = false;
        self.begun = None;
        self.steps.clear();
        let wait = backoff(self.wait, RETRY_MIN, RETRY_MAX);
        self.wait = Some(wait);
        self.tick_after(wait);
        match trouble {
            Trouble::Store(StoreError::NotLeader) => {
                self.quiet = true;
                self.tick = None;
                self.env().directory.leader.tell(LeaderMsg::LostLead(self.args.duty.epoch));
            }
            Trouble::Store(error) if error.is_transient() => {
                tracing::warn!(actor = KIND, node = self.args.name, %error, ?wait, "the rows cannot be read or written");
            }
            Trouble::Store(error) => self.down(&DriverError::Refused(error.to_string())).await,
            Trouble::Driver(error) => self.down(&error).await,
        }
    }

    async fn call<T>(&self, call: impl Future<Output = Result<T, DriverError>>) -> Result<T, Trouble> {
        let within = self.env().limits().driver_timeout;
        match tokio::time::timeout(within, call).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(DriverError::Unavailable(format!("no answer within {} s", within.as_secs_f32())).into()),
        }
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
