//! Makes updates durable, several in one statement, and hands them on. Works on a standby too: there it only stores.
//!
//! One statement is under way at a time; what comes meanwhile gathers for the next. So updates keep their order, and the load
//! makes the statements larger, not more.
//!
//! A pre-checkout query wants its answer within ten seconds, also when nothing can be stored: those that are not durable in
//! time are refused directly.

mod checkouts;

use crate::env::Env;
use crate::lane::LaneMsg;
use crate::metrics::{self as names, Alive};
use crate::on_drop::OnDrop;
use crate::pace::Pace;
use crate::ports::updates::{Lane, RawUpdate};
use crate::router::RouterMsg;
use crate::supervision::ChildSpec;
use crate::timer::{Task, Timer};
use checkouts::Checkouts;
use metrics::{counter, histogram};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::task::JoinSet;
use usipipo_storage::StoreError;
use usipipo_storage::model::{InboxRow, NewUpdate};

/// As metrics label it.
pub const KIND: &str = "inbox";

/// Updates that wait to be stored; more are refused, and come again from whoever brought them.
const WAITING_MAX: usize = 4_096;

/// Messages of the inbox.
#[derive(Debug)]
pub enum InboxMsg {
    /// Store these; the answer comes when they are durable.
    Accept {
        /// As they came.
        updates: Vec<RawUpdate>,
        /// `Ok` when durable.
        reply: RpcReplyPort<Result<(), StoreError>>,
    },
    /// A statement ended.
    Stored {
        /// Pre-checkout queries that are durable now.
        checkouts: Vec<String>,
    },
    /// Self-timer: updates have gathered long enough.
    Gathered,
    /// Self-timer: pre-checkout queries that cannot wait any longer.
    Overdue,
}

impl InboxMsg {
    const fn name(&self) -> &'static str {
        match self {
            Self::Accept { .. } => "accept",
            Self::Stored { .. } => "stored",
            Self::Gathered => "gathered",
            Self::Overdue => "overdue",
        }
    }
}

/// The inbox.
#[derive(Debug, Clone, Copy)]
pub struct Inbox;

/// The inbox as a child.
#[must_use]
pub fn spec(env: &Arc<Env>) -> ChildSpec {
    let (make, queue) = (Arc::clone(env), Arc::clone(env));
    ChildSpec::new(env, KIND, KIND, move || (Inbox, Arc::clone(&make))).queue(move || queue.directory.inbox.depth())
}

type Reply = RpcReplyPort<Result<(), StoreError>>;

/// A request that waits.
#[derive(Debug)]
struct Accepted {
    updates: Vec<RawUpdate>,
    checkouts: Vec<String>,
    reply: Reply,
}

/// The state of the inbox.
pub struct InboxState {
    env: Arc<Env>,
    waiting: VecDeque<Accepted>,
    waiting_updates: usize,
    pace: Pace,
    /// The statement under way. Aborted with the state: its requesters then hear that nobody knows, and ask again.
    storing: Option<Task>,
    checkouts: Checkouts,
    overdue: Option<Timer>,
    refusals: JoinSet<()>,
    _alive: Alive,
}

impl Actor for Inbox {
    type Msg = InboxMsg;
    type State = InboxState;
    type Arguments = Arc<Env>;

