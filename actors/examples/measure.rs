//! Temporary measurement.
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};
use std::time::{Duration, Instant};
use usipipo_actors::domain::ids::UserId;
use usipipo_actors::domain::outgoing::{Body, OutboxMessage};
use usipipo_actors::leader::Role;
use usipipo_actors::ports::messenger::{Delivered, Messenger, SendError};
use usipipo_actors::system::System;
use usipipo_actors::testing::system::{World, all_run, until};

#[derive(Default)]
struct Counting {
    n: AtomicUsize,
    log: Mutex<Vec<(UserId, Instant)>>,
}
impl Counting {
    fn count(&self) -> usize {
        self.n.load(Ordering::SeqCst)
    }
    fn clear(&self) {
        *self.log.lock().unwrap() = Vec::new();
        self.n.store(0, Ordering::SeqCst);
    }
}
#[async_trait::async_trait]
impl Messenger for Counting {
    async fn deliver(&self, m: &OutboxMessage) -> Result<Delivered, SendError> {
        let mut log = self.log.lock().unwrap();
        log.push((m.chat, Instant::now()));
        let id = self.n.fetch_add(1, Ordering::SeqCst);
        let screen = match &m.content.body {
            Some(Body::Screen { screen, .. }) => Some(screen.clone()),
            _ => None,
        };
        Ok(Delivered { message_id: Some(id as i32), screen })
    }
    async fn announce_commands(&self) -> Result<(), SendError> {
        Ok(())
    }
}

fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}
fn rss() -> f64 {
    let s = std::fs::read_to_string("/proc/self/statm").unwrap();
    s.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 4096.0
}
async fn wait(m: &Counting, n: usize) {
    while m.count() < n {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::main]
async fn main() {
    let mut world = World::new().await;
    world.polls = false;
    let messenger = Arc::new(Counting::default());
    let mut parts = world.parts();
    parts.messenger = messenger.clone();
    let system = Arc::new(System::start(parts).await.unwrap());
    until("lead", async || matches!(system.role(), Role::Leader(_))).await;
    all_run(&system).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let kinds = ["/help", "/status", "/vpn", "/profile", "/settings"];
    let mut n = 0;
    for round in 0..3 {
        let total = 20_000usize;
        let (c, t) = (cpu(), Instant::now());
        let mut sent = 0;
        while sent < total {
            let batch: Vec<_> = (0..100)
                .map(|i| world.text(UserId(1000 + ((sent + i) % 1000) as i64), kinds[(sent + i) % 5]).1)
                .collect();
            sent += 100;
            system.accept(batch).await.unwrap();
            while n + sent > messenger.count() + 1500 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        n += sent;
        wait(&messenger, n).await;
        let e = t.elapsed().as_secs_f64();
        println!("full {round}: {:.0}/s  cpu {:.0} us/update", total as f64 / e, (cpu() - c) * 1e6 / total as f64);
    }
    {
        let c = cpu();
        tokio::time::sleep(Duration::from_secs(8)).await;
        println!("idle: {:.1} % of a core", (cpu() - c) / 8.0 * 100.0);
    }
    for rate in [250usize, 1000, 2000] {
        let total = rate * 8;
        let c = cpu();
        let start = Instant::now();
        let mut at = std::collections::HashMap::new();
        let mut i = 0;
        messenger.clear();
        let step = Duration::from_secs_f64(1.0 / rate as f64);
        let mut tasks = tokio::task::JoinSet::new();
        while i < total {
            let due = start + step * i as u32;
            let now = Instant::now();
            if due > now {
                tokio::time::sleep(due - now).await;
            }
            let user = 1_000_000 + (rate * 100_000) as i64 + i as i64 % 1000;
            let user = 1000 + user % 1000;
            let _ = user;
            let u = UserId(1000 + (i % 1000) as i64);
            at.insert((u, i / 1000), Instant::now());
            let raw = world.text(u, kinds[i % 5]).1;
            let sys = system.clone();
            tasks.spawn(async move { sys.accept(vec![raw]).await.unwrap() });
            i += 1;
        }
        while let Some(r) = tasks.join_next().await {
            r.unwrap();
        }
        wait(&messenger, total).await;
        let mut lat: Vec<f64> = Vec::new();
        let mut seen = std::collections::HashMap::new();
        for (chat, t_at) in messenger.log.lock().unwrap().iter().copied() {
            let k = seen.entry(chat).or_insert(0usize);
            if let Some(a) = at.get(&(chat, *k)) {
                lat.push(t_at.duration_since(*a).as_secs_f64() * 1e3);
            }
            *k += 1;
        }
        lat.sort_by(f64::total_cmp);
        println!(
            "rate {rate}: took {:.1}s p50 {:.1} ms p99 {:.1} ms max {:.1} cpu {:.0} us/update",
            start.elapsed().as_secs_f64(),
            lat[lat.len() / 2],
            lat[lat.len() * 99 / 100],
            lat[lat.len() - 1],
            (cpu() - c) * 1e6 / total as f64
        );
    }
    // Idle sessions.
    messenger.clear();
    let r = rss();
    let m = 10_000usize;
    let t = Instant::now();
    let mut sent = 0;
    while sent < m {
        let batch: Vec<_> = (0..100).map(|i| world.text(UserId(2_000_000 + (sent + i) as i64), "/help").1).collect();
        sent += 100;
        system.accept(batch).await.unwrap();
        while sent > messenger.count() + 1500 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    wait(&messenger, m).await;
    let e = t.elapsed().as_secs_f64();
    messenger.clear();
    tokio::time::sleep(Duration::from_secs(2)).await;
    println!(
        "{m} sessions: {:.0} B each, {:.0} us each with their first update",
        (rss() - r) / m as f64,
        e * 1e6 / m as f64
    );
    system.stop(std::future::pending()).await;
}
