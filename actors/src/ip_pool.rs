//! The addresses of one server for one purpose: reserves them; the unit of work makes the lease.
//!
//! A cache of the rows of leases, rebuilt when it starts (65,000 leases in a fraction of a second). Whatever it believes, two
//! unique indexes decide: a wrong belief costs the asker another try.

use crate::directory::{PoolPlace, Slot};
use crate::env::{Duty, Env};
use crate::metrics::{self as names, Alive};
use crate::supervision::ChildSpec;
use crate::timer::{Task, Timer};
use metrics::{Gauge, counter, gauge};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use usipipo_domain::ids::PoolId;
use usipipo_domain::pool::{Pool, capacity};
use usipipo_domain::service::Addresses;
use usipipo_storage::StoreError;
use usipipo_storage::model::{LeaseRow, NodeRow, PoolSpec};

/// As metrics label it.
pub const KIND: &str = "ip_pool";

/// How often reservations that are over are freed, and numbers told.
const TICK: Duration = Duration::from_secs(5);
/// How often the rows are compared, because steps of others begin and end leases without a word here.
const RELOAD_EVERY: Duration = Duration::from_secs(300);
/// A pool that seems full, or met addresses of another process, is compared with the rows, but not more often than this.
const RELOAD_MIN: Duration = Duration::from_secs(2);
/// Changes remembered while the rows are read; beyond them the reading is thrown away and begun anew.
const CHANGES_MAX: usize = 100_000;

/// No address is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the pool is full")]
pub struct PoolFull;

/// Messages of a pool.
#[derive(Debug)]
pub enum IpPoolMsg {
    /// Sets addresses aside for a short time.
    Reserve {
        /// The addresses. No answer comes while the rows cannot be read.
        reply: RpcReplyPort<Result<Addresses, PoolFull>>,
    },
    /// The reserved addresses are leased now.
    Leased(Addresses),
    /// The reserved addresses were not needed.
    GaveBack(Addresses),
    /// Another process holds these.
    FoundTaken(Addresses),
    /// Leases whose rest is over.
    Released(Vec<LeaseRow>),
    /// The rows were read.
    Loaded(Result<Vec<LeaseRow>, StoreError>),
    /// Self-timer: forgets reservations that nobody confirmed, compares with the rows now and then, reports numbers.
    Tick,
}

impl IpPoolMsg {
    const fn name(&self) -> &'static str {
        match self {
            Self::Reserve { .. } => "reserve",
            Self::Leased(_) => "leased",
            Self::GaveBack(_) => "gave_back",
            Self::FoundTaken(_) => "found_taken",
            Self::Released(_) => "released",
            Self::Loaded(_) => "loaded",
            Self::Tick => "tick",
        }
    }
}

/// A pool's actor.
#[derive(Debug, Clone, Copy)]
pub struct IpPool;

/// What a pool needs to start.
#[derive(Clone)]
pub struct IpPoolArgs {
    duty: Duty,
    place: Arc<PoolPlace>,
    pool: PoolId,
    node_name: String,
    spec: PoolSpec,
}

/// The pool with this number among those of its server, as a child; `None` when there is no such pool. Enters its place into the
/// directory.
#[must_use]
pub fn spec(duty: &Duty, node: &NodeRow, index: usize) -> Option<ChildSpec> {
    let (pool, spec) = (*node.pool_ids.get(index)?, node.spec.pools.get(index)?.clone());
    let name = format!("pool/{}/{}", node.spec.name, spec.purpose.as_str());
    let place = duty.env.directory.add_pool(pool, node.id, spec.purpose, capacity(spec.v4, spec.v6));
    let args =
        IpPoolArgs { duty: duty.clone(), place: Arc::clone(&place), pool, node_name: node.spec.name.clone(), spec };
    let make = move || (IpPool, args.clone());
    Some(ChildSpec::new(&duty.env, KIND, name, make).worker().queue(move || place.slot.depth()))
}

/// What happened while rows were read, to be done again afterwards.
#[derive(Debug, Clone, Copy)]
enum Change {
    Confirmed(Addresses),
    Taken(Addresses),
    Released(Addresses),
}

struct Gauges {
    free: Gauge,
    live: Gauge,
    reserved: Gauge,
    quarantined: Gauge,
}

/// The state of a pool's actor.
pub struct IpPoolState {
    args: IpPoolArgs,
    pool: Pool,
    loaded: bool,
    reader: Option<Task>,
    read_at: Option<Instant>,
    changes: Vec<Change>,
    suspicious: bool,
    gauges: Gauges,
    tick: Option<Timer>,
    _alive: Alive,
}

impl Actor for IpPool {
    type Msg = IpPoolMsg;
    type State = IpPoolState;
    type Arguments = IpPoolArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<IpPoolMsg>,
        args: IpPoolArgs,
    ) -> Result<IpPoolState, ActorProcessingErr> {
        let seed = getrandom::u64().unwrap_or_default();
        let (node, purpose) = (args.node_name.clone(), args.spec.purpose.as_str());
        let gauge = |state: &'static str| gauge!(names::POOL_ADDRESSES, "node" => node.clone(), "purpose" => purpose, "state" => state);
        let gauges = Gauges {
            free: gauge("free"),
            live: gauge("live"),
            reserved: gauge("reserved"),
            quarantined: gauge("quarantined"),
        };
        let mut state = IpPoolState {
            pool: Pool::new(args.spec.v4, args.spec.v6, seed),
            args,
            loaded: false,
            reader: None,
            read_at: None,
            changes: Vec::new(),
            suspicious: false,
            gauges,
            tick: None,
            _alive: Alive::new(KIND),
        };
        // Whoever asks from now on is answered when the rows are here.
        state.place().enter(myself);
        let rows = state.env().store.leases_of(state.args.pool).await;
        state.read_at = Some(Instant::now());
        state.loaded(rows);
        state.tick();
        Ok(state)
    }

    async fn handle(
        &self,
        _myself: ActorRef<IpPoolMsg>,
        message: IpPoolMsg,
        state: &mut IpPoolState,
    ) -> Result<(), ActorProcessingErr> {
        state.place().taken();
        names::observed(KIND, message.name(), async {
            state.take(message);
            state.report();
            Ok(())
        })
        .await
    }
}

