#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::super::fixture::{ANA, BEA, World, at, bodies, days};
use crate::model::{PeerCounters, Swept};
use crate::testing::TRIAL_QUOTA;
use usipipo_domain::ids::ServiceId;
use usipipo_domain::lifecycle::GRACE;
use usipipo_domain::outgoing::{Body, Priority};
use usipipo_domain::service::{ServiceStatus, SuspendReason};

const ADMIN: &str = "UPDATE services SET status = 'suspended', reasons = ARRAY['admin']";

impl World {
    async fn reads(&self, peer: i64, rx: u64, tx: u64) -> Swept {
        let read = PeerCounters { peer, rx, tx, last_handshake: None };
        self.store.record_usage(self.epoch, self.node.node, &[read], at(9)).await.unwrap()
    }

    async fn stands(&self, service: ServiceId) -> (ServiceStatus, Vec<SuspendReason>) {
        let card = self.store.card(ANA, service).await.unwrap().unwrap();
        (card.status, card.reasons)
    }

    async fn clear(&self, service: ServiceId, reason: SuspendReason) -> bool {
        let cleared = self.store.clear_suspension(self.epoch, service, reason).await.unwrap();
        cleared.inspect(|node| assert_eq!(*node, self.node.node)).is_some()
    }
}

#[tokio::test]
async fn a_service_that_used_up_its_traffic_is_suspended_and_its_owner_told_once() {
    let world = World::new().await;
    let (service, peer) = world.active(ANA, 2).await;
    let (_, other) = world.active(BEA, 3).await;
    let quota = TRIAL_QUOTA;
    let below = world.reads(peer.id, 1_000, quota - 1_001).await;
    assert!(below.services.is_empty() && below.wake.is_empty());
    assert_eq!(bodies(&below.messages), [Body::QuotaNear { service }], "more than four fifths are used");
    assert_eq!(world.stands(service).await.0, ServiceStatus::Active);

    let over = world.reads(peer.id, 1_000, quota - 1_000).await;
    assert_eq!((over.services, over.wake), (vec![service], vec![world.node.node]));
    assert_eq!(bodies(&over.messages), [Body::OverQuota { service }]);
    assert_eq!((over.messages[0].chat, over.messages[0].priority), (ANA, Priority::Notice));
    assert_eq!(world.stands(service).await, (ServiceStatus::Suspended, vec![SuspendReason::Quota]));
    let work = world.store.peer_work(world.node.node, 10).await.unwrap();
    assert_eq!(work.iter().map(|peer| (peer.id, peer.wanted)).collect::<Vec<_>>(), [(peer.id, false)]);
    assert!(world.peer(other.service).await.wanted);

    let last = world.reads(peer.id, 2_000, quota).await;
    assert!(last.services.is_empty() && last.messages.is_empty(), "the last bytes count and are no news");
    assert_eq!(world.store.card(ANA, service).await.unwrap().unwrap().used(), quota + 2_000);
    let audited = format!(
        "SELECT count(*) AS n FROM audit WHERE action = 'service.suspend' AND subject = 'service/{service}'
         AND user_id IS NULL AND details->>'reason' = 'quota'"
    );
    assert_eq!(world.db.number(&audited).await, 1);
}

#[tokio::test]
async fn traffic_used_up_is_told_again_only_in_another_period_or_with_another_allowance() {
    let world = World::new().await;
    let (service, peer) = world.active(ANA, 2).await;
    let quota = TRIAL_QUOTA;
    assert_eq!(world.reads(peer.id, quota, 0).await.messages.len(), 1);
    for (change, told) in
        [("", 0), (", quota_bytes = quota_bytes + 1", 1), (", ends_at = ends_at + interval '1 hour'", 1)]
    {
        let again = format!("UPDATE services SET status = 'active', reasons = '{{}}'{change} WHERE id = {service}");
        world.db.execute(&again).await;
        let used = world.store.card(ANA, service).await.unwrap().unwrap().used();
        let swept = world.reads(peer.id, used + 10, 0).await;
        assert_eq!((swept.services.len(), swept.messages.len()), (1, told), "{change}");
    }
}

#[tokio::test]
async fn one_without_an_allowance_and_one_that_is_ended_are_not_suspended() {
    let world = World::new().await;
    let (service, peer) = world.active(ANA, 2).await;
    world.db.execute("UPDATE services SET quota_bytes = NULL").await;
    assert!(world.reads(peer.id, u64::MAX, 7).await.services.is_empty());
    world.db.execute("UPDATE services SET quota_bytes = 1").await;
    world.revoke(ANA, service, at(10)).await;
    assert!(world.reads(peer.id, u64::MAX, 9).await.services.is_empty());
    assert_eq!(world.stands(service).await, (ServiceStatus::Revoked, Vec::new()));
}

#[tokio::test]
async fn a_suspended_service_gains_each_further_reason_and_loses_each_on_its_own() {
    let world = World::new().await;
    let (service, peer) = world.active(ANA, 2).await;
    world.db.execute(ADMIN).await;
    let over = world.reads(peer.id, u64::MAX, 0).await;
    assert_eq!((over.services, over.messages.len()), (vec![service], 0), "it did not work before either");
    let end = at(0) + days(7);
    assert_eq!(world.store.next_sweep(GRACE).await.unwrap(), Some(end));
    let ended = world.store.expire_due(world.epoch, end, 10).await.unwrap();
    assert_eq!((ended.services, bodies(&ended.messages)), (vec![service], vec![Body::Ended { service }]));
    assert_eq!(world.store.next_sweep(GRACE).await.unwrap(), Some(end + GRACE));
    assert!(world.store.expire_due(world.epoch, end, 10).await.unwrap().services.is_empty());
    use SuspendReason::{Admin, Expiry, Quota};
    assert_eq!(world.stands(service).await, (ServiceStatus::Suspended, vec![Admin, Quota, Expiry]));

    assert!(world.clear(service, Quota).await);
    assert!(!world.clear(service, Quota).await, "it is gone");
    assert_eq!(world.stands(service).await, (ServiceStatus::Suspended, vec![Admin, Expiry]));
    assert!(world.clear(service, Expiry).await);
    assert!(!world.peer(service).await.wanted);
    assert!(world.clear(service, Admin).await);
    assert_eq!(world.stands(service).await, (ServiceStatus::Active, Vec::new()));
    assert!(world.peer(service).await.wanted, "the same key is wanted again");
    assert!(!world.clear(service, Admin).await);
}

#[tokio::test]
async fn one_that_never_worked_waits_for_its_server_again_when_it_is_let_go() {
    let world = World::new().await;
    let (service, _) = world.pending(ANA, 2).await;
    world.db.execute(ADMIN).await;
    assert!(world.clear(service, SuspendReason::Admin).await);
    assert_eq!(world.stands(service).await, (ServiceStatus::Pending, Vec::new()));
}
