//! The supervisor.

use super::child::{Child, Crash, Roster, StartTask, end, has_ended};
use super::guard::caught;
use super::policy::{Policy, Verdict};
use super::{ChildSpec, ChildState, Importance, StartFailure, SupervisorMsg, SupervisorRef, is_passing, tree};
use crate::alerts::AlertsMsg;
use crate::metrics::{ACTOR_QUARANTINED, ACTOR_RESTARTS, Alive, BUDGET_EXHAUSTED, observed};
use metrics::counter;
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, RpcReplyPort, SupervisionEvent};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use usipipo_domain::alert::AlertKind;

pub(super) const KIND: &str = "supervisor";
/// Longest start of a child; the next one waits for it no longer than this.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// Ends of children that are remembered although their start was not yet reported. There is at most one for each start under
/// way, so this is never reached.
const EARLY_ENDS_MAX: usize = 1_024;
/// How long a supervisor that gives itself up waits for its children, all together.
const GIVE_UP_WITHIN: Duration = Duration::from_secs(10);

/// Where a supervisor reports children that rest.
pub type AlertSink = Arc<dyn Fn(AlertsMsg) + Send + Sync>;

/// Supervises; see the module's text.
#[derive(Debug, Clone, Copy)]
pub struct Supervisor;

/// What a supervisor is given.
#[derive(Clone)]
pub struct SupervisorArgs {
    /// For people and metrics.
    pub name: String,
    /// Children to start with, in order.
    pub children: Vec<ChildSpec>,
    /// The bounds of restarts.
    pub policy: Policy,
    /// Told of children that rest.
    pub alerts: AlertSink,
    /// Shared by all incarnations of this supervisor.
    pub roster: Roster,
    /// Set to the reason when it gives itself up.
    pub given_up: Arc<OnceLock<String>>,
}

impl std::fmt::Debug for SupervisorArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SupervisorArgs").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A core child crashed too often.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{child} crashed too often; the last time: {cause}")]
pub struct GivenUp {
    child: String,
    cause: String,
}

/// A supervisor's state.
pub struct SupervisorState {
    name: String,
    policy: Policy,
    alerts: AlertSink,
    roster: Roster,
    given_up: Arc<OnceLock<String>>,
    /// In the order in which they were added.
    children: Vec<Child>,
    /// Not started yet.
    unstarted: VecDeque<String>,
    /// The one whose first start the unstarted ones wait for.
    first_start: Option<String>,
    /// Actors whose end was reported before their start: events come ahead of messages.
    early: HashMap<ActorId, Crash>,
    settling: Vec<RpcReplyPort<()>>,
    begun: Instant,
    _alive: Alive,
}

impl Actor for Supervisor {
    type Msg = SupervisorMsg;
    type State = SupervisorState;
    type Arguments = SupervisorArgs;

    async fn pre_start(
        &self,
        myself: SupervisorRef,
        args: SupervisorArgs,
    ) -> Result<SupervisorState, ActorProcessingErr> {
        args.roster.clear().await;
        for spec in args.children {
            myself.cast(SupervisorMsg::Add(spec))?;
        }
        Ok(SupervisorState {
            name: args.name,
            policy: args.policy,
            alerts: args.alerts,
            roster: args.roster,
            given_up: args.given_up,
            children: Vec::new(),
            unstarted: VecDeque::new(),
            first_start: None,
            early: HashMap::new(),
            settling: Vec::new(),
            begun: Instant::now(),
            _alive: Alive::new(KIND),
        })
    }

    async fn handle(
        &self,
        myself: SupervisorRef,
        message: SupervisorMsg,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        let name = message.name();
        observed(KIND, name, Box::pin(state.handle(&myself, message))).await
    }

    async fn handle_supervisor_evt(
        &self,
        myself: SupervisorRef,
        event: SupervisionEvent,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        let (cell, crash) = match event {
            SupervisionEvent::ActorFailed(cell, error) => (cell, Crash::failed(&error)),
            // The child's last state is dropped here, before its successor starts.
            SupervisionEvent::ActorTerminated(cell, _, reason) => (cell, Crash::ended(reason)),
            _ => return Ok(()),
        };
        Box::pin(observed(KIND, "ended", state.ended(&myself, &cell, crash))).await
    }

