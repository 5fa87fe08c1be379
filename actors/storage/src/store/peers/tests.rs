#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::super::fixture::{ANA, BEA, World, at, bodies, days};
use crate::StoreError;
use crate::model::{Epoch, NodeHealth, PeerCounters, SendFailure};
use usipipo_domain::dialogue::{Act, Effect};
use usipipo_domain::ids::{OutboxId, ServiceId};
use usipipo_domain::outgoing::{Body, Place, Priority};
use usipipo_domain::screen::Screen;
use usipipo_domain::service::{ServiceStatus, SuspendReason};
use usipipo_domain::wg::PublicKey;

fn ready(service: ServiceId) -> Vec<Body> {
    vec![Body::Screen { screen: Screen::Ready { service }, place: Place::Progress }, Body::ConfigFile { service }]
}

#[tokio::test]
async fn a_pending_service_begins_when_the_server_carries_its_key_and_its_owner_is_told_once() {
    let world = World::new().await;
    let (service, peer) = world.pending(ANA, 2).await;
    assert!(peer.wanted && !peer.applied && !peer.retired);
    assert_eq!(peer.addresses.v4.unwrap().to_string(), "10.66.0.2");
    assert_eq!(peer.addresses.v6.unwrap().to_string(), "fd66::2");
    let work = world.store.peer_work(world.node.node, 10).await.unwrap();
    assert_eq!(work.iter().map(|peer| peer.id).collect::<Vec<_>>(), [peer.id]);

    let messages = world.store.peers_applied(world.epoch, world.node.node, &[peer.id], at(60)).await.unwrap();
    assert_eq!(bodies(&messages), ready(service));
    assert!(messages.iter().all(|message| message.chat == ANA && message.priority == Priority::Delivery));
    let card = world.store.card(ANA, service).await.unwrap().unwrap();
    assert_eq!(card.status, ServiceStatus::Active);
    assert_eq!((card.activated_at, card.ends_at), (Some(at(60)), Some(at(60) + days(7))));
    assert!(world.store.peer_work(world.node.node, 10).await.unwrap().is_empty());

    let again = world.store.peers_applied(world.epoch, world.node.node, &[peer.id], at(90)).await.unwrap();
    assert!(again.is_empty());
    let card = world.store.card(ANA, service).await.unwrap().unwrap();
    assert_eq!(card.ends_at, Some(at(60) + days(7)), "the end does not move");
    let audited = format!(
        "SELECT count(*) AS n FROM audit WHERE action = 'service.activate' AND subject = 'service/{service}' AND user_id IS NULL"
    );
    assert_eq!(world.db.number(&audited).await, 1);
}

#[tokio::test]
async fn a_day_has_24_hours_whatever_the_time_zone_of_the_database() {
    let world = World::new().await;
    let name = world.db.text("SELECT current_database()::text AS t").await;
    // Clocks go back there within the week.
    world.db.execute(&format!("ALTER DATABASE {name} SET timezone = 'America/Havana'")).await;
    let (service, peer) = world.pending(ANA, 2).await;
    let store = world.db.store();
    let autumn = "2026-10-30T12:00:00Z".parse().unwrap();
    store.peers_applied(world.epoch, world.node.node, &[peer.id], autumn).await.unwrap();
    let card = store.card(ANA, service).await.unwrap().unwrap();
    assert_eq!(card.ends_at, Some("2026-11-06T12:00:00Z".parse().unwrap()));
}

#[tokio::test]
async fn fault_09_a_key_that_the_server_forgot_is_put_back_without_a_word_to_its_owner() {
    let world = World::new().await;
    let (_, peer) = world.active(ANA, 2).await;
    world.store.peers_removed(world.epoch, world.node.node, &[peer.id], at(1)).await.unwrap();
    let work = world.store.peer_work(world.node.node, 10).await.unwrap();
    assert_eq!(work.len(), 1);
    assert!(work[0].wanted && !work[0].applied);
    let messages = world.store.peers_applied(world.epoch, world.node.node, &[peer.id], at(2)).await.unwrap();
    assert!(messages.is_empty());
    assert!(world.peer(peer.service).await.applied);
}

