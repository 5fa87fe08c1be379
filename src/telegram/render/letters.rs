//! Admins: updates that failed, and one person's card.

use super::system::short;
use super::{Ctx, Face, care, person, service};
use crate::telegram::html::Html;
use crate::telegram::keyboard::Keyboard;
use crate::telegram::texts::Words;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::ids::{DeadLetterId, UserId};
use usipipo_actors::domain::permission::{Permission, Role};
use usipipo_actors::domain::service::ServiceCard;
use usipipo_actors::model::{DeadLetterRow, Page, Viewer};

pub(super) fn list(ctx: Ctx<'_>, letters: &Page<DeadLetterRow>) -> Face {
    let words = ctx.words;
    let mut html = words.dead_title();
    let hint = if letters.total == 0 { words.dead_none() } else { words.dead_hint(letters.total) };
    html.line(&hint);
    let mut keyboard = Keyboard::default();
    for letter in &letters.rows {
        let (id, ago) = (letter.id.to_string(), ctx.here.ago(letter.created_at));
        let label = match letter.replayed_at {
            Some(_) => words.btn_dead_letter_done(id, &letter.code, ago),
            None => words.btn_dead_letter(id, &letter.code, ago),
        };
        keyboard.push([(label, Button::DeadLetter { id: letter.id })]);
    }
    keyboard.push(ctx.pager(letters.page, letters.pages, |page| Button::DeadLetters { page }));
    (html, keyboard.row([(words.btn_system(), Button::System), ctx.home()]))
}

pub(super) fn letter(ctx: Ctx<'_>, letter: Option<&DeadLetterRow>) -> Face {
    let words = ctx.words;
    let back = (words.btn_back(), Button::DeadLetters { page: 0 });
    let Some(letter) = letter else {
        return (words.dead_letter_gone(), Keyboard::default().row([back, ctx.home()]));
    };
    let mut html = words.dead_letter_title(letter.id.to_string(), &letter.code);
    let ago = ctx.here.ago(letter.created_at);
    html.line(&words.dead_letter_about(u32::from(letter.attempts), ago, &letter.lane));
    if let Some(user) = letter.user {
        html.line(&words.dead_letter_user(Html::code(&user.to_string())));
    }
    if let Some(replayed) = letter.replayed_at {
        html.line(&words.dead_letter_replayed(ctx.here.ago(replayed)));
    }
    html.line(&words.dead_letter_error(short(&letter.error)));
    html.paragraph(&Html::pre(&letter.excerpt));
    let replay = letter.replayed_at.is_none() && ctx.role.holds(Permission::DeadLettersReplay);
    let mut keys = Vec::new();
    if replay {
        keys.push((words.btn_replay(), Button::Replay { id: letter.id }));
    }
    if let Some(user) = letter.user.filter(|_| ctx.role.holds(Permission::UsersRead)) {
        keys.push((words.btn_user(), Button::User { user }));
    }
    let mut keyboard = Keyboard::default();
    keyboard.push(keys);
    (html, keyboard.row([back, ctx.home()]))
}

pub(super) fn replayed(ctx: Ctx<'_>, id: DeadLetterId) -> Face {
    let list = (ctx.words.btn_dead_list(), Button::DeadLetters { page: 0 });
    (ctx.words.replayed(id.to_string()), Keyboard::default().row([list, ctx.home()]))
}

pub(super) fn user_card(
    ctx: Ctx<'_>,
    (id, role): (UserId, Role),
    viewer: Option<&Viewer>,
    services: &[ServiceCard],
) -> Face {
    let words = ctx.words;
    let Some(viewer) = viewer else {
        return (words.user_unknown(Html::code(&id.to_string())), admin_keys(ctx));
    };
    let mut html = person::about_person(ctx, id, Some(&viewer.user), role, services);
    html.line(&words.profile_seen(ctx.here.ago(viewer.user.last_seen_at)));
    let language = Words(viewer.user.lang).btn_language_name();
    html.line(&words.user_language(language, &viewer.user.tz));
    if viewer.user.blocked {
        html.line(&words.profile_blocked());
    }
    html.paragraph(&Html::lines(services.iter().map(|card| service::line(ctx, card))));
    let mut keyboard = care::buttons(ctx, services);
    keyboard.rows.extend(admin_keys(ctx).rows);
    (html, keyboard)
}

pub(super) fn user_usage(ctx: Ctx<'_>) -> Face {
    (ctx.words.user_usage(), admin_keys(ctx))
}

fn admin_keys(ctx: Ctx<'_>) -> Keyboard {
    Keyboard::default().row([(ctx.words.btn_system(), Button::System), ctx.home()])
}
