//! Finds or starts the session of a user, bounds what it is given, puts it to rest when idle, and supervises it.
//!
//! A session has either rows that came in just now, at most `session_rows_max` of them, or one pull of so many under way; the
//! rest waits in the database. Beyond `session_backlog_max` waiting rows the newer ones are shed. So one user's flood costs
//! the others nothing but its share of the intake.
//!
//! Whatever is lost on the way (a restart, a crash, rows stored while nobody led) is found by a look at the database every
//! second; recovery is no path of its own.
//!
//! A session that crashes is restarted at once and gets one row at a time until all goes well, so that the row at fault alone
//! uses up its attempts. With the crash that is one too many its user is put into quarantine for a while, the row that was
//! tried too often becomes a dead letter, the user gets one apology, and admins an alert.

mod book;
mod entry;

use crate::alerts::AlertsMsg;
use crate::env::{Duty, Env};
use crate::lane::{alert_receivers, send};
use crate::leader::LeaderMsg;
use crate::metrics::{self as names, Alive};
use crate::ports::updates::Lane;
use crate::session::{self, READS_MAX, Session, SessionArgs, SessionError, SessionMsg, Shared};
use crate::supervision::{ChildSpec, Description};
use crate::timer::{Task, Timer};
use book::Book;
use entry::{After, Move};
use metrics::{counter, gauge};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use usipipo_domain::alert::AlertKind;
use usipipo_domain::ids::UserId;
use usipipo_storage::StoreError;
use usipipo_storage::model::InboxRow;

/// As metrics label it.
pub const KIND: &str = "router";

/// How often it looks for rows that nobody handles, idle sessions, and quarantines that are over.
const TICK: Duration = Duration::from_secs(1);
/// The same while not all is known.
const TICK_BUSY: Duration = Duration::from_millis(100);
/// Users that one look shows.
const LOOK_MAX: usize = 1_024;
/// Complete looks at the start: the first may miss rows that are being stored just then, for a router not yet known.
const LOOKS_FIRST: u8 = 2;
/// Longest cause of a crash that is told to people, in characters.
const CAUSE_MAX_CHARS: usize = 200;

/// Messages of the router.
#[derive(Debug)]
pub enum RouterMsg {
    /// New session rows in order, their first attempt counted.
    Deliver(Vec<InboxRow>),
    /// A session finished rows it was given or pulled.
    Finished {
        /// Whose.
        user: UserId,
        /// Which incarnation.
        serial: u64,
        /// How many.
        rows: usize,
        /// It pulled as many as it may, so there may be more.
        more: bool,
    },
    /// Self-timer: idle sessions, rows nobody handles, quarantines that are over.
    Tick,
    /// These users have waiting rows, as somebody knows.
    Waiting(Vec<UserId>),
    /// These users have waiting rows, as a look found.
    Found(Result<Vec<UserId>, StoreError>),
    /// Rows of a user were shed, or not.
    Shed {
        /// Whose.
        user: UserId,
        /// How many.
        result: Result<u64, StoreError>,
    },
    /// How many sessions there are.
    Count(RpcReplyPort<SessionCounts>),
}

impl RouterMsg {
    const fn name(&self) -> &'static str {
        match self {
            Self::Deliver(_) => "deliver",
            Self::Finished { .. } => "finished",
            Self::Tick => "tick",
            Self::Waiting(_) => "waiting",
            Self::Found(_) => "found",
            Self::Shed { .. } => "shed",
            Self::Count(_) => "count",
        }
    }
}

/// Sessions by what they do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SessionCounts {
    /// With rows in hand.
    pub active: u64,
    /// In memory without work.
    pub idle: u64,
    /// Users whose session crashed too often; it is not in memory.
    pub quarantined: u64,
}

/// The router.
#[derive(Debug, Clone, Copy)]
pub struct Router;

/// The router as a child.
#[must_use]
pub fn spec(duty: &Duty) -> ChildSpec {
    let make = {
        let duty = duty.clone();
        move || (Router, duty.clone())
    };
    let env = Arc::clone(&duty.env);
    ChildSpec::new(&duty.env, KIND, KIND, make).described(move || {
        let env = Arc::clone(&env);
        Box::pin(async move { describe(&env).await })
    })
}

