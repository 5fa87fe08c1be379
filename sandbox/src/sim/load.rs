//! Many people at once, for benchmarks.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::sleep_until;
use tokio::time::timeout;

use super::Body;
use super::SimError;
use super::SimResult;
use super::press;
use crate::world::Chat;
use crate::world::Person;
use crate::world::Shared;
use crate::world::lock;

const MAX_PEOPLE: i64 = 100_000;
const MAX_UPDATES: u64 = 10_000_000;

/// What is asked of the bot.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    people: i64,
    updates: u64,
    rate: Option<f64>,
    concurrency: usize,
    first_id: i64,
    mix: Mix,
    texts: Vec<String>,
    start: String,
    timeout_ms: u64,
    /// Data of buttons that are labels: they are answered without anything to see, which would count as no reply.
    labels: Vec<String>,
}

/// Shares of kinds of steps.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mix {
    buttons: f64,
}

impl Default for Mix {
    fn default() -> Self {
        Self { buttons: 0.7 }
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            people: 100,
            updates: 1000,
            rate: None,
            concurrency: 64,
            first_id: 5_000_000,
            mix: Mix::default(),
            texts: vec!["/help".to_owned(), "/status".to_owned()],
            start: "/start".to_owned(),
            timeout_ms: 10_000,
            labels: Vec::new(),
        }
    }
}

#[derive(Default)]
struct Tally {
    latencies: Vec<Duration>,
    wrong: u64,
    buttons: u64,
    texts: u64,
    /// Some of the steps without a reply: who did what.
    silent: Vec<Value>,
}

/// Most steps without a reply that the report names.
const SILENT: usize = 20;

/// What the workers share.
struct Run {
    world: Shared,
    plan: Plan,
    idle: tokio::sync::Mutex<tokio::sync::mpsc::UnboundedReceiver<Arc<Chat>>>,
    back: tokio::sync::mpsc::UnboundedSender<Arc<Chat>>,
    issued: AtomicU64,
    started: Instant,
    tally: Mutex<Tally>,
}

/// `POST /sim/load`
pub async fn load(State(world): State<Shared>, Body(plan): Body<Plan>) -> SimResult {
    let sensible = (1..=MAX_PEOPLE).contains(&plan.people)
        && plan.updates <= MAX_UPDATES
        && plan.first_id > 0
        && (1..=10_000).contains(&plan.concurrency)
        && plan.rate.is_none_or(|rate| rate > 0.0)
        && !plan.texts.is_empty();
    if !sensible {
        return Err(SimError::bad(
            "people 1-100000, updates up to 10000000, concurrency 1-10000, rate above 0, at least one text",
        ));
    }
    let people: Vec<Arc<Chat>> = (plan.first_id..plan.first_id.saturating_add(plan.people))
        .map(|id| person(&world, id))
        .collect();
    let (back, idle) = tokio::sync::mpsc::unbounded_channel();
    let mut run = Run {
        world,
        idle: tokio::sync::Mutex::new(idle),
        back,
        issued: AtomicU64::new(0),
        started: Instant::now(),
        tally: Mutex::default(),
        plan,
    };
    greet(&run, &people).await?;
    *lock(&run.tally) = Tally::default();
    let first_query = run.world.queries.next_id();
    for chat in people {
        // The receiver is held by the run.
        let _ = run.back.send(chat);
    }
    run.started = Instant::now();
    let run = Arc::new(run);
    let mut workers = JoinSet::new();
    // With a rate, enough workers that a slow reply does not hold up the others.
    let people = usize::try_from(run.plan.people).unwrap_or(usize::MAX);
    let count = if run.plan.rate.is_some() {
        people.min(2000)
    } else {
        run.plan.concurrency.min(people)
    };
    for seed in 1..=count {
        workers.spawn(work(run.clone(), u64::try_from(seed).unwrap_or(1)));
    }
    while workers.join_next().await.is_some() {}
    Ok(Json(report(&run, first_query)))
}

fn person(world: &Shared, id: i64) -> Arc<Chat> {
    world.chats.get_or_insert(id, || Person {
        id,
        first_name: format!("Load {id}"),
        last_name: None,
        username: None,
        language_code: Some("en".to_owned()),
        label: Some("load".to_owned()),
    })
}

