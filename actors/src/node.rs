//! One server: reads it first, then the rows, and makes it carry what the rows want, one change at a time.
//!
//! A full comparison runs at the start, after trouble, and every half minute; it also brings usage and handshakes. Between
//! comparisons a nudge looks only at the rows that differ from what is believed. Counters are recorded before a peer is taken off
//! or made anew, because the server forgets them then. Other peers are never touched.
//!
//! With 5,000 peers a comparison without changes is one reading of the server (about 0.1 s) and one query; putting them all
//! takes about as long as the WireGuard library needs, because rows are marked while the next batch is put.

mod plan;
mod work;

use crate::env::{Duty, Env};
use crate::metrics::{self as names, Alive};
use crate::ports::driver::{DriverError, DriverMode, VpnDriver};
use crate::server::{Health, Secrets, Trouble, Who, asked, next_wait};
use crate::supervision::ChildSpec;
use crate::timer::Timer;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use usipipo_domain::pool::server_addresses;
use usipipo_domain::service;
use usipipo_domain::wg::InterfaceSpec;
use usipipo_storage::model::{NodeRow, PeerCounters, PeerRow};

/// As metrics label it.
pub const KIND: &str = "node";

/// Messages of a server's actor.
#[derive(Debug)]
pub enum NodeMsg {
    /// Rows changed: look at the few that differ.
    Nudge,
    /// Self-timer: compare everything.
    Tick,
    /// Go on with a comparison that was interrupted to let other messages through.
    Continue,
    /// A probe ended; only servers of keys have any.
    Probed(Result<Option<bool>, DriverError>),
}

impl NodeMsg {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Nudge => "nudge",
            Self::Tick => "tick",
            Self::Continue => "continue",
            Self::Probed(_) => "probed",
        }
    }
}

/// A server's actor.
#[derive(Debug, Clone, Copy)]
pub struct Node;

/// What it needs to start.
#[derive(Clone)]
pub struct NodeArgs {
    who: Who,
    interface: InterfaceSpec,
    driver: Arc<dyn VpnDriver>,
}

/// The server as a child. Enters its place into the directory.
#[must_use]
pub fn spec(duty: &Duty, node: &NodeRow, driver: Arc<dyn VpnDriver>) -> ChildSpec {
    let who = Who::new(duty, KIND, node.id, &node.spec.name, node.spec.exclusive, node.state);
    let place = Arc::clone(&who.place);
    let args = NodeArgs { who, interface: interface(node), driver };
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
    secrets: Secrets,
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
        args.who.place.slot.enter(myself);
        args.who.place.nudged.store(false, Ordering::Release);
        let health = Health::new(&args.who, args.driver.mode().as_str(), names::NODE_PEERS);
        let secrets = Secrets::new(&args.who);
        let mut state = NodeState {
            args,
            health,
            compared: false,
            steps: VecDeque::new(),
            handled: HashSet::new(),
            begun: None,
            unmarked: Vec::new(),
            recorded: HashMap::new(),
            secrets,
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
        state.args.who.place.slot.taken();
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
        &self.args.who.duty.env
    }

    fn config_only(&self) -> bool {
        self.args.driver.mode() == DriverMode::ConfigOnly
    }

    fn tick_after(&mut self, delay: Duration) {
        self.tick = Some(self.args.who.tick_after(delay));
    }

    async fn take(&mut self, message: NodeMsg) {
        if self.quiet {
            return;
        }
        let result = match message {
            NodeMsg::Nudge => {
                // Before the rows are read: who commits later tells again.
                self.args.who.place.nudged.store(false, Ordering::Release);
                self.nudged().await
            }
            // One comparison at a time: the rest of the last one first.
            NodeMsg::Tick if self.steps.is_empty() => self.compare().await,
            NodeMsg::Tick | NodeMsg::Continue => self.proceed().await,
            NodeMsg::Probed(_) => Ok(()),
        };
        if let Err(trouble) = result {
            self.failed(trouble).await;
        }
    }

    /// Looks at the rows that differ from what is believed.
    async fn nudged(&mut self) -> Result<(), Trouble> {
        if self.args.who.look_at_state().await? == service::NodeState::Removed {
            return self.retire().await;
        }
        // A server that was not compared since it failed is compared soon, which does this and more.
        if !self.compared {
            return Ok(());
        }
        self.mark().await?;
        let limit = self.env().limits().peer_batch_max;
        let rows = self.env().store.peer_work(self.args.who.id, limit).await?;
        let full = rows.len() == limit;
        // Rows that cannot be done must not make us run in circles.
        if self.work_off(rows).await? && full {
            self.env().directory.wake_nodes(&[self.args.who.id]);
        }
        Ok(())
    }

    /// Compares everything and begins to mend it.
    async fn compare(&mut self) -> Result<(), Trouble> {
        self.begun = Some(Instant::now());
        self.mark().await?;
        if self.args.who.look_at_state().await? == service::NodeState::Removed {
            return self.retire().await;
        }
        let env = Arc::clone(&self.args.who.duty.env);
        if self.config_only() {
            self.answered(0).await?;
            return self.config_only_work().await;
        }
        if self.call(self.args.driver.ensure_interface(&self.args.interface)).await? {
            tracing::info!(actor = KIND, node = self.args.who.name, "the interface is made anew");
        }
        let server = self.call(self.args.driver.peers()).await?;
        let rows = env.store.peers_of(self.args.who.id).await?;
        self.look_at_secrets(&rows).await?;
        let found = plan::compare(&server, rows, self.args.who.exclusive);
        if !found.homeless.is_empty() {
            tracing::error!(actor = KIND, node = self.args.who.name, peers = ?found.homeless, "peers without an address");
        }
        self.record(&found.usage).await?;
        self.health.counted(found.ours, found.foreign);
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
            self.args.who.place.slot.tell(NodeMsg::Continue);
            return Ok(());
        }
        self.mark().await?;
        self.done();
        Ok(())
    }

    /// The server is removed, and its rows are forgotten: nothing on it is ours any more.
    async fn retire(&mut self) -> Result<(), Trouble> {
        self.secrets.look(BTreeSet::new()).await?;
        self.quiet = true;
        self.tick = None;
        self.steps.clear();
        self.unmarked.clear();
        self.health.removed();
        tracing::info!(actor = KIND, node = self.args.who.name, "the server is removed; it is left alone from now on");
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
        let wait = next_wait(self.wait);
        self.wait = Some(wait);
        self.tick_after(wait);
        if let Some(error) = self.args.who.sorted(trouble, wait, &mut self.quiet) {
            let config_only = self.config_only();
            self.health.down(&error, config_only).await;
        }
        if self.quiet {
            self.tick = None;
        }
    }

    async fn call<T>(&self, call: impl Future<Output = Result<T, DriverError>>) -> Result<T, Trouble> {
        Ok(asked(self.env().limits().driver_timeout, call).await?)
    }

    async fn answered(&mut self, foreign: usize) -> Result<(), Trouble> {
        let config_only = self.config_only();
        Ok(self.health.answered(foreign, config_only).await?)
    }

    /// Tells admins of secrets that cannot be opened.
    async fn look_at_secrets(&mut self, rows: &[PeerRow]) -> Result<(), Trouble> {
        let sealed = rows.iter().filter(|row| row.wanted && row.preshared_key.is_none());
        Ok(self.secrets.look(sealed.map(|row| row.service).collect()).await?)
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
