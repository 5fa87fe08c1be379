//! The first screen: one's services, then the menu.

use super::{Ctx, Face, service};
use crate::telegram::html::Html;
use crate::telegram::keyboard::Keyboard;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::permission::Permission;
use usipipo_actors::domain::service::ServiceCard;
use usipipo_actors::model::Page;

/// `trial`: the free plan was never taken.
pub(super) fn home(ctx: Ctx<'_>, new: bool, services: &Page<ServiceCard>, trial: bool) -> Face {
    let words = ctx.words;
    let name = ctx.reader.viewer.as_ref().map_or("", |viewer| viewer.user.first_name.as_str());
    let mut html = words.home_hello(name);
    if new {
        html.line(&words.home_welcome());
    }
    let live = services.rows.iter().filter(|card| card.status.is_live());
    let lines = Html::lines(live.map(|card| service::line(ctx, card)));
    if lines.is_empty() && !new {
        html.paragraph(&words.home_none());
    }
    html.paragraph(&lines);
    let shown = services.rows.len() as u64;
    if services.total > shown {
        html.line(&words.home_more(services.total - shown));
    }
    if trial && !new {
        html.line(&words.home_trial_hint(u32::from(ctx.options.trial.days)));
    }
    (html, menu(ctx, trial))
}

/// The menu under the first screen and under small answers that lead back to it.
fn menu(ctx: Ctx<'_>, trial: bool) -> Keyboard {
    let words = ctx.words;
    Keyboard::default()
        .row_if(trial, || [ctx.trial()])
        .row([(words.btn_vpn(), Button::Vpn { page: 0 }), (words.btn_profile(), Button::Profile)])
        .row([(words.btn_settings(), Button::Settings), (words.btn_help(), Button::Help)])
        .row_if(ctx.role.holds(Permission::SystemRead), || [(words.btn_system(), Button::System)])
}
