#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::time::Duration;

fn limits() -> Limits {
    Limits { session_rows_max: 4, session_backlog_max: 10, session_crashes_max: 3, ..Limits::default() }
}

#[test]
fn rows_are_given_up_to_the_bound_and_pulled_beyond_it() {
    let limits = limits();
    let mut entry = Entry::default();
    assert_eq!(entry.offered(3, &limits), Move::Give(3));
    assert_eq!(entry.offered(3, &limits), Move::Give(1), "only one more fits");
    assert_eq!(entry.offered(2, &limits), Move::Nothing, "newer rows must not overtake those left out");
    assert_eq!(entry.finished(3, false, &limits), Move::Nothing);
    assert_eq!(entry.offered(1, &limits), Move::Nothing);
    assert_eq!(entry.finished(1, false, &limits), Move::Pull(4));
    assert_eq!(entry.finished(4, true, &limits), Move::Pull(4), "there may be more");
    assert_eq!(entry.finished(1, false, &limits), Move::Nothing);
    assert!(entry.is_forgettable());
    assert_eq!(entry.offered(1, &limits), Move::Give(1));
}

#[test]
fn what_comes_during_a_pull_is_pulled_next() {
    let limits = limits();
    let mut entry = Entry::behind();
    assert_eq!(entry.offered(1, &limits), Move::Pull(4));
    assert_eq!(entry.offered(1, &limits), Move::Nothing);
    assert_eq!(entry.finished(1, false, &limits), Move::Pull(4));
    assert_eq!(entry.finished(0, false, &limits), Move::Nothing);
}

#[test]
fn a_crash_leads_to_single_rows_until_all_goes_well() {
    let (limits, now) = (limits(), Instant::now());
    let mut entry = Entry::default();
    assert_eq!(entry.offered(2, &limits), Move::Give(2));
    assert_eq!(entry.crashed("one", now, &limits), After::Restart(Move::Pull(1)));
    assert_eq!(entry.finished(1, true, &limits), Move::Pull(1));
    assert_eq!(entry.finished(0, false, &limits), Move::Nothing);
    assert_eq!(entry.waits(&limits), Move::Pull(4));
    assert_eq!(entry.crashed("two", now, &limits), After::Restart(Move::Pull(1)));
    assert_eq!(entry.crashed("three", now, &limits), After::Quarantine);
    assert_eq!(entry.offered(2, &limits), Move::Nothing);
    assert_eq!(entry.waits(&limits), Move::Nothing);
    assert!(!entry.forgive(now + limits.quarantine - Duration::from_millis(1), &limits));
    assert!(entry.forgive(now + limits.quarantine, &limits));
    assert_eq!(entry.waits(&limits), Move::Pull(1));
}

#[test]
fn a_crash_without_work_starts_nothing_and_old_crashes_are_forgotten() {
    let (limits, now) = (limits(), Instant::now());
    let mut entry = Entry::default();
    for count in 0..10 {
        let at = now + limits.crash_window * count;
        assert_eq!(entry.crashed("now and then", at, &limits), After::Restart(Move::Nothing));
    }
    assert!(!entry.forgive(now + limits.crash_window * 10, &limits), "there was no quarantine");
    assert!(entry.trouble.is_none());
}

#[test]
fn shedding_is_asked_for_once_at_a_time() {
    let limits = limits();
    let mut entry = Entry::default();
    assert_eq!(entry.offered(14, &limits), Move::Give(4));
    assert!(!entry.must_shed(&limits), "ten may wait");
    entry.offered(1, &limits);
    assert!(entry.must_shed(&limits));
    assert!(!entry.must_shed(&limits));
    entry.shed(true, &limits);
    assert!(!entry.must_shed(&limits), "four are left");
    entry.offered(7, &limits);
    assert!(entry.must_shed(&limits));
    entry.shed(false, &limits);
    assert!(entry.must_shed(&limits), "it failed, so it is tried again");
}

/// One user's rows, session and router, without anything that takes time.
#[derive(Default)]
struct World {
    entry: Entry,
    undone: VecDeque<u32>,
    handled: Vec<u32>,
    in_hand: VecDeque<u32>,
    pull: Option<usize>,
    pulled: usize,
    stored: u32,
    /// A hint was lost, so that only a look finds older rows.
    lost: bool,
}

impl World {
    fn apply(&mut self, next: Move, rows: &[u32]) {
        match next {
            Move::Nothing => {}
            Move::Give(count) => {
                assert!(self.pull.is_none(), "rows are given during a pull");
                self.in_hand.extend(&rows[..count]);
            }
            Move::Pull(limit) => {
                assert!(self.in_hand.is_empty() && self.pull.is_none(), "two pulls at once");
                self.pull = Some(limit);
                self.in_hand = self.undone.iter().take(limit).copied().collect();
                self.pulled = self.in_hand.len();
            }
        }
        assert!(self.in_hand.len() <= 4, "too many in hand");
    }

    fn store(&mut self, count: usize, lost: bool) {
        let rows: Vec<u32> = (self.stored + 1..).take(count).collect();
        self.stored += u32::try_from(count).unwrap();
        self.lost |= lost;
        self.undone.extend(&rows);
        if !lost {
            let next = self.entry.offered(count, &limits());
            self.apply(next, &rows);
        }
    }

    fn work(&mut self) {
        let done = self.in_hand.len();
        for row in std::mem::take(&mut self.in_hand) {
            if let Some(place) = self.undone.iter().position(|undone| *undone == row) {
                assert!(place == 0 || self.lost, "row {row} overtook another");
                self.undone.remove(place);
                self.handled.push(row);
            }
        }
        if let Some(limit) = self.pull.take() {
            let next = self.entry.finished(done, self.pulled >= limit, &limits());
            self.apply(next, &[]);
        } else if done > 0 {
            let next = self.entry.finished(done, false, &limits());
            self.apply(next, &[]);
        }
    }

    fn crash(&mut self, now: Instant) {
        self.in_hand.clear();
        self.pull = None;
        match self.entry.crashed("any", now, &limits()) {
            After::Restart(next) => self.apply(next, &[]),
            After::Quarantine => {
                assert!(self.entry.forgive(now + limits().quarantine, &limits()));
            }
        }
    }

    fn look(&mut self) {
        if !self.undone.is_empty() && !self.entry.is_busy() {
            let next = self.entry.waits(&limits());
            self.apply(next, &[]);
        }
    }
}

proptest! {
    #[test]
    fn every_row_is_handled_once_and_in_order(
        acts in prop::collection::vec((0_u8..5, 1_usize..7), 1..60),
        lossy: bool,
    ) {
        let mut world = World::default();
        let start = Instant::now();
        for (index, (act, count)) in (0_u64..).zip(acts) {
            match act {
                0 => world.store(count, lossy),
                1 => world.store(count, false),
                2 => world.work(),
                3 => world.crash(start + Duration::from_secs(7 * index)),
                _ => world.look(),
            }
        }
        for _ in 0..400 {
            world.work();
            world.look();
        }
        prop_assert!(world.undone.is_empty(), "{:?} are left", world.undone);
        if world.lost {
            world.handled.sort_unstable();
        }
        prop_assert_eq!(world.handled, (1..=world.stored).collect::<Vec<_>>());
    }
}
