//! What admins are told: a condition is a row, however often it is reported; messages go through the outbox.
//!
//! While the database is away the latest word on each condition waits here.

mod book;

use crate::env::{Duty, Env};
use crate::leader::LeaderMsg;
use crate::metrics::{self as names, Alive};
use crate::outbox::OutboxMsg;
use crate::supervision::ChildSpec;
use crate::timer::{Task, Timer, backoff};
use book::{Book, Word};
use metrics::counter;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use usipipo_domain::alert::AlertKind;
use usipipo_domain::ids::UserId;
use usipipo_domain::outgoing::OutboxMessage;
use usipipo_domain::permission::Permission;
use usipipo_storage::StoreError;

/// As metrics label it.
pub const KIND: &str = "alerts";

/// How often what waits is looked at.
const TICK: Duration = Duration::from_secs(1);
/// How often the open alerts are read, because steps of others open some too.
const READ_EVERY: Duration = Duration::from_secs(30);
/// First wait after the database did not answer; doubles.
const STORE_WAIT_MIN: Duration = Duration::from_millis(200);
/// Longest such wait.
const STORE_WAIT_MAX: Duration = Duration::from_secs(5);

/// Messages of the alerts actor.
#[derive(Debug)]
pub enum AlertsMsg {
    /// The condition holds.
    Raise(AlertKind),
    /// The condition with this [`AlertKind::key`] is over (or was never open).
    Resolve(String),
    /// A statement ended.
    Written(Box<AlertWritten>),
    /// The open alerts were read.
    Open(Result<HashSet<String>, StoreError>),
    /// Self-timer: tries again what the database did not take.
    Tick,
}

impl AlertsMsg {
    const fn name(&self) -> &'static str {
        match self {
            Self::Raise(_) => "raise",
            Self::Resolve(_) => "resolve",
            Self::Written(_) => "written",
            Self::Open(_) => "open",
            Self::Tick => "tick",
        }
    }
}

/// How a statement ended.
#[derive(Debug)]
pub struct AlertWritten {
    key: String,
    word: Word,
    result: Result<Vec<OutboxMessage>, StoreError>,
}

/// The alerts actor.
#[derive(Debug, Clone, Copy)]
pub struct Alerts;

/// The alerts actor as a child.
#[must_use]
pub fn spec(duty: &Duty) -> ChildSpec {
    let make = {
        let duty = duty.clone();
        move || (Alerts, duty.clone())
    };
    let env = Arc::clone(&duty.env);
    ChildSpec::new(&duty.env, KIND, KIND, make).queue(move || env.directory.alerts.depth())
}

/// The state of the alerts actor.
pub struct AlertsState {
    duty: Duty,
    book: Book,
    writer: Option<Task>,
    reader: Option<Task>,
    read_at: Option<Instant>,
    wait: Option<Duration>,
    not_before: Option<Instant>,
    tick: Option<Timer>,
    quiet: bool,
    _alive: Alive,
}

impl Actor for Alerts {
    type Msg = AlertsMsg;
    type State = AlertsState;
    type Arguments = Duty;

    async fn pre_start(&self, myself: ActorRef<AlertsMsg>, duty: Duty) -> Result<AlertsState, ActorProcessingErr> {
        duty.env.directory.alerts.enter(myself);
        let mut state = AlertsState {
            duty,
            book: Book::default(),
            writer: None,
            reader: None,
            read_at: None,
            wait: None,
            not_before: None,
            tick: None,
            quiet: false,
            _alive: Alive::new(KIND),
        };
        state.tick();
        Ok(state)
    }

    async fn handle(
        &self,
        _myself: ActorRef<AlertsMsg>,
        message: AlertsMsg,
        state: &mut AlertsState,
    ) -> Result<(), ActorProcessingErr> {
        state.env().directory.alerts.taken();
        names::observed(KIND, message.name(), async {
            state.take(message);
            state.write();
            Ok(())
        })
        .await
    }
}

