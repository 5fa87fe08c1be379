//! Sends updates to the webhook: several at once, but those of one chat in order, each until it is taken.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::bot_api;
use crate::world::Shared;
use crate::world::updates::Update;
use crate::world::webhook::Target;

/// The header that proves who sends.
const SECRET_HEADER: &str = "X-Telegram-Bot-Api-Secret-Token";
/// An attempt that takes longer has failed.
const ATTEMPT_WITHIN: Duration = Duration::from_secs(60);
/// The first pause after a failure; the next ones double.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LAST_PAUSE: Duration = Duration::from_secs(30);
/// So many updates are taken in hand at most.
const IN_HAND: usize = 10_000;

type Lane = VecDeque<(u64, Arc<Update>)>;

/// Delivers for ever; starts anew whenever the webhook is set or removed.
pub async fn run(world: Shared) {
    let mut generation = world.webhook.generation();
    loop {
        generation.mark_unchanged();
        match world.webhook.target() {
            Some(target) => deliver_all(&world, target, &mut generation).await,
            None => {
                if generation.changed().await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn deliver_all(world: &Shared, target: Target, generation: &mut watch::Receiver<u64>) {
    let permits = Arc::new(Semaphore::new(target.max_connections));
    let target = Arc::new(target);
    let mut arrivals = world.updates.subscribe();
    let mut lanes: HashMap<Option<i64>, Lane> = HashMap::new();
    let mut tasks = JoinSet::new();
    let mut in_hand = 0;
    let mut next = 0;
    loop {
        arrivals.mark_unchanged();
        for (sequence, update) in world.updates.after(next, IN_HAND.saturating_sub(in_hand)) {
            next = sequence + 1;
            in_hand += 1;
            let key = update.chat;
            match lanes.get_mut(&key) {
                Some(lane) => lane.push_back((sequence, update)),
                None => {
                    lanes.insert(key, Lane::new());
                    tasks.spawn(deliver(
                        world.clone(),
                        target.clone(),
                        permits.clone(),
                        key,
                        sequence,
                        update,
                    ));
                }
            }
        }
        tokio::select! {
            // Dropping the tasks stops them; what was not taken is still in the queue.
            _ = generation.changed() => return,
            _ = arrivals.changed() => {}
            Some(done) = tasks.join_next() => {
                in_hand -= 1;
                let Ok(key) = done else { continue };
                match lanes.get_mut(&key).and_then(VecDeque::pop_front) {
                    Some((sequence, update)) => {
                        tasks.spawn(deliver(world.clone(), target.clone(), permits.clone(), key, sequence, update));
                    }
                    None => {
                        lanes.remove(&key);
                    }
                }
            }
        }
    }
}

async fn deliver(
    world: Shared,
    target: Arc<Target>,
    permits: Arc<Semaphore>,
    key: Option<i64>,
    sequence: u64,
    update: Arc<Update>,
) -> Option<i64> {
    let mut pause = FIRST_PAUSE;
    loop {
        let attempt = {
            // The semaphore is never closed.
            let _permit = permits.acquire().await;
            attempt(&world, &target, &update).await
        };
        match attempt {
            Ok(answer) => {
                world.updates.delivered(sequence);
                world.touch();
                bot_api::call_from_webhook(&world, &answer).await;
                return key;
            }
            Err(message) => world.webhook.failed(world.clock.now(), message),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

async fn attempt(world: &Shared, target: &Target, update: &Update) -> Result<Vec<u8>, String> {
    let mut request = world.client.post(&target.url).timeout(ATTEMPT_WITHIN);
    if let Some(secret) = &target.secret_token {
        request = request.header(SECRET_HEADER, secret);
    }
    let request = request
        .header(CONTENT_TYPE, "application/json")
        .body(update.raw.clone());
    let response = request.send().await.map_err(|error| {
        if error.is_timeout() {
            "Read timeout expired".to_owned()
        } else if error.is_connect() {
            "Connection refused".to_owned()
        } else {
            "Connection closed".to_owned()
        }
    })?;
    let status = response.status();
    if !status.is_success() {
        return Err(format!("Wrong response from the webhook: {status}"));
    }
    // The update is taken, whatever becomes of the body.
    Ok(response
        .bytes()
        .await
        .map(|bytes| bytes.to_vec())
        .unwrap_or_default())
}
