//! Who is where. An actor enters itself when it starts; whoever needs it looks it up for each message, because a restart
//! makes old references dead. One directory for each tree, so that two trees in one process do not meet.

use crate::ask::{AskError, await_reply};
use crate::metrics::depth_gauge;
use crate::supervision::Faults;
use crate::{
    alerts::AlertsMsg, committer::CommitterMsg, inbox::InboxMsg, ip_pool::IpPoolMsg, lane::LaneMsg, leader::LeaderMsg,
    node::NodeMsg, outbox::OutboxMsg, poller::PollerMsg, registry::RegistryMsg, router::RouterMsg, stats::StatsMsg,
    sweeper::SweeperMsg,
};
use ractor::{ActorRef, ActorStatus, Message, RpcReplyPort};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use usipipo_domain::ids::{NodeId, PoolId};
use usipipo_domain::service::{NodeState, Purpose};

/// The place of one actor.
pub struct Slot<M> {
    kind: &'static str,
    current: RwLock<Option<ActorRef<M>>>,
    depth: AtomicI64,
}

impl<M: Message> Slot<M> {
    fn new(kind: &'static str) -> Self {
        Self { kind, current: RwLock::new(None), depth: AtomicI64::new(0) }
    }

    /// Enters the actor; its mailbox is empty now. Called in `pre_start`.
    pub fn enter(&self, actor: ActorRef<M>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(actor);
        let left = self.depth.swap(0, Ordering::Relaxed);
        show(self.kind, -left);
    }

    /// The actor of the moment, if it is alive.
    #[must_use]
    pub fn get(&self) -> Option<ActorRef<M>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether somebody is there and works.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.get().is_some_and(|actor| actor.get_status() == ActorStatus::Running)
    }

    /// Sends a message; `false` when nobody is there. Whatever it was about is still in the rows.
    pub fn tell(&self, message: M) -> bool {
        let Some(actor) = self.get() else { return false };
        self.counted(1);
        let sent = actor.cast(message).is_ok();
        if !sent {
            self.counted(-1);
        }
        sent
    }

    /// Sends a request and waits for the answer.
    ///
    /// # Errors
    /// [`AskError`], when nobody is there, or no answer came in time.
    pub async fn ask<T: Send + 'static>(
        &self,
        timeout: Duration,
        message: impl FnOnce(RpcReplyPort<T>) -> M,
    ) -> Result<T, AskError> {
        let (port, reply) = crate::ask::port(timeout);
        if !self.tell(message(port)) {
            return Err(AskError::Away);
        }
        await_reply(reply, timeout).await
    }

    /// To be called by the actor for each message it takes up that came through this place.
    pub fn taken(&self) {
        self.counted(-1);
    }

    /// Messages sent and not yet taken up.
    #[must_use]
    pub fn depth(&self) -> u64 {
        u64::try_from(self.depth.load(Ordering::Relaxed)).unwrap_or(0)
    }

    fn counted(&self, change: i64) {
        self.depth.fetch_add(change, Ordering::Relaxed);
        show(self.kind, change);
    }
}

impl<M> Drop for Slot<M> {
    fn drop(&mut self) {
        show(self.kind, -self.depth.load(Ordering::Relaxed));
    }
}

/// Several actors of a kind share one gauge, so each adds its part instead of setting the whole.
#[allow(clippy::cast_precision_loss, reason = "a mailbox never holds 2^52 messages")]
fn show(kind: &'static str, change: i64) {
    depth_gauge(kind).increment(change as f64);
}

/// A server and how it does.
pub struct NodePlace {
    /// Its actor.
    pub slot: Slot<NodeMsg>,
    /// Its name, for texts of alerts and metrics.
    pub name: String,
    /// It answers (or carries no tunnels by choice).
    pub up: AtomicBool,
    /// It answers us, but several probes in a row say that its users are not served.
    pub failing: AtomicBool,
    /// A nudge waits in its mailbox; another one would say the same.
    pub nudged: AtomicBool,
    /// A server of keys; else of tunnels.
    pub keys: bool,
    state: RwLock<NodeState>,
}

impl NodePlace {
    /// What admins want it to be for, as its actor last read it.
    #[must_use]
    pub fn state(&self) -> NodeState {
        *self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Said by its actor.
    pub fn set_state(&self, state: NodeState) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Whether it serves, as far as is known; servers that do are preferred.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.up.load(Ordering::Relaxed) && !self.failing.load(Ordering::Relaxed)
    }
}

/// A pool and whom it is for.
pub struct PoolPlace {
    /// Its actor.
    pub slot: Slot<IpPoolMsg>,
    /// Its server.
    pub node: NodeId,
    /// Whom its addresses are for.
    pub purpose: Purpose,
    /// All addresses that it can give out.
    pub total: u64,
    /// Addresses that can be given out, as the actor last said.
    pub free: AtomicI64,
}

impl PoolPlace {
    /// Share of its addresses in use, percent.
    #[must_use]
    pub fn load_percent(&self) -> u64 {
        let free = u64::try_from(self.free.load(Ordering::Relaxed)).unwrap_or(0).min(self.total);
        // An empty pool has no room at all.
        (u128::from(self.total - free) * 100)
            .checked_div(u128::from(self.total))
            .map_or(100, |percent| u64::try_from(percent).unwrap_or(100))
    }
}

