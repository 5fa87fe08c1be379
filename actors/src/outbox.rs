//! Sends messages within Telegram's limits: replies first, one at a time in a chat, and marks them in batches.
//!
//! Rows are pushed here by whoever committed them, and read when nobody did: after a restart, after a lost hint, or when
//! memory was full. What was sent and not yet marked when the process died is sent once more; nothing is lost.
//!
//! Calls run as tasks, so that a slow chat delays no other. Marks go to the database one statement at a time; while it is away
//! they wait in memory, bounded by what memory may hold at all.

mod announce;
mod marks;
mod outage;
mod queue;
mod rate;
mod recent;

use crate::env::{Duty, Env};
use crate::leader::LeaderMsg;
use crate::metrics::{self as names, Alive};
use crate::ports::messenger::{Delivered, SendError};
use crate::supervision::ChildSpec;
use crate::timer::{Task, Timer, backoff};
use announce::announce;
use marks::{Mark, Marks};
use metrics::{counter, gauge, histogram};
use queue::{Next, Queue, Trouble, Verdict};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use usipipo_domain::ids::OutboxId;
use usipipo_domain::outgoing::OutboxMessage;
use usipipo_storage::StoreError;
use usipipo_storage::model::{SendFailure, SentMessage};

/// As metrics label it.
pub const KIND: &str = "outbox";

/// How often rows are looked for that nobody pushed.
const TICK: Duration = Duration::from_secs(1);
/// While more than this wait in memory, rows are looked for only every [`BUSY_TICKS`] ticks.
const BUSY_WAITING: usize = 1_000;
/// See [`BUSY_WAITING`].
const BUSY_TICKS: u32 = 10;
/// Rows read at once.
const READ_MAX: usize = 1_000;
/// First wait after the database did not answer; doubles.
const STORE_WAIT_MIN: Duration = Duration::from_millis(100);
/// Longest such wait.
const STORE_WAIT_MAX: Duration = Duration::from_secs(5);
/// Part of the time for stopping that calls under way may take; the rest is for marking them.
const STOP_SHARE: f64 = 0.7;

/// Messages of the outbox.
#[derive(Debug)]
pub enum OutboxMsg {
    /// Rows just committed.
    Send(Vec<OutboxMessage>),
    /// A call to Telegram ended.
    Attempted,
    /// Marks were written (or not).
    Marked,
    /// The marks gathered for a moment are to be written.
    Flush,
    /// Rows were read.
    Found {
        /// What is due.
        rows: Result<Vec<OutboxMessage>, StoreError>,
        /// How many were asked for.
        limit: usize,
    },
    /// Self-timer: a limit allows the next message.
    Wake,
    /// Self-timer: rows that are due.
    Tick,
}

impl OutboxMsg {
    const fn name(&self) -> &'static str {
        match self {
            Self::Send(_) => "send",
            Self::Attempted => "attempted",
            Self::Marked => "marked",
            Self::Flush => "flush",
            Self::Found { .. } => "found",
            Self::Wake => "wake",
            Self::Tick => "tick",
        }
    }
}

/// The outbox.
#[derive(Debug, Clone, Copy)]
pub struct Outbox;

/// The outbox as a child.
#[must_use]
pub fn spec(duty: &Duty) -> ChildSpec {
    let make = {
        let duty = duty.clone();
        move || (Outbox, duty.clone())
    };
    let env = Arc::clone(&duty.env);
    ChildSpec::new(&duty.env, KIND, KIND, make).queue(move || env.directory.outbox.depth())
}

/// What became of a call.
type Attempt = (OutboxId, Result<Delivered, SendError>);

/// The state of the outbox.
pub struct OutboxState {
    duty: Duty,
    queue: Queue,
    sends: JoinSet<Attempt>,
    by_task: HashMap<tokio::task::Id, OutboxId>,
    marks: Marks,
    writer: Option<JoinHandle<marks::Written>>,
    store_wait: Option<Duration>,
    flush: Option<Timer>,
    wake: Option<(Instant, Timer)>,
    tick: Option<Timer>,
    ticks: u32,
    reader: Option<Task>,
    /// Another process leads: nothing is sent or written any more.
    quiet: bool,
    _announcer: Task,
    _alive: Alive,
}

