//! One's services: a line, the list, the card.

use super::{Ctx, Face};
use crate::telegram::html::Html;
use crate::telegram::keyboard::Keyboard;
use crate::telegram::words::{bar, size, size_of};
use chrono::TimeDelta;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::screen::Os;
use usipipo_actors::domain::service::{Product, ServiceCard, ServiceStatus, SuspendReason};
use usipipo_actors::model::Page;

/// From this share of its traffic on, a service deserves a look.
const NEARLY_USED_PERCENT: u8 = 80;

/// Green works, yellow wants attention, red does not work.
pub(super) fn dot(ctx: Ctx<'_>, card: &ServiceCard) -> &'static str {
    let ends_soon = card.ends_at.is_some_and(|end| end - ctx.here.now < TimeDelta::days(1));
    let nearly_used = card.used_percent().is_some_and(|percent| percent >= NEARLY_USED_PERCENT);
    match card.status {
        ServiceStatus::Active if !card.node_up || card.node_config_only || ends_soon || nearly_used => "🟡",
        ServiceStatus::Active => "🟢",
        ServiceStatus::Pending => "🟡",
        ServiceStatus::Suspended | ServiceStatus::Expired | ServiceStatus::Revoked | ServiceStatus::Failed => "🔴",
    }
}

/// What is to be known of it first.
pub(super) fn state(ctx: Ctx<'_>, card: &ServiceCard) -> String {
    let words = ctx.words;
    match card.status {
        ServiceStatus::Pending => words.t_state_pending(),
        ServiceStatus::Active if !card.node_up => words.t_state_node_down(),
        ServiceStatus::Active => match (card.used_percent(), card.quota_bytes, card.ends_at) {
            (Some(percent), Some(quota), _) if percent >= NEARLY_USED_PERCENT => {
                words.t_state_quota(percent.to_string(), size(quota))
            }
            (_, _, Some(end)) => ctx.here.left(end),
            _ => String::new(),
        },
        ServiceStatus::Suspended => match reasons(card).first() {
            Some(SuspendReason::Quota) => words.t_state_quota_over(),
            Some(SuspendReason::Admin) => words.t_state_paused(),
            Some(SuspendReason::Expiry) | None => words.t_state_time_over(),
        },
        ServiceStatus::Expired => words.t_state_time_over(),
        ServiceStatus::Revoked => words.t_state_revoked(),
        ServiceStatus::Failed => words.t_state_failed(),
    }
}

/// Why it is suspended, what matters most first: nothing brings back one whose time is over.
fn reasons(card: &ServiceCard) -> Vec<SuspendReason> {
    let all = [SuspendReason::Expiry, SuspendReason::Admin, SuspendReason::Quota];
    all.into_iter().filter(|reason| card.reasons.contains(reason)).collect()
}

pub(super) fn product(ctx: Ctx<'_>, card: &ServiceCard) -> String {
    match card.product {
        Product::Wireguard => ctx.words.t_product_wireguard(),
    }
}

/// Where it stands, for people; the server's name when its place was not set.
pub(super) fn place(card: &ServiceCard) -> &str {
    if card.node_place.is_empty() { &card.node_name } else { &card.node_place }
}

/// `🟢 iPhone · WireGuard · Miami · quedan 23 días`
pub(super) fn line(ctx: Ctx<'_>, card: &ServiceCard) -> Html {
    ctx.words.service_line(dot(ctx, card), &card.name, product(ctx, card), place(card), state(ctx, card))
}

/// `trial`: there is nothing to list, and the free plan was never taken.
pub(super) fn list(ctx: Ctx<'_>, services: &Page<ServiceCard>, trial: bool) -> Face {
    let words = ctx.words;
    let mut html = words.vpn_title();
    let hint = if services.rows.is_empty() { words.vpn_empty() } else { words.vpn_hint() };
    html.line(&hint);
    let mut keyboard = Keyboard::default();
    for card in &services.rows {
        let label = words.btn_service(dot(ctx, card), &card.name, state(ctx, card));
        keyboard.push([(label, Button::Card { service: card.id })]);
    }
    keyboard.push(ctx.pager(services.page, services.pages, |page| Button::Vpn { page }));
    (html, keyboard.row_if(trial, || [ctx.trial()]).row([ctx.home()]))
}

/// Everything about one service.
pub(super) fn card(ctx: Ctx<'_>, card: &ServiceCard) -> Face {
    let mut html = ctx.words.card_title(dot(ctx, card), &card.name);
    for line in facts(ctx, card) {
        html.line(&line);
    }
    if let Some(note) = note(ctx, card) {
        html.paragraph(&note);
    }
    (html, buttons(ctx, card))
}

fn facts(ctx: Ctx<'_>, card: &ServiceCard) -> Vec<Html> {
    let words = ctx.words;
    let product = product(ctx, card);
    let mut facts = vec![if card.trial {
        words.card_trial(product, place(card), &card.node_name)
    } else {
        words.card_server(product, place(card), &card.node_name)
    }];
    let v4 = card.addresses.v4.map(|address| Html::code(&address.to_string()));
    let v6 = card.addresses.v6.map(|address| Html::code(&address.to_string()));
    facts.push(Html::dotted(&[v4.unwrap_or_default(), v6.unwrap_or_default()]));
    facts.push(match card.ends_at {
        Some(end) if card.status == ServiceStatus::Active => words.card_ends(ctx.here.date(end), ctx.here.left(end)),
        Some(end) if end <= ctx.here.now => words.card_ended(ctx.here.date(end)),
        _ if card.status == ServiceStatus::Pending => words.card_starts_later(),
        _ => Html::default(),
    });
    facts.push(match (card.quota_bytes, card.used_percent()) {
        (Some(quota), Some(percent)) => words.card_usage(size_of(words, card.used(), quota), bar(percent)),
        _ => words.card_usage_unlimited(size(card.used())),
    });
    if card.status != ServiceStatus::Pending {
        facts.push(match card.last_handshake {
            Some(handshake) => words.card_handshake(ctx.here.ago(handshake)),
            None => words.card_handshake_never(),
        });
    }
    if card.own_key {
        facts.push(words.card_own_key());
    }
    facts.retain(|fact| !fact.is_empty());
    facts
}

/// What is wrong and what to do.
fn note(ctx: Ctx<'_>, card: &ServiceCard) -> Option<Html> {
    let words = ctx.words;
    match card.status {
        ServiceStatus::Pending => Some(words.card_pending()),
        ServiceStatus::Active if !card.node_up => Some(words.card_node_down()),
        ServiceStatus::Active if card.node_config_only => Some(words.card_config_only()),
        ServiceStatus::Active => None,
        ServiceStatus::Suspended => {
            let reasons = reasons(card);
            let mut lines: Vec<Html> = reasons
                .iter()
                .map(|reason| match reason {
                    SuspendReason::Expiry => words.card_over_expiry(),
                    SuspendReason::Admin => words.card_over_admin(),
                    SuspendReason::Quota => words.card_over_quota(),
                })
                .collect();
            // Somebody who can be talked to may still bring it back.
            if !reasons.contains(&SuspendReason::Admin) {
                lines.push(words.card_over_hint());
            }
            Some(Html::lines(lines))
        }
        ServiceStatus::Expired => Some(words.card_expired()),
        ServiceStatus::Revoked => Some(words.card_revoked()),
        ServiceStatus::Failed => Some(words.card_failed()),
    }
}

/// Only buttons that do something in this state.
fn buttons(ctx: Ctx<'_>, card: &ServiceCard) -> Keyboard {
    let words = ctx.words;
    let service = card.id;
    let rename = || (words.btn_rename(), Button::Rename { service });
    let revoke = || (words.btn_revoke(), Button::Revoke { service });
    let keyboard = match card.status {
        ServiceStatus::Active => {
            let mut keyboard = Keyboard::default();
            keyboard.push(files(ctx, card).into_iter().chain([rename()]));
            keyboard.row([(words.btn_rotate(), Button::Rotate { service }), revoke()]).row(how_to_row(ctx, card))
        }
        ServiceStatus::Pending => {
            Keyboard::default().row([(words.btn_look(), Button::Card { service })]).row([rename(), revoke()])
        }
        ServiceStatus::Suspended => Keyboard::default().row([rename(), revoke()]),
        ServiceStatus::Expired | ServiceStatus::Revoked | ServiceStatus::Failed => Keyboard::default(),
    };
    keyboard.row([ctx.my_vpn(), ctx.home()])
}

/// File and picture; no picture without the private key, since it could not be used.
pub(super) fn files(ctx: Ctx<'_>, card: &ServiceCard) -> Vec<(String, Button)> {
    let service = card.id;
    let mut row = vec![(ctx.words.btn_file(), Button::File { service })];
    if !card.own_key {
        row.push((ctx.words.btn_qr(), Button::Qr { service }));
    }
    row
}

/// How to use it, per system.
pub(super) fn how_to_row(ctx: Ctx<'_>, card: &ServiceCard) -> [(String, Button); 3] {
    let how_to = |os| Button::HowTo { service: card.id, os };
    [
        (ctx.words.btn_ios(), how_to(Os::Ios)),
        (ctx.words.btn_android(), how_to(Os::Android)),
        (ctx.words.btn_pc(), how_to(Os::Pc)),
    ]
}
