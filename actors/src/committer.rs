//! Commits the steps of many sessions in one transaction: a commit costs a disk flush, whatever is in it.
//!
//! While a transaction is under way the next steps gather, and between two there is a moment, so groups grow with the load by
//! themselves and a lone step never waits. A second transaction begins beside the first only when many wait: two small ones cost
//! twice the flushes of one. Steps of one user are never under way at the same time, even when a killed session's step and its
//! successor's meet here.
//!
//! What a step leaves to do (messages to send, servers to wake, a user with a replayed update) is passed on from here, once for
//! the whole group, so that it happens at once even when the session is gone by then.

use crate::env::Duty;
use crate::leader::LeaderMsg;
use crate::metrics::{self as names, Alive};
use crate::on_drop::OnDrop;
use crate::outbox::OutboxMsg;
use crate::pace::Pace;
use crate::router::RouterMsg;
use crate::supervision::ChildSpec;
use metrics::{counter, histogram};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinSet;
use usipipo_domain::ids::UserId;
use usipipo_storage::StoreError;
use usipipo_storage::model::{StepCommit, StepDone, StepRefusal};

/// As metrics label it.
pub const KIND: &str = "committer";

/// A further transaction begins beside one under way when this share of a full group waits.
const FURTHER_FROM_SHARE: usize = 4;

/// What became of a step.
pub type CommitReply = Result<Result<StepDone, StepRefusal>, StoreError>;

/// Messages of the committer.
#[derive(Debug)]
pub enum CommitterMsg {
    /// Commit this step, together with others that wait.
    Commit {
        /// The step.
        step: Box<StepCommit>,
        /// What became of it. `Err` says nothing about the others of its group, and that this one was not committed or that
        /// nobody knows. Messages and wake-ups in it are passed on already.
        reply: RpcReplyPort<CommitReply>,
    },
    /// A transaction with steps of these users ended.
    Committed(Vec<UserId>),
    /// Self-timer: steps have gathered long enough.
    Gathered,
}

impl CommitterMsg {
    const fn name(&self) -> &'static str {
        match self {
            Self::Commit { .. } => "commit",
            Self::Committed(_) => "committed",
            Self::Gathered => "gathered",
        }
    }
}

/// The committer.
#[derive(Debug, Clone, Copy)]
pub struct Committer;

/// The committer as a child.
#[must_use]
pub fn spec(duty: &Duty) -> ChildSpec {
    let make = {
        let duty = duty.clone();
        move || (Committer, duty.clone())
    };
    let env = Arc::clone(&duty.env);
    ChildSpec::new(&duty.env, KIND, KIND, make).queue(move || env.directory.committer.depth())
}

type Reply = RpcReplyPort<CommitReply>;

/// A step that waits.
#[derive(Debug)]
struct Waiting {
    step: Box<StepCommit>,
    reply: Reply,
}

/// The state of the committer.
pub struct CommitterState {
    duty: Duty,
    waiting: VecDeque<Waiting>,
    /// Users with a step under way.
    under_way: HashSet<UserId>,
    in_flight: usize,
    pace: Pace,
    /// Aborted with the state. A step whose fate is unknown then is tried again by its session, and found done if it was.
    transactions: JoinSet<()>,
    _alive: Alive,
}

impl Actor for Committer {
    type Msg = CommitterMsg;
    type State = CommitterState;
    type Arguments = Duty;

