#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::ask;
use crate::rig::Rig;
use crate::supervision::Fault;
use crate::testing::until;
use std::time::Duration;
use usipipo_domain::dialogue::Act;
use usipipo_domain::screen::Screen;
use usipipo_storage::testing::step;

const TIMEOUT: Duration = Duration::from_secs(20);

async fn a_step(rig: &Rig, user: i64) -> StepCommit {
    let user = UserId(user);
    let seq = rig.db.seed_update(&rig.env.store, rig.next_id(), user, crate::rig::now(rig)).await;
    step(seq, user, Act::Show(Screen::Help), crate::rig::now(rig))
}

fn ask_for(rig: &Rig, step: StepCommit) -> impl Future<Output = Result<CommitReply, ask::AskError>> + use<> {
    let (reply, answer) = ask::port(TIMEOUT);
    assert!(rig.env.directory.committer.tell(CommitterMsg::Commit { step: Box::new(step), reply }));
    ask::await_reply(answer, TIMEOUT)
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_that_come_during_a_commit_are_committed_together() {
    let rig = Rig::new(|limits| limits.commits_in_flight_max = 1).await;
    let mut steps = Vec::new();
    for user in 1..=20 {
        steps.push(a_step(&rig, user).await);
    }
    rig.start(vec![spec(&rig.duty)]).await;
    let xact = "SELECT count(DISTINCT xmin::text) AS n FROM inbox WHERE done_at IS NOT NULL";
    let answers: Vec<_> = steps.into_iter().map(|step| ask_for(&rig, step)).collect();
    for answer in answers {
        let done = answer.await.unwrap().unwrap().unwrap();
        assert!(done.messages.is_empty(), "they went to the outbox already");
    }
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM inbox WHERE outcome = 'handled'").await, 20);
    let transactions = rig.db.number(xact).await;
    assert!((1..=3).contains(&transactions), "one alone, the others together, not {transactions}");
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM outbox").await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_the_database_refuses_does_not_sink_the_others_of_its_group() {
    let rig = Rig::new(|limits| limits.commits_in_flight_max = 1).await;
    let mut steps = Vec::new();
    for user in 1..=5 {
        steps.push(a_step(&rig, user).await);
    }
    // PostgreSQL's jsonb holds no NUL.
    steps[2].callback_id = Some("\0".to_owned());
    rig.start(vec![spec(&rig.duty)]).await;
    let answers: Vec<_> = steps.into_iter().map(|step| ask_for(&rig, step)).collect();
    let mut refused = Vec::new();
    for (index, answer) in answers.into_iter().enumerate() {
        match answer.await.unwrap().unwrap() {
            Ok(_) => {}
            Err(StepRefusal::Broken(_)) => refused.push(index),
            Err(other) => unreachable!("{other}"),
        }
    }
    assert_eq!(refused, [2]);
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM inbox WHERE outcome = 'handled'").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_steps_of_one_update_are_committed_once_and_never_at_the_same_time() {
    let rig = Rig::new(|_| {}).await;
    let step = a_step(&rig, 7).await;
    rig.start(vec![spec(&rig.duty)]).await;
    let answers: Vec<_> = (0..8).map(|_| ask_for(&rig, step.clone())).collect();
    let mut outcomes = Vec::new();
    for answer in answers {
        outcomes.push(answer.await.unwrap().unwrap().map(|_| ()));
    }
    assert_eq!(outcomes.remove(0), Ok(()));
    assert!(outcomes.iter().all(|outcome| *outcome == Err(StepRefusal::AlreadyDone)));
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM outbox").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lost_its_requester_is_not_committed() {
    let rig = Rig::new(|limits| limits.commits_in_flight_max = 1).await;
    let (first, second) = (a_step(&rig, 1).await, a_step(&rig, 2).await);
    rig.start(vec![spec(&rig.duty)]).await;
    let answer = ask_for(&rig, first);
    drop(ask_for(&rig, second));
    answer.await.unwrap().unwrap().unwrap();
    let third = a_step(&rig, 3).await;
    ask_for(&rig, third).await.unwrap().unwrap().unwrap();
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM inbox WHERE outcome = 'handled'").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_panic_a_new_committer_commits() {
    let rig = Rig::new(|_| {}).await;
    let (first, second) = (a_step(&rig, 1).await, a_step(&rig, 1).await);
    rig.start(vec![spec(&rig.duty)]).await;
    let before = rig.env.directory.committer.get().unwrap().get_id();
    rig.env.directory.faults.plan(KIND, Fault::Panic);
    assert_eq!(ask_for(&rig, first.clone()).await.unwrap_err(), ask::AskError::Dropped);
    until("another committer is there", async || {
        rig.env.directory.committer.is_up() && rig.env.directory.committer.get().unwrap().get_id() != before
    })
    .await;
    for step in [first, second] {
        ask_for(&rig, step).await.unwrap().unwrap().unwrap();
    }
    assert_eq!(rig.env.directory.committer.depth(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_that_is_over_commits_nothing() {
    let rig = Rig::new(|_| {}).await;
    let step = a_step(&rig, 1).await;
    rig.start(vec![spec(&rig.duty)]).await;
    rig.db.execute("UPDATE leader_lease SET epoch = epoch + 1").await;
    let answer = ask_for(&rig, step).await.unwrap();
    assert!(matches!(answer, Err(StoreError::NotLeader)), "{answer:?}");
    assert_eq!(rig.db.number("SELECT count(*) AS n FROM outbox").await, 0);
}
