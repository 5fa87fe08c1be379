//! Every kind of service: free choices, grants, moves, and what servers are for.

use super::*;
use crate::model::{KeyNodeRow, OfferNeeds, ServerChoice};
use crate::testing::{prepared, prepared_key};
use chrono::TimeDelta;
use usipipo_domain::ids::ServiceId;
use usipipo_domain::outgoing::{Body, OutboxMessage, Place};
use usipipo_domain::screen::TrialRefusal;
use usipipo_domain::service::{NodeChange, Product, Purpose, ServiceStatus};

impl World {
    async fn free(&self, user: UserId, product: Option<Product>) -> Screen {
        shows(&self.act(user, Act::Do(Effect::OfferTrial(product))).await).clone()
    }

    async fn take(&self, user: UserId, offer: OfferId, node: &KeyNodeRow) -> Result<StepDone, StepRefusal> {
        let key = prepared_key(node);
        let act = Act::Do(Effect::Accept { offer, own_key: None, node: None });
        self.act_with(user, act, |step| step.prepared_key = Some(key)).await
    }

    async fn grant(&self, to: UserId, plan: &str) -> OfferId {
        let asked = self.act(ANA, Act::Do(Effect::OfferGrant { user: to, plan: plan.to_owned() })).await;
        match shows(&asked) {
            Screen::AskGrant { offer, .. } => *offer,
            other => panic!("no grant but {other:?}"),
        }
    }

    async fn ask_move(&self, user: UserId, service: ServiceId) -> OfferId {
        let asked = self.act(user, Act::Do(Effect::OfferMove(service))).await;
        match shows(&asked) {
            Screen::AskMove { offer, .. } => *offer,
            other => panic!("no move but {other:?}"),
        }
    }

    async fn change(&self, node: usipipo_domain::ids::NodeId, change: NodeChange) -> Screen {
        let done = self.act(ANA, Act::Do(Effect::ChangeNode { node, change })).await;
        if matches!(shows(&done), Screen::Node { .. }) {
            assert_eq!(done.as_ref().unwrap().wake, [node]);
        }
        shows(&done).clone()
    }

    async fn choices(&self, product: Product) -> Vec<ServerChoice> {
        self.store.server_choices(product, Purpose::Paid).await.unwrap()
    }
}

#[tokio::test]
async fn what_can_be_had_for_nothing_is_offered_and_the_choice_shrinks_with_what_one_has() {
    let world = World::new().await;
    assert!(matches!(world.free(ANA, None).await, Screen::TrialOffer { product: Product::Wireguard, .. }));
    let outline = world.db.seed_key_node("paris", Product::Outline).await;
    let proxy = world.db.seed_key_node("rome", Product::Mtproto).await;
    let all = vec![Product::Wireguard, Product::Outline, Product::Mtproto];
    assert_eq!(world.free(ANA, None).await, Screen::TrialChoice { products: all.clone() });
    let free = world.store.free_choices(ANA).await.unwrap();
    assert_eq!(free.iter().map(|(product, _)| *product).collect::<Vec<_>>(), all);

    for node in [&outline, &proxy] {
        let Screen::TrialOffer { offer, product } = world.free(ANA, Some(node.spec.product)).await else { panic!() };
        assert_eq!(product, node.spec.product);
        assert_eq!(world.store.offer_needs(ANA, offer, now()).await.unwrap(), OfferNeeds::Key { product, not: None });
        let row = world.store.offer(ANA, offer).await.unwrap().unwrap();
        assert_eq!((row.product, row.service), (product, None));
        assert!(world.store.offer(BETO, offer).await.unwrap().is_none());
        let done = world.take(ANA, offer, node).await;
        assert!(matches!(shows(&done), Screen::Preparing { .. }));
        assert_eq!(done.unwrap().wake, [node.id]);
    }
    assert!(matches!(world.free(ANA, None).await, Screen::TrialOffer { product: Product::Wireguard, .. }));
    let refused = world.free(ANA, Some(Product::Outline)).await;
    assert!(matches!(refused, Screen::TrialRefused { reason: TrialRefusal::AlreadyUsed { service: Some(_), .. }, .. }));
    let refused = world.free(ANA, Some(Product::Mtproto)).await;
    assert!(matches!(
        refused,
        Screen::TrialRefused { reason: TrialRefusal::HaveOne { .. }, product: Product::Mtproto }
    ));
}

