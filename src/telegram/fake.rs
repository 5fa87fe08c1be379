//! A small world for the tests of this folder: one person, their services, two servers.
#![allow(clippy::unwrap_used)]

use crate::telegram::data::{DataError, DataResult, ScreenData};
use crate::telegram::render::{RenderOptions, Renderer};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use usipipo_actors::domain::access::KeySecret;
use usipipo_actors::domain::alert::AlertKind;
use usipipo_actors::domain::ids::{AlertId, DeadLetterId, LeaseId, NodeId, OfferId, PlanId, PoolId, ServiceId, UserId};
use usipipo_actors::domain::lang::Lang;
use usipipo_actors::domain::lifecycle::{GRACE, QuietHours};
use usipipo_actors::domain::permission::Staff;
use usipipo_actors::domain::plan::{Plan, PlanKind, PlanSpec};
use usipipo_actors::domain::screen::Screen;
use usipipo_actors::domain::service::{
    Addresses, NodeState, Product, Purpose, ServiceCard, ServiceStatus, SuspendReason,
};
use usipipo_actors::domain::wg::{PresharedKey, PrivateKey};
use usipipo_actors::model::{
    AlertRow, ClientConfig, DeadLetterRow, NodeOverview, OfferRow, Page, PoolOverview, PromotionRow, ServerChoice,
    SystemStats, Thing, TunnelConfig, UserRow, Viewer,
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
        node_country: "US".to_owned(),
        node_up: true,
        node_config_only: false,
        lease: Some(LeaseId(1)),
        addresses: Addresses { v4: Some([10, 77, 77, 14].into()), v6: Some("fd77::e".parse().unwrap()) },
        public_key: None,
        own_key: false,
        created_at: now() - TimeDelta::days(1),
        activated_at: ends_at.map(|end| end - TimeDelta::days(7)),
        ends_at,
        free: false,
        days: 7,
        devices: None,
        quota_bytes: Some(5_000_000_000),
        used_before: 0,
        used_up: 200_000_000,
        used_down: 1_000_000_000,
        last_handshake: Some(now() - TimeDelta::minutes(3)),
    }
}

/// An Outline trial.
pub(crate) fn outline(id: i64, name: &str, status: ServiceStatus) -> ServiceCard {
    keyed(Product::Outline, "nl-1", ("Ámsterdam", "NL"), card(id, name, status))
}

/// A free proxy.
pub(crate) fn mtproto(id: i64, name: &str, status: ServiceStatus) -> ServiceCard {
    let base = keyed(Product::Mtproto, "de-1", ("", "DE"), card(id, name, status));
    ServiceCard { trial: false, free: true, days: 30, devices: Some(5), quota_bytes: None, ..base }
}

fn keyed(product: Product, node: &str, (place, country): (&str, &str), card: ServiceCard) -> ServiceCard {
    ServiceCard {
        product,
        node: NodeId(7),
        node_name: node.to_owned(),
        node_place: place.to_owned(),
        node_country: country.to_owned(),
        lease: None,
        addresses: Addresses { v4: None, v6: None },
        used_up: 0,
        last_handshake: None,
        ..card
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
    /// What the user could have for nothing.
    pub(crate) free: Vec<Product>,
    /// Whose trial the user had.
    pub(crate) used: Vec<Product>,
    pub(crate) plans: Vec<PlanSpec>,
    pub(crate) offer: Option<OfferRow>,
    pub(crate) servers: Vec<ServerChoice>,
    pub(crate) history: Vec<u64>,
    /// What a proxy's server pretends to be.
    pub(crate) domain: Option<String>,
    pub(crate) stats: SystemStats,
    pub(crate) nodes: Vec<NodeOverview>,
    pub(crate) pools: Vec<PoolOverview>,
    pub(crate) letters: Vec<DeadLetterRow>,
    pub(crate) alert: Option<AlertRow>,
    /// Of the server of proxies.
    pub(crate) promotion: Option<PromotionRow>,
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
            reminders: true,
            quiet: None,
        };
        let mut history = vec![0; 11];
        history.extend([350_000_000, 900_000_000, 120_000_000]);
        Self {
            user: Some(user),
            current: None,
            services: vec![card(1, "iPhone", ServiceStatus::Active)],
            free: Vec::new(),
            used: Vec::new(),
            plans: PlanSpec::defaults(),
            offer: Some(offer("trial", Product::Wireguard, Some(PlanId(0)))),
            servers: servers(),
            history,
            domain: None,
            stats: stats(),
            nodes: nodes(),
            pools: pools(),
            letters: (1..=3).map(letter).collect(),
            alert: None,
            promotion: Some(promotion()),
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
        grace: GRACE,
        quiet: Some(QuietHours::default()),
        keep_messages_days: 7,
    }
}

