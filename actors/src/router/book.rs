//! All users with work or a session in memory.

use super::SessionCounts;
use super::entry::{After, Entry, Move};
use crate::limits::Limits;
use ractor::ActorId;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;
use usipipo_domain::ids::UserId;

/// A session in memory; `S` reaches it.
#[derive(Debug)]
struct Running<S> {
    serial: u64,
    id: ActorId,
    session: S,
    /// Its place in the order of idleness, while it is idle.
    idle: Option<u64>,
}

#[derive(Debug)]
struct Line<S> {
    entry: Entry,
    running: Option<Running<S>>,
}

/// Everything the router remembers; bounded by the sessions, and by users whose rows wait.
#[derive(Debug)]
pub(super) struct Book<S> {
    limits: Limits,
    lines: HashMap<UserId, Line<S>>,
    by_actor: HashMap<ActorId, UserId>,
    /// Idle sessions, the one idle longest first.
    idle: BTreeMap<u64, (UserId, Instant)>,
    /// Users whose session crashed lately.
    troubled: HashSet<UserId>,
    last: u64,
}

impl<S: Clone> Book<S> {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            lines: HashMap::new(),
            by_actor: HashMap::new(),
            idle: BTreeMap::new(),
            troubled: HashSet::new(),
            last: 0,
        }
    }

    /// New rows of a user; see [`Entry::offered`].
    pub(super) fn offered(&mut self, user: UserId, rows: usize, catching_up: bool) -> Move {
        let line = self.lines.entry(user).or_insert_with(|| Line {
            entry: if catching_up { Entry::behind() } else { Entry::default() },
            running: None,
        });
        let next = line.entry.offered(rows, &self.limits);
        self.settle(user, None);
        next
    }

    /// The database is known to hold rows of a user.
    pub(super) fn waits(&mut self, user: UserId) -> Move {
        let line = self.lines.entry(user).or_insert_with(|| Line { entry: Entry::default(), running: None });
        let next = line.entry.waits(&self.limits);
        self.settle(user, None);
        next
    }

    /// A session's report; one of an earlier incarnation means nothing.
    pub(super) fn finished(&mut self, user: UserId, serial: u64, rows: usize, more: bool, now: Instant) -> Move {
        let Some(line) = self.lines.get_mut(&user) else { return Move::Nothing };
        if line.running.as_ref().is_none_or(|running| running.serial != serial) {
            return Move::Nothing;
        }
        let next = line.entry.finished(rows, more, &self.limits);
        self.settle(user, Some(now));
        next
    }

    /// What was decided could not be done.
    pub(super) fn undo(&mut self, user: UserId) {
        if let Some(line) = self.lines.get_mut(&user) {
            line.entry.undo();
            if line.running.is_none() && !line.entry.is_quarantined() && line.entry.trouble.is_none() {
                // The next look finds its rows.
                self.lines.remove(&user);
            }
        }
    }

    /// Keeps the order of idle sessions right after a change.
    fn settle(&mut self, user: UserId, now: Option<Instant>) {
        let Some(line) = self.lines.get_mut(&user) else { return };
        let busy = line.entry.is_busy();
        let Some(running) = &mut line.running else { return };
        match (running.idle, busy, now) {
            (Some(stamp), true, _) => {
                running.idle = None;
                self.idle.remove(&stamp);
            }
            (None, false, Some(now)) => {
                self.last += 1;
                running.idle = Some(self.last);
                self.idle.insert(self.last, (user, now));
            }
            _ => {}
        }
    }

    pub(super) fn session(&self, user: UserId) -> Option<S> {
        Some(self.lines.get(&user)?.running.as_ref()?.session.clone())
    }

    /// Why the user's last session crashed.
    pub(super) fn cause(&self, user: UserId) -> Option<Box<str>> {
        Some(self.lines.get(&user)?.entry.trouble.as_ref()?.cause.clone())
    }

    pub(super) fn is_full(&self) -> bool {
        self.by_actor.len() >= self.limits.sessions_max
    }

    pub(super) fn next_serial(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// A session is in memory now.
    pub(super) fn started(&mut self, user: UserId, serial: u64, id: ActorId, session: S) {
        if let Some(line) = self.lines.get_mut(&user) {
            line.running = Some(Running { serial, id, session, idle: None });
            self.by_actor.insert(id, user);
        }
    }

    /// The user whose present session this is.
    pub(super) fn owner_of(&self, actor: ActorId) -> Option<UserId> {
        self.by_actor.get(&actor).copied()
    }

    fn forget_session(&mut self, user: UserId) -> Option<S> {
        let running = self.lines.get_mut(&user)?.running.take()?;
        self.by_actor.remove(&running.id);
        if let Some(stamp) = running.idle {
            self.idle.remove(&stamp);
        }
        Some(running.session)
    }

    /// The session ended by itself.
    pub(super) fn crashed(&mut self, user: UserId, cause: &str, now: Instant) -> After {
        self.forget_session(user);
        let Some(line) = self.lines.get_mut(&user) else { return After::Restart(Move::Nothing) };
        self.troubled.insert(user);
        line.entry.crashed(cause, now, &self.limits)
    }

    /// The session that is idle longest.
    pub(super) fn longest_idle(&self) -> Option<UserId> {
        self.idle.first_key_value().map(|(_, (user, _))| *user)
    }

    /// A session that has been idle for too long.
    pub(super) fn idle_since(&self, now: Instant) -> Option<UserId> {
        let (_, (user, since)) = self.idle.first_key_value()?;
        (now.duration_since(*since) >= self.limits.session_idle).then_some(*user)
    }

    /// An idle session leaves; it is to be stopped.
    pub(super) fn dismiss(&mut self, user: UserId) -> Option<S> {
        let session = self.forget_session(user)?;
        if self.lines.get(&user).is_some_and(|line| line.entry.is_forgettable()) {
            self.lines.remove(&user);
        }
        Some(session)
    }

    /// Users whose quarantine is over now.
    pub(super) fn released(&mut self, now: Instant) -> Vec<UserId> {
        let (mut released, mut calm) = (Vec::new(), Vec::new());
        for user in &self.troubled {
            let Some(line) = self.lines.get_mut(user) else { continue };
            if line.entry.forgive(now, &self.limits) {
                released.push(*user);
            }
            if line.entry.trouble.is_none() {
                calm.push(*user);
            }
        }
        for user in calm {
            self.troubled.remove(&user);
            let idle = |line: &Line<S>| line.running.is_none() && line.entry.is_forgettable();
            if !released.contains(&user) && self.lines.get(&user).is_some_and(idle) {
                self.lines.remove(&user);
            }
        }
        released
    }

    /// Nobody has the user's rows in hand, nor is kept from it.
    pub(super) fn is_unoccupied(&self, user: UserId) -> bool {
        self.lines.get(&user).is_none_or(|line| !line.entry.is_busy() && !line.entry.is_quarantined())
    }

    /// Too much of the user waits; see [`Entry::must_shed`].
    pub(super) fn must_shed(&mut self, user: UserId) -> bool {
        self.lines.get_mut(&user).is_some_and(|line| line.entry.must_shed(&self.limits))
    }

    /// Shedding ended.
    pub(super) fn shed(&mut self, user: UserId, done: bool) {
        if let Some(line) = self.lines.get_mut(&user) {
            line.entry.shed(done, &self.limits);
        }
    }

    pub(super) fn counts(&self) -> SessionCounts {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let quarantined = self.troubled.iter().filter_map(|user| self.lines.get(user));
        SessionCounts {
            active: count(self.by_actor.len() - self.idle.len()),
            idle: count(self.idle.len()),
            quarantined: count(quarantined.filter(|line| line.entry.is_quarantined()).count()),
        }
    }
}

#[cfg(test)]
mod tests;
