//! Trials: one for each user, one holder for each address and key, whatever happens at once.

use super::*;
use crate::testing::{prepared, step};
use ipnetwork::IpNetwork;
use usipipo_domain::screen::TrialRefusal;
use usipipo_domain::service::{Addresses, Product};

/// Addresses that two leases hold at once.
const DOUBLE: &str = "SELECT count(*) AS n FROM (SELECT 1 FROM leases WHERE state <> 'released'
                      GROUP BY node_id, v4 HAVING count(*) > 1) AS twice";

#[tokio::test]
async fn a_trial_makes_service_lease_peer_and_audit_row_at_once() {
    let world = World::new().await;
    let offer = world.db.seed_trial_offer(&world.store, world.epoch, ANA, now()).await;
    let done = world.accept(ANA, offer, None, 7).await;
    let Screen::Preparing { service } = shows(&done) else { panic!("{done:?}") };
    let done = done.as_ref().unwrap();
    assert!(done.address_used);
    assert_eq!(done.wake, [world.node.node]);
    for (what, sql) in [
        (
            "service",
            format!(
                "SELECT count(*) AS n FROM services WHERE id = {service} AND status = 'pending' AND trial AND days = 7 AND quota_bytes = 5000000000"
            ),
        ),
        ("trial", format!("SELECT count(*) AS n FROM trials WHERE user_id = {ANA} AND service_id = {service}")),
        (
            "lease",
            format!(
                "SELECT count(*) AS n FROM leases WHERE service_id = {service} AND state = 'live' AND host(v4) = '10.66.0.7' AND host(v6) = 'fd66::7'"
            ),
        ),
        (
            "peer",
            format!(
                "SELECT count(*) AS n FROM peers WHERE service_id = {service} AND private_key IS NOT NULL AND NOT applied"
            ),
        ),
        (
            "audit",
            format!(
                "SELECT count(*) AS n FROM audit WHERE subject = 'service/{service}' AND user_id = {ANA} AND inbox_seq IS NOT NULL"
            ),
        ),
        ("offer", format!("SELECT count(*) AS n FROM offers WHERE id = {offer} AND taken_at IS NOT NULL")),
    ] {
        assert_eq!(world.db.number(&sql).await, 1, "{what}");
    }
    let again = world.act(ANA, Act::Do(Effect::OfferTrial(None))).await;
    let expected = TrialRefusal::AlreadyUsed { at: now(), service: Some(*service) };
    assert_eq!(*shows(&again), Screen::TrialRefused { reason: expected, product: Product::Wireguard });
}

/// Two processes, each with its own pool and session, hand the same address to two users.
async fn race_for_one_address(world: &World) -> Vec<Result<StepDone, StepRefusal>> {
    let other = world.db.store();
    let mut steps = Vec::new();
    for user in [ANA, BETO] {
        let offer = world.db.seed_trial_offer(&world.store, world.epoch, user, now()).await;
        let seq = world.update(user).await;
        let mut step = step(seq, user, Act::Do(Effect::Accept { offer, own_key: None, node: None }), now());
        step.prepared = Some(prepared(&world.node, 9));
        steps.push(step);
    }
    let second = steps.pop().unwrap();
    let first = steps.pop().unwrap();
    let (one, two) = tokio::join!(
        world.store.commit_steps(world.epoch, vec![first]),
        other.commit_steps(world.epoch, vec![second]),
    );
    [one, two].into_iter().flat_map(|outcomes| outcomes.unwrap()).collect()
}