#[tokio::test]
async fn a_free_service_taken_from_two_offers_begins_once() {
    let world = World::new().await;
    let node = world.db.seed_key_node("rome", Product::Mtproto).await;
    let mut offers = Vec::new();
    for _ in 0..2 {
        let Screen::TrialOffer { offer, .. } = world.free(ANA, Some(Product::Mtproto)).await else { panic!() };
        offers.push(offer);
    }
    assert!(matches!(shows(&world.take(ANA, offers[0], &node).await), Screen::Preparing { .. }));
    let refused = world.take(ANA, offers[1], &node).await;
    assert!(matches!(shows(&refused), Screen::TrialRefused { reason: TrialRefusal::HaveOne { .. }, .. }));
    assert_eq!(world.db.number("SELECT count(*) AS n FROM services").await, 1);
    let again = world.take(ANA, offers[0], &node).await.unwrap();
    assert!(!matches!(crate::testing::screen(&again), Some(Screen::Preparing { .. })), "five taps are one");
}

#[tokio::test]
async fn nobody_holds_more_than_the_settings_allow_but_gifts_do_not_count() {
    let world = World::new().await;
    let node = world.db.seed_key_node("rome", Product::Mtproto).await;
    world.db.seed_trial(&world.store, world.epoch, BETO, &world.node, 9, now()).await;
    let offer = world.grant(BETO, "outline-1m").await;
    let outline = world.db.seed_key_node("paris", Product::Outline).await;
    let granted = world.take(ANA, offer, &outline).await.unwrap();
    assert!(granted.messages.iter().any(|message: &OutboxMessage| {
        message.chat == ANA && matches!(message.content.body, Some(Body::Screen { screen: Screen::Granted { .. }, .. }))
    }));
    let ask = || Act::Do(Effect::OfferTrial(Some(Product::Mtproto)));
    let done = world.act_with(BETO, ask(), |step| step.rules.services_max = 1).await;
    let expected = TrialRefusal::TooMany { most: 1 };
    assert_eq!(*shows(&done), Screen::TrialRefused { reason: expected, product: Product::Mtproto });
    let Screen::TrialOffer { offer, .. } = world.free(BETO, Some(Product::Mtproto)).await else { panic!() };
    let key = prepared_key(&node);
    let act = Act::Do(Effect::Accept { offer, own_key: None, node: None });
    let late = world
        .act_with(BETO, act, |step| {
            step.prepared_key = Some(key);
            step.rules.services_max = 1;
        })
        .await;
    assert_eq!(*shows(&late), Screen::TrialRefused { reason: expected, product: Product::Mtproto });
    assert!(matches!(shows(&world.take(BETO, offer, &node).await), Screen::Preparing { .. }), "two are allowed");
}

#[tokio::test]
async fn a_gift_goes_to_whom_it_is_for_and_the_giver_sees_it() {
    let world = World::new().await;
    world.act(BETO, Act::Show(Screen::Help)).await.unwrap();
    let unknown = world.act(ANA, Act::Do(Effect::OfferGrant { user: UserId(5), plan: "wg-1m".to_owned() })).await;
    assert_eq!(*shows(&unknown), Screen::GrantUnknown { user: UserId(5), plan: "wg-1m".to_owned() });
    let offer = world.grant(BETO, "wg-1m").await;
    let needs = world.store.offer_needs(ANA, offer, now()).await.unwrap();
    assert_eq!(needs, OfferNeeds::Address { purpose: Purpose::Paid, not: None });
    let mut paid = prepared(&world.node, 7);
    paid.pool = world.node.paid;
    paid.addresses = Some(usipipo_domain::service::Addresses { v4: Some("10.67.0.7".parse().unwrap()), v6: None });
    let act = Act::Do(Effect::Accept { offer, own_key: None, node: None });
    let done = world.act_with(ANA, act, |step| step.prepared = Some(paid)).await.unwrap();
    assert!(done.address_used);
    let told = done.messages.iter().find(|message| message.chat == BETO).expect("the user is told");
    let Some(Body::Screen { screen: Screen::Preparing { service }, place: Place::New }) = told.content.body else {
        panic!("{told:?}")
    };
    assert!(done.messages.iter().any(|message| message.chat == ANA));
    let card = world.store.card(BETO, service).await.unwrap().unwrap();
    assert_eq!((card.trial, card.free, card.days, card.quota_bytes), (false, false, 30, None));
    let trials = format!("SELECT count(*) AS n FROM trials WHERE user_id = {}", BETO.0);
    assert_eq!(world.db.number(&trials).await, 0, "their trial is theirs still");
}

