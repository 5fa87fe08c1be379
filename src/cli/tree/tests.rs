use super::*;

fn node(name: &str, children: Vec<TreeNode>) -> TreeNode {
    TreeNode {
        name: name.to_owned(),
        state: ChildState::Running,
        restarts: 0,
        queue: Some(0),
        last_cause: None,
        children,
        more: Vec::new(),
    }
}

#[test]
fn a_tree_is_drawn_with_restarts_and_queues() {
    let mut router = node("router", Vec::new());
    router.more = vec![("active".to_owned(), 2), ("quarantined".to_owned(), 1)];
    let mut outbox = node("outbox", Vec::new());
    outbox.restarts = 3;
    outbox.last_cause = Some("panic: no".to_owned());
    let tree = node("root", vec![node("inbox", Vec::new()), node("duty", vec![outbox, router])]);
    let text = draw(&admin::TreeAnswer { role: "leader, epoch 4".to_owned(), tree });
    for line in [
        "leader, epoch 4",
        "├─ inbox",
        "└─ duty",
        "   ├─ outbox",
        "panic: no",
        "   └─ router",
        "      └─ 2 active, 1 quarantined",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}
