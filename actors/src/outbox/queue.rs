//! Which message goes next. Pure: time comes in, verdicts go out.
//!
//! Answers go before deliveries, deliveries before notices; within a chat and a priority the older row goes first, one at a
//! time, and the next one waits until the screen of the one before is marked (what it shows decides where the next appears).
//! A chat whose message failed waits by itself; the others go on. Memory is bounded: what does not fit is forgotten here and
//! read again from its row.
//!
//! A message costs about 0.5 KiB here, so the default bound of 20,000 is 10 MiB.

use super::outage::Outage;
use super::rate::{Class, Pace, Window};
use super::recent::Recent;
use crate::limits::{Limits, SendRate};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};
use usipipo_domain::ids::{OutboxId, UserId};
use usipipo_domain::outgoing::OutboxMessage;

/// First wait after a failure; each next one is four times as long, up to [`RETRY_MAX`]. Eight attempts take a quarter of an
/// hour, which most troubles of Telegram's do not last.
const RETRY_MIN: Duration = Duration::from_secs(1);
/// Longest wait between two attempts.
const RETRY_MAX: Duration = Duration::from_secs(300);
/// Someone who writes to us again waits no longer than this for the chat's next attempt.
const REPLY_WAIT_MAX: Duration = Duration::from_secs(5);

/// Why a message was not taken, as far as the queue must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nothing may be sent for this long.
    Pause(Duration),
    /// Telegram is away or in trouble.
    Unavailable,
    /// Our own trouble with this message.
    Render,
    /// Telegram refuses this message.
    Rejected,
    /// The user cannot be reached.
    Unreachable,
}

/// What to do about a message that was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It stays and is tried again; its attempts are not counted.
    Again,
    /// It stays and is tried again after this long; count the attempt in its row.
    Retry(Duration),
    /// It is given up.
    GiveUp,
    /// It and everything else for this user is given up.
    Blocked,
}

/// A message to send now.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) message: OutboxMessage,
    /// How long it was here before its first attempt; `None` for a later one.
    pub(super) waited: Option<Duration>,
}

#[derive(Debug, Clone)]
struct Item {
    message: OutboxMessage,
    since: Instant,
}

#[derive(Debug, Default)]
struct Chat {
    waiting: BTreeMap<(Class, OutboxId), Item>,
    busy: Option<OutboxId>,
    pace: Pace,
    held_until: Option<Instant>,
    /// How often it tried in vain during the present outage: others try first.
    tries: u32,
    /// Where it stands in the row, to be taken out of there.
    place: Option<Place>,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Ready(u32, Class, OutboxId),
    Asleep(Instant),
}

/// Messages in memory, in the order in which they go.
#[derive(Debug)]
pub(super) struct Queue {
    rate: Option<SendRate>,
    in_flight_max: usize,
    memory_max: usize,
    attempts_max: u16,
    chats: HashMap<UserId, Chat>,
    /// The first message of each chat that could send now.
    ready: BTreeSet<(u32, Class, OutboxId, UserId)>,
    /// Chats that wait for a time.
    asleep: BTreeSet<(Instant, UserId)>,
    /// Every message that waits, to find the least urgent one.
    all: BTreeSet<(Class, OutboxId, UserId)>,
    under_way: HashMap<OutboxId, (Item, Class)>,
    /// Everything in memory, also what is sent and not yet marked.
    known: HashSet<OutboxId>,
    recent: Recent,
    window: Window,
    paused_until: Option<Instant>,
    outage: Outage,
    /// The most urgent class of which rows were left out of memory, until a reading has found them all.
    left_out: Option<Class>,
    /// Whether more were left out since the reading under way began.
    left_out_again: bool,
    /// What is pushed before the first reading has ended: older messages for the same chats may come with it. `None` after.
    early: Option<Vec<OutboxMessage>>,
}

