//! Starts, adopts and stops the server's process.

use super::account::Account;
use super::binaries::Binaries;
use super::cluster;
use super::diagnose;
use super::error::PostgresError;
use super::layout::Layout;
use super::ping::{Answer, ping};
use super::{ROLE, locks};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

const POLL: Duration = Duration::from_millis(50);
/// Recovery after a crash replays at most `max_wal_size`.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// Time for a fast stop, which writes a checkpoint.
const FAST_STOP: Duration = Duration::from_secs(20);
const IMMEDIATE_STOP: Duration = Duration::from_secs(5);

/// A running server.
#[derive(Debug)]
pub(super) enum Process {
    /// We started it.
    Child(Child, Pid),
    /// It was running before us.
    Adopted(Pid),
}

impl Process {
    const fn pid(&self) -> Pid {
        match self {
            Self::Child(_, pid) | Self::Adopted(pid) => *pid,
        }
    }
}

/// Everything needed to run it.
#[derive(Debug)]
pub(super) struct Server {
    layout: Layout,
    account: Account,
    binaries: Binaries,
    max_connections: u32,
}

/// What `postmaster.pid` says.
struct PidFile {
    pid: Pid,
    socket_dir: Option<PathBuf>,
}

impl Server {
    pub(super) const fn new(layout: Layout, account: Account, binaries: Binaries, max_connections: u32) -> Self {
        Self { layout, account, binaries, max_connections }
    }