    async fn post_stop(&self, _: SupervisorRef, state: &mut SupervisorState) -> Result<(), ActorProcessingErr> {
        state.end_all(None).await;
        Ok(())
    }
}

impl SupervisorMsg {
    const fn name(&self) -> &'static str {
        match self {
            Self::Add(_) => "add",
            Self::Remove { .. } => "remove",
            Self::Started { .. } => "started",
            Self::StartAgain { .. } => "start_again",
            Self::RanWell { .. } => "ran_well",
            Self::Removed(_) => "removed",
            Self::Settled(_) => "settled",
            Self::Find { .. } => "find",
            Self::Tree(_) => "tree",
        }
    }
}

impl SupervisorState {
    async fn handle(&mut self, myself: &SupervisorRef, message: SupervisorMsg) -> Result<(), ActorProcessingErr> {
        match message {
            SupervisorMsg::Add(spec) => self.add(myself, spec),
            SupervisorMsg::Remove { name, within, reply } => self.remove(myself, &name, within, reply),
            SupervisorMsg::Started { name, attempt, result } => {
                return self.started(myself, &name, attempt, result).await;
            }
            SupervisorMsg::StartAgain { name, attempt } => {
                if let Some(index) = self.index_at(&name, attempt)
                    && matches!(self.children[index].state, ChildState::Waiting | ChildState::Resting)
                {
                    self.start(myself, index);
                }
            }
            SupervisorMsg::RanWell { name, attempt } => {
                if let Some(index) = self.index_at(&name, attempt) {
                    self.children[index].be_well_again(&self.alerts);
                }
            }
            SupervisorMsg::Removed(name) => self.removed(myself, &name),
            SupervisorMsg::Settled(reply) => {
                self.settling.push(reply);
                self.go_on(myself);
            }
            SupervisorMsg::Find { path, reply } => tree::find(&self.children, &path, reply),
            SupervisorMsg::Tree(reply) => tree::tell(&self.name, &self.children, reply),
        }
        Ok(())
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.children.iter().position(|child| child.spec.name == name)
    }

    fn index_at(&self, name: &str, attempt: u64) -> Option<usize> {
        self.index(name).filter(|index| self.children[*index].attempt == attempt)
    }

    fn add(&mut self, myself: &SupervisorRef, spec: ChildSpec) {
        if self.index(&spec.name).is_some() {
            tracing::debug!(actor = KIND, supervisor = self.name, child = spec.name, "is there already");
            return;
        }
        self.unstarted.push_back(spec.name.clone());
        self.children.push(Child::new(spec));
        self.go_on(myself);
    }

    /// Starts the next child, unless the one before is still at it.
    fn go_on(&mut self, myself: &SupervisorRef) {
        while self.first_start.is_none() {
            let Some(name) = self.unstarted.pop_front() else {
                for reply in self.settling.drain(..) {
                    let _ = reply.send(());
                }
                return;
            };
            if let Some(index) = self.index(&name) {
                self.first_start = Some(name);
                self.start(myself, index);
            }
        }
    }

    fn start(&mut self, myself: &SupervisorRef, index: usize) {
        let child = &mut self.children[index];
        child.attempt += 1;
        child.state = ChildState::Starting;
        let (name, attempt) = (child.spec.name.clone(), child.attempt);
        let (start, myself) = (Arc::clone(&child.spec.start), myself.clone());
        let task = StartTask(tokio::spawn(async move {
            let started = caught(async {
                match tokio::time::timeout(START_TIMEOUT, start(myself.get_cell())).await {
                    Ok(result) => Ok(result?),
                    Err(_) => Err(format!("it did not start within {} s", START_TIMEOUT.as_secs()).into()),
                }
            });
            let result = started
                .await
                .map_err(|error| StartFailure { passing: is_passing(error.as_ref()), message: reason_of(&error) });
            let cell = result.as_ref().ok().cloned();
            let _ = myself.cast(SupervisorMsg::Started { name, attempt, result });
            cell
        }));
        self.roster.note_start(&task);
        child.start = Some(task);
    }

