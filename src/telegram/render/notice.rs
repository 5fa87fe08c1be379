//! What time and traffic bring: reminders, ends.

use super::{Ctx, Face, service};
use crate::telegram::keyboard::Keyboard;
use crate::telegram::words::{bar, size, size_of};
use chrono::TimeDelta;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::lifecycle::Reminder;
use usipipo_actors::domain::service::{ServiceCard, ServiceChange, ServiceStatus};
use usipipo_actors::domain::usage::NEARLY_USED_PERCENT;

/// A reminder is sent before the quiet hours in which it falls, so at most this much too early.
const EARLY_MAX: TimeDelta = TimeDelta::days(1);

fn with_renewal(ctx: Ctx<'_>, card: &ServiceCard, renew: bool) -> Keyboard {
    Keyboard::default()
        .row_if(renew, || [(ctx.words.btn_renew(), Button::Renew { service: card.id })])
        .row([service::card_button(ctx, card)])
        .row([ctx.home()])
}

/// Both lists, for something that cannot be read any more.
fn lists(ctx: Ctx<'_>) -> Keyboard {
    Keyboard::default().row(ctx.lists()).row([ctx.home()])
}

/// It ends soon. Nothing when it does not: it was renewed or ended while the message waited.
pub(super) fn reminder(ctx: Ctx<'_>, card: &ServiceCard, reminder: Reminder) -> Option<Face> {
    let words = ctx.words;
    let end = card.ends_at.filter(|_| card.status == ServiceStatus::Active)?;
    let left = end - ctx.here.now;
    if left <= TimeDelta::zero() || left > reminder.before() + EARLY_MAX {
        return None;
    }
    let mut html = words.reminder(&card.name, ctx.here.date(end), ctx.here.left(end));
    html.line(&if card.free {
        words.reminder_renew()
    } else if card.trial {
        words.reminder_trial()
    } else {
        words.reminder_other()
    });
    Some((html, with_renewal(ctx, card, card.free)))
}

/// Most of its traffic is used. Nothing when it is not: it was renewed or ended while the message waited.
pub(super) fn quota_near(ctx: Ctx<'_>, card: &ServiceCard) -> Option<Face> {
    let words = ctx.words;
    let quota = card.quota_bytes.filter(|_| card.status == ServiceStatus::Active)?;
    let percent = card.used_percent().filter(|percent| *percent >= NEARLY_USED_PERCENT)?;
    let renew = service::can_renew(ctx, card);
    let mut html = words.quota_near(&card.name);
    html.line(&words.card_usage(size_of(words, card.used(), quota), bar(percent)));
    html.line(&if renew { words.quota_near_renew() } else { words.quota_near_hint() });
    Some((html, with_renewal(ctx, card, renew)))
}

/// Its time is over; or the time in which it could have been renewed is over as well.
pub(super) fn ended(ctx: Ctx<'_>, card: Option<&ServiceCard>) -> Option<Face> {
    let words = ctx.words;
    if works(card) {
        return None;
    }
    let Some((card, end)) = card.and_then(|card| Some((card, card.ends_at?))) else {
        return Some((words.ended_some(), lists(ctx)));
    };
    if card.status == ServiceStatus::Expired {
        return Some((words.ended_for_good(&card.name, ctx.here.date(end)), with_renewal(ctx, card, false)));
    }
    Some(match service::renewable(ctx, card) {
        Some(until) => {
            let mut html = words.ended_renewable(&card.name, ctx.here.date(end));
            html.paragraph(&service::renewal(ctx, card, until));
            (html, with_renewal(ctx, card, true))
        }
        None => (words.ended(&card.name, ctx.here.date(end)), with_renewal(ctx, card, false)),
    })
}

/// Its traffic is used up.
pub(super) fn over_quota(ctx: Ctx<'_>, card: Option<&ServiceCard>) -> Option<Face> {
    let words = ctx.words;
    if works(card) {
        return None;
    }
    let Some((card, quota)) = card.and_then(|card| Some((card, card.quota_bytes?))) else {
        return Some((words.over_quota_some(), lists(ctx)));
    };
    let mut html = words.over_quota(&card.name, size(quota));
    let until = service::renewable(ctx, card);
    if let Some(until) = until {
        html.paragraph(&service::renewal(ctx, card, until));
    }
    Some((html, with_renewal(ctx, card, until.is_some())))
}

/// It works again: it was renewed, or an admin helped, while the message waited for the end of quiet hours.
fn works(card: Option<&ServiceCard>) -> bool {
    card.is_some_and(|card| card.status == ServiceStatus::Active)
}

/// An admin changed it.
pub(super) fn cared(ctx: Ctx<'_>, card: &ServiceCard, change: ServiceChange) -> Face {
    let (words, name) = (ctx.words, &card.name);
    let end = card.ends_at.unwrap_or(ctx.here.now);
    let html = match change {
        ServiceChange::Pause => words.cared_pause(name),
        ServiceChange::Resume => words.cared_resume(name),
        ServiceChange::Extend { days } => words.cared_extend(u32::from(days), name, ctx.here.date(end)),
        ServiceChange::Revoke => words.cared_revoke(name),
    };
    (html, with_renewal(ctx, card, false))
}
