//! What is special to Outline and to proxies, and what concerns several products.

use super::*;
use crate::telegram::fake::{mtproto, offer, outline, servers};
use usipipo_actors::domain::ids::PlanId;
use usipipo_actors::domain::plan::PlanKind;

/// The row of a default plan.
fn plan_of(product: Product, kind: PlanKind) -> Option<PlanId> {
    let row = PlanSpec::defaults().iter().position(|plan| plan.product == product && plan.kind == kind);
    row.map(|row| PlanId(i32::try_from(row).unwrap()))
}

fn free_offer(lang: Lang, product: Product, kind: PlanKind) -> World {
    World { offer: Some(offer(kind.as_str(), product, plan_of(product, kind))), ..World::new(lang) }
}

fn with_outline(lang: Lang) -> World {
    with_one(lang, outline(1, "Outline 1", ServiceStatus::Active))
}

fn with_proxy(lang: Lang) -> World {
    with_one(lang, mtproto(1, "Proxy 1", ServiceStatus::Active))
}

/// Its time is over, its grace is not.
fn ended_proxy(reason: SuspendReason) -> ServiceCard {
    let ends_at = Some(now() - TimeDelta::hours(3));
    ServiceCard { reasons: vec![reason], ends_at, ..mtproto(1, "Proxy 1", ServiceStatus::Suspended) }
}

pub(super) fn samples() -> Vec<Sample> {
    let mut all = offers();
    all.extend(cards());
    all.extend(changes());
    all.extend(overviews());
    all
}

fn offers() -> Vec<Sample> {
    let offered = |product| Screen::TrialOffer { offer: OFFER, product };
    let refused = |reason, product| Screen::TrialRefused { reason, product };
    let servers_of = |page| Screen::Servers { offer: OFFER, page };
    vec![
        own("trial_choice", Screen::TrialChoice { products: Product::ALL.to_vec() }, |lang| World {
            free: Product::ALL.to_vec(),
            ..World::new(lang)
        }),
        own("trial_offer_outline", offered(Product::Outline), |lang| {
            free_offer(lang, Product::Outline, PlanKind::Trial)
        }),
        own("trial_offer_proxy", offered(Product::Mtproto), |lang| World {
            servers: servers().into_iter().take(1).collect(),
            ..free_offer(lang, Product::Mtproto, PlanKind::Free)
        }),
        own("trial_offer_gone", offered(Product::Outline), |lang| World { offer: None, ..World::new(lang) }),
        own("trial_used_others_left", refused(used_at(), Product::Wireguard), |lang| World {
            free: vec![Product::Outline, Product::Mtproto],
            ..World::new(lang)
        }),
        own("trial_node_down", refused(TrialRefusal::NodeDown, Product::Outline), |lang| World {
            free: vec![Product::Wireguard, Product::Outline, Product::Mtproto],
            ..World::new(lang)
        }),
        own("trial_have_one", refused(TrialRefusal::HaveOne { service: SERVICE }, Product::Mtproto), with_proxy),
        plain("trial_too_many", refused(TrialRefusal::TooMany { most: 5 }, Product::Outline)),
        own("move_refused", refused(TrialRefusal::NodeDown, Product::Outline), |lang| {
            let asked = Screen::AskMove { service: SERVICE, offer: OFFER, page: 0 };
            World { current: Some((7, asked, now())), free: vec![Product::Outline], ..with_outline(lang) }
        }),
        plain("servers", servers_of(0)),
        own("servers_second_page", servers_of(1), |lang| {
            let many = servers().into_iter().cycle().take(24).collect();
            World { servers: many, ..free_offer(lang, Product::Mtproto, PlanKind::Free) }
        }),
        own("servers_none_up", servers_of(0), |lang| World { servers: Vec::new(), ..World::new(lang) }),
        own("servers_offer_gone", servers_of(0), |lang| World { offer: None, ..World::new(lang) }),
        own("preparing_proxy", Screen::Preparing { service: SERVICE }, |lang| {
            with_one(lang, mtproto(1, "Proxy 1", ServiceStatus::Pending))
        }),
        own("waiting_proxy", Screen::Waiting { service: SERVICE }, |lang| {
            with_one(lang, mtproto(1, "Proxy 1", ServiceStatus::Pending))
        }),
        own("ready_outline", Screen::Ready { service: SERVICE }, with_outline),
        own("ready_proxy", Screen::Ready { service: SERVICE }, with_proxy),
        own("failed_proxy", Screen::Failed { service: SERVICE }, |lang| {
            with_one(lang, mtproto(1, "Proxy 1", ServiceStatus::Failed))
        }),
        own("failed_granted", Screen::Failed { service: SERVICE }, |lang| {
            with_one(lang, ServiceCard { trial: false, ..outline(1, "Outline 1", ServiceStatus::Failed) })
        }),
        own("howto_outline_ios", Screen::HowTo { service: SERVICE, os: Os::Ios }, with_outline),
        own("howto_outline_android", Screen::HowTo { service: SERVICE, os: Os::Android }, with_outline),
        own("howto_outline_pc", Screen::HowTo { service: SERVICE, os: Os::Pc }, with_outline),
        own("howto_proxy_is_its_card", Screen::HowTo { service: SERVICE, os: Os::Pc }, with_proxy),
    ]
}

fn used_at() -> TrialRefusal {
    TrialRefusal::AlreadyUsed { at: now() - TimeDelta::days(21), service: None }
}

