//! Leases of addresses, as the pools' actors need them. They begin and end in the steps of people.

use super::audit::{self, Entry};
use super::decode::{self, limited};
use super::sql::Planned;
use super::{Result, Store};
use crate::model::{Epoch, LeaseRow};
use crate::schema::leases;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Inet, Integer, Nullable, Timestamptz};
use diesel_async::RunQueryDsl;
use ipnetwork::IpNetwork;
use serde_json::json;
use usipipo_domain::ids::{LeaseId, PoolId};

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = leases, check_for_backend(diesel::pg::Pg))]
struct Lease {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Integer)]
    pool_id: i32,
    #[diesel(sql_type = Nullable<Inet>)]
    v4: Option<IpNetwork>,
    #[diesel(sql_type = Nullable<Inet>)]
    v6: Option<IpNetwork>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    quarantine_until: Option<DateTime<Utc>>,
}

impl Lease {
    fn row(&self) -> LeaseRow {
        LeaseRow {
            id: LeaseId(self.id),
            addresses: decode::addresses(self.v4, self.v6),
            quarantine_until: self.quarantine_until,
        }
    }
}

/// A key that is still on the server would make the next owner of the address unreachable, or reachable for somebody else.
const RELEASE: &str = "
    WITH over AS (
        SELECT l.id FROM leases l
        WHERE l.state = 'quarantined' AND l.quarantine_until <= $1
          AND NOT EXISTS (
              SELECT 1 FROM peers p
              WHERE p.service_id = l.service_id AND p.node_id = l.node_id AND p.removed_at IS NULL
          )
        ORDER BY l.quarantine_until, l.id
        LIMIT $2
        FOR NO KEY UPDATE OF l SKIP LOCKED
    )
    UPDATE leases l SET state = 'released', released_at = $1
    FROM over WHERE l.id = over.id
    RETURNING l.id, l.pool_id, l.v4, l.v6, l.quarantine_until";

impl Store {
    /// Every lease of the pool that keeps its addresses from being given out.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn leases_of(&self, pool: PoolId) -> Result<Vec<LeaseRow>> {
        let mut conn = self.conn().await?;
        let rows = leases::table
            .filter(leases::pool_id.eq(pool.0).and(leases::state.ne("released")))
            .select(Lease::as_select())
            .order(leases::id)
            .load(&mut conn)
            .await?;
        Ok(rows.iter().map(Lease::row).collect())
    }

    /// Quarantined leases whose time is over and whose keys are off the server become released. At most `limit`.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`], or [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn release_quarantined(
        &self,
        epoch: Epoch,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<(PoolId, LeaseRow)>> {
        self.fenced("release_quarantined", epoch, async |conn| {
            let query = diesel::sql_query(RELEASE).bind::<Timestamptz, _>(now).bind::<BigInt, _>(limited(limit));
            let released: Vec<Lease> = RunQueryDsl::load(Planned(query), conn).await?;
            let entries: Vec<Entry> = released
                .iter()
                .map(|lease| Entry {
                    user: None,
                    action: "lease.release",
                    subject: format!("lease/{}", lease.id),
                    details: json!({ "pool": lease.pool_id }),
                    seq: None,
                })
                .collect();
            audit::write(conn, &entries, now).await?;
            Ok(released.iter().map(|lease| (PoolId(lease.pool_id), lease.row())).collect())
        })
        .await
    }
}

#[cfg(test)]
mod tests;
