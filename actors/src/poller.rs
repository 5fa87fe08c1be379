//! Long polling: waits for updates, has them stored, and only then confirms them.
//!
//! A confirmation goes with the poll after its batch and with no later one: Telegram's numbers can start anew with lower ones,
//! and an old confirmation would then hide them.

use crate::alerts::AlertsMsg;
use crate::env::Duty;
use crate::inbox::InboxMsg;
use crate::metrics::{self as names, Alive};
use crate::on_drop::OnDrop;
use crate::ports::updates::{PollError, RawUpdate, UpdateSource};
use crate::supervision::ChildSpec;
use crate::timer::{Task, Timer, backoff};
use metrics::counter;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use usipipo_domain::alert::AlertKind;

/// As metrics label it.
pub const KIND: &str = "poller";

/// First wait after Telegram did not answer, or updates could not be stored; doubles.
const WAIT_MIN: Duration = Duration::from_millis(100);
/// Longest such wait.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// First wait after Telegram refused us; doubles. Somebody has to mend something.
const REFUSED_WAIT_MIN: Duration = Duration::from_secs(5);
/// Longest such wait.
const REFUSED_WAIT_MAX: Duration = Duration::from_secs(30);
/// Longest wait that Telegram can ask for and get.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);
/// An empty answer sooner than this was no long poll: the next one waits for [`WAIT_MIN`].
const HASTY: Duration = Duration::from_millis(20);
/// Wait before an update without a readable number is asked for again.
const UNREADABLE_WAIT: Duration = Duration::from_secs(1);
/// Updates without a readable number that are remembered, so that they are stored once.
const UNREADABLE_MAX: usize = 128;

/// Messages of the poller.
#[derive(Debug)]
pub enum PollerMsg {
    /// A poll ended.
    Polled {
        /// How.
        result: Result<Vec<Vec<u8>>, PollError>,
        /// How long it took.
        took: Duration,
    },
    /// The inbox has made the batch durable, or has not.
    Stored(bool),
    /// Self-timer: poll again, or try to store again.
    Tick,
}

impl PollerMsg {
    const fn name(&self) -> &'static str {
        match self {
            Self::Polled { .. } => "polled",
            Self::Stored(_) => "stored",
            Self::Tick => "tick",
        }
    }
}

/// The poller.
#[derive(Debug, Clone, Copy)]
pub struct Poller;

/// What the poller is given.
#[derive(Clone)]
pub struct PollerArgs {
    /// The tree's surroundings.
    pub duty: Duty,
    /// Where updates come from.
    pub source: Arc<dyn UpdateSource>,
}

/// The poller as a child.
#[must_use]
pub fn spec(duty: &Duty, source: Arc<dyn UpdateSource>) -> ChildSpec {
    let args = PollerArgs { duty: duty.clone(), source };
    let env = Arc::clone(&duty.env);
    ChildSpec::new(&duty.env, KIND, KIND, move || (Poller, args.clone())).queue(move || env.directory.poller.depth())
}

/// The state of the poller.
pub struct PollerState {
    duty: Duty,
    source: Arc<dyn UpdateSource>,
    /// The batch that is being stored.
    batch: Vec<RawUpdate>,
    /// Highest number of the last stored batch, to be confirmed by the next poll.
    confirm: Option<i64>,
    /// Highest number confirmed last.
    confirmed: Option<i64>,
    /// Stored updates without a readable number, since they cannot be confirmed by it and may come again.
    unreadable: VecDeque<Vec<u8>>,
    wait: Option<Duration>,
    /// Admins were told that Telegram refuses us, or may have been by an earlier incarnation.
    refused: bool,
    /// The poll or the request to the inbox under way.
    task: Option<Task>,
    tick: Option<Timer>,
    _alive: Alive,
}

impl Actor for Poller {
    type Msg = PollerMsg;
    type State = PollerState;
    type Arguments = PollerArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<PollerMsg>,
        args: PollerArgs,
    ) -> Result<PollerState, ActorProcessingErr> {
        args.duty.env.directory.poller.enter(myself.clone());
        let mut state = PollerState {
            duty: args.duty,
            source: args.source,
            batch: Vec::new(),
            confirm: None,
            confirmed: None,
            unreadable: VecDeque::new(),
            wait: None,
            refused: true,
            task: None,
            tick: None,
            _alive: Alive::new(KIND),
        };
        state.poll(&myself);
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<PollerMsg>,
        message: PollerMsg,
        state: &mut PollerState,
    ) -> Result<(), ActorProcessingErr> {
        names::observed(KIND, message.name(), async {
            match message {
                PollerMsg::Polled { result, took } => state.polled(&myself, result, took),
                PollerMsg::Stored(durable) => state.stored(&myself, durable),
                PollerMsg::Tick if state.batch.is_empty() => state.poll(&myself),
                PollerMsg::Tick => state.store(&myself),
            }
            Ok(())
        })
        .await
    }
}

