#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::super::fixture::{ANA, World, at, bodies};
use crate::model::{KeyNodeRow, KeyReading, KeyReadings, KeyStanding, Recorded, UsageKind};
use chrono::{DateTime, TimeDelta, Utc};
use usipipo_domain::ids::ServiceId;
use usipipo_domain::outgoing::Body;
use usipipo_domain::service::{Product, ServiceStatus, SuspendReason};
use usipipo_domain::usage::WindowTotal;

/// A service with a key, at work.
struct Keyed {
    world: World,
    node: KeyNodeRow,
    service: ServiceId,
    key: i64,
    kind: UsageKind,
}

impl Keyed {
    async fn new(product: Product) -> Self {
        let world = World::new().await;
        let node = world.db.seed_key_node("paris", product).await;
        let service = world.db.seed_key_service(&world.store, world.epoch, ANA, &node, at(0)).await;
        let key = world.store.keys_of(node.id).await.unwrap()[0].id;
        world.store.keys_applied(world.epoch, node.id, &[(key, KeyStanding::Open)], at(0)).await.unwrap();
        let kind = if product == Product::Outline { UsageKind::Window30Days } else { UsageKind::SinceStart };
        Self { world, node, service, key, kind }
    }

    async fn read(&self, incarnation: &str, bytes: u64, now: DateTime<Utc>) -> Recorded {
        let readings = KeyReadings {
            incarnation: incarnation.to_owned(),
            kind: self.kind,
            readings: vec![KeyReading { key: self.key, bytes }],
        };
        self.world.store.record_key_usage(self.world.epoch, self.node.id, &readings, now).await.unwrap()
    }

    async fn used(&self) -> u64 {
        self.world.store.card(ANA, self.service).await.unwrap().unwrap().used_down
    }
}

#[tokio::test]
async fn growth_counts_once_over_repetitions_restarts_and_keys_put_anew() {
    let keyed = Keyed::new(Product::Mtproto).await;
    for (life, bytes, total) in [
        ("a", 100, 100),
        ("a", 100, 100),
        ("a", 250, 250),
        // The server began anew; what it says now is new, even if it says more than before.
        ("b", 300, 550),
        ("b", 310, 560),
        // The key was put anew in the same life.
        ("b", 5, 565),
    ] {
        keyed.read(life, bytes, at(10)).await;
        assert_eq!(keyed.used().await, total, "{life} {bytes}");
    }
}

#[tokio::test]
async fn usage_is_kept_by_day_of_utc() {
    let keyed = Keyed::new(Product::Mtproto).await;
    let noon = at(0).date_naive().and_hms_opt(12, 0, 0).unwrap().and_utc();
    keyed.read("a", 100, noon).await;
    keyed.read("a", 150, noon + TimeDelta::hours(11)).await;
    keyed.read("a", 157, noon + TimeDelta::hours(36)).await;
    let history = keyed.world.store.usage_history(keyed.service, 4, noon + TimeDelta::hours(48)).await.unwrap();
    assert_eq!(history, [0, 150, 0, 7], "midnight belongs to the day that begins");
}

#[tokio::test]
async fn most_of_the_traffic_is_told_once_a_period_and_all_of_it_closes_the_key() {
    let keyed = Keyed::new(Product::Mtproto).await;
    keyed.world.db.execute("UPDATE services SET quota_bytes = 1000").await;
    let service = keyed.service;
    assert!(keyed.read("a", 799, at(1)).await.messages.is_empty());
    assert_eq!(bodies(&keyed.read("a", 800, at(2)).await.messages), [Body::QuotaNear { service }]);
    assert!(keyed.read("a", 999, at(3)).await.messages.is_empty());
    let over = keyed.read("a", 1_000, at(4)).await;
    assert_eq!((bodies(&over.messages), over.suspended), (vec![Body::OverQuota { service }], vec![service]));
    let card = keyed.world.store.card(ANA, service).await.unwrap().unwrap();
    assert_eq!((card.status, card.reasons), (ServiceStatus::Suspended, vec![SuspendReason::Quota]));
    let work = keyed.world.store.key_work(keyed.node.id, 10).await.unwrap();
    assert_eq!((work.len(), work[0].wanted), (1, KeyStanding::Closed));
    assert!(keyed.read("a", 1_500, at(5)).await.suspended.is_empty(), "told once");
}

#[tokio::test]
async fn a_trailing_window_gives_in_the_tables_what_it_gives_in_memory() {
    let keyed = Keyed::new(Product::Outline).await;
    keyed.world.db.execute("UPDATE services SET quota_bytes = NULL").await;
    let mut memory = WindowTotal::new();
    // Traffic of each six hours over eighty days; the server tells what lies in the last thirty.
    let flow = |step: i64| u64::try_from((step * 7_919) % 1_000).unwrap() * u64::from(step % 9 != 0);
    for step in 1..(80 * 4) {
        let now = at(step * 6 * 3600);
        let window = (step - 119..=step).filter(|step| *step > 0).map(flow).sum();
        let expected = memory.observe(now, window);
        keyed.read("a", window, now).await;
        if step % 40 == 0 || step > 300 {
            assert_eq!(keyed.used().await, expected, "step {step}");
        }
    }
    let flown: u64 = (1..320).map(flow).sum();
    assert_eq!(keyed.used().await, flown, "points stand at the same times of day, so nothing is lost");
    let kept = keyed.world.db.number("SELECT count(*) AS n FROM key_samples").await;
    assert!((100..=125).contains(&kept), "{kept} samples of thirty days, every six hours");

    // Installed anew: the window begins empty, and what was counted stays.
    keyed.read("b", 40, at(81 * 86_400)).await;
    assert_eq!(keyed.used().await, flown + 40);
}
