//! The program as a process.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use super::{PATIENCE, until};

/// A port that was free a moment ago, from below the range in which the system picks ports by itself: those it may give to
/// somebody else while our program is dead for a moment.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Tests in other processes start elsewhere.
    let start = std::process::id().wrapping_mul(37) % 20_000;
    loop {
        let step = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(10_000 + (start + step) % 20_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// How to start the program.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) data_dir: PathBuf,
    /// Empty: the private PostgreSQL.
    pub(crate) database_url: String,
    pub(crate) api_url: String,
    pub(crate) http: SocketAddr,
    pub(crate) metrics: SocketAddr,
    /// More environment, by name.
    pub(crate) env: Vec<(String, String)>,
    /// Put before the program, such as `ip netns exec NAME`.
    pub(crate) prefix: Vec<String>,
}

pub(crate) const TOKEN: &str = "12345:TEST";
/// The person with every right.
pub(crate) const ADMIN: i64 = 1000;

impl Launch {
    pub(crate) fn new(data_dir: &Path, database_url: &str, api_url: &str) -> Self {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            data_dir: data_dir.to_owned(),
            database_url: database_url.to_owned(),
            api_url: api_url.to_owned(),
            http: local(free_port()),
            metrics: local(free_port()),
            env: Vec::new(),
            prefix: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The command with this subcommand, ready to be spawned; its log goes to `data_dir/log`.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let binary = env!("CARGO_BIN_EXE_usipipo");
        let mut command = match self.prefix.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(binary);
                command
            }
            None => Command::new(binary),
        };
        for (name, _) in std::env::vars() {
            if name.starts_with("USIPIPO_") {
                command.env_remove(name);
            }
        }
        command
            .args(args)
            .current_dir(&self.data_dir)
            .env("USIPIPO_DATA_DIR", &self.data_dir)
            .env("USIPIPO_TELEGRAM__TOKEN", TOKEN)
            .env("USIPIPO_TELEGRAM__API_URL", &self.api_url)
            .env("USIPIPO_HTTP__LISTEN", self.http.to_string())
            .env("USIPIPO_METRICS__LISTEN", self.metrics.to_string())
            .env("USIPIPO_ADMINS__SUPERADMINS", ADMIN.to_string())
            .env("USIPIPO_NODES__0__MODE", "config-only")
            .env("USIPIPO_NODES__0__PLACE", "Miami")
            .env("USIPIPO_LOG__LEVEL", "info,usipipo=debug,usipipo_actors=debug,usipipo_storage=debug")
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        if !self.database_url.is_empty() {
            command.env("USIPIPO_DATABASE__URL", &self.database_url);
        }
        command
    }

    /// Starts the bot; returns at once.
    pub(crate) fn spawn(&self) -> Program {
        std::fs::create_dir_all(&self.data_dir).unwrap();
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.data_dir.join("log")).unwrap();
        let child = self
            .command(&["run", "--demo-clock"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Program { child, launch: self.clone() }
    }

    /// Everything that was logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.data_dir.join("log")).unwrap_or_default()
    }
}

/// The running process; killed when dropped.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    pub(crate) launch: Launch,
}

impl Program {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.launch.http)
    }

    pub(crate) async fn readiness(&self) -> Option<serde_json::Value> {
        let answer = reqwest::get(self.url("/readyz")).await.ok()?;
        answer.json().await.ok()
    }

    /// Waits until it says that it is ready in this role.
    pub(crate) async fn until_ready(&mut self, role: &str) {
        let begin = std::time::Instant::now();
        loop {
            if let Some(report) = self.readiness().await
                && report["ready"] == true
                && report["role"] == role
            {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the program ended with {status}:\n{}", self.launch.log());
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "never ready as {role}: {:?}\n{}",
                self.readiness().await,
                self.launch.log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn metrics(&self) -> String {
        reqwest::get(format!("http://{}/metrics", self.launch.metrics)).await.unwrap().text().await.unwrap()
    }

    /// The sum of a metric over its label sets that contain all `labels`.
    pub(crate) async fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let text = self.metrics().await;
        let fits = |line: &&str| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
                && labels.iter().all(|label| line.contains(label))
        };
        text.lines().filter(fits).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        nix::sys::signal::kill(pid, signal).unwrap();
    }

    /// SIGTERM, and the status it ends with.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        self.signal(nix::sys::signal::Signal::SIGTERM);
        self.ended().await
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let child = &mut self.child;
        until("the program ends", async || child.try_wait().unwrap()).await
    }

    /// The end, if it came.
    pub(crate) fn try_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.launch.log();
            let tail = log.len().saturating_sub(8_000);
            eprintln!("--- the program's log, its end ---\n{}", &log[log.ceil_char_boundary(tail)..]);
        }
    }
}
