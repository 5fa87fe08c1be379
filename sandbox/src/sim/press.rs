//! Pressing buttons and paying.

use std::time::Duration;
use std::time::Instant;

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;
use tokio::time::timeout;

use super::Body;
use super::SimError;
use super::SimResult;
use super::actions::post_text;
use super::find;
use crate::world::Chat;
use crate::world::Content;
use crate::world::Message;
use crate::world::Shared;
use crate::world::World;
use crate::world::lock;
use crate::world::payments::PreCheckout;

const MAX_WAIT_SECONDS: f64 = 120.0;

/// Which button.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Press {
    message_id: Option<i64>,
    data: Option<String>,
    text: Option<String>,
    row: Option<usize>,
    col: Option<usize>,
    #[serde(default)]
    force: bool,
    of: Option<i64>,
    wait: Option<f64>,
}

/// `POST /sim/people/{id}/press`
pub async fn press(
    State(world): State<Shared>,
    Path(id): Path<i64>,
    Body(press): Body<Press>,
) -> SimResult {
    let chat = find(&world, id)?;
    if press.force {
        let content = forged(&world, &chat, &press)?;
        return answered(&world, &chat, content, press.wait).await;
    }
    let (message_id, button) = chat.with(|state| {
        let newest = || state.newest_keyboard();
        let message = match press.message_id {
            Some(id) => state.message(id),
            None => newest(),
        };
        let message = message.ok_or_else(|| SimError::conflict("there is no such message"))?;
        choose(message, &press).map(|button| (message.id, button))
    })?;
    if let Some(data) = button["callback_data"].as_str() {
        let pressed = callback(&world, &chat, id, Some(message_id), data)?;
        return answered(&world, &chat, pressed, press.wait).await;
    }
    if button["pay"] == true {
        let (query, update_id) = ask(
            &world,
            &chat,
            &Pay {
                message_id,
                total_amount: None,
                invoice_payload: None,
                currency: None,
            },
            true,
        )?;
        return Ok(Json(
            json!({"kind": "pay", "pre_checkout_query_id": query, "update_id": update_id}),
        ));
    }
    if let Some(text) = button["copy_text"]["text"].as_str() {
        return Ok(Json(json!({"kind": "copy", "copy": text})));
    }
    let url = button["url"]
        .as_str()
        .or_else(|| button["web_app"]["url"].as_str());
    if let Some(url) = url {
        let kind = if button["url"].is_null() {
            "web_app"
        } else {
            "url"
        };
        return Ok(Json(json!({"kind": kind, "url": url})));
    }
    Ok(Json(json!({"kind": "other", "button": button})))
}

/// Finds the button among those on the message now.
fn choose(message: &Message, press: &Press) -> Result<Value, SimError> {
    let label = |button: &Value| button["text"].as_str().unwrap_or_default().to_owned();
    let all: Vec<(usize, usize, Value)> = message.all_buttons().collect();
    let labels = || {
        all.iter()
            .map(|(_, _, button)| label(button))
            .collect::<Vec<_>>()
            .join(" | ")
    };
    let found = if let Some(data) = &press.data {
        all.iter()
            .find(|(_, _, button)| button["callback_data"] == **data)
    } else if let Some(text) = &press.text {
        let exact = all.iter().find(|(_, _, button)| label(button) == *text);
        let mut containing = all
            .iter()
            .filter(|(_, _, button)| label(button).contains(text.as_str()));
        let first = containing.next();
        exact.or(first.filter(|_| containing.next().is_none()))
    } else if let (Some(row), Some(column)) = (press.row, press.col) {
        all.iter().find(|(r, c, _)| (*r, *c) == (row, column))
    } else {
        return Err(SimError::bad(
            "name the button by data, text, or row and col",
        ));
    };
    let found = found.map(|(_, _, button)| button.clone());
    found.ok_or_else(|| {
        SimError::conflict(format!(
            "message {} has no such button now; it has: {}",
            message.id,
            labels()
        ))
    })
}

/// Queues a callback query; the message is sought in the chat of `of`.
pub fn callback(
    world: &World,
    chat: &Chat,
    of: i64,
    message_id: Option<i64>,
    data: &str,
) -> Result<Value, SimError> {
    let owner = if of == chat.id {
        None
    } else {
        world.chats.get(of)
    };
    // Another person's message is read first, so that two chats are never locked at once.
    let shown = |state: &crate::world::ChatState| {
        let id = message_id.unwrap_or_default();
        let found = state
            .message(id)
            .map(|message| message.api(&state.person, &world.bot_user));
        found.unwrap_or_else(|| json!({"chat": state.person.chat(), "message_id": id, "date": 0}))
    };
    let foreign = owner.map(|owner| owner.with(|state| shown(state)));
    chat.with(|state| {
        if state.blocked || state.deactivated {
            return Err(SimError::conflict("the person blocked the bot or is deactivated"));
        }
        let message = foreign.unwrap_or_else(|| shown(state));
        let id = world.queries.next_id();
        world.queries.insert(id, chat.id, message_id.unwrap_or_default(), data);
        let instance = format!("{}", state.person.id.wrapping_mul(7919));
        let content = json!({"id": id.to_string(), "from": state.person.user(), "message": message, "chat_instance": instance, "data": data});
        let update_id = world.push_update("callback_query", chat.id, &content);
        Ok(json!({"kind": "callback", "update_id": update_id, "callback_query_id": id.to_string(), "message_id": message_id, "rev": state.rev}))
    })
}

