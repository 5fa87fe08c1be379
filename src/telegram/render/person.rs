//! Who I am here, and my settings.

use super::{Ctx, Face};
use crate::telegram::html::Html;
use crate::telegram::keyboard::Keyboard;
use crate::telegram::texts::Words;
use crate::telegram::words::clock;
use crate::telegram::zones::{self, ZONES};
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::ids::UserId;
use usipipo_actors::domain::lang::Lang;
use usipipo_actors::domain::permission::Role;
use usipipo_actors::domain::service::ServiceCard;
use usipipo_actors::model::UserRow;

pub(super) fn profile(ctx: Ctx<'_>, services: &[ServiceCard]) -> Face {
    let user = ctx.reader.viewer.as_ref().map(|viewer| &viewer.user);
    let html = about_person(ctx, ctx.reader.id, user, ctx.role, services);
    let keyboard = Keyboard::default()
        .row(ctx.lists())
        .row([(ctx.words.btn_settings(), Button::Settings), (ctx.words.btn_privacy(), Button::Privacy)])
        .row([ctx.home()]);
    (html, keyboard)
}

/// The facts of one person, for themselves and for admins.
pub(super) fn about_person(
    ctx: Ctx<'_>,
    id: UserId,
    user: Option<&UserRow>,
    role: Role,
    services: &[ServiceCard],
) -> Html {
    let words = ctx.words;
    let mut html = match user {
        Some(user) => {
            let last_name = user.last_name.as_deref().unwrap_or_default();
            let mut html = words.profile_title(format!("{} {last_name}", user.first_name).trim_end());
            if let Some(username) = &user.username {
                html.line(&words.profile_username(username));
            }
            html
        }
        None => Html::default(),
    };
    html.line(&words.profile_id(Html::code(&id.to_string())));
    if let Some(user) = user {
        html.line(&words.profile_since(ctx.here.day(user.created_at)));
    }
    let live = services.iter().filter(|card| card.status.is_live()).count();
    html.line(&words.profile_services(u32::try_from(live).unwrap_or(u32::MAX)));
    match role {
        Role::User => {}
        Role::Admin => html.line(&words.profile_role(words.t_role_admin())),
        Role::Superadmin => html.line(&words.profile_role(words.t_role_superadmin())),
    }
    html
}

pub(super) fn settings(ctx: Ctx<'_>) -> Face {
    let words = ctx.words;
    let user = ctx.reader.viewer.as_ref().map(|viewer| &viewer.user);
    let reminders = user.is_none_or(|user| user.reminders);
    // Equal ends mean never.
    let quiet = user.and_then(|user| user.quiet).or(ctx.options.quiet).filter(|quiet| quiet.from() != quiet.to());
    let mut html = words.settings_title();
    html.line(&words.settings_language(words.btn_language_name()));
    html.line(&words.settings_zone(zone(ctx), ctx.here.clock_in(ctx.here.tz)));
    html.line(&if reminders { words.settings_reminders_on() } else { words.settings_reminders_off() });
    html.line(&match quiet {
        Some(quiet) => words.settings_quiet_on(clock(quiet.from()), clock(quiet.to())),
        None => words.settings_quiet_off(),
    });
    let time_zones = Button::TimeZones { page: zones::page_of(ctx.here.tz) };
    let remind = if reminders { words.btn_reminders_off() } else { words.btn_reminders_on() };
    let silence = if quiet.is_some() { words.btn_quiet_off() } else { words.btn_quiet_on() };
    let keyboard = Keyboard::default()
        .row([(words.btn_language(), Button::Languages), (words.btn_zone(), time_zones)])
        .row([(remind, Button::Reminders { on: !reminders }), (silence, Button::Quiet { on: quiet.is_none() })])
        .row([(words.btn_profile(), Button::Profile), ctx.home()]);
    (html, keyboard)
}

/// The city of the reader's zone, else its name in the database of zones.
fn zone(ctx: Ctx<'_>) -> String {
    match zones::key_of(ctx.here.tz) {
        Some(key) => ctx.words.named(key),
        None => ctx.here.tz.name().to_owned(),
    }
}

pub(super) fn languages(ctx: Ctx<'_>) -> Face {
    let mut keyboard = Keyboard::default();
    keyboard.push(Lang::ALL.map(|lang| {
        let name = Words(lang).btn_language_name();
        let label = if Words(lang) == ctx.words { ctx.words.btn_chosen(name) } else { name };
        (label, Button::Language(lang))
    }));
    (ctx.words.languages_title(), keyboard.row([back(ctx), ctx.home()]))
}

pub(super) fn zones(ctx: Ctx<'_>, page: u16) -> Face {
    let words = ctx.words;
    let mut html = words.zones_title();
    html.line(&words.zones_hint(zone(ctx)));
    let mut pages = ZONES.chunks(zones::PER_PAGE);
    let last = u16::try_from(pages.len().saturating_sub(1)).unwrap_or(0);
    let page = page.min(last);
    let mut keyboard = Keyboard::default();
    for (tz, key) in pages.nth(usize::from(page)).unwrap_or_default() {
        let label = words.btn_zone_name(words.named(key), ctx.here.clock_in(*tz));
        let label = if *tz == ctx.here.tz { words.btn_chosen(label) } else { label };
        keyboard.push([(label, Button::TimeZone(tz.name().to_owned()))]);
    }
    keyboard.push(ctx.pager(page, last + 1, |page| Button::TimeZones { page }));
    (html, keyboard.row([back(ctx), ctx.home()]))
}

fn back(ctx: Ctx<'_>) -> (String, Button) {
    (ctx.words.btn_back(), Button::Settings)
}
