//! One person's private chat with the bot.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Instant;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use tokio::sync::watch;

use super::Message;
use super::limits::Bucket;
use super::lock;

/// So many messages of a chat are kept.
pub const HISTORY: usize = 500;
/// So many toasts of a chat are kept.
pub const TOASTS: usize = 100;

/// A person who talks to the bot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// User id and id of the private chat.
    pub id: i64,
    /// First name.
    pub first_name: String,
    /// Last name.
    #[serde(default)]
    pub last_name: Option<String>,
    /// User name without the at sign.
    #[serde(default)]
    pub username: Option<String>,
    /// The client's language.
    #[serde(default)]
    pub language_code: Option<String>,
    /// A word for the page.
    #[serde(default)]
    pub label: Option<String>,
}

impl Person {
    /// As a `User` of the Bot API.
    pub fn user(&self) -> Value {
        let mut user = json!({"id": self.id, "is_bot": false, "first_name": self.first_name});
        for (name, value) in [
            ("last_name", &self.last_name),
            ("username", &self.username),
            ("language_code", &self.language_code),
        ] {
            if let Some(value) = value {
                user[name] = json!(value);
            }
        }
        user
    }

    /// As a `Chat` of the Bot API.
    pub fn chat(&self) -> Value {
        let mut chat = json!({"id": self.id, "type": "private", "first_name": self.first_name});
        for (name, value) in [("last_name", &self.last_name), ("username", &self.username)] {
            if let Some(value) = value {
                chat[name] = json!(value);
            }
        }
        chat
    }
}

/// An answer to a callback query, as the client shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Toast {
    /// The chat's revision at which it came.
    pub rev: u64,
    /// The query answered.
    pub callback_query_id: String,
    /// The message whose button was pressed.
    pub message_id: i64,
    /// What is shown.
    pub text: String,
    /// In a box with a button instead of a passing note.
    pub alert: bool,
    /// A link that is opened.
    pub url: Option<String>,
    /// When.
    pub date: i64,
}

/// What changes in a chat.
#[derive(Debug, Serialize, Deserialize)]
pub struct ChatState {
    /// Who it is.
    pub person: Person,
    /// The person wrote at least once.
    pub opened: bool,
    /// The person blocked the bot.
    pub blocked: bool,
    /// The account is gone.
    pub deactivated: bool,
    /// The last message id given.
    pub last_message_id: i64,
    /// Grows with every change.
    pub rev: u64,
    /// By ascending id.
    pub messages: VecDeque<Message>,
    /// By ascending revision.
    pub toasts: VecDeque<Toast>,
    /// Rows of labels below the input field.
    pub reply_keyboard: Option<Vec<Vec<String>>>,
    /// "typing…" and until when, in real milliseconds.
    #[serde(skip)]
    pub typing: Option<(String, i64)>,
    /// The limit of one message a second.
    #[serde(skip)]
    pub bucket: Bucket,
    /// How many messages and edits of the bot there were, and when the last one was asked for.
    #[serde(skip)]
    pub replies: (u64, Option<Instant>),
}

impl ChatState {
    /// An empty chat.
    pub fn new(person: Person) -> Self {
        Self {
            person,
            opened: false,
            blocked: false,
            deactivated: false,
            last_message_id: 0,
            rev: 0,
            messages: VecDeque::new(),
            toasts: VecDeque::new(),
            reply_keyboard: None,
            typing: None,
            bucket: Bucket::default(),
            replies: (0, None),
        }
    }

    /// Marks a change; returns the new revision.
    pub fn bump(&mut self) -> u64 {
        self.rev += 1;
        self.rev
    }

    /// Appends a message, giving it an id and a revision; the oldest one goes when there are too many.
    pub fn append(&mut self, mut message: Message) -> &Message {
        self.last_message_id += 1;
        message.id = self.last_message_id;
        message.rev = self.bump();
        if message.from_bot {
            self.typing = None;
        }
        if self.messages.len() >= HISTORY {
            self.messages.pop_front();
        }
        self.messages.push_back(message);
        &self.messages[self.messages.len() - 1]
    }

    fn index(&self, id: i64) -> Option<usize> {
        self.messages
            .binary_search_by_key(&id, |message| message.id)
            .ok()
    }

    /// A message that is still there.
    pub fn message(&self, id: i64) -> Option<&Message> {
        self.index(id)
            .map(|index| &self.messages[index])
            .filter(|message| !message.deleted)
    }

    /// The same, to change it.
    pub fn message_mut(&mut self, id: i64) -> Option<&mut Message> {
        let index = self.index(id)?;
        Some(&mut self.messages[index]).filter(|message| !message.deleted)
    }

    /// Adds a toast.
    pub fn toast(&mut self, mut toast: Toast) {
        toast.rev = self.bump();
        if self.toasts.len() >= TOASTS {
            self.toasts.pop_front();
        }
        self.toasts.push_back(toast);
    }

    /// Notes that the bot sent or edited, asked at some moment.
    pub fn replied(&mut self, at: Instant) {
        self.replies = (self.replies.0 + 1, Some(at));
    }

    /// The newest message of the bot with buttons.
    pub fn newest_keyboard(&self) -> Option<&Message> {
        self.messages
            .iter()
            .rev()
            .find(|message| !message.deleted && message.from_bot && message.keyboard.is_some())
    }
}

/// A chat with its lock and a signal for those who wait for a change.
#[derive(Debug)]
pub struct Chat {
    /// The person's id.
    pub id: i64,
    state: Mutex<ChatState>,
    rev: watch::Sender<u64>,
}

impl Chat {
    /// Wraps a state.
    pub fn new(state: ChatState) -> Self {
        Self {
            id: state.person.id,
            rev: watch::Sender::new(state.rev),
            state: Mutex::new(state),
        }
    }

    /// Works on the state, then wakes those who wait if it changed.
    pub fn with<T>(&self, work: impl FnOnce(&mut ChatState) -> T) -> T {
        let mut state = lock(&self.state);
        let before = state.rev;
        let result = work(&mut state);
        let after = state.rev;
        drop(state);
        if before != after {
            self.rev.send_modify(|rev| *rev = after.max(*rev));
        }
        result
    }

    /// For waiting for changes: subscribe, look, wait.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.rev.subscribe()
    }
}
