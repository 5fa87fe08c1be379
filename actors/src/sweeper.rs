//! What time demands: ends at their second, the end of the grace after them, reminders, leases at the end of their rest, old
//! rows. Needs no input but the clock.
//!
//! Everything is done in batches, and between two batches messages get through, so that ten thousand ends in one minute are
//! nothing special.

use crate::env::{Duty, Env};
use crate::ip_pool::IpPoolMsg;
use crate::lane::send;
use crate::leader::LeaderMsg;
use crate::metrics::{self as names, Alive};
use crate::supervision::ChildSpec;
use crate::timer::{Timer, backoff};
use chrono::{DateTime, TimeDelta, Utc};
use metrics::{counter, gauge};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use usipipo_domain::ids::PoolId;
use usipipo_storage::StoreError;
use usipipo_storage::model::LeaseRow;

/// As metrics label it.
pub const KIND: &str = "sweeper";

/// How often old rows are looked for.
const TIDY_EVERY: TimeDelta = TimeDelta::hours(1);
/// Shortest wait, for an end that is about to come.
const WAIT_MIN: Duration = Duration::from_millis(2);
/// First wait after the database did not answer; doubles.
const RETRY_MIN: Duration = Duration::from_millis(200);
/// Longest such wait.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Messages of the sweeper.
#[derive(Debug)]
pub enum SweeperMsg {
    /// Self-timer.
    Tick,
    /// The clock was moved: look now.
    ClockMoved,
    /// Go on with a sweep that was interrupted to let other messages through.
    Continue,
}

impl SweeperMsg {
    const fn name(&self) -> &'static str {
        match self {
            Self::Tick => "tick",
            Self::ClockMoved => "clock_moved",
            Self::Continue => "continue",
        }
    }
}

/// The sweeper.
#[derive(Debug, Clone, Copy)]
pub struct Sweeper;

/// The sweeper as a child.
#[must_use]
pub fn spec(duty: &Duty) -> ChildSpec {
    let make = {
        let duty = duty.clone();
        move || (Sweeper, duty.clone())
    };
    let env = Arc::clone(&duty.env);
    ChildSpec::new(&duty.env, KIND, KIND, make).queue(move || env.directory.sweeper.depth())
}

/// The parts of a sweep, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Services whose time is over.
    Expire,
    /// Services whose grace is over.
    Grace,
    /// Owners to be reminded.
    Remind,
    /// Addresses whose rest is over.
    Release,
    /// Users who wait for a server.
    Tell,
    /// Old rows.
    Tidy,
}

impl Part {
    const fn next(self) -> Option<Self> {
        match self {
            Self::Expire => Some(Self::Grace),
            Self::Grace => Some(Self::Remind),
            Self::Remind => Some(Self::Release),
            Self::Release => Some(Self::Tell),
            Self::Tell => Some(Self::Tidy),
            Self::Tidy => None,
        }
    }
}

/// The state of the sweeper.
pub struct SweeperState {
    duty: Duty,
    part: Option<Part>,
    /// Look again when this sweep ends: the clock was moved meanwhile.
    again: bool,
    tidied_at: Option<DateTime<Utc>>,
    /// The wait after a sweep that left something due undone; the next such wait is longer.
    behind: Option<Duration>,
    wait: Option<Duration>,
    tick: Option<Timer>,
    _alive: Alive,
}

impl Actor for Sweeper {
    type Msg = SweeperMsg;
    type State = SweeperState;
    type Arguments = Duty;

    async fn pre_start(&self, myself: ActorRef<SweeperMsg>, duty: Duty) -> Result<SweeperState, ActorProcessingErr> {
        duty.env.directory.sweeper.enter(myself);
        let mut state = SweeperState {
            duty,
            part: None,
            again: false,
            tidied_at: None,
            behind: None,
            wait: None,
            tick: None,
            _alive: Alive::new(KIND),
        };
        state.tick_after(Duration::ZERO);
        Ok(state)
    }

    async fn handle(
        &self,
        _myself: ActorRef<SweeperMsg>,
        message: SweeperMsg,
        state: &mut SweeperState,
    ) -> Result<(), ActorProcessingErr> {
        state.env().directory.sweeper.taken();
        names::observed(KIND, message.name(), async {
            state.take(&message).await;
            Ok(())
        })
        .await
    }
}

impl SweeperState {
    fn env(&self) -> &Env {
        &self.duty.env
    }

    fn tick_after(&mut self, delay: Duration) {
        let env = Arc::clone(&self.duty.env);
        self.tick = Some(Timer::after(delay, move || {
            env.directory.sweeper.tell(SweeperMsg::Tick);
        }));
    }

    async fn take(&mut self, message: &SweeperMsg) {
        match message {
            SweeperMsg::ClockMoved if self.part.is_some() => {
                self.again = true;
                return;
            }
            SweeperMsg::Tick | SweeperMsg::ClockMoved if self.part.is_none() => {
                self.part = Some(Part::Expire);
                if let Err(error) = self.note_lag().await {
                    return self.failed(&error);
                }
            }
            SweeperMsg::Tick | SweeperMsg::ClockMoved | SweeperMsg::Continue => {}
        }
        let Some(part) = self.part else { return };
        match self.sweep(part).await {
            Ok(done) => {
                self.part = if done { part.next() } else { Some(part) };
                match self.part {
                    Some(_) => drop(self.env().directory.sweeper.tell(SweeperMsg::Continue)),
                    None => self.ended().await,
                }
            }
            Err(error) => self.failed(&error),
        }
    }

