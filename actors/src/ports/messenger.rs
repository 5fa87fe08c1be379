//! How the outbox speaks to Telegram.

use async_trait::async_trait;
use std::time::Duration;
use usipipo_domain::outgoing::OutboxMessage;
use usipipo_domain::screen::Screen;

/// A message that Telegram took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The message that now shows the content; `None` when only a button press was answered.
    pub message_id: Option<i32>,
    /// The screen it shows, when it is one that a later answer may replace.
    pub screen: Option<Screen>,
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Too many calls; nothing may be sent before this time has passed.
    #[error("telegram asks to wait {0:?}")]
    RetryAfter(Duration),
    /// No answer, or an error of Telegram's own; trying again may help.
    #[error("telegram does not answer: {0}")]
    Unavailable(String),
    /// The user blocked the bot, is gone, or never opened the chat; nothing can be sent to them now.
    #[error("the user cannot be reached: {0}")]
    Unreachable(String),
    /// Telegram refuses this message; sending it again will not help.
    #[error("telegram refused the message: {0}")]
    Rejected(String),
    /// The rows needed to render it could not be read.
    #[error("the message could not be rendered: {0}")]
    Render(String),
}

/// Renders a row in its user's language and hands it to Telegram.
#[async_trait]
pub trait Messenger: Send + Sync + 'static {
    /// Sends one message. "Not modified" and "query too old" count as delivered; "message to edit not found" becomes a new
    /// message. The caller keeps the order within a chat and the limits of speed.
    async fn deliver(&self, message: &OutboxMessage) -> Result<Delivered, SendError>;

    /// Tells Telegram the commands in every language; done once at start.
    async fn announce_commands(&self) -> Result<(), SendError>;
}
