//! Keys on servers: what should be there, what is, and what follows when one begins or ceases to be.

use super::audit::{self, Entry};
use super::decode::{self, limited};
use super::queue::{self, NewMessage};
use super::sql::Planned;
use super::{Conn, Result, Store};
use crate::StoreError;
use crate::error::TxResult;
use crate::model::{Epoch, PeerRow};
use chrono::{DateTime, Utc};
use diesel::prelude::QueryableByName;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Inet, Integer, Nullable, Timestamptz};
use diesel_async::RunQueryDsl;
use ipnetwork::IpNetwork;
use serde_json::json;
use usipipo_domain::ids::{NodeId, ServiceId, UserId};
use usipipo_domain::outgoing::{Body, OutboxMessage, Outgoing, Place, Priority};
use usipipo_domain::screen::Screen;
use usipipo_domain::wg::PublicKey;

#[derive(QueryableByName)]
struct Peer {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    service_id: i64,
    #[diesel(sql_type = Binary)]
    public_key: Vec<u8>,
    #[diesel(sql_type = Binary)]
    preshared_key: Vec<u8>,
    #[diesel(sql_type = Nullable<Inet>)]
    v4: Option<IpNetwork>,
    #[diesel(sql_type = Nullable<Inet>)]
    v6: Option<IpNetwork>,
    #[diesel(sql_type = Bool)]
    wanted: bool,
    #[diesel(sql_type = Bool)]
    applied: bool,
    #[diesel(sql_type = Bool)]
    retired: bool,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
}

/// A service has one lease per node that is not released; until its last key is off the server the lease is not released, so
/// that every key here has its addresses.
macro_rules! peers_sql {
    ($and:literal) => {
        concat!(
            "SELECT * FROM (
                SELECT p.id, p.service_id, p.public_key, p.preshared_key, l.v4, l.v6, p.applied, p.created_at,
                       p.retired_at IS NOT NULL AS retired,
                       p.retired_at IS NULL AND s.status IN ('pending', 'active') AS wanted
                FROM peers p
                JOIN services s ON s.id = p.service_id
                LEFT JOIN leases l ON l.service_id = p.service_id AND l.node_id = p.node_id AND l.state <> 'released'
                WHERE p.node_id = $1 AND p.removed_at IS NULL
            ) AS peer ",
            $and
        )
    };
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// A peer that the server began to carry.
#[derive(QueryableByName)]
struct Carried {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    service_id: i64,
    #[diesel(sql_type = Bool)]
    retired: bool,
}

/// A service that began to work.
#[derive(QueryableByName)]
pub(super) struct Begun {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Timestamptz)]
    ends_at: DateTime<Utc>,
}

/// A new key whose owner is to be told.
#[derive(QueryableByName)]
pub(super) struct News {
    #[diesel(sql_type = BigInt)]
    service_id: i64,
    #[diesel(sql_type = BigInt)]
    user_id: i64,
    #[diesel(sql_type = Bool)]
    pub(super) reachable: bool,
}

