//! What admins do for a user's service.

use super::*;
use chrono::TimeDelta;
use usipipo_domain::ids::ServiceId;
use usipipo_domain::outgoing::Body;
use usipipo_domain::service::{ServiceCard, ServiceChange, ServiceStatus, SuspendReason};

impl World {
    async fn care(&self, service: ServiceId, change: ServiceChange, seen: i64) -> StepDone {
        let act = Act::Do(Effect::ChangeService { user: BETO, service, change, seen });
        self.act(ANA, act).await.unwrap()
    }

    async fn hers(&self, service: ServiceId) -> ServiceCard {
        self.store.card(BETO, service).await.unwrap().unwrap()
    }

    async fn audited(&self, action: &str, service: ServiceId) -> i64 {
        let sql = format!(
            "SELECT count(*) AS n FROM audit WHERE action = '{action}' AND subject = 'service/{service}' AND user_id = {ANA}"
        );
        self.db.number(&sql).await
    }
}

fn seen(card: &ServiceCard) -> i64 {
    card.ends_at.map_or(0, |end| end.timestamp())
}

/// What the owner hears of it.
fn told(done: &StepDone) -> Vec<Body> {
    done.messages
        .iter()
        .filter(|message| message.chat == BETO)
        .filter_map(|message| message.content.body.clone())
        .collect()
}

async fn active(world: &World) -> ServiceId {
    let node = world.db.seed_key_node("rome", usipipo_domain::service::Product::Mtproto).await;
    let service = world.db.seed_key_service(&world.store, world.epoch, BETO, &node, now()).await;
    let key = world.store.keys_of(node.id).await.unwrap()[0].id;
    let open = [(key, crate::model::KeyStanding::Open)];
    world.store.keys_applied(world.epoch, node.id, &open, now()).await.unwrap();
    service
}

#[tokio::test]
async fn a_pause_is_lifted_and_the_owner_hears_of_both() {
    let world = World::new().await;
    let service = active(&world).await;
    let card = world.hers(service).await;
    let done = world.care(service, ServiceChange::Pause, seen(&card)).await;
    assert_eq!(told(&done), [Body::Cared { service, change: ServiceChange::Pause }]);
    assert_eq!(done.wake, [card.node]);
    let paused = world.hers(service).await;
    assert_eq!(
        (paused.status, paused.reasons.as_slice()),
        (ServiceStatus::Suspended, [SuspendReason::Admin].as_slice())
    );
    assert!(told(&world.care(service, ServiceChange::Pause, seen(&card)).await).is_empty(), "twice is once");

    let done = world.care(service, ServiceChange::Resume, seen(&card)).await;
    assert_eq!(told(&done), [Body::Cared { service, change: ServiceChange::Resume }]);
    assert_eq!(world.hers(service).await.status, ServiceStatus::Active);
    assert!(told(&world.care(service, ServiceChange::Resume, seen(&card)).await).is_empty(), "nothing is left to lift");
    assert_eq!((world.audited("service.pause", service).await, world.audited("service.resume", service).await), (1, 1));
}

#[tokio::test]
async fn traffic_is_forgiven_and_counts_anew() {
    let world = World::new().await;
    let service = active(&world).await;
    world
        .db
        .execute(
            "UPDATE services SET quota_bytes = 100, used_down = 120, status = 'suspended', reasons = '{quota,admin}'",
        )
        .await;
    let card = world.hers(service).await;
    world.care(service, ServiceChange::Resume, seen(&card)).await;
    let lifted = world.hers(service).await;
    assert_eq!((lifted.status, lifted.used(), lifted.reasons.len()), (ServiceStatus::Active, 0, 0));
}

#[tokio::test]
async fn days_are_added_once_however_often_the_button_is_pressed() {
    let world = World::new().await;
    let service = active(&world).await;
    let card = world.hers(service).await;
    let change = ServiceChange::Extend { days: 7 };
    assert_eq!(told(&world.care(service, change, seen(&card)).await).len(), 1);
    assert!(told(&world.care(service, change, seen(&card)).await).is_empty());
    let after = world.hers(service).await;
    assert_eq!(after.ends_at, card.ends_at.map(|end| end + TimeDelta::days(7)));
    assert_eq!(world.audited("service.extend", service).await, 1);

    // In its grace it works again, from now on.
    world
        .db
        .execute(&format!(
            "UPDATE services SET status = 'suspended', reasons = '{{expiry}}', ends_at = '{}'",
            (now() - TimeDelta::hours(5)).to_rfc3339()
        ))
        .await;
    let over = world.hers(service).await;
    world.care(service, change, seen(&over)).await;
    let back = world.hers(service).await;
    assert_eq!(back.status, ServiceStatus::Active);
    assert!(back.ends_at.unwrap() >= now() + TimeDelta::days(7));
}

#[tokio::test]
async fn an_admin_ends_a_service_for_good() {
    let world = World::new().await;
    let service = active(&world).await;
    let card = world.hers(service).await;
    let done = world.care(service, ServiceChange::Revoke, seen(&card)).await;
    assert_eq!(told(&done), [Body::Cared { service, change: ServiceChange::Revoke }]);
    assert_eq!(world.hers(service).await.status, ServiceStatus::Revoked);
    assert!(world.store.key_work(card.node, 10).await.unwrap().iter().all(|key| key.retired));
    assert_eq!(world.audited("service.revoke_by_admin", service).await, 1);
    // What is over, or somebody else's, cannot be changed.
    for change in [ServiceChange::Pause, ServiceChange::Extend { days: 1 }, ServiceChange::Revoke] {
        assert!(told(&world.care(service, change, seen(&card)).await).is_empty(), "{change:?}");
    }
}
