//! Admins: the promotion tag of a proxy server, step by step with @MTProxybot.

use super::change::after_error;
use super::{Ctx, Face, nodes};
use crate::mtproto::{Secret, SecretKey, SecretKind};
use crate::telegram::html::Html;
use crate::telegram::keyboard::{Action, Keyboard, Link};
use crate::telemt::secret_text;
use secrecy::SecretString;
use usipipo_actors::domain::access::KeySecret;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::ids::NodeId;
use usipipo_actors::domain::promotion::{PromotionStep, TagError};
use usipipo_actors::model::PromotionRow;

/// Where the conversation takes place.
const MTPROXYBOT: &str = "https://t.me/MTProxybot";
/// What begins it there.
const NEW_PROXY: &str = "/newproxy";
/// What chooses the channel there.
const MY_PROXIES: &str = "/myproxies";

fn copy(text: &str) -> Action {
    Action::Copy(SecretString::from(text))
}

fn to_bot(ctx: Ctx<'_>) -> (String, Action) {
    (ctx.words.btn_mtproxybot(), Action::Open(Link::page(MTPROXYBOT)))
}

/// 32 hexadecimal digits, as @MTProxybot wants it.
fn digits(secret: &KeySecret) -> Option<SecretString> {
    let KeySecret::Mtproto(bytes) = secret else { return None };
    Some(secret_text(&Secret { kind: SecretKind::Classic, key: SecretKey::new(*bytes) }))
}

fn number(step: PromotionStep) -> u32 {
    PromotionStep::ALL.iter().zip(1..).find(|(known, _)| **known == step).map_or(1, |(_, number)| number)
}

pub(super) fn wizard(
    ctx: Ctx<'_>,
    node: NodeId,
    row: Option<&PromotionRow>,
    step: PromotionStep,
    error: Option<TagError>,
) -> Face {
    let words = ctx.words;
    let Some(row) = row else { return nodes::gone(ctx) };
    // The registration is over, or was never begun.
    let Some(secret) = row.secret.as_ref().and_then(digits) else {
        let again = (words.btn_promote(), Button::Promote { node });
        let back = (words.btn_back(), Button::Node { node });
        return (words.promotion_over(&row.name), Keyboard::default().row([again]).row([back, ctx.home()]));
    };
    let mut html = words.promotion_title(number(step), &row.name);
    let mut keyboard = Keyboard::default();
    match step {
        PromotionStep::Start => {
            html.paragraph(&words.promotion_start());
            keyboard.push([(words.btn_copy(NEW_PROXY), copy(NEW_PROXY)), to_bot(ctx)]);
        }
        PromotionStep::Place => {
            html.paragraph(&words.promotion_place());
            keyboard.push([(words.btn_copy_place(), copy(&format!("{}:{}", row.host, row.port)))]);
            keyboard
                .push([(words.btn_copy_host(), copy(&row.host)), (words.btn_copy_port(), copy(&row.port.to_string()))]);
        }
        PromotionStep::Secret => {
            html.paragraph(&words.promotion_secret());
            keyboard.push([(words.btn_copy_secret(), Action::Copy(secret))]);
        }
        PromotionStep::Tag => html.paragraph(&words.promotion_tag()),
    }
    let error = error.map(|error| match error {
        TagError::NoTag => words.tag_none(),
        TagError::Zeros => words.tag_zeros(),
        TagError::Secret => words.tag_secret(),
        TagError::Several => words.tag_several(),
    });
    let to = |step| Button::PromotionStep { node, step };
    let before = step.before().map(|step| (words.btn_back(), to(step)));
    let next = step.next().map(|step| (words.btn_step_next(), to(step)));
    keyboard.push(before.into_iter().chain(next));
    (after_error(error, html), keyboard.row([(words.btn_cancel(), Button::Cancel), ctx.home()]))
}

pub(super) fn promoted(ctx: Ctx<'_>, node: NodeId, row: Option<&PromotionRow>) -> Face {
    let words = ctx.words;
    let Some(row) = row else { return nodes::gone(ctx) };
    let mut html = words.promoted(&row.name);
    html.paragraph(&words.promoted_next());
    let look = (words.btn_look_node(&row.name), Button::Node { node });
    let keyboard = Keyboard::default().row([(words.btn_copy(MY_PROXIES), copy(MY_PROXIES)), to_bot(ctx)]);
    (html, keyboard.row([look, ctx.home()]))
}

pub(super) fn ask_unpromote(ctx: Ctx<'_>, node: NodeId, row: Option<&PromotionRow>) -> Face {
    let words = ctx.words;
    let Some(row) = row else { return nodes::gone(ctx) };
    let sure = (words.btn_unpromote(), Button::Unpromote { node });
    let back = (words.btn_back(), Button::Node { node });
    (words.ask_unpromote(&row.name), Keyboard::default().row([sure]).row([back, ctx.home()]))
}

/// On the server's own screen, for those who may manage it.
pub(super) fn on_node(ctx: Ctx<'_>, node: NodeId, row: &PromotionRow) -> (Html, Keyboard) {
    let words = ctx.words;
    match &row.tag {
        Some(tag) => {
            let change = (words.btn_promote_again(), Button::Promote { node });
            let away = (words.btn_unpromote(), Button::AskUnpromote { node });
            (words.node_promoted(Html::code(tag.as_str())), Keyboard::default().row([change, away]))
        }
        None => (Html::default(), Keyboard::default().row([(words.btn_promote(), Button::Promote { node })])),
    }
}
