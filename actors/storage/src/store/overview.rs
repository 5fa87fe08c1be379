//! Reads for admins, metrics and boards. They decide nothing.

use super::cards::page_of;
use super::decode::{self, STATUSES, count};
use super::sql::Planned;
use super::{Conn, Result, Store};
use crate::model::{DeadLetterRow, NodeOverview, Page, PoolOverview, SystemStats};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Cidr, Integer, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use ipnetwork::IpNetwork;
use std::time::Duration;
use usipipo_domain::ids::{DeadLetterId, NodeId, PoolId, UserId};
use usipipo_domain::outgoing::Priority;
use usipipo_domain::service::{Product, ServiceStatus};

/// Most characters of a failed update that are shown.
const EXCERPT_MAX_CHARS: usize = 1_000;
/// Days over which beginnings of leases are counted.
const FORECAST_DAYS: TimeDelta = TimeDelta::days(7);

#[derive(QueryableByName)]
struct Numbers {
    #[diesel(sql_type = BigInt)]
    users: i64,
    #[diesel(sql_type = BigInt)]
    users_day: i64,
    #[diesel(sql_type = BigInt)]
    inbox_undone: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    inbox_oldest: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    outbox_oldest: Option<DateTime<Utc>>,
    #[diesel(sql_type = BigInt)]
    dead_letters: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pending_oldest: Option<DateTime<Utc>>,
}

const NUMBERS: &str = "
    SELECT users.total AS users, users.day AS users_day, inbox.undone AS inbox_undone, inbox.oldest AS inbox_oldest,
           (SELECT min(due_at) FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL AND due_at <= $1) AS outbox_oldest,
           (SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL) AS dead_letters,
           (SELECT min(created_at) FROM services WHERE status = 'pending') AS pending_oldest
    FROM (SELECT count(*) AS total, count(*) FILTER (WHERE last_seen_at > $2) AS day FROM users) AS users,
         (SELECT count(*) AS undone, min(received_at) AS oldest FROM inbox WHERE done_at IS NULL) AS inbox";

#[derive(QueryableByName)]
struct ByPriority {
    #[diesel(sql_type = SmallInt)]
    priority: i16,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct NodeNumbers {
    #[diesel(sql_type = Integer)]
    id: i32,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    place: String,
    #[diesel(sql_type = Text)]
    country: String,
    #[diesel(sql_type = Text)]
    driver: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = BigInt)]
    services: i64,
    #[diesel(sql_type = Nullable<Integer>)]
    capacity: Option<i32>,
    #[diesel(sql_type = Text)]
    mode: String,
    #[diesel(sql_type = Bool)]
    up: bool,
    #[diesel(sql_type = Bool)]
    config_only: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    seen_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    down_since: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    error: Option<String>,
    #[diesel(sql_type = BigInt)]
    active: i64,
    #[diesel(sql_type = BigInt)]
    pending: i64,
    #[diesel(sql_type = Integer)]
    foreign_peers: i32,
    #[diesel(sql_type = Text)]
    endpoint: String,
}

#[derive(QueryableByName)]
struct PoolNumbers {
    #[diesel(sql_type = Integer)]
    id: i32,
    #[diesel(sql_type = Integer)]
    node_id: i32,
    #[diesel(sql_type = Text)]
    node_name: String,
    #[diesel(sql_type = Text)]
    purpose: String,
    #[diesel(sql_type = Nullable<Cidr>)]
    v4: Option<IpNetwork>,
    #[diesel(sql_type = Nullable<Cidr>)]
    v6: Option<IpNetwork>,
    #[diesel(sql_type = BigInt)]
    live: i64,
    #[diesel(sql_type = BigInt)]
    quarantined: i64,
    #[diesel(sql_type = BigInt)]
    begun: i64,
}

#[derive(QueryableByName)]
struct DeadLetter {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    user_id: Option<i64>,
    #[diesel(sql_type = Text)]
    lane: String,
    #[diesel(sql_type = Text)]
    error: String,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = SmallInt)]
    attempts: i16,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    replayed_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Binary)]
    head: Vec<u8>,
}

impl DeadLetter {
    fn row(self) -> DeadLetterRow {
        DeadLetterRow {
            id: DeadLetterId(self.id),
            user: self.user_id.map(UserId),
            lane: self.lane,
            error: self.error,
            code: self.code,
            attempts: u16::try_from(self.attempts).unwrap_or(0),
            created_at: self.created_at,
            replayed_at: self.replayed_at,
            excerpt: String::from_utf8_lossy(&self.head).chars().take(EXCERPT_MAX_CHARS).collect(),
        }
    }
}

