//! Updates that never go through a session and are never shed: payments, and blocks of the bot. One actor for each lane.
//!
//! Rows that were not delivered are taken from the database one at a time at first, so that one that makes this actor crash
//! costs the others none of their attempts.

use crate::directory::Slot;
use crate::env::{Duty, Env};
use crate::leader::LeaderMsg;
use crate::metrics::{self as names, Alive};
use crate::outbox::OutboxMsg;
use crate::ports::updates::{Lane, PaymentUpdate};
use crate::supervision::ChildSpec;
use crate::timer::{Timer, backoff};
use metrics::counter;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use usipipo_domain::ids::UserId;
use usipipo_domain::permission::Permission;
use usipipo_storage::StoreError;
use usipipo_storage::model::InboxRow;

/// How often rows are looked for that nobody delivered. A pre-checkout among them is still answered in time.
const TICK: Duration = Duration::from_secs(2);
/// First wait after the database did not answer; doubles.
const WAIT_MIN: Duration = Duration::from_millis(100);
/// Longest such wait.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// Rows that wait in memory; more wait in the database.
const MEMORY_MAX: usize = 1_024;
/// Rows taken from the database at once when all goes well.
const TAKE_MAX: usize = 64;

/// Messages of a lane.
#[derive(Debug)]
pub enum LaneMsg {
    /// New rows of this lane, their first attempt counted.
    Deliver(Vec<InboxRow>),
    /// Self-timer: looks for rows that were not delivered, or failed.
    Tick,
}

/// A lane.
#[derive(Debug, Clone, Copy)]
pub struct LaneActor;

/// What a lane is given.
#[derive(Debug, Clone)]
pub struct LaneArgs {
    /// The tree's surroundings.
    pub duty: Duty,
    /// Which one: [`Lane::Payments`] or [`Lane::Membership`].
    pub lane: Lane,
}

fn slot(env: &Env, lane: Lane) -> &Slot<LaneMsg> {
    if lane == Lane::Payments { &env.directory.payments } else { &env.directory.membership }
}

/// A lane as a child.
#[must_use]
pub fn spec(duty: &Duty, lane: Lane) -> ChildSpec {
    let args = LaneArgs { duty: duty.clone(), lane };
    let env = Arc::clone(&duty.env);
    let spec = ChildSpec::new(&duty.env, "lane", lane.as_str(), move || (LaneActor, args.clone()))
        .queue(move || slot(&env, lane).depth());
    if lane == Lane::Payments { spec } else { spec.worker() }
}

/// The state of a lane.
pub struct LaneState {
    duty: Duty,
    lane: Lane,
    rows: VecDeque<InboxRow>,
    /// How many rows the next look may take.
    take: usize,
    /// After a failure: nothing is tried before the next tick.
    wait: Option<Duration>,
    /// The wait before this try.
    failed_before: Option<Duration>,
    tick: Option<Timer>,
    /// Another process leads: nothing is done any more.
    quiet: bool,
    _alive: Alive,
}

impl Actor for LaneActor {
    type Msg = LaneMsg;
    type State = LaneState;
    type Arguments = LaneArgs;

    async fn pre_start(&self, myself: ActorRef<LaneMsg>, args: LaneArgs) -> Result<LaneState, ActorProcessingErr> {
        slot(&args.duty.env, args.lane).enter(myself.clone());
        let mut state = LaneState {
            duty: args.duty,
            lane: args.lane,
            rows: VecDeque::new(),
            take: 1,
            wait: None,
            failed_before: None,
            tick: None,
            quiet: false,
            _alive: Alive::new("lane"),
        };
        state.tick_after(&myself, Duration::ZERO);
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<LaneMsg>,
        message: LaneMsg,
        state: &mut LaneState,
    ) -> Result<(), ActorProcessingErr> {
        let name = match &message {
            LaneMsg::Deliver(_) => "deliver",
            LaneMsg::Tick => "tick",
        };
        names::observed("lane", name, async {
            match message {
                LaneMsg::Deliver(rows) => {
                    slot(&state.duty.env, state.lane).taken();
                    let room = MEMORY_MAX.saturating_sub(state.rows.len());
                    state.rows.extend(rows.into_iter().take(room));
                    // After a failure the timer goes on, so that nothing is tried again too soon.
                    if state.wait.is_none() {
                        Box::pin(state.work()).await;
                    }
                }
                LaneMsg::Tick => Box::pin(state.look()).await,
            }
            if !state.quiet && (state.wait.is_some() || name == "tick") {
                let delay = state.wait.unwrap_or(TICK);
                state.tick_after(&myself, delay);
            }
            Ok(())
        })
        .await
    }
}

impl LaneState {
    fn tick_after(&mut self, myself: &ActorRef<LaneMsg>, delay: Duration) {
        let myself = myself.clone();
        self.tick = Some(Timer::after(delay, move || {
            let _ = myself.cast(LaneMsg::Tick);
        }));
    }

