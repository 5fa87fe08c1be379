//! Services with keys that begin in one group.

use super::*;
use crate::model::KeyNodeRow;
use crate::testing::prepared_key;
use usipipo_domain::screen::TrialRefusal;
use usipipo_domain::service::Product;

impl World {
    async fn free_offer(&self, user: UserId, product: Product) -> OfferId {
        let asked = self.act(user, Act::Do(Effect::OfferTrial(Some(product)))).await;
        match shows(&asked) {
            Screen::TrialOffer { offer, .. } => *offer,
            other => panic!("no offer but {other:?}"),
        }
    }

    /// The step of a user who accepts an offer, with a key prepared on this server.
    async fn accepts(&self, user: UserId, offer: OfferId, node: &KeyNodeRow) -> StepCommit {
        let act = Act::Do(Effect::Accept { offer, own_key: None, node: None });
        let mut step = crate::testing::step(self.update(user).await, user, act, now());
        step.prepared_key = Some(prepared_key(node));
        step
    }

    /// Everything that was written for a user's only service, but for numbers that are nobody else's.
    async fn written(&self, user: UserId) -> String {
        self.db
            .text(&format!(
                "SELECT jsonb_build_array(
                    to_jsonb(s) - '{{id,user_id}}'::text[],
                    (SELECT jsonb_agg(to_jsonb(t) - '{{user_id,service_id}}'::text[]) FROM trials t WHERE t.service_id = s.id),
                    (SELECT jsonb_agg(to_jsonb(k) - '{{id,service_id,name,secret}}'::text[]) FROM access_keys k
                     WHERE k.service_id = s.id),
                    (SELECT count(*) FROM access_keys k WHERE k.service_id = s.id
                     AND (k.name = 'u' || s.id || '-1' OR s.product = 'outline' AND k.name::bigint >= 1000000000)),
                    (SELECT jsonb_agg(jsonb_build_array(a.at, a.action, a.user_id = s.user_id, a.inbox_seq IS NOT NULL,
                            a.details - '{{offer,user}}'::text[], a.details ?& '{{offer,user}}'))
                     FROM audit a WHERE a.subject = 'service/' || s.id),
                    (SELECT jsonb_agg(o.taken_at) FROM offers o WHERE o.user_id = s.user_id))::text AS t
                FROM services s WHERE s.user_id = {user}"
            ))
            .await
    }

    async fn services_of(&self, user: UserId) -> i64 {
        self.db.number(&format!("SELECT count(*) AS n FROM services WHERE user_id = {user}")).await
    }
}

#[tokio::test]
async fn services_that_begin_in_a_group_are_written_as_those_that_begin_alone() {
    let world = World::new().await;
    let nodes = [
        world.db.seed_key_node("paris", Product::Outline).await,
        world.db.seed_key_node("rome", Product::Mtproto).await,
    ];
    let products = [Product::Outline, Product::Mtproto];
    let mut alone = Vec::new();
    for (user, (product, node)) in (200..).map(UserId).zip(products.into_iter().zip(&nodes)) {
        let offer = world.free_offer(user, product).await;
        let step = world.accepts(user, offer, node).await;
        let outcomes = world.store.commit_steps(world.epoch, vec![step]).await.unwrap();
        assert!(matches!(shows(&outcomes[0]), Screen::Preparing { .. }));
        alone.push(world.written(user).await);
    }
    let mut steps = Vec::new();
    for user in 300..306 {
        let which = usize::try_from(user % 2).unwrap();
        let offer = world.free_offer(UserId(user), products[which]).await;
        steps.push(world.accepts(UserId(user), offer, &nodes[which]).await);
    }
    let secrets: Vec<_> = steps.iter().map(|step| step.prepared_key.as_ref().unwrap().secret.clone()).collect();
    let outcomes = world.store.commit_steps(world.epoch, steps).await.unwrap();
    for (number, (outcome, secret)) in outcomes.iter().zip(secrets).enumerate() {
        let Screen::Preparing { service } = *shows(outcome) else { panic!("{outcome:?}") };
        let (which, user) = (number % 2, UserId(300 + i64::try_from(number).unwrap()));
        assert_eq!(outcome.as_ref().unwrap().wake, [nodes[which].id]);
        assert_eq!(world.written(user).await, alone[which]);
        let keys = world.store.keys_of(nodes[which].id).await.unwrap();
        let key = keys.into_iter().find(|key| key.service == service).unwrap();
        assert_eq!(key.secret, Some(secret), "sealed for its own name");
        assert_eq!(world.services_of(user).await, 1);
    }
}

