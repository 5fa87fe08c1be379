//! Renders outbox rows and hands them to Telegram.
//!
//! A screen takes the place of the message whose button was pressed only while that message still shows the chat's current
//! screen and can be edited; in every other case it is a new message, so that an answer never appears far up the chat.

use crate::telegram::api::{Api, ApiError, Method};
use crate::telegram::data::DataError;
use crate::telegram::html::Html;
use crate::telegram::keyboard::Keyboard;
use crate::telegram::render::{Notice, Reader, Rendered, Renderer};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use teloxide::payloads::{
    AnswerCallbackQuery, AnswerCallbackQuerySetters as _, AnswerPreCheckoutQuery, AnswerPreCheckoutQuerySetters as _,
    DeleteMessage, EditMessageText, EditMessageTextSetters as _, SendMessage, SendMessageSetters as _,
};
use teloxide::types::{
    CallbackQueryId, ChatId, LinkPreviewOptions, MessageId, ParseMode, PreCheckoutQueryId, ReplyMarkup,
};
use usipipo_actors::domain::ids::UserId;
use usipipo_actors::domain::outgoing::{Body, OutboxMessage, Place, Toast};
use usipipo_actors::domain::screen::Screen;
use usipipo_actors::domain::service::Addresses;
use usipipo_actors::model::TunnelConfig;
use usipipo_actors::ports::clock::Clock;
use usipipo_actors::ports::messenger::{Delivered, Messenger, SendError};

mod announce;
mod config;

/// Messages older than this are not edited; Telegram sets the limit at 48 h for some of them.
const EDIT_WITHIN: TimeDelta = TimeDelta::hours(47);
/// A pre-checkout query must be answered within ten seconds; if the reader's language is not known by then, the default
/// one has to do.
const LANGUAGE_WAIT: Duration = Duration::from_secs(1);

/// Writes a tunnel's config in wg-quick's format.
pub type WriteConfig = fn(Addresses, &TunnelConfig) -> SecretString;

/// The outbox's way to Telegram.
pub struct TelegramMessenger {
    api: Arc<Api>,
    renderer: Renderer,
    clock: Arc<dyn Clock>,
    write_config: WriteConfig,
}

/// What is read of a message that Telegram took.
#[derive(Debug, Deserialize)]
struct Sent {
    message_id: i32,
}

const fn nothing_sent() -> Delivered {
    Delivered { message_id: None, screen: None }
}

fn sent(answer: Option<Sent>) -> Delivered {
    Delivered { message_id: answer.map(|sent| sent.message_id), screen: None }
}

impl TelegramMessenger {
    /// A messenger on this client.
    #[must_use]
    pub fn new(api: Arc<Api>, renderer: Renderer, clock: Arc<dyn Clock>, write_config: WriteConfig) -> Self {
        Self { api, renderer, clock, write_config }
    }

    /// Stops the button's spinning. Its failure is nobody's loss, unless it was all there was to do.
    async fn answer_press(&self, message: &OutboxMessage) -> Result<(), SendError> {
        let Some(callback_id) = &message.content.callback_id else {
            return Ok(());
        };
        let mut payload = AnswerCallbackQuery::new(CallbackQueryId(callback_id.clone()));
        if let Some(toast) = message.content.toast {
            let words = self.reader(message.chat).await?.words;
            payload = payload.text(match toast {
                Toast::AlreadyDone => words.toast_already_done(),
                Toast::Saved => words.toast_saved(),
            });
        }
        match self.api.call::<bool>(Method::AnswerCallbackQuery, &payload).await {
            // "query is too old", or it was answered before.
            Ok(_) | Err(ApiError::Refused(_)) => Ok(()),
            Err(error) => Err(send_error(message.chat, error)),
        }
    }

    async fn reader(&self, chat: UserId) -> Result<Reader, SendError> {
        self.renderer.reader(chat).await.map_err(render_error)
    }