fn forged(world: &World, chat: &Chat, press: &Press) -> Result<Value, SimError> {
    let data = press
        .data
        .as_deref()
        .ok_or_else(|| SimError::bad("force needs data"))?;
    let newest = || chat.with(|state| state.newest_keyboard().map(|message| message.id));
    let message_id = press.message_id.or_else(newest);
    callback(world, chat, press.of.unwrap_or(chat.id), message_id, data)
}

/// Waits for the answer, if asked to.
async fn answered(world: &World, chat: &Chat, mut pressed: Value, wait: Option<f64>) -> SimResult {
    let Some(seconds) = wait else {
        return Ok(Json(pressed));
    };
    let id = pressed["callback_query_id"]
        .as_str()
        .and_then(|id| id.parse().ok())
        .unwrap_or_default();
    let mut changes = chat.subscribe();
    let answer = async {
        loop {
            changes.mark_unchanged();
            if let Some(answer) = world.queries.answer_of(id) {
                return answer;
            }
            if changes.changed().await.is_err() {
                return Value::Null;
            }
        }
    };
    let limit =
        Duration::try_from_secs_f64(seconds.clamp(0.0, MAX_WAIT_SECONDS)).unwrap_or_default();
    pressed["answer"] = timeout(limit, answer).await.unwrap_or(Value::Null);
    Ok(Json(pressed))
}

/// Which invoice, and what a forger says about it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pay {
    message_id: i64,
    total_amount: Option<i64>,
    invoice_payload: Option<String>,
    currency: Option<String>,
}

/// `POST /sim/people/{id}/pay`
pub async fn pay(
    State(world): State<Shared>,
    Path(id): Path<i64>,
    Body(body): Body<Pay>,
) -> SimResult {
    let chat = find(&world, id)?;
    let (query, update_id) = ask(&world, &chat, &body, true)?;
    Ok(Json(
        json!({"kind": "pay", "pre_checkout_query_id": query, "update_id": update_id}),
    ))
}

/// `POST /sim/people/{id}/pre_checkout`
pub async fn pre_checkout(
    State(world): State<Shared>,
    Path(id): Path<i64>,
    Body(body): Body<Pay>,
) -> SimResult {
    let chat = find(&world, id)?;
    let (query, update_id) = ask(&world, &chat, &body, false)?;
    Ok(Json(
        json!({"kind": "pay", "pre_checkout_query_id": query, "update_id": update_id}),
    ))
}

fn ask(
    world: &World,
    chat: &Chat,
    body: &Pay,
    pays: bool,
) -> Result<(String, Option<i64>), SimError> {
    chat.with(|state| {
        let message = state.message(body.message_id);
        let invoice = message.and_then(|message| match &message.content {
            Content::Other { field, value, hidden } if field == "invoice" => Some((value.clone(), hidden.clone())),
            _ => None,
        });
        let (invoice, payload) = invoice.ok_or_else(|| SimError::conflict("this message is no invoice"))?;
        let amount = body.total_amount.or(invoice["total_amount"].as_i64()).unwrap_or_default();
        let payload = body.invoice_payload.clone().or(payload).unwrap_or_default();
        let currency = body.currency.as_deref().unwrap_or("XTR");
        let query = world.queries.next_id().to_string();
        let pending = PreCheckout { person: chat.id, amount, payload: payload.clone(), at: Instant::now(), pays };
        lock(&world.payments).pending.insert(query.clone(), pending);
        let content = json!({"id": query, "from": state.person.user(), "currency": currency, "total_amount": amount, "invoice_payload": payload});
        let update_id = world.push_update("pre_checkout_query", chat.id, &content);
        Ok((query, update_id))
    })
}

/// Presses a random callback button of the newest message, or sends a text: a step of the load generator. What was done: the
/// button's data, or the text.
pub fn step(
    world: &World,
    chat: &Chat,
    dice: u64,
    text: Option<&str>,
    never: &[String],
) -> Result<Stepped, SimError> {
    let pressed = if text.is_some() {
        None
    } else {
        chat.with(|state| {
            let newest = state.newest_keyboard()?;
            let data: Vec<String> = newest
                .all_buttons()
                .filter_map(|(_, _, button)| button["callback_data"].as_str().map(str::to_owned))
                .filter(|data| !never.contains(data))
                .collect();
            let count = u64::try_from(data.len()).ok().filter(|count| *count > 0)?;
            let index = usize::try_from(dice % count).ok()?;
            Some((newest.id, data[index].clone()))
        })
    };
    match pressed {
        Some((message_id, data)) => {
            callback(world, chat, chat.id, Some(message_id), &data).map(|_| Stepped::Pressed(data))
        }
        None => {
            let text = text.unwrap_or("/start");
            post_text(world, chat, text, None).map(|_| Stepped::Sent(text.to_owned()))
        }
    }
}

/// What a step of the load generator did.
pub enum Stepped {
    /// Pressed the button with this data.
    Pressed(String),
    /// Sent this text.
    Sent(String),
}
