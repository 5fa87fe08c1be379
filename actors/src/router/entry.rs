//! What the router knows of one user with work or a session; pure.

use crate::limits::Limits;
use std::time::Instant;

/// What to do next for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    /// Nothing now.
    Nothing,
    /// Give the session the first so many of the rows at hand.
    Give(usize),
    /// Let the session pull so many rows.
    Pull(usize),
}

/// What to do after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// Restart it (with work, or when work comes).
    Restart(Move),
    /// Leave it alone for a while.
    Quarantine,
}

/// The crashes of one session.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    crashes: Vec<Instant>,
    pub(super) cause: Box<str>,
    pub(super) until: Option<Instant>,
}

/// One user.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// Rows given and not finished.
    in_hand: usize,
    /// A pull is under way.
    pulling: bool,
    /// The database holds rows that the session was not given.
    behind: bool,
    /// Rows known to wait in the database; an estimate.
    waiting: usize,
    /// One row at a time, since the last crash.
    careful: bool,
    shedding: bool,
    pub(super) trouble: Option<Box<Trouble>>,
}

impl Entry {
    /// A user of whom the database may hold older rows.
    pub(super) fn behind() -> Self {
        Self { behind: true, ..Self::default() }
    }

    /// The session has work.
    pub(super) const fn is_busy(&self) -> bool {
        self.in_hand > 0 || self.pulling
    }

    pub(super) fn is_quarantined(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.until.is_some())
    }

    /// Nothing would be lost without this entry, except its session.
    pub(super) fn is_forgettable(&self) -> bool {
        !self.is_busy() && !self.behind && !self.shedding && self.trouble.is_none()
    }

    /// New rows are at hand.
    pub(super) fn offered(&mut self, rows: usize, limits: &Limits) -> Move {
        let room = limits.session_rows_max.saturating_sub(self.in_hand);
        let give = if self.is_quarantined() || self.pulling || self.behind { 0 } else { rows.min(room) };
        if give < rows {
            self.behind = true;
            self.waiting += rows - give;
        }
        if give > 0 {
            self.in_hand += give;
            return Move::Give(give);
        }
        self.go_on(limits)
    }

    /// The database is known to hold rows.
    pub(super) fn waits(&mut self, limits: &Limits) -> Move {
        self.behind = true;
        self.go_on(limits)
    }

    /// A report of the session.
    pub(super) fn finished(&mut self, rows: usize, more: bool, limits: &Limits) -> Move {
        if self.pulling {
            self.pulling = false;
            self.waiting = self.waiting.saturating_sub(rows);
            self.behind |= more;
            if !self.behind {
                // All went well down to the last row.
                self.careful = false;
                self.waiting = 0;
            }
        } else {
            self.in_hand = self.in_hand.saturating_sub(rows);
        }
        self.go_on(limits)
    }

    fn go_on(&mut self, limits: &Limits) -> Move {
        if self.is_busy() || !self.behind || self.is_quarantined() {
            return Move::Nothing;
        }
        self.behind = false;
        self.pulling = true;
        Move::Pull(if self.careful { 1 } else { limits.session_rows_max })
    }

    /// What was to be given could not be given.
    pub(super) fn undo(&mut self) {
        self.behind |= self.is_busy();
        self.waiting += std::mem::take(&mut self.in_hand);
        self.pulling = false;
    }

    /// The session is gone.
    pub(super) fn crashed(&mut self, cause: &str, now: Instant, limits: &Limits) -> After {
        self.undo();
        self.careful = true;
        let trouble = self.trouble.get_or_insert_default();
        trouble.cause = cause.into();
        trouble.crashes.retain(|at| now.duration_since(*at) < limits.crash_window);
        trouble.crashes.push(now);
        if trouble.crashes.len() >= limits.session_crashes_max {
            trouble.until = Some(now + limits.quarantine);
            return After::Quarantine;
        }
        After::Restart(self.go_on(limits))
    }

    /// Forgets crashes of long ago; `true` when a quarantine ended by that.
    pub(super) fn forgive(&mut self, now: Instant, limits: &Limits) -> bool {
        let Some(trouble) = &mut self.trouble else { return false };
        match trouble.until {
            Some(until) if now < until => return false,
            Some(_) => {
                // Its crashes are paid for; the next rows are still given with care.
                self.trouble = None;
                return true;
            }
            None => trouble.crashes.retain(|at| now.duration_since(*at) < limits.crash_window),
        }
        if trouble.crashes.is_empty() {
            self.trouble = None;
        }
        false
    }

    /// Too much waits; `true` at most once until [`Entry::shed`].
    pub(super) fn must_shed(&mut self, limits: &Limits) -> bool {
        let must = !self.shedding && self.waiting > limits.session_backlog_max;
        self.shedding |= must;
        must
    }

    /// Shedding ended.
    pub(super) fn shed(&mut self, done: bool, limits: &Limits) {
        self.shedding = false;
        if done {
            self.waiting = self.waiting.min(limits.session_rows_max);
        }
    }
}

#[cfg(test)]
mod tests;
