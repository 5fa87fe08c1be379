//! A queue and a thread between the program and where log lines go.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Lines that may wait.
const QUEUE_LINES_MAX: usize = 8_192;
/// Longest wait for the queue to empty at the end.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

enum Item {
    Line(String),
    Flush(SyncSender<()>),
}

/// Takes lines; never blocks, never fails.
#[derive(Debug, Clone)]
pub(super) struct Sink {
    queue: SyncSender<Item>,
    dropped: Arc<AtomicU64>,
}

impl Sink {
    pub(super) fn line(&self, line: String) {
        if self.queue.try_send(Item::Line(line)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Writes what is queued when dropped, but does not wait long for a target that does not take it.
#[derive(Debug)]
pub struct LogGuard {
    sink: Sink,
}

impl LogGuard {
    /// Waits until what was logged so far is written, one second at most.
    pub fn flush(&self) {
        let (sender, receiver) = sync_channel(1);
        if self.sink.queue.try_send(Item::Flush(sender)).is_ok() {
            let _ = receiver.recv_timeout(FLUSH_TIMEOUT);
        }
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Starts the thread.
pub(super) fn start(target: impl Write + Send + 'static) -> (Sink, LogGuard) {
    let (queue, lines) = sync_channel(QUEUE_LINES_MAX);
    let dropped = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&dropped);
    // Without a thread the queue fills and lines are dropped; the program goes on.
    let _ = std::thread::Builder::new().name("log".to_owned()).spawn(move || write_all(target, &lines, &counter));
    let sink = Sink { queue, dropped };
    (sink.clone(), LogGuard { sink })
}

fn write_all(mut target: impl Write, lines: &Receiver<Item>, dropped: &AtomicU64) {
    while let Ok(item) = lines.recv() {
        match item {
            // A target that is gone is no reason to stop: it may come back, and nobody else could be told.
            Item::Line(line) => {
                let missing = dropped.swap(0, Ordering::Relaxed);
                if missing > 0 {
                    let _ = writeln!(target, "{missing} log lines were dropped because the log target was too slow");
                }
                let _ = target.write_all(line.as_bytes());
            }
            Item::Flush(done) => {
                let _ = target.flush();
                let _ = done.try_send(());
            }
        }
    }
}
