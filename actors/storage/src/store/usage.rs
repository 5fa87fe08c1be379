//! Traffic: counters of a server become totals that only grow.
//!
//! A server counts from zero each time a peer is made: an incarnation. `peers.seen_*` is what was read last in the present
//! one; what the counters grew by since then is added to the service. A counter smaller than before tells of an incarnation
//! that nobody announced (the server was restarted), so all of it is new. Peers that the server is not believed to carry are
//! left out: their incarnation begins with [`Store::peers_applied`], and their counters are then still whole.

use super::held::{self, NoticeHours};
use super::queue::NewMessage;
use super::sql::Planned;
use super::suspend::{self, Gained};
use super::{Conn, Result, Store};
use crate::error::TxResult;
use crate::model::{Epoch, PeerCounters, Swept};
use crate::store::decode::bytes;
use chrono::{DateTime, Utc};
use diesel::prelude::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, Timestamptz};
use diesel_async::RunQueryDsl;
use std::collections::BTreeMap;
use usipipo_domain::ids::{NodeId, ServiceId, UserId};
use usipipo_domain::outgoing::{Body, Outgoing, Priority};
use usipipo_domain::service::SuspendReason;
use usipipo_domain::usage::NEARLY_USED_PERCENT;

/// What a service has used of this period's allowance with this reading, `up` and `down` together.
macro_rules! used {
    () => {
        "(s.used_up::numeric + total.up + s.used_down + total.down - s.quota_base)"
    };
}

/// It reaches what it may use.
macro_rules! over {
    () => {
        concat!(
            "s.status IN ('active', 'suspended') AND NOT s.reasons @> ARRAY['quota'] AND ",
            used!(),
            " >= s.quota_bytes"
        )
    };
}

/// The end of a statement that has `grown (service_id, up, down, handshake)` and `moved (id, worked, over)`: adds to services
/// and to the day, suspends services that used up their traffic with it, and gives those, and those whose owners are to hear
/// that most of it is used. In `used` a row is as it is afterwards.
macro_rules! grow {
    ($day:literal, $percent:literal) => {
        concat!(
            "total AS MATERIALIZED (
        SELECT service_id, sum(up) AS up, sum(down) AS down, max(handshake) AS handshake
        FROM grown GROUP BY service_id
    ), days AS (
        INSERT INTO usage_days AS d (service_id, day, up, down)
        SELECT service_id, ",
            $day,
            ", least(up, 9223372036854775807)::bigint, least(down, 9223372036854775807)::bigint
        FROM total WHERE up + down > 0
        ORDER BY service_id
        ON CONFLICT (service_id, day) DO UPDATE
        SET up = least(d.up::numeric + excluded.up, 9223372036854775807)::bigint,
            down = least(d.down::numeric + excluded.down, 9223372036854775807)::bigint
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
        FROM total
        WHERE s.id = total.service_id
        RETURNING s.id, s.user_id, s.node_id, s.ends_at, s.quota_bytes, s.period, s.reasons,
                  s.status = 'active'
                  AND (s.used_up::numeric + s.used_down - s.quota_base) * 100 >= s.quota_bytes::numeric * ",
            $percent,
            "
                  AND (s.used_up::numeric + s.used_down - s.quota_base - total.up - total.down) * 100
                      < s.quota_bytes::numeric * ",
            $percent,
            " AS near
    )
    SELECT used.id, used.user_id, used.node_id, used.ends_at, used.quota_bytes, used.period,
           coalesce(used.near, false) AS near,
           moved.worked AND u.blocked_at IS NULL AND (u.reminders OR NOT coalesce(used.near, false)) AS tell
    FROM used
    JOIN (SELECT DISTINCT id, worked, over FROM moved) AS moved ON moved.id = used.id
    JOIN users u ON u.id = used.user_id
    WHERE (used.reasons @> ARRAY['quota'] AND NOT moved.over) OR used.near
    ORDER BY used.id"
        )
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
    ), ",
    grow!("$6", "$7")
);

/// For growth that was found out already, of services that are locked.
const ADD: &str = concat!(
    "WITH grown AS MATERIALIZED (
        SELECT service_id, 0::bigint AS up, down, NULL::timestamptz AS handshake
        FROM unnest($1, $2) AS g (service_id, down)
    ), moved AS MATERIALIZED (
        SELECT id, status = 'active' AS worked, reasons @> ARRAY['quota'] AS over
        FROM services WHERE id IN (SELECT service_id FROM grown)
    ), ",
    grow!("$3", "$4")
);

/// A service whose traffic reached a mark.
#[derive(QueryableByName)]
struct Reached {
    #[diesel(embed)]
    service: Gained,
    /// Most of its traffic is used, not all.
    #[diesel(sql_type = Bool)]
    near: bool,
}

/// Adds traffic to services that are locked: bytes to users, each service once.
pub(super) async fn add(
    conn: &mut Conn,
    grown: &BTreeMap<i64, i64>,
    usual: NoticeHours,
    now: DateTime<Utc>,
) -> TxResult<Swept> {
    let query = diesel::sql_query(ADD)
        .bind::<Array<BigInt>, _>(grown.keys().copied().collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(grown.values().copied().collect::<Vec<_>>())
        .bind::<Date, _>(now.date_naive())
        .bind::<Integer, _>(i32::from(NEARLY_USED_PERCENT));
    let reached: Vec<Reached> = RunQueryDsl::load(Planned(query), conn).await?;
    tell(conn, reached, usual, now).await
}

async fn tell(conn: &mut Conn, reached: Vec<Reached>, usual: NoticeHours, now: DateTime<Utc>) -> TxResult<Swept> {
    let (near, over): (Vec<Reached>, Vec<Reached>) = reached.into_iter().partition(|reached| reached.near);
    let over: Vec<Gained> = over.into_iter().map(|reached| reached.service).collect();
    let mut swept = suspend::gained(conn, &over, SuspendReason::Quota, usual, now).await?;
    let notices = near.iter().filter(|reached| reached.service.tell).map(|reached| {
        let (service, period) = (ServiceId(reached.service.id), reached.service.period);
        let content = Outgoing::new(Body::QuotaNear { service });
        NewMessage::once(
            UserId(reached.service.user_id),
            Priority::Notice,
            content,
            format!("quota80/{service}/{period}"),
        )
    });
    swept.messages.extend(held::queue_or_hold(conn, usual, notices.collect(), now).await?);
    Ok(swept)
}

impl Store {
    /// Adds what the counters grew by since they were last read, in one statement. A reading that comes twice adds nothing.
    /// A service that has used up its traffic with that is suspended (reason quota); one that is suspended already gains the
    /// reason. The owner of one that worked until now is told once per period and allowance, and once per period when
    /// [`NEARLY_USED_PERCENT`] are used.
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
                .bind::<Array<Nullable<Timestamptz>>, _>(&handshakes)
                .bind::<Date, _>(now.date_naive())
                .bind::<Integer, _>(i32::from(NEARLY_USED_PERCENT));
            let reached: Vec<Reached> = RunQueryDsl::load(Planned(query), conn).await?;
            tell(conn, reached, self.hours, now).await
        })
        .await
    }
}

#[cfg(test)]
mod tests;
