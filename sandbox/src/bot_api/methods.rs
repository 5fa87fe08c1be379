//! What each method does.

use std::time::Instant;

use serde_json::json;

use super::done;
use super::error::ApiError;
use super::request::Arguments;
use super::result;
use crate::world::Chat;
use crate::world::ChatState;
use crate::world::Shared;
use crate::world::World;

pub mod callbacks;
pub mod commands;
pub mod edits;
pub mod files;
pub mod formatting;
pub mod keyboard;
pub mod messages;
pub mod payments;
pub mod updates;

/// One call with all that it needs.
pub struct Call<'a> {
    /// The world it changes.
    pub world: &'a World,
    /// Checked parameters.
    pub arguments: &'a Arguments,
    /// When it came in.
    pub received: Instant,
}

/// Runs a method; the result is JSON.
pub async fn call(
    world: &Shared,
    method: &str,
    arguments: &Arguments,
    received: Instant,
) -> Result<Vec<u8>, ApiError> {
    let call = Call {
        world,
        arguments,
        received,
    };
    match method {
        "getUpdates" => updates::get_updates(&call).await,
        "setWebhook" => updates::set_webhook(&call),
        "deleteWebhook" => updates::delete_webhook(&call),
        "getWebhookInfo" => updates::get_webhook_info(&call),
        "getMe" => get_me(world),
        "getChat" => get_chat(&call),
        "logOut" | "close" => done(),
        "sendMessage" => messages::send_message(&call),
        "sendDocument" => messages::send_file(&call, "document"),
        "sendPhoto" => messages::send_file(&call, "photo"),
        "sendChatAction" => messages::send_chat_action(&call),
        "deleteMessage" => messages::delete_message(&call),
        "editMessageText" => edits::text(&call),
        "editMessageCaption" => edits::caption(&call),
        "editMessageReplyMarkup" => edits::reply_markup(&call),
        "answerCallbackQuery" => callbacks::answer(&call),
        "getFile" => files::get_file(&call),
        "setMyCommands" => commands::set(&call),
        "getMyCommands" => commands::get(&call),
        "deleteMyCommands" => commands::delete(&call),
        "setMyDescription" => commands::set_description(&call),
        "setMyShortDescription" => commands::set_short_description(&call),
        "setChatMenuButton" => commands::set_menu_button(&call),
        "sendInvoice" => payments::send_invoice(&call),
        "answerPreCheckoutQuery" => payments::answer_pre_checkout(&call),
        "refundStarPayment" => payments::refund(&call),
        "getStarTransactions" => payments::transactions(&call),
        _ => Err(ApiError::not_found()),
    }
}

impl Call<'_> {
    /// The chat that `chat_id` names.
    pub fn chat(&self) -> Result<std::sync::Arc<Chat>, ApiError> {
        for parameter in [
            "business_connection_id",
            "message_thread_id",
            "direct_messages_topic_id",
        ] {
            if self.arguments.get(parameter).is_some() {
                return Err(ApiError::bad(format!("{parameter} is not simulated")));
            }
        }
        let value = self
            .arguments
            .get("chat_id")
            .ok_or_else(|| ApiError::bad("chat_id is empty"))?;
        let id = match value.as_i64() {
            Some(id) => Some(id),
            None => value
                .as_str()
                .filter(|text| !text.is_empty())
                .map(str::parse)
                .transpose()
                .unwrap_or(None),
        };
        let chat = id.and_then(|id| self.world.chats.get(id));
        chat.ok_or_else(|| ApiError::bad("chat not found"))
    }

    /// The message that `message_id` names.
    pub fn message_id(&self) -> Result<i64, ApiError> {
        let missing = || ApiError::bad("message identifier is not specified");
        self.arguments.integer("message_id").ok_or_else(missing)
    }
}

/// Whether the bot may write to a chat.
pub fn reach(state: &ChatState) -> Result<(), ApiError> {
    if !state.opened {
        return Err(ApiError::bad("chat not found"));
    }
    if state.deactivated {
        return Err(ApiError::forbidden("user is deactivated"));
    }
    if state.blocked {
        return Err(ApiError::forbidden("bot was blocked by the user"));
    }
    Ok(())
}

fn get_me(world: &World) -> Result<Vec<u8>, ApiError> {
    let mut me = world.bot_user.clone();
    for (name, value) in [
        ("can_join_groups", true),
        ("can_read_all_group_messages", false),
        ("supports_inline_queries", false),
        ("can_connect_to_business", false),
        ("has_main_web_app", false),
        ("has_topics_enabled", false),
        ("allows_users_to_create_topics", false),
        ("can_manage_bots", false),
    ] {
        me[name] = json!(value);
    }
    result(&me)
}

fn get_chat(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let chat = call.chat()?;
    let (opened, mut info) = chat.with(|state| (state.opened, state.person.chat()));
    if !opened {
        return Err(ApiError::bad("chat not found"));
    }
    info["accent_color_id"] = json!(0);
    info["max_reaction_count"] = json!(11);
    info["accepted_gift_types"] = json!({"unlimited_gifts": true, "limited_gifts": true, "unique_gifts": true,
        "premium_subscription": true, "gifts_from_channels": true});
    result(&info)
}
