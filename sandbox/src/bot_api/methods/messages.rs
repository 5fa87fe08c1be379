//! Sending and deleting.

use axum::body::Bytes;
use serde_json::Value;

use super::Call;
use super::formatting;
use super::keyboard;
use super::keyboard::Markup;
use super::reach;
use crate::bot_api::done;
use crate::bot_api::error::ApiError;
use crate::bot_api::request::Upload;
use crate::bot_api::result;
use crate::clock;
use crate::world::Content;
use crate::world::Message;
use crate::world::files;
use crate::world::message::FileRef;

/// How long "typing…" is shown, in real milliseconds.
const TYPING_MS: i64 = 5000;

const ACTIONS: [&str; 11] = [
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
];

/// `sendMessage`
pub fn send_message(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let (text, entities) = formatting::text(call)?;
    let message = Message::new(true, call.world.clock.now(), text, entities, Content::Text);
    let markup = keyboard::markup(call, false)?;
    deliver(call, message, markup)
}

/// `sendDocument` and `sendPhoto`
pub fn send_file(call: &Call<'_>, parameter: &str) -> Result<Vec<u8>, ApiError> {
    let (text, entities) = formatting::caption(call)?;
    let markup = keyboard::markup(call, false)?;
    // A chat that can't be written to must not cost an upload.
    call.chat()?.with(|state| reach(state))?;
    let is_photo = parameter == "photo";
    let file = match call.arguments.files.get(parameter) {
        Some(upload) => store(call, upload, is_photo)?,
        None => known(call, parameter, is_photo)?,
    };
    let content = if is_photo {
        Content::Photo(file)
    } else {
        Content::Document(file)
    };
    deliver(
        call,
        Message::new(true, call.world.clock.now(), text, entities, content),
        markup,
    )
}

fn store(call: &Call<'_>, upload: &Upload, is_photo: bool) -> Result<FileRef, ApiError> {
    let size = upload.bytes.len();
    if size == 0 {
        return Err(ApiError::bad("file must be non-empty"));
    }
    if size > files::MAX_UPLOAD_BYTES {
        return Err(ApiError::new(413, "Request Entity Too Large"));
    }
    let name = if upload.file_name.is_empty() {
        "file"
    } else {
        &upload.file_name
    };
    let mut picture = (0, 0);
    if is_photo {
        if size > files::MAX_PHOTO_BYTES {
            return Err(ApiError::bad(format!("too big for a photo: {size} bytes")));
        }
        picture = files::picture_size(&upload.bytes)
            .ok_or_else(|| ApiError::bad("IMAGE_PROCESS_FAILED"))?;
        let (width, height) = picture;
        let (long, short) = (width.max(height), width.min(height));
        if short == 0 || u64::from(width) + u64::from(height) > 10_000 || long / short > 20 {
            return Err(ApiError::bad("PHOTO_INVALID_DIMENSIONS"));
        }
    }
    let mime = upload
        .mime
        .as_deref()
        .filter(|mime| *mime != "application/octet-stream");
    let mime = mime.unwrap_or_else(|| files::mime_of(name));
    Ok(call
        .world
        .files
        .add(is_photo, name, mime, picture, upload.bytes.clone()))
}

/// A file sent before, by its id.
fn known(call: &Call<'_>, parameter: &str, is_photo: bool) -> Result<FileRef, ApiError> {
    let id = call
        .arguments
        .filled(parameter)
        .ok_or_else(|| ApiError::bad(format!("there is no {parameter} in the request")))?;
    if id.starts_with("http://") || id.starts_with("https://") {
        return Err(ApiError::bad("failed to get HTTP URL content"));
    }
    let wrong = "wrong remote file identifier specified: can't unserialize it. Wrong last symbol";
    let file = call
        .world
        .files
        .get(id)
        .ok_or_else(|| ApiError::bad(wrong))?;
    if is_photo != (file.file.width > 0) {
        return Err(ApiError::bad(format!(
            "can't use file of another type as {parameter}"
        )));
    }
    Ok(file.file.clone())
}

/// Puts a message in its chat and returns it.
pub fn deliver(call: &Call<'_>, mut message: Message, markup: Markup) -> Result<Vec<u8>, ApiError> {
    let world = call.world;
    let chat = call.chat()?;
    message.protected = call.arguments.flag("protect_content");
    let reply = call.arguments.get("reply_parameters");
    let sent = chat.with(|state| {
        reach(state)?;
        let mut answered = None;
        if let Some(reply) = reply {
            let original = reply["message_id"]
                .as_i64()
                .and_then(|id| state.message(id));
            if original.is_none() && reply["allow_sending_without_reply"] != true {
                return Err(ApiError::bad("message to be replied not found"));
            }
            message.reply_to = original.map(|original| original.id);
            answered = original.map(|original| original.api(&state.person, &world.bot_user));
        }
        world
            .limits
            .take(&mut state.bucket)
            .map_err(ApiError::too_many)?;
        match markup {
            Markup::None => {}
            Markup::Inline(rows) => message.keyboard = rows.map(|rows| rows.to_string()),
            Markup::Reply(labels) => {
                message.fixed = true;
                state.reply_keyboard = Some(labels);
            }
            Markup::Remove => {
                message.fixed = true;
                state.reply_keyboard = None;
            }
            Markup::Force => message.fixed = true,
        }
        state.replied(call.received);
        let person = state.person.clone();
        let mut sent = state.append(message).api(&person, &world.bot_user);
        if let Some(answered) = answered {
            sent["reply_to_message"] = answered;
        }
        Ok(sent)
    })?;
    world.touch();
    result(&sent)
}

/// `deleteMessage`
pub fn delete_message(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let id = call.message_id()?;
    call.chat()?.with(|state| {
        if !state.opened {
            return Err(ApiError::bad("chat not found"));
        }
        let rev = state.rev + 1;
        let message = state
            .message_mut(id)
            .ok_or_else(|| ApiError::bad("message to delete not found"))?;
        message.deleted = true;
        message.text = String::new();
        message.entities = Vec::new();
        message.content = Content::Text;
        message.keyboard = None;
        message.rev = rev;
        state.bump();
        Ok(())
    })?;
    call.world.touch();
    done()
}

/// `sendChatAction`
pub fn send_chat_action(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let action = call.arguments.text("action").unwrap_or_default();
    if !ACTIONS.contains(&action) {
        return Err(ApiError::bad("wrong parameter action in request"));
    }
    call.chat()?.with(|state| {
        reach(state)?;
        state.typing = Some((action.to_owned(), clock::real_ms() + TYPING_MS));
        state.bump();
        Ok(())
    })?;
    done()
}

/// A file from a person, stored as the bot will see it.
pub fn from_person(
    call_files: &files::Files,
    is_photo: bool,
    name: &str,
    mime: Option<&str>,
    bytes: Vec<u8>,
) -> Option<FileRef> {
    let picture = if is_photo {
        files::picture_size(&bytes)?
    } else {
        (0, 0)
    };
    Some(call_files.add(
        is_photo,
        name,
        mime.unwrap_or_else(|| files::mime_of(name)),
        picture,
        Bytes::from(bytes),
    ))
}

/// A field of the Bot API's message as content.
pub fn other(field: &str, value: Value) -> Content {
    Content::Other {
        field: field.to_owned(),
        value,
        hidden: None,
    }
}
