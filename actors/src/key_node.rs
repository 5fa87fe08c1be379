//! One server of keys (Outline, MTProto): reads it first, then the rows, and makes it have what the rows want, one change at a
//! time.
//!
//! Such a server writes its whole file anew for every change, so changes go one after the other, and those that somebody waits
//! for go first. Where it acts on a change only a moment later, the next ones are made meanwhile. A full comparison runs at the
//! start, after trouble, and every half minute, also in the middle of many changes: it brings the traffic, by which a service
//! that used up its own is closed. A nudge about new keys alone needs no reading. Keys that are not ours are counted, reported
//! and left alone.

mod plan;
mod probe;
mod settling;
mod work;

use crate::env::{Duty, Env};
use crate::metrics::{self as names, Alive};
use crate::node::NodeMsg;
use crate::ports::driver::DriverError;
use crate::ports::key_driver::KeyDriver;
use crate::server::{Health, Secrets, Trouble, Who, asked, next_wait};
use crate::supervision::ChildSpec;
use crate::timer::Timer;
use probe::Probes;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use settling::Settling;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use usipipo_domain::service::NodeState;
use usipipo_storage::model::{KeyNodeRow, KeyRow, KeyStanding};

/// As metrics label it.
pub const KIND: &str = "key_node";
/// How `usipipo_node_up` labels the way such a server is carried.
const MODE: &str = "keys";
/// A key that does not work yet is looked at after this part of the time between two comparisons.
const LATE_DIVISOR: u32 = 4;

/// The actor of a server of keys.
#[derive(Debug, Clone, Copy)]
pub struct KeyNode;

/// What it needs to start.
#[derive(Clone)]
pub struct KeyNodeArgs {
    who: Who,
    driver: Arc<dyn KeyDriver>,
}

/// The server as a child. Enters its place into the directory.
#[must_use]
pub fn spec(duty: &Duty, node: &KeyNodeRow, driver: Arc<dyn KeyDriver>) -> ChildSpec {
    let who = Who::new(duty, KIND, node.id, &node.spec.name, node.spec.exclusive, node.state);
    let place = Arc::clone(&who.place);
    let args = KeyNodeArgs { who, driver };
    let make = move || (KeyNode, args.clone());
    let name = child_name(&node.spec.name);
    ChildSpec::new(&duty.env, KIND, name, make).worker().queue(move || place.slot.depth())
}

/// What a server of this name is called among the children.
pub(crate) fn child_name(server: &str) -> String {
    format!("{KIND}/{server}")
}

/// The state of such an actor.
pub struct KeyNodeState {
    args: KeyNodeArgs,
    health: Health,
    secrets: Secrets,
    probes: Probes,
    /// The server was compared since it last failed, so that nudges may rely on it.
    compared: bool,
    /// When it was last read.
    surveyed: Option<Instant>,
    /// Changes that a comparison found, still to be made.
    steps: VecDeque<plan::Step>,
    /// Keys that were put and do not work yet.
    settling: Settling,
    /// The actor told itself to go on.
    going: bool,
    /// Rows handled since that comparison; their steps are out of date.
    handled: HashSet<i64>,
    /// When the work under way began.
    begun: Option<Instant>,
    /// New keys wait that there was no time for: the next comparison begins as soon as may be.
    behind: bool,
    /// A key is on the server and does not work yet: the next comparison begins earlier.
    late: bool,
    /// Rows whose keys were put without an answer, and since when; they may appear on the server later.
    unanswered: HashMap<i64, Instant>,
    /// Names of keys that are surely somebody else's.
    strangers: HashSet<String>,
    /// Done on the server and not yet marked, and since when.
    unmarked: Vec<(KeyRow, KeyStanding)>,
    unmarked_since: Option<Instant>,
    /// Counters as last read, for the metric of traffic, and whose they are.
    read: HashMap<i64, u64>,
    incarnation: Option<String>,
    wait: Option<Duration>,
    tick: Option<Timer>,
    quiet: bool,
    _alive: Alive,
}

