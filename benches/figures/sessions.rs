//! B5: what a conversation costs while nobody writes. B6: how soon actors answer again after a crash.

use super::lab::resident_bytes;
use super::{figure, say};
use std::time::{Duration, Instant};
use usipipo_actors::testing::system::World;

const SESSIONS: u32 = 5_000;
const CRASHES: usize = 100;

pub(crate) async fn idle() {
    say(&format!("B5: {SESSIONS} idle sessions in one process, fakes around them, PostgreSQL real"));
    let world = World::new().await;
    let system = world.start().await;
    world.until_leading(&system).await;
    // Buffers and connections are there before we look.
    world.chat_with(1..500).await;
    let before = resident_bytes(std::process::id());
    let begin = Instant::now();
    world.chat_with(1_000..1_000 + i64::from(SESSIONS)).await;
    let took = begin.elapsed();
    world.messenger.clear();
    let bytes = (resident_bytes(std::process::id()) - before) / f64::from(SESSIONS);
    figure("B5.bytes_per_idle_session", format!("{bytes:.0}"));
    figure("B5.spawn_us", format!("{:.0}", took.as_secs_f64() * 1e6 / f64::from(SESSIONS)));
    system.stop(std::future::pending()).await;
}

pub(crate) async fn restarts() {
    say(&format!("B6: {CRASHES} crashes of a session; a pool of 65,000 leases killed five times"));
    let world = World::new().await;
    let system = world.start().await;
    world.until_leading(&system).await;
    let mut took: Vec<Duration> = Vec::new();
    for user in 0..CRASHES {
        took.push(world.crash_and_ask(i64::try_from(user).unwrap() + 1).await);
    }
    took.sort();
    figure("B6.session_restart_p99_ms", format!("{:.1}", took[CRASHES * 99 / 100].as_secs_f64() * 1e3));
    let pool = world.fill_pool(65_000).await;
    let mut took = Vec::new();
    for _ in 0..5 {
        took.push(world.kill_pool_and_reserve(&system, &pool).await);
    }
    took.sort();
    figure("B6.pool_restart_ms", format!("{:.0}", took[2].as_secs_f64() * 1e3));
    system.stop(std::future::pending()).await;
}
