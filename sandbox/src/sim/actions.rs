//! What people send.

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

use super::Body;
use super::SimError;
use super::SimResult;
use super::find;
use crate::bot_api::methods::formatting::MAX_TEXT;
use crate::bot_api::methods::messages::from_person;
use crate::bot_api::methods::messages::other;
use crate::text;
use crate::text::find as entities;
use crate::world::Chat;
use crate::world::ChatState;
use crate::world::Content;
use crate::world::Message;
use crate::world::Shared;
use crate::world::World;

/// What came of an action.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// `None` when the bot does not want such updates.
    pub update_id: Option<i64>,
    /// The new or changed message.
    pub message_id: i64,
    /// The chat's revision after it.
    pub rev: u64,
}

impl Sent {
    fn view(self) -> Json<serde_json::Value> {
        Json(json!({"update_id": self.update_id, "message_id": self.message_id, "rev": self.rev}))
    }
}

fn may_act(state: &ChatState) -> Result<(), SimError> {
    if state.deactivated {
        return Err(SimError::conflict("the account is deactivated"));
    }
    if state.blocked {
        return Err(SimError::conflict(
            "the person blocked the bot, unblock it first",
        ));
    }
    Ok(())
}

/// A message from a person, with its update.
pub fn post(
    world: &World,
    chat: &Chat,
    mut message: Message,
    reply_to: Option<i64>,
) -> Result<Sent, SimError> {
    let sent = chat.with(|state| {
        may_act(state)?;
        state.opened = true;
        let person = state.person.clone();
        let answered = reply_to
            .and_then(|id| state.message(id))
            .map(|answered| answered.api(&person, &world.bot_user));
        message.reply_to = answered.as_ref().and(reply_to);
        let message = state.append(message);
        let message_id = message.id;
        let mut content = message.api(&person, &world.bot_user);
        if let Some(answered) = answered {
            content["reply_to_message"] = answered;
        }
        let update_id = world.push_update("message", chat.id, &content);
        Ok(Sent {
            update_id,
            message_id,
            rev: state.rev,
        })
    })?;
    world.touch();
    Ok(sent)
}

/// A text from a person, as one message.
pub fn post_text(
    world: &World,
    chat: &Chat,
    text: &str,
    reply_to: Option<i64>,
) -> Result<Sent, SimError> {
    let text = text.trim();
    let found = entities::complete(text, Vec::new());
    post(
        world,
        chat,
        Message::new(
            false,
            world.clock.now(),
            text.to_owned(),
            found,
            Content::Text,
        ),
        reply_to,
    )
}

/// Body of a text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    text: String,
    reply_to: Option<i64>,
}

/// `POST /sim/people/{id}/send`
pub async fn send(
    State(world): State<Shared>,
    Path(id): Path<i64>,
    Body(body): Body<Text>,
) -> SimResult {
    let chat = find(&world, id)?;
    let mut sent = Vec::new();
    for part in text::split(&body.text, MAX_TEXT)
        .iter()
        .filter(|part| !part.trim().is_empty())
    {
        sent.push(post_text(&world, &chat, part, body.reply_to)?);
    }
    let last = *sent
        .last()
        .ok_or_else(|| SimError::bad("the text is empty"))?;
    let Json(mut view) = last.view();
    if sent.len() > 1 {
        view["message_ids"] = sent.iter().map(|sent| sent.message_id).collect();
        view["update_ids"] = json!(sent.iter().map(|sent| sent.update_id).collect::<Vec<_>>());
    }
    Ok(Json(view))
}

/// Body of an edit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    message_id: i64,
    text: String,
}