    async fn started(
        &mut self,
        myself: &SupervisorRef,
        name: &str,
        attempt: u64,
        result: Result<ActorCell, StartFailure>,
    ) -> Result<(), ActorProcessingErr> {
        let early = result.as_ref().ok().and_then(|cell| self.early.remove(&cell.get_id()));
        let Some(index) =
            self.index_at(name, attempt).filter(|index| self.children[*index].state == ChildState::Starting)
        else {
            self.send_away(name, result);
            return Ok(());
        };
        self.children[index].start = None;
        if self.first_start.as_deref() == Some(name) {
            self.first_start = None;
        }
        let crash = match (result, early) {
            (Ok(_), Some(crash)) => Some(crash),
            (Ok(cell), None) if has_ended(&cell) => Some(Crash::ended(None)),
            (Ok(cell), None) => {
                self.roster.note_actor(&cell);
                self.runs(myself, index, cell);
                None
            }
            (Err(failure), _) => Some(Crash { cause: "start", message: failure.message, passing: failure.passing }),
        };
        if !self.children.iter().any(|child| child.start.is_some()) {
            // Left by children that were told to stop.
            self.early.clear();
        }
        if let Some(crash) = crash {
            self.crashed(myself, index, crash).await?;
        }
        self.go_on(myself);
        Ok(())
    }

    fn runs(&mut self, myself: &SupervisorRef, index: usize, cell: ActorCell) {
        let child = &mut self.children[index];
        child.state = ChildState::Running;
        child.cell = Some(cell);
        child.budget.started();
        tracing::debug!(actor = KIND, supervisor = self.name, child = child.spec.name, "runs");
        if child.alerted {
            let (name, attempt) = (child.spec.name.clone(), child.attempt);
            myself.send_after(self.policy.window, move || SupervisorMsg::RanWell { name, attempt });
        }
    }

    /// Of a child that is gone by now, or of an earlier start: nobody waits for it.
    fn send_away(&self, name: &str, result: Result<ActorCell, StartFailure>) {
        if let Ok(cell) = result {
            self.roster.note_actor(&cell);
            let (name, within) = (name.to_owned(), GIVE_UP_WITHIN);
            tokio::spawn(async move { end(&cell, &name, within).await });
        }
    }

    async fn ended(
        &mut self,
        myself: &SupervisorRef,
        cell: &ActorCell,
        crash: Crash,
    ) -> Result<(), ActorProcessingErr> {
        let id = cell.get_id();
        let of_child = |child: &Child| child.cell.as_ref().is_some_and(|cell| cell.get_id() == id);
        let Some(index) = self.children.iter().position(of_child) else {
            // Its start is still to be reported, or it was told to stop.
            if self.early.len() < EARLY_ENDS_MAX && self.children.iter().any(|child| child.start.is_some()) {
                self.early.insert(id, crash);
            }
            return Ok(());
        };
        self.children[index].cell = None;
        self.crashed(myself, index, crash).await
    }

    async fn crashed(&mut self, myself: &SupervisorRef, index: usize, crash: Crash) -> Result<(), ActorProcessingErr> {
        let now = self.begun.elapsed();
        let child = &mut self.children[index];
        tracing::warn!(
            actor = KIND,
            supervisor = self.name,
            child = child.spec.name,
            cause = crash.cause,
            passing = crash.passing,
            "crashed: {}",
            crash.message
        );
        counter!(ACTOR_RESTARTS, "actor" => child.spec.kind, "cause" => crash.cause).increment(1);
        child.restarts += 1;
        child.last_cause = Some(format!("{}: {}", crash.cause, crash.message));
        let verdict = if crash.passing {
            Verdict::Restart(child.budget.held_up(&self.policy))
        } else {
            child.budget.crashed(now, &self.policy)
        };
        match (verdict, child.spec.importance) {
            (Verdict::Restart(Duration::ZERO), _) => self.start(myself, index),
            (Verdict::Restart(wait), _) => self.start_after(myself, index, ChildState::Waiting, wait),
            (Verdict::GiveUp, Importance::Worker) => {
                child.tell_of_rest(&self.alerts, &crash);
                self.start_after(myself, index, ChildState::Resting, self.policy.rest);
            }
            (Verdict::GiveUp, Importance::Core) => return Err(self.give_up(index, &crash).await.into()),
        }
        Ok(())
    }

