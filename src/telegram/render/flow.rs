//! From the trial to a VPN that works, and to its end.

use super::{Ctx, Face, service};
use crate::telegram::config_file::file_name;
use crate::telegram::keyboard::Keyboard;
use crate::telegram::words::size;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::ids::{OfferId, ServiceId};
use usipipo_actors::domain::screen::{Os, Screen, TrialRefusal};
use usipipo_actors::domain::service::{ServiceCard, ServiceStatus};

pub(super) fn trial_offer(ctx: Ctx<'_>, offer: OfferId) -> Face {
    let words = ctx.words;
    let trial = ctx.options.trial;
    let keyboard = Keyboard::default()
        .row([(words.btn_trial_take(), Button::Accept { offer })])
        .row([(words.btn_own_key(), Button::OwnKey { offer })])
        .row([ctx.home()]);
    (words.trial_offer(u32::from(trial.days), size(trial.quota_bytes)), keyboard)
}

pub(super) fn trial_refused(ctx: Ctx<'_>, reason: TrialRefusal) -> Face {
    let words = ctx.words;
    let keyboard = Keyboard::default();
    match reason {
        TrialRefusal::AlreadyUsed { at, service } => {
            let mut html = words.trial_used(ctx.here.day(at));
            let keyboard = match service {
                Some(service) => {
                    html.line(&words.trial_used_here());
                    keyboard.row([(words.btn_card_of_trial(), Button::Card { service })])
                }
                None => keyboard,
            };
            (html, keyboard.row([ctx.my_vpn(), ctx.home()]))
        }
        TrialRefusal::PoolFull => {
            (words.trial_pool_full(), keyboard.row([(words.btn_retry(), Button::Trial), ctx.home()]))
        }
        TrialRefusal::NoNode => (words.trial_no_node(), keyboard.row([(words.btn_retry(), Button::Trial), ctx.home()])),
    }
}

pub(super) fn preparing(ctx: Ctx<'_>, card: &ServiceCard) -> Face {
    (ctx.words.preparing(service::product(ctx, card)), progress(ctx, card.id))
}

pub(super) fn waiting(ctx: Ctx<'_>, card: &ServiceCard) -> Face {
    let (place, name) = (service::place(card), &card.name);
    let html = match card.status {
        // It works, or did: what waits is a new key.
        ServiceStatus::Active => ctx.words.waiting_key(place, name),
        _ => ctx.words.waiting(place, name),
    };
    (html, progress(ctx, card.id))
}

fn progress(ctx: Ctx<'_>, service: ServiceId) -> Keyboard {
    Keyboard::default().row([(ctx.words.btn_look(), Button::Card { service }), ctx.home()])
}

/// Says "preparing" while the server still works on it, so that the real "ready" may take its place; and shows the card of
/// a service that works no more.
pub(super) fn ready(ctx: Ctx<'_>, service: ServiceId, card: &ServiceCard) -> (Screen, Face) {
    let words = ctx.words;
    match (card.status, card.ends_at) {
        (ServiceStatus::Pending, _) => (Screen::Preparing { service }, preparing(ctx, card)),
        (ServiceStatus::Active, Some(end)) => {
            let (date, left) = (ctx.here.date(end), ctx.here.left(end));
            let mut html = if card.node_config_only {
                words.ready_config_only(&card.name, date, left)
            } else {
                words.ready(&card.name, date, left)
            };
            if card.own_key {
                html.line(&words.ready_own_key());
            }
            let mut keyboard = Keyboard::default();
            keyboard.push(service::files(ctx, card));
            let keyboard = keyboard
                .row(service::how_to_row(ctx, card))
                .row([(words.btn_name_it(), Button::Rename { service }), ctx.home()]);
            (Screen::Ready { service }, (html, keyboard))
        }
        _ => (Screen::Card { service }, service::card(ctx, card)),
    }
}

pub(super) fn failed(ctx: Ctx<'_>, card: &ServiceCard) -> Face {
    let keyboard = Keyboard::default().row([(ctx.words.btn_retry(), Button::Trial), ctx.home()]);
    (ctx.words.failed(&card.name), keyboard)
}

pub(super) fn how_to(ctx: Ctx<'_>, card: &ServiceCard, os: Os) -> Face {
    if card.status != ServiceStatus::Active {
        return service::card(ctx, card);
    }
    let file = file_name(&card.name, card.id);
    let html = match os {
        Os::Ios => ctx.words.howto_ios(file),
        Os::Android => ctx.words.howto_android(file),
        Os::Pc => ctx.words.howto_pc(file),
    };
    let mut keyboard = Keyboard::default();
    keyboard.push(service::files(ctx, card));
    let back = (ctx.words.btn_back(), Button::Card { service: card.id });
    (html, keyboard.row(service::how_to_row(ctx, card)).row([back, ctx.home()]))
}

/// The notice that its time is over.
pub(super) fn ended(ctx: Ctx<'_>, card: Option<&ServiceCard>) -> Face {
    let words = ctx.words;
    match card.and_then(|card| Some((card, card.ends_at?))) {
        Some((card, end)) => {
            let to_card = (words.btn_card(&card.name), Button::Card { service: card.id });
            (words.ended(&card.name, ctx.here.date(end)), Keyboard::default().row([to_card]).row([ctx.home()]))
        }
        None => (words.ended_some(), Keyboard::default().row([ctx.my_vpn(), ctx.home()])),
    }
}

/// The notice that its traffic is used up.
pub(super) fn over_quota(ctx: Ctx<'_>, card: Option<&ServiceCard>) -> Face {
    let words = ctx.words;
    match card.and_then(|card| Some((card, card.quota_bytes?))) {
        Some((card, quota)) => {
            let to_card = (words.btn_card(&card.name), Button::Card { service: card.id });
            (words.over_quota(&card.name, size(quota)), Keyboard::default().row([to_card]).row([ctx.home()]))
        }
        None => (words.over_quota_some(), Keyboard::default().row([ctx.my_vpn(), ctx.home()])),
    }
}
