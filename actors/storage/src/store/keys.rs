//! Keys on servers that are not WireGuard: what should be there, what is, and what follows when one begins or ceases to be.

use super::audit::{self, Entry};
use super::decode::{self, limited};
use super::peers::{self, News};
use super::promotion::tag_of;
use super::sql::Planned;
use super::{Conn, Result, Store, queue};
use crate::StoreError;
use crate::error::TxResult;
use crate::model::{Epoch, KeyRow, KeyStanding};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::json;
use usipipo_domain::ids::{NodeId, ServiceId};
use usipipo_domain::outgoing::OutboxMessage;
use usipipo_domain::service::Product;

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    service_id: i64,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Binary)]
    secret: Vec<u8>,
    #[diesel(sql_type = Text)]
    product: String,
    #[diesel(sql_type = Text)]
    wanted: String,
    #[diesel(sql_type = Text)]
    applied: String,
    #[diesel(sql_type = Bool)]
    retired: bool,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ends_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    devices: Option<i16>,
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = SmallInt)]
    days: i16,
    #[diesel(sql_type = Nullable<Text>)]
    ad_tag: Option<String>,
}

macro_rules! keys_sql {
    ($and:literal) => {
        concat!(
            "SELECT * FROM (
                SELECT k.id, k.service_id, k.name, k.secret, s.product, k.applied, k.created_at, s.ends_at, s.devices, k.total,
                       s.days, n.ad_tag,
                       k.retired_at IS NOT NULL AS retired,
                       CASE WHEN k.retired_at IS NOT NULL THEN 'absent'
                            WHEN s.status IN ('pending', 'active') THEN 'open'
                            WHEN s.status = 'suspended' THEN 'closed'
                            ELSE 'absent' END AS wanted
                FROM access_keys k
                JOIN services s ON s.id = k.service_id
                JOIN nodes n ON n.id = k.node_id
                WHERE k.node_id = $1 AND k.removed_at IS NULL
            ) AS key ",
            $and
        )
    };
}

