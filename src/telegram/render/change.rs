//! Name, key, next period and end of a service: questions and their answers.

use super::{Ctx, Face, service};
use crate::telegram::html::Html;
use crate::telegram::keyboard::Keyboard;
use chrono::TimeDelta;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::ids::{OfferId, ServiceId};
use usipipo_actors::domain::service::{NAME_MAX_CHARS, NameError, Product, ServiceCard};
use usipipo_actors::domain::wg::KeyError;

/// What was wrong with the last answer, then the question again.
pub(super) fn after_error(error: Option<Html>, question: Html) -> Html {
    match error {
        Some(mut html) => {
            html.paragraph(&question);
            html
        }
        None => question,
    }
}

fn back_to(ctx: Ctx<'_>, card: &ServiceCard) -> (String, Button) {
    (ctx.words.btn_back(), Button::Card { service: card.id })
}

pub(super) fn ask_name(ctx: Ctx<'_>, card: &ServiceCard, error: Option<NameError>) -> Face {
    let words = ctx.words;
    let error = error.map(|error| match error {
        NameError::Empty => words.name_empty(),
        NameError::TooLong => words.name_too_long(),
    });
    let question = words.ask_name(&card.name, NAME_MAX_CHARS.to_string());
    (after_error(error, question), Keyboard::default().row([back_to(ctx, card), ctx.home()]))
}

pub(super) fn ask_own_key(ctx: Ctx<'_>, error: Option<KeyError>) -> Face {
    let words = ctx.words;
    let error = error.map(|error| match error {
        KeyError::NotAKey => words.key_not_a_key(),
        KeyError::LowOrder => words.key_low_order(),
    });
    let keyboard = Keyboard::default().row([(words.btn_cancel(), Button::Cancel), ctx.home()]);
    (after_error(error, words.ask_own_key()), keyboard)
}

pub(super) fn ask_rotate(ctx: Ctx<'_>, card: &ServiceCard, offer: OfferId) -> Face {
    let words = ctx.words;
    let mut html = words.ask_rotate(&card.name);
    html.line(&words.ask_rotate_hint(card.product.as_str()));
    let keyboard = Keyboard::default()
        .row([(words.btn_rotate_now(), Button::Accept { offer })])
        .row_if(card.product == Product::Wireguard, || [(words.btn_own_key(), Button::OwnKey { offer })])
        .row([back_to(ctx, card), ctx.home()]);
    (html, keyboard)
}

pub(super) fn key_on_its_way(ctx: Ctx<'_>, card: &ServiceCard) -> Face {
    let html = ctx.words.key_on_its_way(&card.name, service::place(ctx, card));
    (html, Keyboard::default().row([service::card_button(ctx, card)]).row([ctx.mine(card.product), ctx.home()]))
}

pub(super) fn ask_renew(ctx: Ctx<'_>, card: &ServiceCard, offer: OfferId) -> Face {
    let words = ctx.words;
    let mut html = words.ask_renew(u32::from(card.days), &card.name);
    let begin = card.ends_at.map_or(ctx.here.now, |end| end.max(ctx.here.now));
    html.line(&words.ask_renew_until(ctx.here.date(begin + TimeDelta::days(i64::from(card.days)))));
    let keyboard = Keyboard::default()
        .row([(words.btn_renew_now(), Button::Accept { offer })])
        .row([back_to(ctx, card), ctx.home()]);
    (html, keyboard)
}

pub(super) fn renewed(ctx: Ctx<'_>, card: &ServiceCard) -> Face {
    let words = ctx.words;
    // Without an end it has not begun; it says so on its card.
    let end = card.ends_at.unwrap_or(ctx.here.now);
    let mut html = words.renewed(&card.name, ctx.here.date(end), ctx.here.left(end));
    html.line(&words.renewed_hint(card.product.as_str()));
    (html, Keyboard::default().row([service::card_button(ctx, card)]).row([ctx.mine(card.product), ctx.home()]))
}

/// The question stays open: the next key may be pasted at once.
pub(super) fn key_taken(ctx: Ctx<'_>, service: Option<ServiceId>) -> Face {
    let back = service.map_or(Button::TrialOf(Product::Wireguard), |service| Button::Card { service });
    (ctx.words.key_taken(), Keyboard::default().row([(ctx.words.btn_back(), back), ctx.home()]))
}

pub(super) fn ask_revoke(ctx: Ctx<'_>, card: &ServiceCard, offer: OfferId) -> Face {
    let words = ctx.words;
    let mut html = words.ask_revoke(&card.name);
    if card.trial {
        html.line(&words.ask_revoke_trial());
    } else if card.free {
        html.line(&words.ask_revoke_free(card.product.as_str()));
    }
    let keep = (words.btn_keep(card.product.as_str()), Button::Card { service: card.id });
    (html, Keyboard::default().row([(words.btn_revoke_now(), Button::Accept { offer })]).row([keep, ctx.home()]))
}

pub(super) fn revoked(ctx: Ctx<'_>, card: Option<&ServiceCard>) -> Face {
    match card {
        Some(card) => {
            let html = ctx.words.revoked(card.product.as_str(), &card.name);
            (html, Keyboard::default().row([ctx.mine(card.product), ctx.home()]))
        }
        None => (ctx.words.revoked_some(), Keyboard::default().row(ctx.lists()).row([ctx.home()])),
    }
}