impl Actor for Outbox {
    type Msg = OutboxMsg;
    type State = OutboxState;
    type Arguments = Duty;

    async fn pre_start(&self, myself: ActorRef<OutboxMsg>, duty: Duty) -> Result<OutboxState, ActorProcessingErr> {
        let env = Arc::clone(&duty.env);
        env.directory.outbox.enter(myself);
        let mut state = OutboxState {
            queue: Queue::new(env.limits()).before_first_reading(),
            duty,
            sends: JoinSet::new(),
            by_task: HashMap::new(),
            marks: Marks::default(),
            writer: None,
            store_wait: None,
            flush: None,
            wake: None,
            tick: None,
            ticks: 0,
            reader: None,
            quiet: false,
            _announcer: Task::spawn(announce(Arc::clone(&env))),
            _alive: Alive::new(KIND),
        };
        state.tick();
        Ok(state)
    }

    async fn handle(
        &self,
        _myself: ActorRef<OutboxMsg>,
        message: OutboxMsg,
        state: &mut OutboxState,
    ) -> Result<(), ActorProcessingErr> {
        state.duty.env.directory.outbox.taken();
        names::observed(KIND, message.name(), async {
            state.take(message).await?;
            state.pump();
            Ok(())
        })
        .await
    }

    async fn post_stop(&self, _myself: ActorRef<OutboxMsg>, state: &mut OutboxState) -> Result<(), ActorProcessingErr> {
        state.finish().await;
        Ok(())
    }
}

impl OutboxState {
    fn env(&self) -> &Env {
        &self.duty.env
    }

    async fn take(&mut self, message: OutboxMsg) -> Result<(), ActorProcessingErr> {
        let now = Instant::now();
        match message {
            OutboxMsg::Send(rows) => self.queue.push(rows, now),
            OutboxMsg::Attempted => {
                if let Some(ended) = self.sends.join_next_with_id().await {
                    self.ended(ended);
                }
            }
            OutboxMsg::Marked => self.marked().await?,
            OutboxMsg::Flush => {
                self.flush = None;
                self.write();
            }
            OutboxMsg::Found { rows, limit } => self.found(rows, limit, now),
            OutboxMsg::Wake => self.wake = None,
            OutboxMsg::Tick => self.tick(),
        }
        Ok(())
    }

    /// Looks for rows that are not in memory: at the start, after lost hints, and when there is room again.
    fn tick(&mut self) {
        let duty = self.duty.clone();
        self.tick = Some(Timer::after(TICK, move || {
            duty.env.directory.outbox.tell(OutboxMsg::Tick);
        }));
        self.ticks = self.ticks.wrapping_add(1);
        if self.queue.waiting() < BUSY_WAITING || self.ticks.is_multiple_of(BUSY_TICKS) {
            self.read();
        }
    }

    fn read(&mut self) {
        if self.quiet || self.reader.is_some() {
            return;
        }
        let Some((limit, except)) = self.queue.begin_reading(READ_MAX) else { return };
        let env = Arc::clone(&self.duty.env);
        self.reader = Some(Task::spawn(async move {
            let rows = env.store.outbox_waiting(env.clock.now(), &except, limit).await;
            env.directory.outbox.tell(OutboxMsg::Found { rows, limit });
        }));
    }

    fn found(&mut self, rows: Result<Vec<OutboxMessage>, StoreError>, limit: usize, now: Instant) {
        self.reader = None;
        match rows {
            Ok(rows) => {
                let complete = rows.len() < limit;
                self.queue.end_reading(rows, complete, now);
                // More waits: go on while there is room, without hurry when there is enough to do.
                if !complete && self.queue.waiting() < BUSY_WAITING {
                    self.read();
                }
            }
            Err(error) => tracing::warn!(actor = KIND, %error, "waiting messages cannot be read"),
        }
    }

