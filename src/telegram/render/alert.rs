//! What admins are told: an alert while it lasts, and when it is over.

use super::system::short;
use super::{Ctx, Face, nodes};
use crate::telegram::html::Html;
use crate::telegram::keyboard::Keyboard;
use crate::telegram::words::grouped;
use chrono::TimeDelta;
use usipipo_actors::domain::alert::AlertKind;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::permission::Permission;
use usipipo_actors::domain::service::{NodeChange, NodeState, Purpose};
use usipipo_actors::model::{AlertRow, NodeOverview};

/// The condition in one line.
pub(super) fn line(ctx: Ctx<'_>, kind: &AlertKind) -> Html {
    let words = ctx.words;
    match kind {
        AlertKind::NodeDown { node, .. } => words.alert_node_down(node),
        AlertKind::ForeignPeers { node, count } => words.alert_foreign(*count, node),
        AlertKind::PoolNearlyFull { node, purpose, free, total } => words.alert_pool(
            *free,
            node,
            grouped(ctx.words, *free),
            grouped(ctx.words, *total),
            purpose_of(ctx, purpose),
        ),
        AlertKind::ServerNearlyFull { node, used, capacity } => {
            words.alert_server_full(node, grouped(ctx.words, *used), grouped(ctx.words, *capacity))
        }
        AlertKind::ProbeFailing { node, .. } => words.alert_probe(node),
        AlertKind::ActorQuarantined { actor, .. } => words.alert_actor(actor),
        AlertKind::DeadLetter { count } => words.alert_dead(*count),
        AlertKind::TelegramRefuses { .. } => words.alert_telegram(),
        AlertKind::UnexpectedPayment { .. } => words.alert_payment_line(),
        AlertKind::ProvisioningLate { count } => words.alert_late(*count),
        AlertKind::SecretUnreadable { node, service } => words.alert_secret(node, Html::code(&service.to_string())),
    }
}

/// That the condition is over, in one line.
fn over(ctx: Ctx<'_>, kind: &AlertKind) -> Html {
    let words = ctx.words;
    match kind {
        AlertKind::NodeDown { node, .. } => words.over_node_down(node),
        AlertKind::ForeignPeers { node, .. } => words.over_foreign(node),
        AlertKind::PoolNearlyFull { node, purpose, .. } => words.over_pool(node, purpose_of(ctx, purpose)),
        AlertKind::ServerNearlyFull { node, .. } => words.over_server_full(node),
        AlertKind::ProbeFailing { node, .. } => words.over_probe(node),
        AlertKind::ActorQuarantined { actor, .. } => words.over_actor(actor),
        AlertKind::DeadLetter { .. } => words.over_dead(),
        AlertKind::TelegramRefuses { .. } => words.over_telegram(),
        AlertKind::UnexpectedPayment { .. } => words.over_payment(),
        AlertKind::ProvisioningLate { .. } => words.over_late(),
        AlertKind::SecretUnreadable { node, service } => words.over_secret(node, Html::code(&service.to_string())),
    }
}

fn purpose_of(ctx: Ctx<'_>, stored: &str) -> String {
    let known = [Purpose::Trial, Purpose::Paid].into_iter().find(|purpose| purpose.as_str() == stored);
    known.map_or_else(|| stored.to_owned(), |purpose| super::system::purpose(ctx, purpose))
}

/// What it said, for whoever has to mend it.
fn details(kind: &AlertKind) -> Option<&str> {
    match kind {
        AlertKind::NodeDown { error, .. }
        | AlertKind::ProbeFailing { error, .. }
        | AlertKind::TelegramRefuses { error } => Some(error),
        AlertKind::ActorQuarantined { cause, .. } => Some(cause),
        AlertKind::UnexpectedPayment { charge } => Some(charge),
        AlertKind::ForeignPeers { .. }
        | AlertKind::PoolNearlyFull { .. }
        | AlertKind::ServerNearlyFull { .. }
        | AlertKind::DeadLetter { .. }
        | AlertKind::ProvisioningLate { .. }
        | AlertKind::SecretUnreadable { .. } => None,
    }
}

