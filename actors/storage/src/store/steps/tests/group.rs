//! Many steps in one transaction.

use super::*;
use crate::StoreError;
use crate::testing::{prepared, step};
use std::time::Instant;
use usipipo_domain::dialogue::State;
use usipipo_domain::ids::ServiceId;

fn show(seq: InboxSeq, user: UserId, screen: Screen) -> StepCommit {
    step(seq, user, Act::Show(screen), now())
}

#[tokio::test]
async fn a_group_of_successes_and_refusals_is_committed_as_one() {
    let world = World::new().await;
    let holder = world.db.seed_trial(&world.store, world.epoch, UserId(1), &world.node, 5, now()).await;
    let mut steps = Vec::new();
    let users: Vec<UserId> = (200..208).map(UserId).collect();
    let mut offers = Vec::new();
    for user in &users {
        offers.push(world.db.seed_trial_offer(&world.store, world.epoch, *user, now()).await);
    }
    let accept = |index: usize| Act::Do(Effect::Accept { offer: offers[index], own_key: None, node: None });
    let seqs = {
        let mut seqs = Vec::new();
        for user in &users {
            seqs.push(world.update(*user).await);
        }
        seqs
    };
    // 0 succeeds; 1 finds its address taken; 2 is not prepared; 3 has a server's key; 4 shows; 5 acknowledges; 6 was done
    // before; 7 changes its state.
    let with = |index: usize, host: Option<u8>| {
        let mut step = step(seqs[index], users[index], accept(index), now());
        step.prepared = host.map(|host| prepared(&world.node, host));
        step
    };
    steps.push(with(0, Some(50)));
    steps.push(with(1, Some(5)));
    steps.push(with(2, None));
    let mut own = with(3, Some(51));
    own.step.act = Act::Do(Effect::Accept { offer: offers[3], own_key: Some(world.node.public_key), node: None });
    steps.push(own);
    steps.push(show(seqs[4], users[4], Screen::Help));
    let mut nothing = step(seqs[5], users[5], Act::Acknowledge, now());
    nothing.callback_id = Some("press".to_owned());
    steps.push(nothing);
    steps.push(show(seqs[6], users[6], Screen::Help));
    let mut asks = show(seqs[7], users[7], Screen::AskName { service: holder, error: None });
    asks.step.state = State::AwaitName { service: holder };
    steps.push(asks);
    world.store.finish(world.epoch, &[seqs[6]], false, now()).await.unwrap();
    // In any order.
    steps.reverse();
    let mut outcomes = world.store.commit_steps(world.epoch, steps).await.unwrap();
    outcomes.reverse();

    assert!(matches!(shows(&outcomes[0]), Screen::Preparing { .. }));
    assert_eq!(outcomes[1], Err(StepRefusal::AddressTaken));
    assert_eq!(outcomes[2], Err(StepRefusal::NotPrepared));
    assert_eq!(*shows(&outcomes[3]), Screen::KeyTaken { offer: offers[3], service: None });
    assert_eq!(*shows(&outcomes[4]), Screen::Help);
    let acknowledged = &outcomes[5].as_ref().unwrap().messages;
    assert_eq!(acknowledged.len(), 1);
    assert_eq!(
        (acknowledged[0].content.body.clone(), acknowledged[0].content.callback_id.as_deref()),
        (None, Some("press"))
    );
    assert_eq!(outcomes[6], Err(StepRefusal::AlreadyDone));
    assert!(matches!(shows(&outcomes[7]), Screen::AskName { .. }));
    for (outcome, user) in outcomes.iter().zip(&users) {
        for message in outcome.iter().flat_map(|done| &done.messages) {
            assert_eq!(message.chat, *user, "each message belongs to its step's user");
        }
    }
    let snapshot = world.store.session_snapshot(users[7]).await.unwrap();
    assert_eq!(snapshot.state, State::AwaitName { service: holder });
    assert_eq!(world.store.session_snapshot(users[3]).await.unwrap().state, State::AwaitOwnKey { offer: offers[3] });
    let undone =
        world.db.text("SELECT string_agg(user_id::text, ' ' ORDER BY seq) AS t FROM inbox WHERE done_at IS NULL").await;
    assert_eq!(undone, "201 202", "the refused are still to be handled");
    assert_eq!(world.db.number("SELECT count(*) AS n FROM services").await, 2);
}

#[tokio::test]
async fn a_step_committed_twice_happens_once() {
    let world = World::new().await;
    let seq = world.update(ANA).await;
    let twice = vec![show(seq, ANA, Screen::Help), show(seq, ANA, Screen::Help)];
    let outcomes = world.store.commit_steps(world.epoch, twice).await.unwrap();
    assert!(outcomes[0].is_ok());
    assert_eq!(outcomes[1], Err(StepRefusal::AlreadyDone));
    let again = world.store.commit_steps(world.epoch, vec![show(seq, ANA, Screen::Help)]).await.unwrap();
    assert_eq!(again, [Err(StepRefusal::AlreadyDone)]);
    assert_eq!(world.db.number("SELECT count(*) AS n FROM outbox").await, 1);
}

