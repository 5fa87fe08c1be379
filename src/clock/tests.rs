use super::*;
use chrono::{TimeDelta, Timelike as _};
use tempfile::tempdir;

#[test]
fn time_has_microseconds_at_most() {
    assert_eq!(SystemClock.now().nanosecond() % 1_000, 0);
}

#[test]
fn the_demo_clock_moves_ahead_and_remembers() {
    let dir = tempdir().unwrap();
    let clock = DemoClock::open(dir.path()).unwrap();
    let mut moves = clock.moves();
    assert_eq!(clock.offset_seconds(), 0);
    let now = clock.advance(86_400).unwrap();
    assert!(now >= wall() + TimeDelta::hours(23));
    assert!(moves.has_changed().unwrap());
    assert_eq!(*moves.borrow_and_update(), 86_400);
    clock.advance(3_600).unwrap();
    let again = DemoClock::open(dir.path()).unwrap();
    assert_eq!(again.offset_seconds(), 90_000);
    assert!(again.now() >= now);
}

#[test]
fn the_demo_clock_never_goes_back() {
    let dir = tempdir().unwrap();
    let clock = DemoClock::open(dir.path()).unwrap();
    for seconds in [0, -1, i64::MIN, i64::MAX, 100 * 400 * 86_400] {
        assert!(matches!(clock.advance(seconds), Err(DemoClockError::Range)), "{seconds}");
    }
    let mut before = clock.now();
    for _ in 0..1_000 {
        let now = clock.now();
        assert!(now >= before);
        before = now;
    }
}

#[test]
fn a_broken_file_is_named() {
    let dir = tempdir().unwrap();
    std::fs::write(dir.path().join("demo-clock"), "soon").unwrap();
    let error = DemoClock::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("demo-clock") && error.contains("no number"), "{error}");
}
