use super::*;
use proptest::prelude::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const POLICY: Policy =
    Policy { window: ms(60_000), crashes_max: 5, backoff_min: ms(200), backoff_max: ms(1_000), rest: ms(300_000) };

#[test]
fn waits_double_and_the_fifth_crash_gives_up() {
    let cases = [
        (0, Verdict::Restart(ms(0))),
        (10, Verdict::Restart(ms(200))),
        (300, Verdict::Restart(ms(400))),
        (900, Verdict::Restart(ms(800))),
        (1_900, Verdict::GiveUp),
        // After its rest it begins anew.
        (302_000, Verdict::Restart(ms(0))),
    ];
    let mut budget = Budget::default();
    for (at, expected) in cases {
        assert_eq!(budget.crashed(ms(at), &POLICY), expected, "at {at} ms");
    }
}

#[test]
fn a_crash_a_minute_is_always_the_first() {
    let mut budget = Budget::default();
    for minute in 0..1_000 {
        assert_eq!(budget.crashed(ms(minute * 60_000), &POLICY), Verdict::Restart(ms(0)));
    }
}

#[test]
fn what_passes_costs_a_wait_and_nothing_of_the_budget() {
    let mut budget = Budget::default();
    let waits: Vec<_> = (0..6).map(|_| budget.held_up(&POLICY)).collect();
    assert_eq!(waits, [200, 400, 800, 1_000, 1_000, 1_000].map(ms));
    budget.started();
    assert_eq!(budget.held_up(&POLICY), ms(200), "a start in between begins anew");
    assert_eq!(budget.crashed(ms(0), &POLICY), Verdict::Restart(ms(0)));
}

#[test]
fn a_long_absence_is_noticed_soon_after_its_end() {
    let policy = Policy { backoff_max: ms(30_000), ..POLICY };
    let mut budget = Budget::default();
    assert!((0..100).all(|_| budget.held_up(&policy) <= PASSING_BACKOFF_MAX));
}

proptest! {
    #[test]
    fn nobody_is_given_up_before_the_budget_or_kept_after_it(
        gaps in prop::collection::vec(0_u64..40_000, 1..60),
        crashes_max in 1_usize..8,
    ) {
        let policy = Policy { crashes_max, ..POLICY };
        let mut budget = Budget::default();
        let (mut now, mut since_rest) = (0, Vec::new());
        for gap in gaps {
            now += gap;
            since_rest.push(now);
            let recent = since_rest.iter().filter(|at| now - **at < 60_000).count();
            match budget.crashed(ms(now), &policy) {
                Verdict::GiveUp => {
                    prop_assert!(recent >= crashes_max);
                    since_rest.clear();
                }
                Verdict::Restart(wait) => {
                    prop_assert!(recent < crashes_max);
                    prop_assert!(wait <= policy.backoff_max);
                    prop_assert_eq!(wait == ms(0), recent == 1);
                }
            }
            prop_assert!(budget.crashes.len() < crashes_max.max(2));
        }
    }
}