fn standing(text: &str) -> Result<KeyStanding> {
    let all = [KeyStanding::Absent, KeyStanding::Open, KeyStanding::Closed];
    let known = all.into_iter().find(|standing| standing.as_str() == text);
    known.ok_or_else(|| StoreError::Broken(format!("a row has the unknown standing `{text}`")))
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// A key whose standing changed.
#[derive(QueryableByName)]
struct Moved {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    service_id: i64,
    #[diesel(sql_type = Bool)]
    opened: bool,
}

/// A name that no key of the service ever had. Outline's ids are numbers of ours from a range that the server itself does not
/// reach; telemt's users are called after the service.
pub(super) async fn next_name(conn: &mut Conn, service: ServiceId, product: Product) -> Result<String> {
    let sql = match product {
        Product::Outline => "SELECT nextval('outline_key_ids')::text AS name FROM (SELECT $1) AS unused",
        Product::Mtproto | Product::Wireguard => {
            "SELECT 'u' || $1 || '-' || coalesce(max(split_part(name, '-', 2)::bigint), 0) + 1 AS name
             FROM access_keys WHERE service_id = $1"
        }
    };
    let query = diesel::sql_query(sql).bind::<BigInt, _>(service.0);
    Ok(RunQueryDsl::get_result::<Name>(Planned(query), conn).await?.name)
}

/// A new service and what its first key is called.
pub(super) struct Named {
    pub(super) service: ServiceId,
    pub(super) name: String,
}

#[derive(QueryableByName)]
struct FirstName {
    #[diesel(sql_type = BigInt)]
    service: i64,
    #[diesel(sql_type = Text)]
    name: String,
}

/// Numbers of new services of these products, each with the name of its first key, which [`next_name`] would give too.
pub(super) async fn first_names(conn: &mut Conn, products: &[Product]) -> Result<Vec<Named>> {
    let sql = "
        WITH new AS MATERIALIZED (
            SELECT n, product, nextval(pg_get_serial_sequence('services', 'id')) AS service
            FROM unnest($1) WITH ORDINALITY AS t (product, n)
        )
        SELECT service, CASE product WHEN 'outline' THEN nextval('outline_key_ids')::text
                                     ELSE 'u' || service || '-1' END AS name
        FROM new ORDER BY n";
    let products: Vec<&str> = products.iter().map(|product| product.as_str()).collect();
    let query = diesel::sql_query(sql).bind::<Array<Text>, _>(products);
    let rows: Vec<FirstName> = RunQueryDsl::load(Planned(query), conn).await?;
    Ok(rows.into_iter().map(|row| Named { service: ServiceId(row.service), name: row.name }).collect())
}

impl Store {
    /// Every key that is not over on this server. A row whose secret cannot be opened comes without it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn keys_of(&self, node: NodeId) -> Result<Vec<KeyRow>> {
        let mut conn = self.conn().await?;
        let query = diesel::sql_query(keys_sql!("ORDER BY id")).bind::<Integer, _>(node.0);
        let rows: Vec<Key> = RunQueryDsl::load(Planned(query), &mut conn).await?;
        rows.into_iter().map(|row| self.key_row(node, row)).collect()
    }

    /// Only those where belief and wish differ, and retired ones that are not removed: those to open first, then those to
    /// close, then the rest; the oldest first. It does not look at the whole server, as [`Store::peer_work`].
    ///
    /// # Errors
    /// As [`Store::keys_of`].
    pub async fn key_work(&self, node: NodeId, limit: usize) -> Result<Vec<KeyRow>> {
        let mut conn = self.conn().await?;
        let query = diesel::sql_query(keys_sql!(
            "WHERE id = ANY (ARRAY(
                 SELECT id FROM access_keys
                 WHERE node_id = $1 AND removed_at IS NULL AND (retired_at IS NOT NULL OR applied <> 'open')
                 UNION ALL
                 SELECT k.id FROM services s JOIN access_keys k ON k.service_id = s.id AND k.retired_at IS NULL
                 WHERE s.node_id = $1 AND s.status = 'suspended' AND k.applied = 'open'
             )) AND (wanted <> applied OR retired)
             ORDER BY wanted = 'open' DESC, wanted = 'closed' DESC, id LIMIT $2"
        ))
        .bind::<Integer, _>(node.0)
        .bind::<BigInt, _>(limited(limit));
        let rows: Vec<Key> = RunQueryDsl::load(Planned(query), &mut conn).await?;
        rows.into_iter().map(|row| self.key_row(node, row)).collect()
    }

    /// Re-checks just before a removal: `true` if no key of this name is to be on the server, open or closed. That is also
    /// said of foreign keys.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn may_remove_key(&self, node: NodeId, name: &str) -> Result<bool> {
        let mut conn = self.conn().await?;
        let query = diesel::sql_query(
            "SELECT NOT EXISTS (
                SELECT 1 FROM access_keys k JOIN services s ON s.id = k.service_id
                WHERE k.node_id = $1 AND k.name = $2 AND k.removed_at IS NULL AND k.retired_at IS NULL
                  AND s.status IN ('pending', 'active', 'suspended')
             ) AS yes",
        )
        .bind::<Integer, _>(node.0)
        .bind::<Text, _>(name);
        Ok(RunQueryDsl::get_result::<Answer>(Planned(query), &mut conn).await?.yes)
    }

    /// The server has these in this standing now. Pending services whose key is open become active, their end is computed, and
    /// the owner of a key that is open for the first time gets "ready" (in place of progress) and the key itself. For a server
    /// that cannot keep a key closed, removing it there is reported as [`KeyStanding::Closed`]. Returns rows to send.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`], or [`StoreError::Unavailable`] when the database does not answer.
    pub async fn keys_applied(
        &self,
        epoch: Epoch,
        node: NodeId,
        keys: &[(i64, KeyStanding)],
        now: DateTime<Utc>,
    ) -> Result<Vec<OutboxMessage>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<i64> = keys.iter().map(|(id, _)| *id).collect();
        let standings: Vec<&str> = keys.iter().map(|(_, standing)| standing.as_str()).collect();
        self.fenced("keys_applied", epoch, async |conn| {
            lock_services(conn, node, &ids).await?;
            let query = diesel::sql_query(
                "UPDATE access_keys k SET applied = t.standing
                 FROM unnest($1, $2) AS t (id, standing)
                 WHERE k.id = t.id AND k.node_id = $3 AND k.removed_at IS NULL
                 RETURNING k.id, k.service_id, t.standing = 'open' AND k.retired_at IS NULL AS opened",
            )
            .bind::<Array<BigInt>, _>(&ids)
            .bind::<Array<Text>, _>(&standings)
            .bind::<Integer, _>(node.0);
            let moved: Vec<Moved> = RunQueryDsl::load(Planned(query), conn).await?;
            let opened: Vec<&Moved> = moved.iter().filter(|key| key.opened).collect();
            let begun = peers::activate(conn, opened.iter().map(|key| key.service_id).collect(), now).await?;
            let news = take_news(conn, opened.iter().map(|key| key.id).collect(), now).await?;

            let mut entries: Vec<Entry> = begun.iter().map(|service| peers::activated(node, service)).collect();
            if !moved.is_empty() {
                let ids: Vec<i64> = moved.iter().map(|key| key.id).collect();
                entries.push(audit::on_node(node, "keys.apply", json!({ "keys": ids })));
            }
            audit::write(conn, &entries, now).await?;
            let messages = news.into_iter().filter(|news| news.reachable).flat_map(peers::ready).collect();
            queue::insert(conn, messages, now).await
        })
        .await
    }

    /// The server no longer has these; retired ones are over. Record their last counters before.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`], or [`StoreError::Unavailable`] when the database does not answer.
    pub async fn keys_removed(&self, epoch: Epoch, node: NodeId, keys: &[i64], now: DateTime<Utc>) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        self.fenced("keys_removed", epoch, async |conn| {
            lock_services(conn, node, keys).await?;
            let query = diesel::sql_query(
                "UPDATE access_keys
                 SET applied = 'absent', removed_at = CASE WHEN retired_at IS NOT NULL THEN $3::timestamptz END
                 WHERE id = ANY ($1) AND node_id = $2 AND removed_at IS NULL
                   AND (applied <> 'absent' OR retired_at IS NOT NULL)
                 RETURNING id, service_id, false AS opened",
            )
            .bind::<Array<BigInt>, _>(keys)
            .bind::<Integer, _>(node.0)
            .bind::<Timestamptz, _>(now);
            let removed: Vec<Moved> = RunQueryDsl::load(Planned(query), conn).await?;
            if removed.is_empty() {
                return Ok(());
            }
            // Of a key that is over nobody reads the traffic again; one that is only closed goes on.
            let query = diesel::sql_query(
                "DELETE FROM key_samples s USING access_keys k
                 WHERE k.id = ANY ($1) AND k.removed_at IS NOT NULL AND s.key_id = k.id",
            );
            let ids: Vec<i64> = removed.iter().map(|key| key.id).collect();
            RunQueryDsl::execute(Planned(query.bind::<Array<BigInt>, _>(&ids)), conn).await?;
            audit::write(conn, &[audit::on_node(node, "keys.remove", json!({ "keys": ids }))], now).await
        })
        .await
    }

    /// Gives a key that is not open on the server another name, because somebody else's key has that one there. One that is
    /// retired or open by now stays as it is.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`]; [`StoreError::Vault`] when its secret cannot be opened; [`StoreError::Unavailable`] when the
    /// database does not answer.
    pub async fn rename_key(&self, epoch: Epoch, node: NodeId, key: i64, now: DateTime<Utc>) -> Result<()> {
        self.fenced("rename_key", epoch, async |conn| {
            lock_services(conn, node, &[key]).await?;
            let query = diesel::sql_query(keys_sql!("WHERE id = $2 AND NOT retired AND applied <> 'open'"))
                .bind::<Integer, _>(node.0)
                .bind::<BigInt, _>(key);
            let Some(row) = RunQueryDsl::get_result::<Key>(Planned(query), conn).await.optional()? else {
                return Ok(());
            };
            let (service, product) = (ServiceId(row.service_id), decode::product(&row.product)?);
            let name = next_name(conn, service, product).await?;
            // The name is part of what the secret is sealed with.
            let secret = self.vault.open_key_secret(node, &row.name, product, &row.secret)?;
            let sealed = self.vault.seal_key_secret(node, &name, &secret)?;
            let query = diesel::sql_query("UPDATE access_keys SET name = $2, secret = $3 WHERE id = $1")
                .bind::<BigInt, _>(key)
                .bind::<Text, _>(&name)
                .bind::<Binary, _>(sealed);
            RunQueryDsl::execute(Planned(query), conn).await?;
            let details = json!({ "key": key, "before": row.name, "after": name });
            audit::write(conn, &[audit::on_node(node, "key.rename", details)], now).await
        })
        .await
    }

    fn key_row(&self, node: NodeId, row: Key) -> Result<KeyRow> {
        let secret = match self.vault.open_key_secret(node, &row.name, decode::product(&row.product)?, &row.secret) {
            Ok(secret) => Some(secret),
            Err(StoreError::Vault(error)) => {
                tracing::error!(key = row.id, service = row.service_id, error, "a secret cannot be opened");
                None
            }
            Err(error) => return Err(error),
        };
        Ok(KeyRow {
            id: row.id,
            service: ServiceId(row.service_id),
            name: row.name,
            secret,
            wanted: standing(&row.wanted)?,
            applied: standing(&row.applied)?,
            retired: row.retired,
            created_at: row.created_at,
            ends_at: row.ends_at,
            days: u16::try_from(row.days).unwrap_or(0),
            ad_tag: row.ad_tag.as_deref().map(tag_of).transpose()?,
            devices: row.devices.and_then(|devices| u16::try_from(devices).ok()),
            total: decode::count(row.total),
        })
    }
}