    async fn deliver_body(&self, chat: UserId, body: &Body) -> Result<Delivered, SendError> {
        let now = self.clock.now();
        match body {
            Body::Screen { screen, place } => {
                let reader = self.reader(chat).await?;
                let rendered = self.renderer.screen(&reader, screen, now).await.map_err(render_error)?;
                self.show(&reader, rendered, *place, now).await
            }
            Body::ConfigFile { service } => self.send_config(chat, *service, false).await,
            Body::ConfigQr { service } => self.send_config(chat, *service, true).await,
            Body::Ended { service } => {
                let reader = self.reader(chat).await?;
                let notice = self.renderer.ended(&reader, *service, now).await.map_err(render_error)?;
                self.notify_if_any(chat, notice).await
            }
            Body::Reminder { service, reminder } => {
                let reader = self.reader(chat).await?;
                let notice = self.renderer.reminder(&reader, *service, *reminder, now).await.map_err(render_error)?;
                self.notify_if_any(chat, notice).await
            }
            Body::QuotaNear { service } => {
                let reader = self.reader(chat).await?;
                let notice = self.renderer.quota_near(&reader, *service, now).await.map_err(render_error)?;
                self.notify_if_any(chat, notice).await
            }
            Body::OverQuota { service } => {
                let reader = self.reader(chat).await?;
                let notice = self.renderer.over_quota(&reader, *service, now).await.map_err(render_error)?;
                self.notify_if_any(chat, notice).await
            }
            Body::Cared { service, change } => {
                let reader = self.reader(chat).await?;
                let notice = self.renderer.cared(&reader, *service, *change, now).await.map_err(render_error)?;
                self.notify_if_any(chat, notice).await
            }
            Body::Alert { alert, resolved } => {
                let reader = self.reader(chat).await?;
                let notice = self.renderer.alert(&reader, *alert, *resolved, now).await.map_err(render_error)?;
                self.notify_if_any(chat, notice).await
            }
            Body::Delete { message_id } => self.delete(chat, *message_id).await,
            Body::RefuseCheckout { query_id } => self.refuse_checkout(chat, query_id).await,
        }
    }

    /// It may be gone already, or Telegram may not let us (it is too old): then it stays.
    async fn delete(&self, chat: UserId, message_id: i32) -> Result<Delivered, SendError> {
        let payload = DeleteMessage::new(ChatId(chat.0), MessageId(message_id));
        match self.api.call::<bool>(Method::DeleteMessage, &payload).await {
            Ok(_) | Err(ApiError::Refused(_)) => Ok(nothing_sent()),
            Err(error) => Err(send_error(chat, error)),
        }
    }

    async fn refuse_checkout(&self, chat: UserId, query_id: &str) -> Result<Delivered, SendError> {
        let reader = match tokio::time::timeout(LANGUAGE_WAIT, self.renderer.reader(chat)).await {
            Ok(Ok(reader)) => reader,
            Ok(Err(_)) | Err(_) => self.renderer.reader_of(chat, None),
        };
        let payload = AnswerPreCheckoutQuery::new(PreCheckoutQueryId(query_id.to_owned()), false)
            .error_message(reader.words.toast_refuse_checkout());
        match self.api.call::<bool>(Method::AnswerPreCheckoutQuery, &payload).await {
            // A query that is too old is refused by its age.
            Ok(_) | Err(ApiError::Refused(_)) => Ok(nothing_sent()),
            Err(error) => Err(send_error(chat, error)),
        }
    }

    /// Shows a screen where it belongs.
    async fn show(
        &self,
        reader: &Reader,
        rendered: Rendered,
        place: Place,
        now: DateTime<Utc>,
    ) -> Result<Delivered, SendError> {
        let Rendered { html, keyboard, shown } = rendered;
        if let Some(message_id) = replaceable(reader, &shown, place, now)
            && self.edit(reader.id, message_id, &html, &keyboard).await?
        {
            return Ok(Delivered { message_id: Some(message_id), screen: Some(shown) });
        }
        let delivered = self.send(reader.id, html, &keyboard).await?;
        Ok(Delivered { screen: Some(shown), ..delivered })
    }

    async fn notify(&self, chat: UserId, notice: Notice) -> Result<Delivered, SendError> {
        self.send(chat, notice.html, &notice.keyboard).await
    }

    /// What is no longer worth saying is as good as sent.
    async fn notify_if_any(&self, chat: UserId, notice: Option<Notice>) -> Result<Delivered, SendError> {
        match notice {
            Some(notice) => self.notify(chat, notice).await,
            None => Ok(nothing_sent()),
        }
    }

