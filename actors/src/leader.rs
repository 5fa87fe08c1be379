//! Holds the lease of leadership. Of two processes on one database, one polls, sends, sweeps and reconciles; the other waits.
//!
//! The leader keeps its lease by renewing it and believes in it for a little less than it lasts, measured on its own monotonic
//! clock from the moment before it asked. When it could not renew for that long, it ends `duty` before another process may take
//! over. Writes are safe even if it is late (each carries its epoch); this is for what happens outside the database.
//!
//! A standby waits until the lease is over, except when it knows that the process which holds it is dead: then it takes the
//! lease at once, in one statement that names the dead holder and its epoch.
//!
//! What is known of the lease is kept in a [`Seat`] that survives a restart of this actor, so that a crash of it neither ends
//! `duty` nor makes a second one.

mod lease;

pub use lease::Role;

use crate::env::{Duty, Env};
use crate::metrics::{Alive, LEADER, LEADER_EPOCH, LEADERSHIP_CHANGES, observed};
use crate::ports::liveness::Liveness;
use crate::supervision::{ChildSpec, SupervisorMsg, SupervisorRef};
use crate::timer::Timer;
use ::metrics::{counter, gauge};
use lease::{Act, Answer, Call, Lease};
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, ActorStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use usipipo_storage::StoreError;
use usipipo_storage::model::Epoch;

const KIND: &str = "leader";
/// The child of the root that works only while this process leads.
pub const DUTY: &str = "duty";
/// Longest wait for the lease to be given back at the end.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);
/// Wait before the next try when the root did not say that `duty` has ended.
const END_AGAIN: Duration = Duration::from_millis(500);

/// Messages of the leader actor.
#[derive(Debug)]
pub enum LeaderMsg {
    /// Self-timer: takes or renews the lease.
    Tick,
    /// A write was refused because another process leads: step back at once.
    LostLead(Epoch),
    /// A call of the database ended.
    Answered(Answered),
    /// The root was asked to end `duty`; whether it has ended.
    DutyEnded(bool),
}

/// How a call of the database ended.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    call: Call,
    /// When it began, on the seat's clock.
    sent: Duration,
    answer: Answer,
}

/// What is known of the lease; outlives the actor.
#[derive(Debug)]
pub struct Seat {
    holder: String,
    liveness: Arc<dyn Liveness>,
    lease: Mutex<Lease>,
    role: watch::Sender<Role>,
    duty: Mutex<Option<ActorCell>>,
    begun: Instant,
}

impl Seat {
    /// `holder` names this process and no other, ever; `liveness` understands such names.
    #[must_use]
    pub fn new(holder: String, liveness: Arc<dyn Liveness>, ttl: Duration) -> Arc<Self> {
        Arc::new(Self {
            holder,
            liveness,
            lease: Mutex::new(Lease::new(ttl)),
            role: watch::Sender::new(Role::Starting),
            duty: Mutex::new(None),
            begun: Instant::now(),
        })
    }

    /// What this process is, now and later.
    #[must_use]
    pub fn role_changes(&self) -> watch::Receiver<Role> {
        self.role.subscribe()
    }

    /// Gives the lease back if `duty` has ended, so that a standby takes over at once.
    pub async fn release(&self, env: &Env) {
        let Some(epoch) = self.lease().held() else { return };
        if self.duty_lives() {
            tracing::warn!(actor = KIND, "keeps the lease until it runs out, because work goes on under it");
            return;
        }
        let released = tokio::time::timeout(RELEASE_TIMEOUT, env.store.release_lead(&self.holder, epoch)).await;
        if matches!(released, Ok(Ok(()))) {
            self.lease().forget();
            counter!(LEADERSHIP_CHANGES, "change" => "released").increment(1);
            tracing::info!(actor = KIND, epoch = epoch.0, "gave the lead back");
        } else {
            tracing::warn!(actor = KIND, "could not give the lead back; it runs out by itself");
        }
    }

    /// After the end of the tree: a killed one may need a moment until all have ended.
    pub(crate) async fn give_up(&self, env: &Env) {
        let begun = Instant::now();
        while self.duty_lives() && begun.elapsed() < RELEASE_TIMEOUT {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.release(env).await;
        self.tell(Role::Stopping);
    }

    /// Takes the lease if it is free, over, or held by a dead process.
    async fn try_lead(&self, env: &Env, ttl: Duration) -> Result<Option<Epoch>, StoreError> {
        let seen = env.store.look_lead().await?;
        if seen.over {
            return env.store.try_lead(&self.holder, ttl).await;
        }
        if !self.liveness.is_surely_dead(&seen.holder) {
            return Ok(None);
        }
        let taken = env.store.try_lead_after(&seen, &self.holder, ttl).await?;
        if taken.is_some() {
            tracing::warn!(actor = KIND, dead = %seen.holder, "the process that led is dead; takes the lead over");
        }
        Ok(taken)
    }

    fn lease(&self) -> MutexGuard<'_, Lease> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn duty_lives(&self) -> bool {
        let duty = self.duty.lock().unwrap_or_else(PoisonError::into_inner);
        duty.as_ref().is_some_and(|cell| cell.get_status() != ActorStatus::Stopped)
    }