/// No character of UTF-8 has more than four bytes.
macro_rules! letters_sql {
    ($tail:literal) => {
        concat!(
            "SELECT id, user_id, lane, error, code, attempts, created_at, replayed_at,
                    substring(raw FROM 1 FOR 4000) AS head
             FROM dead_letters ",
            $tail
        )
    };
}

#[derive(QueryableByName)]
struct Total {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Clocks of two processes may differ a little: nothing is younger than now.
fn age(now: DateTime<Utc>, since: DateTime<Utc>) -> Duration {
    (now - since).to_std().unwrap_or_default()
}

impl Store {
    /// The whole system in numbers. Every status and priority is listed, with zero where there is none.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn system_stats(&self, now: DateTime<Utc>) -> Result<SystemStats> {
        let alerts = self.open_alerts().await?;
        let mut conn = self.conn().await?;
        let query =
            diesel::sql_query(NUMBERS).bind::<Timestamptz, _>(now).bind::<Timestamptz, _>(now - TimeDelta::hours(24));
        let numbers: Numbers = RunQueryDsl::get_result(Planned(query), &mut conn).await?;
        let products = services_by_product(&mut conn).await?;
        Ok(SystemStats {
            users: count(numbers.users),
            users_day: count(numbers.users_day),
            services: by_status(&products),
            products,
            inbox_undone: count(numbers.inbox_undone),
            inbox_oldest: numbers.inbox_oldest.map(|since| age(now, since)),
            outbox_waiting: outbox_by_priority(&mut conn).await?,
            outbox_oldest: numbers.outbox_oldest.map(|since| age(now, since)),
            dead_letters: count(numbers.dead_letters),
            alerts,
            pending_oldest: numbers.pending_oldest.map(|since| age(now, since)),
        })
    }