    async fn send(&self, chat: UserId, html: Html, keyboard: &Keyboard) -> Result<Delivered, SendError> {
        let payload = SendMessage::new(ChatId(chat.0), html.into_string())
            .parse_mode(ParseMode::Html)
            .link_preview_options(no_preview())
            .reply_markup(ReplyMarkup::InlineKeyboard(keyboard.markup()));
        self.api.call(Method::SendMessage, &payload).await.map(sent).map_err(|error| send_error(chat, error))
    }

    /// `false` when that message can no longer be edited and a new one has to be sent.
    async fn edit(&self, chat: UserId, message_id: i32, html: &Html, keyboard: &Keyboard) -> Result<bool, SendError> {
        let payload = EditMessageText::new(ChatId(chat.0), MessageId(message_id), html.as_str())
            .parse_mode(ParseMode::Html)
            .link_preview_options(no_preview())
            .reply_markup(keyboard.markup());
        match self.api.call::<Sent>(Method::EditMessageText, &payload).await {
            Ok(_) => Ok(true),
            Err(ApiError::Refused(text)) if text.contains("message is not modified") => Ok(true),
            Err(ApiError::Refused(text)) if is_gone(&text) => Ok(false),
            Err(error) => Err(send_error(chat, error)),
        }
    }
}

/// Telegram's words for a message that cannot be edited: deleted, too old, not text, or not ours.
fn is_gone(description: &str) -> bool {
    ["message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID", "no text in the message to edit"]
        .iter()
        .any(|words| description.contains(words))
}

/// The message that the screen may take the place of.
fn replaceable(reader: &Reader, shown: &Screen, place: Place, now: DateTime<Utc>) -> Option<i32> {
    let (current, screen, since) = reader.viewer.as_ref()?.current.as_ref()?;
    let fits = match place {
        Place::New => false,
        Place::Pressed { message_id } => message_id == *current,
        Place::Progress => screen.is_progress() && screen.service() == shown.service(),
    };
    (fits && now - *since < EDIT_WITHIN).then_some(*current)
}

fn no_preview() -> LinkPreviewOptions {
    LinkPreviewOptions {
        is_disabled: true,
        url: None,
        prefer_small_media: false,
        prefer_large_media: false,
        show_above_text: false,
    }
}

fn render_error(error: DataError) -> SendError {
    SendError::Render(error.0)
}

/// What a failed call means for the outbox. Descriptions are Telegram's own words; the content is never logged.
fn send_error(chat: UserId, error: ApiError) -> SendError {
    match error {
        ApiError::RetryAfter(wait) => SendError::RetryAfter(wait),
        ApiError::Unavailable(text) | ApiError::Unreadable(text) => SendError::Unavailable(text),
        // The message is as good as it was once the token is right, or the other process gone.
        ApiError::Unauthorized(_) | ApiError::Conflict(_) => SendError::Unavailable(error.to_string()),
        ApiError::Forbidden(text) => SendError::Unreachable(text),
        ApiError::Refused(text) if is_nobody(&text) => SendError::Unreachable(text),
        ApiError::Refused(text) => {
            tracing::warn!(user = %chat, description = %text, "telegram refused a message");
            SendError::Rejected(text)
        }
    }
}

/// Telegram's words for a chat that does not exist, or exists no more.
fn is_nobody(description: &str) -> bool {
    ["chat not found", "user is deactivated", "user not found", "PEER_ID_INVALID"]
        .iter()
        .any(|words| description.contains(words))
}

#[async_trait]
impl Messenger for TelegramMessenger {
    async fn deliver(&self, message: &OutboxMessage) -> Result<Delivered, SendError> {
        let body = async {
            match &message.content.body {
                Some(body) => Some(self.deliver_body(message.chat, body).await),
                None => None,
            }
        };
        match tokio::join!(self.answer_press(message), body) {
            (_, Some(delivered)) => delivered,
            (pressed, None) => pressed.map(|()| nothing_sent()),
        }
    }

    async fn announce_commands(&self) -> Result<(), SendError> {
        let default = self.renderer.language();
        announce::announce(&self.api, default, self.renderer.staff())
            .await
            .map_err(|error| send_error(UserId(0), error))
    }
}