/// The server that an alert is about, by its name.
pub(super) fn node_of(kind: &AlertKind) -> Option<&str> {
    match kind {
        AlertKind::NodeDown { node, .. }
        | AlertKind::ForeignPeers { node, .. }
        | AlertKind::ServerNearlyFull { node, .. }
        | AlertKind::ProbeFailing { node, .. }
        | AlertKind::SecretUnreadable { node, .. } => Some(node),
        AlertKind::PoolNearlyFull { .. }
        | AlertKind::ActorQuarantined { .. }
        | AlertKind::DeadLetter { .. }
        | AlertKind::TelegramRefuses { .. }
        | AlertKind::UnexpectedPayment { .. }
        | AlertKind::ProvisioningLate { .. } => None,
    }
}

/// Where to look, when the server itself cannot be shown.
fn look(ctx: Ctx<'_>, kind: &AlertKind) -> (String, Button) {
    let words = ctx.words;
    match kind {
        AlertKind::NodeDown { .. }
        | AlertKind::ForeignPeers { .. }
        | AlertKind::ServerNearlyFull { .. }
        | AlertKind::ProbeFailing { .. }
        | AlertKind::ProvisioningLate { .. }
        | AlertKind::SecretUnreadable { .. } => (words.btn_nodes(), Button::Nodes),
        AlertKind::PoolNearlyFull { .. } => (words.btn_pools(), Button::Pools),
        AlertKind::DeadLetter { .. } => (words.btn_dead_list(), Button::DeadLetters { page: 0 }),
        AlertKind::ActorQuarantined { .. }
        | AlertKind::TelegramRefuses { .. }
        | AlertKind::UnexpectedPayment { .. } => (words.btn_system(), Button::System),
    }
}

/// `node`: the server that it is about.
pub(super) fn message(ctx: Ctx<'_>, row: Option<&AlertRow>, node: Option<&NodeOverview>, resolved: bool) -> Face {
    let words = ctx.words;
    let Some(row) = row else {
        return (words.alert_gone(), Keyboard::default().row([(words.btn_system(), Button::System), ctx.home()]));
    };
    let mut html;
    if resolved {
        html = over(ctx, &row.kind);
        let end = row.resolved_at.unwrap_or(ctx.here.now);
        html.line(&words.alert_lasted(ctx.here.span(end - row.opened_at)));
    } else {
        let by_hand = row.kind.is_settled_by_hand();
        html = if by_hand { words.alert_payment() } else { line(ctx, &row.kind) };
        // A new alert is told within seconds; its age is worth a line only later.
        if ctx.here.now - row.opened_at >= TimeDelta::minutes(1) {
            html.line(&words.alert_since(ctx.here.since(row.opened_at)));
        }
        if row.times > 1 {
            html.line(&words.alert_times(row.times));
        }
        if let Some(node) = node.filter(|_| matches!(row.kind, AlertKind::NodeDown { .. })) {
            html.line(&Html::escape(&nodes::counts(ctx, node)));
        }
        if let Some(details) = details(&row.kind) {
            html.line(&Html::code(short(details)));
        }
    }
    let settle = !resolved && row.kind.is_settled_by_hand() && ctx.role.holds(Permission::AlertsSettle);
    let settle = settle.then(|| (words.btn_settle(), Button::Settle { alert: row.id }));
    let mut keyboard = Keyboard::default();
    keyboard.push(settle);
    let Some(node) = node.filter(|_| ctx.role.holds(Permission::NodesRead)) else {
        return (html, keyboard.row([look(ctx, &row.kind), ctx.home()]));
    };
    let mut server = vec![(words.btn_look_node(&node.name), Button::Node { node: node.id })];
    let in_trouble = matches!(row.kind, AlertKind::NodeDown { .. } | AlertKind::ProbeFailing { .. });
    if !resolved && in_trouble && node.state != NodeState::Maintenance && ctx.role.holds(Permission::NodesManage) {
        server.push(nodes::change_button(ctx, node.id, NodeChange::Maintain));
    }
    keyboard.push(server);
    (html, keyboard.row([(words.btn_nodes(), Button::Nodes), ctx.home()]))
}
