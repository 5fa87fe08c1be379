use super::*;
use proptest::prelude::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

const HAVANA: Tz = chrono_tz::America::Havana;

fn period(begun: &str, ends_at: &str) -> Period {
    Period { begun: at(begun), ends_at: at(ends_at), last: None }
}

#[test]
fn what_is_free_and_not_paused_by_an_admin_is_renewed_one_period_ahead_at_most() {
    let now = at("2026-03-01T00:00:00Z");
    let may = |free, ends_at, reasons: &[SuspendReason]| may_renew(free, 30, ends_at, reasons, now);
    let (over, full) = (Some(now - TimeDelta::days(1)), Some(now + TimeDelta::days(30)));
    assert!(may(true, over, &[]) && may(true, full, &[]));
    assert!(may(true, over, &[SuspendReason::Expiry, SuspendReason::Quota]), "a new period mends both");
    assert!(!may(true, full.map(|end| end + TimeDelta::seconds(1)), &[]), "nobody collects years");
    assert!(!may(false, over, &[]), "what is not free");
    assert!(!may(true, None, &[]), "what has not begun");
    assert!(!may(true, over, &[SuspendReason::Expiry, SuspendReason::Admin]), "what an admin paused");
}

#[test]
fn a_month_brings_three_reminders_at_their_times() {
    let mut month = period("2026-11-01T15:00:00Z", "2026-12-01T15:00:00Z");
    let plan = reminders(month, at("2026-11-01T15:00:01Z"), None, HAVANA);
    assert_eq!((plan.send, plan.next), (None, Some(at("2026-11-28T15:00:00Z"))));
    let plan = reminders(month, at("2026-11-28T15:00:00Z"), None, HAVANA);
    assert_eq!((plan.send, plan.next), (Some(Reminder::ThreeDays), Some(at("2026-11-30T15:00:00Z"))));
    month.last = plan.last;
    let plan = reminders(month, at("2026-11-28T15:00:00Z"), None, HAVANA);
    assert_eq!(plan.send, None);
    let plan = reminders(month, at("2026-12-01T13:00:00Z"), None, HAVANA);
    assert_eq!((plan.send, plan.next), (Some(Reminder::TwoHours), None), "a missed one is not sent late");
}

#[test]
fn a_reminder_in_the_night_is_sent_before_it() {
    // 03:00 in Havana (UTC−5): quiet from 22:00 to 8:00.
    let month = period("2026-11-01T08:00:00Z", "2026-12-01T08:00:00Z");
    let plan = reminders(month, at("2026-11-20T12:00:00Z"), Some(QuietHours::default()), HAVANA);
    assert_eq!(plan.next, Some(at("2026-11-28T02:59:00Z")), "21:59 of the evening before");
}

#[test]
fn a_reminder_that_could_not_be_sent_before_the_night_waits_until_the_morning() {
    let month = period("2026-11-01T08:00:00Z", "2026-12-01T08:00:00Z");
    // Midnight in Havana, the night after the reminder of one day before should have gone.
    let plan = reminders(month, at("2026-11-30T05:00:00Z"), Some(QuietHours::default()), HAVANA);
    assert_eq!((plan.send, plan.next), (None, Some(at("2026-11-30T13:00:00Z"))));
    let plan = reminders(month, at("2026-11-30T13:00:00Z"), Some(QuietHours::default()), HAVANA);
    assert_eq!(plan.send, Some(Reminder::OneDay));
}

#[test]
fn a_reminder_whose_end_comes_before_the_morning_is_dropped() {
    let day = period("2026-11-30T08:00:00Z", "2026-12-01T08:00:00Z");
    let plan = reminders(day, at("2026-12-01T06:30:00Z"), Some(QuietHours::default()), HAVANA);
    assert_eq!((plan.send, plan.next), (None, None));
}

#[test]
fn a_short_service_is_not_reminded_of_what_was_true_when_it_began() {
    let plan =
        reminders(period("2026-12-01T08:00:00Z", "2026-12-02T08:00:00Z"), at("2026-12-01T08:00:00Z"), None, HAVANA);
    assert_eq!((plan.send, plan.next), (None, Some(at("2026-12-02T06:00:00Z"))));
}

#[test]
fn the_end_of_quiet_hours_is_never_over_where_clocks_go_back_or_forward() {
    // Havana goes back from 01:00 to 00:00 on 1 November 2026, 05:00 UTC, and forward from 00:00 to 01:00 on 8 March.
    let quiet = QuietHours::new(22 * 60, 30).expect("hours");
    let twice = quiet.around(at("2026-11-01T05:10:00Z"), HAVANA);
    let (begin, end) = twice.expect("00:10 for the second time is quiet");
    assert_eq!((begin, end), (at("2026-11-01T02:00:00Z"), at("2026-11-01T05:30:00Z")), "the second 00:30");
    let (_, end) = quiet.around(at("2026-11-01T04:10:00Z"), HAVANA).expect("00:10 for the first time is quiet");
    assert_eq!(end, at("2026-11-01T04:30:00Z"), "the first 00:30");
    // And whatever is asked, around each change and minute by minute.
    for from in (0..24 * 60).step_by(30) {
        for to in (0..24 * 60).step_by(30) {
            let quiet = QuietHours::new(from, to).expect("hours");
            for start in ["2026-11-01T02:00:00Z", "2026-03-08T03:00:00Z"] {
                for minute in (0..8 * 60).step_by(7) {
                    let now = at(start) + TimeDelta::minutes(minute);
                    if let Some((begin, end)) = quiet.around(now, HAVANA) {
                        assert!(begin <= now && now < end, "{from} {to} {now}: {begin} {end}");
                    }
                }
            }
        }
    }
}

#[test]
fn equal_ends_of_quiet_hours_mean_never() {
    let never = QuietHours::new(60, 60).expect("in the day");
    assert_eq!(never.around(at("2026-12-01T06:00:00Z"), HAVANA), None);
    assert_eq!(QuietHours::new(1440, 0), None);
}

proptest! {
    #[test]
    fn following_the_plan_sends_each_reminder_at_most_once_never_at_night_and_ends(
        days in 0_i64..60, minutes in 0_i64..1440, from in 0_u16..1440, to in 0_u16..1440, zone in 0_usize..4, late in 0_i64..5000,
    ) {
        let tz = [chrono_tz::UTC, HAVANA, chrono_tz::Europe::Madrid, chrono_tz::Asia::Kolkata][zone];
        let quiet = QuietHours::new(from, to);
        let begun = at("2026-03-01T00:00:00Z") + TimeDelta::minutes(minutes);
        let ends_at = begun + TimeDelta::days(days) + TimeDelta::minutes(7);
        let mut period = Period { begun, ends_at, last: None };
        let mut now = begun;
        let mut sent = Vec::new();
        for _ in 0..20 {
            let plan = reminders(period, now, quiet, tz);
            prop_assert!(plan.last >= period.last);
            period.last = plan.last;
            if let Some(reminder) = plan.send {
                prop_assert!(now < ends_at);
                prop_assert!(quiet.and_then(|quiet| quiet.around(now, tz)).is_none());
                prop_assert!(sent.last() < Some(&reminder));
                sent.push(reminder);
            }
            match plan.next {
                Some(next) => {
                    prop_assert!(next >= now, "{next} is before {now}");
                    // Whoever looks may come late.
                    now = next + TimeDelta::seconds(late);
                }
                None => return Ok(()),
            }
        }
        prop_assert!(false, "it never ended");
    }
}