    /// Every server, as its actor saw it last, with its services.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn node_overviews(&self) -> Result<Vec<NodeOverview>> {
        let mut conn = self.conn().await?;
        let query = diesel::sql_query(
            "SELECT n.id, n.name, n.place, n.mode, n.up, n.config_only, n.seen_at, n.down_since, n.error, n.foreign_peers,
                    n.endpoint, n.country, n.driver, n.state, n.capacity, coalesce(s.live, 0) AS services,
                    coalesce(s.active, 0) AS active, coalesce(s.pending, 0) AS pending
             FROM nodes n
             LEFT JOIN (
                SELECT node_id, count(*) AS live, count(*) FILTER (WHERE status = 'active') AS active,
                       count(*) FILTER (WHERE status = 'pending') AS pending
                FROM services WHERE status IN ('pending', 'active', 'suspended') GROUP BY node_id
             ) AS s ON s.node_id = n.id
             ORDER BY n.id",
        );
        let rows: Vec<NodeNumbers> = RunQueryDsl::load(Planned(query), &mut conn).await?;
        rows.into_iter()
            .map(|row| {
                Ok(NodeOverview {
                    id: NodeId(row.id),
                    name: row.name,
                    place: row.place,
                    mode: row.mode,
                    up: row.up,
                    config_only: row.config_only,
                    seen_at: row.seen_at,
                    down_since: row.down_since,
                    error: row.error,
                    active: count(row.active),
                    pending: count(row.pending),
                    foreign_peers: u32::try_from(row.foreign_peers).unwrap_or(0),
                    endpoint: row.endpoint,
                    country: row.country,
                    state: decode::node_state(&row.state)?,
                    driver: row.driver,
                    services: count(row.services),
                    capacity: row.capacity.and_then(|most| u64::try_from(most).ok()),
                })
            })
            .collect()
    }

    /// Every address pool with its leases.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn pool_overviews(&self, now: DateTime<Utc>) -> Result<Vec<PoolOverview>> {
        let mut conn = self.conn().await?;
        let query = diesel::sql_query(
            "SELECT p.id, p.node_id, n.name AS node_name, p.purpose, p.v4, p.v6,
                    coalesce(l.live, 0) AS live, coalesce(l.quarantined, 0) AS quarantined, coalesce(b.begun, 0) AS begun
             FROM pools p
             JOIN nodes n ON n.id = p.node_id
             LEFT JOIN (
                SELECT pool_id, count(*) FILTER (WHERE state = 'live') AS live,
                       count(*) FILTER (WHERE state = 'quarantined') AS quarantined
                FROM leases WHERE state <> 'released' GROUP BY pool_id
             ) AS l ON l.pool_id = p.id
             LEFT JOIN (
                SELECT pool_id, count(*) AS begun FROM leases WHERE created_at > $1 GROUP BY pool_id
             ) AS b ON b.pool_id = p.id
             WHERE n.state <> 'removed'
             ORDER BY p.id",
        )
        .bind::<Timestamptz, _>(now - FORECAST_DAYS);
        let rows: Vec<PoolNumbers> = RunQueryDsl::load(Planned(query), &mut conn).await?;
        rows.into_iter()
            .map(|row| {
                Ok(PoolOverview {
                    id: PoolId(row.id),
                    node: NodeId(row.node_id),
                    node_name: row.node_name,
                    purpose: decode::purpose(&row.purpose)?,
                    v4: decode::v4_net(row.v4),
                    v6: decode::v6_net(row.v6),
                    live: count(row.live),
                    quarantined: count(row.quarantined),
                    begun_last_week: count(row.begun),
                })
            })
            .collect()
    }

    /// Updates that failed; open ones first, newest first. A page beyond the last one is the last one.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn dead_letters(&self, page: u16, per_page: u16) -> Result<Page<DeadLetterRow>> {
        let mut conn = self.conn().await?;
        let query = diesel::sql_query("SELECT count(*) AS n FROM dead_letters");
        let total = count(RunQueryDsl::get_result::<Total>(Planned(query), &mut conn).await?.n);
        let (page, pages) = page_of(total, page, per_page);
        let query = diesel::sql_query(letters_sql!("ORDER BY replayed_at IS NOT NULL, id DESC LIMIT $1 OFFSET $2"))
            .bind::<BigInt, _>(i64::from(per_page))
            .bind::<BigInt, _>(i64::from(page) * i64::from(per_page));
        let rows: Vec<DeadLetter> = RunQueryDsl::load(Planned(query), &mut conn).await?;
        Ok(Page { rows: rows.into_iter().map(DeadLetter::row).collect(), page, pages, total })
    }

    /// One of them.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn dead_letter(&self, id: DeadLetterId) -> Result<Option<DeadLetterRow>> {
        let mut conn = self.conn().await?;
        let query = diesel::sql_query(letters_sql!("WHERE id = $1")).bind::<BigInt, _>(id.0);
        let row = RunQueryDsl::get_result::<DeadLetter>(Planned(query), &mut conn).await.optional()?;
        Ok(row.map(DeadLetter::row))
    }
}

fn by_status(products: &[(Product, ServiceStatus, u64)]) -> Vec<(String, u64)> {
    let of = |status: ServiceStatus| products.iter().filter(|(_, known, _)| *known == status).map(|(.., n)| n).sum();
    STATUSES.iter().map(|status| (status.as_str().to_owned(), of(*status))).collect()
}

#[derive(QueryableByName)]
struct ByProduct {
    #[diesel(sql_type = Text)]
    product: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// The dead ones are most of them, and this is asked every few seconds: it reads an index alone, in its order.
async fn services_by_product(conn: &mut Conn) -> Result<Vec<(Product, ServiceStatus, u64)>> {
    let query = diesel::sql_query(
        "SELECT product, status, count(*) AS n FROM services GROUP BY product, status ORDER BY product, status",
    );
    let rows: Vec<ByProduct> = RunQueryDsl::load(Planned(query), conn).await?;
    rows.into_iter()
        .map(|row| Ok((decode::product(&row.product)?, decode::status(&row.status)?, count(row.n))))
        .collect()
}

async fn outbox_by_priority(conn: &mut Conn) -> Result<Vec<(String, u64)>> {
    let query = diesel::sql_query(
        "SELECT priority, count(*) AS n FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL GROUP BY priority",
    );
    let rows: Vec<ByPriority> = RunQueryDsl::load(Planned(query), conn).await?;
    let of = |priority: Priority| {
        rows.iter().filter(|row| Priority::from_i16(row.priority) == priority).map(|row| count(row.n)).sum()
    };
    let all = [Priority::Reply, Priority::Delivery, Priority::Notice];
    Ok(all.into_iter().map(|priority| (priority.as_str().to_owned(), of(priority))).collect())
}

#[cfg(test)]
mod tests;