impl Actor for KeyNode {
    type Msg = NodeMsg;
    type State = KeyNodeState;
    type Arguments = KeyNodeArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<NodeMsg>,
        args: KeyNodeArgs,
    ) -> Result<KeyNodeState, ActorProcessingErr> {
        args.who.place.slot.enter(myself);
        args.who.place.nudged.store(false, Ordering::Release);
        let mut state = KeyNodeState {
            health: Health::new(&args.who, MODE, names::KEY_NODE_KEYS),
            secrets: Secrets::new(&args.who),
            probes: Probes::new(&args.who, Arc::clone(&args.driver)),
            args,
            compared: false,
            surveyed: None,
            steps: VecDeque::new(),
            settling: Settling::default(),
            going: false,
            handled: HashSet::new(),
            begun: None,
            behind: false,
            late: false,
            unanswered: HashMap::new(),
            strangers: HashSet::new(),
            unmarked: Vec::new(),
            unmarked_since: None,
            read: HashMap::new(),
            incarnation: None,
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
        state: &mut KeyNodeState,
    ) -> Result<(), ActorProcessingErr> {
        state.args.who.place.slot.taken();
        names::observed(KIND, message.name(), async {
            Box::pin(state.take(message)).await;
            Ok(())
        })
        .await
    }

    async fn post_stop(&self, _myself: ActorRef<NodeMsg>, state: &mut KeyNodeState) -> Result<(), ActorProcessingErr> {
        // Else the next comparison finds them on the server.
        if !state.quiet {
            let within = state.env().limits().stop_timeout / 2;
            let _ = tokio::time::timeout(within, state.mark()).await;
        }
        Ok(())
    }
}