    /// Notes who it is when it starts.
    fn watched(self: &Arc<Self>, mut spec: ChildSpec) -> ChildSpec {
        let (start, seat) = (spec.start, Arc::clone(self));
        spec.start = Arc::new(move |supervisor| {
            let (starting, seat) = (start(supervisor), Arc::clone(&seat));
            Box::pin(async move {
                let cell = starting.await?;
                *seat.duty.lock().unwrap_or_else(PoisonError::into_inner) = Some(cell.clone());
                Ok(cell)
            })
        });
        spec
    }
}

/// Makes the child that works while this process leads; its name must be [`DUTY`].
pub type MakeDuty = Arc<dyn Fn(Duty) -> ChildSpec + Send + Sync>;

/// Holds the lease; see the module's text. Its supervisor is the one that gets `duty`.
#[derive(Debug, Clone, Copy)]
pub struct Leader;

/// What the leader is given.
pub struct LeaderArgs {
    env: Arc<Env>,
    seat: Arc<Seat>,
    make_duty: MakeDuty,
}

/// The child of the root that leads.
pub fn spec(env: &Arc<Env>, seat: &Arc<Seat>, make_duty: MakeDuty) -> ChildSpec {
    let (given, seat) = (Arc::clone(env), Arc::clone(seat));
    let make = move || {
        let args = LeaderArgs { env: Arc::clone(&given), seat: Arc::clone(&seat), make_duty: Arc::clone(&make_duty) };
        (Leader, args)
    };
    let shown = Arc::clone(env);
    ChildSpec::new(env, KIND, KIND, make).queue(move || shown.directory.leader.depth())
}

/// The state of the leader actor.
pub struct LeaderState {
    args: LeaderArgs,
    /// At most one call of the database at a time.
    call: Option<CallTask>,
    /// The root was asked to end `duty`.
    ending: bool,
    timer: Option<Timer>,
    failing: bool,
    _alive: Alive,
}

/// Ends with its owner.
struct CallTask(JoinHandle<Answered>);

impl Drop for CallTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Actor for Leader {
    type Msg = LeaderMsg;
    type State = LeaderState;
    type Arguments = LeaderArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<LeaderMsg>,
        args: LeaderArgs,
    ) -> Result<LeaderState, ActorProcessingErr> {
        args.env.directory.leader.enter(myself.clone());
        myself.cast(LeaderMsg::Tick)?;
        Ok(LeaderState { args, call: None, ending: false, timer: None, failing: false, _alive: Alive::new(KIND) })
    }

    async fn post_start(&self, myself: ActorRef<LeaderMsg>, state: &mut LeaderState) -> Result<(), ActorProcessingErr> {
        // What an earlier life of this actor left undone.
        let act = state.args.seat.lease().resume();
        state.follow(&myself, act);
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<LeaderMsg>,
        message: LeaderMsg,
        state: &mut LeaderState,
    ) -> Result<(), ActorProcessingErr> {
        observed(KIND, message.name(), async {
            state.handle(&myself, message);
            Ok(())
        })
        .await
    }

    async fn post_stop(&self, _: ActorRef<LeaderMsg>, state: &mut LeaderState) -> Result<(), ActorProcessingErr> {
        let seat = Arc::clone(&state.args.seat);
        seat.role.send_replace(Role::Stopping);
        gauge!(LEADER).set(0.0);
        if let Some(mut call) = state.call.take()
            && let Ok(Ok(answered)) = tokio::time::timeout(RELEASE_TIMEOUT, &mut call.0).await
        {
            // It may have taken the lease just now.
            let _ = seat.lease().answered(answered.call, answered.sent, answered.answer, seat.now());
        }
        seat.release(&state.args.env).await;
        Ok(())
    }
}

impl LeaderMsg {
    const fn name(&self) -> &'static str {
        match self {
            Self::Tick => "tick",
            Self::LostLead(_) => "lost_lead",
            Self::Answered(_) => "answered",
            Self::DutyEnded(_) => "duty_ended",
        }
    }
}

impl LeaderState {
    fn handle(&mut self, myself: &ActorRef<LeaderMsg>, message: LeaderMsg) {
        let seat = Arc::clone(&self.args.seat);
        let now = seat.now();
        let act = match message {
            LeaderMsg::Tick => {
                let act = seat.lease().look(now);
                if self.call.is_none() {
                    self.ask_database(myself);
                }
                act
            }
            LeaderMsg::LostLead(epoch) => {
                self.args.env.directory.leader.taken();
                seat.lease().lost(epoch)
            }
            LeaderMsg::Answered(answered) => {
                self.call = None;
                self.failing = matches!(answered.answer, Answer::Unknown);
                seat.lease().answered(answered.call, answered.sent, answered.answer, now)
            }
            LeaderMsg::DutyEnded(true) => {
                self.ending = false;
                seat.lease().duty_ended();
                tracing::info!(actor = KIND, "stands by");
                // Perhaps it can go on at once.
                self.wake(myself, Duration::ZERO);
                return;
            }
            LeaderMsg::DutyEnded(false) => {
                self.ending = false;
                self.wake(myself, END_AGAIN);
                return;
            }
        };
        self.follow(myself, act);
        self.wake(myself, self.pause(now));
    }

