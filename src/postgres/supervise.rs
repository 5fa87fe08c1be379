//! Restarts the server when it dies.

use super::server::{Process, Server};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

const BACK_OFF_FIRST: Duration = Duration::from_millis(100);
const BACK_OFF_MAX: Duration = Duration::from_secs(10);
/// After so long without a mishap the next one counts as the first.
const CALM: Duration = Duration::from_secs(60);

/// Watches over the server.
#[derive(Debug)]
pub(super) struct Supervisor {
    end: watch::Sender<bool>,
    task: JoinHandle<(Server, Option<Process>)>,
}

impl Supervisor {
    pub(super) fn start(server: Server, process: Process) -> Self {
        let (end, ending) = watch::channel(false);
        let task = tokio::spawn(watch_over(server, process, ending));
        Self { end, task }
    }

    /// Ends the watch; gives back the server if it runs.
    pub(super) async fn end(self) -> Option<(Server, Process)> {
        self.end.send_replace(true);
        let (server, process) = self.task.await.ok()?;
        Some((server, process?))
    }
}

async fn watch_over(
    mut server: Server,
    first: Process,
    mut ending: watch::Receiver<bool>,
) -> (Server, Option<Process>) {
    let mut process = first;
    let mut back_off = BACK_OFF_FIRST;
    loop {
        let since = Instant::now();
        tokio::select! {
            () = server.ended(&mut process) => {}
            end = ending.wait_for(|end| *end) => {
                if end.is_ok() {
                    return (server, Some(process));
                }
                // Dropped without a stop: the server goes on, nobody watches.
                return (server, None);
            }
        }
        if since.elapsed() > CALM {
            back_off = BACK_OFF_FIRST;
        }
        tracing::error!(reason = %server.why_it_ended(), "the private database died; starting it again");
        metrics::counter!("usipipo_private_database_restarts_total").increment(1);
        loop {
            tokio::select! {
                () = sleep(back_off) => {}
                _ = ending.wait_for(|end| *end) => return (server, None),
            }
            back_off = (back_off * 2).min(BACK_OFF_MAX);
            // Not within the select above: a start that was begun is finished, so that no server is left half started.
            match server.restart().await {
                Ok(again) => {
                    process = again;
                    break;
                }
                Err(error) if error.may_pass() => tracing::error!(%error, "the private database does not start yet"),
                Err(error) => tracing::error!(%error, "the private database cannot be started; trying again"),
            }
        }
    }
}
