//! Help, rules, and the small answers that lead back to the menu.

use super::{Ctx, Face};
use crate::telegram::html::Html;
use crate::telegram::keyboard::Keyboard;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::permission::Permission;
use usipipo_actors::domain::screen::Screen;

pub(super) fn help(ctx: Ctx<'_>) -> Face {
    let words = ctx.words;
    let mut html = words.help();
    if ctx.role.holds(Permission::SystemRead) {
        html.paragraph(&words.help_admin());
        if ctx.role.holds(Permission::ServicesGrant) {
            html.line(&words.help_grant());
        }
    }
    let keyboard = Keyboard::default()
        .row([(words.btn_privacy(), Button::Privacy), (words.btn_terms(), Button::Terms)])
        .row(ctx.lists())
        .row([ctx.home()]);
    (html, keyboard)
}

pub(super) fn privacy(ctx: Ctx<'_>) -> Face {
    let html = ctx.words.privacy(u32::from(ctx.options.keep_messages_days));
    (html, Keyboard::default().row([(ctx.words.btn_terms(), Button::Terms), ctx.home()]))
}

pub(super) fn terms(ctx: Ctx<'_>) -> Face {
    (ctx.words.terms(), Keyboard::default().row([(ctx.words.btn_privacy(), Button::Privacy), ctx.home()]))
}

pub(super) fn not_allowed(ctx: Ctx<'_>) -> Face {
    (ctx.words.not_allowed(), ways_on(ctx))
}

pub(super) fn no_such_service(ctx: Ctx<'_>) -> Face {
    (ctx.words.no_such_service(), ways_on(ctx))
}

pub(super) fn apology(ctx: Ctx<'_>, code: &str) -> Face {
    (ctx.words.apology(code), ways_on(ctx))
}

/// Answers of one or two lines.
pub(super) fn small(ctx: Ctx<'_>, screen: &Screen) -> Face {
    let words = ctx.words;
    let html: Html = match screen {
        Screen::OfferGone => words.offer_gone(),
        Screen::NoSuchService => words.no_such_service(),
        Screen::Cancelled => words.cancelled(),
        Screen::NothingToCancel => words.nothing_to_cancel(),
        Screen::UnknownCommand => words.unknown_command(),
        Screen::UnexpectedText => words.unexpected_text(),
        Screen::UnexpectedKind => words.unexpected_kind(),
        Screen::NotAllowed => words.not_allowed(),
        Screen::SlowDown => words.slow_down(),
        // Everything else has a face of its own.
        _ => words.old_button(),
    };
    (html, ways_on(ctx))
}

fn ways_on(ctx: Ctx<'_>) -> Keyboard {
    Keyboard::default().row(ctx.lists()).row([(ctx.words.btn_help(), Button::Help), ctx.home()])
}