fn cards() -> Vec<Sample> {
    let card = || Screen::Card { service: SERVICE };
    vec![
        own("card_outline", card(), with_outline),
        own("card_outline_unused", card(), |lang| World {
            history: vec![0; 14],
            ..with_one(lang, ServiceCard { used_down: 0, ..outline(1, "Outline 1", ServiceStatus::Active) })
        }),
        own("card_proxy", card(), with_proxy),
        own("card_proxy_disguised", card(), |lang| World {
            domain: Some("www.example.com".to_owned()),
            ..with_proxy(lang)
        }),
        own("card_proxy_pending", card(), |lang| with_one(lang, mtproto(1, "Proxy 1", ServiceStatus::Pending))),
        own("card_proxy_in_grace", card(), |lang| with_one(lang, ended_proxy(SuspendReason::Expiry))),
        own("card_proxy_over_grace", card(), |lang| {
            let ends_at = Some(now() - TimeDelta::hours(49));
            with_one(lang, ServiceCard { ends_at, ..ended_proxy(SuspendReason::Expiry) })
        }),
        own("card_proxy_quota_used", card(), |lang| {
            let (ends_at, quota_bytes) = (Some(now() + TimeDelta::days(3)), Some(1_000_000_000));
            with_one(lang, ServiceCard { ends_at, quota_bytes, ..ended_proxy(SuspendReason::Quota) })
        }),
        own("card_proxy_paused", card(), |lang| with_one(lang, ended_proxy(SuspendReason::Admin))),
        own("card_proxy_revoked", card(), |lang| with_one(lang, mtproto(1, "Proxy 1", ServiceStatus::Revoked))),
        own("card_country_without_a_name", card(), |lang| {
            let base = outline(1, "Outline 1", ServiceStatus::Active);
            with_one(lang, ServiceCard { node_country: "ZZ".to_owned(), ..base })
        }),
        own("card_second_period", card(), |lang| {
            let base = outline(1, "Outline 1", ServiceStatus::Active);
            with_one(lang, ServiceCard { trial: false, used_before: 900_000_000, ..base })
        }),
    ]
}

fn changes() -> Vec<Sample> {
    let renew = || Screen::AskRenew { service: SERVICE, offer: OFFER };
    let go = |page| Screen::AskMove { service: SERVICE, offer: OFFER, page };
    vec![
        own("ask_rotate_outline", Screen::AskRotate { service: SERVICE, offer: OFFER }, with_outline),
        own("key_on_its_way", Screen::KeyOnItsWay { service: SERVICE }, with_outline),
        own("ask_renew", renew(), with_proxy),
        own("ask_renew_in_grace", renew(), |lang| with_one(lang, ended_proxy(SuspendReason::Expiry))),
        own("renewed", Screen::Renewed { service: SERVICE }, |lang| {
            let ends_at = Some(now() + TimeDelta::days(30));
            with_one(lang, ServiceCard { ends_at, ..mtproto(1, "Proxy 1", ServiceStatus::Active) })
        }),
        own("ask_move", go(0), with_outline),
        plain("ask_move_wireguard", go(0)),
        own("ask_move_nowhere", go(0), |lang| World { servers: Vec::new(), ..with_proxy(lang) }),
        own("ask_revoke_free", Screen::AskRevoke { service: SERVICE, offer: OFFER }, with_proxy),
        own("revoked_outline", Screen::Revoked { service: SERVICE }, |lang| {
            with_one(lang, outline(1, "Outline 1", ServiceStatus::Revoked))
        }),
        own("revoked_proxy", Screen::Revoked { service: SERVICE }, |lang| {
            with_one(lang, mtproto(1, "Proxy 1", ServiceStatus::Revoked))
        }),
    ]
}

fn three(lang: Lang) -> World {
    let proxy = mtproto(3, "Proxy 1", ServiceStatus::Active);
    World::with(lang, vec![active(), outline(2, "Portátil", ServiceStatus::Active), proxy])
}

fn overviews() -> Vec<Sample> {
    let free = |lang| World { free: Product::ALL.to_vec(), ..World::with(lang, Vec::new()) };
    let free_proxy = |lang| World { free: vec![Product::Mtproto], ..World::with(lang, Vec::new()) };
    vec![
        own("home_three_kinds", Screen::Home { new: false }, three),
        own("home_everything_free", Screen::Home { new: true }, free),
        own("home_proxy_free", Screen::Home { new: false }, |lang| World {
            free: vec![Product::Mtproto],
            ..World::new(lang)
        }),
        own("vpn_without_proxies", Screen::Vpn { page: 0 }, three),
        own("proxy_list", Screen::Proxy { page: 0 }, three),
        own("proxy_in_grace", Screen::Proxy { page: 0 }, |lang| with_one(lang, ended_proxy(SuspendReason::Expiry))),
        own("proxy_empty", Screen::Proxy { page: 0 }, free_proxy),
        own("proxy_none_to_give", Screen::Proxy { page: 0 }, |lang| World::with(lang, Vec::new())),
        own("status_three_kinds", Screen::Status, three),
        own("settings_silent", Screen::Settings, |lang| {
            let mut world = World::new(lang);
            let user = world.user.as_mut().unwrap();
            (user.reminders, user.quiet) = (false, QuietHours::new(0, 0));
            world
        }),
        own("settings_own_quiet_hours", Screen::Settings, |lang| {
            let mut world = World::new(lang);
            world.user.as_mut().unwrap().quiet = QuietHours::new(23 * 60 + 30, 7 * 60);
            world
        }),
    ]
}