impl IpPoolState {
    fn env(&self) -> &Env {
        &self.args.duty.env
    }

    fn place(&self) -> &Slot<IpPoolMsg> {
        &self.args.place.slot
    }

    fn take(&mut self, message: IpPoolMsg) {
        match message {
            IpPoolMsg::Reserve { reply } => self.reserve(reply),
            IpPoolMsg::Leased(addresses) => {
                self.pool.confirm(addresses);
                self.remember(Change::Confirmed(addresses));
            }
            IpPoolMsg::GaveBack(addresses) => self.pool.give_back(addresses),
            IpPoolMsg::FoundTaken(addresses) => {
                counter!(names::POOL_LEASES, "outcome" => "conflict").increment(1);
                self.pool.mark_taken(addresses);
                self.remember(Change::Taken(addresses));
                // Where one address was, more may be.
                self.suspicious = true;
            }
            IpPoolMsg::Released(rows) => {
                for row in rows {
                    self.pool.release(row.addresses);
                    self.remember(Change::Released(row.addresses));
                }
            }
            IpPoolMsg::Loaded(rows) => {
                self.reader = None;
                self.loaded(rows);
            }
            IpPoolMsg::Tick => self.tick(),
        }
    }

    fn reserve(&mut self, reply: RpcReplyPort<Result<Addresses, PoolFull>>) {
        if !self.loaded {
            // Without the rows any answer would be a guess; the asker is told by silence at once, and tries again.
            self.reload(RELOAD_MIN);
            return;
        }
        if reply.is_closed() {
            return;
        }
        let reserved = self.pool.reserve(self.env().clock.now()).map_err(|_| PoolFull);
        let outcome = if reserved.is_ok() { "reserved" } else { "full" };
        counter!(names::POOL_LEASES, "outcome" => outcome).increment(1);
        if reserved.is_err() {
            self.suspicious = true;
            self.reload(RELOAD_MIN);
        }
        if let Err(error) = reply.send(reserved) {
            tracing::debug!(actor = KIND, pool = %self.args.pool, %error, "nobody waits for the address any more");
            if let Ok(addresses) = reserved {
                self.pool.give_back(addresses);
            }
        }
    }

    fn remember(&mut self, change: Change) {
        if self.reader.is_none() {
            return;
        }
        if self.changes.len() >= CHANGES_MAX {
            (self.reader, self.read_at) = (None, None);
            self.changes.clear();
            return;
        }
        self.changes.push(change);
    }

    fn tick(&mut self) {
        let place = Arc::clone(&self.args.place);
        self.tick = Some(Timer::after(TICK, move || {
            place.slot.tell(IpPoolMsg::Tick);
        }));
        self.pool.expire_reservations(self.env().clock.now());
        self.reload(if self.loaded && !self.suspicious { RELOAD_EVERY } else { RELOAD_MIN });
        self.report();
    }

    /// Reads the rows if that was not done within this time.
    fn reload(&mut self, unless_within: Duration) {
        let now = Instant::now();
        if self.reader.is_some() || self.read_at.is_some_and(|at| now < at + unless_within) {
            return;
        }
        (self.read_at, self.suspicious) = (Some(now), false);
        self.changes.clear();
        let (duty, place, pool) = (self.args.duty.clone(), Arc::clone(&self.args.place), self.args.pool);
        self.reader = Some(Task::spawn(async move {
            let rows = duty.env.store.leases_of(pool).await;
            place.slot.tell(IpPoolMsg::Loaded(rows));
        }));
    }

    fn loaded(&mut self, rows: Result<Vec<LeaseRow>, StoreError>) {
        match rows {
            Ok(rows) => {
                self.pool.load(rows.into_iter().map(|row| (row.addresses, row.quarantine_until)));
                // The reading may be older than what we were told meanwhile.
                for change in std::mem::take(&mut self.changes) {
                    match change {
                        Change::Confirmed(addresses) => self.pool.confirm(addresses),
                        Change::Taken(addresses) => self.pool.mark_taken(addresses),
                        Change::Released(addresses) => self.pool.release(addresses),
                    }
                }
                self.loaded = true;
            }
            Err(error) => tracing::warn!(actor = KIND, pool = %self.args.pool, %error, "leases cannot be read"),
        }
        self.report();
    }

    #[allow(clippy::cast_precision_loss, reason = "a pool has at most a million addresses")]
    fn report(&self) {
        let stats = self.pool.stats();
        // Before the rows are here every address seems free.
        if !self.loaded {
            return;
        }
        self.args.place.free.store(i64::try_from(stats.free).unwrap_or(i64::MAX), Ordering::Relaxed);
        self.gauges.free.set(stats.free as f64);
        self.gauges.live.set(stats.live as f64);
        self.gauges.reserved.set(stats.reserved as f64);
        self.gauges.quarantined.set(stats.quarantined as f64);
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
