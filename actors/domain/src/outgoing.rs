//! Messages on their way to Telegram, as rows hold them: no key and no personal text lies in them.

use crate::ids::{AlertId, OutboxId, ServiceId, UserId};
use crate::lifecycle::Reminder;
use crate::screen::Screen;
use crate::service::ServiceChange;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What goes first when not everything can be sent at once. Lower is sooner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Priority {
    /// Answers to what a person just did.
    Reply,
    /// What was bought, and money.
    Delivery,
    /// Reminders and alerts.
    Notice,
}

impl Priority {
    /// As stored.
    #[must_use]
    pub const fn as_i16(self) -> i16 {
        match self {
            Self::Reply => 0,
            Self::Delivery => 1,
            Self::Notice => 2,
        }
    }

    /// From storage; anything unknown is a notice.
    #[must_use]
    pub const fn from_i16(value: i16) -> Self {
        match value {
            0 => Self::Reply,
            1 => Self::Delivery,
            _ => Self::Notice,
        }
    }

    /// As metrics label it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Delivery => "delivery",
            Self::Notice => "notice",
        }
    }
}

/// Where a screen appears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// A new message.
    New,
    /// In place of the message whose button was pressed, if it is still the chat's current screen and fresh.
    Pressed {
        /// That message.
        message_id: i32,
    },
    /// In place of the chat's current screen if that shows progress of the same service, else a new message.
    Progress,
}

/// The body of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// A screen.
    Screen {
        /// What to show.
        screen: Screen,
        /// Where.
        place: Place,
    },
    /// The service's config as a file.
    ConfigFile {
        /// Whose.
        service: ServiceId,
    },
    /// The service's config as a picture.
    ConfigQr {
        /// Whose.
        service: ServiceId,
    },
    /// Its time is over.
    Ended {
        /// The service.
        service: ServiceId,
    },
    /// It ends soon.
    Reminder {
        /// The service.
        service: ServiceId,
        /// How soon.
        reminder: Reminder,
    },
    /// Most of its traffic is used.
    QuotaNear {
        /// The service.
        service: ServiceId,
    },
    /// Its traffic is used up.
    OverQuota {
        /// The service.
        service: ServiceId,
    },
    /// An admin changed it.
    Cared {
        /// The service.
        service: ServiceId,
        /// How.
        change: ServiceChange,
    },
    /// To an admin: an alert, or that it is over.
    Alert {
        /// Which.
        alert: AlertId,
        /// It is over.
        resolved: bool,
    },
    /// Takes a message out of the chat, because it holds a secret.
    Delete {
        /// That message.
        message_id: i32,
    },
    /// To a payer whom nothing can be sold to yet: refuses a pre-checkout query.
    RefuseCheckout {
        /// Telegram's id of the query.
        query_id: String,
    },
}

/// A few words over the chat, in answer to a button press.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Toast {
    /// A second tap on what is done or under way already.
    AlreadyDone,
    /// The change is kept.
    Saved,
}

/// One outbox row's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// A button press to answer, so that the button stops spinning.
    pub callback_id: Option<String>,
    /// Words that go with that answer.
    pub toast: Option<Toast>,
    /// What to send besides; `None` when answering the press is all.
    pub body: Option<Body>,
}

impl Outgoing {
    /// A message without a button press.
    #[must_use]
    pub const fn new(body: Body) -> Self {
        Self { callback_id: None, toast: None, body: Some(body) }
    }
}

/// An outbox row that waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxMessage {
    /// Its row.
    pub id: OutboxId,
    /// Private chat, the same number as the user.
    pub chat: UserId,
    /// What goes first.
    pub priority: Priority,
    /// How often it was tried.
    pub attempts: u16,
    /// How long until it may be tried again; zero for one that was not tried before.
    pub wait: Duration,
    /// The content.
    pub content: Outgoing,
}