/// Everybody who changes a service or its keys locks the service first, in the order of ids.
pub(super) async fn lock_services(conn: &mut Conn, node: NodeId, keys: &[i64]) -> TxResult<()> {
    let query = diesel::sql_query(
        "SELECT id FROM services
         WHERE id IN (SELECT service_id FROM access_keys WHERE id = ANY ($1) AND node_id = $2)
         ORDER BY id FOR NO KEY UPDATE",
    )
    .bind::<Array<BigInt>, _>(keys)
    .bind::<Integer, _>(node.0);
    RunQueryDsl::execute(Planned(query), conn).await?;
    Ok(())
}

async fn take_news(conn: &mut Conn, keys: Vec<i64>, now: DateTime<Utc>) -> TxResult<Vec<News>> {
    let query = diesel::sql_query(
        "WITH told AS (
            UPDATE access_keys k SET told_at = $2
            FROM services s JOIN users u ON u.id = s.user_id
            WHERE k.id = ANY ($1) AND k.told_at IS NULL AND s.id = k.service_id AND s.status = 'active'
            RETURNING k.id, k.service_id, s.user_id, u.blocked_at IS NULL AS reachable
         )
         SELECT service_id, user_id, reachable FROM told ORDER BY id",
    )
    .bind::<Array<BigInt>, _>(keys)
    .bind::<Timestamptz, _>(now);
    Ok(RunQueryDsl::load(Planned(query), conn).await?)
}

#[cfg(test)]
mod tests;
