//! The month of every service told again from the audit trail and from what flowed, by the rules; each row, each suspension and
//! each notice must be what comes of it.

use crate::clocks::{Quiet, quiet_around};
use crate::ledger::Ledger;
use crate::rows::{AuditRow, ServiceRow};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;

type Time = DateTime<Utc>;

/// A notice: when, to whom, about which service, of which kind.
pub(crate) type Notice = (Time, i64, i64, &'static str);

/// What a person wants, from a time on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wishes {
    pub(crate) language: String,
    pub(crate) zone: String,
    pub(crate) quiet: Quiet,
    pub(crate) reminders: bool,
    pub(crate) blocked: bool,
}

/// The hours of an operator who decided nothing: ten in the evening to eight.
pub(crate) const QUIET: Quiet = (22 * 60, 8 * 60);
const REMINDERS: [(&str, i64); 3] = [("three_days", 72), ("one_day", 24), ("two_hours", 2)];
const GRACE_HOURS: i64 = 48;

/// What is known of the month.
pub(crate) struct Month<'a> {
    /// Every time that the clock showed, in order.
    pub(crate) times: &'a [Time],
    pub(crate) audit: &'a [AuditRow],
    pub(crate) ledger: &'a Ledger,
    pub(crate) services: &'a BTreeMap<i64, ServiceRow>,
    /// Of each person, in order of time; the first holds from the beginning.
    pub(crate) wishes: &'a BTreeMap<i64, Vec<(Time, Wishes)>>,
}

impl Month<'_> {
    /// What somebody wanted when a time began, or when it ended.
    fn wishes(&self, user: i64, at: Time, ended: bool) -> &Wishes {
        let all = &self.wishes[&user];
        let holds = |since: &Time| *since < at || ended && *since == at;
        all.iter().rev().find(|(since, _)| holds(since)).map_or(&all[0].1, |(_, wishes)| wishes)
    }

    /// The time before that one.
    fn before(&self, at: Time) -> Time {
        let index = self.times.binary_search(&at).expect("things happen at times that the clock showed");
        self.times[index.saturating_sub(1)]
    }
}

/// What happens to a service, in the order of its parts at one time: ends, beginnings, traffic, what people decide.
#[derive(Debug, Clone)]
enum Event {
    Ends,
    Expires,
    Begins,
    Activates,
    Reads(u64),
    UsedUp,
    Renews,
    Revokes,
}

impl Event {
    const fn order(&self) -> u8 {
        match self {
            Self::Ends | Self::Expires => 0,
            Self::Begins | Self::Activates => 1,
            Self::Reads(_) => 2,
            Self::UsedUp => 3,
            Self::Renews | Self::Revokes => 4,
        }
    }
}

/// A service as the rules say that it is.
struct Life<'a> {
    month: &'a Month<'a>,
    row: &'a ServiceRow,
    status: &'static str,
    expiry: bool,
    quota: bool,
    used: u64,
    base: u64,
    period: u32,
    begun: Option<Time>,
    ends: Option<Time>,
    /// Reminders that are dealt with.
    reminded: usize,
    /// The end of which the owner was told.
    told_end: Option<Time>,
    /// It is to be cut off at this time: its traffic is used up.
    must_cut: Option<Time>,
    /// Notices that wait until somebody's quiet hours are over.
    held: Vec<(Time, &'static str)>,
    notices: Vec<Notice>,
}