impl Store {
    /// Every key that is not over on this node. A row whose secret cannot be opened comes without it.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn peers_of(&self, node: NodeId) -> Result<Vec<PeerRow>> {
        let mut conn = self.conn().await?;
        let query = diesel::sql_query(peers_sql!("ORDER BY id")).bind::<Integer, _>(node.0);
        let rows = RunQueryDsl::load::<Peer>(Planned(query), &mut conn).await?;
        rows.into_iter().map(|row| self.peer_row(node, row)).collect()
    }

    /// Only those where belief and wish differ, and retired ones that are not removed. Wanted ones first, so that somebody
    /// who waits does not wait for a thousand removals; then the oldest. It is asked at every nudge, so it does not look at
    /// the whole server: only a suspended service has an unretired key that is not wanted.
    ///
    /// # Errors
    /// As [`Store::peers_of`].
    pub async fn peer_work(&self, node: NodeId, limit: usize) -> Result<Vec<PeerRow>> {
        let mut conn = self.conn().await?;
        let query = diesel::sql_query(peers_sql!(
            "WHERE id = ANY (ARRAY(
                     SELECT id FROM peers
                     WHERE node_id = $1 AND removed_at IS NULL AND (retired_at IS NOT NULL OR NOT applied)
                     UNION ALL
                     SELECT p.id FROM services s JOIN peers p ON p.service_id = s.id AND p.retired_at IS NULL
                     WHERE s.node_id = $1 AND s.status = 'suspended' AND p.applied
                 )) AND (wanted <> applied OR retired)
                 ORDER BY wanted DESC, id LIMIT $2"
        ))
        .bind::<Integer, _>(node.0)
        .bind::<BigInt, _>(limited(limit));
        let rows = RunQueryDsl::load::<Peer>(Planned(query), &mut conn).await?;
        rows.into_iter().map(|row| self.peer_row(node, row)).collect()
    }

    /// Re-checks just before a removal: `true` if no wanted row of this node has the key. That is also said of foreign keys.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn may_remove(&self, node: NodeId, key: &PublicKey) -> Result<bool> {
        let mut conn = self.conn().await?;
        let query = diesel::sql_query(
            "SELECT NOT EXISTS (
                SELECT 1 FROM peers p JOIN services s ON s.id = p.service_id
                WHERE p.node_id = $1 AND p.public_key = $2 AND p.removed_at IS NULL AND p.retired_at IS NULL
                  AND s.status IN ('pending', 'active')
             ) AS yes",
        )
        .bind::<Integer, _>(node.0)
        .bind::<Binary, _>(key.as_bytes().as_slice());
        Ok(RunQueryDsl::get_result::<Answer>(Planned(query), &mut conn).await?.yes)
    }

    /// The server carries these now, in a new incarnation: its counters for them count from zero, and what they show by now
    /// is still to be recorded. For peers just made, and for those found on the server although not believed there; not for
    /// peers that were carried all along. Pending services become active, their end is computed, and the owner of a key that
    /// works for the first time gets "ready" (in place of progress) and the config file. Returns rows to send.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`], or [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn peers_applied(
        &self,
        epoch: Epoch,
        node: NodeId,
        peers: &[i64],
        now: DateTime<Utc>,
    ) -> Result<Vec<OutboxMessage>> {
        if peers.is_empty() {
            return Ok(Vec::new());
        }
        self.fenced("peers_applied", epoch, async |conn| {
            lock_services(conn, node, peers).await?;
            let carried = mark_applied(conn, node, peers).await?;
            let wanted: Vec<&Carried> = carried.iter().filter(|peer| !peer.retired).collect();
            let begun = activate(conn, wanted.iter().map(|peer| peer.service_id).collect(), now).await?;
            let news = take_news(conn, wanted.iter().map(|peer| peer.id).collect(), now).await?;

            let mut entries: Vec<Entry> = begun.iter().map(|service| activated(node, service)).collect();
            if !carried.is_empty() {
                let ids: Vec<i64> = carried.iter().map(|peer| peer.id).collect();
                entries.push(audit::on_node(node, "peers.apply", json!({ "peers": ids })));
            }
            audit::write(conn, &entries, now).await?;
            let messages = news.into_iter().filter(|news| news.reachable).flat_map(ready).collect();
            queue::insert(conn, messages, now).await
        })
        .await
    }

    /// The server no longer carries these; retired ones are over. Record their last counters before.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`], or [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn peers_removed(&self, epoch: Epoch, node: NodeId, peers: &[i64], now: DateTime<Utc>) -> Result<()> {
        if peers.is_empty() {
            return Ok(());
        }
        self.fenced("peers_removed", epoch, async |conn| {
            lock_services(conn, node, peers).await?;
            let query = diesel::sql_query(
                "UPDATE peers SET applied = false, removed_at = CASE WHEN retired_at IS NOT NULL THEN $3::timestamptz END
                 WHERE id = ANY ($1) AND node_id = $2 AND removed_at IS NULL AND (applied OR retired_at IS NOT NULL)
                 RETURNING id, service_id, retired_at IS NOT NULL AS retired",
            )
            .bind::<Array<BigInt>, _>(peers)
            .bind::<Integer, _>(node.0)
            .bind::<Timestamptz, _>(now);
            let removed: Vec<Carried> = RunQueryDsl::load(Planned(query), conn).await?;
            if removed.is_empty() {
                return Ok(());
            }
            let ids: Vec<i64> = removed.iter().map(|peer| peer.id).collect();
            audit::write(conn, &[audit::on_node(node, "peers.remove", json!({ "peers": ids }))], now).await
        })
        .await
    }

    fn peer_row(&self, node: NodeId, row: Peer) -> Result<PeerRow> {
        let public_key = decode::public_key(&row.public_key)?;
        let preshared_key = match self.vault.open_peer_preshared(node, &public_key, &row.preshared_key) {
            Ok(key) => Some(key),
            Err(StoreError::Vault(error)) => {
                tracing::error!(peer = row.id, service = row.service_id, error, "a secret cannot be opened");
                None
            }
            Err(error) => return Err(error),
        };
        Ok(PeerRow {
            id: row.id,
            service: ServiceId(row.service_id),
            preshared_key,
            public_key,
            addresses: decode::addresses(row.v4, row.v6),
            wanted: row.wanted,
            applied: row.applied,
            retired: row.retired,
            created_at: row.created_at,
        })
    }
}