#[tokio::test]
async fn a_service_moves_to_another_server_and_back_to_its_old_address() {
    let world = World::new().await;
    let other = world.db.seed_node("madrid").await;
    let service = world.db.seed_trial(&world.store, world.epoch, ANA, &world.node, 9, now()).await;
    let first = world.store.peers_of(world.node.node).await.unwrap().remove(0);
    world.store.peers_applied(world.epoch, world.node.node, &[first.id], now()).await.unwrap();
    let go = async |to: &SeededNode, host: u8| {
        let offer = world.ask_move(ANA, service).await;
        let act = Act::Do(Effect::Accept { offer, own_key: None, node: None });
        world.act_with(ANA, act, |step| step.prepared = Some(prepared(to, host))).await
    };
    assert_eq!(go(&world.node, 10).await, Err(StepRefusal::NotPrepared), "it is there already");
    let moved = go(&other, 11).await.unwrap();
    assert_eq!((moved.address_used, moved.wake.clone()), (true, vec![world.node.node, other.node]));
    let peers = world.store.peers_of(other.node).await.unwrap();
    assert_eq!((peers.len(), peers[0].wanted), (1, true));
    assert_eq!(peers[0].addresses.v4, Some("10.66.0.11".parse().unwrap()));
    assert!(world.store.peers_of(world.node.node).await.unwrap()[0].retired);
    let card = world.store.card(ANA, service).await.unwrap().unwrap();
    assert_eq!((card.node, card.status), (other.node, ServiceStatus::Active));
    let told = world.store.peers_applied(world.epoch, other.node, &[peers[0].id], now()).await.unwrap();
    assert_eq!(told.len(), 2, "ready, and the new file");

    let back = go(&world.node, 12).await.unwrap();
    assert!(!back.address_used, "its old address rests there, and is its again");
    let peers = world.store.peers_of(world.node.node).await.unwrap();
    assert_eq!(peers.len(), 2);
    assert!(peers.iter().all(|peer| peer.addresses == first.addresses));
    assert_eq!(world.db.number("SELECT count(*) AS n FROM leases").await, 2);
}

