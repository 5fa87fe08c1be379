#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::super::fixture::{ANA, BEA, World, at, bodies, days};
use crate::model::{PeerCounters, Swept};
use crate::testing::TRIAL_QUOTA;
use chrono::{DateTime, TimeDelta, Timelike, Utc};
use usipipo_domain::lifecycle::QuietHours;
use usipipo_domain::outgoing::Body;

/// Two hours on either side of a moment of the world's day (UTC).
fn around(moment: DateTime<Utc>) -> (u32, u32) {
    let minute = |time: DateTime<Utc>| time.hour() * 60 + time.minute();
    (minute(moment - TimeDelta::hours(2)), minute(moment + TimeDelta::hours(2)))
}

impl World {
    async fn quiet(&self, (from, to): (u32, u32)) {
        let sql = format!("UPDATE users SET tz = 'UTC', quiet_from = {from}, quiet_to = {to} WHERE id = {ANA}");
        self.db.execute(&sql).await;
    }

    async fn read(&self, peer: i64, tx: u64, now: DateTime<Utc>) -> Swept {
        let read = PeerCounters { peer, rx: 0, tx, last_handshake: None };
        self.store.record_usage(self.epoch, self.node.node, &[read], now).await.unwrap()
    }

    async fn morning(&self, now: DateTime<Utc>) -> Vec<Body> {
        bodies(&self.store.remind_due(self.epoch, now, 100).await.unwrap().messages)
    }
}

#[tokio::test]
async fn notices_of_traffic_wait_for_the_end_of_quiet_hours_and_come_once() {
    let world = World::new().await;
    let (service, peer) = world.active(ANA, 2).await;
    let (other, others) = world.active(BEA, 3).await;
    let quota = TRIAL_QUOTA;
    let now = at(3_600);
    world.quiet(around(now)).await;
    assert!(world.read(peer.id, quota * 9 / 10, now).await.messages.is_empty());
    let over = world.read(peer.id, quota, now).await;
    assert_eq!(
        (over.services, over.messages.len()),
        (vec![service], 0),
        "what is used up is closed at once all the same"
    );
    // Whoever has no quiet hours is told now.
    let near = world.read(others.id, quota * 9 / 10, now).await;
    assert_eq!(bodies(&near.messages), [Body::QuotaNear { service: other }]);

    assert!(world.morning(now + TimeDelta::minutes(90)).await.is_empty(), "it is still quiet");
    let morning = now + TimeDelta::hours(2);
    assert!(
        world.store.next_sweep(days(2)).await.unwrap().is_some_and(|next| next <= morning),
        "the sweeper comes for them"
    );
    let mut told = world.morning(morning).await;
    told.sort_by_key(|body| matches!(body, Body::OverQuota { .. }));
    assert_eq!(told, [Body::QuotaNear { service }, Body::OverQuota { service }]);
    assert!(world.morning(morning).await.is_empty());
    assert_eq!(world.db.number("SELECT count(*) AS n FROM held_notices").await, 0);
}

#[tokio::test]
async fn an_end_in_quiet_hours_closes_at_its_second_and_is_told_after_them() {
    let world = World::new().await;
    let (service, _) = world.active(ANA, 2).await;
    let end = world.store.card(ANA, service).await.unwrap().unwrap().ends_at.unwrap();
    world.quiet(around(end)).await;
    let swept = world.store.expire_due(world.epoch, end, 10).await.unwrap();
    assert_eq!((swept.services, swept.messages.len()), (vec![service], 0));
    assert_eq!(world.morning(end + TimeDelta::hours(3)).await, [Body::Ended { service }]);
}

#[tokio::test]
async fn the_hours_of_the_settings_are_for_those_who_chose_none() {
    let mut world = World::new().await;
    let (from, to) = around(at(0));
    let minutes = |minutes| u16::try_from(minutes).unwrap();
    world.db.execute("UPDATE users SET tz = 'UTC'").await;
    world.store = world.store.clone().with_notice_hours(QuietHours::new(minutes(from), minutes(to)), "UTC");
    let (_, peer) = world.active(ANA, 2).await;
    world.db.execute("UPDATE users SET tz = 'UTC'").await;
    let quota = TRIAL_QUOTA;
    assert!(world.read(peer.id, quota * 9 / 10, at(60)).await.messages.is_empty());
    world.db.execute("UPDATE users SET quiet_from = 0, quiet_to = 0").await;
    assert_eq!(world.read(peer.id, quota, at(120)).await.messages.len(), 1, "equal ends mean never");
}