    async fn pre_start(&self, myself: ActorRef<InboxMsg>, env: Arc<Env>) -> Result<InboxState, ActorProcessingErr> {
        env.directory.inbox.enter(myself);
        Ok(InboxState {
            env,
            waiting: VecDeque::new(),
            waiting_updates: 0,
            pace: Pace::default(),
            storing: None,
            checkouts: Checkouts::default(),
            overdue: None,
            refusals: JoinSet::new(),
            _alive: Alive::new(KIND),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<InboxMsg>,
        message: InboxMsg,
        state: &mut InboxState,
    ) -> Result<(), ActorProcessingErr> {
        names::observed(KIND, message.name(), async {
            match message {
                InboxMsg::Accept { updates, reply } => {
                    state.env.directory.inbox.taken();
                    state.accept(&myself, updates, reply);
                }
                InboxMsg::Stored { checkouts } => {
                    state.storing = None;
                    state.checkouts.durable(&checkouts);
                }
                InboxMsg::Gathered => state.pace.woken(),
                InboxMsg::Overdue => {
                    state.overdue = None;
                    state.refuse_overdue(&myself);
                }
            }
            state.store(&myself);
            Ok(())
        })
        .await
    }
}

impl InboxState {
    fn accept(&mut self, myself: &ActorRef<InboxMsg>, updates: Vec<RawUpdate>, reply: Reply) {
        let now = Instant::now();
        let payments = updates.iter().filter(|update| update.lane == Lane::Payments);
        let parser = self.env.parser.as_ref();
        let checkouts = payments.filter_map(|update| self.checkouts.arrived(parser, update, now)).collect();
        self.watch_checkouts(myself);
        if self.waiting_updates + updates.len() > WAITING_MAX && self.waiting_updates > 0 {
            let _ = reply.send(Err(StoreError::Unavailable("too many updates wait to be stored".to_owned())));
        } else {
            self.waiting_updates += updates.len();
            self.waiting.push_back(Accepted { updates, checkouts, reply });
        }
    }

    /// Begins a statement with what waits, unless one is under way.
    fn store(&mut self, myself: &ActorRef<InboxMsg>) {
        if self.storing.is_some() || self.waiting.is_empty() {
            return;
        }
        let max = self.env.limits().inbox_batch_max;
        let wake = {
            let myself = myself.clone();
            move || {
                let _ = myself.cast(InboxMsg::Gathered);
            }
        };
        if !self.pace.begin(self.waiting_updates >= max, wake) {
            return;
        }
        let (mut updates, mut replies) = (Vec::with_capacity(self.waiting_updates.min(max)), Vec::new());
        let mut checkouts = Vec::new();
        while let Some(accepted) = self.waiting.pop_front() {
            self.waiting_updates -= accepted.updates.len();
            checkouts.extend(accepted.checkouts);
            updates.extend(accepted.updates.into_iter().map(|update| {
                NewUpdate {
                    update_id: update.update_id,
                    user: update.user,
                    // Nobody's words cannot be anybody's conversation.
                    lane: if update.lane == Lane::Session && update.user.is_none() {
                        Lane::Ignored
                    } else {
                        update.lane
                    }
                    .as_str(),
                    raw: update.raw,
                }
            }));
            replies.push(accepted.reply);
            if self.waiting.front().is_some_and(|next| updates.len() + next.updates.len() > max) {
                break;
            }
        }
        let (env, myself) = (Arc::clone(&self.env), myself.clone());
        self.storing = Some(Task::spawn(async move {
            let panicked = OnDrop::new(|| {
                let _ = myself.cast(InboxMsg::Stored { checkouts: Vec::new() });
            });
            let durable = Box::pin(store(&env, updates, replies)).await;
            panicked.disarm();
            let _ = myself.cast(InboxMsg::Stored { checkouts: if durable { checkouts } else { Vec::new() } });
        }));
    }

    fn watch_checkouts(&mut self, myself: &ActorRef<InboxMsg>) {
        if self.overdue.is_some() {
            return;
        }
        if let Some(wait) = self.checkouts.next_wait(Instant::now()) {
            let myself = myself.clone();
            self.overdue = Some(Timer::after(wait, move || {
                let _ = myself.cast(InboxMsg::Overdue);
            }));
        }
    }

    fn refuse_overdue(&mut self, myself: &ActorRef<InboxMsg>) {
        while self.refusals.try_join_next().is_some() {}
        for message in self.checkouts.overdue(Instant::now()) {
            let env = Arc::clone(&self.env);
            self.refusals.spawn(async move {
                let user = message.chat;
                match env.messenger.deliver(&message).await {
                    Ok(_) => tracing::warn!(actor = KIND, %user, "a payment was refused because nothing can be stored"),
                    Err(error) => tracing::error!(actor = KIND, %user, %error, "a payment could not even be refused"),
                }
            });
        }
        self.watch_checkouts(myself);
    }
}

/// Makes updates durable, hands them on and answers everyone; `false` when they are not durable.
async fn store(env: &Env, updates: Vec<NewUpdate>, replies: Vec<Reply>) -> bool {
    // The lead is known by the actors that work only under it. If they end meanwhile, the rows wait for their successors.
    let lead = env.directory.router.is_up();
    let deliver = lead && env.directory.router_caught_up.load(Ordering::Acquire);
    let (count, begun) = (updates.len(), Instant::now());
    let stored = env.store.store_updates(env.options.bot, updates, deliver, env.clock.now()).await;
    histogram!(names::INTAKE_STORE_SECONDS).record(begun.elapsed());
    let answer = match stored {
        Ok(rows) => {
            counter!(names::UPDATES_DUPLICATE).increment(u64::try_from(count - rows.len().min(count)).unwrap_or(0));
            hand_on(env, rows, lead, deliver);
            Ok(())
        }
        Err(error) => {
            tracing::warn!(actor = KIND, updates = count, %error, "updates are not stored");
            Err(error)
        }
    };
    let durable = answer.is_ok();
    for reply in replies {
        let _ = reply.send(answer.clone());
    }
    durable
}

fn hand_on(env: &Env, rows: Vec<InboxRow>, lead: bool, deliver: bool) {
    let (mut session, mut payments, mut membership) = (Vec::new(), Vec::new(), Vec::new());
    let mut ignored = 0_u64;
    for row in rows {
        match Lane::parse(&row.lane) {
            Lane::Session => session.push(row),
            Lane::Payments => payments.push(row),
            Lane::Membership => membership.push(row),
            Lane::Ignored => ignored += 1,
        }
    }
    for (lane, count) in
        [(Lane::Session, session.len()), (Lane::Payments, payments.len()), (Lane::Membership, membership.len())]
    {
        if count > 0 {
            counter!(names::UPDATES_RECEIVED, "lane" => lane.as_str()).increment(u64::try_from(count).unwrap_or(0));
        }
    }
    if ignored > 0 {
        counter!(names::UPDATES_RECEIVED, "lane" => Lane::Ignored.as_str()).increment(ignored);
        counter!(names::UPDATES_HANDLED, "lane" => Lane::Ignored.as_str(), "outcome" => "ignored").increment(ignored);
    }
    if !lead {
        return;
    }
    if !payments.is_empty() {
        env.directory.payments.tell(LaneMsg::Deliver(payments));
    }
    if !membership.is_empty() {
        env.directory.membership.tell(LaneMsg::Deliver(membership));
    }
    if deliver && !session.is_empty() {
        env.directory.router.tell(RouterMsg::Deliver(session));
    } else if !session.is_empty() {
        // Each attempt is counted when the router has its session pull them.
        let mut users: Vec<_> = session.into_iter().filter_map(|row| row.user).collect();
        users.sort_unstable();
        users.dedup();
        env.directory.router.tell(RouterMsg::Waiting(users));
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
