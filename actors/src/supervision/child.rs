//! A child's record, its end, and the remembrance of predecessors.

use super::policy::Budget;
use super::{ChildSpec, ChildState, Panicked, TreeNode, is_passing};
use ractor::{ActorCell, ActorProcessingErr, ActorStatus, RpcReplyPort};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::{AbortHandle, JoinHandle};

/// Wait for a killed actor to end before that is reported. It ends at its next await, so only one that blocks its thread
/// takes longer.
pub(super) const KILL_WAIT: Duration = Duration::from_secs(2);
/// Longest wait of a supervisor for the children of its predecessor, which was killed.
const PREDECESSOR_WAIT: Duration = Duration::from_secs(5);
/// How often such children are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// How a child ended or failed to start.
#[derive(Debug, Clone)]
pub(super) struct Crash {
    /// As metrics label it.
    pub(super) cause: &'static str,
    /// For people.
    pub(super) message: String,
    /// Only the database was away.
    pub(super) passing: bool,
}

impl Crash {
    pub(super) fn failed(error: &ActorProcessingErr) -> Self {
        let cause = if error.is::<Panicked>() { "panic" } else { "error" };
        Self { cause, message: error.to_string(), passing: is_passing(error.as_ref()) }
    }

    pub(super) fn ended(reason: Option<String>) -> Self {
        let message = reason.unwrap_or_else(|| "it ended by itself".to_owned());
        let cause = if message == "killed" { "killed" } else { "ended" };
        Self { cause, message, passing: false }
    }
}

/// A start under way; ends with its owner, since a late `pre_start` would take its successor's place in the directory.
#[derive(Debug)]
pub(super) struct StartTask(pub(super) JoinHandle<Option<ActorCell>>);

impl StartTask {
    /// Ends the start. If it had ended already, its actor is returned.
    pub(super) async fn abort(mut self) -> Option<ActorCell> {
        self.0.abort();
        (&mut self.0).await.ok().flatten()
    }
}

impl Drop for StartTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A child as its supervisor knows it.
pub(super) struct Child {
    pub(super) spec: ChildSpec,
    pub(super) state: ChildState,
    /// Grows with each start; what is said about an earlier one is ignored.
    pub(super) attempt: u64,
    pub(super) cell: Option<ActorCell>,
    pub(super) start: Option<StartTask>,
    pub(super) budget: Budget,
    pub(super) restarts: u64,
    pub(super) last_cause: Option<String>,
    /// Admins were told that it rests.
    pub(super) alerted: bool,
    pub(super) removers: Vec<RpcReplyPort<bool>>,
}

impl Child {
    pub(super) fn new(spec: ChildSpec) -> Self {
        Self {
            spec,
            state: ChildState::Waiting,
            attempt: 0,
            cell: None,
            start: None,
            budget: Budget::default(),
            restarts: 0,
            last_cause: None,
            alerted: false,
            removers: Vec::new(),
        }
    }

    /// For people, without what the child itself may add.
    pub(super) fn node(&self) -> TreeNode {
        TreeNode {
            name: self.spec.name.clone(),
            state: self.state,
            restarts: self.restarts,
            queue: None,
            last_cause: self.last_cause.clone(),
            children: Vec::new(),
            more: Vec::new(),
        }
    }

    /// Ends it, whatever it is doing: told to stop at first, then killed. `false` when it did not end even so.
    pub(super) fn end(&mut self, within: Option<Duration>) -> impl Future<Output = bool> + Send + use<> {
        let (start, cell) = (self.start.take(), self.cell.take());
        let (name, within) = (self.spec.name.clone(), within.unwrap_or(self.spec.stop_timeout));
        async move {
            let late = match start {
                Some(start) => start.abort().await,
                None => None,
            };
            let mut ended = true;
            for cell in cell.into_iter().chain(late) {
                ended &= end(&cell, &name, within).await;
            }
            ended
        }
    }
}

/// Stops an actor, or kills it if it takes too long. `false` when it did not end even so.
pub(super) async fn end(cell: &ActorCell, name: &str, within: Duration) -> bool {
    if has_ended(cell) {
        return true;
    }
    cell.stop(None);
    if cell.wait(Some(within)).await.is_ok() || has_ended(cell) {
        return true;
    }
    tracing::warn!(actor = "supervisor", child = name, "did not end in time and is killed");
    cell.kill();
    let ended = cell.wait(Some(KILL_WAIT)).await.is_ok() || has_ended(cell);
    if !ended {
        tracing::error!(actor = "supervisor", child = name, "blocks its thread and cannot be ended");
    }
    ended
}

pub(super) fn has_ended(cell: &ActorCell) -> bool {
    cell.get_status() == ActorStatus::Stopped
}

enum Trace {
    Actor(ActorCell),
    Start(AbortHandle),
}

impl Trace {
    fn is_over(&self) -> bool {
        match self {
            Self::Actor(cell) => has_ended(cell),
            Self::Start(task) => task.is_finished(),
        }
    }
}

/// Who was started by any incarnation of one supervisor. When one is killed, its children are killed with it but end a moment
/// later; the next incarnation waits for them here, so that never two of a kind are at work.
#[derive(Clone, Default)]
pub struct Roster(Arc<Mutex<Vec<Trace>>>);

impl std::fmt::Debug for Roster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Roster").finish_non_exhaustive()
    }
}

impl Roster {
    pub(super) fn note_actor(&self, cell: &ActorCell) {
        self.note(Trace::Actor(cell.clone()));
    }

    pub(super) fn note_start(&self, task: &StartTask) {
        self.note(Trace::Start(task.0.abort_handle()));
    }

    fn note(&self, trace: Trace) {
        let mut traces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        traces.retain(|trace| !trace.is_over());
        traces.push(trace);
    }

    /// Ends whoever is left of earlier incarnations and waits for them, a bounded time.
    pub(super) async fn clear(&self) {
        let mut traces = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for trace in &traces {
            match trace {
                Trace::Actor(cell) if !has_ended(cell) => cell.kill(),
                Trace::Actor(_) => {}
                Trace::Start(task) => task.abort(),
            }
        }
        let begun = Instant::now();
        loop {
            traces.retain(|trace| !trace.is_over());
            if traces.is_empty() {
                return;
            }
            if begun.elapsed() > PREDECESSOR_WAIT {
                tracing::error!(
                    actor = "supervisor",
                    left = traces.len(),
                    "children of a killed supervisor do not end"
                );
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
