//! One's services: a line, the lists, the card.

use super::{Ctx, Face, free};
use crate::telegram::countries;
use crate::telegram::html::Html;
use crate::telegram::keyboard::{Action, Keyboard, Link};
use crate::telegram::words::{bar, size, size_of, sparkline};
use chrono::{DateTime, TimeDelta, Utc};
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::lifecycle::may_renew;
use usipipo_actors::domain::plan::PlanSpec;
use usipipo_actors::domain::screen::Os;
use usipipo_actors::domain::service::{Product, ServiceCard, ServiceStatus, SuspendReason};
use usipipo_actors::domain::usage::NEARLY_USED_PERCENT;
use usipipo_actors::model::Page;

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
            Some(SuspendReason::Expiry) | None if renewable(ctx, card).is_some() => words.t_state_renewable(),
            Some(SuspendReason::Expiry) | None => words.t_state_time_over(),
        },
        ServiceStatus::Expired => words.t_state_time_over(),
        ServiceStatus::Revoked => words.t_state_revoked(card.product.as_str()),
        ServiceStatus::Failed => words.t_state_failed(),
    }
}

/// Why it is suspended, what matters most first.
fn reasons(card: &ServiceCard) -> Vec<SuspendReason> {
    let all = [SuspendReason::Expiry, SuspendReason::Admin, SuspendReason::Quota];
    all.into_iter().filter(|reason| card.reasons.contains(reason)).collect()
}

/// Whether it can have another free period now.
pub(super) fn can_renew(ctx: Ctx<'_>, card: &ServiceCard) -> bool {
    may_renew(card.free, card.days, card.ends_at, &card.reasons, ctx.here.now)
}

/// Until when a free renewal brings a suspended service back as it was; `None` when none does.
pub(super) fn renewable(ctx: Ctx<'_>, card: &ServiceCard) -> Option<DateTime<Utc>> {
    let until = card.ends_at? + ctx.options.grace;
    (card.status == ServiceStatus::Suspended && can_renew(ctx, card) && ctx.here.now < until).then_some(until)
}

pub(super) fn product(ctx: Ctx<'_>, product: Product) -> String {
    match product {
        Product::Wireguard => ctx.words.t_product_wireguard(),
        Product::Outline => ctx.words.t_product_outline(),
        Product::Mtproto => ctx.words.t_product_mtproto(),
    }
}

/// A country's name, or its code when we have no name for it; nothing when the country is not known.
fn country_name(ctx: Ctx<'_>, code: &str) -> String {
    countries::key_of(code).map_or_else(|| code.to_owned(), |key| ctx.words.named(key))
}

/// Where a server stands, in a word: its place, else its country, else its name.
pub(super) fn short_place(ctx: Ctx<'_>, place: &str, country: &str, name: &str) -> String {
    match (place, country) {
        ("", "") => name.to_owned(),
        ("", country) => country_name(ctx, country),
        (place, _) => place.to_owned(),
    }
}

/// Where a server stands, with flag and country: "🇺🇸 Miami, Estados Unidos".
pub(super) fn full_place(ctx: Ctx<'_>, place: &str, country: &str, name: &str) -> String {
    let short = short_place(ctx, place, country, name);
    let country_name = country_name(ctx, country);
    let place =
        if country_name.is_empty() || country_name == short { short } else { ctx.words.t_place(short, country_name) };
    format!("{} {place}", countries::flag(country)).trim_start().to_owned()
}

/// Where it stands, in a word.
pub(super) fn place(ctx: Ctx<'_>, card: &ServiceCard) -> String {
    short_place(ctx, &card.node_place, &card.node_country, &card.node_name)
}

/// Where it stands, with flag and country.
pub(super) fn place_with_flag(ctx: Ctx<'_>, card: &ServiceCard) -> String {
    full_place(ctx, &card.node_place, &card.node_country, &card.node_name)
}

/// `🟢 iPhone · WireGuard · Miami · quedan 23 días`
pub(super) fn line(ctx: Ctx<'_>, card: &ServiceCard) -> Html {
    let product = product(ctx, card.product);
    ctx.words.service_line(dot(ctx, card), &card.name, product, place(ctx, card), state(ctx, card))
}

