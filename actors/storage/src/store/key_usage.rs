//! Traffic of keys: counters of a server become totals that only grow.
//!
//! A server that counts since its start (telemt) begins at zero in every incarnation, and with a key that is put anew. One
//! that tells only the last thirty days (Outline) needs what was known thirty days ago, see [`usipipo_domain::usage`]: of each
//! key a sample an hour is kept for that time. Which direction the bytes took neither says: they count as received.

use super::held::NoticeHours;
use super::sql::Planned;
use super::{Conn, Result, Store, decode, keys, usage};
use crate::error::TxResult;
use crate::model::{Epoch, KeyReadings, Recorded, UsageKind};
use crate::schema::nodes;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Integer, Nullable, Timestamptz};
use diesel_async::RunQueryDsl;
use std::collections::BTreeMap;
use usipipo_domain::ids::{NodeId, ServiceId};
use usipipo_domain::usage::{POINT_EVERY, WINDOW, WindowParts, WindowTotal};

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    service_id: i64,
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = BigInt)]
    reading: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    read_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = BigInt)]
    estimate: i64,
    #[diesel(sql_type = BigInt)]
    base: i64,
}

#[derive(QueryableByName)]
struct Sample {
    #[diesel(sql_type = BigInt)]
    key_id: i64,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    total: i64,
}

