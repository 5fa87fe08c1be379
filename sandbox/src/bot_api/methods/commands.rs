//! Commands, descriptions, the menu button.

use serde_json::Value;
use serde_json::json;

use super::Call;
use crate::bot_api::done;
use crate::bot_api::error::ApiError;
use crate::bot_api::result;
use crate::text::utf16_len;
use crate::world::lock;
use crate::world::profile::Profile;

const MAX_COMMANDS: usize = 100;
const MAX_COMMAND: usize = 32;
const MAX_COMMAND_DESCRIPTION: usize = 256;
const MAX_DESCRIPTION: usize = 512;
const MAX_SHORT_DESCRIPTION: usize = 120;

fn scope(call: &Call<'_>) -> Value {
    call.arguments
        .get("scope")
        .cloned()
        .unwrap_or_else(|| json!({"type": "default"}))
}

/// Two lower-case letters, or empty.
fn language(call: &Call<'_>) -> Result<String, ApiError> {
    let code = call.arguments.text("language_code").unwrap_or_default();
    if code.is_empty() || (code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_lowercase())) {
        return Ok(code.to_owned());
    }
    Err(ApiError::bad("invalid language code specified"))
}

/// `setMyCommands`
pub fn set(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let commands = call
        .arguments
        .get("commands")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    if commands.len() > MAX_COMMANDS {
        return Err(ApiError::bad("BOT_COMMANDS_TOO_MUCH"));
    }
    let mut stored = Vec::with_capacity(commands.len());
    for entry in &commands {
        // Telegram takes a leading slash off.
        let name = entry["command"]
            .as_str()
            .unwrap_or_default()
            .trim_start_matches('/');
        let description = entry["description"].as_str().unwrap_or_default().trim();
        let letters = name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if name.is_empty() || name.len() > MAX_COMMAND || !letters {
            return Err(ApiError::bad("BOT_COMMAND_INVALID"));
        }
        if description.is_empty() || utf16_len(description) > MAX_COMMAND_DESCRIPTION {
            return Err(ApiError::bad("BOT_COMMAND_DESCRIPTION_INVALID"));
        }
        stored.push(json!({"command": name, "description": description}));
    }
    let language = language(call)?;
    lock(&call.world.profile).set_commands(scope(call), language, stored);
    call.world.touch();
    done()
}

/// `getMyCommands`
pub fn get(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let language = language(call)?;
    result(&lock(&call.world.profile).commands_of(&scope(call), &language))
}

/// `deleteMyCommands`
pub fn delete(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let language = language(call)?;
    lock(&call.world.profile).set_commands(scope(call), language, Vec::new());
    call.world.touch();
    done()
}

/// `setMyDescription`
pub fn set_description(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let language = language(call)?;
    let text = call.arguments.text("description").unwrap_or_default();
    if utf16_len(text) > MAX_DESCRIPTION {
        return Err(ApiError::bad("description is too long"));
    }
    Profile::set_text(&mut lock(&call.world.profile).description, &language, text);
    call.world.touch();
    done()
}

/// `setMyShortDescription`
pub fn set_short_description(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let language = language(call)?;
    let text = call.arguments.text("short_description").unwrap_or_default();
    if utf16_len(text) > MAX_SHORT_DESCRIPTION {
        return Err(ApiError::bad("short description is too long"));
    }
    Profile::set_text(
        &mut lock(&call.world.profile).short_description,
        &language,
        text,
    );
    call.world.touch();
    done()
}

/// `setChatMenuButton`
pub fn set_menu_button(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let chat = match call.arguments.get("chat_id") {
        Some(_) => call.chat()?.id,
        None => 0,
    };
    let button = call
        .arguments
        .get("menu_button")
        .cloned()
        .unwrap_or_else(|| json!({"type": "default"}));
    lock(&call.world.profile).menu_buttons.insert(chat, button);
    call.world.touch();
    done()
}
