//! B5: what a conversation costs while nobody writes. B6: how soon actors answer again after a crash.

use super::lab::resident_bytes;
use super::{figure, say};
use std::time::{Duration, Instant};
use usipipo_actors::domain::ids::UserId;
use usipipo_actors::domain::service::Purpose;
use usipipo_actors::ip_pool::IpPoolMsg;
use usipipo_actors::testing::parser::PANIC_ONCE;
use usipipo_actors::testing::system::World;

const SESSIONS: i64 = 5_000;
const CRASHES: i64 = 50;
const LEASES: i64 = 65_000;
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn idle() {
    say(&format!(
        "B5: {SESSIONS} idle sessions in one process, fakes around them (which remember every message), PostgreSQL real"
    ));
    let world = World::new().await;
    let system = world.lead().await;
    // Buffers and connections are there before we look.
    for user in 1..500 {
        world.say(UserId(user), "/start");
    }
    world.all_handled().await;
    let before = resident_bytes(std::process::id());
    let begin = Instant::now();
    for user in 0..SESSIONS {
        world.say(UserId(10_000 + user), "/start");
    }
    world.all_handled().await;
    let took = begin.elapsed();
    let bytes = (resident_bytes(std::process::id()) - before) / SESSIONS as f64;
    figure("B5.bytes_per_idle_session", format!("{bytes:.0}"));
    figure("B5.first_answer_us", format!("{:.0}", took.as_secs_f64() * 1e6 / SESSIONS as f64));
    system.stop(std::future::pending()).await;
}

pub(crate) async fn restarts() {
    say(&format!(
        "B6: {CRASHES} crashes of a session on an update that is handled when tried again, the next update right behind; a pool of {LEASES} leases killed five times"
    ));
    let world = World::new().await;
    let system = world.lead().await;
    let mut took: Vec<Duration> = Vec::new();
    for user in (0..CRASHES).map(|n| UserId(100 + n)) {
        world.greet(user).await;
        let homes = world.homes(user);
        world.say(user, PANIC_ONCE);
        let begin = Instant::now();
        world.say(user, "/start");
        while world.homes(user) == homes {
            assert!(begin.elapsed() < PATIENCE, "no answer after a crash");
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        took.push(begin.elapsed());
    }
    took.sort();
    figure("B6.session_restart_p99_ms", format!("{:.1}", took[took.len() * 99 / 100].as_secs_f64() * 1e3));

    let (pool, place) = system.env().directory.pools_for(Purpose::Trial).into_iter().next().unwrap();
    let fill = format!(
        "UPDATE pools SET v4 = '10.80.0.0/16', v6 = NULL WHERE id = {pool};
         INSERT INTO users (id, first_name, language, tz, created_at, last_seen_at) \
           SELECT 1000000 + n, 'x', 'es', 'UTC', 'epoch', 'epoch' FROM generate_series(1, {LEASES}) n;
         INSERT INTO services (id, user_id, product, trial, node_id, name, status, days, created_at) OVERRIDING SYSTEM VALUE \
           SELECT 1000000 + n, 1000000 + n, 'wireguard', true, {node}, 'x', 'failed', 7, 'epoch' FROM generate_series(1, {LEASES}) n;
         INSERT INTO leases (node_id, pool_id, service_id, v4, state, created_at) \
           SELECT {node}, {pool}, 1000000 + n, '10.80.0.1'::inet + n, 'live', 'epoch' FROM generate_series(1, {LEASES}) n;
         ANALYZE leases",
        node = place.node,
    );
    for statement in fill.split(';') {
        world.database.execute(statement).await;
    }
    let path = format!("duty/pool/{}/trial", place_name(&system, place.node));
    let mut took = Vec::new();
    for _ in 0..5 {
        let before = place.slot.get().unwrap().get_id();
        let mut begin = Instant::now();
        // Its supervisor may hear a moment later than others that it runs.
        while !system.kill(&path).await {
            assert!(begin.elapsed() < PATIENCE, "there is no {path}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        begin = begin.max(Instant::now());
        loop {
            // A killed one may answer once more.
            if place.slot.get().is_none_or(|actor| actor.get_id() == before) {
                assert!(begin.elapsed() < PATIENCE, "the pool was never started anew");
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
            let answer = place.slot.ask(Duration::from_secs(5), |reply| IpPoolMsg::Reserve { reply }).await;
            if let Ok(Ok(addresses)) = answer {
                place.slot.tell(IpPoolMsg::GaveBack(addresses));
                break;
            }
            assert!(begin.elapsed() < PATIENCE, "the pool never came back");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        took.push(begin.elapsed());
    }
    took.sort();
    figure("B6.pool_restart_ms", format!("{:.0}", took[2].as_secs_f64() * 1e3));
    system.stop(std::future::pending()).await;
}

fn place_name(system: &usipipo_actors::system::System, node: usipipo_actors::domain::ids::NodeId) -> String {
    system.env().directory.node(node).unwrap().name.clone()
}
