//! B7: ten thousand services end at once. In a network namespace of its own, which needs root.

use super::lab::{Ended, Lab};
use super::seed::Seeding;
use super::{figure, say};
use serde_json::Value;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use usipipo_actors::domain::service::Product;

const SERVICES: i64 = 10_000;
const FIRST: i64 = 2_000_000;
const INTERFACE: &str = "wgb7";
/// Servers of keys: how many, and keys on each. Together they have as many as there are services.
const TELEMT: (i64, i64) = (10, 500);
const OUTLINE: (i64, i64) = (5, 1_000);
/// Longest that anything may take here.
const PATIENCE: Duration = Duration::from_secs(240);

pub(crate) fn run() {
    if !nix::unistd::geteuid().is_root() {
        say("B7 is left out: it needs root, for a network namespace and a WireGuard interface");
        return;
    }
    let own = std::env::current_exe().unwrap();
    for worker in ["expiry-tunnels", "expiry-keys"] {
        let status = Command::new("unshare").arg("--net").arg(&own).arg(worker).status().unwrap();
        assert!(status.success(), "{worker} failed");
    }
}

pub(crate) fn worker(kind: &str) -> ExitCode {
    // A new namespace has only a loopback that is down.
    assert!(Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap().success());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        if kind == "expiry-keys" {
            keys().await;
        } else {
            tunnels().await;
        }
    });
    ExitCode::SUCCESS
}

async fn tunnels() {
    say(&format!("B7: {SERVICES} WireGuard services in userspace end at once, Telegram's limits lifted"));
    let mut lab = Lab::new().await.with_room();
    lab.set("NODES__0__MODE", "userspace");
    lab.set("NODES__0__INTERFACE", INTERFACE);
    lab.first_start().await;
    let mut seeding = Seeding::begin(&lab).await;
    seeding.tunnels(FIRST, SERVICES).await;
    seeding.finish().await;
    let program = begin(&lab, "SELECT count(*) AS n FROM peers WHERE applied").await;
    assert_eq!(peers().await, SERVICES, "peers are missing on the interface");
    end(&lab, "B7", "SELECT count(*) AS n FROM peers WHERE applied").await;
    assert_eq!(peers().await, 0, "peers are left on the interface");
    program.terminate();
    usipipo::wg_device::end(INTERFACE);
}

async fn keys() {
    say(&format!(
        "B7: the same for {SERVICES} keys, on {} simulated telemt servers and {} Outline servers",
        TELEMT.0, OUTLINE.0
    ));
    let mut lab = Lab::new().await;
    let telemt: Vec<String> = (0..TELEMT.0).map(|n| format!("telemt-{n}")).collect();
    let outline: Vec<String> = (0..OUTLINE.0).map(|n| format!("outline-{n}")).collect();
    for name in &telemt {
        lab.add_telemt(name).await;
    }
    for name in &outline {
        lab.add_outline(name).await;
    }
    lab.first_start().await;
    let mut seeding = Seeding::begin(&lab).await;
    let mut first = FIRST;
    for (names, product, count) in [(&telemt, Product::Mtproto, TELEMT.1), (&outline, Product::Outline, OUTLINE.1)] {
        for name in names {
            seeding.keys(name, product, first, count).await;
            first += count;
        }
    }
    seeding.finish().await;
    let open = "SELECT count(*) AS n FROM access_keys WHERE applied = 'open'";
    let program = begin(&lab, open).await;
    assert_eq!(open_keys(&lab, &telemt, &outline).await, SERVICES, "keys are missing on the servers");
    end(&lab, "B7.keys", open).await;
    assert_eq!(open_keys(&lab, &telemt, &outline).await, 0, "keys still work");
    drop(program);
}

/// Starts the program and waits until its servers have everything.
async fn begin(lab: &Lab, there: &str) -> Ended {
    lab.people(FIRST, SERVICES).await;
    let program = lab.start(&[]);
    lab.until_leading().await;
    until(lab, "everything is on the servers", async || lab.database.number(there).await == SERVICES).await;
    program
}

/// All end at once.
async fn end(lab: &Lab, name: &str, there: &str) {
    lab.database.execute("UPDATE services SET ends_at = now() + interval '2 seconds'").await;
    lab.restart("duty/sweeper").await;
    let due = "SELECT (extract(epoch FROM max(ends_at) - clock_timestamp()) * 1000)::bigint AS n FROM services";
    let wait = lab.database.number(due).await;
    let begin = Instant::now() + Duration::from_millis(u64::try_from(wait).unwrap_or(0));
    let active = "SELECT count(*) AS n FROM services WHERE status = 'active'";
    until(lab, "all services are suspended", async || lab.database.number(active).await == 0).await;
    figure(&format!("{name}.suspended_s"), format!("{:.2}", begin.elapsed().as_secs_f64()));
    let told = "SELECT count(DISTINCT chat_id) AS n FROM outbox WHERE dedupe LIKE 'ended/%'";
    assert_eq!(lab.database.number(told).await, SERVICES, "notices are missing\n{}", lab.log());
    until(lab, "nobody gets through", async || lab.database.number(there).await == 0).await;
    figure(&format!("{name}.enforced_s"), format!("{:.2}", begin.elapsed().as_secs_f64()));
}

async fn until(lab: &Lab, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !holds().await {
        assert!(begin.elapsed() < PATIENCE, "it never came true: {what}\n{}", lab.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Peers that the interface itself tells.
async fn peers() -> i64 {
    let mut stream = UnixStream::connect(format!("/var/run/wireguard/{INTERFACE}.sock")).await.unwrap();
    stream.write_all(b"get=1\n\n").await.unwrap();
    let mut text = String::new();
    let mut buffer = vec![0; 1 << 16];
    while !text.contains("errno=") {
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the interface hung up");
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    i64::try_from(text.matches("public_key=").count()).unwrap()
}

/// Keys of ours that get through, as the servers tell.
async fn open_keys(lab: &Lab, telemt: &[String], outline: &[String]) -> i64 {
    let get = async |path: String| -> Value {
        lab.client.get(format!("{}{path}", lab.sandbox)).send().await.unwrap().json().await.unwrap()
    };
    let mut open = 0;
    for name in telemt {
        let users = get(format!("/sim/telemt/{name}/users")).await;
        let ours =
            |user: &&Value| user["username"].as_str().is_some_and(|name| name.starts_with('u') && name.contains('-'));
        let works = |user: &&Value| user["enabled"] == true;
        open += users["users"].as_array().unwrap().iter().filter(ours).filter(works).count();
    }
    for name in outline {
        let keys = get(format!("/sim/outline/{name}/keys")).await;
        let ours = |key: &&Value| key["id"].as_str().is_some_and(|id| id.len() >= 10);
        open += keys["keys"].as_array().unwrap().iter().filter(ours).count();
    }
    i64::try_from(open).unwrap()
}
