//! What can be had for nothing: the choice, an offer, and why not.

use super::{Ctx, Face, service};
use crate::telegram::html::Html;
use crate::telegram::keyboard::Keyboard;
use crate::telegram::words::{dollars, size};
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::ids::OfferId;
use usipipo_actors::domain::plan::{PlanKind, PlanSpec};
use usipipo_actors::domain::screen::{Screen, TrialRefusal};
use usipipo_actors::domain::service::Product;

/// The button that leads to what is free; nothing when nothing is.
pub(super) fn button(ctx: Ctx<'_>, free: &[PlanSpec]) -> Option<(String, Button)> {
    let words = ctx.words;
    Some(match free {
        [] => return None,
        [plan] if plan.product == Product::Mtproto => (words.btn_free_proxy(), Button::TrialOf(plan.product)),
        plans => {
            let label = trial_days(plans).map_or_else(|| words.btn_free(), |days| words.btn_trial(days));
            (label, Button::Trial)
        }
    })
}

/// What waits for somebody who has not taken it, in one line.
pub(super) fn hint(ctx: Ctx<'_>, free: &[PlanSpec]) -> Html {
    match free {
        [] => Html::default(),
        [plan] if plan.product == Product::Mtproto => ctx.words.home_proxy_hint(),
        plans => trial_days(plans).map_or_else(|| ctx.words.home_free_hint(), |days| ctx.words.home_trial_hint(days)),
    }
}

/// Days of the longest trial there is.
fn trial_days(plans: &[PlanSpec]) -> Option<u32> {
    plans.iter().filter(|plan| plan.kind == PlanKind::Trial).map(|plan| u32::from(plan.days)).max()
}

/// A plan in a row: "30 días · 5 GB · 5 aparatos · $1.00".
pub(super) fn terms(ctx: Ctx<'_>, plan: &PlanSpec) -> String {
    let words = ctx.words;
    let quota = plan.quota_bytes.map_or_else(|| words.t_terms_unlimited(), size);
    let devices = plan.devices.map(|devices| words.t_terms_devices(u32::from(devices)));
    let price = if plan.price_cents == 0 { words.t_terms_free() } else { dollars(plan.price_cents) };
    let parts = [Some(words.t_span_days(u32::from(plan.days))), Some(quota), devices, Some(price)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn try_button(ctx: Ctx<'_>, product: Product) -> (String, Button) {
    let label = match product {
        Product::Wireguard => ctx.words.btn_try_wireguard(),
        Product::Outline => ctx.words.btn_try_outline(),
        Product::Mtproto => ctx.words.btn_try_mtproto(),
    };
    (label, Button::TrialOf(product))
}

pub(super) fn choice(ctx: Ctx<'_>, products: &[Product], plans: &[PlanSpec]) -> Face {
    let words = ctx.words;
    let mut html = words.choice_title();
    let mut keyboard = Keyboard::default();
    for product in products {
        let plan = plans.iter().find(|plan| plan.product == *product);
        let terms = plan.map_or_else(|| words.t_terms_free(), |plan| terms(ctx, plan));
        html.paragraph(&match product {
            Product::Wireguard => words.choice_wireguard(terms),
            Product::Outline => words.choice_outline(terms),
            Product::Mtproto => words.choice_mtproto(terms),
        });
        keyboard.push([try_button(ctx, *product)]);
    }
    (html, keyboard.row([ctx.home()]))
}

/// `choice`: there is more than one server to take it on.
pub(super) fn offer(ctx: Ctx<'_>, offer: OfferId, plan: &PlanSpec, choice: bool) -> Face {
    let words = ctx.words;
    let (name, days) = (service::product(ctx, plan.product), u32::from(plan.days));
    let trial = plan.kind == PlanKind::Trial;
    let mut html = if trial { words.offer_trial_title(days, name) } else { words.offer_free_title(days, name) };
    html.paragraph(&match plan.quota_bytes {
        Some(quota) => words.offer_quota(size(quota)),
        None => words.offer_unlimited(),
    });
    if let Some(devices) = plan.devices {
        html.line(&words.card_devices(u32::from(devices)));
    }
    html.line(&if trial { words.offer_counts_trial() } else { words.offer_counts_free() });
    html.paragraph(&match plan.product {
        Product::Wireguard => words.offer_about_wireguard(),
        Product::Outline => words.offer_about_outline(),
        Product::Mtproto => words.offer_about_mtproto(),
    });
    let take = if trial { words.btn_trial_take() } else { words.btn_free_take() };
    let keyboard = Keyboard::default()
        .row([(take, Button::Accept { offer })])
        .row_if(choice, || [(words.btn_choose_server(), Button::Servers { offer, page: 0 })])
        .row_if(plan.product == Product::Wireguard, || [(words.btn_own_key(), Button::OwnKey { offer })])
        .row([ctx.home()]);
    (html, keyboard)
}

/// Why not, and what can be had in its place. The same refusals answer a move or a grant.
pub(super) fn refused(ctx: Ctx<'_>, reason: TrialRefusal, product: Product, free: &[PlanSpec]) -> Face {
    let words = ctx.words;
    let name = || service::product(ctx, product);
    let mut keyboard = Keyboard::default();
    let mut html = match reason {
        TrialRefusal::AlreadyUsed { at, service } => {
            let mut html = words.trial_used(name(), ctx.here.day(at));
            if let Some(service) = service {
                html.line(&words.trial_used_here());
                keyboard.push([(words.btn_card_of_trial(), Button::Card { service })]);
            }
            html
        }
        TrialRefusal::PoolFull => words.trial_pool_full(name()),
        TrialRefusal::NoNode => words.trial_no_node(name()),
        TrialRefusal::NodeDown => words.trial_node_down(name()),
        TrialRefusal::HaveOne { service } => {
            keyboard.push([(words.btn_card_of_free(product.as_str()), Button::Card { service })]);
            words.trial_have_one(product.as_str(), name())
        }
        TrialRefusal::TooMany { most } => words.trial_too_many(u32::from(most)),
    };
    let may_work_later = matches!(reason, TrialRefusal::PoolFull | TrialRefusal::NoNode | TrialRefusal::NodeDown);
    // What was on the screen says what was refused.
    let before = ctx.reader.viewer.as_ref().and_then(|viewer| viewer.current.as_ref()).map(|(_, screen, _)| screen);
    match before {
        Some(Screen::AskMove { service, .. }) => {
            keyboard.push([(words.btn_back(), Button::Card { service: *service })]);
            return (html, keyboard.row([ctx.home()]));
        }
        Some(Screen::AskGrant { .. }) => return (html, keyboard.row([(words.btn_plans(), Button::Plans), ctx.home()])),
        _ => {}
    }
    let others: Vec<_> = free.iter().map(|plan| plan.product).filter(|other| *other != product).collect();
    if !others.is_empty() && !matches!(reason, TrialRefusal::TooMany { .. }) {
        html.paragraph(&if may_work_later { words.trial_others() } else { words.trial_others_too() });
        keyboard.push(others.into_iter().map(|other| try_button(ctx, other)));
    }
    let retry = || [(words.btn_retry(), Button::TrialOf(product)), ctx.home()];
    let keyboard = if may_work_later { keyboard.row(retry()) } else { keyboard.row(ctx.lists()).row([ctx.home()]) };
    (html, keyboard)
}