#[tokio::test]
async fn a_new_key_is_announced_with_a_fresh_file_and_the_old_one_is_over_when_it_is_off_the_server() {
    let world = World::new().await;
    let (service, old) = world.active(ANA, 2).await;
    let asked = world.act(ANA, Act::Do(Effect::OfferRotate(service)), at(5)).await;
    let Some(Body::Screen { screen: Screen::AskRotate { offer, .. }, .. }) = asked.first() else { panic!("{asked:?}") };
    let accept = Act::Do(Effect::Accept { offer: *offer, own_key: None, node: None });
    let keys = crate::testing::prepared(&world.node, 9);
    world.db.act(&world.store, world.epoch, ANA, accept, |step| step.prepared = Some(keys), at(6)).await.unwrap();

    let work = world.store.peer_work(world.node.node, 10).await.unwrap();
    assert_eq!(work.len(), 2);
    let (new, gone) = (&work[0], &work[1]);
    assert!(new.wanted && !new.applied, "what somebody waits for comes first");
    assert_eq!((gone.id, gone.wanted, gone.retired), (old.id, false, true));
    assert_eq!(new.addresses, old.addresses);
    assert!(world.store.may_remove(world.node.node, &old.public_key).await.unwrap());
    assert!(!world.store.may_remove(world.node.node, &new.public_key).await.unwrap());

    world.store.peers_removed(world.epoch, world.node.node, &[old.id], at(7)).await.unwrap();
    let messages = world.store.peers_applied(world.epoch, world.node.node, &[new.id], at(8)).await.unwrap();
    assert_eq!(bodies(&messages), ready(service));
    let peers = world.store.peers_of(world.node.node).await.unwrap();
    assert_eq!(peers.iter().map(|peer| peer.id).collect::<Vec<_>>(), [new.id]);
    let config = world.store.client_config(ANA, service).await.unwrap().unwrap();
    assert_eq!(config.card.public_key, Some(new.public_key));
}