pub(crate) fn offer(kind: &str, product: Product, plan: Option<PlanId>) -> OfferRow {
    OfferRow { kind: kind.to_owned(), product, plan, service: None, for_user: None }
}

/// Two in one place, one that does not answer, one without a country, one of a country without a name, a full one.
pub(crate) fn servers() -> Vec<ServerChoice> {
    let server = |node, name: &str, place: &str, country: &str, up, load_percent| ServerChoice {
        node: NodeId(node),
        name: name.to_owned(),
        place: place.to_owned(),
        country: country.to_owned(),
        up,
        load_percent,
    };
    vec![
        server(1, "us-1", "Miami", "US", true, 12),
        server(2, "us-2", "Miami", "US", true, 40),
        server(3, "es-1", "Madrid", "ES", true, 51),
        server(4, "fr-1", "París", "FR", false, 0),
        server(5, "de-1", "", "DE", true, 70),
        server(6, "casa", "", "", true, 80),
        server(7, "nl-1", "Ámsterdam", "NL", true, 85),
        server(8, "zz-1", "Ultramar", "ZZ", true, 90),
        server(9, "pt-1", "Lisboa", "PT", true, 100),
    ]
}

pub(crate) fn alert(kind: AlertKind) -> Option<AlertRow> {
    let opened_at = now() - TimeDelta::minutes(4);
    Some(AlertRow { id: AlertId(1), kind, opened_at, times: 3, resolved_at: None })
}

/// Registered just now, not yet promoted.
pub(crate) fn promotion() -> PromotionRow {
    PromotionRow {
        name: "de-1".to_owned(),
        host: "de1.example.com".to_owned(),
        port: 443,
        tag: None,
        secret: Some(KeySecret::mtproto([0xcd; 16])),
    }
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
        products: vec![
            (Product::Wireguard, ServiceStatus::Active, 30),
            (Product::Wireguard, ServiceStatus::Suspended, 1),
            (Product::Outline, ServiceStatus::Active, 6),
            (Product::Outline, ServiceStatus::Pending, 3),
            (Product::Mtproto, ServiceStatus::Active, 2),
        ],
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
        country: "ES".to_owned(),
        driver: "wireguard".to_owned(),
        state: NodeState::Active,
        services: 40,
        capacity: None,
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
        country: "US".to_owned(),
        up: false,
        config_only: true,
        down_since: Some(now() - TimeDelta::minutes(4)),
        error: Some("no answer <timeout> & more".to_owned()),
        pending: 3,
        foreign_peers: 0,
        ..good.clone()
    };
    let keys = NodeOverview {
        id: NodeId(3),
        name: "nl-1".to_owned(),
        place: "Ámsterdam".to_owned(),
        country: "NL".to_owned(),
        driver: "outline".to_owned(),
        mode: "keys".to_owned(),
        services: 812,
        capacity: Some(1_000),
        active: 800,
        foreign_peers: 0,
        endpoint: "nl1.example.com:8388".to_owned(),
        ..good.clone()
    };
    let draining = NodeOverview { id: NodeId(4), name: "nl-2".to_owned(), state: NodeState::Draining, ..keys.clone() };
    let maintained = NodeOverview {
        id: NodeId(5),
        name: "de-1".to_owned(),
        place: String::new(),
        country: "DE".to_owned(),
        driver: "telemt".to_owned(),
        state: NodeState::Maintenance,
        up: false,
        down_since: Some(now() - TimeDelta::hours(2)),
        active: 2,
        ..keys.clone()
    };
    vec![good, down, keys, draining, maintained]
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