async fn describe(env: &Env) -> Description {
    let queue = Some(env.directory.router.depth());
    let counts = env.directory.router.ask(Duration::from_secs(1), RouterMsg::Count).await.unwrap_or_default();
    let more = [("active", counts.active), ("idle", counts.idle), ("quarantined", counts.quarantined)];
    Description { queue, more: more.map(|(state, count)| (format!("session {state}"), count)).to_vec() }
}

/// The state of the router.
pub struct RouterState {
    shared: Arc<Shared>,
    book: Book<ActorRef<SessionMsg>>,
    /// The look at the database under way.
    look: Option<Task>,
    tick: Option<Timer>,
    /// Looks until all is known. Until then the database may hold older rows of users not met yet, so the inbox hands on no
    /// rows but who has some, they are pulled, and the order is kept.
    looks_left: u8,
    /// Users who had waiting rows and nothing in hand at the last look. Only who is there twice was forgotten.
    suspects: HashSet<UserId>,
    /// Sheds and burials under way.
    tasks: JoinSet<()>,
    /// An alert may be open because of quarantines.
    alerted: bool,
    _alive: Alive,
}

impl Actor for Router {
    type Msg = RouterMsg;
    type State = RouterState;
    type Arguments = Duty;

    async fn pre_start(&self, myself: ActorRef<RouterMsg>, duty: Duty) -> Result<RouterState, ActorProcessingErr> {
        duty.env.directory.router_caught_up.store(false, Ordering::Release);
        duty.env.directory.router.enter(myself.clone());
        let book = Book::new(duty.env.limits());
        let shared = Arc::new(Shared { duty, router: myself.clone(), reads: Semaphore::new(READS_MAX) });
        let mut state = RouterState {
            shared,
            book,
            look: None,
            tick: None,
            looks_left: LOOKS_FIRST,
            suspects: HashSet::new(),
            tasks: JoinSet::new(),
            alerted: true,
            _alive: Alive::new(KIND),
        };
        state.tick_after(&myself, Duration::ZERO);
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<RouterMsg>,
        message: RouterMsg,
        state: &mut RouterState,
    ) -> Result<(), ActorProcessingErr> {
        if matches!(message, RouterMsg::Deliver(_) | RouterMsg::Waiting(_) | RouterMsg::Count(_)) {
            state.shared.duty.env.directory.router.taken();
        }
        names::observed(KIND, message.name(), async {
            match message {
                RouterMsg::Deliver(rows) => state.deliver(&myself, rows).await,
                RouterMsg::Finished { user, serial, rows, more } => {
                    let next = state.book.finished(user, serial, rows, more, Instant::now());
                    state.act(&myself, user, next, Vec::new()).await;
                }
                RouterMsg::Tick => state.tick(&myself).await,
                RouterMsg::Waiting(users) => {
                    for user in users {
                        state.nudge(&myself, user).await;
                    }
                }
                RouterMsg::Found(found) => state.found(&myself, found).await,
                RouterMsg::Shed { user, result } => state.shed_ended(user, result),
                RouterMsg::Count(reply) => {
                    let _ = reply.send(state.book.counts());
                }
            }
            Ok(())
        })
        .await
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<RouterMsg>,
        event: SupervisionEvent,
        state: &mut RouterState,
    ) -> Result<(), ActorProcessingErr> {
        let (cell, cause, label) = match event {
            SupervisionEvent::ActorFailed(cell, error) => {
                let label = if error.is::<SessionError>() { "error" } else { "panic" };
                (cell, error.to_string(), label)
            }
            SupervisionEvent::ActorTerminated(cell, None, reason) => {
                (cell, reason.unwrap_or_else(|| "killed".to_owned()), "killed")
            }
            SupervisionEvent::ActorTerminated(cell, Some(_), _) => (cell, "ended".to_owned(), "ended"),
            _ => return Ok(()),
        };
        if let Some(user) = state.book.owner_of(cell.get_id()) {
            counter!(names::ACTOR_RESTARTS, "actor" => session::KIND, "cause" => label).increment(1);
            state.crashed(&myself, user, &cause).await;
        }
        Ok(())
    }

    /// Sessions finish the step they are at; what they have not begun is in the database.
    async fn post_stop(&self, myself: ActorRef<RouterMsg>, state: &mut RouterState) -> Result<(), ActorProcessingErr> {
        let timeout = state.shared.duty.env.limits().stop_timeout;
        myself.stop_children_and_wait(None, Some(timeout)).await;
        Ok(())
    }
}

