//! Admins: adding a server of keys, question by question.

use super::change::after_error;
use super::nodes::gone;
use super::system::short;
use super::{Ctx, Face};
use crate::telegram::html::Html;
use crate::telegram::keyboard::Keyboard;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::new_server::{ServerDraft, ServerProblem, ServerQuestion};
use usipipo_actors::domain::service::Product;
use usipipo_actors::model::NodeOverview;

pub(super) fn kinds(ctx: Ctx<'_>) -> Face {
    let words = ctx.words;
    let mut html = words.add_server();
    html.paragraph(&words.add_server_wireguard());
    let kinds = [
        (words.btn_add_outline(), Button::AddServerOf(Product::Outline)),
        (words.btn_add_telemt(), Button::AddServerOf(Product::Mtproto)),
    ];
    (html, Keyboard::default().row(kinds).row([(words.btn_nodes(), Button::Nodes), ctx.home()]))
}

pub(super) fn ask(ctx: Ctx<'_>, product: Product, question: ServerQuestion, problem: Option<&ServerProblem>) -> Face {
    let words = ctx.words;
    let most = ServerDraft::capacity_max(product).to_string();
    let text = match question {
        ServerQuestion::Name => words.server_ask_name(),
        ServerQuestion::Country => words.server_ask_country(),
        ServerQuestion::Capacity => words.server_ask_capacity(most),
        ServerQuestion::Place => words.server_ask_place(),
        ServerQuestion::Domain => words.server_ask_domain(),
        ServerQuestion::Access => {
            let mut html = match product {
                Product::Mtproto => words.server_ask_telemt(),
                Product::Wireguard | Product::Outline => words.server_ask_outline(),
            };
            html.paragraph(&words.server_secret_hint());
            html
        }
    };
    let may_leave = matches!(question, ServerQuestion::Country | ServerQuestion::Capacity | ServerQuestion::Domain);
    let keyboard = Keyboard::default()
        .row_if(may_leave, || [(words.btn_server_leave(), Button::LeaveServer(question))])
        .row([(words.btn_cancel(), Button::Cancel), ctx.home()]);
    (after_error(problem.map(|problem| said(ctx, product, problem)), text), keyboard)
}

fn said(ctx: Ctx<'_>, product: Product, problem: &ServerProblem) -> Html {
    let words = ctx.words;
    match problem {
        ServerProblem::Name => words.server_bad_name(),
        ServerProblem::NameTaken => words.server_name_taken(),
        ServerProblem::Country => words.server_bad_country(),
        ServerProblem::Capacity => words.server_bad_capacity(ServerDraft::capacity_max(product).to_string()),
        ServerProblem::Place => words.server_bad_place(),
        ServerProblem::Domain => words.server_bad_domain(),
        ServerProblem::Unreadable if product == Product::Mtproto => words.server_bad_telemt(),
        ServerProblem::Unreadable => words.server_bad_outline(),
        ServerProblem::Known { name } => words.server_known(name),
        ServerProblem::Certificate { seen } => words.server_certificate(seen),
        ServerProblem::Answer { error } => words.server_answer(short(error)),
    }
}

pub(super) fn added(ctx: Ctx<'_>, node: Option<&NodeOverview>) -> Face {
    let Some(node) = node else {
        return gone(ctx);
    };
    let look = (ctx.words.btn_look_node(&node.name), Button::Node { node: node.id });
    let keyboard = Keyboard::default().row([look]).row([(ctx.words.btn_nodes(), Button::Nodes), ctx.home()]);
    (ctx.words.server_added(&node.name), keyboard)
}
