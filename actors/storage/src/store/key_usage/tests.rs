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

impl Keyed {
    async fn row(&self) -> String {
        self.world.db.text("SELECT string_agg(k.xmin || ' ' || s.xmin, ',') AS t FROM access_keys k JOIN services s ON s.id = k.service_id").await
    }
}

#[tokio::test]
async fn a_reading_without_news_locks_and_writes_nothing() {
    use diesel_async::{AsyncConnection as _, SimpleAsyncConnection as _};
    for product in [Product::Mtproto, Product::Outline] {
        let keyed = Keyed::new(product).await;
        keyed.read("a", 100, at(10)).await;
        let before = keyed.row().await;
        // Whoever works on the service or the server meanwhile holds nothing up.
        let mut other = diesel_async::AsyncPgConnection::establish(keyed.world.db.url()).await.unwrap();
        other.batch_execute("BEGIN; SELECT 1 FROM services FOR UPDATE; SELECT 1 FROM nodes FOR UPDATE").await.unwrap();
        for minute in 1..59 {
            keyed.read("a", 100, at(10 + minute * 60)).await;
        }
        other.batch_execute("COMMIT").await.unwrap();
        assert_eq!(keyed.row().await, before);
        keyed.read("a", 101, at(3_599)).await;
        assert_eq!(keyed.used().await, 101, "what changed is kept at once");
    }
}

#[tokio::test]
async fn the_same_window_is_looked_at_once_an_hour_so_that_its_points_go_on() {
    let keyed = Keyed::new(Product::Outline).await;
    keyed.read("a", 100, at(0)).await;
    for minute in 1..=150 {
        keyed.read("a", 100, at(minute * 60)).await;
    }
    let read_at = keyed.world.db.number("SELECT extract(epoch FROM read_at)::bigint AS n FROM access_keys").await;
    assert_eq!(read_at, at(7_200).timestamp());
    // All of it has left the window, and as much came.
    let month = 30 * 86_400;
    keyed.read("a", 100, at(month + 7_300)).await;
    assert_eq!(keyed.used().await, 200);
}

#[tokio::test]
async fn another_life_of_a_server_locks_the_server_before_its_services() {
    use diesel_async::{AsyncConnection as _, SimpleAsyncConnection as _};
    let keyed = Keyed::new(Product::Mtproto).await;
    keyed.read("a", 100, at(10)).await;
    let mut other = diesel_async::AsyncPgConnection::establish(keyed.world.db.url()).await.unwrap();
    other.batch_execute("BEGIN; SELECT 1 FROM services FOR UPDATE").await.unwrap();
    let waits =
        "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let looking = async {
        while keyed.world.db.number(waits).await == 0 {
            tokio::task::yield_now().await;
        }
        let server = other.batch_execute("SELECT 1 FROM nodes WHERE name = 'paris' FOR NO KEY UPDATE NOWAIT").await;
        assert!(server.is_err(), "it is locked already");
        other.batch_execute("ROLLBACK").await.unwrap();
    };
    let (_, ()) = tokio::join!(keyed.read("b", 7, at(20)), looking);
    assert_eq!(keyed.used().await, 107);
}

#[tokio::test]
async fn samples_go_with_their_key_and_stay_with_one_that_is_only_closed() {
    let keyed = Keyed::new(Product::Outline).await;
    let (store, epoch, node) = (&keyed.world.store, keyed.world.epoch, keyed.node.id);
    let samples = "SELECT count(*) AS n FROM key_samples";
    keyed.read("a", 100, at(10)).await;
    store.keys_removed(epoch, node, &[keyed.key], at(20)).await.unwrap();
    assert_eq!(keyed.world.db.number(samples).await, 1, "closed: it is to come back");
    keyed.world.revoke(ANA, keyed.service, at(30)).await;
    store.keys_removed(epoch, node, &[keyed.key], at(40)).await.unwrap();
    assert_eq!(keyed.world.db.number(samples).await, 0);

    let keyed = Keyed::new(Product::Outline).await;
    keyed.read("a", 100, at(10)).await;
    keyed.world.revoke(ANA, keyed.service, at(30)).await;
    use usipipo_domain::service::NodeChange;
    keyed.world.store.change_node("paris", NodeChange::Forget, at(40)).await.unwrap();
    assert_eq!(keyed.world.db.number(samples).await, 0, "given up with their server");
}