impl RouterState {
    fn env(&self) -> &Env {
        &self.shared.duty.env
    }

    async fn deliver(&mut self, myself: &ActorRef<RouterMsg>, mut rows: Vec<InboxRow>) {
        // Stable, so each user's rows keep their order.
        rows.sort_by_key(|row| row.user);
        let mut rows = rows.into_iter().peekable();
        while let Some(row) = rows.next() {
            let Some(user) = row.user else { continue };
            let mut own = vec![row];
            while let Some(row) = rows.next_if(|row| row.user == Some(user)) {
                own.push(row);
            }
            let next = self.book.offered(user, own.len(), self.looks_left > 0);
            self.act(myself, user, next, own).await;
            if self.book.must_shed(user) {
                self.shed(myself, user);
            }
        }
    }

    /// Gives a session what the book decided, starting it if need be.
    async fn act(&mut self, myself: &ActorRef<RouterMsg>, user: UserId, next: Move, mut rows: Vec<InboxRow>) {
        let message = match next {
            Move::Nothing => return,
            Move::Give(count) => {
                rows.truncate(count);
                SessionMsg::Deliver(rows)
            }
            Move::Pull(limit) => SessionMsg::Nudge(limit),
        };
        let sent = match self.session_of(myself, user).await {
            Some(session) => session.cast(message).is_ok(),
            None => false,
        };
        // One that is about to be reported dead, or no room for one more: the rows are found again.
        if !sent {
            self.book.undo(user);
        }
    }

    async fn session_of(&mut self, myself: &ActorRef<RouterMsg>, user: UserId) -> Option<ActorRef<SessionMsg>> {
        if let Some(session) = self.book.session(user) {
            return Some(session);
        }
        if self.book.is_full() {
            self.rest(self.book.longest_idle()?);
        }
        let serial = self.book.next_serial();
        let args = SessionArgs { shared: Arc::clone(&self.shared), user, serial, cause: self.book.cause(user) };
        match Session::spawn_linked(None, Session, args, myself.get_cell()).await {
            Ok((session, _)) => {
                self.book.started(user, serial, session.get_id(), session.clone());
                Some(session)
            }
            Err(error) => {
                tracing::error!(actor = KIND, %user, %error, "a session does not start");
                None
            }
        }
    }

    async fn nudge(&mut self, myself: &ActorRef<RouterMsg>, user: UserId) {
        let next = self.book.waits(user);
        self.act(myself, user, next, Vec::new()).await;
    }

    /// Puts an idle session to rest. It has nothing in hand, so nothing has to be waited for.
    fn rest(&mut self, user: UserId) {
        if let Some(session) = self.book.dismiss(user) {
            session.stop(None);
            counter!(names::SESSIONS_PASSIVATED).increment(1);
        }
    }

    fn tick_after(&mut self, myself: &ActorRef<RouterMsg>, delay: Duration) {
        let myself = myself.clone();
        self.tick = Some(Timer::after(delay, move || {
            let _ = myself.cast(RouterMsg::Tick);
        }));
    }

    async fn tick(&mut self, myself: &ActorRef<RouterMsg>) {
        self.tick_after(myself, TICK);
        let now = Instant::now();
        while let Some(user) = self.book.idle_since(now) {
            self.rest(user);
        }
        for user in self.book.released(now) {
            self.nudge(myself, user).await;
        }
        while self.tasks.try_join_next().is_some() {}
        self.report();
        if self.look.is_none() {
            let (duty, myself) = (self.shared.duty.clone(), myself.clone());
            self.look = Some(Task::spawn(async move {
                let found = duty.env.store.waiting_users(LOOK_MAX).await;
                let _ = myself.cast(RouterMsg::Found(found));
            }));
        }
    }

    fn report(&mut self) {
        let counts = self.book.counts();
        gauge!(names::SESSIONS).set(as_gauge(counts.active + counts.idle));
        gauge!(names::SESSIONS_QUARANTINED).set(as_gauge(counts.quarantined));
        if counts.quarantined == 0 && std::mem::take(&mut self.alerted) {
            let kind = AlertKind::ActorQuarantined { actor: session::KIND.to_owned(), cause: String::new() };
            self.env().directory.alerts.tell(AlertsMsg::Resolve(kind.key()));
        }
    }

