#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

const MINUTES_PER_DAY: usize = 24 * 60;
const WINDOW_MINUTES: usize = 30 * MINUTES_PER_DAY;
const HOUR: usize = 60;

fn at(minute: usize) -> DateTime<Utc> {
    let begin: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    begin + TimeDelta::minutes(i64::try_from(minute).unwrap())
}

/// The true counter, a value for each minute.
struct Truth(Vec<u64>);

impl Truth {
    /// Bursts of (begin, length in minutes, bytes a minute).
    fn new(minutes: usize, bursts: &[(usize, usize, u64)]) -> Self {
        let mut flow = vec![0; minutes];
        for &(begin, length, bytes) in bursts {
            for minute in flow.iter_mut().skip(begin).take(length) {
                *minute += bytes;
            }
        }
        let mut sum = 0;
        Self(
            flow.iter()
                .map(|bytes| {
                    sum += bytes;
                    sum
                })
                .collect(),
        )
    }

    fn total(&self, minute: usize) -> u64 {
        self.0[minute]
    }

    /// What the server says, if it remembers from `since` on.
    fn window(&self, minute: usize, since: usize) -> u64 {
        let begin = minute.checked_sub(WINDOW_MINUTES).map_or(0, |begin| self.0[begin]);
        self.0[minute] - begin.max(if since == 0 { 0 } else { self.0[since] })
    }

    /// The most that flows in an interval of this many minutes.
    fn most_in(&self, minutes: usize) -> u64 {
        let flow = |end: usize| self.0[end] - self.0[end.saturating_sub(minutes)];
        (0..self.0.len()).map(flow).max().unwrap()
    }
}

fn bursts(minutes: usize) -> impl Strategy<Value = Vec<(usize, usize, u64)>> {
    proptest::collection::vec((0..minutes, 1_usize..3_000, prop_oneof![0_u64..5, 0_u64..5_000_000]), 0..25)
}

#[test]
fn a_steady_flow_is_counted_for_ever_though_the_window_stands_still() {
    let truth = Truth::new(100 * MINUTES_PER_DAY, &[(0, 100 * MINUTES_PER_DAY, 7)]);
    let mut usage = WindowTotal::new();
    for minute in (0..truth.0.len()).step_by(10) {
        // A steady flow is a straight line, so that nothing is lost anywhere.
        assert_eq!(usage.observe(at(minute), truth.window(minute, 0)), truth.total(minute), "minute {minute}");
        assert!(usage.points.len() <= POINTS_MAX);
    }
}

#[test]
fn an_idle_key_costs_two_points() {
    let mut usage = WindowTotal::new();
    for hour in 0..2_000 {
        assert_eq!(usage.observe(at(hour * HOUR), 0), 0);
    }
    assert!(usage.points.len() <= 2);
}

#[test]
fn a_window_that_empties_takes_nothing_away() {
    let mut usage = WindowTotal::new();
    assert_eq!(usage.observe(at(0), 0), 0);
    assert_eq!(usage.observe(at(HOUR), 1_000), 1_000);
    assert_eq!(usage.observe(at(2 * HOUR), 1_000), 1_000);
    assert_eq!(usage.observe(at(WINDOW_MINUTES + 2 * HOUR), 0), 1_000);
    assert_eq!(usage.observe(at(WINDOW_MINUTES + 3 * HOUR), 50), 1_050);
}

#[test]
fn a_server_installed_anew_counts_on() {
    let mut usage = WindowTotal::new();
    assert_eq!(usage.observe(at(0), 0), 0);
    assert_eq!(usage.observe(at(10), 9_000), 9_000);
    assert_eq!(usage.observe(at(20), 40), 9_040);
    assert_eq!(usage.observe(at(30), 100), 9_100);
    // A second time.
    assert_eq!(usage.observe(at(40), 0), 9_100);
    assert_eq!(usage.observe(at(50), 5), 9_105);
}

