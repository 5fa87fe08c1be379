#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn names_that_the_library_would_misread_are_refused() {
    for bad in ["", "5", "-7", "a/b", ".", "..", "sixteen-bytes-ok", "wg 0", "wgñ", "a\nb"] {
        assert!(check_name(bad).is_err(), "{bad}");
    }
    for good in ["wg0", "wg-usipipo", "fifteen-bytes-x", "a.b_c"] {
        assert!(check_name(good).is_ok(), "{good}");
    }
}

#[test]
fn two_processes_cannot_carry_the_same_interface() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wg0.lock");
    assert!(!lock::is_held(&path), "nobody made the file yet");
    let first = lock::take(&path, Duration::ZERO, POLL).unwrap().unwrap();
    assert!(lock::is_held(&path));
    assert!(lock::take(&path, Duration::ZERO, POLL).unwrap().is_none());
    drop(first);
    assert!(!lock::is_held(&path));
    assert!(lock::take(&path, Duration::ZERO, POLL).unwrap().is_some());
}
