//! What time brings to a service: reminders before its end, its end, and the grace after it. Pure.
//!
//! A reminder is due a fixed time before the end. If that falls into the owner's quiet hours it is sent just before they begin;
//! if it could not be sent then (the service is younger, or nobody was there to send it) it waits until they end, and is dropped
//! once the next reminder or the end itself has come.

use crate::service::SuspendReason;
use chrono::{DateTime, NaiveTime, TimeDelta, TimeZone as _, Timelike as _, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// How long after its end a renewal brings back the same address and key, by default.
pub const GRACE: TimeDelta = TimeDelta::hours(48);

/// Whether a service that is not over for good can have another period of `days` days now. It costs nothing, it has begun, and
/// it does not reach further ahead than one period already, so that nobody collects years. What an admin paused stays paused, so
/// that another period would do nothing for it.
#[must_use]
pub fn may_renew(
    free: bool,
    days: u16,
    ends_at: Option<DateTime<Utc>>,
    reasons: &[SuspendReason],
    now: DateTime<Utc>,
) -> bool {
    let ahead = TimeDelta::hours(24 * i64::from(days));
    free && !reasons.contains(&SuspendReason::Admin) && ends_at.is_some_and(|end| end <= now + ahead)
}

/// What an owner is reminded of, in the order in which it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reminder {
    /// Three days before the end.
    ThreeDays,
    /// One day before the end.
    OneDay,
    /// Two hours before the end.
    TwoHours,
}

impl Reminder {
    /// Every reminder, earliest first.
    pub const ALL: [Self; 3] = [Self::ThreeDays, Self::OneDay, Self::TwoHours];

    /// How long before the end.
    #[must_use]
    pub const fn before(self) -> TimeDelta {
        match self {
            Self::ThreeDays => TimeDelta::days(3),
            Self::OneDay => TimeDelta::days(1),
            Self::TwoHours => TimeDelta::hours(2),
        }
    }

    /// As part of a message's key and of metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ThreeDays => "three_days",
            Self::OneDay => "one_day",
            Self::TwoHours => "two_hours",
        }
    }
}

/// Hours in which nothing is sent but money and answers, in the owner's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    /// Minutes after midnight at which they begin.
    from: u16,
    /// Minutes after midnight at which they end; may be on the next day.
    to: u16,
}

const DAY_MINUTES: u16 = 24 * 60;

impl Default for QuietHours {
    fn default() -> Self {
        Self { from: 22 * 60, to: 8 * 60 }
    }
}

impl QuietHours {
    /// From and to in minutes after midnight, both below 1440; equal ones mean never.
    #[must_use]
    pub const fn new(from: u16, to: u16) -> Option<Self> {
        if from < DAY_MINUTES && to < DAY_MINUTES { Some(Self { from, to }) } else { None }
    }

    /// Minutes after midnight at which they begin.
    #[must_use]
    pub const fn from(self) -> u16 {
        self.from
    }

    /// Minutes after midnight at which they end.
    #[must_use]
    pub const fn to(self) -> u16 {
        self.to
    }

    /// The quiet span that holds `at`: its first moment, never after `at`, and the first one after it, always after `at`.
    /// `None` when `at` is not quiet.
    #[must_use]
    pub fn around(self, at: DateTime<Utc>, tz: Tz) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        if self.from == self.to {
            return None;
        }
        let local = at.with_timezone(&tz);
        let minute = u16::try_from(local.hour() * 60 + local.minute()).unwrap_or(0);
        let (over_midnight, today) = (self.from > self.to, local.date_naive());
        let inside = if over_midnight {
            minute >= self.from || minute < self.to
        } else {
            (self.from..self.to).contains(&minute)
        };
        if !inside {
            return None;
        }
        let first_day = if over_midnight && minute < self.to { today.pred_opt()? } else { today };
        let last_day = if over_midnight { first_day.succ_opt()? } else { first_day };
        let moment = |day: chrono::NaiveDate, minute: u16| {
            let time = NaiveTime::from_num_seconds_from_midnight_opt(u32::from(minute) * 60, 0)?;
            let local = day.and_time(time);
            let found = tz.from_local_datetime(&local);
            // A local time that a change of clocks skips is taken an hour later.
            let later = || tz.from_local_datetime(&(local + TimeDelta::hours(1))).earliest();
            let first = found.earliest().or_else(later)?;
            // One that comes twice, when clocks go back, is the first of the two unless that is over.
            let second = found.latest().unwrap_or(first);
            Some((first.with_timezone(&Utc), second.with_timezone(&Utc)))
        };
        let (begin, _) = moment(first_day, self.from)?;
        let (first, second) = moment(last_day, self.to)?;
        let end = if first > at { first } else { second };
        // Whatever clocks do, somebody who waits for the end comes back later than now.
        let end = if end > at { end } else { at + TimeDelta::minutes(1) };
        Some((begin.min(at), end))
    }
}

/// What is known of a service whose reminders are planned.
#[derive(Debug, Clone, Copy)]
pub struct Period {
    /// When this period began; reminders that would have been due before are left out.
    pub begun: DateTime<Utc>,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
    /// The last reminder of this period that was sent or dropped.
    pub last: Option<Reminder>,
}

/// What to do about a service's reminders now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Send this now.
    pub send: Option<Reminder>,
    /// The last one that is dealt with from now on.
    pub last: Option<Reminder>,
    /// Look again at this time; `None` when nothing comes before the end.
    pub next: Option<DateTime<Utc>>,
}

/// When a reminder is to be sent: its time, or just before the quiet hours in which that falls.
fn moment(reminder: Reminder, ends_at: DateTime<Utc>, quiet: Option<QuietHours>, tz: Tz) -> DateTime<Utc> {
    let at = ends_at - reminder.before();
    match quiet.and_then(|quiet| quiet.around(at, tz)) {
        Some((begin, _)) => begin - TimeDelta::minutes(1),
        None => at,
    }
}

/// Decides. Calling it again with the returned `last` never sends the same reminder twice.
#[must_use]
pub fn reminders(period: Period, now: DateTime<Utc>, quiet: Option<QuietHours>, tz: Tz) -> Plan {
    let mut last = period.last;
    let open = |last: Option<Reminder>| Reminder::ALL.into_iter().filter(move |reminder| Some(*reminder) > last);
    // Those of before the period began would say nothing new.
    for reminder in open(last) {
        if period.ends_at - reminder.before() <= period.begun {
            last = Some(reminder);
        }
    }
    if now >= period.ends_at {
        return Plan { send: None, last: Reminder::ALL.last().copied(), next: None };
    }
    let due = open(last).rfind(|reminder| moment(*reminder, period.ends_at, quiet, tz) <= now);
    let Some(due) = due else {
        let next = open(last).map(|reminder| moment(reminder, period.ends_at, quiet, tz)).min();
        return Plan { send: None, last, next };
    };
    if let Some((_, end)) = quiet.and_then(|quiet| quiet.around(now, tz)) {
        // Too late to send it before; after the quiet hours it may still be of use.
        return Plan { send: None, last, next: (end < period.ends_at).then_some(end) };
    }
    last = Some(due);
    let next = open(last).map(|reminder| moment(reminder, period.ends_at, quiet, tz).max(now)).min();
    Plan { send: Some(due), last, next }
}

#[cfg(test)]
mod tests;
