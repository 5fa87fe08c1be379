//! When a child is started again, and when it is given up. Pure.

use crate::limits::Limits;
use std::collections::VecDeque;
use std::time::Duration;

/// Longest wait between two tries while the database is away: the tree should be whole again soon after it is back.
pub const PASSING_BACKOFF_MAX: Duration = Duration::from_secs(2);

/// The bounds of restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Crashes older than this are forgotten; a child that ran so long is well.
    pub window: Duration,
    /// So many crashes within the window, and the child is given up.
    pub crashes_max: usize,
    /// Wait after the second crash within the window; it doubles with each.
    pub backoff_min: Duration,
    /// Longest wait.
    pub backoff_max: Duration,
    /// How long a child that was given up rests.
    pub rest: Duration,
}

impl From<&Limits> for Policy {
    fn from(limits: &Limits) -> Self {
        Self {
            window: limits.crash_window,
            crashes_max: limits.child_crashes_max,
            backoff_min: limits.backoff_min,
            backoff_max: limits.backoff_max,
            rest: limits.quarantine,
        }
    }
}

/// What follows from a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Start it again after this wait.
    Restart(Duration),
    /// Too often.
    GiveUp,
}

/// What one child has used of its budget.
#[derive(Debug, Clone, Default)]
pub struct Budget {
    /// When it crashed, at most `crashes_max` of them.
    crashes: VecDeque<Duration>,
    /// Failures in a row that cost nothing.
    passing: u32,
}

impl Budget {
    /// It crashed at `now`, measured from any fixed moment.
    pub fn crashed(&mut self, now: Duration, policy: &Policy) -> Verdict {
        self.passing = 0;
        while self.crashes.front().is_some_and(|at| now.saturating_sub(*at) >= policy.window) {
            self.crashes.pop_front();
        }
        self.crashes.push_back(now);
        let count = self.crashes.len();
        if count >= policy.crashes_max.max(1) {
            // After its rest it begins anew.
            self.crashes.clear();
            return Verdict::GiveUp;
        }
        Verdict::Restart(wait_after(count, policy.backoff_min, policy.backoff_max))
    }

    /// It failed only because something outside was away, which will pass: the wait before the next try.
    pub fn held_up(&mut self, policy: &Policy) -> Duration {
        self.passing = self.passing.saturating_add(1);
        // The first try again waits too: nothing has changed yet.
        let count = usize::try_from(self.passing).unwrap_or(usize::MAX).saturating_add(1);
        wait_after(count, policy.backoff_min, policy.backoff_max.min(PASSING_BACKOFF_MAX))
    }

    /// It started.
    pub const fn started(&mut self) {
        self.passing = 0;
    }
}

/// Nothing after the first of `count` crashes, then `min`, doubled by each further one up to `max`.
fn wait_after(count: usize, min: Duration, max: Duration) -> Duration {
    let Some(doublings) = count.checked_sub(2) else { return Duration::ZERO };
    let doublings = u32::try_from(doublings).unwrap_or(u32::MAX);
    2_u32.checked_pow(doublings).and_then(|factor| min.checked_mul(factor)).map_or(max, |wait| wait.min(max))
}

#[cfg(test)]
mod tests;
