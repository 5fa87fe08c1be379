//! Traffic: counters of a server become totals that only grow.
//!
//! A server counts from zero each time a peer is made: an incarnation. `peers.seen_*` is what was read last in the present
//! one; what the counters grew by since then is added to the service. A counter smaller than before tells of an incarnation
//! that nobody announced (the server was restarted), so all of it is new. Peers that the server is not believed to carry are
//! left out: their incarnation begins with [`Store::peers_applied`], and their counters are then still whole.

use super::sql::Planned;
use super::suspend::{self, Gained};
use super::{Result, Store};
use crate::model::{Epoch, PeerCounters, Swept};
use crate::store::decode::bytes;
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Timestamptz};
use diesel_async::RunQueryDsl;
use std::collections::BTreeMap;
use usipipo_domain::ids::NodeId;
use usipipo_domain::service::SuspendReason;

/// What a service has used with this reading, `up` and `down` together, reaches what it may use.
macro_rules! over {
    () => {
        "s.status IN ('active', 'suspended') AND NOT s.reasons @> ARRAY['quota']
         AND s.used_up::numeric + total.up + s.used_down + total.down >= s.quota_bytes"
    };
}

/// Locks what grew, services before their peers, so that the same growth is not added twice even by two callers at once.
/// Rows without news are neither locked nor written: most are idle, and this runs every few seconds. Services that used up
/// their traffic with it are suspended in the same statement, and come back.
const RECORD: &str = concat!(
    "WITH read AS MATERIALIZED (
        SELECT * FROM unnest($2, $3, $4, $5) AS r (peer, rx, tx, handshake)
    ), moved AS MATERIALIZED (
        SELECT s.id, s.status = 'active' AS worked, s.reasons @> ARRAY['quota'] AS over
        FROM read r
        JOIN peers p ON p.id = r.peer AND p.node_id = $1 AND p.applied AND p.removed_at IS NULL
        JOIN services s ON s.id = p.service_id
        WHERE r.rx <> p.seen_rx OR r.tx <> p.seen_tx OR r.handshake > coalesce(s.last_handshake, '-infinity')
        ORDER BY s.id
        FOR NO KEY UPDATE OF s
    ), grown AS MATERIALIZED (
        SELECT p.id, p.service_id, r.rx, r.tx, r.handshake,
               r.rx - CASE WHEN r.rx < p.seen_rx OR r.tx < p.seen_tx THEN 0 ELSE p.seen_rx END AS up,
               r.tx - CASE WHEN r.rx < p.seen_rx OR r.tx < p.seen_tx THEN 0 ELSE p.seen_tx END AS down
        FROM read r
        JOIN peers p ON p.id = r.peer AND p.node_id = $1 AND p.applied AND p.removed_at IS NULL
        WHERE p.service_id IN (SELECT id FROM moved)
        FOR NO KEY UPDATE OF p
    ), seen AS (
        UPDATE peers p SET seen_rx = g.rx, seen_tx = g.tx FROM grown g WHERE p.id = g.id
    ), used AS (
        UPDATE services s
        SET used_up = least(s.used_up::numeric + total.up, 9223372036854775807)::bigint,
            used_down = least(s.used_down::numeric + total.down, 9223372036854775807)::bigint,
            last_handshake = greatest(s.last_handshake, total.handshake),
            status = CASE WHEN ",
    over!(),
    " THEN 'suspended' ELSE s.status END,
            reasons = CASE WHEN ",
    over!(),
    " THEN array_append(s.reasons, 'quota') ELSE s.reasons END
        FROM (
            SELECT service_id, sum(up) AS up, sum(down) AS down, max(handshake) AS handshake
            FROM grown GROUP BY service_id
        ) AS total
        WHERE s.id = total.service_id
        RETURNING s.id, s.user_id, s.node_id, s.ends_at, s.quota_bytes, s.reasons
    )
    SELECT used.id, used.user_id, used.node_id, used.ends_at, used.quota_bytes,
           moved.worked AND u.blocked_at IS NULL AS tell
    FROM used
    JOIN (SELECT DISTINCT id, worked, over FROM moved) AS moved ON moved.id = used.id
    JOIN users u ON u.id = used.user_id
    WHERE used.reasons @> ARRAY['quota'] AND NOT moved.over
    ORDER BY used.id"
);

impl Store {
    /// Adds what the counters grew by since they were last read, in one statement. A reading that comes twice adds nothing.
    /// A service that has used up its traffic with that is suspended (reason quota); one that is suspended already gains the
    /// reason. The owner of one that worked until now is told once per period and allowance.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`], or [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn record_usage(
        &self,
        epoch: Epoch,
        node: NodeId,
        counters: &[PeerCounters],
        now: DateTime<Utc>,
    ) -> Result<Swept> {
        if counters.is_empty() {
            return Ok(Swept::default());
        }
        // One reading per peer, the last one.
        let counters: BTreeMap<i64, &PeerCounters> = counters.iter().map(|read| (read.peer, read)).collect();
        let peers: Vec<i64> = counters.keys().copied().collect();
        let rx: Vec<i64> = counters.values().map(|read| bytes(read.rx)).collect();
        let tx: Vec<i64> = counters.values().map(|read| bytes(read.tx)).collect();
        let handshakes: Vec<Option<DateTime<Utc>>> = counters.values().map(|read| read.last_handshake).collect();
        self.fenced("record_usage", epoch, async |conn| {
            let query = diesel::sql_query(RECORD)
                .bind::<Integer, _>(node.0)
                .bind::<Array<BigInt>, _>(&peers)
                .bind::<Array<BigInt>, _>(&rx)
                .bind::<Array<BigInt>, _>(&tx)
                .bind::<Array<Nullable<Timestamptz>>, _>(&handshakes);
            let over: Vec<Gained> = RunQueryDsl::load(Planned(query), conn).await?;
            suspend::gained(conn, &over, SuspendReason::Quota, now).await
        })
        .await
    }
}

#[cfg(test)]
mod tests;
