//! Rotation, revocation, names, settings, and offers that are not (or no longer) to be had.

use super::*;
use crate::model::OfferNeeds;
use crate::testing::prepared;
use chrono::TimeDelta;
use usipipo_domain::dialogue::State;
use usipipo_domain::lang::Lang;
use usipipo_domain::service::Purpose;
use usipipo_domain::wg::PrivateKey;

async fn rotate_offer(world: &World, service: usipipo_domain::ids::ServiceId) -> OfferId {
    let asked = world.act(ANA, Act::Do(Effect::OfferRotate(service))).await;
    match shows(&asked) {
        Screen::AskRotate { offer, .. } => *offer,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_rotation_retires_the_key_and_keeps_the_address() {
    let world = World::new().await;
    let service = world.db.seed_trial(&world.store, world.epoch, ANA, &world.node, 5, now()).await;
    let offer = rotate_offer(&world, service).await;
    let needs = world.store.offer_needs(ANA, offer, now()).await.unwrap();
    assert_eq!(needs, OfferNeeds::Keys { node: world.node.node, pool: world.node.trial });
    let accept = Act::Do(Effect::Accept { offer, own_key: None, node: None });
    assert_eq!(world.act(ANA, accept.clone()).await, Err(StepRefusal::NotPrepared));
    let keys = || crate::model::Prepared { addresses: None, ..prepared(&world.node, 0) };
    let done = world.act_with(ANA, accept.clone(), |step| step.prepared = Some(keys())).await;
    assert_eq!(*shows(&done), Screen::Preparing { service });
    assert!(!done.as_ref().unwrap().address_used);
    assert_eq!(done.unwrap().wake, [world.node.node]);
    assert_eq!(world.db.number("SELECT count(*) AS n FROM peers WHERE retired_at IS NULL").await, 1);
    assert_eq!(
        world.db.number("SELECT count(*) AS n FROM peers WHERE retired_at IS NOT NULL AND removed_at IS NULL").await,
        1
    );
    assert_eq!(world.db.number("SELECT count(*) AS n FROM leases WHERE state = 'live'").await, 1);
    // Taken once.
    let again = world.act_with(ANA, accept, |step| {
        step.prepared = Some(keys());
        step.callback_id = Some("press".to_owned());
    });
    assert_eq!(again.await.unwrap().messages[0].content.toast, Some(usipipo_domain::outgoing::Toast::AlreadyDone));
    assert_eq!(world.db.number("SELECT count(*) AS n FROM peers").await, 2);
}

#[tokio::test]
async fn fault_32_a_rotation_to_a_key_in_use_leaves_the_old_key_alone() {
    let world = World::new().await;
    let service = world.db.seed_trial(&world.store, world.epoch, ANA, &world.node, 5, now()).await;
    let key = PrivateKey::from_random([7; 32]).public_key();
    let offer = world.db.seed_trial_offer(&world.store, world.epoch, BETO, now()).await;
    assert!(world.accept(BETO, offer, Some(key), 6).await.is_ok());
    let offer = rotate_offer(&world, service).await;
    let refused = world.accept(ANA, offer, Some(key), 0).await.unwrap();
    assert_eq!(refused.state, State::AwaitOwnKey { offer });
    assert_eq!(world.db.number("SELECT count(*) AS n FROM peers WHERE retired_at IS NOT NULL").await, 0);
    let own = PrivateKey::from_random([6; 32]).public_key();
    let done = world.accept(ANA, offer, Some(own), 0).await;
    assert_eq!(*shows(&done), Screen::Preparing { service });
}

#[tokio::test]
async fn a_revoked_service_is_over_and_its_address_rests_a_day() {
    let world = World::new().await;
    let service = world.db.seed_trial(&world.store, world.epoch, ANA, &world.node, 5, now()).await;
    let asked = world.act(ANA, Act::Do(Effect::OfferRevoke(service))).await;
    let Screen::AskRevoke { offer, .. } = shows(&asked) else { panic!("{asked:?}") };
    assert_eq!(world.store.offer_needs(ANA, *offer, now()).await.unwrap(), OfferNeeds::Nothing);
    let done = world.act(ANA, Act::Do(Effect::Accept { offer: *offer, own_key: None, node: None })).await;
    assert_eq!(*shows(&done), Screen::Revoked { service });
    assert_eq!(done.unwrap().wake, [world.node.node]);
    let rests = "SELECT extract(epoch FROM quarantine_until - timestamptz '2026-11-24 12:00:00+00')::bigint AS n FROM leases WHERE state = 'quarantined'";
    assert_eq!(world.db.number(rests).await, 24 * 3600);
    assert_eq!(
        world.db.number("SELECT count(*) AS n FROM peers WHERE retired_at IS NOT NULL AND removed_at IS NULL").await,
        1
    );
    // Nothing more can be done with it.
    for effect in [
        Effect::OfferRotate(service),
        Effect::OfferRevoke(service),
        Effect::SendFile(service),
        Effect::SendQr(service),
        Effect::Rename { service, name: "x".to_owned() },
    ] {
        assert_eq!(*shows(&world.act(ANA, Act::Do(effect)).await), Screen::NoSuchService);
    }
}

#[tokio::test]
async fn fault_23_another_users_service_and_offer_do_not_exist_for_me() {
    let world = World::new().await;
    let service = world.db.seed_trial(&world.store, world.epoch, ANA, &world.node, 5, now()).await;
    let offer = rotate_offer(&world, service).await;
    for effect in [
        Effect::OfferRotate(service),
        Effect::OfferRevoke(service),
        Effect::SendFile(service),
        Effect::SendQr(service),
        Effect::Rename { service, name: "mine".to_owned() },
    ] {
        assert_eq!(*shows(&world.act(BETO, Act::Do(effect)).await), Screen::NoSuchService);
    }
    assert_eq!(*shows(&world.accept(BETO, offer, None, 6).await), Screen::OfferGone);
    assert_eq!(*shows(&world.accept(BETO, OfferId(123_456), None, 6).await), Screen::OfferGone);
    assert_eq!(world.store.offer_needs(BETO, offer, now()).await.unwrap(), OfferNeeds::Nothing);
    assert_eq!(world.db.text("SELECT name AS t FROM services").await, "WireGuard 1");
}

#[tokio::test]
async fn an_offer_ends_at_its_second() {
    let world = World::new().await;
    let offer = world.db.seed_trial_offer(&world.store, world.epoch, ANA, now()).await;
    let end = now() + TimeDelta::hours(24);
    assert_eq!(
        world.store.offer_needs(ANA, offer, end - TimeDelta::seconds(1)).await.unwrap(),
        OfferNeeds::Address { purpose: Purpose::Trial, not: None }
    );
    assert_eq!(world.store.offer_needs(ANA, offer, end).await.unwrap(), OfferNeeds::Nothing);
    let accept = Act::Do(Effect::Accept { offer, own_key: None, node: None });
    let late = world.act_with(ANA, accept, |step| {
        step.prepared = Some(prepared(&world.node, 5));
        step.now = end;
    });
    assert_eq!(*shows(&late.await), Screen::OfferGone);
}

#[tokio::test]
async fn someone_who_types_a_key_for_a_taken_offer_is_answered() {
    let world = World::new().await;
    let offer = world.db.seed_trial_offer(&world.store, world.epoch, ANA, now()).await;
    assert!(world.accept(ANA, offer, None, 5).await.is_ok());
    let own = PrivateKey::from_random([6; 32]).public_key();
    let late = world.accept(ANA, offer, Some(own), 6).await;
    assert_eq!(*shows(&late), Screen::OfferGone, "a toast needs a button press");
}

#[tokio::test]
async fn settings_and_names_are_kept_and_audited_without_personal_text() {
    let world = World::new().await;
    let service = world.db.seed_trial(&world.store, world.epoch, ANA, &world.node, 5, now()).await;
    assert!(world.act(ANA, Act::Do(Effect::SetLanguage(Lang::En))).await.is_ok());
    assert!(world.act(ANA, Act::Do(Effect::SetTimeZone("Europe/Madrid".parse().unwrap()))).await.is_ok());
    assert!(world.act(ANA, Act::Do(Effect::Rename { service, name: "Casa <b>".to_owned() })).await.is_ok());
    let user = world.store.session_snapshot(ANA).await.unwrap().user.unwrap();
    assert_eq!((user.lang, user.tz.as_str()), (Lang::En, "Europe/Madrid"), "a later touch does not change them");
    assert_eq!(world.db.text("SELECT name AS t FROM services").await, "Casa <b>");
    let actions = world
        .db
        .text("SELECT string_agg(action, ' ' ORDER BY id) AS t FROM audit WHERE subject NOT LIKE 'plan/%'")
        .await;
    assert_eq!(actions, "offer.mint service.begin_trial user.set_language user.set_time_zone service.rename");
    assert_eq!(
        world
            .db
            .number(
                "SELECT count(*) AS n FROM audit
                 WHERE details::text LIKE '%Casa%' OR (inbox_seq IS NULL AND subject NOT LIKE 'plan/%')"
            )
            .await,
        0
    );
}
