//! Payments in Stars; other currencies are not simulated.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use super::Call;
use super::keyboard;
use super::keyboard::Markup;
use super::messages;
use super::messages::other;
use crate::bot_api::done;
use crate::bot_api::error::ApiError;
use crate::bot_api::result;
use crate::text::utf16_len;
use crate::world::Content;
use crate::world::Message;
use crate::world::World;
use crate::world::chat::Toast;
use crate::world::lock;
use crate::world::payments::Charge;
use crate::world::payments::PRE_CHECKOUT_SECONDS;
use crate::world::payments::PreCheckout;

/// `sendInvoice`
pub fn send_invoice(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let text = |name: &str| call.arguments.text(name).unwrap_or_default();
    let within = |name: &str, most: usize, length: usize, code: &str| {
        if length == 0 || length > most {
            Err(ApiError::bad(format!("{code}: {name} must have 1-{most}")))
        } else {
            Ok(())
        }
    };
    within(
        "title",
        32,
        utf16_len(text("title")),
        "INVOICE_TITLE_INVALID",
    )?;
    within(
        "description",
        255,
        utf16_len(text("description")),
        "INVOICE_DESCRIPTION_INVALID",
    )?;
    within(
        "payload",
        128,
        text("payload").len(),
        "INVOICE_PAYLOAD_INVALID",
    )?;
    if text("currency") != "XTR" {
        return Err(ApiError::bad("CURRENCY_INVALID: only XTR is simulated"));
    }
    if call.arguments.filled("provider_token").is_some() {
        return Err(ApiError::bad("PAYMENT_PROVIDER_INVALID"));
    }
    for name in [
        "max_tip_amount",
        "suggested_tip_amounts",
        "need_name",
        "need_phone_number",
        "need_email",
        "need_shipping_address",
        "is_flexible",
    ] {
        if call
            .arguments
            .get(name)
            .is_some_and(|value| *value != false && *value != 0)
        {
            return Err(ApiError::bad(format!("{name} does not apply to XTR")));
        }
    }
    let prices = call
        .arguments
        .get("prices")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let amount = match prices {
        [price] => price["amount"].as_i64().filter(|amount| *amount > 0),
        _ => None,
    };
    let amount = amount.ok_or_else(|| {
        ApiError::bad("STARS_INVOICE_INVALID: exactly one positive price is expected")
    })?;
    let value = json!({"title": text("title"), "description": text("description"), "currency": "XTR",
        "start_parameter": text("start_parameter"), "total_amount": amount});
    let content = Content::Other {
        field: "invoice".to_owned(),
        value,
        hidden: Some(text("payload").to_owned()),
    };
    let message = Message::new(
        true,
        call.world.clock.now(),
        String::new(),
        Vec::new(),
        content,
    );
    let markup = match keyboard::markup(call, true)? {
        Markup::None | Markup::Inline(None) => Markup::Inline(Some(
            json!([[{"text": format!("Pay ⭐️{amount}"), "pay": true}]]),
        )),
        given => given,
    };
    messages::deliver(call, message, markup)
}

/// `answerPreCheckoutQuery`
pub fn answer_pre_checkout(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let world = call.world;
    let id = call
        .arguments
        .text("pre_checkout_query_id")
        .unwrap_or_default();
    let ok = call.arguments.flag("ok");
    let reason = call.arguments.filled("error_message");
    if !ok && reason.is_none() {
        return Err(ApiError::bad("error message is empty"));
    }
    let too_old =
        || ApiError::bad("query is too old and response timeout expired or query ID is invalid");
    let query = lock(&world.payments)
        .pending
        .remove(id)
        .ok_or_else(too_old)?;
    if query.at.elapsed() > Duration::from_secs(PRE_CHECKOUT_SECONDS) {
        return Err(too_old());
    }
    if !ok {
        refuse(world, id, &query, reason.unwrap_or_default());
    } else if query.pays {
        pay(world, &query);
    }
    done()
}

