//! B10: somebody asks all the time while processes, actors and connections are killed; the share of updates answered within two
//! seconds.

use super::lab::Lab;
use super::{figure, say};
use serde_json::json;
use std::time::{Duration, Instant};

/// Answers later than this count as failures.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often somebody asks.
const EVERY: Duration = Duration::from_millis(100);
/// The leader is killed this often; a standby runs beside it, as in production.
const KILL_EVERY: Duration = Duration::from_secs(30);
const PEOPLE: u64 = 20;
/// An actor of the leader is killed this often, each in its turn.
const RESTART_EVERY: Duration = Duration::from_secs(2);
const ACTORS: [&str; 12] = [
    "inbox",
    "leader",
    "duty/alerts",
    "duty/outbox",
    "duty/pool/local/trial",
    "duty/node/local",
    "duty/committer",
    "duty/router",
    "duty/payments",
    "duty/sweeper",
    "duty/stats",
    "duty/poller",
];

pub(crate) async fn run() {
    let seconds: u64 = std::env::var("SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
    say(&format!(
        "B10: {seconds} s, a question every {} ms; a connection of the database killed every second, an actor every {} s, the leading \
         process every {} s, with a standby beside it",
        EVERY.as_millis(),
        RESTART_EVERY.as_secs(),
        KILL_EVERY.as_secs()
    ));
    let lab = Lab::new().await;
    let mut program = lab.start(&[]);
    lab.until_leading().await;
    let mut standby = lab.start_beside(&[]);
    for person in 0..PEOPLE {
        lab.post("/sim/people", json!({"id": 1_000 + person, "first_name": "Ana", "language_code": "en"})).await;
    }
    let (mut asked, mut answered) = (0_u64, 0_u64);
    let mut worst = Duration::ZERO;
    let begin = Instant::now();
    let (mut killed_process, mut killed_connections) = (Instant::now(), Instant::now());
    let (mut restarted_actor, mut restarts) = (Instant::now(), 0);
    let mut waits = tokio::task::JoinSet::new();
    while begin.elapsed().as_secs() < seconds {
        let person = 1_000 + asked % PEOPLE;
        let sent = lab.post(&format!("/sim/people/{person}/send"), json!({"text": "/help"})).await;
        let url = format!("{}/sim/chat/wait?person={person}&after={}&text=How&timeout=60", lab.sandbox, sent["rev"]);
        let client = lab.client.clone();
        asked += 1;
        waits.spawn(async move {
            let begin = Instant::now();
            let found = client.get(url).send().await.is_ok_and(|answer| answer.status().is_success());
            (found, begin.elapsed())
        });
        if killed_process.elapsed() > KILL_EVERY {
            killed_process = Instant::now();
            drop(std::mem::replace(&mut program, standby));
            standby = lab.start_beside(&[]);
        }
        if restarted_actor.elapsed() > RESTART_EVERY {
            restarted_actor = Instant::now();
            restarts += usize::from(lab.restart(ACTORS[restarts % ACTORS.len()]).await);
        }
        if killed_connections.elapsed() > Duration::from_secs(1) {
            killed_connections = Instant::now();
            lab.database
                .execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'usipipo' \
                     AND datname = current_database() ORDER BY random() LIMIT 1",
                )
                .await;
        }
        tokio::time::sleep(EVERY).await;
    }
    while let Some(result) = waits.join_next().await {
        let (found, took) = result.unwrap();
        assert!(found, "an update was never answered\n{}", lab.log());
        answered += u64::from(took <= PATIENCE);
        worst = worst.max(took);
    }
    drop((program, standby));
    figure("B10.asked", asked);
    figure("B10.actors_restarted", restarts);
    figure("B10.answered_in_2s_percent", format!("{:.3}", answered as f64 * 100.0 / asked as f64));
    figure("B10.worst_s", format!("{:.2}", worst.as_secs_f64()));
}
