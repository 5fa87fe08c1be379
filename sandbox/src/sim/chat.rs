//! What a person sees.

use std::time::Duration;

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;
use tokio::time::Instant;
use tokio::time::timeout_at;

use super::Params;
use super::SimError;
use super::SimResult;
use super::find;
use crate::clock;
use crate::world::ChatState;
use crate::world::Content;
use crate::world::Message;
use crate::world::Shared;
use crate::world::World;

const MAX_WAIT_SECONDS: f64 = 120.0;
const DEFAULT_WAIT_SECONDS: f64 = 10.0;
/// So many messages are shown when a wait ends in vain.
const SHOWN_IN_VAIN: usize = 10;

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.clamp(0.0, MAX_WAIT_SECONDS)).unwrap_or_default()
}

/// From where on.
#[derive(Debug, Deserialize)]
pub struct After {
    after: Option<u64>,
    #[serde(default)]
    wait: f64,
}

/// `GET /sim/people/{id}/chat`
pub async fn chat(
    State(world): State<Shared>,
    Path(id): Path<i64>,
    Params(query): Params<After>,
) -> SimResult {
    let chat = find(&world, id)?;
    let deadline = Instant::now() + seconds(query.wait);
    let mut changes = chat.subscribe();
    let mut stopping = world.stopping.subscribe();
    let after = query.after.unwrap_or(0);
    loop {
        changes.mark_unchanged();
        let rev = chat.with(|state| state.rev);
        // A revision from the future comes from before a reset: everything is new then.
        if rev != after || query.after.is_none() {
            let after = if rev < after { 0 } else { after };
            return Ok(Json(chat.with(|state| view(&world, state, after))));
        }
        let change = async {
            tokio::select! {
                changed = changes.changed() => changed.is_ok(),
                _ = stopping.wait_for(|stop| *stop) => false,
            }
        };
        if !timeout_at(deadline, change).await.unwrap_or(false) {
            return Ok(Json(chat.with(|state| view(&world, state, after))));
        }
    }
}

/// What changed in a chat after a revision; called with the chat's lock held.
pub fn view(world: &World, state: &ChatState, after: u64) -> Value {
    let messages: Vec<Value> = state
        .messages
        .iter()
        .filter(|message| message.rev > after)
        .map(Message::view)
        .collect();
    let toasts: Vec<_> = state
        .toasts
        .iter()
        .filter(|toast| toast.rev > after)
        .collect();
    let typing = state
        .typing
        .as_ref()
        .filter(|(_, until)| *until > clock::real_ms());
    json!({
        "rev": state.rev, "messages": messages, "toasts": toasts,
        "typing": typing.map(|(action, until)| json!({"action": action, "until_ms": until})),
        "reply_keyboard": state.reply_keyboard,
        "waiting": world.queries.unanswered_of(state.person.id, world.limits.callback_time()),
        "person": {"id": state.person.id, "blocked": state.blocked, "deactivated": state.deactivated, "opened": state.opened},
    })
}

/// What is waited for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    person: i64,
    #[serde(default)]
    after: u64,
    #[serde(default)]
    after_message: i64,
    text: Option<String>,
    document: Option<String>,
    photo: Option<String>,
    button: Option<String>,
    timeout: Option<f64>,
}

impl Wanted {
    fn fits(&self, message: &Message) -> bool {
        let document = match (&self.document, &message.content) {
            (None, _) => true,
            (Some(name), Content::Document(file)) => file.file_name.contains(name.as_str()),
            _ => false,
        };
        let photo = self.photo.is_none() || matches!(message.content, Content::Photo(_));
        let label = |wanted: &str| {
            message.all_buttons().any(|(_, _, button)| {
                button["text"]
                    .as_str()
                    .is_some_and(|text| text.contains(wanted))
            })
        };
        message.from_bot
            && !message.deleted
            && message.rev > self.after
            && message.id > self.after_message
            && document
            && photo
            && self
                .text
                .as_ref()
                .is_none_or(|text| message.text.contains(text.as_str()))
            && self.button.as_deref().is_none_or(label)
    }
}

/// `GET /sim/chat/wait`
pub async fn wait(State(world): State<Shared>, Params(wanted): Params<Wanted>) -> SimResult {
    let chat = find(&world, wanted.person)?;
    let deadline = Instant::now() + seconds(wanted.timeout.unwrap_or(DEFAULT_WAIT_SECONDS));
    let mut changes = chat.subscribe();
    loop {
        changes.mark_unchanged();
        let found = chat.with(|state| {
            let found = state
                .messages
                .iter()
                .filter(|message| wanted.fits(message))
                .max_by_key(|message| message.rev);
            found.map(|message| json!({"rev": state.rev, "message": message.view()}))
        });
        if let Some(found) = found {
            return Ok(Json(found));
        }
        if !timeout_at(deadline, changes.changed())
            .await
            .is_ok_and(|changed| changed.is_ok())
        {
            break;
        }
    }
    let (rev, last) = chat.with(|state| {
        let skip = state.messages.len().saturating_sub(SHOWN_IN_VAIN);
        (
            state.rev,
            state
                .messages
                .iter()
                .skip(skip)
                .map(Message::view)
                .collect::<Vec<_>>(),
        )
    });
    let body = json!({"error": "no such message came in time", "rev": rev, "messages": last});
    Err(SimError(StatusCode::NOT_FOUND, body))
}