impl AlertsState {
    fn env(&self) -> &Env {
        &self.duty.env
    }

    fn take(&mut self, message: AlertsMsg) {
        match message {
            AlertsMsg::Raise(kind) => {
                counter!(names::ALERTS_RAISED, "kind" => kind.name()).increment(1);
                let name = kind.name();
                if !self.book.raise(kind) {
                    tracing::error!(actor = KIND, kind = name, "too many conditions; this one is not noted");
                }
            }
            AlertsMsg::Resolve(key) => self.book.resolve(key),
            AlertsMsg::Written(written) => self.written(*written),
            AlertsMsg::Open(open) => {
                self.reader = None;
                match open {
                    Ok(open) => self.book.know_open(open),
                    Err(error) => tracing::warn!(actor = KIND, %error, "open alerts cannot be read"),
                }
            }
            AlertsMsg::Tick => self.tick(),
        }
    }

    fn tick(&mut self) {
        let env = Arc::clone(&self.duty.env);
        self.tick = Some(Timer::after(TICK, move || {
            env.directory.alerts.tell(AlertsMsg::Tick);
        }));
        // Not while a statement is under way: what it opens or closes could be missing.
        if self.quiet || self.reader.is_some() || self.writer.is_some() {
            return;
        }
        let now = Instant::now();
        if self.read_at.is_some_and(|at| now < at + READ_EVERY) {
            return;
        }
        self.read_at = Some(now);
        let env = Arc::clone(&self.duty.env);
        self.reader = Some(Task::spawn(async move {
            let open = env.store.open_alerts().await;
            let keys = open.map(|rows| rows.iter().map(|row| row.kind.key()).collect());
            env.directory.alerts.tell(AlertsMsg::Open(keys));
        }));
    }

    /// Writes the next word, one statement at a time.
    fn write(&mut self) {
        let now = Instant::now();
        let waits = self.not_before.is_some_and(|at| now < at);
        if self.quiet || waits || self.writer.is_some() || self.reader.is_some() {
            return;
        }
        let Some((key, word)) = self.book.next(now) else { return };
        let duty = self.duty.clone();
        self.writer = Some(Task::spawn(async move {
            let env = &duty.env;
            let tell: Vec<UserId> = env.options.staff.holders(Permission::AlertsReceive).collect();
            let result = match &word {
                Word::Raise(kind) => env.store.raise(duty.epoch, kind, &tell, env.clock.now()).await,
                Word::Resolve => env.store.resolve(duty.epoch, &key, &tell, env.clock.now()).await,
            };
            env.directory.alerts.tell(AlertsMsg::Written(Box::new(AlertWritten { key, word, result })));
        }));
    }

    fn written(&mut self, written: AlertWritten) {
        let AlertWritten { key, word, result } = written;
        self.writer = None;
        let now = Instant::now();
        match result {
            Ok(messages) => {
                (self.wait, self.not_before) = (None, None);
                self.book.written(&key, &word, now);
                if !messages.is_empty() {
                    match &word {
                        Word::Raise(kind) => tracing::warn!(actor = KIND, alert = key, ?kind, "alert"),
                        Word::Resolve => tracing::info!(actor = KIND, alert = key, "resolved"),
                    }
                    self.env().directory.outbox.tell(OutboxMsg::Send(messages));
                }
            }
            Err(StoreError::NotLeader) => {
                self.quiet = true;
                self.env().directory.leader.tell(LeaderMsg::LostLead(self.duty.epoch));
            }
            Err(error) => {
                let wait = backoff(self.wait, STORE_WAIT_MIN, STORE_WAIT_MAX);
                tracing::warn!(actor = KIND, alert = key, %error, ?wait, "an alert cannot be written; trying again");
                self.book.put_back(key, word);
                (self.wait, self.not_before) = (Some(wait), Some(now + wait));
            }
        }
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