#[test]
fn a_clock_that_goes_back_does_no_harm() {
    let mut usage = WindowTotal::new();
    usage.observe(at(500), 10);
    assert_eq!(usage.observe(at(100), 12), 12);
    assert_eq!(usage.observe(at(500), 15), 15);
}

#[test]
fn a_month_without_samples_loses_only_what_the_server_forgot() {
    let mut usage = WindowTotal::new();
    usage.observe(at(0), 0);
    usage.observe(at(HOUR), 100);
    // Of the 40 days without us the last 30 are told.
    assert_eq!(usage.observe(at(HOUR + 40 * MINUTES_PER_DAY), 30), 130);
}

#[test]
fn it_is_the_same_after_having_been_stored() {
    let truth = Truth::new(80 * MINUTES_PER_DAY, &[(500, 3_000, 11), (60_000, 700, 1_000)]);
    let (mut usage, mut stored) = (WindowTotal::new(), WindowTotal::new());
    for minute in (0..truth.0.len()).step_by(45) {
        stored = serde_json::from_str(&serde_json::to_string(&stored).unwrap()).unwrap();
        let window = truth.window(minute, 0);
        assert_eq!(usage.observe(at(minute), window), stored.observe(at(minute), window));
    }
    assert_eq!(usage, stored);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn samples_in_step_are_never_off_by_more_than_an_hour(bursts in bursts(100 * MINUTES_PER_DAY)) {
        let truth = Truth::new(100 * MINUTES_PER_DAY, &bursts);
        let allowed = truth.most_in(HOUR);
        let (mut usage, mut before) = (WindowTotal::new(), 0);
        for minute in (0..truth.0.len()).step_by(10) {
            let total = usage.observe(at(minute), truth.window(minute, 0));
            prop_assert!(total >= before);
            let off = total.abs_diff(truth.total(minute));
            prop_assert!(off <= allowed, "{off} bytes off in minute {minute}, {allowed} are allowed");
            before = total;
        }
    }

    #[test]
    fn missed_and_late_samples_cost_at_most_their_interval_each_month(
        bursts in bursts(100 * MINUTES_PER_DAY),
        steps in proptest::collection::vec(prop_oneof![20 => 8_usize..13, 1 => 13_usize..600], 50..400),
    ) {
        let truth = Truth::new(100 * MINUTES_PER_DAY, &bursts);
        let interval = HOUR + steps.iter().max().unwrap();
        let allowed = truth.most_in(interval);
        let (mut usage, mut minute, mut before) = (WindowTotal::new(), 0, 0);
        for step in steps.iter().cycle() {
            if minute >= truth.0.len() {
                break;
            }
            let total = usage.observe(at(minute), truth.window(minute, 0));
            prop_assert!(total >= before);
            let months = u64::try_from(minute / WINDOW_MINUTES + 1).unwrap();
            let off = total.abs_diff(truth.total(minute));
            prop_assert!(off <= months * allowed, "{off} bytes off in minute {minute}, {allowed} a month are allowed");
            prop_assert!(usage.points.len() <= POINTS_MAX);
            before = total;
            minute += step;
        }
    }

    #[test]
    fn a_server_installed_anew_costs_at_most_a_few_intervals(
        bursts in bursts(100 * MINUTES_PER_DAY),
        anew in 1..100 * MINUTES_PER_DAY,
    ) {
        let truth = Truth::new(100 * MINUTES_PER_DAY, &bursts);
        let allowed = 4 * truth.most_in(2 * HOUR);
        let mut usage = WindowTotal::new();
        for minute in (0..truth.0.len()).step_by(10) {
            let since = if minute >= anew { anew } else { 0 };
            let total = usage.observe(at(minute), truth.window(minute, since));
            let off = total.abs_diff(truth.total(minute));
            prop_assert!(off <= allowed, "{off} bytes off in minute {minute}, {allowed} are allowed");
        }
    }
}