    fn start_after(&mut self, myself: &SupervisorRef, index: usize, state: ChildState, wait: Duration) {
        let child = &mut self.children[index];
        child.state = state;
        let (name, attempt) = (child.spec.name.clone(), child.attempt);
        myself.send_after(wait, move || SupervisorMsg::StartAgain { name, attempt });
    }

    /// The children end in order even so; ractor would kill them all at once.
    async fn give_up(&mut self, index: usize, crash: &Crash) -> GivenUp {
        let given_up = GivenUp {
            child: self.children[index].spec.name.clone(),
            cause: format!("{}: {}", crash.cause, crash.message),
        };
        tracing::error!(actor = KIND, supervisor = self.name, "gives up: {given_up}");
        counter!(BUDGET_EXHAUSTED, "supervisor" => self.name.clone()).increment(1);
        let _ = self.given_up.set(given_up.to_string());
        if tokio::time::timeout(GIVE_UP_WITHIN, self.end_all(None)).await.is_err() {
            tracing::warn!(actor = KIND, supervisor = self.name, "kills the children that are left");
        }
        given_up
    }

    /// In reverse order, one after the other.
    async fn end_all(&mut self, within: Option<Duration>) {
        self.unstarted.clear();
        for child in self.children.iter_mut().rev() {
            child.state = ChildState::Stopping;
            child.end(within).await;
        }
    }

    fn remove(&mut self, myself: &SupervisorRef, name: &str, within: Option<Duration>, reply: RpcReplyPort<bool>) {
        let Some(index) = self.index(name) else {
            let _ = reply.send(false);
            return;
        };
        let child = &mut self.children[index];
        child.removers.push(reply);
        if child.state == ChildState::Stopping {
            return;
        }
        child.state = ChildState::Stopping;
        let (name, cell) = (name.to_owned(), child.cell.clone());
        let (ending, myself) = (child.end(within), myself.clone());
        tokio::spawn(async move {
            if !ending.await
                && let Some(cell) = cell
            {
                // Whoever asked must not think that it is gone.
                let _ = cell.wait(None).await;
            }
            let _ = myself.cast(SupervisorMsg::Removed(name));
        });
    }

    fn removed(&mut self, myself: &SupervisorRef, name: &str) {
        let Some(index) = self.index(name) else { return };
        let mut child = self.children.remove(index);
        child.be_well_again(&self.alerts);
        for reply in child.removers {
            let _ = reply.send(true);
        }
        if self.first_start.as_deref() == Some(name) {
            self.first_start = None;
        }
        self.go_on(myself);
    }
}

impl Child {
    fn tell_of_rest(&mut self, alerts: &AlertSink, crash: &Crash) {
        counter!(ACTOR_QUARANTINED, "actor" => self.spec.kind).increment(1);
        tracing::error!(actor = KIND, child = self.spec.name, "crashed too often and rests");
        self.alerted = true;
        let cause = format!("{}: {}", crash.cause, crash.message);
        alerts(AlertsMsg::Raise(AlertKind::ActorQuarantined { actor: self.spec.name.clone(), cause }));
    }

    fn be_well_again(&mut self, alerts: &AlertSink) {
        if std::mem::take(&mut self.alerted) {
            let kind = AlertKind::ActorQuarantined { actor: self.spec.name.clone(), cause: String::new() };
            alerts(AlertsMsg::Resolve(kind.key()));
        }
    }
}

/// Without ractor's words around it.
fn reason_of(error: &ActorProcessingErr) -> String {
    match error.downcast_ref::<ractor::SpawnErr>() {
        Some(ractor::SpawnErr::StartupFailed(error)) => error.to_string(),
        _ => error.to_string(),
    }
}
