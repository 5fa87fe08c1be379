//! What the tree looks like, and who is where in it.

use super::child::{Child, has_ended};
use super::{ChildState, Describe, SupervisorMsg, SupervisorRef, TreeNode};
use ractor::{ActorCell, RpcReplyPort};
use std::time::Duration;
use tokio::task::JoinSet;

/// Longest wait for a child's own account of itself; without it, the tree shows what the supervisor knows.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Tells what is under a supervisor, from a task of its own: children are asked, and the supervisor waits for nobody.
pub(super) fn tell(name: &str, children: &[Child], reply: RpcReplyPort<TreeNode>) {
    let mut tree = TreeNode {
        name: name.to_owned(),
        state: ChildState::Running,
        restarts: 0,
        queue: None,
        last_cause: None,
        children: children.iter().map(Child::node).collect(),
        more: Vec::new(),
    };
    let mut asked = JoinSet::new();
    for (index, child) in children.iter().enumerate() {
        let Some(cell) = child.cell.clone() else { continue };
        let (describe, node) = (child.spec.describe.clone(), child.node());
        asked.spawn(async move {
            let full = tokio::time::timeout(DESCRIBE_TIMEOUT, describe_child(cell, describe, node)).await;
            (index, full.ok())
        });
    }
    tokio::spawn(async move {
        while let Some(answer) = asked.join_next().await {
            if let Ok((index, Some(node))) = answer {
                tree.children[index] = node;
            }
        }
        let _ = reply.send(tree);
    });
}

async fn describe_child(cell: ActorCell, describe: Option<Describe>, mut node: TreeNode) -> TreeNode {
    if let Some(describe) = describe {
        let description = describe().await;
        (node.queue, node.more) = (description.queue, description.more);
    }
    if let Some(supervisor) = as_supervisor(&cell) {
        let (port, answer) = crate::ask::port(DESCRIBE_TIMEOUT);
        if supervisor.cast(SupervisorMsg::Tree(port)).is_ok()
            && let Ok(tree) = crate::ask::await_reply(answer, DESCRIBE_TIMEOUT).await
        {
            node.children = tree.children;
        }
    }
    node
}

/// Finds the actor at a path, or hands the question on to the supervisor below.
pub(super) fn find(children: &[Child], path: &str, reply: RpcReplyPort<Option<ActorCell>>) {
    // The longest name first: `node/a` and `node/a/b` may both be there.
    let mut fits: Vec<_> = children
        .iter()
        .filter_map(|child| {
            let rest = path.strip_prefix(child.spec.name.as_str())?;
            let rest = if rest.is_empty() { rest } else { rest.strip_prefix('/')? };
            Some((rest, child.cell.as_ref().filter(|cell| !has_ended(cell))?))
        })
        .collect();
    fits.sort_by_key(|(rest, _)| rest.len());
    let found = match fits.first() {
        None => None,
        Some(("", cell)) => Some((*cell).clone()),
        Some((rest, cell)) => match as_supervisor(cell) {
            Some(supervisor) => {
                // If it ends in between, the port is dropped, which is an answer as well.
                let _ = supervisor.cast(SupervisorMsg::Find { path: (*rest).to_owned(), reply });
                return;
            }
            None if *rest == "*" => cell.get_children().into_iter().next(),
            None => None,
        },
    };
    let _ = reply.send(found);
}

fn as_supervisor(cell: &ActorCell) -> Option<SupervisorRef> {
    (cell.is_message_type_of::<SupervisorMsg>() == Some(true)).then(|| cell.clone().into())
}
