//! The simulated Telegram as a process beside the demo.

use anyhow::Context as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};

/// Longest wait for it to listen.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest wait for it to write its state and end.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
const BINARY: &str = "usipipo-sandbox";

/// The running process. It ends when our end of its standard input closes, also when we are killed.
pub(super) struct Sandbox {
    child: Child,
    /// Apart from the child, since waiting for a child closes its input.
    stdin: Option<ChildStdin>,
    /// Where it serves the Bot API and the web chat.
    pub(super) url: String,
}

impl Sandbox {
    /// Starts it, on another port if the address is in use.
    pub(super) async fn start(listen: SocketAddr, token: &str, state: &Path, program: &str) -> anyhow::Result<Self> {
        let binary = binary()?;
        let mut command = Command::new(&binary);
        command
            .args(["--listen", &super::free(listen), "--token", token, "--program-url", program])
            .arg("--state-dir")
            .arg(state)
            .args(["--exit-with-parent", "--quiet"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("{} cannot be started", binary.display()))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("the simulated Telegram has no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(START_TIMEOUT, lines.next_line())
            .await
            .with_context(|| format!("the simulated Telegram did not start within {} s", START_TIMEOUT.as_secs()))??;
        let url = line
            .as_deref()
            .and_then(|line| line.strip_prefix("listening on "))
            .context("the simulated Telegram could not start; its message stands above")?
            .trim_end_matches('/')
            .to_owned();
        Ok(Self { child, stdin, url })
    }

    /// Resolves when it ended by itself.
    pub(super) async fn ended(&mut self) {
        let _ = self.child.wait().await;
    }

    /// Lets it write its state and end.
    pub(super) async fn stop(mut self) {
        drop(self.stdin.take());
        if tokio::time::timeout(STOP_TIMEOUT, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

/// Beside our own program, where cargo and `make` put it.
fn binary() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("this program does not know where it is")?;
    let beside = own.with_file_name(BINARY);
    anyhow::ensure!(
        beside.is_file(),
        "the demo needs {BINARY} beside {}; run `make demo`, which builds both (a release has no sandbox on purpose)",
        own.display()
    );
    Ok(beside)
}