impl KeyNodeState {
    fn env(&self) -> &Env {
        self.args.who.env()
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
            NodeMsg::Tick => self.compare().await,
            NodeMsg::Continue => {
                self.going = false;
                self.proceed().await
            }
            NodeMsg::Probed(outcome) => {
                self.probes.ended(outcome);
                Ok(())
            }
        };
        if let Err(trouble) = result {
            self.failed(trouble).await;
        }
    }

    /// Looks at the rows that differ from what is believed.
    async fn nudged(&mut self) -> Result<(), Trouble> {
        if self.args.who.look_at_state().await? == NodeState::Removed {
            return self.retire().await;
        }
        // A server that was not compared since it failed is compared soon, which does this and more.
        if !self.compared {
            return Ok(());
        }
        self.mark().await?;
        // Those that were put and do not work yet are among them, and are not to keep others out.
        let limit = self.env().limits().key_batch_max.max(1) + self.settling.len();
        let mut rows = self.env().store.key_work(self.args.who.id, limit).await?;
        let full = rows.len() == limit;
        rows.retain(|row| !self.settling.has(row));
        if rows.is_empty() {
            return Ok(());
        }
        // Before a key is taken off its traffic is read, for which the whole server is read, and then the rest is no effort.
        if !plan::are_new(&rows) {
            return self.compare().await;
        }
        // Rows that cannot be done must not make us run in circles.
        let any = self.put_new(rows).await?;
        if !self.settling.is_empty() {
            self.behind |= full;
            self.go_on();
        } else if self.behind {
            // Work that is under way looks to it at its end.
            if self.begun.is_none() {
                self.behind = false;
                self.args.who.place.slot.tell(NodeMsg::Tick);
            }
        } else if any && full {
            self.env().directory.wake_nodes(&[self.args.who.id]);
        }
        self.look_at_late();
        Ok(())
    }

    /// A key that does not work yet is looked at earlier than it would be, but not later because there are always others.
    fn look_at_late(&mut self) {
        let (every, soon) = (self.env().limits().reconcile_every, self.env().limits().reconcile_every / LATE_DIVISOR);
        if self.begun.is_some() || !std::mem::take(&mut self.late) {
            return;
        }
        if self.surveyed.is_some_and(|at| at.elapsed() + soon < every) {
            self.tick_after(soon);
        }
    }

    /// The server is removed, and its rows are forgotten: nothing on it is ours any more.
    async fn retire(&mut self) -> Result<(), Trouble> {
        self.secrets.look(BTreeSet::new()).await?;
        self.quiet = true;
        self.tick = None;
        self.steps.clear();
        self.settling.clear();
        (self.unmarked, self.unmarked_since) = (Vec::new(), None);
        self.probes.stop();
        self.health.removed();
        tracing::info!(actor = KIND, node = self.args.who.name, "the server is removed; it is left alone from now on");
        Ok(())
    }

    /// Compares everything and begins to mend it.
    async fn compare(&mut self) -> Result<(), Trouble> {
        self.begun.get_or_insert_with(Instant::now);
        self.mark().await?;
        if self.args.who.look_at_state().await? == NodeState::Removed {
            return self.retire().await;
        }
        let asked = Instant::now();
        let survey = self.call(self.args.driver.survey()).await?;
        self.surveyed = Some(Instant::now());
        let rows = self.env().store.keys_of(self.args.who.id).await?;
        let (keeps_closed, exclusive) = (self.args.driver.keeps_closed(), self.args.who.exclusive);
        let mut found = plan::compare(&survey.keys, rows, (keeps_closed, exclusive), self.expiry());
        self.secrets.look(std::mem::take(&mut found.sealed)).await?;
        self.record(survey.incarnation, survey.kind, std::mem::take(&mut found.readings)).await?;
        let stragglers = self.stragglers(&found.foreign).await?;
        let foreign = found.foreign.len() - stragglers.len();
        self.health.counted(found.ours, foreign);
        self.compared = true;
        self.health.answered(foreign, false).await?;
        self.probes.open(std::mem::take(&mut found.open));
        self.done(found.found);
        self.mark().await?;
        self.forget_unanswered(asked);
        found.gone.retain(|row| !self.unanswered.contains_key(row));
        self.removed(&found.gone).await?;
        self.settling.compared(&mut found.steps);
        (self.steps, self.handled) = (found.steps, HashSet::new());
        if !exclusive {
            self.steps.extend(stragglers.into_iter().map(|name| plan::Step::Remove { row: None, name }));
        }
        self.proceed().await
    }

    /// Others are let through before the rest.
    fn go_on(&mut self) {
        if !std::mem::replace(&mut self.going, true) {
            self.args.who.place.slot.tell(NodeMsg::Continue);
        }
    }

    /// Makes the next changes that the comparison found, and lets others through before the rest.
    async fn proceed(&mut self) -> Result<(), Trouble> {
        if self.steps.is_empty() && self.settling.is_empty() && self.begun.is_none() {
            return Ok(());
        }
        let every = self.env().limits().reconcile_every;
        if !self.steps.is_empty() && self.surveyed.is_some_and(|at| at.elapsed() >= every) {
            // Many changes must not keep anybody's traffic from being looked at.
            self.steps.clear();
            self.args.who.place.slot.tell(NodeMsg::Tick);
            return Ok(());
        }
        self.next_batch().await?;
        if !self.steps.is_empty() || !self.settling.is_empty() {
            self.go_on();
            return Ok(());
        }
        self.mark().await?;
        if let Some(begun) = self.begun.take() {
            self.health.compared_in(begun.elapsed());
            self.handled.clear();
            self.wait = None;
            if std::mem::take(&mut self.behind) {
                self.tick_after(Duration::ZERO);
            } else {
                self.tick_after(every);
                self.look_at_late();
            }
        } else if std::mem::take(&mut self.behind) {
            self.args.who.place.slot.tell(NodeMsg::Tick);
        } else {
            self.look_at_late();
        }
        self.probes.look();
        Ok(())
    }

    async fn failed(&mut self, trouble: Trouble) {
        // What is on the server and what is marked may differ now: nudges wait for the next comparison.
        self.compared = false;
        self.begun = None;
        self.behind = false;
        self.steps.clear();
        self.settling.clear();
        let wait = next_wait(self.wait);
        self.wait = Some(wait);
        self.tick_after(wait);
        if let Some(error) = self.args.who.sorted(trouble, wait, &mut self.quiet) {
            self.health.down(&error, false).await;
        }
        if self.quiet {
            self.tick = None;
        }
    }

    fn expiry(&self) -> plan::Expiry {
        plan::Expiry { grace: self.env().options.grace, now: self.env().clock.now() }
    }

    async fn call<T>(&self, call: impl Future<Output = Result<T, DriverError>>) -> Result<T, Trouble> {
        Ok(asked(self.env().limits().key_call_timeout, call).await?)
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