#[tokio::test]
async fn a_service_that_was_ended_on_its_way_does_not_begin() {
    let world = World::new().await;
    let (service, peer) = world.pending(ANA, 2).await;
    world.revoke(ANA, service, at(1)).await;
    // Retired and never believed to be there: it is work still, since it may be on its way.
    let work = world.store.peer_work(world.node.node, 10).await.unwrap();
    assert_eq!((work.len(), work[0].retired, work[0].wanted), (1, true, false));

    let messages = world.store.peers_applied(world.epoch, world.node.node, &[peer.id], at(2)).await.unwrap();
    assert!(messages.is_empty());
    assert_eq!(world.store.card(ANA, service).await.unwrap().unwrap().status, ServiceStatus::Revoked);
    let work = world.store.peer_work(world.node.node, 10).await.unwrap();
    assert!(work[0].applied && !work[0].wanted);
    world.store.peers_removed(world.epoch, world.node.node, &[peer.id], at(3)).await.unwrap();
    assert!(world.store.peers_of(world.node.node).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_suspended_services_key_is_unwanted_but_not_over() {
    let world = World::new().await;
    let (service, peer) = world.active(ANA, 2).await;
    let swept = world.store.expire_due(world.epoch, at(0) + days(7), 10).await.unwrap();
    assert_eq!(swept.services, [service]);
    let work = world.store.peer_work(world.node.node, 10).await.unwrap();
    assert_eq!((work.len(), work[0].wanted, work[0].retired), (1, false, false));
    world.store.peers_removed(world.epoch, world.node.node, &[peer.id], at(1)).await.unwrap();
    assert!(world.store.peer_work(world.node.node, 10).await.unwrap().is_empty());
    let kept = world.peer(service).await;
    assert!(!kept.applied && !kept.retired, "a renewal brings back the same key");
}

#[tokio::test]
async fn fault_11_only_keys_that_no_wanted_row_has_may_be_removed() {
    let world = World::new().await;
    let (service, peer) = world.active(ANA, 2).await;
    let (_, other) = world.active(BEA, 3).await;
    let node = world.node.node;
    assert!(!world.store.may_remove(node, &peer.public_key).await.unwrap());
    assert!(world.store.may_remove(node, &PublicKey::from_bytes([7; 32])).await.unwrap());
    world.revoke(ANA, service, at(1)).await;
    assert!(world.store.may_remove(node, &peer.public_key).await.unwrap());
    assert!(!world.store.may_remove(node, &other.public_key).await.unwrap());
}

#[tokio::test]
async fn a_secret_that_cannot_be_opened_keeps_no_other_row_back() {
    let world = World::new().await;
    let (bad, _) = world.pending(ANA, 2).await;
    let (good, _) = world.pending(BEA, 3).await;
    let spoil = "set_byte(preshared_key, 40, get_byte(preshared_key, 40) # 1)";
    world.db.execute(&format!("UPDATE peers SET preshared_key = {spoil} WHERE service_id = {bad}")).await;
    let node = world.node.node;
    for rows in [world.store.peers_of(node).await.unwrap(), world.store.peer_work(node, 10).await.unwrap()] {
        let open: Vec<_> = rows.iter().map(|row| (row.service, row.preshared_key.is_some())).collect();
        assert_eq!(open, [(bad, false), (good, true)]);
    }
}

#[tokio::test]
async fn somebody_who_blocked_the_bot_is_not_written_to() {
    let world = World::new().await;
    let (service, peer) = world.pending(ANA, 2).await;
    world.db.execute("UPDATE users SET blocked_at = created_at").await;
    let messages = world.store.peers_applied(world.epoch, world.node.node, &[peer.id], at(2)).await.unwrap();
    assert!(messages.is_empty());
    assert_eq!(world.store.card(ANA, service).await.unwrap().unwrap().status, ServiceStatus::Active);
}

#[tokio::test]
async fn peers_of_another_node_are_not_touched() {
    let world = World::new().await;
    let other = world.db.seed_node("havana").await;
    let (service, peer) = world.pending(ANA, 2).await;
    assert!(world.store.peers_applied(world.epoch, other.node, &[peer.id], at(2)).await.unwrap().is_empty());
    assert!(!world.peer(service).await.applied);
    assert!(world.store.peers_of(other.node).await.unwrap().is_empty());
}

#[tokio::test]
async fn fault_33_nothing_is_written_for_an_epoch_that_is_over() {
    let world = World::new().await;
    let (service, peer) = world.active(ANA, 2).await;
    let (old, node, store) = (Epoch(world.epoch.0 - 1), world.node.node, &world.store);
    let health = NodeHealth { up: false, config_only: false, error: None, foreign_peers: 0, now: at(9) };
    let read = PeerCounters { peer: peer.id, rx: 5, tx: 5, last_handshake: None };
    let kind = usipipo_domain::alert::AlertKind::DeadLetter { count: 1 };
    let retry = SendFailure::Retry { at: at(1), error: "x".to_owned() };
    let late = at(0) + days(9);
    let outcomes = [
        store.peers_applied(old, node, &[peer.id], late).await.map(drop),
        store.peers_removed(old, node, &[peer.id], late).await,
        store.record_usage(old, node, &[read], late).await.map(drop),
        store.clear_suspension(old, service, SuspendReason::Expiry).await.map(drop),
        store.record_health(old, node, &health).await,
        store.tell_waiting(old, late, late, 9).await.map(drop),
        store.release_quarantined(old, late, 9).await.map(drop),
        store.expire_due(old, late, 9).await.map(drop),
        store.tidy(old, late, late, 9).await.map(drop),
        store.enqueue(old, ANA, Priority::Reply, &super::super::fixture::hello(1), None, late).await.map(drop),
        store.mark_sent(old, &[crate::model::SentMessage { id: OutboxId(1), chat: ANA, shown: None }], late).await,
        store.mark_failure(old, OutboxId(1), &retry, late).await,
        store.raise(old, &kind, &[ANA], late).await.map(drop),
        store.resolve(old, "dead_letter", &[ANA], late).await.map(drop),
    ];
    for (index, outcome) in outcomes.iter().enumerate() {
        assert!(matches!(outcome, Err(StoreError::NotLeader)), "write {index}: {outcome:?}");
    }
    let card = store.card(ANA, service).await.unwrap().unwrap();
    assert_eq!((card.status, card.used(), card.node_up), (ServiceStatus::Active, 0, true));
}
