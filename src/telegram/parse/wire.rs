//! The few fields of an update that we read. Everything optional is read so that a value of another type than expected
//! counts as missing instead of spoiling the rest.

use serde::de::{DeserializeOwned, IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::fmt;
use usipipo_actors::ports::updates::ParseError;

/// Telegram writes UTF-8; bytes that are not are replaced, so that the rest can be read.
pub(super) fn with_text<T>(raw: &[u8], read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    read(&String::from_utf8_lossy(raw))
}

pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, ParseError> {
    serde_json::from_str(text).map_err(|error| ParseError(error.to_string()))
}

/// A value if it is of that type, else nothing.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let raw = Option::<&RawValue>::deserialize(deserializer)?;
    Ok(raw.and_then(|raw| serde_json::from_str(raw.get()).ok()))
}

/// A text that may hold half of a surrogate pair (`"\ud83d"`), which Rust's strings cannot.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }

        fn visit_str<E>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }

        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
            Ok(String::from_utf8_lossy(bytes).into_owned())
        }
    }
    deserializer.deserialize_bytes(Text)
}

#[derive(Deserialize)]
struct AnyText(#[serde(deserialize_with = "text")] String);

fn lenient_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(lenient::<D, AnyText>(deserializer)?.map(|AnyText(text)| text))
}

/// What decides an update's way.
pub(super) struct Outline {
    pub(super) update_id: Option<i64>,
    pub(super) kind: Kind,
    pub(super) from: Option<i64>,
    /// It happened in a private chat.
    pub(super) private: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Message,
    Press,
    Payment,
    Membership,
    Other,
}

impl Outline {
    pub(super) fn read(text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Top<'a> {
            #[serde(default, deserialize_with = "lenient")]
            update_id: Option<i64>,
            #[serde(borrow, default)]
            message: Option<&'a RawValue>,
            #[serde(borrow, default)]
            callback_query: Option<&'a RawValue>,
            #[serde(borrow, default)]
            pre_checkout_query: Option<&'a RawValue>,
            #[serde(borrow, default)]
            my_chat_member: Option<&'a RawValue>,
        }
        #[derive(Deserialize, Default)]
        struct Inner {
            #[serde(default, deserialize_with = "lenient")]
            from: Option<Id>,
            #[serde(default, deserialize_with = "lenient")]
            chat: Option<Chat>,
            #[serde(default)]
            successful_payment: Option<IgnoredAny>,
            #[serde(default)]
            refunded_payment: Option<IgnoredAny>,
        }
        let top: Top<'_> = serde_json::from_str(text).ok()?;
        let (kind, inner) = if let Some(message) = top.message {
            (Kind::Message, message)
        } else if let Some(press) = top.callback_query {
            (Kind::Press, press)
        } else if let Some(query) = top.pre_checkout_query {
            (Kind::Payment, query)
        } else if let Some(member) = top.my_chat_member {
            (Kind::Membership, member)
        } else {
            return Some(Self { update_id: top.update_id, kind: Kind::Other, from: None, private: false });
        };
        let inner: Inner = serde_json::from_str(inner.get()).unwrap_or_default();
        let paid = inner.successful_payment.is_some() || inner.refunded_payment.is_some();
        Some(Self {
            update_id: top.update_id,
            kind: if kind == Kind::Message && paid { Kind::Payment } else { kind },
            from: inner.from.map(|from| from.id),
            private: is_private(inner.chat.as_ref()),
        })
    }
}

#[derive(Deserialize)]
pub(super) struct Id {
    pub(super) id: i64,
}

#[derive(Deserialize)]
struct Chat {
    #[serde(rename = "type", default, deserialize_with = "lenient_text")]
    kind: Option<String>,
}

fn is_private(chat: Option<&Chat>) -> bool {
    chat.is_some_and(|chat| chat.kind.as_deref() == Some("private"))
}