    async fn pre_start(
        &self,
        myself: ActorRef<CommitterMsg>,
        duty: Duty,
    ) -> Result<CommitterState, ActorProcessingErr> {
        duty.env.directory.committer.enter(myself);
        Ok(CommitterState {
            duty,
            waiting: VecDeque::new(),
            under_way: HashSet::new(),
            in_flight: 0,
            pace: Pace::default(),
            transactions: JoinSet::new(),
            _alive: Alive::new(KIND),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<CommitterMsg>,
        message: CommitterMsg,
        state: &mut CommitterState,
    ) -> Result<(), ActorProcessingErr> {
        names::observed(KIND, message.name(), async {
            match message {
                CommitterMsg::Commit { step, reply } => {
                    state.duty.env.directory.committer.taken();
                    state.waiting.push_back(Waiting { step, reply });
                }
                CommitterMsg::Committed(users) => {
                    state.in_flight -= 1;
                    for user in users {
                        state.under_way.remove(&user);
                    }
                    while state.transactions.try_join_next().is_some() {}
                }
                CommitterMsg::Gathered => state.pace.woken(),
            }
            state.begin(&myself);
            Ok(())
        })
        .await
    }

    /// Sessions end before their committer, so only what lost its session can be under way.
    async fn post_stop(
        &self,
        _myself: ActorRef<CommitterMsg>,
        state: &mut CommitterState,
    ) -> Result<(), ActorProcessingErr> {
        let timeout = state.duty.env.limits().stop_timeout;
        let _ = tokio::time::timeout(timeout, async { while state.transactions.join_next().await.is_some() {} }).await;
        Ok(())
    }
}

impl CommitterState {
    /// Begins as many transactions as may run now.
    fn begin(&mut self, myself: &ActorRef<CommitterMsg>) {
        let limits = self.duty.env.limits();
        let (group_max, in_flight_max) = (limits.commit_batch_max, limits.commits_in_flight_max);
        while !self.waiting.is_empty() && self.in_flight < in_flight_max {
            if self.in_flight > 0 && self.waiting.len() * FURTHER_FROM_SHARE < group_max {
                return;
            }
            let wake = {
                let myself = myself.clone();
                move || {
                    let _ = myself.cast(CommitterMsg::Gathered);
                }
            };
            if !self.pace.begin(self.waiting.len() >= group_max, wake) {
                return;
            }
            let group = self.next_group(group_max);
            if group.is_empty() {
                return;
            }
            let duty = self.duty.clone();
            let users = group.iter().map(|waiting| waiting.step.user).collect();
            let myself = myself.clone();
            let ended = OnDrop::new(move || {
                let _ = myself.cast(CommitterMsg::Committed(users));
            });
            self.in_flight += 1;
            self.transactions.spawn(async move {
                let _ended = ended;
                Box::pin(commit(&duty, group)).await;
            });
        }
    }

    /// The next steps in order, at most one of each user and none of a user with a step under way.
    fn next_group(&mut self, max: usize) -> Vec<Waiting> {
        let mut group = Vec::with_capacity(self.waiting.len().min(max));
        let mut held = VecDeque::new();
        while group.len() < max {
            let Some(waiting) = self.waiting.pop_front() else { break };
            if waiting.reply.is_closed() {
                // Its session gave up waiting and asks anew.
            } else if self.under_way.insert(waiting.step.user) {
                group.push(waiting);
            } else {
                held.push_back(waiting);
            }
        }
        if !held.is_empty() {
            held.append(&mut self.waiting);
            self.waiting = held;
        }
        group
    }
}

/// Commits a group and answers each of it. Storage sees to it that a step which the database refuses does not sink the others.
async fn commit(duty: &Duty, group: Vec<Waiting>) {
    let (steps, replies): (Vec<StepCommit>, Vec<Reply>) =
        group.into_iter().map(|waiting| (*waiting.step, waiting.reply)).unzip();
    #[allow(clippy::cast_precision_loss, reason = "a group is small")]
    histogram!(names::COMMIT_BATCH).record(steps.len() as f64);
    let begun = Instant::now();
    let result = duty.env.store.commit_steps(duty.epoch, steps).await;
    histogram!(names::COMMIT_SECONDS).record(begun.elapsed());
    let results: Vec<CommitReply> = match result {
        Ok(results) => results.into_iter().map(Ok).collect(),
        Err(error) => {
            tracing::warn!(actor = KIND, steps = replies.len(), %error, "steps were not committed");
            if matches!(error, StoreError::NotLeader) {
                duty.env.directory.leader.tell(LeaderMsg::LostLead(duty.epoch));
            }
            replies.iter().map(|_| Err(error.clone())).collect()
        }
    };
    answer(duty, replies, results);
}

/// Passes on what the steps leave to do, then answers the sessions.
fn answer(duty: &Duty, replies: Vec<Reply>, mut results: Vec<CommitReply>) {
    let directory = &duty.env.directory;
    let (mut messages, mut wake, mut replayed) = (Vec::new(), Vec::new(), Vec::new());
    for done in results.iter_mut().flatten().flatten() {
        messages.append(&mut done.messages);
        wake.append(&mut done.wake);
        replayed.extend(done.replayed);
    }
    if !messages.is_empty() {
        directory.outbox.tell(OutboxMsg::Send(messages));
    }
    wake.sort_unstable();
    wake.dedup();
    directory.wake_nodes(&wake);
    if !replayed.is_empty() {
        directory.router.tell(RouterMsg::Waiting(replayed));
    }
    for (reply, result) in replies.into_iter().zip(results) {
        let outcome = match &result {
            Ok(Ok(_)) => "committed",
            Ok(Err(StepRefusal::AlreadyDone)) => "already_done",
            Ok(Err(StepRefusal::AddressTaken)) => "address_taken",
            Ok(Err(StepRefusal::NotPrepared)) => "not_prepared",
            Ok(Err(StepRefusal::Broken(_))) | Err(_) => "failed",
        };
        counter!(names::STEPS, "outcome" => outcome).increment(1);
        let _ = reply.send(result);
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