impl Queue {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            rate: limits.send_rate,
            in_flight_max: limits.sends_in_flight_max.max(1),
            memory_max: limits.outbox_memory_max.max(1),
            attempts_max: limits.send_attempts_max.max(1),
            chats: HashMap::new(),
            ready: BTreeSet::new(),
            asleep: BTreeSet::new(),
            all: BTreeSet::new(),
            under_way: HashMap::new(),
            known: HashSet::new(),
            recent: Recent::default(),
            window: Window::default(),
            paused_until: None,
            outage: Outage::default(),
            left_out: None,
            left_out_again: false,
            early: None,
        }
    }

    /// Nobody has read the rows yet: what is pushed waits for the first reading.
    pub(super) fn before_first_reading(mut self) -> Self {
        self.early = Some(Vec::new());
        self
    }

    /// Takes rows just committed. While rows of the same urgency wait outside memory, these join them, so that older ones go
    /// first.
    pub(super) fn push(&mut self, messages: Vec<OutboxMessage>, now: Instant) {
        for message in messages {
            let class = Class::of(&message);
            // What makes no message in a chat has no place among those that do, and cannot wait.
            if let Some(early) = self.early.as_mut().filter(|_| class != Class::Free) {
                if early.len() < self.memory_max {
                    early.push(message);
                } else {
                    self.leave_out(class);
                }
            } else if self.left_out.is_some_and(|left| left <= class) {
                self.leave_out(class);
            } else {
                self.take_in(message, class, now);
            }
        }
    }

    /// A reading of rows begins: its room, and the rows it need not bring. `None` when memory is full.
    pub(super) fn begin_reading(&mut self, batch_max: usize) -> Option<(usize, Vec<OutboxId>)> {
        let room = self.memory_max.saturating_sub(self.known.len()).min(batch_max);
        self.left_out_again = false;
        (room > 0).then(|| (room, self.known.iter().copied().collect()))
    }

    /// Takes what a reading brought. `complete`: there was room for everything.
    pub(super) fn end_reading(&mut self, messages: Vec<OutboxMessage>, complete: bool, now: Instant) {
        if complete && !self.left_out_again {
            self.left_out = None;
        }
        let early = self.early.take();
        if early.is_some()
            && !complete
            && let Some(last) = messages.last()
        {
            // Rows come in the order of their urgency: of this one and those behind it there are more.
            self.leave_out(Class::of_rows(last.priority));
        }
        for message in messages {
            let class = Class::of(&message);
            self.take_in(message, class, now);
        }
        self.push(early.unwrap_or_default(), now);
    }

    /// Rows wait that are not in memory.
    #[cfg(test)]
    const fn has_left_out(&self) -> bool {
        self.left_out.is_some()
    }

    fn take_in(&mut self, message: OutboxMessage, class: Class, now: Instant) {
        let (id, chat) = (message.id, message.chat);
        if self.known.contains(&id) || self.recent.contains(id) {
            return;
        }
        if self.known.len() >= self.memory_max && !self.make_room(class, now) {
            self.leave_out(class);
            return;
        }
        self.known.insert(id);
        self.all.insert((class, id, chat));
        let state = self.chats.entry(chat).or_default();
        let wait = message.wait;
        state.waiting.insert((class, id), Item { message, since: now });
        if !wait.is_zero() {
            // A failure of an earlier process: its chat waits as if that had been ours.
            state.held_until = state.held_until.max(Some(now + wait.min(RETRY_MAX)));
        } else if class <= Class::Reply && state.held_until.is_some() {
            state.held_until = state.held_until.map(|until| until.min(now + REPLY_WAIT_MAX));
        }
        self.place(chat, now);
    }

    fn leave_out(&mut self, class: Class) {
        self.left_out = Some(self.left_out.map_or(class, |left| left.min(class)));
        self.left_out_again = true;
    }

    /// Forgets the least urgent message if it is less urgent than `class`. One that was tried stays: its row is not due.
    fn make_room(&mut self, class: Class, now: Instant) -> bool {
        let untried = |(class, id, chat): &&(Class, OutboxId, UserId)| {
            self.chats
                .get(chat)
                .and_then(|chat| chat.waiting.get(&(*class, *id)))
                .is_some_and(|item| item.message.attempts == 0)
        };
        let Some((worst, id, chat)) =
            self.all.iter().rev().take_while(|(worst, ..)| *worst > class).find(untried).copied()
        else {
            return false;
        };
        self.remove(worst, id, chat);
        self.known.remove(&id);
        self.leave_out(worst);
        self.place(chat, now);
        true
    }

    fn remove(&mut self, class: Class, id: OutboxId, chat: UserId) -> Option<Item> {
        self.all.remove(&(class, id, chat));
        self.chats.get_mut(&chat)?.waiting.remove(&(class, id))
    }

    /// Finds the chat's place anew: after every change of it.
    fn place(&mut self, chat: UserId, now: Instant) {
        let Some(state) = self.chats.get_mut(&chat) else { return };
        match state.place.take() {
            Some(Place::Ready(tries, class, id)) => {
                self.ready.remove(&(tries, class, id, chat));
            }
            Some(Place::Asleep(at)) => {
                self.asleep.remove(&(at, chat));
            }
            None => {}
        }
        if state.busy.is_some() {
            return;
        }
        let Some(&(class, id)) = state.waiting.keys().next() else {
            match state.pace.forgotten_at().filter(|at| *at > now) {
                Some(at) => {
                    state.place = Some(Place::Asleep(at));
                    self.asleep.insert((at, chat));
                }
                None => {
                    self.chats.remove(&chat);
                }
            }
            return;
        };
        let paced = self.rate.filter(|_| class != Class::Free).and_then(|rate| state.pace.free_at(rate));
        match paced.max(state.held_until).filter(|at| *at > now) {
            Some(at) => {
                state.place = Some(Place::Asleep(at));
                self.asleep.insert((at, chat));
            }
            None => {
                state.place = Some(Place::Ready(state.tries, class, id));
                self.ready.insert((state.tries, class, id, chat));
            }
        }
    }

    fn wake(&mut self, now: Instant) {
        while let Some((_, chat)) = self.asleep.first().copied().filter(|(at, _)| *at <= now) {
            self.place(chat, now);
        }
    }

    /// The message to send now, which is under way from then on.
    pub(super) fn next(&mut self, now: Instant) -> Option<Next> {
        self.wake(now);
        if self.paused_until.is_some_and(|until| until > now) {
            return None;
        }
        if self.outage.until().is_some_and(|until| until > now || !self.under_way.is_empty()) {
            return None;
        }
        let (_, class, id, chat) = self.ready.first().copied()?;
        if self.crowded(class) || self.rate.and_then(|rate| self.window.wait(now, class, rate)).is_some() {
            return None;
        }
        let item = self.remove(class, id, chat)?;
        let state = self.chats.get_mut(&chat)?;
        state.busy = Some(id);
        if let Some(rate) = self.rate.filter(|_| class != Class::Free) {
            state.pace.count(now, rate);
            self.window.count(now, class);
        }
        let message = item.message.clone();
        let waited = (message.attempts == 0).then(|| now.saturating_duration_since(item.since));
        self.under_way.insert(id, (item, class));
        self.place(chat, now);
        Some(Next { message, waited })
    }

    fn crowded(&self, class: Class) -> bool {
        let used = |outer: Class| self.under_way.values().filter(|(_, class)| *class >= outer).count();
        self.under_way.len() >= self.in_flight_max
            || [Class::Delivery, Class::Notice]
                .into_iter()
                .filter(|outer| *outer <= class)
                .any(|outer| used(outer) >= outer.share(self.in_flight_max))
    }

    /// When [`Queue::next`] may have something without anything else happening.
    pub(super) fn next_time(&mut self, now: Instant) -> Option<Instant> {
        if self.outage.until().is_some() && !self.under_way.is_empty() {
            return None;
        }
        let sleeper = self.asleep.first().map(|(at, _)| *at);
        let Some((_, class, ..)) = self.ready.first().copied() else { return sleeper };
        let limited = self.rate.and_then(|rate| self.window.wait(now, class, rate));
        let head = if self.crowded(class) { None } else { Some(limited.unwrap_or(now)) };
        let next = match (sleeper, head) {
            (Some(a), Some(b)) => a.min(b),
            (a, b) => a.or(b)?,
        };
        Some([self.paused_until, self.outage.until()].into_iter().flatten().fold(next, Instant::max))
    }

    /// Telegram took it. With `shows` its chat waits until [`Queue::marked`].
    pub(super) fn delivered(&mut self, id: OutboxId, shows: bool, now: Instant) {
        self.answered(now);
        if let Some((item, _)) = self.under_way.remove(&id)
            && !shows
        {
            self.free(item.message.chat, id, now);
        }
    }

    /// Its row says so: it can be forgotten.
    pub(super) fn marked(&mut self, id: OutboxId, chat: UserId, now: Instant) {
        self.forget(id);
        self.free(chat, id, now);
    }

    /// Telegram did not take it.
    pub(super) fn failed(&mut self, id: OutboxId, trouble: Trouble, now: Instant) -> Verdict {
        let Some((mut item, class)) = self.under_way.remove(&id) else { return Verdict::Again };
        let chat = item.message.chat;
        let verdict = match trouble {
            Trouble::Pause(wait) => {
                self.answered(now);
                let until = now + wait;
                self.paused_until = Some(self.paused_until.map_or(until, |paused| paused.max(until)));
                Verdict::Again
            }
            Trouble::Unavailable if self.outage.failed(chat, now) => {
                // Other chats try next: it may be about this one after all.
                self.hold(chat, None);
                if let Some(state) = self.chats.get_mut(&chat) {
                    state.tries = state.tries.saturating_add(1);
                }
                Verdict::Again
            }
            Trouble::Unavailable | Trouble::Render => {
                let attempts = item.message.attempts.saturating_add(1);
                item.message.attempts = attempts;
                if attempts >= self.attempts_max {
                    Verdict::GiveUp
                } else {
                    let wait = RETRY_MIN.saturating_mul(4_u32.saturating_pow(u32::from(attempts) - 1)).min(RETRY_MAX);
                    self.hold(chat, Some(now + wait));
                    Verdict::Retry(wait)
                }
            }
            Trouble::Rejected => {
                self.answered(now);
                Verdict::GiveUp
            }
            Trouble::Unreachable => {
                self.answered(now);
                Verdict::Blocked
            }
        };
        match verdict {
            Verdict::Again | Verdict::Retry(_) => {
                self.all.insert((class, id, chat));
                if let Some(state) = self.chats.get_mut(&chat) {
                    state.waiting.insert((class, id), item);
                }
            }
            // It stays known until its row says so.
            Verdict::GiveUp => {}
            Verdict::Blocked => self.drop_waiting(chat),
        }
        self.free(chat, id, now);
        verdict
    }

    fn hold(&mut self, chat: UserId, until: Option<Instant>) {
        if let Some(state) = self.chats.get_mut(&chat) {
            state.held_until = until;
        }
    }

    fn drop_waiting(&mut self, chat: UserId) {
        let Some(state) = self.chats.get_mut(&chat) else { return };
        for (class, id) in std::mem::take(&mut state.waiting).into_keys() {
            self.all.remove(&(class, id, chat));
            self.forget(id);
        }
    }

    /// Telegram answers: after an outage everyone who waits because of it may try soon.
    fn answered(&mut self, now: Instant) {
        if self.outage.answered() {
            let soon = now + RETRY_MIN;
            let hurt = |chat: &Chat| chat.tries > 0 || chat.held_until.is_some();
            let chats: Vec<_> = self
                .chats
                .iter_mut()
                .filter(|(_, chat)| hurt(chat))
                .map(|(id, chat)| {
                    chat.tries = 0;
                    chat.held_until = chat.held_until.map(|until| until.min(soon));
                    *id
                })
                .collect();
            for chat in chats {
                self.place(chat, now);
            }
        }
    }

    fn free(&mut self, chat: UserId, id: OutboxId, now: Instant) {
        if let Some(state) = self.chats.get_mut(&chat)
            && state.busy == Some(id)
        {
            state.busy = None;
            self.place(chat, now);
        }
    }

    fn forget(&mut self, id: OutboxId) {
        self.known.remove(&id);
        self.recent.insert(id);
    }

    /// The message that this id is under way with.
    pub(super) fn under_way(&self, id: OutboxId) -> Option<&OutboxMessage> {
        self.under_way.get(&id).map(|(item, _)| &item.message)
    }

    /// How many are under way.
    pub(super) fn in_flight(&self) -> usize {
        self.under_way.len()
    }

    /// How many wait in memory.
    pub(super) fn waiting(&self) -> usize {
        self.all.len()
    }

    /// Telegram asked to wait, or is away.
    pub(super) fn is_paused(&self, now: Instant) -> bool {
        self.paused_until.is_some_and(|until| until > now) || self.outage.until().is_some()
    }
}

#[cfg(test)]
mod tests;