    /// Starts whatever may be sent now and sets the timer for what may be later.
    fn pump(&mut self) {
        if self.quiet {
            return;
        }
        let now = Instant::now();
        while let Some(next) = self.queue.next(now) {
            self.send(next);
        }
        gauge!(names::OUTBOX_IN_FLIGHT).set(count(self.queue.in_flight()));
        gauge!(names::OUTBOX_PAUSED).set(if self.queue.is_paused(now) { 1.0 } else { 0.0 });
        if let Some(at) = self.queue.next_time(now)
            && self.wake.as_ref().is_none_or(|(planned, _)| *planned > at)
        {
            let env = Arc::clone(&self.duty.env);
            let delay = at.saturating_duration_since(now);
            let timer = Timer::after(delay, move || {
                env.directory.outbox.tell(OutboxMsg::Wake);
            });
            self.wake = Some((at, timer));
        }
    }

    fn send(&mut self, next: Next) {
        let message = next.message;
        let id = message.id;
        if let Some(waited) = next.waited {
            histogram!(names::OUTBOX_WAIT_SECONDS, "priority" => message.priority.as_str()).record(waited);
        }
        let env = Arc::clone(&self.duty.env);
        let task = self.sends.spawn(async move {
            // Tells also when it panics.
            let _ended = Ended(Arc::clone(&env));
            let result = env.messenger.deliver(&message).await;
            (id, result)
        });
        self.by_task.insert(task.id(), id);
    }

    fn ended(&mut self, ended: Result<(tokio::task::Id, Attempt), JoinError>) {
        let (id, result) = match ended {
            Ok((task, attempt)) => {
                self.by_task.remove(&task);
                attempt
            }
            Err(error) => {
                let Some(id) = self.by_task.remove(&error.id()) else { return };
                (id, Err(SendError::Render("rendering it panicked".to_owned())))
            }
        };
        let Some(message) = self.queue.under_way(id).cloned() else { return };
        let now = Instant::now();
        let outcome = match result {
            Ok(delivered) => {
                let shown = delivered.message_id.zip(delivered.screen);
                self.queue.delivered(id, shown.is_some(), now);
                if message.attempts > 0 {
                    self.marks.forget(id);
                }
                self.marks.push(Mark::Sent(SentMessage { id, chat: message.chat, shown }));
                "sent"
            }
            Err(error) => self.refused(&message, &error, now),
        };
        counter!(names::OUTBOX_SENT, "priority" => message.priority.as_str(), "outcome" => outcome).increment(1);
        self.write_soon();
    }