/// Own VPNs; `free`: those that could be had for nothing.
pub(super) fn vpns(ctx: Ctx<'_>, services: &Page<ServiceCard>, free: &[PlanSpec]) -> Face {
    let words = ctx.words;
    let mut html = words.vpn_title();
    let hint = if services.rows.is_empty() { words.vpn_empty() } else { words.vpn_hint() };
    html.line(&hint);
    (html, list(ctx, services, free, |page| Button::Vpn { page }))
}

/// Own proxies for Telegram.
pub(super) fn proxies(ctx: Ctx<'_>, services: &Page<ServiceCard>, free: &[PlanSpec]) -> Face {
    let words = ctx.words;
    let mut html = words.proxy_title();
    html.line(&words.proxy_about());
    html.paragraph(&match (services.rows.is_empty(), free.is_empty()) {
        (true, true) => words.proxy_none(),
        (true, false) => words.proxy_empty(),
        (false, _) => words.proxy_hint(),
    });
    (html, list(ctx, services, free, |page| Button::Proxy { page }))
}

fn list(
    ctx: Ctx<'_>,
    services: &Page<ServiceCard>,
    free: &[PlanSpec],
    turn: impl Fn(u16) -> Button + Copy,
) -> Keyboard {
    let mut keyboard = Keyboard::default();
    for card in &services.rows {
        let label = ctx.words.btn_service(dot(ctx, card), &card.name, state(ctx, card));
        keyboard.push([(label, Button::Card { service: card.id })]);
    }
    keyboard.push(ctx.pager(services.page, services.pages, turn));
    keyboard.push(free::button(ctx, free));
    keyboard.row([ctx.home()])
}

/// Everything about one service. `days`: its traffic of the last days; `connect`: what opens it in Telegram.
pub(super) fn card(ctx: Ctx<'_>, card: &ServiceCard, days: &[u64], connect: Option<Link>) -> Face {
    let mut html = ctx.words.card_title(dot(ctx, card), &card.name);
    for line in facts(ctx, card, days) {
        html.line(&line);
    }
    if let Some(note) = note(ctx, card) {
        html.paragraph(&note);
    }
    (html, buttons(ctx, card, connect))
}

/// Its facts without buttons, for admins.
pub(super) fn facts_card(ctx: Ctx<'_>, card: &ServiceCard) -> Html {
    let mut html = ctx.words.card_title(dot(ctx, card), &card.name);
    for line in facts(ctx, card, &[]) {
        html.line(&line);
    }
    html
}

