//! Reads from what PostgreSQL said why it did not start.

use super::account::Account;
use super::error::PostgresError;
use super::layout::Layout;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// As much of the end of a log as is looked at.
const TAIL_BYTES: u64 = 16_384;

/// What was said last, in the log of the start or, once that ended, in the day's log.
pub(super) fn start_failure(layout: &Layout, account: &Account) -> PostgresError {
    let newest = newest_log(layout);
    let texts = [Some(layout.start_log()), newest.clone()].into_iter().flatten().map(|path| tail(&path));
    let text = texts.collect::<Vec<_>>().join("\n");
    explain(&text, layout, account).unwrap_or_else(|| PostgresError::NotStarted {
        reason: last_word(&text).unwrap_or_else(|| "it ended without a word".to_owned()),
        log: newest.unwrap_or_else(|| layout.start_log()),
    })
}

/// What a failed initdb means.
pub(super) fn init_failure(output: &str, layout: &Layout, account: &Account) -> PostgresError {
    explain(output, layout, account).unwrap_or_else(|| PostgresError::NotMade {
        reason: last_word(output).unwrap_or_else(|| "initdb ended without a word".to_owned()),
    })
}

fn explain(text: &str, layout: &Layout, account: &Account) -> Option<PostgresError> {
    // Only the newest mishap counts, so from the last complaint on.
    let says =
        |part: &str| text.lines().rev().filter(|line| is_complaint(line)).take(3).any(|line| line.contains(part));
    if says("No space left on device") || says("Disk quota exceeded") {
        Some(PostgresError::DiskFull { path: layout.data() })
    } else if says("has wrong ownership") {
        Some(PostgresError::WrongOwner { path: layout.data(), user: account.name.clone() })
    } else if says("could not map anonymous shared memory") || says("Cannot allocate memory") {
        Some(PostgresError::Memory { reason: last_word(text).unwrap_or_default() })
    } else if says("Is another postmaster already running") || says("Address already in use") {
        Some(PostgresError::SocketInUse { path: layout.socket_dir.clone() })
    } else {
        None
    }
}

fn is_complaint(line: &str) -> bool {
    ["FATAL:", "PANIC:", "error:", "could not", "HINT:", "LOG:  could not"].iter().any(|mark| line.contains(mark))
}

fn last_word(text: &str) -> Option<String> {
    let lines = || text.lines().rev().map(str::trim).filter(|line| !line.is_empty());
    let line = lines().find(|line| line.contains("FATAL:") || line.contains("PANIC:") || line.contains("error:"));
    let line = line.or_else(|| lines().next())?;
    let start = ["FATAL:", "PANIC:", "error:"].iter().find_map(|mark| Some(line.find(mark)? + mark.len()));
    Some(line[start.unwrap_or(0)..].trim().to_owned())
}

/// The log file that was written last.
pub(super) fn newest_log(layout: &Layout) -> Option<PathBuf> {
    let files = fs::read_dir(layout.log()).ok()?.filter_map(Result::ok);
    files.max_by_key(|entry| entry.metadata().and_then(|meta| meta.modified()).ok()).map(|entry| entry.path())
}

fn tail(path: &Path) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = fs::File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> PostgresError {
        let account = Account::resolve("nobody").unwrap();
        let layout = Layout { base: PathBuf::from("/d/postgres"), socket_dir: PathBuf::from("/d/postgres/run") };
        init_failure(text, &layout, &account)
    }

    #[test]
    fn what_postgres_says_becomes_a_remedy() {
        let full = of("2026 FATAL:  could not write lock file \"postmaster.pid\": No space left on device\n");
        assert!(matches!(full, PostgresError::DiskFull { .. }), "{full}");
        let owner = of(
            "FATAL:  data directory \"/d\" has wrong ownership\nHINT:  The server must be started by the user that owns the data directory.\n",
        );
        assert!(owner.to_string().contains("chown -R"), "{owner}");
        let memory = of("FATAL:  could not map anonymous shared memory: Cannot allocate memory\n");
        assert!(matches!(memory, PostgresError::Memory { .. }));
        let other = of("LOG:  starting\n2026-11-24 FATAL:  configuration file contains errors\n\n");
        assert!(other.to_string().contains("made: configuration file contains errors;"), "{other}");
        assert!(of("").to_string().contains("without a word"));
    }
}
