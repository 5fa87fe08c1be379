//! Where updates come from and how they are read.

use async_trait::async_trait;
use std::time::Duration;
use usipipo_domain::dialogue::Event;
use usipipo_domain::ids::UserId;

/// Which way an update goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// To the session of its user.
    Session,
    /// A payment or pre-checkout: never through a session, never shed.
    Payments,
    /// The user blocked or unblocked the bot.
    Membership,
    /// Nothing we act on; kept and counted.
    Ignored,
}

impl Lane {
    /// As stored, and as metrics label it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Payments => "payments",
            Self::Membership => "membership",
            Self::Ignored => "ignored",
        }
    }

    /// From storage; anything unknown is ignored.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "session" => Self::Session,
            "payments" => Self::Payments,
            "membership" => Self::Membership,
            _ => Self::Ignored,
        }
    }
}

/// An update as it came, with what must be known to store and route it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawUpdate {
    /// Telegram's id; `None` when even that could not be read.
    pub update_id: Option<i64>,
    /// Who caused it.
    pub user: Option<UserId>,
    /// Which way it goes.
    pub lane: Lane,
    /// The bytes as received.
    pub raw: Vec<u8>,
}

/// The sender of an update as Telegram describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// First name, never empty in practice.
    pub first_name: String,
    /// Last name.
    pub last_name: Option<String>,
    /// Without the at sign.
    pub username: Option<String>,
    /// IETF tag of their app's language.
    pub language_code: Option<String>,
}

/// A session update, typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserUpdate {
    /// Who.
    pub from: Person,
    /// What they did.
    pub event: Event,
    /// The button press that wants an answer.
    pub callback_id: Option<String>,
    /// The message in which they said it; `None` for a button.
    pub message: Option<i32>,
}

/// A payments update, typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentUpdate {
    /// Wants an answer within ten seconds.
    PreCheckout {
        /// Telegram's id of the query.
        query_id: String,
        /// Who wants to pay.
        user: UserId,
    },
    /// Money came.
    Paid {
        /// Unique at Telegram.
        charge_id: String,
        /// Who paid.
        user: UserId,
    },
    /// Money went back.
    Refunded {
        /// Unique at Telegram.
        charge_id: String,
        /// To whom.
        user: UserId,
    },
}

/// A membership update, typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MembershipUpdate {
    /// Who.
    pub user: UserId,
    /// They blocked the bot (or left); `false` when they came back.
    pub blocked: bool,
}

/// Why an update cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(pub String);

/// Reads raw updates. Any bytes are survived.
pub trait UpdateParser: Send + Sync + 'static {
    /// Finds id, sender and way without understanding the rest.
    fn peek(&self, raw: Vec<u8>) -> RawUpdate;

    /// Reads a [`Lane::Session`] update. `Ok(None)` when it is nothing a person did in a private chat.
    fn session(&self, raw: &[u8]) -> Result<Option<UserUpdate>, ParseError>;

    /// Reads a [`Lane::Payments`] update.
    fn payment(&self, raw: &[u8]) -> Result<PaymentUpdate, ParseError>;

    /// Reads a [`Lane::Membership`] update.
    fn membership(&self, raw: &[u8]) -> Result<MembershipUpdate, ParseError>;
}

/// Why polling failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PollError {
    /// No answer, or an error of Telegram's own.
    #[error("telegram does not answer: {0}")]
    Unavailable(String),
    /// Too many calls.
    #[error("telegram asks to wait {0:?}")]
    RetryAfter(Duration),
    /// Somebody else polls with this token, or a webhook is set.
    #[error("telegram reports a conflict: {0}")]
    Conflict(String),
    /// The token is wrong.
    #[error("telegram refuses the token: {0}")]
    Unauthorized(String),
}

/// Long polling.
#[async_trait]
pub trait UpdateSource: Send + Sync + 'static {
    /// Waits for updates, at most the long-poll time. With `confirm`, everything up to and including that id is confirmed
    /// and will not come again.
    async fn poll(&self, confirm: Option<i64>) -> Result<Vec<Vec<u8>>, PollError>;
}
