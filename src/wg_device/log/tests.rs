#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn a_flood_neither_grows_the_files_nor_the_number_of_lines() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wg0.log");
    let log = BoundedLog::new(path.clone());
    for _ in 0..10_000 {
        (&log).write_all(b"ERROR wg_device: no endpoint\n").unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    // The loop may take longer than one window.
    assert!(text.lines().count() < 1_000, "{}", text.lines().count());
    assert_eq!(last_line(&path).unwrap(), "no endpoint");
}

#[test]
fn two_files_are_kept_and_no_more() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wg0.log");
    let log = BoundedLog::new(path.clone());
    let long = [b'x'; 1 << 10];
    let mut state = log.state.lock().unwrap();
    for _ in 0..1_000 {
        log.append(&mut state, &long);
    }
    drop(state);
    let sizes: Vec<u64> =
        std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).collect();
    assert_eq!(sizes.len(), 2, "{sizes:?}");
    assert!(sizes.iter().all(|&size| size <= FILE_BYTES_MAX), "{sizes:?}");
}

#[test]
fn a_log_that_is_not_there_says_nothing() {
    assert_eq!(last_line(Path::new("/nonexistent/wg0.log")), None);
}