/// Tells every life again; the notices that come of them.
pub(crate) fn retell(month: &Month<'_>) -> Vec<Notice> {
    let mut events: BTreeMap<i64, Vec<(Time, u8, i64, Event)>> = BTreeMap::new();
    for row in month.audit {
        let reason = row.details["reason"].as_str();
        let event = match (row.action.as_str(), reason) {
            ("service.begin_trial" | "service.begin_free" | "service.grant", _) => Event::Begins,
            ("service.activate", _) => Event::Activates,
            ("service.suspend", Some("expiry")) => Event::Ends,
            ("service.suspend", Some("quota")) => Event::UsedUp,
            ("service.expire", _) => Event::Expires,
            ("service.renew", _) => Event::Renews,
            ("service.revoke", _) => Event::Revokes,
            _ => continue,
        };
        events.entry(row.about()).or_default().push((row.at, event.order(), row.id, event));
    }
    for (number, read) in (0..).zip(&month.ledger.reads) {
        let event = Event::Reads(read.bytes);
        events.entry(read.service).or_default().push((read.at, event.order(), number, event));
    }
    let mut notices = Vec::new();
    for row in month.services.values() {
        let mut events = events.remove(&row.id).unwrap_or_default();
        events.sort_by_key(|(at, order, id, _)| (*at, *order, *id));
        let mut life = Life::new(month, row);
        life.tell(events);
        life.is_its_row();
        notices.extend(life.notices);
    }
    assert!(events.is_empty(), "things happened to services that there are not: {events:?}");
    notices.sort_unstable();
    notices
}

impl<'a> Life<'a> {
    fn new(month: &'a Month<'a>, row: &'a ServiceRow) -> Self {
        Self {
            month,
            row,
            status: "none",
            expiry: false,
            quota: false,
            used: 0,
            base: 0,
            period: 1,
            begun: None,
            ends: None,
            reminded: 0,
            told_end: None,
            must_cut: None,
            held: Vec::new(),
            notices: Vec::new(),
        }
    }

    fn tell(&mut self, events: Vec<(Time, u8, i64, Event)>) {
        let mut events = events.into_iter().peekable();
        for at in self.month.times.iter().copied() {
            let mut looked = false;
            self.releases(at);
            while let Some((_, order, _, event)) = events.next_if(|(time, ..)| *time == at) {
                if order > 0 && !looked {
                    looked = true;
                    self.reminds(at, false);
                }
                self.takes(at, &event);
            }
            if !looked {
                self.reminds(at, false);
            }
            self.reminds(at, true);
            assert!(self.must_cut.is_none(), "{at}: its traffic was used up and it was not cut off: {:?}", self.row);
        }
        assert!(events.next().is_none(), "something happened when the clock showed another time: {:?}", self.row);
    }

    fn takes(&mut self, at: Time, event: &Event) {
        let row = self.row;
        match event {
            Event::Begins => {
                assert_eq!((self.status, row.created_at), ("none", at), "{row:?}");
                self.status = "pending";
            }
            Event::Activates => {
                assert_eq!(self.status, "pending", "{row:?}");
                self.status = "active";
                (self.begun, self.ends) = (Some(at), Some(at + TimeDelta::days(row.days)));
            }
            Event::Ends => {
                let end = self.ends.expect("it has begun");
                assert!(!self.expiry && matches!(self.status, "active" | "suspended"), "{at}: {row:?}");
                assert!(self.month.before(at) < end && end <= at, "it ends at its time: {end}, not {at}: {row:?}");
                (self.status, self.expiry) = ("suspended", true);
                self.tell_end(at, end);
            }
            Event::Expires => {
                let end = self.ends.expect("it has begun");
                let over = end + TimeDelta::hours(GRACE_HOURS);
                assert!(self.status == "suspended" && self.expiry, "{at}: {row:?}");
                assert!(self.month.before(at) < over && over <= at, "its grace ends at {over}, not {at}: {row:?}");
                self.status = "expired";
                (self.expiry, self.quota) = (false, false);
                self.tell_end(at, end);
            }
            Event::Reads(bytes) => self.reads(at, *bytes),
            Event::UsedUp => {
                assert_eq!(self.must_cut.take(), Some(at), "its traffic was not used up: {row:?}");
                (self.status, self.quota) = ("suspended", true);
            }
            Event::Renews => {
                let end = self.ends.expect("it has begun");
                assert!(row.free && matches!(self.status, "active" | "suspended"), "{at}: {row:?}");
                assert!(end <= at + TimeDelta::days(row.days), "nobody collects periods: {row:?}");
                self.period += 1;
                (self.begun, self.ends) = (Some(at), Some(end.max(at) + TimeDelta::days(row.days)));
                (self.base, self.reminded, self.status) = (self.used, 0, "active");
                (self.expiry, self.quota) = (false, false);
                // It would say something that is not so any more.
                self.held.clear();
            }
            Event::Revokes => {
                assert!(matches!(self.status, "pending" | "active" | "suspended"), "{at}: {row:?}");
                self.status = "revoked";
                (self.expiry, self.quota) = (false, false);
                self.held.clear();
            }
        }
    }

