//! From a traffic counter that forgets to one that does not.
//!
//! Outline tells only the bytes W of the last 30 days. The bytes C of all time follow from C(t) = W(t) + C(t − 30 d), so what
//! is needed is C as it was 30 days ago: one number per hour is kept, and in between a straight line is drawn.
//!
//! **How exact it is.** When the time 30 days ago is one of those points, nothing is added to that point's own error, so errors
//! do not grow from month to month if the points of each month stand at the same times of day. In between, the error is at
//! most the traffic of one interval between two points, an hour or a longer gap in the samples, and it passes. What a
//! server forgets when it is installed anew is noticed by a fall that 30 days cannot explain; what flowed between the last
//! sample before and the first one after it is lost, and a forgotten window smaller than the traffic of one interval may be.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// From this share of what it may use on, percent, a service deserves a look, and its owner is told.
pub const NEARLY_USED_PERCENT: u8 = 80;
/// What the server remembers.
pub const WINDOW: TimeDelta = TimeDelta::days(30);
/// One number is kept for each such interval; it divides [`WINDOW`].
pub const POINT_EVERY: TimeDelta = TimeDelta::hours(1);
/// Numbers kept at most: a window of them, one before it, and one at its end.
pub const POINTS_MAX: usize = 30 * 24 + 2;

/// Bytes at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Point {
    at: DateTime<Utc>,
    bytes: u64,
}

/// The last sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Last {
    at: DateTime<Utc>,
    window: u64,
    /// Of all time; unlike the total it may be a little less than before.
    estimate: u64,
}

/// The bytes of one key of all time, from samples of its trailing window. It can be stored between samples.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowTotal {
    /// Before all points.
    base: u64,
    /// By time, at least [`POINT_EVERY`] apart.
    points: VecDeque<Point>,
    last: Option<Last>,
    total: u64,
}

/// What a [`WindowTotal`] consists of, for keeping it in tables. Of the points, those up to the first one after the time 30
/// days before the next sample are needed, and the newest two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowParts {
    /// Bytes before all points.
    pub base: u64,
    /// Bytes of all time by time, in order.
    pub points: Vec<(DateTime<Utc>, u64)>,
    /// The last sample: when, the window, the bytes of all time.
    pub last: Option<(DateTime<Utc>, u64, u64)>,
    /// What was told last; it never falls.
    pub total: u64,
}

impl From<WindowParts> for WindowTotal {
    fn from(parts: WindowParts) -> Self {
        Self {
            base: parts.base,
            points: parts.points.into_iter().map(|(at, bytes)| Point { at, bytes }).collect(),
            last: parts.last.map(|(at, window, estimate)| Last { at, window, estimate }),
            total: parts.total,
        }
    }
}

impl From<WindowTotal> for WindowParts {
    fn from(total: WindowTotal) -> Self {
        Self {
            base: total.base,
            points: total.points.into_iter().map(|point| (point.at, point.bytes)).collect(),
            last: total.last.map(|last| (last.at, last.window, last.estimate)),
            total: total.total,
        }
    }
}

impl WindowTotal {
    /// For a key that has no traffic yet, or whose traffic of the last 30 days counts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes of all time, as of the last sample. It never falls.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Takes in that `window` bytes flowed in the 30 days before `at`, and gives the total. Samples may be missed; one that is
    /// older than the last counts as taken at the same time.
    pub fn observe(&mut self, at: DateTime<Utc>, window: u64) -> u64 {
        let at = self.last.map_or(at, |last| at.max(last.at));
        let then = at - WINDOW;
        if let Some(last) = self.last
            && self.forgot(&last, then, window)
        {
            // The new window begins after the last sample, so all before it is one number.
            self.base = last.estimate;
            self.points.clear();
        }
        let estimate = window.saturating_add(self.bytes_at(then));
        self.last = Some(Last { at, window, estimate });
        self.total = self.total.max(estimate);
        self.keep(Point { at, bytes: estimate }, then);
        self.total
    }

    /// Whether the window fell by far more than what dropped out of it. A server that was installed anew begins at zero, so
    /// half of it and twice the explained fall are wide margins, which points that are a little off do not cross.
    fn forgot(&self, last: &Last, then: DateTime<Utc>, window: u64) -> bool {
        let fall = last.window.saturating_sub(window);
        let most = self.points.iter().find(|point| point.at >= then).map_or(last.estimate, |point| point.bytes);
        let since = last.at - WINDOW;
        let least = self.points.iter().rev().find(|point| point.at <= since).map_or(self.base, |point| point.bytes);
        window < last.window.div_ceil(2) && fall > most.saturating_sub(least).saturating_mul(2)
    }

    /// Bytes of all time as they were then.
    fn bytes_at(&self, then: DateTime<Utc>) -> u64 {
        let after = self.points.partition_point(|point| point.at <= then);
        let Some(before) = after.checked_sub(1).map(|at| self.points[at]) else { return self.base };
        let last = self.last.map(|last| Point { at: last.at, bytes: last.estimate });
        match self.points.get(after).copied().or(last) {
            Some(next) if next.at > then => between(before, next, then),
            Some(next) => next.bytes,
            None => before.bytes,
        }
    }

    fn keep(&mut self, point: Point, then: DateTime<Utc>) {
        let Some(&newest) = self.points.back() else {
            self.points.push_back(point);
            return;
        };
        if point.at - newest.at < POINT_EVERY {
            return;
        }
        // While nothing flows, two points say it all.
        let flat = self.points.len() >= 2 && self.points[self.points.len() - 2].bytes == newest.bytes;
        if flat && newest.bytes == point.bytes {
            self.points.pop_back();
        }
        self.points.push_back(point);
        while self.points.get(1).is_some_and(|second| second.at <= then) {
            self.points.pop_front();
        }
    }
}

/// On the straight line from one point to the next.
fn between(before: Point, next: Point, then: DateTime<Utc>) -> u64 {
    let whole = (next.at - before.at).num_milliseconds().unsigned_abs();
    let part = (then - before.at).num_milliseconds().unsigned_abs().min(whole);
    if whole == 0 {
        return next.bytes;
    }
    let share = |bytes: u64| {
        let share = u128::from(bytes) * u128::from(part) / u128::from(whole);
        u64::try_from(share).unwrap_or(bytes)
    };
    if next.bytes >= before.bytes {
        before.bytes + share(next.bytes - before.bytes)
    } else {
        before.bytes - share(before.bytes - next.bytes)
    }
}

#[cfg(test)]
mod tests;
