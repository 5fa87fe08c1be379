//! The private PostgreSQL: a cluster of its own under the data directory, reachable only through a Unix socket.
//!
//! ```text
//! <data_dir>/postgres/          ours; others may only pass through
//!   data/                       the cluster, made under another name and renamed when complete
//!   conf/                       postgresql.conf, pg_hba.conf, pg_ident.conf, written anew at each start
//!   run/                        the socket (elsewhere when its path would be too long)
//!   log/                        a file for each day of the week, and what was said before the first of them was open
//!   start.lock  users.lock      see below
//! ```
//!
//! PostgreSQL refuses to run as root, so root starts it as another user ([`PostgresSettings::system_user`]). It gets a session
//! of its own, so that Ctrl-C in a terminal stops the program first and the database last. When the program dies without
//! stopping it, it goes on running, and the next start takes it over through `postmaster.pid`.
//!
//! Several processes may share one data directory (a standby beside the leader). `start.lock` is held while one looks,
//! starts or stops, so that two never start it twice. Each user holds `users.lock` shared; who stops and can get it for
//! itself alone was the last user and stops the server. Both are `flock`s, which the kernel drops when a process dies.

mod account;
mod binaries;
mod cluster;
mod diagnose;
mod error;
mod layout;
mod locks;
mod ping;
mod server;
mod supervise;

pub use binaries::{Binaries, installed};
pub use error::PostgresError;
pub use ping::{Answer, ping};

use account::Account;
use layout::Layout;
use locks::UserLock;
use server::Server;
use std::path::PathBuf;
use supervise::Supervisor;

/// The role and the database of the program.
pub(crate) const ROLE: &str = "usipipo";

/// What the private PostgreSQL needs to know.
#[derive(Debug, Clone)]
pub struct PostgresSettings {
    /// The program's data directory.
    pub data_dir: PathBuf,
    /// Who runs the server when the program runs as root.
    pub system_user: String,
    /// Most connections of one process; there is room for a second process and for an administrator.
    pub max_connections: u32,
}

/// The running private PostgreSQL, restarted when it dies. Dropping it leaves the server running; [`PrivatePostgres::stop`] it
/// after everything that uses it.
#[derive(Debug)]
pub struct PrivatePostgres {
    url: String,
    supervisor: Supervisor,
    user_lock: UserLock,
}

/// Ends a server that a killed program left running in this directory, without saving anything: its data are about to be
/// deleted. Waits a few seconds at most.
pub fn kill_abandoned(data_dir: &std::path::Path) {
    let data = data_dir.join("postgres/data");
    let pid = std::fs::read_to_string(data.join("postmaster.pid"))
        .ok()
        .and_then(|text| text.lines().next()?.trim().parse::<i32>().ok())
        .filter(|pid| *pid > 1);
    let Some(pid) = pid else { return };
    // The number may belong to somebody else by now.
    let is_ours = || {
        std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&*data.to_string_lossy()))
    };
    if !is_ours() || nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGQUIT).is_err()
    {
        return;
    }
    for _ in 0..100 {
        if !is_ours() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

impl PrivatePostgres {
    /// Makes the cluster if there is none, takes over a server that runs already, or starts one; returns when it answers.
    ///
    /// # Errors
    /// [`PostgresError`] says what happened and what to do.
    pub async fn start(settings: &PostgresSettings) -> Result<Self, PostgresError> {
        let account = Account::resolve(&settings.system_user)?;
        let layout = Layout::prepare(&settings.data_dir, &account)?;
        let start_lock = locks::start_lock(&layout).await?;
        let user_lock = UserLock::take(&layout)?;
        let binaries = cluster::ensure(&layout, &account).await?;
        let mut server = Server::new(layout, account, binaries, settings.max_connections);
        let process = server.ensure_running().await?;
        drop(start_lock);
        let url = server.url();
        Ok(Self { url, supervisor: Supervisor::start(server, process), user_lock })
    }

    /// Where the program's database is; holds no password, the socket's directory keeps others out.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops the server, unless another process uses it.
    ///
    /// # Errors
    /// [`PostgresError::NotStopped`] when it does not end even when told to drop everything.
    pub async fn stop(self) -> Result<(), PostgresError> {
        let server = self.supervisor.end().await;
        let (mut server, process) = match server {
            Some(parts) => parts,
            None => return Ok(()),
        };
        let _start_lock = locks::start_lock(server.layout()).await?;
        if self.user_lock.was_last() {
            server.stop(process).await
        } else {
            tracing::info!("the private database goes on running, another process uses it");
            Ok(())
        }
    }
}
