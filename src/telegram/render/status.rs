//! Whether what is mine works, and the servers behind it.

use super::{Ctx, Face, service};
use crate::telegram::html::Html;
use crate::telegram::keyboard::Keyboard;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::service::{NodeState, Product, ServiceCard, ServiceStatus};
use usipipo_actors::model::NodeOverview;

pub(super) fn status(ctx: Ctx<'_>, services: &[ServiceCard], nodes: &[NodeOverview]) -> Face {
    let words = ctx.words;
    let live: Vec<_> = services.iter().filter(|card| card.status.is_live()).collect();
    let works = |card: &ServiceCard| card.status == ServiceStatus::Active && card.node_up && !card.node_config_only;
    let mut html = if live.is_empty() {
        words.status_none()
    } else if live.iter().all(|card| works(card)) {
        words.status_good(u32::try_from(live.len()).unwrap_or(u32::MAX))
    } else {
        words.status_bad()
    };
    for card in live {
        html.line(&service::line(ctx, card));
        if card.node_config_only && card.node_up && card.status == ServiceStatus::Active {
            html.line(&words.card_config_only());
        }
    }
    let servers = Html::lines(Product::ALL.into_iter().map(|product| servers(ctx, product, nodes)));
    if !servers.is_empty() {
        html.paragraph(&words.status_servers());
        html.line(&servers);
    }
    let refresh = (words.btn_refresh(), Button::Status);
    (html, Keyboard::default().row(ctx.lists()).row([refresh, ctx.home()]))
}

/// How a product's servers are, in one line; nothing when it has none.
fn servers(ctx: Ctx<'_>, product: Product, nodes: &[NodeOverview]) -> Html {
    let words = ctx.words;
    let name = service::product(ctx, product);
    let own = nodes
        .iter()
        .filter(|node| Product::of_driver(&node.driver) == Some(product) && node.state != NodeState::Removed);
    let (maintained, watched): (Vec<_>, Vec<_>) = own.partition(|node| node.state == NodeState::Maintenance);
    let up = watched.iter().filter(|node| node.up).count();
    match (watched.len(), up) {
        (0, _) if maintained.is_empty() => Html::default(),
        (0, _) => words.status_maintenance(name),
        (_, 0) => words.status_down(name),
        (all, up) if all == up => words.status_up(up as u64, name),
        (all, up) => words.status_some(name, up as u64, all.to_string()),
    }
}
