//! What admins see of servers and plans.

use super::*;
use usipipo_actors::domain::service::NodeChange;

pub(super) fn samples() -> Vec<Sample> {
    let node = |node| Screen::Node { node: NodeId(node) };
    let ask = |change| Screen::AskNode { node: NodeId(3), change };
    let known = || "outline-1m".to_owned();
    vec![
        admin("node_wireguard", node(1)),
        admin("node_down", node(2)),
        admin("node_outline", node(3)),
        admin("node_draining", node(4)),
        admin("node_maintenance", node(5)),
        admin("node_gone", node(99)),
        admin("ask_node_activate", ask(NodeChange::Activate)),
        admin("ask_node_drain", ask(NodeChange::Drain)),
        admin("ask_node_maintain", ask(NodeChange::Maintain)),
        admin("ask_node_remove", ask(NodeChange::Remove)),
        admin("node_in_use", Screen::NodeInUse { node: NodeId(3), services: 812 }),
        admin("plans", Screen::Plans),
        admin("grant_usage", Screen::GrantUsage),
        admin("grant_unknown_user", Screen::GrantUnknown { user: NOBODY, plan: known() }),
        admin("grant_unknown_plan", Screen::GrantUnknown { user: ANA, plan: "outline-9m".to_owned() }),
        admin("ask_grant", Screen::AskGrant { user: ANA, plan: known(), offer: OFFER }),
        admin("granted", Screen::Granted { user: ANA, service: SERVICE }),
        admin("granted_and_gone", Screen::Granted { user: ANA, service: ServiceId(99) }),
    ]
}