    fn tell_end(&mut self, at: Time, end: Time) {
        if self.told_end != Some(end) && !self.month.wishes(self.row.user_id, at, false).blocked {
            self.told_end = Some(end);
            self.notify(at, "ended");
        }
    }

    /// Tells its owner, now or after their quiet hours.
    fn notify(&mut self, at: Time, kind: &'static str) {
        let wishes = self.month.wishes(self.row.user_id, at, false);
        match quiet_around(wishes.quiet, &wishes.zone, at) {
            Some((_, end)) => self.held.push((end, kind)),
            None => self.notices.push((at, self.row.user_id, self.row.id, kind)),
        }
    }

    /// Sends what has waited long enough.
    fn releases(&mut self, at: Time) {
        let blocked = self.month.wishes(self.row.user_id, at, false).blocked;
        let due: Vec<_> = self.held.extract_if(.., |(due, _)| *due <= at).collect();
        if !blocked {
            self.notices.extend(due.into_iter().map(|(_, kind)| (at, self.row.user_id, self.row.id, kind)));
        }
    }

    fn reads(&mut self, at: Time, bytes: u64) {
        let before = self.used - self.base;
        self.used += bytes;
        let after = self.used - self.base;
        let Some(quota) = self.row.quota_bytes else { return };
        let wishes = self.month.wishes(self.row.user_id, at, false);
        let works = self.status == "active";
        if after >= quota {
            if !self.quota && matches!(self.status, "active" | "suspended") {
                self.must_cut = Some(at);
                if works && !wishes.blocked {
                    self.notify(at, "over_quota");
                }
            }
        } else if works && before * 100 < quota * 80 && after * 100 >= quota * 80 && wishes.reminders && !wishes.blocked
        {
            self.notify(at, "quota_near");
        }
    }

    /// When a reminder is to be sent: its time, or the minute before the quiet hours in which that falls.
    fn moment(end: Time, hours: i64, wishes: &Wishes) -> Time {
        let at = end - TimeDelta::hours(hours);
        quiet_around(wishes.quiet, &wishes.zone, at).map_or(at, |(begin, _)| begin - TimeDelta::minutes(1))
    }

    fn reminds(&mut self, at: Time, ended: bool) {
        let (Some(begun), Some(end)) = (self.begun, self.ends) else { return };
        if self.status != "active" || at >= end || at < end - TimeDelta::hours(96) {
            return;
        }
        let wishes = self.month.wishes(self.row.user_id, at, ended);
        for (index, (_, hours)) in REMINDERS.iter().enumerate() {
            if end - TimeDelta::hours(*hours) <= begun {
                self.reminded = self.reminded.max(index + 1);
            }
        }
        let due =
            (self.reminded..REMINDERS.len()).rev().find(|index| Self::moment(end, REMINDERS[*index].1, wishes) <= at);
        let Some(due) = due else { return };
        // Too late to be before the quiet hours: after them it may still be of use.
        if quiet_around(wishes.quiet, &wishes.zone, at).is_some() {
            return;
        }
        self.reminded = due + 1;
        if wishes.reminders && !wishes.blocked {
            self.notices.push((at, self.row.user_id, self.row.id, REMINDERS[due].0));
        }
    }

    fn is_its_row(&self) {
        let row = self.row;
        assert_eq!(self.status, row.status, "{row:?}");
        assert_eq!((self.ends, self.period, self.base), (row.ends_at, row.period, row.quota_base), "{row:?}");
        let has = |reason: &str| row.reasons.iter().any(|known| known == reason);
        assert_eq!((self.expiry, self.quota), (has("expiry"), has("quota")), "{row:?}");
    }
}