    /// Until the lease is to be renewed or looked at, or is over.
    fn pause(&self, now: Duration) -> Duration {
        let limits = self.args.env.limits();
        let Some(good_until) = self.args.seat.lease().good_until() else { return limits.lease_look };
        let pause = if self.failing { limits.lease_renew / 4 } else { limits.lease_renew };
        pause.min(good_until.saturating_sub(now))
    }

    fn wake(&mut self, myself: &ActorRef<LeaderMsg>, pause: Duration) {
        let myself = myself.clone();
        self.timer = Some(Timer::after(pause, move || {
            let _ = myself.cast(LeaderMsg::Tick);
        }));
    }

    fn ask_database(&mut self, myself: &ActorRef<LeaderMsg>) {
        let seat = Arc::clone(&self.args.seat);
        let Some(call) = seat.lease().next_call() else { return };
        let (env, myself, sent) = (Arc::clone(&self.args.env), myself.clone(), seat.now());
        self.call = Some(CallTask(tokio::spawn(async move {
            let ttl = env.limits().lease_ttl;
            let answer = tokio::time::timeout(ttl, async {
                match call {
                    Call::Try => seat.try_lead(&env, ttl).await.map(Answer::Taken),
                    Call::Renew(epoch) => env.store.renew_lead(&seat.holder, epoch, ttl).await.map(Answer::Kept),
                }
            })
            .await;
            let answer = match answer {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) => {
                    tracing::warn!(actor = KIND, "cannot ask for the lead: {error}");
                    Answer::Unknown
                }
                Err(_) => {
                    tracing::warn!(actor = KIND, "cannot ask for the lead: the database does not answer in time");
                    Answer::Unknown
                }
            };
            let answered = Answered { call, sent, answer };
            let _ = myself.cast(LeaderMsg::Answered(answered));
            answered
        })));
    }

    /// Does what the state of the lease demands.
    fn follow(&mut self, myself: &ActorRef<LeaderMsg>, act: Act) {
        let seat = Arc::clone(&self.args.seat);
        match act {
            Act::Nothing => {}
            Act::StandBy => seat.tell(Role::Standby),
            Act::Begin(epoch) => {
                let duty = (self.args.make_duty)(Duty { env: Arc::clone(&self.args.env), epoch });
                let sent = root_of(myself).map(|root| root.cast(SupervisorMsg::Add(seat.watched(duty))));
                if matches!(sent, Some(Ok(()))) {
                    seat.tell(Role::Leader(epoch));
                }
            }
            Act::End => {
                seat.tell(Role::Standby);
                self.end_duty(myself);
            }
        }
    }

    fn end_duty(&mut self, myself: &ActorRef<LeaderMsg>) {
        if std::mem::replace(&mut self.ending, true) {
            return;
        }
        let (myself, root) = (myself.clone(), root_of(myself));
        let within = self.args.seat.lease().margin();
        tokio::spawn(async move {
            let timeout = within + RELEASE_TIMEOUT * 2;
            let (reply, answer) = crate::ask::port(timeout);
            let message = SupervisorMsg::Remove { name: DUTY.to_owned(), within: Some(within), reply };
            let sent = root.is_some_and(|root| root.cast(message).is_ok());
            let ended = sent && crate::ask::await_reply(answer, timeout).await.is_ok();
            let _ = myself.cast(LeaderMsg::DutyEnded(ended));
        });
    }
}

impl Seat {
    fn tell(&self, role: Role) {
        let before = self.role.send_replace(role);
        if before == role {
            return;
        }
        let change = match (before, role) {
            (_, Role::Leader(epoch)) => {
                #[allow(clippy::cast_precision_loss, reason = "an epoch never reaches 2^52")]
                gauge!(LEADER_EPOCH).set(epoch.0 as f64);
                tracing::info!(actor = KIND, epoch = epoch.0, "leads");
                "taken"
            }
            (Role::Leader(epoch), Role::Standby) => {
                tracing::warn!(actor = KIND, epoch = epoch.0, "lost the lead");
                "lost"
            }
            _ => "",
        };
        gauge!(LEADER).set(if matches!(role, Role::Leader(_)) { 1.0 } else { 0.0 });
        if !change.is_empty() {
            counter!(LEADERSHIP_CHANGES, "change" => change).increment(1);
        }
    }
}

fn root_of(myself: &ActorRef<LeaderMsg>) -> Option<SupervisorRef> {
    let root = myself.get_cell().try_get_supervisor()?;
    (root.is_message_type_of::<SupervisorMsg>() == Some(true)).then(|| root.into())
}

#[cfg(all(test, feature = "testing"))]
mod tests;
