//! The device's log: two files of bounded size, and a bounded number of lines per second.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing_subscriber::fmt::MakeWriter;

/// Bytes of one file; there are at most two, in memory on most systems.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// Lines in [`WINDOW`]; the library may complain about every packet.
const LINES_PER_WINDOW: u32 = 20;
const WINDOW: Duration = Duration::from_secs(1);
/// Bytes at the end in which the last line is looked for.
const TAIL_BYTES: u64 = 2 << 10;

/// Sends what this process logs to the file. Logging is never a reason to stop: failures are ignored.
pub(super) fn start(path: PathBuf) {
    let _ = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_env_filter(tracing_subscriber::EnvFilter::new("info,defguard_boringtun=error"))
        .with_writer(BoundedLog::new(path))
        .try_init();
}

/// The last line of the file, without its time and level.
pub(super) fn last_line(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES))).ok()?;
    let mut tail = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut tail).ok()?;
    let tail = String::from_utf8_lossy(&tail);
    let line = tail.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(line.split_once("wg_device: ").map_or(line, |(_, said)| said).to_owned())
}

struct BoundedLog {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    file: Option<File>,
    written: u64,
    window: Instant,
    lines: u32,
    dropped: u64,
}

impl BoundedLog {
    fn new(path: PathBuf) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(&path).ok();
        let written = file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |about| about.len());
        Self { path, state: Mutex::new(State { file, written, window: Instant::now(), lines: 0, dropped: 0 }) }
    }

    fn line(&self, line: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.window.elapsed() >= WINDOW {
            let dropped = std::mem::take(&mut state.dropped);
            (state.window, state.lines) = (Instant::now(), 0);
            if dropped > 0 {
                self.append(&mut state, format!("({dropped} lines left out)\n").as_bytes());
            }
        }
        if state.lines >= LINES_PER_WINDOW {
            state.dropped += 1;
            return;
        }
        state.lines += 1;
        self.append(&mut state, line);
    }

    fn append(&self, state: &mut State, line: &[u8]) {
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if state.written.saturating_add(length) > FILE_BYTES_MAX {
            let mut older = self.path.clone().into_os_string();
            older.push(".old");
            let _ = std::fs::rename(&self.path, older);
            state.file = OpenOptions::new().create(true).write(true).truncate(true).open(&self.path).ok();
            state.written = 0;
        }
        if let Some(file) = &mut state.file
            && length <= FILE_BYTES_MAX
            && file.write_all(line).is_ok()
        {
            state.written += length;
        }
    }
}

impl Write for &BoundedLog {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.line(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for BoundedLog {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

#[cfg(test)]
mod tests;
