//! What time brings: services end, pending ones are late, and what is kept for a time only goes.

use super::decode::limited;
use super::queue::{self, NewMessage};
use super::sql::Planned;
use super::suspend::{self, Gained};
use super::{Conn, Result, Store};
use crate::error::TxResult;
use crate::model::{Epoch, Swept};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Date, Timestamptz};
use diesel_async::RunQueryDsl;
use usipipo_domain::ids::{ServiceId, UserId};
use usipipo_domain::outgoing::{Body, OutboxMessage, Outgoing, Place, Priority};
use usipipo_domain::screen::Screen;
use usipipo_domain::service::SuspendReason;

#[derive(QueryableByName)]
struct Late {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    user_id: i64,
    #[diesel(sql_type = Bool)]
    reachable: bool,
}

/// Rows that somebody else is changing right now are left for the next look.
macro_rules! expire_sql {
    ($which:literal) => {
        concat!(
            "WITH due AS (
                SELECT id FROM services
                WHERE ",
            $which,
            " AND ends_at <= $1
                ORDER BY ends_at, id
                LIMIT $2
                FOR NO KEY UPDATE SKIP LOCKED
            ), ended AS (
                UPDATE services s SET status = 'suspended', reasons = array_append(s.reasons, 'expiry')
                FROM due, users u
                WHERE s.id = due.id AND u.id = s.user_id
                RETURNING s.id, s.user_id, s.node_id, s.ends_at, s.quota_bytes, s.period, u.blocked_at IS NULL AS tell
            )
            SELECT * FROM ended ORDER BY ends_at, id"
        )
    };
}

const EXPIRE: [&str; 2] =
    [expire_sql!("status = 'active'"), expire_sql!("status = 'suspended' AND NOT reasons @> ARRAY['expiry']")];

const LATE: &str = "
    WITH late AS (
        SELECT id FROM services
        WHERE status = 'pending' AND created_at < $1 AND late_told_at IS NULL
        ORDER BY created_at, id
        LIMIT $3
        FOR NO KEY UPDATE SKIP LOCKED
    ), told AS (
        UPDATE services s SET late_told_at = $2
        FROM late, users u
        WHERE s.id = late.id AND u.id = s.user_id
        RETURNING s.id, s.user_id, s.created_at, u.blocked_at IS NULL AS reachable
    )
    SELECT id, user_id, reachable FROM told ORDER BY created_at, id";

/// New keys of services that work. The service is locked, as everybody does who changes its keys; what happened to the key
/// just before that is looked at again.
macro_rules! late_keys_sql {
    ($table:literal) => {
        concat!(
            "WITH late AS (
                SELECT k.id, k.service_id
                FROM ",
            $table,
            " k JOIN services s ON s.id = k.service_id
                WHERE k.created_at < $1 AND k.told_at IS NULL AND k.retired_at IS NULL AND k.late_told_at IS NULL
                  AND s.status = 'active'
                ORDER BY k.created_at, k.id
                LIMIT $3
                FOR NO KEY UPDATE OF s SKIP LOCKED
            ), told AS (
                UPDATE ",
            $table,
            " k SET late_told_at = $2
                FROM late, services s, users u
                WHERE k.id = late.id AND k.told_at IS NULL AND k.retired_at IS NULL
                  AND s.id = late.service_id AND u.id = s.user_id
                RETURNING k.id AS key, k.service_id AS id, s.user_id, k.created_at, u.blocked_at IS NULL AS reachable
            )
            SELECT id, user_id, reachable FROM told ORDER BY created_at, key"
        )
    };
}

