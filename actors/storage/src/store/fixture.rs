//! A database with a leader, a node, and as many services as a test asks for.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::Store;
use crate::model::{ClientConfig, Epoch, PeerRow, Thing, TunnelConfig};
use crate::testing::{SeededNode, TestDatabase};
use chrono::{DateTime, TimeDelta, Utc};
use usipipo_domain::dialogue::{Act, Effect};
use usipipo_domain::ids::{ServiceId, UserId};
use usipipo_domain::outgoing::{Body, OutboxMessage, Outgoing};
use usipipo_domain::screen::Screen;

/// Somebody with a large id (fault 24).
pub(super) const ANA: UserId = UserId(4_503_599_627_370_501);
pub(super) const BEA: UserId = UserId(22);

/// Noon plus seconds, long before or after the real now.
pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000 + seconds, 0).unwrap()
}

pub(super) struct World {
    pub(super) db: TestDatabase,
    pub(super) store: Store,
    pub(super) epoch: Epoch,
    pub(super) node: SeededNode,
}

impl World {
    pub(super) async fn new() -> Self {
        let db = TestDatabase::new().await;
        let store = db.store();
        let epoch = db.lead(&store).await;
        let node = db.seed_node("miami").await;
        Self { db, store, epoch, node }
    }

    /// A pending trial and its peer.
    pub(super) async fn pending(&self, user: UserId, host: u8) -> (ServiceId, PeerRow) {
        let service = self.db.seed_trial(&self.store, self.epoch, user, &self.node, host, at(0)).await;
        (service, self.peer(service).await)
    }

    /// A trial that works since `at(0)`.
    pub(super) async fn active(&self, user: UserId, host: u8) -> (ServiceId, PeerRow) {
        let (service, peer) = self.pending(user, host).await;
        self.store.peers_applied(self.epoch, self.node.node, &[peer.id], at(0)).await.unwrap();
        (service, self.peer(service).await)
    }

    /// The newest peer of a service that is not over.
    pub(super) async fn peer(&self, service: ServiceId) -> PeerRow {
        let peers = self.store.peers_of(self.node.node).await.unwrap();
        peers.into_iter().rfind(|peer| peer.service == service).expect("the service has a peer")
    }

    pub(super) async fn revoke(&self, user: UserId, service: ServiceId, now: DateTime<Utc>) {
        let asked = self.act(user, Act::Do(Effect::OfferRevoke(service)), now).await;
        let Some(Body::Screen { screen: Screen::AskRevoke { offer, .. }, .. }) = asked.first().cloned() else {
            panic!("no offer but {asked:?}")
        };
        self.act(user, Act::Do(Effect::Accept { offer, own_key: None, node: None }), now).await;
    }

    /// Commits a step and returns what it shows.
    pub(super) async fn act(&self, user: UserId, act: Act, now: DateTime<Utc>) -> Vec<Body> {
        let done = self.db.act(&self.store, self.epoch, user, act, |_| {}, now).await.unwrap();
        bodies(&done.messages)
    }

    /// `n` services by SQL, `active` and over one after another from `at(1)` on, each with its own user (ids from 1,000 on),
    /// lease (up to 250) and applied peer. Their keys cannot be opened.
    pub(super) async fn many(&self, n: u32) {
        let (node, pool) = (self.node.node, self.node.trial);
        let start = at(0);
        self.db
            .execute(&format!(
                "INSERT INTO users (id, first_name, language, tz, created_at, last_seen_at)
                 SELECT 999 + i, 'U', 'es', 'UTC', '{start}', '{start}' FROM generate_series(1, {n}) i;
                 INSERT INTO services (id, user_id, product, trial, node_id, name, status, days, quota_bytes, created_at, activated_at, ends_at)
                 SELECT 999 + i, 999 + i, 'wireguard', true, {node}, 'W', 'active', 7, 1000000, '{start}', '{start}',
                        '{start}'::timestamptz + make_interval(secs => i) FROM generate_series(1, {n}) i;
                 INSERT INTO peers (id, service_id, node_id, public_key, preshared_key, created_at, applied, told_at)
                 SELECT 999 + i, 999 + i, {node}, sha256(i::text::bytea), 'x', '{start}', true, '{start}' FROM generate_series(1, {n}) i;
                 INSERT INTO leases (node_id, pool_id, service_id, v4, state, created_at)
                 SELECT {node}, {pool}, 999 + i, '10.66.0.0'::inet + i, 'live', '{start}'
                 FROM generate_series(1, least({n}, 250)) i;",
            ))
            .await;
    }
}

/// The secrets of a WireGuard config.
pub(super) fn tunnel(config: ClientConfig) -> TunnelConfig {
    match config.thing {
        Thing::Tunnel(tunnel) => tunnel,
        other => panic!("no tunnel but {other:?}"),
    }
}

pub(super) fn bodies(messages: &[OutboxMessage]) -> Vec<Body> {
    messages.iter().filter_map(|message| message.content.body.clone()).collect()
}

/// Any message; different numbers make different ones.
pub(super) fn hello(number: i64) -> Outgoing {
    Outgoing::new(Body::ConfigFile { service: ServiceId(number) })
}

pub(super) fn days(days: i64) -> TimeDelta {
    TimeDelta::hours(24 * days)
}
