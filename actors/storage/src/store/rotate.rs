//! Sealing every secret anew with the current master key, so that an old one may be dropped.

use super::promotion::SECRET_NAME;
use super::sql::Planned;
use super::{Conn, Result, Store, decode};
use crate::error::TxResult;
use crate::vault::Place;
use diesel::prelude::QueryableByName;
use diesel::query_builder::SqlQuery;
use diesel::sql_types::{Array, BigInt, Binary, Integer, Nullable, Text};
use diesel_async::RunQueryDsl;
use usipipo_domain::ids::NodeId;

/// Rows of one transaction; about two milliseconds of our own work.
const BATCH_ROWS: i64 = 500;

#[derive(QueryableByName)]
struct Node {
    #[diesel(sql_type = Integer)]
    id: i32,
    #[diesel(sql_type = Binary)]
    public_key: Vec<u8>,
    #[diesel(sql_type = Binary)]
    private_key: Vec<u8>,
}

#[derive(QueryableByName)]
struct Peer {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Integer)]
    node_id: i32,
    #[diesel(sql_type = Binary)]
    public_key: Vec<u8>,
    #[diesel(sql_type = Nullable<Binary>)]
    private_key: Option<Vec<u8>>,
    #[diesel(sql_type = Binary)]
    preshared_key: Vec<u8>,
}

/// A secret whose row is known by a name.
#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Integer)]
    node_id: i32,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Binary)]
    secret: Vec<u8>,
}

impl Named {
    const fn key(&self) -> Place<'_> {
        Place::KeySecret(NodeId(self.node_id), self.name.as_str())
    }

    const fn access(&self) -> Place<'_> {
        Place::NodeAccess(self.name.as_str())
    }
}

/// Rows changed, and the last id that was looked at; `None` at the end.
type Batch = (u64, Option<i64>);