fn refuse(world: &World, id: &str, query: &PreCheckout, reason: &str) {
    let Some(chat) = world.chats.get(query.person) else {
        return;
    };
    chat.with(|state| {
        state.toast(Toast {
            rev: 0,
            callback_query_id: id.to_owned(),
            message_id: 0,
            text: reason.to_owned(),
            alert: true,
            url: None,
            date: world.clock.now(),
        });
    });
}

fn pay(world: &World, query: &PreCheckout) {
    let Some(chat) = world.chats.get(query.person) else {
        return;
    };
    let date = world.clock.now();
    let charge = Charge {
        id: format!("stx{:x}", world.queries.next_id()),
        person: query.person,
        amount: query.amount,
        payload: query.payload.clone(),
        date,
        refunded: None,
    };
    let value = json!({"currency": "XTR", "total_amount": query.amount, "invoice_payload": query.payload,
        "telegram_payment_charge_id": charge.id, "provider_payment_charge_id": format!("{}_0", charge.id)});
    lock(&world.payments).charges.push(charge);
    tell(world, &chat, "successful_payment", value);
}

/// A service message about money, and its update.
fn tell(world: &World, chat: &crate::world::Chat, field: &str, value: Value) {
    chat.with(|state| {
        let message = Message::new(
            false,
            world.clock.now(),
            String::new(),
            Vec::new(),
            other(field, value),
        );
        let person = state.person.clone();
        let message = state.append(message).api(&person, &world.bot_user);
        world.push_update("message", chat.id, &message);
    });
}

/// `refundStarPayment`
pub fn refund(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let world = call.world;
    let person = call.arguments.integer("user_id").unwrap_or_default();
    let id = call
        .arguments
        .text("telegram_payment_charge_id")
        .unwrap_or_default();
    let charge = {
        let mut payments = lock(&world.payments);
        let found = payments
            .charges
            .iter_mut()
            .find(|charge| charge.id == id && charge.person == person);
        let charge = found.ok_or_else(|| ApiError::bad("CHARGE_NOT_FOUND"))?;
        if charge.refunded.is_some() {
            return Err(ApiError::bad("CHARGE_ALREADY_REFUNDED"));
        }
        charge.refunded = Some(world.clock.now());
        charge.clone()
    };
    if let Some(chat) = world.chats.get(person) {
        let value = json!({"currency": "XTR", "total_amount": charge.amount, "invoice_payload": charge.payload,
            "telegram_payment_charge_id": charge.id});
        tell(world, &chat, "refunded_payment", value);
    }
    world.touch();
    done()
}

/// `getStarTransactions`
pub fn transactions(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let world = call.world;
    let offset = call.arguments.integer("offset").unwrap_or(0);
    let limit = call.arguments.integer("limit").unwrap_or(100);
    let offset =
        usize::try_from(offset).map_err(|_| ApiError::bad("offset must be non-negative"))?;
    let limit = usize::try_from(limit)
        .ok()
        .filter(|limit| (1..=100).contains(limit));
    let limit = limit.ok_or_else(|| ApiError::bad("limit must be from 1 to 100"))?;
    let charges = lock(&world.payments).charges.clone();
    let user = |id: i64| {
        world
            .chats
            .get(id)
            .map(|chat| chat.with(|state| state.person.user()))
    };
    let mut all: Vec<(i64, Value)> = Vec::new();
    for charge in charges {
        let partner = |payload: Option<&str>| {
            let mut partner = json!({"type": "user", "transaction_type": "invoice_payment", "user": user(charge.person)});
            if let Some(payload) = payload {
                partner["invoice_payload"] = json!(payload);
            }
            partner
        };
        let source = partner(Some(&charge.payload));
        all.push((charge.date, json!({"id": charge.id, "amount": charge.amount, "date": charge.date, "source": source})));
        if let Some(date) = charge.refunded {
            let receiver = partner(Some(&charge.payload));
            all.push((date, json!({"id": charge.id, "amount": charge.amount, "date": date, "receiver": receiver})));
        }
    }
    all.sort_by_key(|(date, _)| *date);
    let page: Vec<Value> = all
        .into_iter()
        .skip(offset)
        .take(limit)
        .map(|(_, value)| value)
        .collect();
    result(&json!({"transactions": page}))
}
