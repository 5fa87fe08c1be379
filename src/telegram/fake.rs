//! A small world for the tests of this folder: one person, their services, two servers.
#![allow(clippy::unwrap_used)]

use crate::telegram::data::{DataError, DataResult, ScreenData};
use crate::telegram::render::{RenderOptions, Renderer};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use usipipo_actors::domain::alert::AlertKind;
use usipipo_actors::domain::ids::{AlertId, DeadLetterId, LeaseId, NodeId, PoolId, ServiceId, UserId};
use usipipo_actors::domain::lang::Lang;
use usipipo_actors::domain::permission::Staff;
use usipipo_actors::domain::screen::Screen;
use usipipo_actors::domain::service::{
    Addresses, Product, Purpose, ServiceCard, ServiceStatus, SuspendReason, TrialTerms,
};
use usipipo_actors::domain::wg::{PresharedKey, PrivateKey};
use usipipo_actors::model::{
    AlertRow, ClientConfig, DeadLetterRow, NodeOverview, Page, PoolOverview, SystemStats, UserRow, Viewer,
};

/// Above 2^52, where floating point ends (fault 24).
pub(crate) const ANA: UserId = UserId(4_503_599_627_370_497);
pub(crate) const ADMIN: UserId = UserId(7);
/// Never wrote.
pub(crate) const NOBODY: UserId = UserId(42);

pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-24T14:41:00Z".parse().unwrap()
}

pub(crate) fn card(id: i64, name: &str, status: ServiceStatus) -> ServiceCard {
    let ends_at = (status != ServiceStatus::Pending).then(|| now() + TimeDelta::days(6));
    ServiceCard {
        id: ServiceId(id),
        user: ANA,
        product: Product::Wireguard,
        name: name.to_owned(),
        status,
        reasons: Vec::new(),
        trial: true,
        node: NodeId(1),
        node_name: "us-1".to_owned(),
        node_place: "Miami".to_owned(),
        node_up: true,
        node_config_only: false,
        lease: Some(LeaseId(1)),
        addresses: Addresses { v4: Some([10, 77, 77, 14].into()), v6: Some("fd77::e".parse().unwrap()) },
        public_key: None,
        own_key: false,
        created_at: now() - TimeDelta::days(1),
        activated_at: ends_at.map(|end| end - TimeDelta::days(7)),
        ends_at,
        quota_bytes: Some(5_000_000_000),
        used_up: 200_000_000,
        used_down: 1_000_000_000,
        last_handshake: Some(now() - TimeDelta::minutes(3)),
    }
}

pub(crate) fn suspended(id: i64, name: &str, reason: SuspendReason) -> ServiceCard {
    let ends_at = Some(now() - TimeDelta::hours(3));
    ServiceCard { reasons: vec![reason], ends_at, ..card(id, name, ServiceStatus::Suspended) }
}

/// What the fake rows say.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) user: Option<UserRow>,
    pub(crate) current: Option<(i32, Screen, DateTime<Utc>)>,
    pub(crate) services: Vec<ServiceCard>,
    pub(crate) trial: Option<(ServiceId, DateTime<Utc>)>,
    pub(crate) stats: SystemStats,
    pub(crate) nodes: Vec<NodeOverview>,
    pub(crate) pools: Vec<PoolOverview>,
    pub(crate) letters: Vec<DeadLetterRow>,
    pub(crate) alert: Option<AlertRow>,
    /// Reads fail.
    pub(crate) away: bool,
}

impl World {
    pub(crate) fn new(lang: Lang) -> Self {
        let user = UserRow {
            id: ANA,
            first_name: "Ana".to_owned(),
            last_name: Some("López".to_owned()),
            username: Some("ana_lopez".to_owned()),
            lang,
            tz: "America/Havana".to_owned(),
            created_at: now() - TimeDelta::days(21),
            last_seen_at: now() - TimeDelta::hours(2),
            blocked: false,
        };
        let trial = Some((ServiceId(1), now() - TimeDelta::days(21)));
        Self {
            user: Some(user),
            current: None,
            services: vec![card(1, "iPhone", ServiceStatus::Active)],
            trial,
            stats: stats(),
            nodes: nodes(),
            pools: pools(),
            letters: (1..=3).map(letter).collect(),
            alert: None,
            away: false,
        }
    }

    pub(crate) fn with(lang: Lang, services: Vec<ServiceCard>) -> Self {
        Self { services, ..Self::new(lang) }
    }

    pub(crate) fn renderer(self) -> Renderer {
        Renderer::new(Arc::new(Fake(Mutex::new(self))), Arc::new(Staff::new(vec![ADMIN], Vec::new())), options())
    }
}

pub(crate) fn options() -> RenderOptions {
    RenderOptions {
        language: Lang::Es,
        tz: chrono_tz::Tz::America__Havana,
        trial: TrialTerms::default(),
        keep_messages_days: 7,
    }
}

pub(crate) fn alert(kind: AlertKind) -> Option<AlertRow> {
    let opened_at = now() - TimeDelta::minutes(4);
    Some(AlertRow { id: AlertId(1), kind, opened_at, times: 3, resolved_at: None })
}

fn stats() -> SystemStats {
    let alert = alert(AlertKind::NodeDown { node: "us-1".to_owned(), error: "timed out".to_owned() });
    SystemStats {
        users: 12_345,
        users_day: 678,
        services: [("active", 38), ("pending", 3), ("suspended", 1), ("expired", 0)]
            .map(|(status, count)| (status.to_owned(), count))
            .into(),
        inbox_undone: 2,
        inbox_oldest: Some(Duration::from_secs(5)),
        outbox_waiting: vec![("reply".to_owned(), 1), ("notice".to_owned(), 40)],
        outbox_oldest: Some(Duration::from_secs(130)),
        dead_letters: 3,
        alerts: alert.into_iter().collect(),
        pending_oldest: Some(Duration::from_secs(600)),
    }
}