impl Store {
    /// Seals every secret anew with the vault's current key, in batches; returns how many rows were changed. It may be broken
    /// off and called again. Rows that are written meanwhile by a process with an older key file keep that key: bring the new
    /// key file to every process first, and call it once more when all of them have it.
    ///
    /// # Errors
    /// [`crate::StoreError::Vault`] when a secret cannot be opened with any key of the ring; what was done before stays done.
    /// [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn rotate_secrets(&self) -> Result<u64> {
        let mut changed = 0;
        let mut last = Some(i64::MIN);
        while let Some(after) = last {
            let (rows, next) = self.tx("rotate_nodes", async |conn| self.rotate_nodes(conn, after).await).await?;
            (changed, last) = (changed + rows, next);
        }
        let mut last = Some(i64::MIN);
        while let Some(after) = last {
            let (rows, next) = self.tx("rotate_access", async |conn| self.rotate_access(conn, after).await).await?;
            (changed, last) = (changed + rows, next);
        }
        let mut last = Some(i64::MIN);
        while let Some(after) = last {
            let (rows, next) = self.tx("rotate_keys", async |conn| self.rotate_keys(conn, after).await).await?;
            (changed, last) = (changed + rows, next);
        }
        let mut last = Some(i64::MIN);
        while let Some(after) = last {
            let (rows, next) = self.tx("rotate_peers", async |conn| self.rotate_peers(conn, after).await).await?;
            (changed, last) = (changed + rows, next);
        }
        let mut last = Some(i64::MIN);
        while let Some(after) = last {
            let (rows, next) =
                self.tx("rotate_promotions", async |conn| self.rotate_promotions(conn, after).await).await?;
            (changed, last) = (changed + rows, next);
        }
        Ok(changed)
    }

    async fn rotate_nodes(&self, conn: &mut Conn, after: i64) -> TxResult<Batch> {
        let header = self.vault.current_header();
        let query = diesel::sql_query(
            "SELECT id, public_key, private_key FROM nodes
             WHERE id > $1 AND private_key IS NOT NULL AND substring(private_key FROM 1 FOR length($2)) <> $2
             ORDER BY id LIMIT $3 FOR NO KEY UPDATE",
        )
        .bind::<BigInt, _>(after)
        .bind::<Binary, _>(&header)
        .bind::<BigInt, _>(BATCH_ROWS);
        let rows: Vec<Node> = RunQueryDsl::load(Planned(query), conn).await?;
        let Some(last) = rows.last().map(|row| i64::from(row.id)) else { return Ok((0, None)) };
        let (mut ids, mut keys) = (Vec::new(), Vec::new());
        for row in &rows {
            let public = decode::public_key(&row.public_key)?;
            if let Some(sealed) = self.vault.reseal(Place::NodePrivate(&public), &row.private_key)? {
                ids.push(row.id);
                keys.push(sealed);
            }
        }
        let query = diesel::sql_query(
            "UPDATE nodes n SET private_key = t.key FROM unnest($1, $2) AS t (id, key) WHERE n.id = t.id",
        )
        .bind::<Array<Integer>, _>(&ids)
        .bind::<Array<Binary>, _>(&keys);
        Ok((RunQueryDsl::execute(Planned(query), conn).await? as u64, Some(last)))
    }

    async fn rotate_promotions(&self, conn: &mut Conn, after: i64) -> TxResult<Batch> {
        let query = diesel::sql_query(format!(
            "SELECT id::bigint AS id, id AS node_id, '{SECRET_NAME}' AS name, promotion_secret AS secret FROM nodes
             WHERE id > $1 AND promotion_secret IS NOT NULL AND substring(promotion_secret FROM 1 FOR length($2)) <> $2
             ORDER BY id LIMIT $3 FOR NO KEY UPDATE"
        ));
        let (ids, sealed, last) = self.resealed(conn, query, after, Named::key).await?;
        let query = diesel::sql_query(
            "UPDATE nodes n SET promotion_secret = t.secret FROM unnest($1, $2) AS t (id, secret) WHERE n.id = t.id",
        )
        .bind::<Array<BigInt>, _>(&ids)
        .bind::<Array<Binary>, _>(&sealed);
        Ok((RunQueryDsl::execute(Planned(query), conn).await? as u64, last))
    }

    async fn rotate_access(&self, conn: &mut Conn, after: i64) -> TxResult<Batch> {
        let query = diesel::sql_query(
            "SELECT id::bigint AS id, 0 AS node_id, name, access AS secret FROM nodes
             WHERE id > $1 AND access IS NOT NULL AND substring(access FROM 1 FOR length($2)) <> $2
             ORDER BY id LIMIT $3 FOR NO KEY UPDATE",
        );
        let (ids, sealed, last) = self.resealed(conn, query, after, Named::access).await?;
        let query = diesel::sql_query(
            "UPDATE nodes n SET access = t.access FROM unnest($1, $2) AS t (id, access) WHERE n.id = t.id",
        )
        .bind::<Array<BigInt>, _>(&ids)
        .bind::<Array<Binary>, _>(&sealed);
        Ok((RunQueryDsl::execute(Planned(query), conn).await? as u64, last))
    }

    async fn rotate_keys(&self, conn: &mut Conn, after: i64) -> TxResult<Batch> {
        let query = diesel::sql_query(
            "SELECT id, node_id, name, secret FROM access_keys
             WHERE id > $1 AND substring(secret FROM 1 FOR length($2)) <> $2
             ORDER BY id LIMIT $3 FOR NO KEY UPDATE",
        );
        let (ids, sealed, last) = self.resealed(conn, query, after, Named::key).await?;
        let query = diesel::sql_query(
            "UPDATE access_keys k SET secret = t.secret FROM unnest($1, $2) AS t (id, secret) WHERE k.id = t.id",
        )
        .bind::<Array<BigInt>, _>(&ids)
        .bind::<Array<Binary>, _>(&sealed);
        Ok((RunQueryDsl::execute(Planned(query), conn).await? as u64, last))
    }

    /// Rows of a query that another key than the current one sealed, with what they are to hold instead, and the last id.
    async fn resealed(
        &self,
        conn: &mut Conn,
        query: SqlQuery,
        after: i64,
        place: fn(&Named) -> Place<'_>,
    ) -> TxResult<(Vec<i64>, Vec<Vec<u8>>, Option<i64>)> {
        let query =
            query.bind::<BigInt, _>(after).bind::<Binary, _>(self.vault.current_header()).bind::<BigInt, _>(BATCH_ROWS);
        let rows: Vec<Named> = RunQueryDsl::load(Planned(query), conn).await?;
        let (mut ids, mut sealed) = (Vec::new(), Vec::new());
        for row in &rows {
            if let Some(secret) = self.vault.reseal(place(row), &row.secret)? {
                ids.push(row.id);
                sealed.push(secret);
            }
        }
        Ok((ids, sealed, rows.last().map(|row| row.id)))
    }

    async fn rotate_peers(&self, conn: &mut Conn, after: i64) -> TxResult<Batch> {
        let header = self.vault.current_header();
        let query = diesel::sql_query(
            "SELECT id, node_id, public_key, private_key, preshared_key FROM peers
             WHERE id > $1 AND (substring(preshared_key FROM 1 FOR length($2)) <> $2
                                OR substring(private_key FROM 1 FOR length($2)) <> $2)
             ORDER BY id LIMIT $3 FOR NO KEY UPDATE",
        )
        .bind::<BigInt, _>(after)
        .bind::<Binary, _>(&header)
        .bind::<BigInt, _>(BATCH_ROWS);
        let rows: Vec<Peer> = RunQueryDsl::load(Planned(query), conn).await?;
        let Some(last) = rows.last().map(|row| row.id) else { return Ok((0, None)) };
        let (mut ids, mut privates, mut preshareds) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let (node, public) = (NodeId(row.node_id), decode::public_key(&row.public_key)?);
            let preshared = self.vault.reseal(Place::PeerPreshared(node, &public), &row.preshared_key)?;
            let private = match &row.private_key {
                Some(sealed) => self.vault.reseal(Place::PeerPrivate(node, &public), sealed)?,
                None => None,
            };
            ids.push(row.id);
            // One of the two may be current already.
            privates.push(private.or(row.private_key));
            preshareds.push(preshared.unwrap_or(row.preshared_key));
        }
        let query = diesel::sql_query(
            "UPDATE peers p SET private_key = t.private, preshared_key = t.preshared
             FROM unnest($1, $2, $3) AS t (id, private, preshared) WHERE p.id = t.id",
        )
        .bind::<Array<BigInt>, _>(&ids)
        .bind::<Array<Nullable<Binary>>, _>(&privates)
        .bind::<Array<Binary>, _>(&preshareds);
        Ok((RunQueryDsl::execute(Planned(query), conn).await? as u64, Some(last)))
    }
}

#[cfg(test)]
mod tests;
