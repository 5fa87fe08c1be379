//! Reads raw updates. Any bytes are survived, and nothing is asked of an update but what we need.
//!
//! The fields are read into small structures of our own. teloxide's types know the Bot API up to 9.1; an update with a newer
//! kind of content would lose its content there, and each costs ten times what these do.

use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::dialogue::{Command, Event};
use usipipo_actors::domain::ids::UserId;
use usipipo_actors::ports::updates::{
    Lane, MembershipUpdate, ParseError, PaymentUpdate, Person, RawUpdate, UpdateParser, UserUpdate,
};

mod wire;

/// The parser of Telegram's updates.
#[derive(Debug, Clone, Copy, Default)]
pub struct TelegramParser;

impl UpdateParser for TelegramParser {
    fn peek(&self, raw: Vec<u8>) -> RawUpdate {
        let (update_id, user, lane) = match wire::with_text(&raw, wire::Outline::read) {
            Some(outline) => {
                let (user, lane) = way(&outline);
                (outline.update_id, user, lane)
            }
            None => (None, None, Lane::Ignored),
        };
        let update_id = update_id.or_else(|| find_update_id(&raw));
        RawUpdate { update_id, user, lane, raw }
    }

    fn session(&self, raw: &[u8]) -> Result<Option<UserUpdate>, ParseError> {
        wire::with_text(raw, |text| Some(session(text))).unwrap_or_else(|| Err(unreadable()))
    }

    fn payment(&self, raw: &[u8]) -> Result<PaymentUpdate, ParseError> {
        wire::with_text(raw, |text| Some(payment(text))).unwrap_or_else(|| Err(unreadable()))
    }

    fn membership(&self, raw: &[u8]) -> Result<MembershipUpdate, ParseError> {
        wire::with_text(raw, |text| Some(membership(text))).unwrap_or_else(|| Err(unreadable()))
    }
}

fn unreadable() -> ParseError {
    ParseError("the update is not text".to_owned())
}

/// Who caused it, and which way it goes.
fn way(outline: &wire::Outline) -> (Option<UserId>, Lane) {
    let user = outline.from.map(UserId);
    let lane = match outline.kind {
        _ if user.is_none() => Lane::Ignored,
        wire::Kind::Payment => Lane::Payments,
        wire::Kind::Message | wire::Kind::Membership if !outline.private => Lane::Ignored,
        wire::Kind::Message | wire::Kind::Press => Lane::Session,
        wire::Kind::Membership => Lane::Membership,
        wire::Kind::Other => Lane::Ignored,
    };
    (user, lane)
}

fn session(text: &str) -> Result<Option<UserUpdate>, ParseError> {
    let update: wire::SessionUpdate = wire::read(text)?;
    let (from, event, callback_id, message) = match (update.callback_query, update.message) {
        (Some(press), _) => {
            let event = match press.data.as_deref().map(Button::decode) {
                Some(Ok(button)) => Event::Button(button, press.message_id()),
                Some(Err(_)) | None => Event::OldButton,
            };
            (press.from, event, Some(press.id), None)
        }
        (None, Some(message)) if message.is_private() && !message.is_service() => {
            let event = match message.text {
                Some(text) => match Command::parse(&text) {
                    Some(command) => Event::Command(command),
                    None => Event::Text(text),
                },
                None => Event::OtherKind,
            };
            match message.from {
                Some(from) => (from, event, None, message.message_id),
                None => return Ok(None),
            }
        }
        (None, _) => return Ok(None),
    };
    if from.is_bot {
        return Ok(None);
    }
    let from = Person {
        id: UserId(from.id),
        first_name: storable(from.first_name),
        last_name: from.last_name.map(storable),
        username: from.username.map(storable),
        language_code: from.language_code.map(storable),
    };
    Ok(Some(UserUpdate { from, event, callback_id, message }))
}

/// Longest name that is kept, in characters; Telegram's own limit is 64.
const NAME_MAX_CHARS: usize = 256;

/// Without what PostgreSQL refuses in a text (NUL), and bounded.
fn storable(text: String) -> String {
    if text.contains('\0') || text.len() > NAME_MAX_CHARS {
        text.chars().filter(|c| *c != '\0').take(NAME_MAX_CHARS).collect()
    } else {
        text
    }
}

fn payment(text: &str) -> Result<PaymentUpdate, ParseError> {
    let update: wire::PaymentUpdate = wire::read(text)?;
    if let Some(query) = update.pre_checkout_query {
        return Ok(PaymentUpdate::PreCheckout { query_id: query.id, user: UserId(query.from.id) });
    }
    let message = update.message.ok_or_else(|| ParseError("neither a pre-checkout nor a message".to_owned()))?;
    let user = message.from.map(|from| UserId(from.id)).ok_or_else(|| ParseError("a payment of nobody".to_owned()))?;
    match (message.successful_payment, message.refunded_payment) {
        (Some(paid), _) => Ok(PaymentUpdate::Paid { charge_id: paid.charge_id, user }),
        (None, Some(refund)) => Ok(PaymentUpdate::Refunded { charge_id: refund.charge_id, user }),
        (None, None) => Err(ParseError("a message without a payment".to_owned())),
    }
}

fn membership(text: &str) -> Result<MembershipUpdate, ParseError> {
    let update: wire::MembershipUpdate = wire::read(text)?;
    let member = update.my_chat_member.ok_or_else(|| ParseError("no change of membership".to_owned()))?;
    if !member.is_private() {
        return Err(ParseError("a change of membership outside a private chat".to_owned()));
    }
    Ok(MembershipUpdate { user: UserId(member.from.id), blocked: member.is_out() })
}

/// The first `"update_id": N` in bytes that are no JSON as a whole, so that even those can be confirmed.
pub(crate) fn find_update_id(bytes: &[u8]) -> Option<i64> {
    const KEY: &[u8] = b"\"update_id\"";
    let at = bytes.windows(KEY.len()).position(|window| window == KEY)?;
    let rest = bytes[at + KEY.len()..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
