//! Stops and removals.

use super::*;

#[tokio::test]
async fn children_are_stopped_in_reverse_order() {
    let tree = Fixture::start(POLICY, |hub, faults| {
        vec![probe(hub, faults, "first"), duty(hub, faults, &["a", "b", "c"]), probe(hub, faults, "last")]
    })
    .await
    .settled()
    .await;
    tree.lives("c", 1).await;
    tree.hub.log.lock().unwrap().clear();
    tree.root.stop(None);
    tokio::time::timeout(PATIENCE, tree.ended).await.expect("it ends").unwrap();
    assert_eq!(*tree.hub.log.lock().unwrap(), ["stop last", "stop c", "stop b", "stop a", "stop first"]);
}

#[tokio::test]
async fn a_child_that_never_ends_is_killed_and_one_that_never_starts_is_given_up() {
    let hub = Arc::<Hub>::default();
    hub.slow.store(true, Ordering::SeqCst);
    let tree = Fixture::start_with(Arc::clone(&hub), POLICY, |hub, faults| {
        vec![probe(hub, faults, "a"), probe(hub, faults, "hung").stop_timeout(ms(50)), probe(hub, faults, "slow")]
    })
    .await;
    until("two live", async || hub.answers("hung").await).await;
    hub.probe("hung").cast(ProbeMsg::Hang).unwrap();
    tree.root.stop(None);
    tokio::time::timeout(PATIENCE, tree.ended).await.expect("it ends").unwrap();
    let log = hub.log.lock().unwrap().clone();
    assert_eq!(log[log.len() - 1], "stop a");
    assert!(!log.contains(&"stop hung".to_owned()));
    until("nobody lives", async || hub.alive.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn a_removed_child_has_ended_when_the_answer_comes_and_its_name_is_free() {
    let tree = Fixture::start(POLICY, named(&["a", "b"])).await.settled().await;
    let remove = |name: &str| {
        let name = name.to_owned();
        tree.ask(move |reply| SupervisorMsg::Remove { name, within: None, reply })
    };
    let old = tree.hub.probe("a");
    assert!(remove("a").await);
    assert_eq!(old.get_status(), ractor::ActorStatus::Stopped);
    assert!(!remove("a").await);
    assert!(tree.tree().await.find("a").is_none());
    tree.root.cast(SupervisorMsg::Add(probe(&tree.hub, &tree.faults, "a"))).unwrap();
    tree.lives("a", 2).await;
    // Added twice, it is there once.
    tree.root.cast(SupervisorMsg::Add(probe(&tree.hub, &tree.faults, "a"))).unwrap();
    tree.ask(SupervisorMsg::Settled).await;
    assert_eq!((tree.hub.lives("a"), tree.tree().await.children.len()), (2, 2));
}

#[tokio::test]
async fn a_child_can_be_removed_while_it_starts() {
    let hub = Arc::<Hub>::default();
    hub.slow.store(true, Ordering::SeqCst);
    let tree = Fixture::start_with(Arc::clone(&hub), POLICY, named(&["slow", "b"])).await;
    until("its start is under way", async || !hub.log.lock().unwrap().is_empty()).await;
    assert_eq!(hub.lives("b"), 0);
    assert!(tree.ask(|reply| SupervisorMsg::Remove { name: "slow".to_owned(), within: None, reply }).await);
    tree.lives("b", 1).await;
    assert_eq!(hub.lives("slow"), 0);
}
