//! Programs under measurement: the release builds, as processes, on a database of their own.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use usipipo_actors::storage::testing::TestDatabase;

const TOKEN: &str = "12345:BENCH";

/// The release build of a program, beside the one cargo made for this measurement.
fn binary(name: &str) -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_usipipo"));
    let path = built.with_file_name(name);
    assert!(path.is_file(), "{} is missing: run `make bench`, which builds it", path.display());
    path
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Database, simulated Telegram and data directory.
pub(crate) struct Lab {
    pub(crate) database: TestDatabase,
    pub(crate) directory: tempfile::TempDir,
    pub(crate) sandbox: String,
    pub(crate) client: reqwest::Client,
    pub(crate) http: SocketAddr,
    metrics: SocketAddr,
    _sandbox: Ended,
}

/// A process that ends with us.
pub(crate) struct Ended(pub(crate) Child);

impl Ended {
    /// SIGTERM, and waits for the end.
    pub(crate) fn terminate(mut self) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.0.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        let _ = self.0.wait();
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Lab {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::new().await;
        let directory = tempfile::tempdir().unwrap();
        let address = free();
        let child = Command::new(binary("usipipo-sandbox"))
            .args(["--listen", &address.to_string(), "--token", TOKEN, "--no-limits", "--quiet"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let lab = Self {
            database,
            directory,
            sandbox: format!("http://{address}"),
            client,
            http: free(),
            metrics: free(),
            _sandbox: Ended(child),
        };
        let url = format!("{}/sim/state", lab.sandbox);
        lab.until("the simulated Telegram listens", async || lab.client.get(&url).send().await.is_ok()).await;
        lab
    }

    /// Starts the program with the given environment on top; it answers a little later.
    pub(crate) fn start(&self, env: &[(&str, &str)]) -> Ended {
        let log = std::fs::File::options().create(true).append(true).open(self.directory.path().join("log")).unwrap();
        let child = Command::new(binary("usipipo"))
            .arg("run")
            .current_dir(self.directory.path())
            .env("USIPIPO_DATA_DIR", self.directory.path())
            .env("USIPIPO_DATABASE__URL", self.database.url())
            .env("USIPIPO_TELEGRAM__TOKEN", TOKEN)
            .env("USIPIPO_TELEGRAM__API_URL", &self.sandbox)
            .env("USIPIPO_TELEGRAM__LIMITS__LIFT", "true")
            .env("USIPIPO_HTTP__LISTEN", self.http.to_string())
            .env("USIPIPO_METRICS__LISTEN", self.metrics.to_string())
            .env("USIPIPO_NODES__0__MODE", "config-only")
            .env("USIPIPO_LOG__LEVEL", "warn")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Ended(child)
    }

    /// The same with ports of its own, beside one that runs.
    pub(crate) fn start_beside(&self, env: &[(&str, &str)]) -> Ended {
        let (http, metrics) = (free().to_string(), free().to_string());
        let ports = [("USIPIPO_HTTP__LISTEN", http.as_str()), ("USIPIPO_METRICS__LISTEN", metrics.as_str())];
        self.start(&[&ports, env].concat())
    }

    pub(crate) async fn until_leading(&self) {
        let url = format!("http://{}/readyz", self.http);
        self.until("the program leads", async || {
            let Ok(answer) = self.client.get(&url).send().await else { return false };
            answer
                .json::<serde_json::Value>()
                .await
                .is_ok_and(|report| report["ready"] == true && report["role"] == "leader")
        })
        .await;
    }

    pub(crate) async fn until(&self, what: &str, mut look: impl AsyncFnMut() -> bool) {
        let begin = Instant::now();
        while !look().await {
            assert!(begin.elapsed() < Duration::from_secs(60), "it never came true: {what}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    pub(crate) async fn post(&self, path: &str, body: serde_json::Value) -> serde_json::Value {
        let request = self.client.post(format!("{}{path}", self.sandbox)).json(&body).timeout(Duration::from_secs(600));
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body = answer.json().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {body}");
        body
    }
}

/// Seconds of processor time that a process used so far.
pub(crate) fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name in brackets may hold spaces; utime and stime are the 12th and 13th field behind it.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    // USER_HZ is 100 on every Linux that we run on.
    ticks / 100.0
}

/// Largest resident memory so far, MiB.
pub(crate) fn peak_mib(pid: u32) -> f64 {
    status(pid, "VmHWM:") / 1024.0
}

/// Resident memory now, bytes.
pub(crate) fn resident_bytes(pid: u32) -> f64 {
    status(pid, "VmRSS:") * 1024.0
}

fn status(pid: u32, key: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