#[tokio::test]
async fn two_steps_of_one_user_in_a_group_stay_in_order() {
    let world = World::new().await;
    let service = ServiceId(77);
    let mut first = show(world.update(ANA).await, ANA, Screen::AskName { service, error: None });
    first.step.state = State::AwaitName { service };
    let mut second = show(world.update(ANA).await, ANA, Screen::Cancelled);
    second.before = State::AwaitName { service };
    let outcomes = world.store.commit_steps(world.epoch, vec![first, second]).await.unwrap();
    assert!(outcomes[0].as_ref().unwrap().messages[0].id < outcomes[1].as_ref().unwrap().messages[0].id);
    assert_eq!(world.store.session_snapshot(ANA).await.unwrap().state, State::Idle);
}

#[tokio::test]
async fn fault_16_one_step_that_the_database_refuses_does_not_hold_up_the_others() {
    let world = World::new().await;
    let good = show(world.update(ANA).await, ANA, Screen::Help);
    let mut bad = show(world.update(BETO).await, BETO, Screen::Help);
    bad.callback_id = Some("jsonb refuses \0".to_owned());
    let outcomes = world.store.commit_steps(world.epoch, vec![bad.clone(), good]).await.unwrap();
    assert!(matches!(&outcomes[0], Err(StepRefusal::Broken(_))), "{outcomes:?}");
    assert_eq!(*shows(&outcomes[1]), Screen::Help);
    let alone = world.store.commit_steps(world.epoch, vec![bad]).await.unwrap();
    assert!(matches!(&alone[0], Err(StepRefusal::Broken(_))));
}

#[tokio::test]
async fn fault_31_names_with_nul_are_kept_without_it() {
    let world = World::new().await;
    let done = world
        .act_with(ANA, Act::Show(Screen::Help), |step| {
            let touch = step.touch.as_mut().unwrap();
            touch.first_name = "A\0na 🦊\u{202e}".to_owned();
            touch.referral = Some("\0".to_owned());
        })
        .await;
    assert!(done.is_ok());
    assert_eq!(world.store.session_snapshot(ANA).await.unwrap().user.unwrap().first_name, "Ana 🦊\u{202e}");
}

#[tokio::test]
async fn fault_33_a_stale_epoch_commits_nothing() {
    let world = World::new().await;
    let seq = world.update(ANA).await;
    world.store.release_lead("test", world.epoch).await.unwrap();
    let newer = world.db.lead(&world.db.store()).await;
    let refused = world.store.commit_steps(world.epoch, vec![show(seq, ANA, Screen::Help)]).await;
    assert!(matches!(refused, Err(StoreError::NotLeader)), "{refused:?}");
    assert_eq!(world.db.number("SELECT count(*) AS n FROM outbox").await, 0);
    assert!(matches!(world.store.take_for_user(world.epoch, ANA, 9).await, Err(StoreError::NotLeader)));
    let done = world.store.commit_steps(newer, vec![show(seq, ANA, Screen::Help)]).await.unwrap();
    assert!(done[0].is_ok());
}

/// Prints how many steps per second one connection commits in groups of 64; a figure, not a check of speed.
#[tokio::test]
async fn groups_of_64_shows_are_committed_quickly() {
    const GROUPS: i64 = 40;
    const SIZE: i64 = 64;
    let world = World::new().await;
    let users: Vec<UserId> = (0..SIZE).map(|user| UserId(1_000 + user)).collect();
    let mut groups = Vec::new();
    for group in 0..GROUPS {
        let seqs = world.updates(&users).await;
        let steps = seqs.into_iter().zip(&users).map(|(seq, user)| {
            let mut step = show(seq, *user, Screen::Home { new: false });
            step.touch = step.touch.filter(|_| group == 0);
            step
        });
        groups.push(steps.collect::<Vec<_>>());
    }
    let started = Instant::now();
    for steps in groups {
        let outcomes = world.store.commit_steps(world.epoch, steps).await.unwrap();
        assert!(outcomes.iter().all(Result::is_ok));
    }
    let seconds = started.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a figure to print")]
    let rate = (GROUPS * SIZE) as f64 / seconds;
    eprintln!("{rate:.0} steps/s in groups of {SIZE}, one connection");
    assert_eq!(world.db.number("SELECT count(*) AS n FROM outbox").await, GROUPS * SIZE);
    assert_eq!(world.db.number("SELECT count(*) AS n FROM inbox WHERE done_at IS NULL").await, 0);
}

/// Accepted trial offers of `users`, the host of each address as given.
async fn acceptances(world: &World, users: &[(UserId, u8)]) -> Vec<StepCommit> {
    let ids: Vec<UserId> = users.iter().map(|(user, _)| *user).collect();
    let asks = world.updates(&ids).await.into_iter().zip(&ids);
    let asks = asks.map(|(seq, user)| step(seq, *user, Act::Do(Effect::OfferTrial(None)), now())).collect();
    let offered = world.store.commit_steps(world.epoch, asks).await.unwrap();
    let mut steps = Vec::new();
    for (((user, host), offered), seq) in users.iter().zip(&offered).zip(world.updates(&ids).await) {
        let Screen::TrialOffer { offer, .. } = shows(offered) else { panic!("{offered:?}") };
        let accept = Act::Do(Effect::Accept { offer: *offer, own_key: None, node: None });
        let mut step = step(seq, *user, accept, now());
        step.prepared = Some(prepared(&world.node, *host));
        steps.push(step);
    }
    steps
}