    fn refused(&mut self, message: &OutboxMessage, error: &SendError, now: Instant) -> &'static str {
        let (id, chat) = (message.id, message.chat);
        let trouble = match error {
            SendError::RetryAfter(wait) => Trouble::Pause(*wait),
            SendError::Unavailable(_) => Trouble::Unavailable,
            SendError::Unreachable(_) => Trouble::Unreachable,
            SendError::Rejected(_) => Trouble::Rejected,
            SendError::Render(_) => Trouble::Render,
        };
        let verdict = self.queue.failed(id, trouble, now);
        let text = error.to_string();
        let mark = |failure| Mark::Failed { id, chat, failure };
        match verdict {
            Verdict::Again => {
                tracing::info!(actor = KIND, user = %chat, message = %id, %error, "not sent; it is tried again");
                "retry"
            }
            Verdict::Retry(wait) => {
                tracing::warn!(actor = KIND, user = %chat, message = %id, %error, ?wait, "not sent; it is tried again");
                let at = self.env().clock.now() + wait;
                self.marks.push(mark(SendFailure::Retry { at, error: text }));
                "retry"
            }
            Verdict::GiveUp => {
                tracing::error!(actor = KIND, user = %chat, message = %id, %error, "not sent; it is given up");
                self.marks.push(mark(SendFailure::Failed { error: text, blocked: false }));
                "failed"
            }
            Verdict::Blocked => {
                tracing::info!(actor = KIND, user = %chat, message = %id, %error, "the user cannot be reached");
                self.marks.push(mark(SendFailure::Failed { error: text, blocked: true }));
                "unreachable"
            }
        }
    }

    /// Writes at once when a batch is full, else after a moment in which more may come.
    fn write_soon(&mut self) {
        if self.marks.is_full() {
            self.write();
        } else if !self.marks.is_empty() && self.flush.is_none() {
            self.flush_after(marks::GATHER);
        }
    }

    fn flush_after(&mut self, delay: Duration) {
        let env = Arc::clone(&self.duty.env);
        self.flush = Some(Timer::after(delay, move || {
            env.directory.outbox.tell(OutboxMsg::Flush);
        }));
    }

    /// Writes a batch, unless one is being written: then the rest follows it.
    fn write(&mut self) {
        if self.quiet || self.writer.is_some() || self.store_wait.is_some() && self.flush.is_some() {
            return;
        }
        let batch = self.marks.batch();
        if batch.is_empty() {
            return;
        }
        let duty = self.duty.clone();
        self.writer = Some(tokio::spawn(async move {
            let _ended = Wrote(Arc::clone(&duty.env));
            marks::write(&duty, batch).await
        }));
    }

    async fn marked(&mut self) -> Result<(), ActorProcessingErr> {
        if let Some(writer) = self.writer.take() {
            // After a panic only the rows know what is sent: start anew.
            let written = writer.await?;
            self.written(written);
        }
        Ok(())
    }

    fn written(&mut self, written: marks::Written) {
        let now = Instant::now();
        for (id, chat) in written.done {
            self.queue.marked(id, chat, now);
        }
        self.marks.give_back(written.left);
        match written.error {
            None => {
                self.store_wait = None;
                self.write_soon();
            }
            Some(StoreError::NotLeader) => self.step_back(),
            Some(error) => {
                let wait = backoff(self.store_wait, STORE_WAIT_MIN, STORE_WAIT_MAX);
                tracing::warn!(actor = KIND, %error, ?wait, "sent messages cannot be marked; trying again");
                self.store_wait = Some(wait);
                self.flush_after(wait);
            }
        }
    }

    fn step_back(&mut self) {
        self.quiet = true;
        self.env().directory.leader.tell(LeaderMsg::LostLead(self.duty.epoch));
    }

    /// Ends what is in hand: calls under way, then their marks. What does not end in time is sent once more by the next
    /// outbox.
    async fn finish(&mut self) {
        if self.quiet {
            return;
        }
        let now = tokio::time::Instant::now();
        let stop = self.env().limits().stop_timeout;
        let calls_until = now + stop.mul_f64(STOP_SHARE);
        let marks_until = now + stop.mul_f64((STOP_SHARE + 1.0) / 2.0);
        while let Ok(Some(ended)) = tokio::time::timeout_at(calls_until, self.sends.join_next_with_id()).await {
            self.ended(ended);
        }
        if let Some(writer) = self.writer.take()
            && let Ok(Ok(written)) = tokio::time::timeout_at(marks_until, writer).await
        {
            self.written(written);
        }
        while !self.marks.is_empty() {
            let batch = self.marks.batch();
            match tokio::time::timeout_at(marks_until, marks::write(&self.duty, batch)).await {
                Ok(written) if written.error.is_none() => {}
                Ok(_) | Err(_) => return,
            }
        }
    }
}

/// Tells the outbox that a call ended, however it did.
struct Ended(Arc<Env>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.directory.outbox.tell(OutboxMsg::Attempted);
    }
}

/// Tells the outbox that a statement ended, however it did.
struct Wrote(Arc<Env>);

impl Drop for Wrote {
    fn drop(&mut self) {
        self.0.directory.outbox.tell(OutboxMsg::Marked);
    }
}

#[allow(clippy::cast_precision_loss, reason = "memory never holds 2^52 messages")]
const fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(all(test, feature = "testing"))]
mod tests;
