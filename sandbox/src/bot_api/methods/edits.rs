//! Editing.

use super::Call;
use super::formatting;
use super::keyboard;
use super::keyboard::Markup;
use super::reach;
use crate::bot_api::error::ApiError;
use crate::bot_api::result;
use crate::text::Entity;
use crate::world::Content;
use crate::world::Message;

const NOT_MODIFIED: &str = "message is not modified: specified new message content and reply markup are exactly the same \
                            as a current content and reply markup of the message";

/// `editMessageText`
pub fn text(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    if call.arguments.get("rich_message").is_some() {
        return Err(ApiError::bad("rich_message is not simulated"));
    }
    let new = formatting::text(call)?;
    edit(call, Some(new), |message| match message.content {
        Content::Text => Ok(()),
        _ => Err(ApiError::bad("there is no text in the message to edit")),
    })
}

/// `editMessageCaption`
pub fn caption(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let new = formatting::caption(call)?;
    edit(call, Some(new), |message| match message.content {
        Content::Document(_) | Content::Photo(_) => Ok(()),
        _ => Err(ApiError::bad("there is no caption in the message to edit")),
    })
}

/// `editMessageReplyMarkup`
pub fn reply_markup(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    edit(call, None, |_| Ok(()))
}

fn edit(
    call: &Call<'_>,
    new: Option<(String, Vec<Entity>)>,
    fits: impl Fn(&Message) -> Result<(), ApiError>,
) -> Result<Vec<u8>, ApiError> {
    let world = call.world;
    if call.arguments.filled("inline_message_id").is_some() {
        return Err(ApiError::bad("MESSAGE_ID_INVALID"));
    }
    let chat = call.chat()?;
    let id = call.message_id()?;
    let rows: Option<String> = match keyboard::markup(call, false)? {
        Markup::None => None,
        Markup::Inline(rows) => rows.map(|rows| rows.to_string()),
        _ => return Err(ApiError::bad("inline keyboard expected")),
    };
    let edited = chat.with(|state| {
        reach(state)?;
        let message = state
            .message(id)
            .ok_or_else(|| ApiError::bad("message to edit not found"))?;
        if !message.from_bot || message.fixed {
            return Err(ApiError::bad("message can't be edited"));
        }
        fits(message)?;
        let same_text = new
            .as_ref()
            .is_none_or(|(text, entities)| *text == message.text && *entities == message.entities);
        if same_text && rows == message.keyboard {
            // For the load generator this is a reply as well.
            state.replied(call.received);
            state.bump();
            return Err(ApiError::bad(NOT_MODIFIED));
        }
        world
            .limits
            .take(&mut state.bucket)
            .map_err(ApiError::too_many)?;
        state.replied(call.received);
        let rev = state.bump();
        let person = state.person.clone();
        // It was found above, under the same lock.
        let message = state
            .message_mut(id)
            .ok_or_else(|| ApiError::bad("message to edit not found"))?;
        message.rev = rev;
        message.keyboard = rows;
        message.edit_date = Some(world.clock.now());
        if let Some((text, entities)) = new {
            message.text = text;
            message.entities = entities;
        }
        Ok(message.api(&person, &world.bot_user))
    })?;
    world.touch();
    result(&edited)
}