    async fn found(&mut self, myself: &ActorRef<RouterMsg>, found: Result<Vec<UserId>, StoreError>) {
        self.look = None;
        let users = match found {
            Ok(users) => users,
            Err(error) => {
                tracing::warn!(actor = KIND, %error, "waiting updates cannot be looked for");
                return;
            }
        };
        // Only part of those who wait was seen: the rest comes soon, and until then anybody may have older rows.
        let all = users.len() < LOOK_MAX;
        let mut suspects = HashSet::new();
        for user in users.into_iter().filter(|user| self.book.is_unoccupied(*user)).collect::<Vec<_>>() {
            if self.looks_left > 0 || self.suspects.contains(&user) {
                self.nudge(myself, user).await;
            } else {
                suspects.insert(user);
            }
        }
        self.suspects = suspects;
        self.looks_left = if all { self.looks_left.saturating_sub(1) } else { self.looks_left.max(1) };
        self.env().directory.router_caught_up.store(self.looks_left == 0, Ordering::Release);
        if self.looks_left > 0 {
            self.tick_after(myself, TICK_BUSY);
        }
    }

    fn shed(&mut self, myself: &ActorRef<RouterMsg>, user: UserId) {
        let (duty, myself) = (self.shared.duty.clone(), myself.clone());
        self.tasks.spawn(async move {
            let env = &*duty.env;
            let shed = env.store.shed(duty.epoch, user, env.limits().session_rows_max, env.clock.now()).await;
            let result = shed.map(|(count, messages)| {
                send(env, messages);
                count
            });
            let _ = myself.cast(RouterMsg::Shed { user, result });
        });
    }

    fn shed_ended(&mut self, user: UserId, result: Result<u64, StoreError>) {
        self.book.shed(user, result.is_ok());
        match result {
            Ok(count) => {
                let lane = Lane::Session.as_str();
                counter!(names::UPDATES_HANDLED, "lane" => lane, "outcome" => "shed").increment(count);
                tracing::warn!(actor = KIND, %user, count, "updates of a flooding user are shed");
            }
            Err(error) => failed(&self.shared.duty, &error),
        }
    }

    async fn crashed(&mut self, myself: &ActorRef<RouterMsg>, user: UserId, cause: &str) {
        let cause: String = cause.chars().take(CAUSE_MAX_CHARS).collect();
        tracing::error!(actor = session::KIND, %user, cause, "a session crashed");
        match self.book.crashed(user, &cause, Instant::now()) {
            After::Restart(next) => self.act(myself, user, next, Vec::new()).await,
            After::Quarantine => {
                counter!(names::ACTOR_QUARANTINED, "actor" => session::KIND).increment(1);
                tracing::error!(actor = KIND, %user, cause, "a session crashed too often and rests");
                let kind = AlertKind::ActorQuarantined { actor: session::KIND.to_owned(), cause: cause.clone() };
                self.alerted = true;
                self.env().directory.alerts.tell(AlertsMsg::Raise(kind));
                let duty = self.shared.duty.clone();
                self.tasks.spawn(async move {
                    if let Err(error) = bury_worst(&duty, user, &cause).await {
                        failed(&duty, &error);
                    }
                });
                self.report();
            }
        }
    }
}

/// Makes the user's oldest row a dead letter if it was tried too often. If that fails, its session does it after the
/// quarantine.
async fn bury_worst(duty: &Duty, user: UserId, cause: &str) -> Result<(), StoreError> {
    let env = &*duty.env;
    let rows = env.store.take_for_user(duty.epoch, user, 1).await?;
    for row in rows.into_iter().filter(|row| row.attempts > env.limits().update_attempts_max) {
        let (tell, now) = (alert_receivers(env), env.clock.now());
        let (_, messages) = env.store.bury(duty.epoch, row.seq, cause, true, &tell, now).await?;
        counter!(names::UPDATES_HANDLED, "lane" => Lane::Session.as_str(), "outcome" => "dead").increment(1);
        send(env, messages);
    }
    Ok(())
}

fn failed(duty: &Duty, error: &StoreError) {
    tracing::warn!(actor = KIND, %error, "a change of waiting updates failed");
    if matches!(error, StoreError::NotLeader) {
        duty.env.directory.leader.tell(LeaderMsg::LostLead(duty.epoch));
    }
}

#[allow(clippy::cast_precision_loss, reason = "never 2^52 sessions")]
const fn as_gauge(count: u64) -> f64 {
    count as f64
}

#[cfg(all(test, feature = "testing"))]
mod tests;