fn facts(ctx: Ctx<'_>, card: &ServiceCard, days: &[u64]) -> Vec<Html> {
    let words = ctx.words;
    let (product, place) = (product(ctx, card.product), place_with_flag(ctx, card));
    let mut facts = vec![if card.trial {
        words.card_trial(product, place, &card.node_name)
    } else if card.free {
        words.card_free(product, place, &card.node_name)
    } else {
        words.card_server(product, place, &card.node_name)
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
    if days.iter().any(|bytes| *bytes > 0) {
        let today = size(days.last().copied().unwrap_or(0));
        facts.push(words.card_days(days.len() as u64, sparkline(days), today));
    }
    if let Some(devices) = card.devices {
        facts.push(words.card_devices(u32::from(devices)));
    }
    facts.push(contact(ctx, card));
    if card.own_key {
        facts.push(words.card_own_key());
    }
    facts.retain(|fact| !fact.is_empty());
    facts
}

/// When it was last used, as far as its server tells.
fn contact(ctx: Ctx<'_>, card: &ServiceCard) -> Html {
    let unused = card.used_up == 0 && card.used_down == 0;
    match (card.last_handshake, card.product) {
        _ if card.status == ServiceStatus::Pending => Html::default(),
        (Some(handshake), _) => ctx.words.card_handshake(ctx.here.ago(handshake)),
        (None, Product::Wireguard) => ctx.words.card_handshake_never(),
        (None, Product::Outline | Product::Mtproto) if unused => ctx.words.card_unused(),
        (None, Product::Outline | Product::Mtproto) => Html::default(),
    }
}

/// What is wrong and what to do.
fn note(ctx: Ctx<'_>, card: &ServiceCard) -> Option<Html> {
    let (words, kind) = (ctx.words, card.product.as_str());
    match card.status {
        ServiceStatus::Pending => Some(words.card_pending(kind)),
        ServiceStatus::Active if !card.node_up => Some(words.card_node_down()),
        ServiceStatus::Active if card.node_config_only => Some(words.card_config_only()),
        ServiceStatus::Active => None,
        ServiceStatus::Suspended => {
            let reasons = reasons(card);
            let mut lines: Vec<Html> = reasons
                .iter()
                .map(|reason| match reason {
                    SuspendReason::Expiry => words.card_over_expiry(),
                    SuspendReason::Admin => words.card_over_admin(kind),
                    SuspendReason::Quota => words.card_over_quota(),
                })
                .collect();
            match renewable(ctx, card) {
                Some(until) => lines.push(renewal(ctx, card, until)),
                // Somebody who can be talked to may still bring it back.
                None if reasons.contains(&SuspendReason::Admin) => {}
                None => lines.push(words.card_over_hint(kind)),
            }
            Some(Html::lines(lines))
        }
        ServiceStatus::Expired => Some(words.card_expired()),
        ServiceStatus::Revoked => Some(words.card_revoked(kind)),
        ServiceStatus::Failed => Some(words.card_failed(kind)),
    }
}

/// What a free renewal brings back, and until when.
pub(super) fn renewal(ctx: Ctx<'_>, card: &ServiceCard, until: DateTime<Utc>) -> Html {
    if card.reasons.contains(&SuspendReason::Expiry) {
        ctx.words.card_renewable(card.product.as_str(), ctx.here.date(until))
    } else {
        ctx.words.card_renewable_quota()
    }
}

/// Only buttons that do something in this state.
fn buttons(ctx: Ctx<'_>, card: &ServiceCard, connect: Option<Link>) -> Keyboard {
    let words = ctx.words;
    let service = card.id;
    let rename = || (words.btn_rename(), Button::Rename { service });
    let revoke = || (words.btn_revoke(), Button::Revoke { service });
    let renew = || (words.btn_renew(), Button::Renew { service });
    let keyboard = match card.status {
        ServiceStatus::Active => {
            let mut keyboard = Keyboard::default();
            keyboard.push(connect.map(|link| (words.btn_connect(), Action::Open(link))));
            keyboard.push(things(ctx, card).into_iter().chain([rename()]));
            let rotate = (words.btn_rotate(), Button::Rotate { service });
            let keyboard = keyboard
                .row([rotate, (words.btn_move(), Button::Move { service })])
                .row_if(can_renew(ctx, card), || [renew()])
                .row_if(card.product != Product::Mtproto, || how_to_row(ctx, card));
            keyboard.row([revoke()])
        }
        ServiceStatus::Pending => {
            Keyboard::default().row([(words.btn_look(), Button::Card { service })]).row([rename(), revoke()])
        }
        ServiceStatus::Suspended => {
            Keyboard::default().row_if(renewable(ctx, card).is_some(), || [renew()]).row([rename(), revoke()])
        }
        ServiceStatus::Expired | ServiceStatus::Revoked | ServiceStatus::Failed => Keyboard::default(),
    };
    keyboard.row([ctx.mine(card.product), ctx.home()])
}

/// File or link, and picture; no picture of a file without its private key, since it could not be used.
pub(super) fn things(ctx: Ctx<'_>, card: &ServiceCard) -> Vec<(String, Button)> {
    let service = card.id;
    let label = match card.product {
        Product::Wireguard => ctx.words.btn_file(),
        Product::Outline | Product::Mtproto => ctx.words.btn_link(),
    };
    let mut row = vec![(label, Button::File { service })];
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

/// A button to a service's card.
pub(super) fn card_button(ctx: Ctx<'_>, card: &ServiceCard) -> (String, Button) {
    (ctx.words.btn_card(card.product.as_str(), &card.name), Button::Card { service: card.id })
}
