//! Admins: one service of a user, and what can be done for its owner.

use super::{Ctx, Face, about, service};
use crate::telegram::html::Html;
use crate::telegram::keyboard::Keyboard;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::ids::UserId;
use usipipo_actors::domain::service::{ServiceCard, ServiceChange, ServiceStatus, SuspendReason};

/// By how many days a service can be extended with one button.
const EXTENSIONS: [u16; 3] = [1, 7, 30];

/// A button for each service on a user's card.
pub(super) fn buttons(ctx: Ctx<'_>, services: &[ServiceCard]) -> Keyboard {
    let mut keyboard = Keyboard::default();
    for card in services {
        let label = ctx.words.btn_service(service::dot(ctx, card), &card.name, service::state(ctx, card));
        keyboard.push([(label, Button::UserService { user: card.user, service: card.id })]);
    }
    keyboard
}

fn back(ctx: Ctx<'_>, user: UserId) -> [(String, Button); 2] {
    [(ctx.words.btn_user(), Button::User { user }), ctx.home()]
}

fn gone(ctx: Ctx<'_>, user: UserId) -> Face {
    (ctx.words.care_gone(), Keyboard::default().row(back(ctx, user)))
}

/// What can be done in its state.
fn changes(card: &ServiceCard) -> Vec<ServiceChange> {
    let lasting = matches!(card.status, ServiceStatus::Active | ServiceStatus::Suspended);
    let lifted = [SuspendReason::Admin, SuspendReason::Quota].iter().any(|reason| card.reasons.contains(reason));
    let mut changes = Vec::new();
    if lifted {
        changes.push(ServiceChange::Resume);
    } else if lasting {
        changes.push(ServiceChange::Pause);
    }
    if lasting && card.ends_at.is_some() {
        changes.extend(EXTENSIONS.map(|days| ServiceChange::Extend { days }));
    }
    if card.status.is_live() {
        changes.push(ServiceChange::Revoke);
    }
    changes
}

fn label(ctx: Ctx<'_>, change: ServiceChange) -> String {
    match change {
        ServiceChange::Pause => ctx.words.btn_care_pause(),
        ServiceChange::Resume => ctx.words.btn_care_resume(),
        ServiceChange::Extend { days } => ctx.words.btn_care_extend(u32::from(days)),
        ServiceChange::Revoke => ctx.words.btn_revoke(),
    }
}

pub(super) fn one(ctx: Ctx<'_>, user: UserId, card: Option<&ServiceCard>) -> Face {
    let Some(card) = card else { return gone(ctx, user) };
    let words = ctx.words;
    let mut html = service::facts_card(ctx, card);
    let reasons = card.reasons.iter().map(|reason| match reason {
        SuspendReason::Expiry => words.care_reason_expiry(),
        SuspendReason::Quota => words.care_reason_quota(),
        SuspendReason::Admin => words.care_reason_admin(),
    });
    html.paragraph(&Html::lines(reasons));
    let allowed: Vec<_> = changes(card).into_iter().filter(|change| ctx.role.holds(change.permission())).collect();
    let (days, others): (Vec<_>, Vec<_>) =
        allowed.into_iter().partition(|change| matches!(change, ServiceChange::Extend { .. }));
    let ask = |change: ServiceChange| (label(ctx, change), Button::AskService { user, service: card.id, change });
    let mut keyboard = Keyboard::default();
    keyboard.push(others.into_iter().map(ask));
    keyboard.push(days.into_iter().map(ask));
    (html, keyboard.row(back(ctx, user)))
}

pub(super) fn ask(ctx: Ctx<'_>, user: UserId, card: Option<&ServiceCard>, change: ServiceChange) -> Face {
    if !ctx.role.holds(change.permission()) {
        return about::not_allowed(ctx);
    }
    let Some(card) =
        card.filter(|card| changes(card).contains(&change) || matches!(change, ServiceChange::Extend { .. }))
    else {
        return gone(ctx, user);
    };
    let words = ctx.words;
    let name = &card.name;
    let mut html = match change {
        ServiceChange::Pause => words.care_ask_pause(name),
        ServiceChange::Resume => words.care_ask_resume(name),
        ServiceChange::Extend { days } => words.care_ask_extend(u32::from(days), name),
        ServiceChange::Revoke => words.care_ask_revoke(name),
    };
    html.line(&service::line(ctx, card));
    html.paragraph(&words.care_told());
    let seen = card.ends_at.map_or(0, |end| end.timestamp());
    let sure = (label(ctx, change), Button::ChangeService { user, service: card.id, change, seen });
    let no = (words.btn_back(), Button::UserService { user, service: card.id });
    (html, Keyboard::default().row([sure]).row([no, ctx.home()]))
}