impl PollerState {
    fn poll(&mut self, myself: &ActorRef<PollerMsg>) {
        let (source, myself, confirm) = (Arc::clone(&self.source), myself.clone(), self.confirm);
        self.task = Some(Task::spawn(async move {
            let begun = Instant::now();
            let panicked = OnDrop::new(|| {
                let result = Err(PollError::Unavailable("polling panicked".to_owned()));
                let _ = myself.cast(PollerMsg::Polled { result, took: begun.elapsed() });
            });
            let result = source.poll(confirm).await;
            panicked.disarm();
            let _ = myself.cast(PollerMsg::Polled { result, took: begun.elapsed() });
        }));
    }

    fn polled(&mut self, myself: &ActorRef<PollerMsg>, result: Result<Vec<Vec<u8>>, PollError>, took: Duration) {
        let outcome = match &result {
            Ok(_) => "ok",
            Err(PollError::Unavailable(_)) => "unavailable",
            Err(PollError::RetryAfter(_)) => "retry_after",
            Err(PollError::Conflict(_)) => "conflict",
            Err(PollError::Unauthorized(_)) => "unauthorized",
        };
        counter!(names::POLLS, "outcome" => outcome).increment(1);
        match result {
            Ok(updates) => {
                self.confirmed = self.confirm.take().or(self.confirmed);
                self.wait = None;
                if std::mem::take(&mut self.refused) {
                    self.duty.env.directory.alerts.tell(AlertsMsg::Resolve(refusal(String::new()).key()));
                }
                self.received(myself, updates, took);
            }
            Err(error) => self.failed(myself, &error),
        }
    }

    fn received(&mut self, myself: &ActorRef<PollerMsg>, updates: Vec<Vec<u8>>, took: Duration) {
        if updates.is_empty() {
            return if took < HASTY { self.tick_after(myself, WAIT_MIN) } else { self.poll(myself) };
        }
        let peeked = updates.into_iter().map(|raw| self.duty.env.parser.peek(raw));
        let known = &self.unreadable;
        self.batch = peeked.filter(|update| update.update_id.is_some() || !known.contains(&update.raw)).collect();
        if self.batch.is_empty() {
            // Only updates that were stored before and whose number cannot be read. The number after the last confirmed one
            // is theirs or nobody's.
            self.confirm = self.confirmed.map(|last| last.saturating_add(1));
            self.tick_after(myself, UNREADABLE_WAIT);
        } else {
            self.store(myself);
        }
    }

    fn failed(&mut self, myself: &ActorRef<PollerMsg>, error: &PollError) {
        let wait = match error {
            PollError::Unavailable(_) => backoff(self.wait, WAIT_MIN, WAIT_MAX),
            PollError::RetryAfter(wait) => (*wait).clamp(WAIT_MIN, RETRY_AFTER_MAX),
            PollError::Conflict(text) | PollError::Unauthorized(text) => {
                self.refused = true;
                self.duty.env.directory.alerts.tell(AlertsMsg::Raise(refusal(text.clone())));
                backoff(self.wait.map(|wait| wait.max(REFUSED_WAIT_MIN)), REFUSED_WAIT_MIN, REFUSED_WAIT_MAX)
            }
        };
        tracing::warn!(actor = KIND, %error, wait_ms = wait.as_millis(), "polling failed");
        self.wait = Some(wait.min(REFUSED_WAIT_MAX));
        self.tick_after(myself, wait);
    }

    /// Asks the inbox to make the batch durable.
    fn store(&mut self, myself: &ActorRef<PollerMsg>) {
        let (env, myself, updates) = (Arc::clone(&self.duty.env), myself.clone(), self.batch.clone());
        self.task = Some(Task::spawn(async move {
            let timeout = env.limits().ask_timeout;
            let answer = env.directory.inbox.ask(timeout, |reply| InboxMsg::Accept { updates, reply }).await;
            let durable = match answer {
                Ok(Ok(())) => true,
                Ok(Err(error)) => {
                    tracing::warn!(actor = KIND, %error, "updates are not stored; trying again");
                    false
                }
                Err(error) => {
                    tracing::warn!(actor = KIND, %error, "updates are not stored; trying again");
                    false
                }
            };
            let _ = myself.cast(PollerMsg::Stored(durable));
        }));
    }

    fn stored(&mut self, myself: &ActorRef<PollerMsg>, durable: bool) {
        if !durable {
            let wait = backoff(self.wait, WAIT_MIN, WAIT_MAX);
            self.wait = Some(wait);
            return self.tick_after(myself, wait);
        }
        self.wait = None;
        let batch = std::mem::take(&mut self.batch);
        self.confirm = batch.iter().filter_map(|update| update.update_id).max();
        for update in batch.into_iter().filter(|update| update.update_id.is_none()) {
            if self.unreadable.len() == UNREADABLE_MAX {
                self.unreadable.pop_front();
            }
            self.unreadable.push_back(update.raw);
        }
        self.poll(myself);
    }

    fn tick_after(&mut self, myself: &ActorRef<PollerMsg>, wait: Duration) {
        let myself = myself.clone();
        self.tick = Some(Timer::after(wait, move || {
            let _ = myself.cast(PollerMsg::Tick);
        }));
    }
}

const fn refusal(error: String) -> AlertKind {
    AlertKind::TelegramRefuses { error }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