#[derive(QueryableByName)]
struct Day {
    #[diesel(sql_type = Date)]
    day: NaiveDate,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

macro_rules! known_sql {
    ($lock:literal) => {
        concat!(
            "SELECT id, service_id, total, reading, read_at, estimate, base FROM access_keys
             WHERE id = ANY ($1) AND node_id = $2 AND removed_at IS NULL
             ORDER BY id ",
            $lock
        )
    };
}

const KNOWN: &str = known_sql!("");
const KNOWN_LOCKED: &str = known_sql!("FOR NO KEY UPDATE");

/// What [`WindowParts`] asks for; `$2` is the time thirty days ago.
const SAMPLES: &str = "
    SELECT s.key_id, s.at, s.total
    FROM unnest($1) AS k (id)
    CROSS JOIN LATERAL (
        (SELECT key_id, at, total FROM key_samples
         WHERE key_id = k.id AND at <= coalesce(
             (SELECT min(at) FROM key_samples WHERE key_id = k.id AND at > $2), 'infinity'
         ))
        UNION
        (SELECT key_id, at, total FROM key_samples WHERE key_id = k.id ORDER BY at DESC LIMIT 2)
    ) AS s
    ORDER BY s.key_id, s.at";

const KEEP: &str = "
    UPDATE access_keys k
    SET total = t.total, reading = t.reading, read_at = $6, estimate = t.estimate, base = t.base
    FROM unnest($1, $2, $3, $4, $5) AS t (id, total, reading, estimate, base)
    WHERE k.id = t.id";

/// A reading taken in.
struct Taken {
    id: i64,
    total: i64,
    reading: i64,
    estimate: i64,
    base: i64,
}

/// Growth in the present life of a counter. One that is smaller than before began anew without a word.
fn since_start(known: &Known, bytes: i64, same: bool) -> Taken {
    let before = if same && bytes >= known.reading { known.reading } else { 0 };
    let total = known.total.saturating_add(bytes - before);
    Taken { id: known.id, total, reading: bytes, estimate: total, base: known.base }
}

/// What became of the samples that were kept of keys.
#[derive(Default)]
struct Samples {
    gone: Vec<(i64, DateTime<Utc>)>,
    /// All of these keys.
    cleared: Vec<i64>,
    new: Vec<(i64, DateTime<Utc>, i64)>,
}

fn of_window(
    known: &Known,
    kept: Vec<(DateTime<Utc>, u64)>,
    bytes: i64,
    same: bool,
    now: DateTime<Utc>,
    samples: &mut Samples,
) -> Taken {
    let mut parts = WindowParts {
        base: decode::count(known.base),
        points: kept.clone(),
        last: known.read_at.map(|at| (at, decode::count(known.reading), decode::count(known.estimate))),
        total: decode::count(known.total),
    };
    if !same && known.read_at.is_some() {
        // The new window begins empty, after all that is known.
        parts = WindowParts { base: parts.total, points: Vec::new(), last: None, total: parts.total };
    }
    let mut total = WindowTotal::from(parts);
    total.observe(now, decode::count(bytes));
    let parts = WindowParts::from(total);
    let (_, window, estimate) = parts.last.unwrap_or((now, decode::count(bytes), parts.total));
    // Not all samples were read, so that only what is known to be over is deleted.
    if !same || decode::count(known.base) != parts.base {
        samples.cleared.push(known.id);
        samples.new.extend(parts.points.iter().map(|(at, total)| (known.id, *at, decode::bytes(*total))));
    } else {
        samples.gone.extend(kept.iter().filter(|point| !parts.points.contains(point)).map(|(at, _)| (known.id, *at)));
        let new = parts.points.iter().filter(|point| !kept.contains(point));
        samples.new.extend(new.map(|(at, total)| (known.id, *at, decode::bytes(*total))));
    }
    Taken {
        id: known.id,
        total: decode::bytes(parts.total),
        reading: decode::bytes(window),
        estimate: decode::bytes(estimate),
        base: decode::bytes(parts.base),
    }
}

async fn samples_of(
    conn: &mut Conn,
    keys: &[i64],
    now: DateTime<Utc>,
) -> TxResult<BTreeMap<i64, Vec<(DateTime<Utc>, u64)>>> {
    let query = diesel::sql_query(SAMPLES).bind::<Array<BigInt>, _>(keys).bind::<Timestamptz, _>(now - WINDOW);
    let rows: Vec<Sample> = RunQueryDsl::load(Planned(query), conn).await?;
    let mut samples: BTreeMap<i64, Vec<(DateTime<Utc>, u64)>> = BTreeMap::new();
    for row in rows {
        samples.entry(row.key_id).or_default().push((row.at, decode::count(row.total)));
    }
    Ok(samples)
}

async fn keep_samples(conn: &mut Conn, samples: Samples) -> TxResult<()> {
    if !samples.cleared.is_empty() {
        let query = diesel::sql_query("DELETE FROM key_samples WHERE key_id = ANY ($1)")
            .bind::<Array<BigInt>, _>(samples.cleared);
        RunQueryDsl::execute(Planned(query), conn).await?;
    }
    if !samples.gone.is_empty() {
        let (keys, times): (Vec<i64>, Vec<DateTime<Utc>>) = samples.gone.into_iter().unzip();
        let query = diesel::sql_query(
            "DELETE FROM key_samples s USING unnest($1, $2) AS t (key_id, at) WHERE s.key_id = t.key_id AND s.at = t.at",
        )
        .bind::<Array<BigInt>, _>(keys)
        .bind::<Array<Timestamptz>, _>(times);
        RunQueryDsl::execute(Planned(query), conn).await?;
    }
    if !samples.new.is_empty() {
        let query = diesel::sql_query(
            "INSERT INTO key_samples (key_id, at, total) SELECT * FROM unnest($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind::<Array<BigInt>, _>(samples.new.iter().map(|(key, ..)| *key).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(samples.new.iter().map(|(_, at, _)| *at).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(samples.new.iter().map(|(.., total)| *total).collect::<Vec<_>>());
        RunQueryDsl::execute(Planned(query), conn).await?;
    }
    Ok(())
}

/// Whether there is something to keep of a key. Most are idle, and this is asked twice a minute. Of a window that shows the
/// same bytes, nothing came and nothing left it; to look once an hour is enough for its points.
fn is_news(key: &Known, bytes: i64, kind: UsageKind, now: DateTime<Utc>) -> bool {
    match (kind, key.read_at) {
        (UsageKind::SinceStart, _) => bytes != key.reading,
        (UsageKind::Window30Days, None) => bytes > 0,
        (UsageKind::Window30Days, Some(at)) => bytes != key.reading || now - at >= POINT_EVERY,
    }
}

async fn known(conn: &mut Conn, sql: &'static str, node: NodeId, keys: &[i64]) -> TxResult<Vec<Known>> {
    let query = diesel::sql_query(sql).bind::<Array<BigInt>, _>(keys).bind::<Integer, _>(node.0);
    Ok(RunQueryDsl::load(Planned(query), conn).await?)
}

const LOCK_SERVICES: &str = "
    SELECT id FROM services
    WHERE id IN (SELECT service_id FROM access_keys WHERE node_id = $1 AND removed_at IS NULL)
    ORDER BY id FOR NO KEY UPDATE";

/// Keeps which counters these are, with the server and everything on it locked. Whether they can still be those of the last
/// reading: before the first one nothing was counted, so that nothing can have been forgotten.
async fn new_life(conn: &mut Conn, node: NodeId, readings: &KeyReadings, read: &[i64]) -> TxResult<bool> {
    let before: Option<Option<String>> =
        nodes::table.find(node.0).select(nodes::incarnation).for_no_key_update().get_result(conn).await.optional()?;
    let lock = diesel::sql_query(LOCK_SERVICES).bind::<Integer, _>(node.0);
    RunQueryDsl::execute(Planned(lock), conn).await?;
    diesel::update(nodes::table.find(node.0)).set(nodes::incarnation.eq(&readings.incarnation)).execute(conn).await?;
    // Also for keys that are not there just now: what they counted belongs to a life that is over.
    match readings.kind {
        UsageKind::SinceStart => {
            let query = diesel::sql_query(
                "UPDATE access_keys SET reading = 0 WHERE node_id = $1 AND removed_at IS NULL AND reading > 0",
            )
            .bind::<Integer, _>(node.0);
            RunQueryDsl::execute(Planned(query), conn).await?;
        }
        // Those that were read are dealt with one by one.
        UsageKind::Window30Days => {
            let query = diesel::sql_query(
                "WITH over AS (
                    UPDATE access_keys SET base = total, estimate = total, reading = 0, read_at = NULL
                    WHERE node_id = $1 AND removed_at IS NULL AND read_at IS NOT NULL AND NOT (id = ANY ($2))
                    RETURNING id
                 )
                 DELETE FROM key_samples s USING over WHERE s.key_id = over.id",
            )
            .bind::<Integer, _>(node.0)
            .bind::<Array<BigInt>, _>(read);
            RunQueryDsl::execute(Planned(query), conn).await?;
        }
    }
    Ok(before.flatten().is_none())
}

/// What is news, read anew with its services locked, and whether its counters are still those of the last reading. Nothing is
/// locked where there is no news.
async fn lock_news(
    conn: &mut Conn,
    node: NodeId,
    readings: &KeyReadings,
    read: &BTreeMap<i64, i64>,
    now: DateTime<Utc>,
) -> TxResult<(bool, Vec<Known>)> {
    let news = |key: &Known, same: bool| {
        read.get(&key.id).is_some_and(|bytes| {
            // In another life of a window the same bytes are others.
            is_news(key, *bytes, readings.kind, now) || (!same && key.read_at.is_some())
        })
    };
    let mut ids: Vec<i64> = read.keys().copied().collect();
    let life: Option<Option<String>> =
        nodes::table.find(node.0).select(nodes::incarnation).get_result(conn).await.optional()?;
    let same = life.flatten().as_ref() == Some(&readings.incarnation);
    let same = if same {
        ids = known(conn, KNOWN, node, &ids).await?.iter().filter(|key| news(key, true)).map(|key| key.id).collect();
        if ids.is_empty() {
            return Ok((true, Vec::new()));
        }
        keys::lock_services(conn, node, &ids).await?;
        true
    } else {
        new_life(conn, node, readings, &ids).await?
    };
    let mut keys = known(conn, KNOWN_LOCKED, node, &ids).await?;
    keys.retain(|key| news(key, same));
    Ok((same, keys))
}

async fn record(
    conn: &mut Conn,
    node: NodeId,
    readings: &KeyReadings,
    usual: NoticeHours,
    now: DateTime<Utc>,
) -> TxResult<Recorded> {
    // One reading per key, the last one.
    let read: BTreeMap<i64, i64> = readings.readings.iter().map(|read| (read.key, decode::bytes(read.bytes))).collect();
    let (same, known) = lock_news(conn, node, readings, &read, now).await?;
    if known.is_empty() {
        return Ok(Recorded::default());
    }
    let mut kept = match readings.kind {
        UsageKind::SinceStart => BTreeMap::new(),
        UsageKind::Window30Days => samples_of(conn, &known.iter().map(|key| key.id).collect::<Vec<_>>(), now).await?,
    };
    let (mut samples, mut taken, mut grown) = (Samples::default(), Vec::new(), BTreeMap::new());
    for key in &known {
        let Some(bytes) = read.get(&key.id).copied() else { continue };
        let now_known = match readings.kind {
            UsageKind::SinceStart => since_start(key, bytes, same),
            UsageKind::Window30Days => {
                of_window(key, kept.remove(&key.id).unwrap_or_default(), bytes, same, now, &mut samples)
            }
        };
        let growth = now_known.total.saturating_sub(key.total);
        if growth > 0 {
            let of_service: &mut i64 = grown.entry(key.service_id).or_insert(0);
            *of_service = of_service.saturating_add(growth);
        }
        taken.push(now_known);
    }
    let all = |part: fn(&Taken) -> i64| taken.iter().map(part).collect::<Vec<i64>>();
    let query = diesel::sql_query(KEEP)
        .bind::<Array<BigInt>, _>(all(|key| key.id))
        .bind::<Array<BigInt>, _>(all(|key| key.total))
        .bind::<Array<BigInt>, _>(all(|key| key.reading))
        .bind::<Array<BigInt>, _>(all(|key| key.estimate))
        .bind::<Array<BigInt>, _>(all(|key| key.base))
        .bind::<Timestamptz, _>(now);
    RunQueryDsl::execute(Planned(query), conn).await?;
    keep_samples(conn, samples).await?;
    if grown.is_empty() {
        return Ok(Recorded::default());
    }
    let swept = usage::add(conn, &grown, usual, now).await?;
    Ok(Recorded { messages: swept.messages, suspended: swept.services })
}

impl Store {
    /// Takes in a complete reading. A reading that comes twice adds nothing; of a server that counts since its start, one that
    /// is smaller than before in the same incarnation counts from zero. A service that has used up its traffic with it is
    /// suspended (reason quota); owners are told at 80 and at 100 percent, once per period.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`], or [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn record_key_usage(
        &self,
        epoch: Epoch,
        node: NodeId,
        readings: &KeyReadings,
        now: DateTime<Utc>,
    ) -> Result<Recorded> {
        self.fenced("record_key_usage", epoch, async |conn| record(conn, node, readings, self.hours, now).await).await
    }

    /// Bytes of the service on each of the last `days` days (UTC), both directions together: the oldest first, today last.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn usage_history(&self, service: ServiceId, days: u16, now: DateTime<Utc>) -> Result<Vec<u64>> {
        let today = now.date_naive();
        let first = today - TimeDelta::days(i64::from(days.saturating_sub(1)));
        let mut conn = self.conn().await?;
        let query = diesel::sql_query(
            "SELECT day, least(up::numeric + down, 9223372036854775807)::bigint AS bytes FROM usage_days
             WHERE service_id = $1 AND day BETWEEN $2 AND $3",
        )
        .bind::<BigInt, _>(service.0)
        .bind::<Date, _>(first)
        .bind::<Date, _>(today);
        let rows: Vec<Day> = RunQueryDsl::load(Planned(query), &mut conn).await?;
        let bytes: BTreeMap<NaiveDate, i64> = rows.into_iter().map(|row| (row.day, row.bytes)).collect();
        let of = |day: NaiveDate| bytes.get(&day).copied().map_or(0, decode::count);
        Ok(first.iter_days().take(usize::from(days)).map(of).collect())
    }
}

#[cfg(test)]
mod tests;