#[tokio::test]
async fn fault_01_one_address_twice_in_a_group_is_one_refusal_and_the_others_begin() {
    let world = World::new().await;
    let hosts = [10, 11, 12, 11, 13];
    let users: Vec<(UserId, u8)> = hosts.into_iter().zip(300..).map(|(host, id)| (UserId(id), host)).collect();
    let steps = acceptances(&world, &users).await;
    let outcomes = world.store.commit_steps(world.epoch, steps).await.unwrap();
    for (index, outcome) in outcomes.iter().enumerate() {
        if index == 3 {
            assert_eq!(*outcome, Err(StepRefusal::AddressTaken));
        } else {
            assert!(matches!(shows(outcome), Screen::Preparing { .. }), "{index}: {outcome:?}");
        }
    }
    assert_eq!(world.db.number("SELECT count(*) AS n FROM leases").await, 4);
    assert_eq!(world.db.number("SELECT count(*) AS n FROM audit WHERE action = 'service.begin_trial'").await, 4);
}

#[tokio::test]
async fn trials_of_a_group_begin_together_and_each_gets_its_own() {
    let world = World::new().await;
    let users: Vec<(UserId, u8)> = (2..250).map(|host| (UserId(1_000 + i64::from(host)), host)).collect();
    let steps = acceptances(&world, &users).await;
    let mut spent = std::time::Duration::ZERO;
    let mut count = 0;
    for group in steps.chunks(62) {
        let started = Instant::now();
        let outcomes = world.store.commit_steps(world.epoch, group.to_vec()).await.unwrap();
        spent += started.elapsed();
        for (outcome, step) in outcomes.iter().zip(group) {
            let Screen::Preparing { service } = shows(outcome) else { panic!("{outcome:?}") };
            assert!(outcome.as_ref().unwrap().address_used);
            let expected = step.prepared.as_ref().unwrap().addresses.unwrap().v4.unwrap();
            let own = format!(
                "SELECT count(*) AS n FROM services s JOIN leases l ON l.service_id = s.id JOIN peers p ON p.service_id = s.id
                 JOIN trials t ON t.service_id = s.id WHERE s.id = {service} AND s.user_id = {user} AND t.user_id = {user}
                 AND host(l.v4) = '{expected}'",
                user = step.user
            );
            if count % 31 == 0 {
                assert_eq!(world.db.number(&own).await, 1, "{outcome:?}");
            }
            count += 1;
        }
    }
    let rate = f64::from(count) / spent.as_secs_f64();
    eprintln!("{rate:.0} trials/s in groups of 62, one connection");
    assert_eq!(world.db.number("SELECT count(DISTINCT v4) AS n FROM leases").await, 248);
    // What a peer's row holds is what the session prepared.
    let step = &steps[0];
    let prepared = step.prepared.as_ref().unwrap();
    let peers = world.store.peers_of(world.node.node).await.unwrap();
    let peer = peers.iter().find(|peer| peer.public_key == prepared.private_key.public_key()).unwrap();
    assert_eq!(peer.preshared_key, Some(prepared.preshared_key.clone()));
    assert_eq!(Some(peer.addresses), prepared.addresses);
}

#[tokio::test]
async fn each_step_of_a_group_leaves_audit_rows_of_its_own_and_a_refused_one_none() {
    let world = World::new().await;
    let users = [UserId(401), UserId(402), UserId(403)];
    let offer = world.db.seed_trial_offer(&world.store, world.epoch, users[2], now()).await;
    let later = now() + chrono::TimeDelta::seconds(1);
    let seqs = world.updates(&users).await;
    let asks = |index: usize, at| step(seqs[index], users[index], Act::Do(Effect::OfferTrial(None)), at);
    // Nothing was prepared for it.
    let refused = step(seqs[2], users[2], Act::Do(Effect::Accept { offer, own_key: None, node: None }), now());
    let outcomes = world.store.commit_steps(world.epoch, vec![asks(1, later), refused, asks(0, now())]).await.unwrap();
    assert_eq!(outcomes[1], Err(StepRefusal::NotPrepared));
    for (index, at, rows) in [(0, now(), 1), (1, later, 1), (2, now(), 0)] {
        let sql = format!(
            "SELECT count(*) AS n FROM audit WHERE inbox_seq = {} AND user_id = {} AND at = '{}'",
            seqs[index].0,
            users[index],
            at.to_rfc3339()
        );
        assert_eq!(world.db.number(&sql).await, rows, "of {}", users[index]);
    }
    assert_eq!(world.db.number("SELECT count(*) AS n FROM offers WHERE user_id IN (401, 402)").await, 2);
}
