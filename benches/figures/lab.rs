//! Programs under measurement: the release builds, as processes, on a database of their own.

use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use usipipo_actors::storage::testing::TestDatabase;

const TOKEN: &str = "12345:BENCH";
/// Longest wait for the program to say that it restarts an actor.
const RESTART_WITHIN: Duration = Duration::from_secs(2);

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
    limits: Limits,
    /// Settings that every start gets.
    env: Vec<(String, String)>,
    _sandbox: Ended,
}

/// Telegram's limits of speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limits {
    /// None, on either side.
    Lifted,
    /// Those of the settings, and a Telegram that insists on them.
    Telegrams,
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
        Self::with(Limits::Lifted).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let database = TestDatabase::new().await;
        let directory = tempfile::tempdir().unwrap();
        let address = free();
        let child = Command::new(binary("usipipo-sandbox"))
            .args(["--listen", &address.to_string(), "--token", TOKEN, "--quiet"])
            .args((limits == Limits::Lifted).then_some("--no-limits"))
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
            limits,
            env: Vec::new(),
            _sandbox: Ended(child),
        };
        let url = format!("{}/sim/state", lab.sandbox);
        lab.until("the simulated Telegram listens", async || lab.client.get(&url).send().await.is_ok()).await;
        lab
    }

    /// Gives the WireGuard server pools of 65,000 addresses, which begin at 10.80.0.0 and 10.81.0.0.
    pub(crate) fn with_room(mut self) -> Self {
        for (pool, purpose, v4) in [(0, "trial", "10.80.0.0/16"), (1, "paid", "10.81.0.0/16")] {
            self.set(&format!("NODES__0__POOLS__{pool}__PURPOSE"), purpose);
            self.set(&format!("NODES__0__POOLS__{pool}__V4"), v4);
        }
        self
    }

    /// A setting for every start.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.env.push((format!("USIPIPO_{name}"), value.to_owned()));
    }

    /// Adds a simulated Outline server.
    pub(crate) async fn add_outline(&mut self, name: &str) {
        let server = self.post("/sim/outline", json!({"name": name, "ready_after_ms": 50})).await;
        let access = json!({"apiUrl": server["apiUrl"], "certSha256": server["certSha256"]}).to_string();
        self.add_node(&[("NAME", name), ("DRIVER", "outline"), ("ACCESS", &access)]);
    }

    /// Adds a simulated telemt server, whose proxy takes handshakes; its API.
    pub(crate) async fn add_telemt(&mut self, name: &str) -> String {
        let server = self.post("/sim/telemt", json!({"name": name, "proxy": true})).await;
        let (host, port) = server["proxy"].as_str().unwrap().split_once(':').unwrap();
        let url = server["url"].as_str().unwrap().to_owned();
        self.add_node(&[("NAME", name), ("DRIVER", "telemt"), ("API_URL", &url), ("HOST", host), ("PORT", port)]);
        url
    }

    fn add_node(&mut self, settings: &[(&str, &str)]) {
        let number = 1 + self.env.iter().filter(|(name, _)| name.ends_with("__DRIVER")).count();
        // Where there are several, each has a name.
        self.set("NODES__0__NAME", "local");
        for (name, value) in settings {
            self.set(&format!("NODES__{number}__{name}"), value);
        }
    }

    /// Starts the program and ends it, so that servers, pools, plans and master keys are there.
    pub(crate) async fn first_start(&self) {
        let program = self.start(&[]);
        self.until_leading().await;
        program.terminate();
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
            .env("USIPIPO_TELEGRAM__LIMITS__LIFT", (self.limits == Limits::Lifted).to_string())
            .env("USIPIPO_HTTP__LISTEN", self.http.to_string())
            .env("USIPIPO_METRICS__LISTEN", self.metrics.to_string())
            .env("USIPIPO_NODES__0__MODE", "config-only")
            .env("USIPIPO_LOG__LEVEL", "warn")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
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
            answer.json::<Value>().await.is_ok_and(|report| report["ready"] == true && report["role"] == "leader")
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

    /// The program's metrics as Prometheus reads them.
    pub(crate) async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.metrics);
        self.client.get(url).send().await.unwrap().text().await.unwrap()
    }

    /// Asks every running process to start the actor anew; `false` when none has it.
    pub(crate) async fn restart(&self, actor: &str) -> bool {
        let mut restarted = false;
        for socket in std::fs::read_dir(self.directory.path()).unwrap().flatten().map(|entry| entry.path()) {
            if socket.extension().is_none_or(|extension| extension != "sock") {
                continue;
            }
            // One left by a killed process answers nobody.
            let Ok(mut stream) = UnixStream::connect(socket).await else { continue };
            let mut answer = String::new();
            let asked = stream.write_all(format!("restart {actor}\n").as_bytes()).await;
            let read = tokio::time::timeout(RESTART_WITHIN, stream.read_to_string(&mut answer)).await;
            restarted |= asked.is_ok() && read.is_ok() && answer.contains("true");
        }
        restarted
    }

    /// Makes people who can write to the bot.
    pub(crate) async fn people(&self, first: i64, count: i64) {
        for person in first..first + count {
            self.post("/sim/people", json!({"id": person, "first_name": "Ana", "language_code": "en"})).await;
        }
    }

    /// The person sends a text; the chat's revision then.
    pub(crate) async fn send(&self, person: i64, text: &str) -> i64 {
        let sent = self.post(&format!("/sim/people/{person}/send"), json!({"text": text})).await;
        sent["rev"].as_i64().unwrap()
    }

    /// The person sends a text and waits for any answer.
    pub(crate) async fn ask(&self, person: i64, text: &str) {
        let rev = self.send(person, text).await;
        self.wait(person, rev, "text=").await;
    }

    /// Waits for a message of the bot after the revision that fits.
    pub(crate) async fn wait(&self, person: i64, after: i64, fits: &str) {
        let path = format!("{}/sim/chat/wait?person={person}&after={after}&{fits}&timeout=100", self.sandbox);
        let answer = self.client.get(path).send().await.unwrap();
        assert!(answer.status().is_success(), "no answer for {person}\n{}", self.log());
    }

    /// The newest button in the person's chat whose data begins so, once there is one: its message and data.
    pub(crate) async fn button(&self, person: i64, prefix: &str) -> (i64, String) {
        let url = format!("{}/sim/people/{person}/chat", self.sandbox);
        let begin = Instant::now();
        loop {
            let chat: Value = self.client.get(&url).send().await.unwrap().json().await.unwrap();
            if let Some(button) = newest_button(&chat, prefix) {
                return button;
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "no button {prefix}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Presses it; the chat's revision before.
    pub(crate) async fn press(&self, person: i64, message: i64, data: &str) -> i64 {
        let chat = self.client.get(format!("{}/sim/people/{person}", self.sandbox)).send().await.unwrap();
        let before = chat.json::<Value>().await.unwrap()["rev"].as_i64().unwrap();
        self.post(&format!("/sim/people/{person}/press"), json!({"message_id": message, "data": data})).await;
        before
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let request = self.client.post(format!("{}{path}", self.sandbox)).json(&body).timeout(Duration::from_secs(600));
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body = answer.json().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {body}");
        body
    }
}

fn newest_button(chat: &Value, prefix: &str) -> Option<(i64, String)> {
    chat["messages"].as_array()?.iter().rev().find_map(|message| {
        let rows = message["buttons"].as_array()?;
        let buttons = rows.iter().flat_map(|row| row.as_array().into_iter().flatten());
        let data = buttons.filter_map(|button| button["data"].as_str()).find(|data| data.starts_with(prefix))?;
        Some((message["message_id"].as_i64()?, data.to_owned()))
    })
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
