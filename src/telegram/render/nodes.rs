//! Admins: servers of every kind, and what can be done about one.

use super::system::{self, ENTRIES_MAX, more, short};
use super::{Ctx, Face, promotion, service};
use crate::telegram::html::Html;
use crate::telegram::keyboard::Keyboard;
use crate::telegram::words::grouped;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::ids::NodeId;
use usipipo_actors::domain::permission::Permission;
use usipipo_actors::domain::service::{NodeChange, NodeState, Product};
use usipipo_actors::model::{NodeOverview, PromotionRow};

/// Buttons in one row; names are short.
const BUTTONS_PER_ROW: usize = 3;
/// Servers that have a button; those that need somebody come first.
const BUTTONS_MAX: usize = 24;

/// Red hurts users, yellow wants attention.
fn dot(node: &NodeOverview) -> &'static str {
    match (node.state, node.up) {
        (NodeState::Removed, _) => "⚪️",
        (NodeState::Maintenance, _) => "🟡",
        (NodeState::Active | NodeState::Draining, false) => "🔴",
        (NodeState::Draining, true) => "🟡",
        (NodeState::Active, true) if node.config_only || node.foreign_peers > 0 => "🟡",
        (NodeState::Active, true) => "🟢",
    }
}

fn product(ctx: Ctx<'_>, node: &NodeOverview) -> String {
    Product::of_driver(&node.driver).map_or_else(|| node.driver.clone(), |product| service::product(ctx, product))
}

/// How its driver works; servers of keys have one way only.
fn mode(node: &NodeOverview) -> &str {
    if Product::of_driver(&node.driver) == Some(Product::Wireguard) { &node.mode } else { &node.driver }
}

/// What lives on it: "38 activos, 3 esperando".
pub(super) fn counts(ctx: Ctx<'_>, node: &NodeOverview) -> String {
    let active = ctx.words.t_status_active(node.active, grouped(ctx.words, node.active));
    match node.pending {
        0 => active,
        pending => format!("{active}, {}", ctx.words.t_status_pending(grouped(ctx.words, pending))),
    }
}

/// What is not as it should be, or as it usually is.
fn notes(ctx: Ctx<'_>, node: &NodeOverview) -> Vec<Html> {
    let words = ctx.words;
    let mut notes = Vec::new();
    match node.state {
        NodeState::Active => {}
        NodeState::Draining => notes.push(words.node_draining()),
        NodeState::Maintenance => notes.push(words.node_maintenance()),
        NodeState::Removed => notes.push(words.node_removed()),
    }
    if node.foreign_peers > 0 {
        notes.push(words.node_foreign(node.foreign_peers));
    }
    if node.config_only {
        notes.push(words.node_config_only());
    }
    match (node.up, node.down_since.or(node.seen_at)) {
        (true, _) => {}
        (false, Some(since)) => notes.push(words.node_down(ctx.here.since(since))),
        (false, None) => notes.push(words.node_never_seen()),
    }
    if let Some(error) = node.error.as_deref().filter(|_| !node.up) {
        notes.push(words.node_error(short(error)));
    }
    notes
}

/// Those that need somebody come first.
fn rank(node: &NodeOverview) -> u8 {
    match dot(node) {
        "🔴" => 0,
        "🟡" => 1,
        "🟢" => 2,
        _ => 3,
    }
}

pub(super) fn list(ctx: Ctx<'_>, nodes: &[NodeOverview]) -> Face {
    let words = ctx.words;
    let mut html = words.nodes_title();
    if nodes.is_empty() {
        html.line(&words.nodes_none());
    }
    let mut nodes: Vec<_> = nodes.iter().collect();
    nodes.sort_by(|a, b| (rank(a), &a.name).cmp(&(rank(b), &b.name)));
    for node in nodes.iter().take(ENTRIES_MAX) {
        let place = service::short_place(ctx, &node.place, &node.country, &node.name);
        html.paragraph(&words.node_line(dot(node), &node.name, product(ctx, node), place, counts(ctx, node)));
        html.line(&Html::lines(notes(ctx, node)));
    }
    more(ctx, &mut html, nodes.len(), ENTRIES_MAX);
    let mut keyboard = Keyboard::default();
    let with_button: Vec<_> = nodes.iter().take(BUTTONS_MAX).collect();
    for row in with_button.chunks(BUTTONS_PER_ROW) {
        keyboard.push(row.iter().map(|node| (words.btn_node(dot(node), &node.name), Button::Node { node: node.id })));
    }
    if ctx.role.holds(Permission::NodesManage) {
        keyboard.push([(words.btn_add_server(), Button::AddServer)]);
    }
    keyboard.rows.extend(system::admin_keys(ctx, Button::Nodes).rows);
    (html, keyboard)
}

pub(super) fn gone(ctx: Ctx<'_>) -> Face {
    (ctx.words.node_gone(), Keyboard::default().row([(ctx.words.btn_nodes(), Button::Nodes), ctx.home()]))
}