/// Everyone sends the first command, some at a time.
async fn greet(run: &Run, people: &[Arc<Chat>]) -> Result<(), SimError> {
    for some in people.chunks(run.plan.concurrency) {
        let greetings = some
            .iter()
            .map(|chat| step(run, chat, 0, Some(run.plan.start.as_str())));
        let mut answered = 0;
        // All are sent at once; the waits then overlap.
        let mut waits = Vec::new();
        for greeting in greetings {
            waits.push(Box::pin(greeting));
        }
        for result in join(waits).await {
            answered += u64::from(result);
        }
        if answered == 0 {
            return Err(SimError::conflict(format!(
                "nobody got a reply to {}",
                run.plan.start
            )));
        }
    }
    Ok(())
}

async fn join<F: Future<Output = bool> + Unpin>(mut futures: Vec<F>) -> Vec<bool> {
    let mut results = vec![None; futures.len()];
    std::future::poll_fn(move |context| {
        for (future, result) in futures.iter_mut().zip(results.iter_mut()) {
            if result.is_none()
                && let std::task::Poll::Ready(value) = std::pin::Pin::new(future).poll(context)
            {
                *result = Some(value);
            }
        }
        if results.iter().all(Option::is_some) {
            return std::task::Poll::Ready(results.iter().flatten().copied().collect());
        }
        std::task::Poll::Pending
    })
    .await
}

async fn work(run: Arc<Run>, seed: u64) {
    let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    loop {
        let number = run.issued.fetch_add(1, Ordering::Relaxed);
        if number >= run.plan.updates {
            return;
        }
        if let Some(rate) = run.plan.rate {
            let at = run.started
                + Duration::from_secs_f64(
                    f64::from(u32::try_from(number).unwrap_or(u32::MAX)) / rate,
                );
            sleep_until(at.into()).await;
        }
        let Some(chat) = run.idle.lock().await.recv().await else {
            return;
        };
        dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let roll = dice >> 33;
        let share = f64::from(u32::try_from(roll % 10_000).unwrap_or(0)) / 10_000.0;
        let count = u64::try_from(run.plan.texts.len()).unwrap_or(1);
        let index = usize::try_from((roll / 10_000) % count).unwrap_or(0);
        let text = (share >= run.plan.mix.buttons).then(|| run.plan.texts[index].as_str());
        step(&run, &chat, roll / 10_000, text).await;
        let _ = run.back.send(chat);
    }
}

/// One update and its reply; whether the reply came.
async fn step(run: &Run, chat: &Chat, dice: u64, text: Option<&str>) -> bool {
    let mut changes = chat.subscribe();
    let (before, _) = chat.with(|state| state.replies);
    let available = Instant::now();
    let Ok(done) = press::step(&run.world, chat, dice, text, &run.plan.labels) else {
        lock(&run.tally).wrong += 1;
        return false;
    };
    let reply = async {
        loop {
            changes.mark_unchanged();
            if let (count, Some(at)) = chat.with(|state| state.replies)
                && count > before
            {
                return Some(at);
            }
            changes.changed().await.ok()?;
        }
    };
    let replied = timeout(Duration::from_millis(run.plan.timeout_ms), reply)
        .await
        .ok()
        .flatten();
    let mut tally = lock(&run.tally);
    match &done {
        press::Stepped::Pressed(_) => tally.buttons += 1,
        press::Stepped::Sent(_) => tally.texts += 1,
    }
    match replied {
        Some(at) => tally
            .latencies
            .push(at.saturating_duration_since(available)),
        None => {
            tally.wrong += 1;
            if tally.silent.len() < SILENT {
                let (press::Stepped::Pressed(what) | press::Stepped::Sent(what)) = done;
                tally.silent.push(json!({"person": chat.id, "did": what}));
            }
        }
    }
    replied.is_some()
}

fn report(run: &Run, first_query: i64) -> Value {
    let seconds = run.started.elapsed().as_secs_f64();
    let mut tally = lock(&run.tally);
    tally.latencies.sort_unstable();
    let replies = tally.latencies.len();
    let at = |percent: usize| {
        let index = (replies * percent / 100).min(replies.saturating_sub(1));
        tally
            .latencies
            .get(index)
            .map(|latency| latency.as_secs_f64() * 1000.0)
    };
    let updates = tally.buttons + tally.texts;
    let per_second = f64::from(u32::try_from(updates).unwrap_or(u32::MAX)) / seconds;
    json!({"updates": updates, "replies": replies, "wrong": tally.wrong, "silent": tally.silent, "seconds": seconds, "updates_per_s": per_second,
        "buttons": tally.buttons, "texts": tally.texts,
        "not_answered_queries": run.world.queries.unanswered_since(first_query),
        "latency_ms": {"p50": at(50), "p95": at(95), "p99": at(99), "max": at(100)}})
}
