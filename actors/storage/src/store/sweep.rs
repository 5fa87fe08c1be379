//! What time brings: services end, pending ones are late, and what is kept for a time only goes.

use super::audit::{self, Entry};
use super::decode::limited;
use super::queue::{self, NewMessage};
use super::sql::Planned;
use super::{Conn, Result, Store};
use crate::error::TxResult;
use crate::model::{Epoch, Swept};
use crate::schema::services;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::json;
use std::collections::BTreeSet;
use usipipo_domain::ids::{NodeId, ServiceId, UserId};
use usipipo_domain::outgoing::{Body, OutboxMessage, Outgoing, Place, Priority};
use usipipo_domain::screen::Screen;

#[derive(QueryableByName)]
struct Ended {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    user_id: i64,
    #[diesel(sql_type = Integer)]
    node_id: i32,
    #[diesel(sql_type = Timestamptz)]
    ends_at: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    reachable: bool,
}

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
const EXPIRE: &str = "
    WITH due AS (
        SELECT id FROM services
        WHERE status = 'active' AND ends_at <= $1
        ORDER BY ends_at, id
        LIMIT $2
        FOR NO KEY UPDATE SKIP LOCKED
    ), ended AS (
        UPDATE services s SET status = 'suspended', reasons = ARRAY['expiry']
        FROM due, users u
        WHERE s.id = due.id AND u.id = s.user_id
        RETURNING s.id, s.user_id, s.node_id, s.ends_at, u.blocked_at IS NULL AS reachable
    )
    SELECT * FROM ended ORDER BY ends_at, id";

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

impl Store {
    /// The next moment at which something ends; it may have passed.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn next_expiry(&self) -> Result<Option<DateTime<Utc>>> {
        let mut conn = self.conn().await?;
        let first = services::table
            .filter(services::status.eq("active"))
            .select(diesel::dsl::min(services::ends_at))
            .get_result(&mut conn)
            .await?;
        Ok(first)
    }

    /// Suspends (reason expiry) active services that are over, at most `limit`, those that ended first first; tells each owner
    /// once per period. Nothing left to do when fewer than `limit` come back.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`], or [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn expire_due(&self, epoch: Epoch, now: DateTime<Utc>, limit: usize) -> Result<Swept> {
        self.fenced("expire_due", epoch, async |conn| {
            let query = diesel::sql_query(EXPIRE).bind::<Timestamptz, _>(now).bind::<BigInt, _>(limited(limit));
            let ended: Vec<Ended> = RunQueryDsl::load(Planned(query), conn).await?;
            let entries: Vec<Entry> = ended
                .iter()
                .map(|service| Entry {
                    user: None,
                    action: "service.suspend",
                    subject: format!("service/{}", service.id),
                    details: json!({ "reason": "expiry", "ends_at": service.ends_at }),
                    seq: None,
                })
                .collect();
            audit::write(conn, &entries, now).await?;
            let messages = ended.iter().filter(|service| service.reachable).map(notice).collect();
            Ok(Swept {
                services: ended.iter().map(|service| ServiceId(service.id)).collect(),
                wake: ended
                    .iter()
                    .map(|service| service.node_id)
                    .collect::<BTreeSet<_>>()
                    .into_iter()
                    .map(NodeId)
                    .collect(),
                messages: queue::insert(conn, messages, now).await?,
            })
        })
        .await
    }

    /// Pending services older than this whose owner was not told yet: queues `Waiting` in place of progress, once each, at
    /// most `limit`.
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
            let query = diesel::sql_query(LATE)
                .bind::<Timestamptz, _>(created_before)
                .bind::<Timestamptz, _>(now)
                .bind::<BigInt, _>(limited(limit));
            let late: Vec<Late> = RunQueryDsl::load(Planned(query), conn).await?;
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
}

async fn tidy_one(conn: &mut Conn, sql: &'static str, before: DateTime<Utc>, limit: usize) -> TxResult<u64> {
    let query = diesel::sql_query(sql).bind::<Timestamptz, _>(before).bind::<BigInt, _>(limited(limit));
    Ok(RunQueryDsl::execute(Planned(query), conn).await? as u64)
}

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

/// The key holds the end, so that a service that is renewed and ends again is told again.
fn notice(service: &Ended) -> NewMessage {
    let dedupe = format!("ended/{}/{}", service.id, service.ends_at.timestamp());
    let content = Outgoing::new(Body::Ended { service: ServiceId(service.id) });
    NewMessage::once(UserId(service.user_id), Priority::Notice, content, dedupe)
}

fn waiting(service: &Late) -> NewMessage {
    let screen = Screen::Waiting { service: ServiceId(service.id) };
    let content = Outgoing::new(Body::Screen { screen, place: Place::Progress });
    NewMessage::new(UserId(service.user_id), Priority::Delivery, content)
}

#[cfg(test)]
mod tests;