    /// By how much the first of what is due is late.
    async fn note_lag(&self) -> Result<(), StoreError> {
        let first = self.env().store.next_sweep(self.env().options.grace).await?;
        let now = self.env().clock.now();
        let lag = first.and_then(|first| (now - first).to_std().ok()).unwrap_or_default();
        gauge!(names::SWEEPER_LAG_SECONDS).set(lag.as_secs_f64());
        Ok(())
    }

    /// One batch; `true` when nothing is left of this part.
    async fn sweep(&mut self, part: Part) -> Result<bool, StoreError> {
        let (env, epoch) = (Arc::clone(&self.duty.env), self.duty.epoch);
        let (now, limit) = (env.clock.now(), env.limits().sweep_batch_max.max(1));
        match part {
            Part::Expire => {
                let begun = Instant::now();
                let swept = env.store.expire_due(epoch, now, limit).await?;
                let done = swept.services.len() < limit;
                if !swept.services.is_empty() {
                    count("expired", swept.services.len());
                    env.directory.wake_nodes(&swept.wake);
                    send(&env, swept.messages);
                    let (services, took) = (swept.services.len(), begun.elapsed());
                    tracing::info!(actor = KIND, services, ?took, "services ended");
                }
                Ok(done)
            }
            Part::Grace => {
                let before = now - env.options.grace;
                let swept = env.store.end_grace(epoch, before, now, limit).await?;
                let done = swept.services.len() < limit;
                if !swept.services.is_empty() {
                    count("graced", swept.services.len());
                    env.directory.wake_nodes(&swept.wake);
                    send(&env, swept.messages);
                    tracing::info!(actor = KIND, services = swept.services.len(), "graces ended");
                }
                Ok(done)
            }
            Part::Remind => {
                let reminded = env.store.remind_due(epoch, now, limit).await?;
                let done = reminded.looked_at < limit;
                count("reminded", reminded.messages.len());
                send(&env, reminded.messages);
                Ok(done)
            }
            Part::Release => {
                let released = env.store.release_quarantined(epoch, now, limit).await?;
                let done = released.len() < limit;
                count("released", released.len());
                let mut by_pool: HashMap<PoolId, Vec<LeaseRow>> = HashMap::new();
                for (pool, lease) in released {
                    by_pool.entry(pool).or_default().push(lease);
                }
                for (pool, leases) in by_pool {
                    if let Some(place) = env.directory.pool(pool) {
                        place.slot.tell(IpPoolMsg::Released(leases));
                    }
                }
                Ok(done)
            }
            Part::Tell => {
                let before = now - delta(env.limits().tell_waiting_after);
                let messages = env.store.tell_waiting(epoch, before, now, limit).await?;
                let done = messages.len() < limit;
                send(&env, messages);
                Ok(done)
            }
            Part::Tidy => {
                if self.tidied_at.is_some_and(|at| now < at + TIDY_EVERY) {
                    return Ok(true);
                }
                let scrub_before = now - delta(env.limits().scrub_after);
                let delete_before = now - delta(env.limits().delete_after);
                let mut touched = env.store.tidy(epoch, scrub_before, delete_before, limit).await?;
                touched += env.store.tidy_services(epoch, now, limit).await?;
                count("tidied", usize::try_from(touched).unwrap_or(usize::MAX));
                if touched == 0 {
                    self.tidied_at = Some(now);
                }
                Ok(touched == 0)
            }
        }
    }

    /// The sweep is through: when is the next one?
    async fn ended(&mut self) {
        self.wait = None;
        let now = self.env().clock.now();
        gauge!(names::SWEEPER_LAST_SUCCESS).set(unix(now));
        if std::mem::take(&mut self.again) {
            return self.tick_after(Duration::ZERO);
        }
        let limits = self.env().limits();
        let at_latest = limits.sweep_every.min(limits.tell_waiting_after);
        match self.env().store.next_sweep(self.env().options.grace).await {
            // It came due during the sweep, or could not be done: then this must not go on without a pause.
            Ok(Some(next)) if next <= now => {
                let wait = backoff(self.behind, WAIT_MIN, at_latest);
                self.behind = Some(wait);
                self.tick_after(wait);
            }
            Ok(next) => {
                self.behind = None;
                let until = next.map_or(at_latest, |next| (next - now).to_std().unwrap_or_default());
                self.tick_after(until.clamp(WAIT_MIN, at_latest));
            }
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &StoreError) {
        self.part = None;
        if matches!(error, StoreError::NotLeader) {
            self.tick = None;
            self.env().directory.leader.tell(LeaderMsg::LostLead(self.duty.epoch));
            return;
        }
        counter!(names::SWEEPER_FAILURES).increment(1);
        let wait = backoff(self.wait, RETRY_MIN, RETRY_MAX);
        tracing::warn!(actor = KIND, %error, ?wait, "the sweep failed; trying again");
        self.wait = Some(wait);
        self.tick_after(wait);
    }
}

fn count(what: &'static str, rows: usize) {
    counter!(names::SWEPT, "what" => what).increment(u64::try_from(rows).unwrap_or(u64::MAX));
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

#[allow(clippy::cast_precision_loss, reason = "microseconds since 1970 fit for another two hundred years")]
fn unix(time: DateTime<Utc>) -> f64 {
    time.timestamp_micros() as f64 / 1e6
}

#[cfg(all(test, feature = "testing"))]
mod tests;
