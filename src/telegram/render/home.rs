//! The first screen: one's services, then the menu.

use super::{Ctx, Face, free, service};
use crate::telegram::html::Html;
use crate::telegram::keyboard::Keyboard;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::permission::Permission;
use usipipo_actors::domain::plan::PlanSpec;
use usipipo_actors::domain::service::ServiceCard;
use usipipo_actors::model::Page;

/// `plans`: what could be had for nothing.
pub(super) fn home(ctx: Ctx<'_>, new: bool, services: &Page<ServiceCard>, plans: &[PlanSpec]) -> Face {
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
    if !new {
        html.line(&free::hint(ctx, plans));
    }
    (html, menu(ctx, plans))
}

/// The menu under the first screen.
fn menu(ctx: Ctx<'_>, plans: &[PlanSpec]) -> Keyboard {
    let words = ctx.words;
    let mut keyboard = Keyboard::default();
    keyboard.push(free::button(ctx, plans));
    keyboard
        .row([(words.btn_vpn(), Button::Vpn { page: 0 }), (words.btn_proxy(), Button::Proxy { page: 0 })])
        .row([(words.btn_status(), Button::Status), (words.btn_profile(), Button::Profile)])
        .row([(words.btn_settings(), Button::Settings), (words.btn_help(), Button::Help)])
        .row_if(ctx.role.holds(Permission::SystemRead), || [(words.btn_system(), Button::System)])
}
