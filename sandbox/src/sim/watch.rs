//! Several chats watched with one call, as the chat page does: a browser keeps few connections to one place.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio::time::timeout_at;

use super::Params;
use super::SimError;
use super::SimResult;
use super::chat::view;
use crate::world::Chat;
use crate::world::Shared;
use crate::world::World;

/// The longest wait, in seconds.
const MAX_WAIT_SECONDS: f64 = 120.0;
/// So many chats can be watched at once.
const MAX_WATCHED: usize = 200;

/// Which chats, and what of them is known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    #[serde(default)]
    seen: String,
    #[serde(default)]
    wait: f64,
    epoch: Option<i64>,
}

struct Watched {
    chat: Arc<Chat>,
    seen: Option<u64>,
}

fn read(world: &World, seen: &str) -> Result<(Vec<Watched>, Vec<i64>), SimError> {
    let mut watched = Vec::new();
    let mut gone = Vec::new();
    for item in seen.split(',').filter(|item| !item.is_empty()) {
        let (id, rev) = item
            .split_once(':')
            .map_or((item, None), |(id, rev)| (id, Some(rev)));
        let wrong = || SimError::bad(format!("seen is a list of ID or ID:REV, not {item:?}"));
        let id: i64 = id.parse().map_err(|_| wrong())?;
        let seen = rev.map(str::parse).transpose().map_err(|_| wrong())?;
        if watched.len() >= MAX_WATCHED {
            return Err(SimError::bad(format!(
                "at most {MAX_WATCHED} chats can be watched at once"
            )));
        }
        match world.chats.get(id) {
            Some(chat) => watched.push(Watched { chat, seen }),
            None => gone.push(id),
        }
    }
    Ok((watched, gone))
}

/// `GET /sim/watch`
pub async fn watch(State(world): State<Shared>, Params(query): Params<Watch>) -> SimResult {
    // Before the chats are sought, so that a reset in between is seen below.
    let epoch = world.epoch();
    let (mut watched, gone) = read(&world, &query.seen)?;
    if query.epoch.is_some_and(|known| known != epoch) {
        // What was seen belongs to another run or to before a reset.
        for item in &mut watched {
            item.seen = None;
        }
    }
    let wait =
        Duration::try_from_secs_f64(query.wait.clamp(0.0, MAX_WAIT_SECONDS)).unwrap_or_default();
    let deadline = Instant::now() + wait;
    loop {
        // Subscribed before looking, so that no change falls between.
        let mut changes = JoinSet::new();
        for item in &watched {
            let mut change = item.chat.subscribe();
            change.mark_unchanged();
            changes.spawn(async move {
                if change.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            });
        }
        let mut stopping = world.stopping.subscribe();
        let mut epochs = world.epochs();
        let chats: Vec<Value> = watched
            .iter()
            .filter_map(|item| changed(&world, item))
            .collect();
        let moved = world.epoch() != epoch;
        if !chats.is_empty() || !gone.is_empty() || moved {
            return Ok(Json(
                json!({"epoch": world.epoch(), "chats": chats, "gone": gone}),
            ));
        }
        let change = async {
            tokio::select! {
                Some(_) = changes.join_next() => true,
                _ = epochs.changed() => true,
                _ = stopping.wait_for(|stop| *stop) => false,
                else => false,
            }
        };
        if !timeout_at(deadline, change).await.unwrap_or(false) {
            return Ok(Json(json!({"epoch": epoch, "chats": [], "gone": []})));
        }
    }
}

/// What is new in a chat, if anything is.
fn changed(world: &World, item: &Watched) -> Option<Value> {
    item.chat.with(|state| match item.seen {
        Some(seen) if seen == state.rev => None,
        // A revision from the future comes from before a reset: everything is new then.
        Some(seen) if seen < state.rev => Some(view(world, state, seen)),
        _ => Some(view(world, state, 0)),
    })
}