/// `promotion`: of a server of proxies.
pub(super) fn node(ctx: Ctx<'_>, node: Option<&NodeOverview>, promotion: Option<&PromotionRow>) -> Face {
    let words = ctx.words;
    let Some(node) = node else {
        return gone(ctx);
    };
    let place = service::full_place(ctx, &node.place, &node.country, &node.name);
    // A line has one sign, and the flag is one.
    let mut html = words.node_title(dot(node), &node.name, product(ctx, node));
    html.line(&Html::escape(&place));
    html.line(&words.node_mode(mode(node), &node.endpoint));
    html.line(&Html::escape(&counts(ctx, node)));
    if let Some(capacity) = node.capacity {
        html.line(&words.node_room(grouped(ctx.words, node.services), grouped(ctx.words, capacity)));
    }
    let notes = Html::lines(notes(ctx, node));
    html.paragraph(&notes);
    let mut keyboard = Keyboard::default();
    if ctx.role.holds(Permission::NodesManage) {
        let changes = changes(node.state);
        for row in changes.chunks(2) {
            keyboard.push(row.iter().map(|change| change_button(ctx, node.id, *change)));
        }
    }
    if let Some(row) = promotion.filter(|_| ctx.role.holds(Permission::NodesManage)) {
        let (line, keys) = promotion::on_node(ctx, node.id, row);
        html.paragraph(&line);
        keyboard.rows.extend(keys.rows);
    }
    let again = (words.btn_refresh(), Button::Node { node: node.id });
    (html, keyboard.row([again, (words.btn_nodes(), Button::Nodes)]).row([ctx.home()]))
}

/// What may be done in this state.
const fn changes(state: NodeState) -> &'static [NodeChange] {
    match state {
        NodeState::Active => &[NodeChange::Drain, NodeChange::Maintain],
        NodeState::Draining => &[NodeChange::Activate, NodeChange::Maintain, NodeChange::Remove],
        NodeState::Maintenance => &[NodeChange::Activate, NodeChange::Drain, NodeChange::Remove],
        NodeState::Removed => &[],
    }
}

pub(super) fn change_button(ctx: Ctx<'_>, node: NodeId, change: NodeChange) -> (String, Button) {
    let label = match change {
        NodeChange::Activate => ctx.words.btn_node_activate(),
        NodeChange::Drain => ctx.words.btn_node_drain(),
        NodeChange::Maintain => ctx.words.btn_node_maintain(),
        NodeChange::Remove => ctx.words.btn_node_remove(),
        NodeChange::Forget => ctx.words.btn_node_forget(),
    };
    (label, Button::AskNode { node, change })
}

pub(super) fn ask(ctx: Ctx<'_>, node: Option<&NodeOverview>, change: NodeChange) -> Face {
    let words = ctx.words;
    let Some(node) = node else {
        return gone(ctx);
    };
    let mut html = match change {
        NodeChange::Activate => words.ask_node_activate(&node.name),
        NodeChange::Drain => words.ask_node_drain(&node.name),
        NodeChange::Maintain => words.ask_node_maintain(&node.name),
        NodeChange::Remove => words.ask_node_remove(&node.name),
        NodeChange::Forget => words.ask_node_forget(&node.name),
    };
    html.paragraph(&Html::escape(&counts(ctx, node)));
    let sure = (words.btn_node_sure(), Button::ChangeNode { node: node.id, change });
    let back = (words.btn_back(), Button::Node { node: node.id });
    (html, Keyboard::default().row([sure]).row([back, ctx.home()]))
}

pub(super) fn in_use(ctx: Ctx<'_>, node: Option<&NodeOverview>, services: u64) -> Face {
    let words = ctx.words;
    let Some(node) = node else {
        return gone(ctx);
    };
    let mut html = words.node_in_use(services, &node.name);
    html.line(&words.node_in_use_hint());
    let back = (words.btn_back(), Button::Node { node: node.id });
    let drain = (node.state != NodeState::Draining).then(|| change_button(ctx, node.id, NodeChange::Drain));
    let mut keyboard = Keyboard::default();
    keyboard.push(drain);
    (html, keyboard.row([back, ctx.home()]))
}

/// Only from here may somebody say that the server no longer exists.
pub(super) fn keys_left(ctx: Ctx<'_>, node: Option<&NodeOverview>, keys: u64) -> Face {
    let words = ctx.words;
    let Some(node) = node else {
        return gone(ctx);
    };
    let mut html = words.node_keys_left(keys, &node.name);
    html.line(&words.node_keys_left_hint());
    let forget = change_button(ctx, node.id, NodeChange::Forget);
    let back = (words.btn_back(), Button::Node { node: node.id });
    (html, Keyboard::default().row([forget]).row([back, ctx.home()]))
}