    /// Works off what is in memory, then what is left in the database.
    async fn look(&mut self) {
        self.failed_before = self.wait.take();
        loop {
            self.work().await;
            if self.quiet || self.wait.is_some() {
                return;
            }
            let limit = self.take;
            match self.duty.env.store.take_for_lane(self.duty.epoch, self.lane.as_str(), limit).await {
                Ok(rows) if rows.is_empty() => return,
                Ok(rows) => {
                    self.take = (limit * 2).min(TAKE_MAX);
                    self.rows.extend(rows);
                }
                Err(error) => return self.failed(&error),
            }
        }
    }

    /// Handles the rows in memory in order, until one fails.
    async fn work(&mut self) {
        if self.quiet {
            return;
        }
        while let Some(row) = self.rows.pop_front() {
            match self.handle(&row).await {
                Ok(outcome) => {
                    self.failed_before = None;
                    let lane = self.lane.as_str();
                    counter!(names::UPDATES_HANDLED, "lane" => lane, "outcome" => outcome).increment(1);
                }
                Err(StoreError::Broken(error)) => {
                    // It stays undone, is taken again with its next attempt counted, and buried in the end.
                    tracing::error!(actor = "lane", lane = self.lane.as_str(), seq = %row.seq, error, "an update failed");
                    self.wait = Some(backoff(self.failed_before.take(), WAIT_MIN, WAIT_MAX));
                    return;
                }
                Err(error) => {
                    self.rows.push_front(row);
                    return self.failed(&error);
                }
            }
        }
        self.rows.shrink_to(TAKE_MAX);
    }

    fn failed(&mut self, error: &StoreError) {
        tracing::warn!(actor = "lane", lane = self.lane.as_str(), %error, "updates wait");
        if matches!(error, StoreError::NotLeader) {
            self.quiet = true;
            self.rows.clear();
            self.duty.env.directory.leader.tell(LeaderMsg::LostLead(self.duty.epoch));
        }
        self.wait = Some(backoff(self.failed_before.take(), WAIT_MIN, WAIT_MAX));
    }

    async fn handle(&self, row: &InboxRow) -> Result<&'static str, StoreError> {
        let env = &*self.duty.env;
        if row.attempts > env.limits().update_attempts_max {
            return self.bury(row, "it was tried too often").await;
        }
        let now = env.clock.now();
        match self.lane {
            Lane::Payments => match env.parser.payment(&row.raw) {
                Ok(update) => self.payment(row, &update).await,
                Err(error) => self.bury(row, &error.0).await,
            },
            Lane::Membership => match env.parser.membership(&row.raw) {
                Ok(update) => {
                    env.store.set_blocked(self.duty.epoch, Some(row.seq), update.user, update.blocked, now).await?;
                    Ok("handled")
                }
                Err(error) => self.bury(row, &error.0).await,
            },
            Lane::Session | Lane::Ignored => {
                env.store.finish(self.duty.epoch, &[row.seq], true, now).await?;
                Ok("ignored")
            }
        }
    }

    /// Nothing is sold yet: queries are refused, and money that comes nevertheless is an alert.
    async fn payment(&self, row: &InboxRow, update: &PaymentUpdate) -> Result<&'static str, StoreError> {
        let (kind, user, query, charge) = match update {
            PaymentUpdate::PreCheckout { query_id, user } => ("pre_checkout", *user, Some(query_id.as_str()), None),
            PaymentUpdate::Paid { charge_id, user } => ("paid", *user, None, Some(charge_id.as_str())),
            PaymentUpdate::Refunded { charge_id, user } => ("refunded", *user, None, Some(charge_id.as_str())),
        };
        let env = &*self.duty.env;
        let (tell, now) = (alert_receivers(env), env.clock.now());
        let messages = env.store.unexpected_payment(self.duty.epoch, row.seq, user, query, charge, &tell, now).await?;
        counter!(names::PAYMENTS_UNEXPECTED, "kind" => kind).increment(1);
        tracing::warn!(actor = "lane", %user, kind, "a payment update while nothing is sold");
        send(env, messages);
        Ok("handled")
    }

    async fn bury(&self, row: &InboxRow, error: &str) -> Result<&'static str, StoreError> {
        let env = &*self.duty.env;
        let (tell, now) = (alert_receivers(env), env.clock.now());
        let (_, messages) = env.store.bury(self.duty.epoch, row.seq, error, false, &tell, now).await?;
        tracing::error!(actor = "lane", lane = self.lane.as_str(), seq = %row.seq, error, "an update is given up");
        send(env, messages);
        Ok("dead")
    }
}

/// Who is told of alerts.
pub(crate) fn alert_receivers(env: &Env) -> Vec<UserId> {
    env.options.staff.holders(Permission::AlertsReceive).collect()
}

/// Hands rows to the outbox's memory.
pub(crate) fn send(env: &Env, messages: Vec<usipipo_domain::outgoing::OutboxMessage>) {
    if !messages.is_empty() {
        env.directory.outbox.tell(OutboxMsg::Send(messages));
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