fn thing(card: &ServiceCard, domain: Option<String>) -> Thing {
    match card.product {
        Product::Wireguard => {
            let key = PrivateKey::from_random([7; 32]);
            Thing::Tunnel(TunnelConfig {
                private_key: (!card.own_key).then(|| key.clone()),
                preshared_key: PresharedKey::from_random([9; 32]),
                server_key: key.public_key(),
                endpoint: "us1.example.com:51820".to_owned(),
                dns: vec!["1.1.1.1".to_owned()],
                mtu: 1420,
            })
        }
        Product::Outline => {
            Thing::Outline { password: "anOutlinePassword12345".into(), host: "nl1.example.com".to_owned(), port: 8388 }
        }
        Product::Mtproto => Thing::Mtproto {
            secret: KeySecret::mtproto([0xab; 16]),
            host: "de1.example.com".to_owned(),
            port: 443,
            domain,
        },
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

    async fn services_of(
        &self,
        _: UserId,
        products: &[Product],
        number: u16,
        per_page: u16,
    ) -> DataResult<Page<ServiceCard>> {
        let mut services = self.world()?.services;
        services.retain(|card| products.contains(&card.product));
        Ok(page(&services, number, per_page))
    }

    async fn card(&self, _: UserId, service: ServiceId) -> DataResult<Option<ServiceCard>> {
        Ok(self.world()?.services.into_iter().find(|card| card.id == service))
    }

    async fn client_config(&self, _: UserId, service: ServiceId) -> DataResult<Option<ClientConfig>> {
        let usable = |card: &ServiceCard| matches!(card.status, ServiceStatus::Pending | ServiceStatus::Active);
        let world = self.world()?;
        let card = world.services.into_iter().find(|card| card.id == service && usable(card));
        Ok(card.map(|card| ClientConfig { thing: thing(&card, world.domain), card }))
    }

    async fn usage_history(&self, _: ServiceId, days: u16, _: DateTime<Utc>) -> DataResult<Vec<u64>> {
        let history = self.world()?.history;
        assert_eq!(history.len(), usize::from(days));
        Ok(history)
    }

    async fn free_choices(&self, _: UserId) -> DataResult<Vec<(Product, PlanKind)>> {
        let world = self.world()?;
        let has = |product, kind| world.plans.iter().any(|plan| plan.product == product && plan.kind == kind);
        let kind = |product| {
            let trial = has(product, PlanKind::Trial) && !world.used.contains(&product);
            if trial { PlanKind::Trial } else { PlanKind::Free }
        };
        Ok(world.free.iter().map(|product| (*product, kind(*product))).collect())
    }

    async fn offer(&self, _: UserId, _: OfferId) -> DataResult<Option<OfferRow>> {
        Ok(self.world()?.offer)
    }

    async fn plans(&self) -> DataResult<Vec<Plan>> {
        let plans = (0..).zip(self.world()?.plans);
        Ok(plans.map(|(id, spec)| Plan { id: PlanId(id), version: 1, spec }).collect())
    }

    async fn plan(&self, plan: PlanId) -> DataResult<Option<Plan>> {
        Ok(self.plans().await?.into_iter().find(|known| known.id == plan))
    }

    async fn server_choices(&self, _: Product, _: Purpose) -> DataResult<Vec<ServerChoice>> {
        Ok(self.world()?.servers)
    }

    async fn system_stats(&self, _: DateTime<Utc>) -> DataResult<SystemStats> {
        Ok(self.world()?.stats)
    }

    async fn node_overviews(&self) -> DataResult<Vec<NodeOverview>> {
        Ok(self.world()?.nodes)
    }

    async fn promotion(&self, node: NodeId) -> DataResult<Option<PromotionRow>> {
        // The server of proxies among the fake ones.
        Ok(self.world()?.promotion.filter(|_| node == NodeId(5)))
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
