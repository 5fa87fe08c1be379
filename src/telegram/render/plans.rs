//! Admins: plans on offer, and giving somebody a service.

use super::{Ctx, Face, free, service, system};
use crate::telegram::html::Html;
use crate::telegram::keyboard::Keyboard;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::ids::{OfferId, UserId};
use usipipo_actors::domain::permission::Permission;
use usipipo_actors::domain::plan::{Plan, PlanSpec};
use usipipo_actors::domain::service::{Product, ServiceCard};
use usipipo_actors::model::Viewer;

/// Plans that fit into one message; the rest is counted.
const PLANS_MAX: usize = 40;
/// A code for the example when there is no plan.
const EXAMPLE: &str = "wg-1m";

fn example(plans: &[Plan]) -> &str {
    plans.first().map_or(EXAMPLE, |plan| plan.spec.code.as_str())
}

fn line(ctx: Ctx<'_>, spec: &PlanSpec) -> Html {
    ctx.words.plan_line(&spec.code, free::terms(ctx, spec))
}

pub(super) fn list(ctx: Ctx<'_>, plans: &[Plan]) -> Face {
    let words = ctx.words;
    let mut html = words.plans_title();
    if plans.is_empty() {
        html.line(&words.plans_none());
    }
    let mut left = PLANS_MAX;
    for product in Product::ALL {
        let own: Vec<_> = plans.iter().filter(|plan| plan.spec.product == product).take(left).collect();
        left -= own.len();
        if !own.is_empty() {
            html.paragraph(&words.plans_product(service::product(ctx, product)));
            html.line(&Html::lines(own.into_iter().map(|plan| line(ctx, &plan.spec))));
        }
    }
    system::more(ctx, &mut html, plans.len(), PLANS_MAX);
    if !plans.is_empty() {
        html.paragraph(&words.plans_hint(example(plans)));
    }
    (html, keys(ctx))
}

fn keys(ctx: Ctx<'_>) -> Keyboard {
    let system = ctx.role.holds(Permission::SystemRead).then(|| (ctx.words.btn_system(), Button::System));
    let mut keyboard = Keyboard::default();
    keyboard.push(system.into_iter().chain([ctx.home()]));
    keyboard
}

fn plans_keys(ctx: Ctx<'_>) -> Keyboard {
    Keyboard::default().row([(ctx.words.btn_plans(), Button::Plans), ctx.home()])
}

pub(super) fn usage(ctx: Ctx<'_>, plans: &[Plan]) -> Face {
    (ctx.words.grant_usage(example(plans)), plans_keys(ctx))
}

/// `viewer`: the user asked for, if there is one; then it is the plan that is not.
pub(super) fn unknown(ctx: Ctx<'_>, user: UserId, plan: &str, viewer: Option<&Viewer>) -> Face {
    let html = match viewer {
        Some(_) => ctx.words.grant_no_plan(plan),
        None => ctx.words.user_unknown(Html::code(&user.to_string())),
    };
    (html, plans_keys(ctx))
}

/// The first name, or the number of somebody without one.
fn name(user: UserId, viewer: Option<&Viewer>) -> String {
    let name = viewer.map(|viewer| viewer.user.first_name.trim()).filter(|name| !name.is_empty());
    name.map_or_else(|| user.to_string(), str::to_owned)
}

pub(super) fn ask(
    ctx: Ctx<'_>,
    user: UserId,
    viewer: Option<&Viewer>,
    plan: &str,
    spec: Option<&PlanSpec>,
    offer: OfferId,
) -> Face {
    let words = ctx.words;
    let mut html = words.ask_grant(name(user, viewer), Html::code(&user.to_string()));
    match spec {
        Some(spec) => {
            html.line(&Html::dotted(&[Html::escape(&service::product(ctx, spec.product)), line(ctx, spec)]));
        }
        None => html.line(&Html::code(plan)),
    }
    let keyboard = Keyboard::default()
        .row([(words.btn_grant_now(), Button::Accept { offer })])
        .row([(words.btn_plans(), Button::Plans), ctx.home()]);
    (html, keyboard)
}

pub(super) fn granted(ctx: Ctx<'_>, user: UserId, viewer: Option<&Viewer>, card: Option<&ServiceCard>) -> Face {
    let words = ctx.words;
    let html = match card {
        Some(card) => words.granted(&card.name, name(user, viewer)),
        None => words.granted_some(),
    };
    let who = ctx.role.holds(Permission::UsersRead).then(|| (words.btn_user(), Button::User { user }));
    let mut keyboard = Keyboard::default();
    keyboard.push(who);
    (html, keyboard.row([(words.btn_plans(), Button::Plans), ctx.home()]))
}
