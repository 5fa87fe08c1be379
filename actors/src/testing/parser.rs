//! Reads a small form of updates, so that tests of the tree need no Telegram.
//!
//! | update | means |
//! |---|---|
//! | `{"update_id":5,"from":7,"text":"/trial"}` | a text or command; `name`, `username`, `lang` describe the person |
//! | `{"update_id":5,"from":7,"button":"1home","message":3,"callback":"c5"}` | a button press |
//! | `{"update_id":5,"from":7,"kind":"photo"}` | something that is no text |
//! | `{"update_id":5,"from":7,"checkout":"q1"}` (or `paid`, `refunded` with a charge) | payments |
//! | `{"update_id":5,"from":7,"blocked":true}` | membership |
//! | `{"update_id":5,"from":7,"nothing":1}` | ignored |
//!
//! A text `PANIC` panics while it is read. Bytes that are no JSON go the session's way and cannot be read, as with the real one.

use crate::ports::updates::{
    Lane, MembershipUpdate, ParseError, PaymentUpdate, Person, RawUpdate, UpdateParser, UserUpdate,
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use usipipo_domain::callback::Button;
use usipipo_domain::dialogue::{Command, Event};
use usipipo_domain::ids::UserId;

/// The text that makes [`FakeParser`] panic.
pub const PANIC: &str = "PANIC";
/// The text that makes it panic only the first time it reads the same update.
pub const PANIC_ONCE: &str = "PANIC ONCE";

/// Updates with [`PANIC_ONCE`] that were read before.
static READ: Mutex<BTreeSet<Vec<u8>>> = Mutex::new(BTreeSet::new());

fn is_first(raw: &[u8]) -> bool {
    READ.lock().unwrap_or_else(PoisonError::into_inner).insert(raw.to_vec())
}

/// Reads the small form of this module.
#[derive(Debug, Default)]
pub struct FakeParser;

#[derive(Deserialize)]
struct Small {
    from: i64,
    name: Option<String>,
    last_name: Option<String>,
    username: Option<String>,
    lang: Option<String>,
    text: Option<String>,
    button: Option<String>,
    message: Option<i32>,
    callback: Option<String>,
    kind: Option<String>,
    checkout: Option<String>,
    paid: Option<String>,
    refunded: Option<String>,
    blocked: Option<bool>,
}

fn read(raw: &[u8]) -> Result<Small, ParseError> {
    serde_json::from_slice(raw).map_err(|error| ParseError(format!("no update: line {}", error.line())))
}

/// Finds `"key":123` in bytes that need not be JSON.
fn number(raw: &[u8], key: &str) -> Option<i64> {
    let text = String::from_utf8_lossy(raw);
    let (_, rest) = text.split_once(&format!("\"{key}\":"))?;
    let rest = rest.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

impl UpdateParser for FakeParser {
    fn peek(&self, raw: Vec<u8>) -> RawUpdate {
        let lane = match serde_json::from_slice::<Value>(&raw) {
            Err(_) => Lane::Session,
            Ok(value) if ["checkout", "paid", "refunded"].iter().any(|key| value.get(key).is_some()) => Lane::Payments,
            Ok(value) if value.get("blocked").is_some() => Lane::Membership,
            Ok(value) if ["text", "button", "kind"].iter().any(|key| value.get(key).is_some()) => Lane::Session,
            Ok(_) => Lane::Ignored,
        };
        RawUpdate { update_id: number(&raw, "update_id"), user: number(&raw, "from").map(UserId), lane, raw }
    }

    fn session(&self, raw: &[u8]) -> Result<Option<UserUpdate>, ParseError> {
        let small = read(raw)?;
        let event = if let Some(text) = small.text {
            assert_ne!(text, PANIC, "an update that cannot be handled");
            assert!(text != PANIC_ONCE || !is_first(raw), "an update that cannot be handled the first time");
            match Command::parse(&text) {
                Some(command) => Event::Command(command),
                None => Event::Text(text),
            }
        } else if let Some(data) = small.button {
            match Button::decode(&data) {
                Ok(button) => Event::Button(button, small.message),
                Err(_) => Event::OldButton,
            }
        } else if small.kind.is_some() {
            Event::OtherKind
        } else {
            return Ok(None);
        };
        let from = Person {
            id: UserId(small.from),
            first_name: small.name.unwrap_or_else(|| "Ana".to_owned()),
            last_name: small.last_name,
            username: small.username,
            language_code: small.lang,
        };
        let message = if matches!(event, Event::Button(..)) { None } else { small.message };
        Ok(Some(UserUpdate { from, event, callback_id: small.callback, message }))
    }

    fn payment(&self, raw: &[u8]) -> Result<PaymentUpdate, ParseError> {
        let small = read(raw)?;
        let user = UserId(small.from);
        match (small.checkout, small.paid, small.refunded) {
            (Some(query_id), _, _) => Ok(PaymentUpdate::PreCheckout { query_id, user }),
            (_, Some(charge_id), _) => Ok(PaymentUpdate::Paid { charge_id, user }),
            (_, _, Some(charge_id)) => Ok(PaymentUpdate::Refunded { charge_id, user }),
            _ => Err(ParseError("no payment".to_owned())),
        }
    }

    fn membership(&self, raw: &[u8]) -> Result<MembershipUpdate, ParseError> {
        let small = read(raw)?;
        let blocked = small.blocked.ok_or_else(|| ParseError("no membership".to_owned()))?;
        Ok(MembershipUpdate { user: UserId(small.from), blocked })
    }
}