fn nodes() -> Vec<NodeOverview> {
    let good = NodeOverview {
        id: NodeId(1),
        name: "eu-1".to_owned(),
        place: "Madrid".to_owned(),
        mode: "kernel".to_owned(),
        up: true,
        config_only: false,
        seen_at: Some(now()),
        down_since: None,
        error: None,
        active: 38,
        pending: 0,
        foreign_peers: 2,
        endpoint: "eu1.example.com:51820".to_owned(),
    };
    let down = NodeOverview {
        id: NodeId(2),
        name: "us-1".to_owned(),
        place: String::new(),
        up: false,
        config_only: true,
        down_since: Some(now() - TimeDelta::minutes(4)),
        error: Some("no answer <timeout> & more".to_owned()),
        pending: 3,
        foreign_peers: 0,
        ..good.clone()
    };
    vec![good, down]
}

fn pools() -> Vec<PoolOverview> {
    let trial = PoolOverview {
        id: PoolId(1),
        node: NodeId(1),
        node_name: "eu-1".to_owned(),
        purpose: Purpose::Trial,
        v4: Some("10.77.0.0/20".parse().unwrap()),
        v6: Some("fd77::/64".parse().unwrap()),
        live: 3_800,
        quarantined: 20,
        begun_last_week: 350,
    };
    let paid = PoolOverview { purpose: Purpose::Paid, v4: None, live: 0, quarantined: 0, ..trial.clone() };
    vec![trial, paid]
}

fn letter(id: i64) -> DeadLetterRow {
    DeadLetterRow {
        id: DeadLetterId(id),
        user: Some(ANA),
        lane: "session".to_owned(),
        error: "actor failed: <panic> & co".to_owned(),
        code: "K7Q2".to_owned(),
        attempts: 3,
        created_at: now() - TimeDelta::hours(3),
        replayed_at: (id == 3).then(|| now() - TimeDelta::minutes(10)),
        excerpt: r#"{"update_id":1,"message":{"text":"<b>&"}}"#.to_owned(),
    }
}

pub(crate) struct Fake(pub(crate) Mutex<World>);

impl Fake {
    fn world(&self) -> DataResult<World> {
        let world = self.0.lock().unwrap().clone();
        if world.away { Err(DataError("the database does not answer".to_owned())) } else { Ok(world) }
    }
}

fn page<T: Clone>(rows: &[T], page: u16, per_page: u16) -> Page<T> {
    let pages = rows.len().div_ceil(usize::from(per_page)).max(1);
    let page = usize::from(page).min(pages - 1);
    Page {
        rows: rows.iter().skip(page * usize::from(per_page)).take(usize::from(per_page)).cloned().collect(),
        page: u16::try_from(page).unwrap(),
        pages: u16::try_from(pages).unwrap(),
        total: rows.len() as u64,
    }
}

#[async_trait]
impl ScreenData for Fake {
    async fn viewer(&self, user: UserId) -> DataResult<Option<Viewer>> {
        let world = self.world()?;
        Ok(world
            .user
            .filter(|_| user != NOBODY)
            .map(|row| Viewer { user: UserRow { id: user, ..row }, current: world.current }))
    }

    async fn services_of(&self, _: UserId, number: u16, per_page: u16) -> DataResult<Page<ServiceCard>> {
        Ok(page(&self.world()?.services, number, per_page))
    }

    async fn card(&self, _: UserId, service: ServiceId) -> DataResult<Option<ServiceCard>> {
        Ok(self.world()?.services.into_iter().find(|card| card.id == service))
    }

    async fn client_config(&self, _: UserId, service: ServiceId) -> DataResult<Option<ClientConfig>> {
        let usable = |card: &ServiceCard| matches!(card.status, ServiceStatus::Pending | ServiceStatus::Active);
        let card = self.world()?.services.into_iter().find(|card| card.id == service && usable(card));
        let key = PrivateKey::from_random([7; 32]);
        Ok(card.map(|card| ClientConfig {
            private_key: (!card.own_key).then(|| key.clone()),
            card,
            preshared_key: PresharedKey::from_random([9; 32]),
            server_key: key.public_key(),
            endpoint: "us1.example.com:51820".to_owned(),
            dns: vec!["1.1.1.1".to_owned()],
            mtu: 1420,
        }))
    }

    async fn trial_taken(&self, _: UserId) -> DataResult<Option<(ServiceId, DateTime<Utc>)>> {
        Ok(self.world()?.trial)
    }

    async fn system_stats(&self, _: DateTime<Utc>) -> DataResult<SystemStats> {
        Ok(self.world()?.stats)
    }

    async fn node_overviews(&self) -> DataResult<Vec<NodeOverview>> {
        Ok(self.world()?.nodes)
    }

    async fn pool_overviews(&self, _: DateTime<Utc>) -> DataResult<Vec<PoolOverview>> {
        Ok(self.world()?.pools)
    }

    async fn dead_letters(&self, number: u16, per_page: u16) -> DataResult<Page<DeadLetterRow>> {
        Ok(page(&self.world()?.letters, number, per_page))
    }

    async fn dead_letter(&self, id: DeadLetterId) -> DataResult<Option<DeadLetterRow>> {
        Ok(self.world()?.letters.into_iter().find(|letter| letter.id == id))
    }

    async fn alert(&self, _: AlertId) -> DataResult<Option<AlertRow>> {
        Ok(self.world()?.alert)
    }
}
