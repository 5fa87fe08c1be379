#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::limits::Limits;
use std::time::Duration;

fn book() -> Book<u32> {
    Book::new(&Limits { sessions_max: 2, session_idle: Duration::from_secs(10), ..Limits::default() })
}

fn work(book: &mut Book<u32>, user: i64, now: Instant) {
    let user = UserId(user);
    assert_eq!(book.offered(user, 1, false), Move::Give(1));
    if book.session(user).is_none() {
        let serial = book.next_serial();
        book.started(user, serial, ActorId::Local(u64::try_from(user.0).unwrap()), 0);
    }
    let serial = book.lines[&user].running.as_ref().unwrap().serial;
    assert_eq!(book.finished(user, serial, 1, false, now), Move::Nothing);
}

#[test]
fn the_session_idle_longest_leaves_first_and_never_a_busy_one() {
    let (mut book, now) = (book(), Instant::now());
    work(&mut book, 1, now);
    work(&mut book, 2, now);
    assert!(book.is_full());
    assert_eq!(book.longest_idle(), Some(UserId(1)));
    work(&mut book, 1, now);
    assert_eq!(book.longest_idle(), Some(UserId(2)));
    assert_eq!(book.offered(UserId(2), 1, false), Move::Give(1));
    assert_eq!(book.longest_idle(), Some(UserId(1)));
    assert_eq!(book.counts(), SessionCounts { active: 1, idle: 1, quarantined: 0 });
    assert!(book.dismiss(UserId(1)).is_some());
    assert_eq!(book.longest_idle(), None);
    assert!(!book.is_full());
    assert_eq!(book.lines.len(), 1, "nothing is remembered of a user at rest");
}

#[test]
fn idleness_is_over_with_its_time() {
    let (mut book, now) = (book(), Instant::now());
    work(&mut book, 1, now);
    assert_eq!(book.idle_since(now + Duration::from_secs(9)), None);
    assert_eq!(book.idle_since(now + Duration::from_secs(10)), Some(UserId(1)));
}

#[test]
fn a_report_of_an_earlier_incarnation_means_nothing() {
    let (mut book, now) = (book(), Instant::now());
    work(&mut book, 1, now);
    let old = book.lines[&UserId(1)].running.as_ref().unwrap().serial;
    assert_eq!(book.offered(UserId(1), 2, false), Move::Give(2));
    assert_eq!(book.crashed(UserId(1), "x", now), After::Restart(Move::Pull(1)));
    let serial = book.next_serial();
    book.started(UserId(1), serial, ActorId::Local(9), 0);
    assert_eq!(book.finished(UserId(1), old, 2, false, now), Move::Nothing);
    assert_eq!(book.counts().active, 1);
    assert_eq!(book.finished(UserId(1), serial, 1, true, now), Move::Pull(1));
}

#[test]
fn a_user_who_could_not_be_given_a_session_is_forgotten_until_the_next_look() {
    let mut book = book();
    assert_eq!(book.offered(UserId(5), 1, false), Move::Give(1));
    book.undo(UserId(5));
    assert!(book.lines.is_empty());
    assert!(book.is_unoccupied(UserId(5)));
    assert_eq!(book.waits(UserId(5)), Move::Pull(16));
}

#[test]
fn quarantines_end_and_leave_nothing_behind() {
    let (mut book, now) = (book(), Instant::now());
    for _ in 0..2 {
        assert_eq!(book.crashed_anew(now), After::Restart(Move::Pull(1)));
    }
    assert_eq!(book.crashed_anew(now), After::Quarantine);
    assert_eq!(book.counts(), SessionCounts { active: 0, idle: 0, quarantined: 1 });
    assert!(!book.is_unoccupied(UserId(1)));
    assert_eq!(book.released(now), vec![]);
    let over = now + Limits::default().quarantine;
    assert_eq!(book.released(over), vec![UserId(1)]);
    assert_eq!(book.waits(UserId(1)), Move::Pull(1), "with care at first");
    let serial = book.next_serial();
    book.started(UserId(1), serial, ActorId::Local(1), 0);
    assert_eq!(book.finished(UserId(1), serial, 0, false, over), Move::Nothing);
    book.dismiss(UserId(1));
    assert!(book.lines.is_empty() && book.troubled.is_empty() && book.by_actor.is_empty());
}

impl Book<u32> {
    /// User 1's session starts with a row and crashes.
    fn crashed_anew(&mut self, now: Instant) -> After {
        let user = UserId(1);
        let serial = self.next_serial();
        self.offered(user, 1, false);
        self.started(user, serial, ActorId::Local(serial), 0);
        self.crashed(user, "x", now)
    }
}