/// All places of a tree.
pub struct Directory {
    /// Stores updates.
    pub inbox: Slot<InboxMsg>,
    /// Holds the lease.
    pub leader: Slot<LeaderMsg>,
    /// Tells admins.
    pub alerts: Slot<AlertsMsg>,
    /// Sends messages.
    pub outbox: Slot<OutboxMsg>,
    /// Commits steps.
    pub committer: Slot<CommitterMsg>,
    /// Finds sessions.
    pub router: Slot<RouterMsg>,
    /// The router knows of every older row that waits, so that new rows may be handed to it.
    pub router_caught_up: AtomicBool,
    /// Payments.
    pub payments: Slot<LaneMsg>,
    /// Blocks and returns.
    pub membership: Slot<LaneMsg>,
    /// Expiry.
    pub sweeper: Slot<SweeperMsg>,
    /// Numbers.
    pub stats: Slot<StatsMsg>,
    /// Servers that come and go.
    pub registry: Slot<RegistryMsg>,
    /// Long polling.
    pub poller: Slot<PollerMsg>,
    /// Faults that tests plan for actors of this tree.
    pub faults: Faults,
    nodes: RwLock<HashMap<NodeId, Arc<NodePlace>>>,
    pools: RwLock<HashMap<PoolId, Arc<PoolPlace>>>,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            inbox: Slot::new("inbox"),
            leader: Slot::new("leader"),
            alerts: Slot::new("alerts"),
            outbox: Slot::new("outbox"),
            committer: Slot::new("committer"),
            router: Slot::new("router"),
            router_caught_up: AtomicBool::new(false),
            payments: Slot::new("payments"),
            membership: Slot::new("membership"),
            sweeper: Slot::new("sweeper"),
            stats: Slot::new("stats"),
            registry: Slot::new("registry"),
            poller: Slot::new("poller"),
            faults: Faults::default(),
            nodes: RwLock::default(),
            pools: RwLock::default(),
        }
    }
}

impl Directory {
    /// The place of a server, made when first asked for.
    pub fn add_node(&self, node: NodeId, name: &str, keys: bool) -> Arc<NodePlace> {
        let mut nodes = self.nodes.write().unwrap_or_else(PoisonError::into_inner);
        let place = nodes.entry(node).or_insert_with(|| {
            Arc::new(NodePlace {
                slot: Slot::new("node"),
                name: name.to_owned(),
                up: AtomicBool::new(false),
                failing: AtomicBool::new(false),
                keys,
                state: RwLock::new(NodeState::Active),
                nudged: AtomicBool::new(false),
            })
        });
        Arc::clone(place)
    }

    /// The place of a pool, made when first asked for.
    pub fn add_pool(&self, pool: PoolId, node: NodeId, purpose: Purpose, total: u64) -> Arc<PoolPlace> {
        let mut pools = self.pools.write().unwrap_or_else(PoisonError::into_inner);
        let place = pools.entry(pool).or_insert_with(|| {
            Arc::new(PoolPlace { slot: Slot::new("ip_pool"), node, purpose, total, free: AtomicI64::new(0) })
        });
        Arc::clone(place)
    }

    /// A server's place.
    #[must_use]
    pub fn node(&self, node: NodeId) -> Option<Arc<NodePlace>> {
        self.nodes.read().unwrap_or_else(PoisonError::into_inner).get(&node).cloned()
    }

    /// Its server is removed.
    pub fn forget_node(&self, node: NodeId) {
        self.nodes.write().unwrap_or_else(PoisonError::into_inner).remove(&node);
    }

    /// A pool's place.
    #[must_use]
    pub fn pool(&self, pool: PoolId) -> Option<Arc<PoolPlace>> {
        self.pools.read().unwrap_or_else(PoisonError::into_inner).get(&pool).cloned()
    }

    /// Every pool with this purpose.
    #[must_use]
    pub fn pools_for(&self, purpose: Purpose) -> Vec<(PoolId, Arc<PoolPlace>)> {
        let pools = self.pools.read().unwrap_or_else(PoisonError::into_inner);
        pools.iter().filter(|(_, place)| place.purpose == purpose).map(|(id, place)| (*id, Arc::clone(place))).collect()
    }

    /// Every server.
    #[must_use]
    pub fn all_nodes(&self) -> Vec<(NodeId, Arc<NodePlace>)> {
        let nodes = self.nodes.read().unwrap_or_else(PoisonError::into_inner);
        nodes.iter().map(|(id, place)| (*id, Arc::clone(place))).collect()
    }

    /// Tells servers that rows changed.
    pub fn wake_nodes(&self, nodes: &[NodeId]) {
        for node in nodes {
            let Some(place) = self.node(*node) else {
                // A server that is new.
                self.registry.tell(RegistryMsg::Look);
                continue;
            };
            if !place.nudged.swap(true, Ordering::AcqRel) && !place.slot.tell(NodeMsg::Nudge) {
                place.nudged.store(false, Ordering::Release);
            }
        }
    }
}
