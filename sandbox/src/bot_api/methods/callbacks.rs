//! Answering presses of buttons.

use serde_json::json;

use super::Call;
use crate::bot_api::done;
use crate::bot_api::error::ApiError;
use crate::text::utf16_len;
use crate::world::chat::Toast;

/// The longest answer.
const MAX_ANSWER: usize = 200;

/// `answerCallbackQuery`
pub fn answer(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let world = call.world;
    let id = call.arguments.text("callback_query_id").unwrap_or_default();
    let text = call.arguments.filled("text");
    let url = call.arguments.filled("url");
    let alert = call.arguments.flag("show_alert");
    if text.is_some_and(|text| utf16_len(text) > MAX_ANSWER) {
        return Err(ApiError::bad("MESSAGE_TOO_LONG"));
    }
    // Only a game's link or one to the bot itself may be opened.
    if let Some(url) = url
        && !url.starts_with(&format!("https://t.me/{}?", world.settings.username))
        && !url.starts_with(&format!("tg://resolve?domain={}", world.settings.username))
    {
        return Err(ApiError::bad("URL_INVALID"));
    }
    let content = json!({"text": text, "show_alert": alert, "url": url});
    let too_old =
        || ApiError::bad("query is too old and response timeout expired or query ID is invalid");
    let query = world
        .queries
        .answer(id, content, world.limits.callback_time())
        .ok_or_else(too_old)?;
    if let Some(chat) = world.chats.get(query.person) {
        chat.with(|state| {
            if text.is_none() && url.is_none() {
                state.bump();
                return;
            }
            state.replied(call.received);
            state.toast(Toast {
                rev: 0,
                callback_query_id: id.to_owned(),
                message_id: query.message_id,
                text: text.unwrap_or_default().to_owned(),
                alert,
                url: url.map(str::to_owned),
                date: world.clock.now(),
            });
        });
        world.touch();
    }
    done()
}