#[tokio::test]
async fn what_stands_against_one_service_of_a_group_keeps_no_other_from_beginning() {
    let world = World::new().await;
    let node = world.db.seed_key_node("rome", Product::Mtproto).await;
    let outline = world.db.seed_key_node("paris", Product::Outline).await;
    let has_one = UserId(200);
    let taken = world.free_offer(has_one, Product::Mtproto).await;
    let second = world.free_offer(has_one, Product::Mtproto).await;
    let step = world.accepts(has_one, taken, &node).await;
    world.store.commit_steps(world.epoch, vec![step]).await.unwrap();
    // Besides that one there is room for two on it, and three come.
    world.db.execute(&format!("UPDATE nodes SET capacity = 3 WHERE id = {}", node.id)).await;
    let mut steps = vec![world.accepts(has_one, second, &node).await];
    for user in 201..204 {
        let offer = world.free_offer(UserId(user), Product::Mtproto).await;
        steps.push(world.accepts(UserId(user), offer, &node).await);
    }
    let (thief, wrong, poor) = (UserId(204), UserId(205), UserId(206));
    steps.push(world.accepts(thief, taken, &outline).await);
    let offer = world.free_offer(wrong, Product::Outline).await;
    // A key of another product's.
    steps.push(world.accepts(wrong, offer, &node).await);
    let offer = world.free_offer(poor, Product::Outline).await;
    let mut none = world.accepts(poor, offer, &outline).await;
    none.rules.services_max = 0;
    steps.push(none);
    let good = UserId(207);
    let offer = world.free_offer(good, Product::Outline).await;
    steps.push(world.accepts(good, offer, &outline).await);

    let outcomes = world.store.commit_steps(world.epoch, steps).await.unwrap();
    assert!(matches!(shows(&outcomes[0]), Screen::TrialRefused { reason: TrialRefusal::HaveOne { .. }, .. }));
    let begun = |outcome: &Result<StepDone, StepRefusal>| {
        outcome.as_ref().is_ok_and(|done| matches!(crate::testing::screen(done), Some(Screen::Preparing { .. })))
    };
    let on_it: Vec<bool> = outcomes[1..4].iter().map(begun).collect();
    assert_eq!(on_it.iter().filter(|begun| **begun).count(), 2, "{outcomes:?}");
    assert!(outcomes[1..4].contains(&Err(StepRefusal::NotPrepared)));
    assert!(!begun(&outcomes[4]), "another's offer");
    assert_eq!(outcomes[5], Err(StepRefusal::NotPrepared));
    assert!(matches!(shows(&outcomes[6]), Screen::TrialRefused { reason: TrialRefusal::TooMany { most: 0 }, .. }));
    assert!(begun(&outcomes[7]));
    for (user, services) in [(has_one, 1), (thief, 0), (wrong, 0), (poor, 0), (good, 1)] {
        assert_eq!(world.services_of(user).await, services, "{user}");
    }
    let there = format!("SELECT count(*) AS n FROM access_keys WHERE node_id = {}", node.id);
    assert_eq!(world.db.number(&there).await, 3);
}

#[tokio::test]
async fn a_trial_that_was_had_and_a_drained_server_stand_against_a_group_too() {
    let world = World::new().await;
    let node = world.db.seed_key_node("paris", Product::Outline).await;
    let other = world.db.seed_key_node("lyon", Product::Outline).await;
    let mut first = Vec::new();
    let mut again = Vec::new();
    for user in [200, 201, 202].map(UserId) {
        let (one, two) =
            (world.free_offer(user, Product::Outline).await, world.free_offer(user, Product::Outline).await);
        first.push(world.accepts(user, one, &node).await);
        again.push(world.accepts(user, two, &node).await);
    }
    world.db.execute(&format!("UPDATE nodes SET state = 'draining' WHERE id = {}", other.id)).await;
    let late = UserId(203);
    let offer = world.free_offer(late, Product::Outline).await;
    first.push(world.accepts(late, offer, &other).await);
    let outcomes = world.store.commit_steps(world.epoch, first).await.unwrap();
    assert!(outcomes[..3].iter().all(|outcome| matches!(shows(outcome), Screen::Preparing { .. })), "{outcomes:?}");
    assert_eq!(outcomes[3], Err(StepRefusal::NotPrepared));
    let outcomes = world.store.commit_steps(world.epoch, again).await.unwrap();
    for outcome in &outcomes {
        assert!(matches!(shows(outcome), Screen::TrialRefused { reason: TrialRefusal::AlreadyUsed { .. }, .. }));
    }
    assert_eq!(world.db.number("SELECT count(*) AS n FROM access_keys").await, 3);
}