impl Store {
    /// Suspends (reason expiry) services that are over, at most `limit`, those that ended first first; one that is suspended
    /// already gains the reason. Tells each owner once per period, after their quiet hours. Nothing
    /// is left to do when fewer than `limit` come back.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`], or [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn expire_due(&self, epoch: Epoch, now: DateTime<Utc>, limit: usize) -> Result<Swept> {
        self.fenced("expire_due", epoch, async |conn| {
            let mut ended: Vec<Gained> = Vec::new();
            for sql in EXPIRE {
                let left = limited(limit).saturating_sub(i64::try_from(ended.len()).unwrap_or(i64::MAX));
                let query = diesel::sql_query(sql).bind::<Timestamptz, _>(now).bind::<BigInt, _>(left);
                ended.extend(RunQueryDsl::load::<Gained>(Planned(query), conn).await?);
            }
            suspend::gained(conn, &ended, SuspendReason::Expiry, self.hours, now).await
        })
        .await
    }

    /// Services that wait for their server since before `created_before`, and keys that are to replace one and wait as long,
    /// whose owner was not told yet: queues `Waiting` in place of progress, once each, at most `limit`.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`], or [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn tell_waiting(
        &self,
        epoch: Epoch,
        created_before: DateTime<Utc>,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<OutboxMessage>> {
        self.fenced("tell_waiting", epoch, async |conn| {
            let mut late: Vec<Late> = Vec::new();
            for sql in [LATE, late_keys_sql!("peers"), late_keys_sql!("access_keys")] {
                let left = limited(limit).saturating_sub(i64::try_from(late.len()).unwrap_or(i64::MAX));
                let query = diesel::sql_query(sql)
                    .bind::<Timestamptz, _>(created_before)
                    .bind::<Timestamptz, _>(now)
                    .bind::<BigInt, _>(left);
                late.extend(RunQueryDsl::load::<Late>(Planned(query), conn).await?);
            }
            let messages = late.iter().filter(|service| service.reachable).map(waiting).collect();
            queue::insert(conn, messages, now).await
        })
        .await
    }

    /// Empties the content of received messages done, or given up as dead letters, before `scrub_before`; deletes what is
    /// older than `delete_before`: inbox rows and dead letters, offers, outbox rows that are sent or given up. Each kind at
    /// most `limit` rows; returns the rows touched, zero when nothing is left.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`], or [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn tidy(
        &self,
        epoch: Epoch,
        scrub_before: DateTime<Utc>,
        delete_before: DateTime<Utc>,
        limit: usize,
    ) -> Result<u64> {
        let mut touched = 0;
        for (sql, before) in [
            (SCRUB_INBOX, scrub_before),
            (SCRUB_DEAD_LETTERS, scrub_before),
            (DELETE_INBOX, delete_before),
            (DELETE_DEAD_LETTERS, delete_before),
            (DELETE_OFFERS, delete_before),
            (DELETE_OUTBOX, delete_before),
        ] {
            // A transaction each, so that no lock is held for long.
            touched += self.fenced("tidy", epoch, async |conn| tidy_one(conn, sql, before, limit).await).await?;
        }
        Ok(touched)
    }

    /// Deletes what services used more than 90 days (UTC) ago, and fills in the period of services that began
    /// to work before there were periods, or under a program that does not know them. Each at most `limit` rows; returns the
    /// rows touched, zero when nothing is left.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`], or [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn tidy_services(&self, epoch: Epoch, now: DateTime<Utc>, limit: usize) -> Result<u64> {
        let before = now - USAGE_KEPT;
        let days = self
            .fenced("tidy_usage", epoch, async |conn| {
                let query = diesel::sql_query(DELETE_USAGE)
                    .bind::<Date, _>(before.date_naive())
                    .bind::<BigInt, _>(limited(limit));
                Ok(RunQueryDsl::execute(Planned(query), conn).await? as u64)
            })
            .await?;
        let begun =
            self.fenced("tidy_periods", epoch, async |conn| tidy_one(conn, BEGIN_PERIODS, now, limit).await).await?;
        Ok(days + begun)
    }
}

async fn tidy_one(conn: &mut Conn, sql: &'static str, before: DateTime<Utc>, limit: usize) -> TxResult<u64> {
    let query = diesel::sql_query(sql).bind::<Timestamptz, _>(before).bind::<BigInt, _>(limited(limit));
    Ok(RunQueryDsl::execute(Planned(query), conn).await? as u64)
}

/// How long the traffic of a day is kept.
const USAGE_KEPT: TimeDelta = TimeDelta::days(90);

/// Nobody adds to a day that is this long over, so that no service has to be locked.
const DELETE_USAGE: &str = "
    DELETE FROM usage_days WHERE (service_id, day) IN (
        SELECT service_id, day FROM usage_days WHERE day < $1 ORDER BY day, service_id LIMIT $2
    )";

/// It was due to be looked at for reminders when it began; its period holds what it used until now.
const BEGIN_PERIODS: &str = "
    UPDATE services SET period_at = activated_at, remind_at = coalesce(remind_at, activated_at) WHERE id IN (
        SELECT id FROM services
        WHERE status IN ('active', 'suspended') AND period_at IS NULL AND activated_at <= $1
        ORDER BY id
        LIMIT $2
        FOR NO KEY UPDATE SKIP LOCKED
    )";

const SCRUB_INBOX: &str = "
    UPDATE inbox SET raw = '' WHERE seq IN (
        SELECT seq FROM inbox WHERE raw <> '' AND received_at < $1 AND done_at < $1 ORDER BY received_at LIMIT $2
    )";

const SCRUB_DEAD_LETTERS: &str = "
    UPDATE dead_letters SET raw = '' WHERE id IN (
        SELECT id FROM dead_letters WHERE raw <> '' AND created_at < $1 ORDER BY id LIMIT $2
    )";

/// Numbers grow with time: a look at the oldest rows is enough, and undone ones are never that old for long.
const DELETE_INBOX: &str = "
    DELETE FROM inbox WHERE seq IN (SELECT seq FROM inbox WHERE done_at IS NOT NULL ORDER BY seq LIMIT $2)
    AND received_at < $1 AND done_at < $1";

const DELETE_DEAD_LETTERS: &str = "
    DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters ORDER BY id LIMIT $2) AND created_at < $1";

const DELETE_OFFERS: &str = "
    DELETE FROM offers WHERE id IN (SELECT id FROM offers WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";

const DELETE_OUTBOX: &str = "
    DELETE FROM outbox WHERE id IN (
        SELECT id FROM outbox WHERE sent_at IS NOT NULL OR failed_at IS NOT NULL ORDER BY id LIMIT $2
    ) AND created_at < $1";

fn waiting(service: &Late) -> NewMessage {
    let screen = Screen::Waiting { service: ServiceId(service.id) };
    let content = Outgoing::new(Body::Screen { screen, place: Place::Progress });
    NewMessage::new(UserId(service.user_id), Priority::Delivery, content)
}

#[cfg(test)]
mod tests;
