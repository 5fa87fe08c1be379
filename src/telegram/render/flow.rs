//! From the offer to something that works.

use super::{Ctx, Face, service};
use crate::telegram::config_file::file_name;
use crate::telegram::keyboard::Keyboard;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::ids::ServiceId;
use usipipo_actors::domain::screen::{Os, Screen};
use usipipo_actors::domain::service::{Product, ServiceCard, ServiceStatus};

pub(super) fn preparing(ctx: Ctx<'_>, card: &ServiceCard) -> Face {
    let mut html = ctx.words.preparing(card.product.as_str(), service::product(ctx, card.product));
    html.line(&ctx.words.preparing_hint());
    (html, progress(ctx, card.id))
}

pub(super) fn waiting(ctx: Ctx<'_>, card: &ServiceCard) -> Face {
    let mut html = ctx.words.waiting(service::place(ctx, card));
    html.line(&match card.status {
        // It works, or did: what waits is a new key.
        ServiceStatus::Active => ctx.words.waiting_key(&card.name),
        _ => ctx.words.waiting_new(card.product.as_str(), &card.name),
    });
    (html, progress(ctx, card.id))
}

fn progress(ctx: Ctx<'_>, service: ServiceId) -> Keyboard {
    Keyboard::default().row([(ctx.words.btn_look(), Button::Card { service }), ctx.home()])
}

/// Says "preparing" while the server still works on it, so that the real "ready" may take its place; `None` for a service
/// that works no more, whose card says why.
pub(super) fn ready(ctx: Ctx<'_>, service: ServiceId, card: &ServiceCard) -> Option<(Screen, Face)> {
    let (words, kind) = (ctx.words, card.product.as_str());
    match (card.status, card.ends_at) {
        (ServiceStatus::Pending, _) => Some((Screen::Preparing { service }, preparing(ctx, card))),
        (ServiceStatus::Active, Some(end)) => {
            let (date, left) = (ctx.here.date(end), ctx.here.left(end));
            let mut html = if card.node_config_only {
                words.ready_config_only(&card.name, date, left)
            } else {
                let mut html = words.ready(kind, &card.name, date, left);
                html.line(&words.ready_next(kind));
                html
            };
            if card.own_key {
                html.line(&words.ready_own_key());
            }
            let mut keyboard = Keyboard::default();
            keyboard.push(service::things(ctx, card));
            let keyboard = keyboard
                .row_if(card.product != Product::Mtproto, || service::how_to_row(ctx, card))
                .row([(words.btn_name_it(), Button::Rename { service }), ctx.home()]);
            Some((Screen::Ready { service }, (html, keyboard)))
        }
        _ => None,
    }
}

pub(super) fn failed(ctx: Ctx<'_>, card: &ServiceCard) -> Face {
    let again = (ctx.words.btn_retry(), Button::TrialOf(card.product));
    let keyboard = Keyboard::default().row_if(card.trial || card.free, || [again]).row([ctx.home()]);
    (ctx.words.failed(card.product.as_str(), &card.name), keyboard)
}

/// `None` when there is nothing to explain: it does not work, or is a button in Telegram.
pub(super) fn how_to(ctx: Ctx<'_>, card: &ServiceCard, os: Os) -> Option<Face> {
    if card.status != ServiceStatus::Active {
        return None;
    }
    let words = ctx.words;
    let file = || file_name(&card.name, card.id);
    let html = match (card.product, os) {
        (Product::Wireguard, Os::Ios) => words.howto_ios(file()),
        (Product::Wireguard, Os::Android) => words.howto_android(file()),
        (Product::Wireguard, Os::Pc) => words.howto_pc(file()),
        (Product::Outline, Os::Ios) => words.howto_outline_ios(),
        (Product::Outline, Os::Android) => words.howto_outline_android(),
        (Product::Outline, Os::Pc) => words.howto_outline_pc(),
        (Product::Mtproto, _) => return None,
    };
    let mut keyboard = Keyboard::default();
    keyboard.push(service::things(ctx, card));
    let back = (words.btn_back(), Button::Card { service: card.id });
    Some((html, keyboard.row(service::how_to_row(ctx, card)).row([back, ctx.home()])))
}