/// `POST /sim/people/{id}/edited_message`
pub async fn edited_message(
    State(world): State<Shared>,
    Path(id): Path<i64>,
    Body(body): Body<Edit>,
) -> SimResult {
    let chat = find(&world, id)?;
    let sent = chat.with(|state| {
        may_act(state)?;
        let person = state.person.clone();
        let rev = state.rev + 1;
        let message = state
            .message_mut(body.message_id)
            .filter(|message| !message.from_bot);
        let message =
            message.ok_or_else(|| SimError::conflict("this is no message of this person"))?;
        message.text = body.text.trim().to_owned();
        message.entities = entities::complete(&message.text, Vec::new());
        message.edit_date = Some(world.clock.now());
        message.rev = rev;
        let content = message.api(&person, &world.bot_user);
        state.bump();
        let update_id = world.push_update("edited_message", id, &content);
        Ok(Sent {
            update_id,
            message_id: body.message_id,
            rev,
        })
    })?;
    Ok(sent.view())
}

/// Body of a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    file_name: Option<String>,
    base64: String,
    mime: Option<String>,
    #[serde(default)]
    caption: String,
}

fn post_file(world: &Shared, id: i64, body: &File, is_photo: bool) -> SimResult {
    let chat = find(world, id)?;
    let bytes = STANDARD
        .decode(&body.base64)
        .map_err(|error| SimError::bad(format!("base64: {error}")))?;
    let name = body
        .file_name
        .as_deref()
        .unwrap_or(if is_photo { "photo.jpg" } else { "file" });
    let file = from_person(&world.files, is_photo, name, body.mime.as_deref(), bytes);
    let file = file.ok_or_else(|| SimError::bad("the photo is neither PNG nor JPEG"))?;
    let content = if is_photo {
        Content::Photo(file)
    } else {
        Content::Document(file)
    };
    let caption = body.caption.trim().to_owned();
    let found = entities::complete(&caption, Vec::new());
    let sent = post(
        world,
        &chat,
        Message::new(false, world.clock.now(), caption, found, content),
        None,
    )?;
    Ok(sent.view())
}

/// `POST /sim/people/{id}/send_document`
pub async fn send_document(
    State(world): State<Shared>,
    Path(id): Path<i64>,
    Body(body): Body<File>,
) -> SimResult {
    post_file(&world, id, &body, false)
}

/// `POST /sim/people/{id}/send_photo`
pub async fn send_photo(
    State(world): State<Shared>,
    Path(id): Path<i64>,
    Body(body): Body<File>,
) -> SimResult {
    post_file(&world, id, &body, true)
}

fn post_other(world: &Shared, id: i64, field: &str, value: serde_json::Value) -> SimResult {
    let chat = find(world, id)?;
    let message = Message::new(
        false,
        world.clock.now(),
        String::new(),
        Vec::new(),
        other(field, value),
    );
    Ok(post(world, &chat, message, None)?.view())
}

/// Body of a sticker.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sticker {
    emoji: Option<String>,
}

/// `POST /sim/people/{id}/sticker`
pub async fn sticker(
    State(world): State<Shared>,
    Path(id): Path<i64>,
    Body(body): Body<Sticker>,
) -> SimResult {
    let emoji = body.emoji.unwrap_or_else(|| "👍".to_owned());
    let value = json!({"file_id": "CAACsandboxsticker", "file_unique_id": "AQsandboxsticker", "type": "regular", "width": 512,
        "height": 512, "is_animated": false, "is_video": false, "emoji": emoji});
    post_other(&world, id, "sticker", value)
}

/// Body of a location.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Location {
    latitude: f64,
    longitude: f64,
}

/// `POST /sim/people/{id}/location`
pub async fn location(
    State(world): State<Shared>,
    Path(id): Path<i64>,
    Body(body): Body<Location>,
) -> SimResult {
    post_other(
        &world,
        id,
        "location",
        json!({"latitude": body.latitude, "longitude": body.longitude}),
    )
}

/// Body of a contact.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    phone_number: String,
}

/// `POST /sim/people/{id}/contact`
pub async fn contact(
    State(world): State<Shared>,
    Path(id): Path<i64>,
    Body(body): Body<Contact>,
) -> SimResult {
    let name = find(&world, id)?.with(|state| state.person.first_name.clone());
    post_other(
        &world,
        id,
        "contact",
        json!({"phone_number": body.phone_number, "first_name": name, "user_id": id}),
    )
}