#[tokio::test]
async fn fault_01_two_processes_with_the_same_address_make_one_lease_and_one_refusal() {
    let world = World::new().await;
    let outcomes = race_for_one_address(&world).await;
    let taken = outcomes.iter().filter(|outcome| **outcome == Err(StepRefusal::AddressTaken)).count();
    assert_eq!(taken, 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(world.db.number(DOUBLE).await, 0);
    assert_eq!(world.db.number("SELECT count(*) AS n FROM leases").await, 1);
    // The refused update is still to be handled: with the next address it becomes a trial.
    assert_eq!(world.db.number("SELECT count(*) AS n FROM inbox WHERE done_at IS NULL").await, 1);
    let loser = if outcomes[0].is_ok() { BETO } else { ANA };
    let rows = world.store.take_for_user(world.epoch, loser, 16).await.unwrap();
    let offer = OfferId(world.db.number(&format!("SELECT id AS n FROM offers WHERE user_id = {loser}")).await);
    let mut again = step(rows[0].seq, loser, Act::Do(Effect::Accept { offer, own_key: None, node: None }), now());
    again.prepared = Some(prepared(&world.node, 10));
    let outcome = world.store.commit_steps(world.epoch, vec![again]).await.unwrap();
    assert!(matches!(shows(&outcome[0]), Screen::Preparing { .. }));
}

#[tokio::test]
async fn fault_01_twin_without_the_unique_index_the_check_finds_the_double_lease() {
    let world = World::new().await;
    world.db.execute("DROP INDEX leases_v4; DROP INDEX leases_v6").await;
    let outcomes = race_for_one_address(&world).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(world.db.number(DOUBLE).await, 1, "the check of the other test sees what it must see");
}

#[tokio::test]
async fn fault_01_an_address_at_rest_is_not_given_out() {
    let world = World::new().await;
    let service = world.db.seed_trial(&world.store, world.epoch, ANA, &world.node, 5, now()).await;
    let asked = world.act(ANA, Act::Do(Effect::OfferRevoke(service))).await;
    let Screen::AskRevoke { offer, .. } = shows(&asked) else { panic!("{asked:?}") };
    let ended = world.accept(ANA, *offer, None, 99).await;
    assert_eq!(*shows(&ended), Screen::Revoked { service });
    let offer = world.db.seed_trial_offer(&world.store, world.epoch, BETO, now()).await;
    assert_eq!(world.accept(BETO, offer, None, 5).await, Err(StepRefusal::AddressTaken));
}

#[tokio::test]
async fn fault_24_ids_above_2_to_the_31_and_52_work_everywhere() {
    let world = World::new().await;
    for (host, id) in [(11, (1_i64 << 31) + 7), (12, (1 << 52) + 7), (13, i64::MAX - 1)] {
        let user = UserId(id);
        let service = world.db.seed_trial(&world.store, world.epoch, user, &world.node, host, now()).await;
        let chat = world
            .db
            .number(&format!("SELECT chat_id AS n FROM outbox WHERE chat_id = {id} ORDER BY id DESC LIMIT 1"))
            .await;
        assert_eq!(chat, id);
        assert_eq!(world.store.session_snapshot(user).await.unwrap().user.unwrap().id, user);
        let renamed = world.act(user, Act::Do(Effect::Rename { service, name: "Casa".to_owned() })).await;
        assert_eq!(*shows(&renamed), Screen::Card { service });
        assert_eq!(world.store.services_ever(user, Product::Wireguard).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn fault_29_five_taps_at_once_are_one_service() {
    let world = World::new().await;
    let offer = world.db.seed_trial_offer(&world.store, world.epoch, ANA, now()).await;
    let mut tasks = tokio::task::JoinSet::new();
    for host in 21..26 {
        let seq = world.update(ANA).await;
        let mut step = step(seq, ANA, Act::Do(Effect::Accept { offer, own_key: None, node: None }), now());
        step.callback_id = Some(format!("press-{host}"));
        step.prepared = Some(prepared(&world.node, host));
        let (store, epoch) = (world.db.store(), world.epoch);
        tasks.spawn(async move { store.commit_steps(epoch, vec![step]).await.unwrap().remove(0) });
    }
    let outcomes = tasks.join_all().await;
    let begun = outcomes.iter().filter(|outcome| outcome.as_ref().unwrap().address_used).count();
    assert_eq!(begun, 1, "{outcomes:?}");
    for table in ["services", "leases", "peers", "trials"] {
        assert_eq!(world.db.number(&format!("SELECT count(*) AS n FROM {table}")).await, 1, "{table}");
    }
    // Every press is answered, so that no button spins for ever.
    assert!(outcomes.iter().all(|outcome| outcome.as_ref().unwrap().messages[0].content.callback_id.is_some()));
}

#[tokio::test]
async fn fault_29_two_offers_taken_at_once_are_one_trial() {
    let world = World::new().await;
    let one = world.db.seed_trial_offer(&world.store, world.epoch, ANA, now()).await;
    let two = world.db.seed_trial_offer(&world.store, world.epoch, ANA, now()).await;
    let (first, second) = tokio::join!(world.accept(ANA, one, None, 31), world.accept(ANA, two, None, 32));
    let outcomes = [first, second];
    let begun = outcomes.iter().filter(|outcome| matches!(shows(outcome), Screen::Preparing { .. })).count();
    let refused = outcomes
        .iter()
        .filter(|outcome| {
            matches!(shows(outcome), Screen::TrialRefused { reason: TrialRefusal::AlreadyUsed { .. }, .. })
        })
        .count();
    assert_eq!((begun, refused), (1, 1), "{outcomes:?}");
    assert_eq!(world.db.number("SELECT count(*) AS n FROM services").await, 1);
}

#[tokio::test]
async fn fault_32_the_same_key_twice_and_the_servers_own_are_refused_and_the_offer_stands() {
    let world = World::new().await;
    let key = usipipo_domain::wg::PrivateKey::from_random([9; 32]).public_key();
    let offer = world.db.seed_trial_offer(&world.store, world.epoch, ANA, now()).await;
    let begun = world.accept(ANA, offer, Some(key), 41).await;
    assert!(matches!(shows(&begun), Screen::Preparing { .. }));
    assert_eq!(world.db.number("SELECT count(*) AS n FROM peers WHERE private_key IS NULL").await, 1, "never had it");

    let offer = world.db.seed_trial_offer(&world.store, world.epoch, BETO, now()).await;
    for taken in [key, world.node.public_key] {
        let refused = world.accept(BETO, offer, Some(taken), 42).await;
        assert_eq!(*shows(&refused), Screen::KeyTaken { offer, service: None });
        assert!(!refused.as_ref().unwrap().address_used);
        assert_eq!(refused.unwrap().state, usipipo_domain::dialogue::State::AwaitOwnKey { offer });
    }
    assert_eq!(world.db.number("SELECT count(*) AS n FROM peers").await, 1, "nobody's peer was touched");
    let begun = world.accept(BETO, offer, None, 42).await;
    assert!(matches!(shows(&begun), Screen::Preparing { .. }), "the offer still stands");
}

#[tokio::test]
async fn fault_32_a_key_in_use_is_refused_for_a_rotation_too_with_the_way_back_to_its_service() {
    let world = World::new().await;
    let service = world.db.seed_trial(&world.store, world.epoch, ANA, &world.node, 5, now()).await;
    let asked = world.act(ANA, Act::Do(Effect::OfferRotate(service))).await;
    let Screen::AskRotate { offer, .. } = *shows(&asked) else { panic!("{asked:?}") };
    let refused = world.accept(ANA, offer, Some(world.node.public_key), 5).await;
    assert_eq!(*shows(&refused), Screen::KeyTaken { offer, service: Some(service) });
    assert_eq!(refused.unwrap().state, usipipo_domain::dialogue::State::AwaitOwnKey { offer });
    let own = usipipo_domain::wg::PrivateKey::from_random([7; 32]).public_key();
    let begun = world.accept(ANA, offer, Some(own), 5).await;
    assert_eq!(*shows(&begun), Screen::Preparing { service }, "the offer still stands");
}

#[tokio::test]
async fn fault_32_two_users_paste_one_key_in_the_same_instant() {
    let world = World::new().await;
    let key = usipipo_domain::wg::PrivateKey::from_random([8; 32]).public_key();
    let one = world.db.seed_trial_offer(&world.store, world.epoch, ANA, now()).await;
    let two = world.db.seed_trial_offer(&world.store, world.epoch, BETO, now()).await;
    let (first, second) = tokio::join!(world.accept(ANA, one, Some(key), 51), world.accept(BETO, two, Some(key), 52));
    let outcomes = [first, second];
    let begun = outcomes.iter().filter(|outcome| matches!(shows(outcome), Screen::Preparing { .. })).count();
    let taken =
        outcomes.iter().filter(|outcome| matches!(shows(outcome), Screen::KeyTaken { service: None, .. })).count();
    assert_eq!((begun, taken), (1, 1), "{outcomes:?}");
}

#[tokio::test]
async fn a_trial_without_an_address_says_what_is_missing_and_changes_nothing() {
    let world = World::new().await;
    let offer = world.db.seed_trial_offer(&world.store, world.epoch, ANA, now()).await;
    let accept = || Act::Do(Effect::Accept { offer, own_key: None, node: None });
    assert_eq!(world.act(ANA, accept()).await, Err(StepRefusal::NotPrepared));
    let paid = world
        .act_with(ANA, accept(), |step| {
            step.prepared = Some(crate::model::Prepared { pool: world.node.paid, ..prepared(&world.node, 3) });
        })
        .await;
    assert_eq!(paid, Err(StepRefusal::NotPrepared), "a paid pool gives no trial");
    let keys_only = world
        .act_with(ANA, accept(), |step| {
            step.prepared = Some(crate::model::Prepared { addresses: None, ..prepared(&world.node, 3) });
        })
        .await;
    assert_eq!(keys_only, Err(StepRefusal::NotPrepared));
    for reason in [TrialRefusal::PoolFull, TrialRefusal::NoNode] {
        let refused = world.act_with(ANA, accept(), |step| step.refused = Some((reason, Product::Wireguard))).await;
        assert_eq!(*shows(&refused), Screen::TrialRefused { reason, product: Product::Wireguard });
    }
    assert_eq!(world.db.number("SELECT count(*) AS n FROM services").await, 0);
    let begun = world.accept(ANA, offer, None, 3).await;
    assert!(matches!(shows(&begun), Screen::Preparing { .. }), "the offer was not used up");
}

#[tokio::test]
async fn without_a_node_there_is_no_trial() {
    let db = TestDatabase::new().await;
    let store = db.store();
    let epoch = db.lead(&store).await;
    let done = db.act(&store, epoch, ANA, Act::Do(Effect::OfferTrial(None)), |_| {}, now()).await;
    assert_eq!(*shows(&done), Screen::TrialRefused { reason: TrialRefusal::NoNode, product: Product::Wireguard });
}

#[tokio::test]
async fn an_address_pair_without_ipv6_is_kept_as_such() {
    let world = World::new().await;
    let offer = world.db.seed_trial_offer(&world.store, world.epoch, ANA, now()).await;
    let done = world
        .act_with(ANA, Act::Do(Effect::Accept { offer, own_key: None, node: None }), |step| {
            let mut only_v4 = prepared(&world.node, 61);
            only_v4.addresses = only_v4.addresses.map(|pair| Addresses { v6: None, ..pair });
            step.prepared = Some(only_v4);
        })
        .await;
    assert!(matches!(shows(&done), Screen::Preparing { .. }));
    let v4 = world.db.text("SELECT v4::text AS t FROM leases WHERE v6 IS NULL").await;
    assert_eq!(v4.parse::<IpNetwork>().unwrap().prefix(), 32);
}
