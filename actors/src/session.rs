//! The conversation with one user.
//!
//! A session handles the rows it is given in order, one step and one transaction for each. What it remembers is a cache of the
//! user's row and dialogue, read when the first update comes, and read anew whenever somebody else may have changed them.
//!
//! It starts without the database and in microseconds, so that its router may start it in passing. When the database is away
//! it keeps its rows and tries again; when an update makes it crash, its router restarts it and counts.

mod prepare;
mod work;

use crate::env::Duty;
use crate::metrics::{self as names, Alive};
use crate::router::RouterMsg;
use crate::timer::Timer;
use chrono::{DateTime, Utc};
use prepare::Preparation;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use usipipo_domain::dialogue::State;
use usipipo_domain::ids::UserId;
use usipipo_storage::StoreError;
use usipipo_storage::model::{InboxRow, SessionSnapshot, UserRow, UserTouch};

/// As metrics label it.
pub const KIND: &str = "session";

/// Reads of all sessions under way at once. More would take the connections that their own commits need.
pub(crate) const READS_MAX: usize = 6;

/// Messages of a session. Its router sends either rows or a nudge, and the next only when that is finished.
#[derive(Debug)]
pub enum SessionMsg {
    /// Rows in order, each attempt counted.
    Deliver(Vec<InboxRow>),
    /// Pull undone rows, at most so many.
    Nudge(usize),
    /// Goes on with what is in hand: after a wait, or after a pause that lets a stop through.
    Continue,
}

impl SessionMsg {
    const fn name(&self) -> &'static str {
        match self {
            Self::Deliver(_) => "deliver",
            Self::Nudge(_) => "nudge",
            Self::Continue => "continue",
        }
    }
}

/// Why a session gives up and lets its router restart it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The database refuses this step and would refuse it again.
    #[error("the step was refused: {0}")]
    Refused(String),
    /// Its commit ended without an answer, again and again.
    #[error("the commit of the step has no end")]
    NoAnswer,
}

/// What all sessions of a router share.
pub(crate) struct Shared {
    pub(crate) duty: Duty,
    pub(crate) router: ActorRef<RouterMsg>,
    pub(crate) reads: Semaphore,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("duty", &self.duty).finish_non_exhaustive()
    }
}

/// A session.
#[derive(Debug, Clone, Copy)]
pub struct Session;

/// What a session is given.
#[derive(Debug)]
pub struct SessionArgs {
    /// Its router's.
    pub(crate) shared: Arc<Shared>,
    /// Whose conversation it is.
    pub(crate) user: UserId,
    /// Tells this incarnation from earlier ones.
    pub(crate) serial: u64,
    /// Why the one before it crashed.
    pub(crate) cause: Option<Box<str>>,
}

/// The state of a session; small, since many wait in memory.
pub struct SessionState {
    shared: Arc<Shared>,
    user: UserId,
    serial: u64,
    cause: Option<Box<str>>,
    memory: Option<Box<Memory>>,
    rows: VecDeque<InboxRow>,
    /// Pull so many rows next.
    pull: Option<usize>,
    /// Rows finished since the last report.
    finished: usize,
    /// The pull brought as many as it might.
    more: bool,
    /// Of the first row, when it is not its first try.
    trial: Option<Box<Trial>>,
    timer: Option<Timer>,
    /// Another process leads: nothing is done any more.
    quiet: bool,
    _alive: Alive,
}

/// What is known of earlier tries of the first row.
#[derive(Debug, Default)]
struct Trial {
    wait: Option<Duration>,
    preparation: Preparation,
    /// A commit of it may have happened.
    uncertain: bool,
    /// Commits that ended without an answer.
    unanswered: u8,
}

/// The cache.
#[derive(Debug)]
struct Memory {
    /// `None` for someone who never wrote.
    known: Option<Known>,
    state: State,
}

/// What decides whether the user's row must be written.
#[derive(Debug)]
struct Known {
    first_name: Box<str>,
    last_name: Option<Box<str>>,
    username: Option<Box<str>>,
    last_seen_at: DateTime<Utc>,
    blocked: bool,
}

impl From<UserRow> for Known {
    fn from(row: UserRow) -> Self {
        Self {
            first_name: row.first_name.into(),
            last_name: row.last_name.map(Into::into),
            username: row.username.map(Into::into),
            last_seen_at: row.last_seen_at,
            blocked: row.blocked,
        }
    }
}

impl Known {
    fn touched(touch: &UserTouch, now: DateTime<Utc>) -> Self {
        Self {
            first_name: touch.first_name.as_str().into(),
            last_name: touch.last_name.as_deref().map(Into::into),
            username: touch.username.as_deref().map(Into::into),
            last_seen_at: now,
            blocked: false,
        }
    }
}

impl From<SessionSnapshot> for Memory {
    fn from(snapshot: SessionSnapshot) -> Self {
        Self { known: snapshot.user.map(Known::from), state: snapshot.state }
    }
}

impl Actor for Session {
    type Msg = SessionMsg;
    type State = SessionState;
    type Arguments = SessionArgs;

    async fn pre_start(&self, _: ActorRef<SessionMsg>, args: SessionArgs) -> Result<SessionState, ActorProcessingErr> {
        Ok(SessionState {
            shared: args.shared,
            user: args.user,
            serial: args.serial,
            cause: args.cause,
            memory: None,
            rows: VecDeque::new(),
            pull: None,
            finished: 0,
            more: false,
            trial: None,
            timer: None,
            quiet: false,
            _alive: Alive::new(KIND),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<SessionMsg>,
        message: SessionMsg,
        state: &mut SessionState,
    ) -> Result<(), ActorProcessingErr> {
        let name = message.name();
        match message {
            SessionMsg::Deliver(rows) if state.rows.is_empty() => state.rows = rows.into(),
            SessionMsg::Deliver(rows) => state.rows.extend(rows),
            SessionMsg::Nudge(limit) => state.pull = Some(limit),
            SessionMsg::Continue => state.timer = None,
        }
        // A timer that runs will say when to go on.
        if state.quiet || state.timer.is_some() {
            return Ok(());
        }
        // In a box, so that an idle session holds no room for it.
        Box::pin(names::observed(KIND, name, state.work(&myself))).await?;
        Ok(())
    }
}

/// What a failed try means.
enum Failure {
    /// Try again after a while.
    Later(String),
    /// Another process leads.
    Lost,
    /// Give up.
    Fatal(SessionError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Later(error.to_string()),
            StoreError::NotLeader => Self::Lost,
            StoreError::Vault(_) | StoreError::Broken(_) => Self::Fatal(SessionError::Refused(error.to_string())),
        }
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