/// Everybody who changes a service or its peers locks the service first, in the order of ids.
async fn lock_services(conn: &mut Conn, node: NodeId, peers: &[i64]) -> TxResult<()> {
    let query = diesel::sql_query(
        "SELECT id FROM services
         WHERE id IN (SELECT service_id FROM peers WHERE id = ANY ($1) AND node_id = $2)
         ORDER BY id FOR NO KEY UPDATE",
    )
    .bind::<Array<BigInt>, _>(peers)
    .bind::<Integer, _>(node.0);
    RunQueryDsl::execute(Planned(query), conn).await?;
    Ok(())
}

async fn mark_applied(conn: &mut Conn, node: NodeId, peers: &[i64]) -> TxResult<Vec<Carried>> {
    let query = diesel::sql_query(
        "UPDATE peers SET applied = true, seen_rx = 0, seen_tx = 0
         WHERE id = ANY ($1) AND node_id = $2 AND removed_at IS NULL
         RETURNING id, service_id, retired_at IS NOT NULL AS retired",
    )
    .bind::<Array<BigInt>, _>(peers)
    .bind::<Integer, _>(node.0);
    Ok(RunQueryDsl::load(Planned(query), conn).await?)
}

/// A day has 24 hours here; PostgreSQL's may have 23 or 25. The first
/// reminder comes at most four days before the end: three, and up to a day earlier to be before quiet hours.
pub(super) async fn activate(conn: &mut Conn, services: Vec<i64>, now: DateTime<Utc>) -> TxResult<Vec<Begun>> {
    let query = diesel::sql_query(
        "UPDATE services
         SET status = 'active', activated_at = $2, period_at = $2, ends_at = $2 + make_interval(hours => days * 24),
             remind_at = greatest($2, $2 + make_interval(hours => days * 24 - 96))
         WHERE id = ANY ($1) AND status = 'pending'
         RETURNING id, ends_at",
    )
    .bind::<Array<BigInt>, _>(services)
    .bind::<Timestamptz, _>(now);
    Ok(RunQueryDsl::load(Planned(query), conn).await?)
}

async fn take_news(conn: &mut Conn, peers: Vec<i64>, now: DateTime<Utc>) -> TxResult<Vec<News>> {
    let query = diesel::sql_query(
        "WITH told AS (
            UPDATE peers p SET told_at = $2
            FROM services s JOIN users u ON u.id = s.user_id
            WHERE p.id = ANY ($1) AND p.told_at IS NULL AND s.id = p.service_id AND s.status = 'active'
            RETURNING p.id, p.service_id, s.user_id, u.blocked_at IS NULL AS reachable
         )
         SELECT service_id, user_id, reachable FROM told ORDER BY id",
    )
    .bind::<Array<BigInt>, _>(peers)
    .bind::<Timestamptz, _>(now);
    Ok(RunQueryDsl::load(Planned(query), conn).await?)
}

pub(super) fn ready(news: News) -> [NewMessage; 2] {
    let (user, service) = (UserId(news.user_id), ServiceId(news.service_id));
    let screen = Body::Screen { screen: Screen::Ready { service }, place: Place::Progress };
    [screen, Body::ConfigFile { service }].map(|body| NewMessage::new(user, Priority::Delivery, Outgoing::new(body)))
}

pub(super) fn activated(node: NodeId, service: &Begun) -> Entry {
    let details = json!({ "node": node, "ends_at": service.ends_at });
    Entry { user: None, action: "service.activate", subject: format!("service/{}", service.id), details, seq: None }
}

#[cfg(test)]
mod tests;