#[tokio::test]
async fn a_key_moves_as_well_and_a_full_server_takes_none() {
    let world = World::new().await;
    let one = world.db.seed_key_node("rome", Product::Mtproto).await;
    let two = world.db.seed_key_node("oslo", Product::Mtproto).await;
    let service = world.db.seed_key_service(&world.store, world.epoch, ANA, &one, now()).await;
    let offer = world.ask_move(ANA, service).await;
    let needs = world.store.offer_needs(ANA, offer, now()).await.unwrap();
    assert_eq!(needs, OfferNeeds::Key { product: Product::Mtproto, not: Some(one.id) });
    world.db.execute(&format!("UPDATE nodes SET capacity = 1 WHERE id = {}", two.id)).await;
    world.db.seed_key_service(&world.store, world.epoch, BETO, &two, now()).await;
    assert_eq!(world.take(ANA, offer, &two).await, Err(StepRefusal::NotPrepared));
    world.db.execute(&format!("UPDATE nodes SET capacity = 2 WHERE id = {}", two.id)).await;
    let moved = world.take(ANA, offer, &two).await.unwrap();
    assert_eq!(moved.wake, [one.id, two.id]);
    assert!(world.store.keys_of(one.id).await.unwrap()[0].retired);
    assert_eq!(world.store.keys_of(two.id).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_server_takes_nothing_new_unless_it_is_active_and_goes_only_when_nothing_lives_on_it() {
    let world = World::new().await;
    let node = world.db.seed_key_node("rome", Product::Mtproto).await;
    let Screen::TrialOffer { offer, .. } = world.free(ANA, Some(Product::Mtproto)).await else { panic!() };
    for change in [NodeChange::Drain, NodeChange::Maintain] {
        assert_eq!(world.change(node.id, change).await, Screen::Node { node: node.id });
        assert_eq!(world.take(ANA, offer, &node).await, Err(StepRefusal::NotPrepared));
        assert!(world.choices(Product::Mtproto).await.is_empty());
    }
    let refused = world.free(ANA, Some(Product::Mtproto)).await;
    assert_eq!(refused, Screen::TrialRefused { reason: TrialRefusal::NoNode, product: Product::Mtproto });
    world.change(node.id, NodeChange::Activate).await;
    let Screen::Preparing { service } = *shows(&world.take(ANA, offer, &node).await) else { panic!() };
    assert_eq!(world.change(node.id, NodeChange::Remove).await, Screen::NodeInUse { node: node.id, services: 1 });
    let asked = world.act(ANA, Act::Do(Effect::OfferRevoke(service))).await;
    let Screen::AskRevoke { offer, .. } = *shows(&asked) else { panic!("{asked:?}") };
    world.act(ANA, Act::Do(Effect::Accept { offer, own_key: None, node: None })).await.unwrap();
    // Nobody would take that key off a removed server, and it would work for ever.
    assert_eq!(world.change(node.id, NodeChange::Remove).await, Screen::NodeKeysLeft { node: node.id, keys: 1 });
    assert_eq!(world.store.key_work(node.id, 9).await.unwrap().len(), 1);
    assert_eq!(world.change(node.id, NodeChange::Forget).await, Screen::Node { node: node.id });
    assert!(world.store.key_nodes().await.unwrap().is_empty());
    assert!(world.store.keys_of(node.id).await.unwrap().is_empty(), "somebody said that it no longer exists");
    for change in [NodeChange::Activate, NodeChange::Remove, NodeChange::Forget] {
        assert_eq!(world.change(node.id, change).await, Screen::Nodes, "what is removed stays so");
    }
    let none = world.change(usipipo_domain::ids::NodeId(999), NodeChange::Drain).await;
    assert_eq!(none, Screen::Nodes);
}

#[tokio::test]
async fn trials_of_a_group_do_not_begin_on_a_server_that_is_drained_meanwhile() {
    let world = World::new().await;
    let mut steps = Vec::new();
    for (user, host) in [(UserId(201), 20), (UserId(202), 21)] {
        let offer = world.db.seed_trial_offer(&world.store, world.epoch, user, now()).await;
        let act = Act::Do(Effect::Accept { offer, own_key: None, node: None });
        let mut step = crate::testing::step(world.update(user).await, user, act, now());
        step.prepared = Some(prepared(&world.node, host));
        steps.push(step);
    }
    world.change(world.node.node, NodeChange::Drain).await;
    let outcomes = world.store.commit_steps(world.epoch, steps).await.unwrap();
    assert_eq!(outcomes, [Err(StepRefusal::NotPrepared), Err(StepRefusal::NotPrepared)]);
}

#[tokio::test]
async fn notices_and_quiet_hours_are_kept() {
    let world = World::new().await;
    world.act(ANA, Act::Do(Effect::SetReminders(false))).await.unwrap();
    world.act(ANA, Act::Do(Effect::SetQuiet(false))).await.unwrap();
    let user = world.store.viewer(ANA).await.unwrap().unwrap().user;
    assert!(!user.reminders);
    assert_eq!(user.quiet.map(|hours| hours.from() == hours.to()), Some(true), "never quiet");
    world.act(ANA, Act::Do(Effect::SetQuiet(true))).await.unwrap();
    let user = world.store.viewer(ANA).await.unwrap().unwrap().user;
    assert_eq!(user.quiet, Some(usipipo_domain::lifecycle::QuietHours::default()));
}

#[tokio::test]
async fn an_offer_of_before_there_were_plans_still_gives_the_trial() {
    let world = World::new().await;
    let offer = world.db.seed_trial_offer(&world.store, world.epoch, ANA, now()).await;
    world.db.execute("UPDATE offers SET plan_id = NULL").await;
    let needs = world.store.offer_needs(ANA, offer, now() + TimeDelta::seconds(1)).await.unwrap();
    assert_eq!(needs, OfferNeeds::Address { purpose: Purpose::Trial, not: None });
    let done = world.accept(ANA, offer, None, 3).await;
    assert!(matches!(shows(&done), Screen::Preparing { .. }));
}

#[tokio::test]
async fn a_server_of_tunnels_goes_when_its_last_peer_is_off_it() {
    let world = World::new().await;
    let node = world.node.node;
    let service = world.db.seed_trial(&world.store, world.epoch, ANA, &world.node, 9, now()).await;
    let asked = world.act(ANA, Act::Do(Effect::OfferRevoke(service))).await;
    let Screen::AskRevoke { offer, .. } = *shows(&asked) else { panic!("{asked:?}") };
    world.act(ANA, Act::Do(Effect::Accept { offer, own_key: None, node: None })).await.unwrap();
    assert_eq!(world.change(node, NodeChange::Remove).await, Screen::NodeKeysLeft { node, keys: 1 });
    let peers = world.store.peers_of(node).await.unwrap();
    world.store.peers_removed(world.epoch, node, &[peers[0].id], now()).await.unwrap();
    assert_eq!(world.change(node, NodeChange::Remove).await, Screen::Node { node });
}

#[tokio::test]
async fn a_key_that_was_never_handed_over_is_not_changed_again() {
    let world = World::new().await;
    let node = world.db.seed_key_node("paris", Product::Outline).await;
    let service = world.db.seed_key_service(&world.store, world.epoch, ANA, &node, now()).await;
    let refused = world.act(ANA, Act::Do(Effect::OfferRotate(service))).await;
    assert_eq!(*shows(&refused), Screen::KeyOnItsWay { service });
    let open = async || {
        let key = world.store.keys_of(node.id).await.unwrap().pop().unwrap().id;
        let standing = crate::model::KeyStanding::Open;
        world.store.keys_applied(world.epoch, node.id, &[(key, standing)], now()).await.unwrap();
    };
    open().await;
    let offer = async || match *shows(&world.act(ANA, Act::Do(Effect::OfferRotate(service))).await) {
        Screen::AskRotate { offer, .. } => offer,
        ref other => panic!("{other:?}"),
    };
    let offers = [offer().await, offer().await];
    assert_eq!(*shows(&world.take(ANA, offers[0], &node).await), Screen::Preparing { service });
    // The server is away; another tap on the other question adds nothing to it.
    assert_eq!(*shows(&world.take(ANA, offers[1], &node).await), Screen::KeyOnItsWay { service });
    assert_eq!(world.store.keys_of(node.id).await.unwrap().len(), 2);
    let load = async || world.choices(Product::Outline).await[0].load_percent;
    assert_eq!(load().await, 1, "a service holds one place, with two keys as well");
    open().await;
    assert_eq!(*shows(&world.take(ANA, offers[1], &node).await), Screen::Preparing { service });
    // A key that nobody can open will never be handed over: another is the way out.
    world.db.execute("UPDATE access_keys SET secret = 'broken' WHERE retired_at IS NULL").await;
    assert_eq!(*shows(&world.take(ANA, offer().await, &node).await), Screen::Preparing { service });
}

/// Whether somebody else could lock this row now.
async fn is_free(world: &World, table: &str, id: i64) -> bool {
    let mut conn = world.store.conn().await.unwrap();
    let sql = format!("SELECT 1 FROM {table} WHERE id = {id} FOR NO KEY UPDATE NOWAIT");
    diesel_async::RunQueryDsl::execute(diesel::sql_query(sql), &mut conn).await.is_ok()
}

#[tokio::test]
async fn a_group_locks_servers_before_users_and_services_whatever_the_order_of_its_steps() {
    use diesel_async::{AsyncConnection as _, SimpleAsyncConnection as _};
    const LOCK_WAITS: &str =
        "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let world = World::new().await;
    let node = world.db.seed_key_node("rome", Product::Mtproto).await;
    let service = world.db.seed_trial(&world.store, world.epoch, ANA, &world.node, 9, now()).await;
    let Screen::TrialOffer { offer, .. } = world.free(BETO, Some(Product::Mtproto)).await else { panic!() };
    // The first of the two by their users would lock its service first.
    let rename = Act::Do(Effect::Rename { service, name: "Tablet".to_owned() });
    let accept = Act::Do(Effect::Accept { offer, own_key: None, node: None });
    let first = crate::testing::step(world.update(ANA).await, ANA, rename, now());
    let mut second = crate::testing::step(world.update(BETO).await, BETO, accept, now());
    second.prepared_key = Some(prepared_key(&node));
    let mut other = diesel_async::AsyncPgConnection::establish(world.db.url()).await.unwrap();
    other.batch_execute(&format!("BEGIN; SELECT 1 FROM nodes WHERE id = {} FOR UPDATE", node.id)).await.unwrap();
    let committing = world.store.commit_steps(world.epoch, vec![first, second]);
    let looking = async {
        while world.db.number(LOCK_WAITS).await == 0 {
            tokio::task::yield_now().await;
        }
        assert!(is_free(&world, "services", service.0).await, "nothing after the servers is locked yet");
        assert!(is_free(&world, "users", ANA.0).await && is_free(&world, "users", BETO.0).await);
        other.batch_execute("COMMIT").await.unwrap();
    };
    let (outcomes, ()) = tokio::join!(committing, looking);
    assert!(outcomes.unwrap().iter().all(Result::is_ok));
}