#[derive(Deserialize)]
pub(super) struct From {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) is_bot: bool,
    #[serde(default, deserialize_with = "text")]
    pub(super) first_name: String,
    #[serde(default, deserialize_with = "lenient_text")]
    pub(super) last_name: Option<String>,
    #[serde(default, deserialize_with = "lenient_text")]
    pub(super) username: Option<String>,
    #[serde(default, deserialize_with = "lenient_text")]
    pub(super) language_code: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct SessionUpdate {
    #[serde(default)]
    pub(super) message: Option<Message>,
    #[serde(default)]
    pub(super) callback_query: Option<Press>,
}

#[derive(Deserialize)]
pub(super) struct Message {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) message_id: Option<i32>,
    #[serde(default)]
    pub(super) from: Option<From>,
    #[serde(default, deserialize_with = "lenient")]
    chat: Option<Chat>,
    #[serde(default, deserialize_with = "lenient_text")]
    pub(super) text: Option<String>,
    // Telegram's own notes in a private chat; nobody expects an answer to them.
    #[serde(default)]
    pinned_message: Option<IgnoredAny>,
    #[serde(default)]
    message_auto_delete_timer_changed: Option<IgnoredAny>,
    #[serde(default)]
    write_access_allowed: Option<IgnoredAny>,
    #[serde(default)]
    chat_background_set: Option<IgnoredAny>,
}

impl Message {
    pub(super) fn is_private(&self) -> bool {
        is_private(self.chat.as_ref())
    }

    pub(super) fn is_service(&self) -> bool {
        self.pinned_message.is_some()
            || self.message_auto_delete_timer_changed.is_some()
            || self.write_access_allowed.is_some()
            || self.chat_background_set.is_some()
    }
}

#[derive(Deserialize)]
pub(super) struct Press {
    #[serde(deserialize_with = "text")]
    pub(super) id: String,
    pub(super) from: From,
    #[serde(default, deserialize_with = "lenient_text")]
    pub(super) data: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    message: Option<PressedMessage>,
}

#[derive(Deserialize)]
struct PressedMessage {
    message_id: i32,
    /// Zero for a message that the bot can no longer see (Bot API, `InaccessibleMessage`).
    #[serde(default)]
    date: i64,
}

impl Press {
    pub(super) fn message_id(&self) -> Option<i32> {
        self.message.as_ref().filter(|message| message.date != 0).map(|message| message.message_id)
    }
}

#[derive(Deserialize)]
pub(super) struct PaymentUpdate {
    #[serde(default)]
    pub(super) pre_checkout_query: Option<PreCheckout>,
    #[serde(default)]
    pub(super) message: Option<PaymentMessage>,
}

#[derive(Deserialize)]
pub(super) struct PreCheckout {
    pub(super) id: String,
    pub(super) from: Id,
}

#[derive(Deserialize)]
pub(super) struct PaymentMessage {
    #[serde(default)]
    pub(super) from: Option<Id>,
    #[serde(default)]
    pub(super) successful_payment: Option<Charge>,
    #[serde(default)]
    pub(super) refunded_payment: Option<Charge>,
}

#[derive(Deserialize)]
pub(super) struct Charge {
    #[serde(rename = "telegram_payment_charge_id")]
    pub(super) charge_id: String,
}

#[derive(Deserialize)]
pub(super) struct MembershipUpdate {
    #[serde(default)]
    pub(super) my_chat_member: Option<MemberChange>,
}

#[derive(Deserialize)]
pub(super) struct MemberChange {
    pub(super) from: Id,
    #[serde(default, deserialize_with = "lenient")]
    chat: Option<Chat>,
    new_chat_member: Member,
}

#[derive(Deserialize)]
struct Member {
    status: String,
}

impl MemberChange {
    pub(super) fn is_private(&self) -> bool {
        is_private(self.chat.as_ref())
    }

    /// In a private chat `kicked` means that the person blocked the bot.
    pub(super) fn is_out(&self) -> bool {
        matches!(self.new_chat_member.status.as_str(), "kicked" | "left")
    }
}