    pub(super) const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The socket's directory is the host, percent-encoded.
    pub(super) fn url(&self) -> String {
        use std::os::unix::ffi::OsStrExt as _;
        let host = self.layout.socket_dir.as_os_str().as_bytes().iter().fold(String::new(), |text, &byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                text + char::from(byte).encode_utf8(&mut [0; 4])
            } else {
                text + &format!("%{byte:02X}")
            }
        });
        format!("postgres://{ROLE}@{host}/{ROLE}")
    }

    /// Takes over the running server or starts one, and waits until it answers. Under the start lock.
    pub(super) async fn ensure_running(&mut self) -> Result<Process, PostgresError> {
        if let Some(file) = self.pid_file() {
            if self.is_ours(file.pid) {
                if let Some(socket_dir) = file.socket_dir {
                    self.layout.socket_dir = socket_dir;
                }
                let mut process = Process::Adopted(file.pid);
                if self.wait_ready(&mut process).await? {
                    tracing::info!(pid = file.pid.as_raw(), "took over the private database");
                    return Ok(process);
                }
            } else if kill(file.pid, None) != Err(Errno::ESRCH) {
                // The machine was restarted and something else has that number now. PostgreSQL would take it for a server
                // if the same user runs it, and refuse to start.
                let path = self.layout.data().join("postmaster.pid");
                fs::remove_file(&path).map_err(|cause| PostgresError::directory(path, cause))?;
            }
        }
        self.layout.prepare_socket_dir(&self.account)?;
        cluster::configure(&self.layout, &self.account, self.max_connections)?;
        let mut process = self.spawn()?;
        if self.wait_ready(&mut process).await? {
            tracing::info!(pid = process.pid().as_raw(), major = self.binaries.major, "the private database runs");
            Ok(process)
        } else {
            Err(diagnose::start_failure(&self.layout, &self.account))
        }
    }

    /// The same after it died, taking the start lock first: another process may be quicker.
    pub(super) async fn restart(&mut self) -> Result<Process, PostgresError> {
        let _start_lock = locks::start_lock(&self.layout).await?;
        self.ensure_running().await
    }

    fn pid_file(&self) -> Option<PidFile> {
        let text = fs::read_to_string(self.layout.data().join("postmaster.pid")).ok()?;
        let mut lines = text.lines();
        let pid = Pid::from_raw(lines.next()?.trim().parse().ok().filter(|pid| *pid > 1)?);
        // Lines: process, data directory, start time, port, socket directory, …
        let socket_dir = lines.nth(3).map(str::trim).filter(|line| line.starts_with('/')).map(PathBuf::from);
        Some(PidFile { pid, socket_dir })
    }

    /// A server works in its data directory; a process that only got the same number does not.
    fn is_ours(&self, pid: Pid) -> bool {
        let proc = PathBuf::from(format!("/proc/{pid}"));
        fs::read_link(proc.join("cwd")).is_ok_and(|directory| directory == self.layout.data()) && !is_zombie(&proc)
    }

    fn spawn(&self) -> Result<Process, PostgresError> {
        let log = self.layout.start_log();
        let said = File::create(&log).map_err(|cause| PostgresError::directory(&log, cause))?;
        let also = said.try_clone().map_err(|cause| PostgresError::directory(&log, cause))?;
        let mut command = self.own_session();
        command.arg("-D").arg(self.layout.data()).arg("-c");
        command.arg(format!("config_file={}", self.layout.conf().join("postgresql.conf").display()));
        command.stdout(also).stderr(said).stdin(Stdio::null());
        let child = command.spawn().map_err(|cause| cluster::become_failure(&self.account, cause))?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        match pid {
            Some(pid) => Ok(Process::Child(child, pid)),
            None => Err(diagnose::start_failure(&self.layout, &self.account)),
        }
    }

    /// `setsid` replaces itself by the server in a session of its own; where it is missing, a process group of its own keeps
    /// Ctrl-C away as well.
    fn own_session(&self) -> Command {
        let setsid = Path::new("/usr/bin/setsid");
        let program = self.binaries.program("postgres");
        if setsid.exists() {
            let mut command = self.account.command(setsid);
            command.arg(program);
            command
        } else {
            let mut command = self.account.command(&program);
            command.process_group(0);
            command
        }
    }

    /// `false` when it ended instead.
    async fn wait_ready(&self, process: &mut Process) -> Result<bool, PostgresError> {
        let end = Instant::now() + START_TIMEOUT;
        loop {
            match ping(&self.layout.socket_dir, ROLE).await {
                Ok(Answer::Ready(_)) if self.is_the_one(process) => return Ok(true),
                Ok(Answer::Refuses(reason)) => {
                    tracing::debug!(reason, "the private database refuses a connection");
                }
                _ => {}
            }
            if self.has_ended(process) {
                return Ok(false);
            }
            if Instant::now() >= end {
                let log = diagnose::newest_log(&self.layout).unwrap_or_else(|| self.layout.start_log());
                return Err(PostgresError::StillStarting { seconds: START_TIMEOUT.as_secs(), log });
            }
            sleep(POLL).await;
        }
    }

    /// Whether what answered is this process.
    fn is_the_one(&self, process: &Process) -> bool {
        self.pid_file().is_some_and(|file| file.pid == process.pid())
    }

    fn has_ended(&self, process: &mut Process) -> bool {
        match process {
            Process::Child(child, _) => !matches!(child.try_wait(), Ok(None)),
            Process::Adopted(pid) => !self.is_ours(*pid),
        }
    }

    /// Returns when it has ended.
    pub(super) async fn ended(&self, process: &mut Process) {
        match process {
            Process::Child(child, _) => {
                let _ = child.wait().await;
            }
            Process::Adopted(pid) => {
                while self.is_ours(*pid) {
                    sleep(POLL * 4).await;
                }
            }
        }
    }

    /// Fast, then immediate.
    pub(super) async fn stop(&mut self, mut process: Process) -> Result<(), PostgresError> {
        let pid = process.pid();
        for (signal, patience) in [(Signal::SIGINT, FAST_STOP), (Signal::SIGQUIT, IMMEDIATE_STOP)] {
            if self.has_ended(&mut process) {
                return Ok(());
            }
            if let Err(Errno::EPERM) = kill(pid, signal) {
                break;
            }
            if timeout(patience, self.ended(&mut process)).await.is_ok() {
                tracing::info!("the private database has stopped");
                return Ok(());
            }
        }
        Err(PostgresError::NotStopped { pid: pid.as_raw() })
    }

    pub(super) fn why_it_ended(&self) -> PostgresError {
        diagnose::start_failure(&self.layout, &self.account)
    }
}

/// A dead child of another process keeps its number until that process looks.
fn is_zombie(proc: &Path) -> bool {
    let stat = || -> io::Result<bool> {
        let text = fs::read_to_string(proc.join("stat"))?;
        Ok(text.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['Z', 'X'])))
    };
    stat().unwrap_or(true)
}
