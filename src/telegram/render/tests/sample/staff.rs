//! What admins see of servers and plans.

use super::*;
use usipipo_actors::domain::new_server::{ServerProblem, ServerQuestion};
use usipipo_actors::domain::service::NodeChange;

pub(super) fn samples() -> Vec<Sample> {
    let node = |node| Screen::Node { node: NodeId(node) };
    let ask = |change| Screen::AskNode { node: NodeId(3), change };
    let server = |product, question, error| Screen::AskServer { product, question, error };
    let access = |product, problem| server(product, ServerQuestion::Access, Some(problem));
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
        admin("ask_node_forget", ask(NodeChange::Forget)),
        admin("node_in_use", Screen::NodeInUse { node: NodeId(3), services: 812 }),
        admin("node_keys_left", Screen::NodeKeysLeft { node: NodeId(4), keys: 3 }),
        admin("add_server", Screen::AddServer),
        admin("ask_server_name", server(Product::Outline, ServerQuestion::Name, None)),
        admin("ask_server_name_taken", server(Product::Outline, ServerQuestion::Name, Some(ServerProblem::NameTaken))),
        admin("ask_server_country", server(Product::Outline, ServerQuestion::Country, Some(ServerProblem::Country))),
        admin("ask_server_capacity", server(Product::Mtproto, ServerQuestion::Capacity, Some(ServerProblem::Capacity))),
        admin("ask_server_place", server(Product::Mtproto, ServerQuestion::Place, Some(ServerProblem::Place))),
        admin("ask_server_domain", server(Product::Mtproto, ServerQuestion::Domain, Some(ServerProblem::Domain))),
        admin("ask_server_outline", server(Product::Outline, ServerQuestion::Access, None)),
        admin("ask_server_outline_wrong", access(Product::Outline, ServerProblem::Unreadable)),
        admin("ask_server_telemt_wrong", access(Product::Mtproto, ServerProblem::Unreadable)),
        admin("ask_server_known", access(Product::Outline, ServerProblem::Known { name: "fra-<1>".to_owned() })),
        admin("ask_server_certificate", access(Product::Outline, ServerProblem::Certificate { seen: "AB".repeat(32) })),
        admin(
            "ask_server_no_answer",
            access(Product::Mtproto, ServerProblem::Answer { error: "telemt cannot be reached: refused".to_owned() }),
        ),
        admin("server_added", Screen::ServerAdded { node: NodeId(3) }),
        admin("plans", Screen::Plans),
        admin("grant_usage", Screen::GrantUsage),
        admin("grant_unknown_user", Screen::GrantUnknown { user: NOBODY, plan: known() }),
        admin("grant_unknown_plan", Screen::GrantUnknown { user: ANA, plan: "outline-9m".to_owned() }),
        admin("ask_grant", Screen::AskGrant { user: ANA, plan: known(), offer: OFFER }),
        admin("granted", Screen::Granted { user: ANA, service: SERVICE }),
        admin("granted_and_gone", Screen::Granted { user: ANA, service: ServiceId(99) }),
    ]
}
