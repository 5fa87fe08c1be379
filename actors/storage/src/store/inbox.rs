//! Updates as they came: stored first, handed out with each attempt counted, marked as done.

mod store_updates;
#[cfg(test)]
mod tests;

use super::queue::{self, NewMessage};
use super::sql::Planned;
use super::{Result, Store};
use crate::model::{Epoch, InboxRow};
use crate::schema::inbox;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use usipipo_domain::ids::{InboxSeq, UserId};
use usipipo_domain::outgoing::{Body, OutboxMessage, Outgoing, Place, Priority};
use usipipo_domain::screen::Screen;

/// Seconds in which a user is told at most once to slow down.
const SLOW_DOWN_SECONDS: i64 = 60;

#[derive(diesel::QueryableByName)]
#[diesel(table_name = inbox)]
struct Row {
    seq: i64,
    user_id: Option<i64>,
    lane: String,
    raw: Vec<u8>,
    attempts: i16,
    received_at: DateTime<Utc>,
}

impl From<Row> for InboxRow {
    fn from(row: Row) -> Self {
        Self {
            seq: InboxSeq(row.seq),
            user: row.user_id.map(UserId),
            lane: row.lane,
            raw: row.raw,
            attempts: u16::try_from(row.attempts).unwrap_or_default(),
            received_at: row.received_at,
        }
    }
}

fn in_order(rows: Vec<Row>) -> Vec<InboxRow> {
    let mut rows: Vec<InboxRow> = rows.into_iter().map(InboxRow::from).collect();
    rows.sort_unstable_by_key(|row| row.seq);
    rows
}

fn as_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// The count stops at its type's end; an update is given up long before.
const TAKE_FOR_USER: &str = "
    UPDATE inbox SET attempts = least(attempts + 1, 32767)
    WHERE seq IN (SELECT seq FROM inbox WHERE lane = 'session' AND user_id = $1 AND done_at IS NULL
                  ORDER BY seq LIMIT $2 FOR UPDATE)
    RETURNING seq, user_id, lane, raw, attempts, received_at";

const TAKE_FOR_LANE: &str = "
    UPDATE inbox SET attempts = least(attempts + 1, 32767)
    WHERE seq IN (SELECT seq FROM inbox WHERE lane = $1 AND done_at IS NULL ORDER BY seq LIMIT $2 FOR UPDATE)
    RETURNING seq, user_id, lane, raw, attempts, received_at";

impl Store {
    /// Users with undone session rows, oldest first.
    ///
    /// # Errors
    /// [`crate::StoreError`] when the database does not answer.
    pub async fn waiting_users(&self, limit: usize) -> Result<Vec<UserId>> {
        let mut conn = self.conn().await?;
        let users: Vec<Option<i64>> = inbox::table
            .filter(inbox::lane.eq("session").and(inbox::done_at.is_null()).and(inbox::user_id.is_not_null()))
            .group_by(inbox::user_id)
            .order(diesel::dsl::min(inbox::seq))
            .limit(as_limit(limit))
            .select(inbox::user_id)
            .load(&mut conn)
            .await?;
        Ok(users.into_iter().flatten().map(UserId).collect())
    }

    /// The user's undone session rows in order, each attempt counted first.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`] when the epoch is over, or the database does not answer.
    pub async fn take_for_user(&self, epoch: Epoch, user: UserId, limit: usize) -> Result<Vec<InboxRow>> {
        self.fenced("take_for_user", epoch, async |conn| {
            let query = diesel::sql_query(TAKE_FOR_USER).bind::<BigInt, _>(user.0).bind::<BigInt, _>(as_limit(limit));
            Ok(in_order(RunQueryDsl::load(Planned(query), conn).await?))
        })
        .await
    }

    /// Undone rows of the other lanes in order, each attempt counted first.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`] when the epoch is over, or the database does not answer.
    pub async fn take_for_lane(&self, epoch: Epoch, lane: &'static str, limit: usize) -> Result<Vec<InboxRow>> {
        self.fenced("take_for_lane", epoch, async |conn| {
            let query = diesel::sql_query(TAKE_FOR_LANE).bind::<Text, _>(lane).bind::<BigInt, _>(as_limit(limit));
            Ok(in_order(RunQueryDsl::load(Planned(query), conn).await?))
        })
        .await
    }

    /// Undone session rows of one user.
    ///
    /// # Errors
    /// [`crate::StoreError`] when the database does not answer.
    pub async fn backlog_of(&self, user: UserId) -> Result<u64> {
        let mut conn = self.conn().await?;
        let count: i64 = inbox::table
            .filter(inbox::lane.eq("session").and(inbox::user_id.eq(user.0)).and(inbox::done_at.is_null()))
            .count()
            .get_result(&mut conn)
            .await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Marks all but the oldest `keep` undone session rows of a user as shed and queues one "slow down" (at most one a
    /// minute). Returns how many were shed and the rows to send.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`] when the epoch is over, or the database does not answer.
    pub async fn shed(
        &self,
        epoch: Epoch,
        user: UserId,
        keep: usize,
        now: DateTime<Utc>,
    ) -> Result<(u64, Vec<OutboxMessage>)> {
        self.fenced("shed", epoch, async |conn| {
            let extra: Vec<i64> = inbox::table
                .filter(inbox::lane.eq("session").and(inbox::user_id.eq(user.0)).and(inbox::done_at.is_null()))
                .order(inbox::seq)
                .offset(as_limit(keep))
                .select(inbox::seq)
                .for_update()
                .load(conn)
                .await?;
            if extra.is_empty() {
                return Ok((0, Vec::new()));
            }
            diesel::update(inbox::table.filter(inbox::seq.eq_any(&extra)))
                .set((inbox::done_at.eq(now), inbox::outcome.eq("shed")))
                .execute(conn)
                .await?;
            let content = Outgoing::new(Body::Screen { screen: Screen::SlowDown, place: Place::New });
            let dedupe = format!("slow_down/{user}/{}", now.timestamp().div_euclid(SLOW_DOWN_SECONDS));
            let message = NewMessage::once(user, Priority::Reply, content, dedupe);
            let messages = queue::insert(conn, vec![message], now).await?;
            Ok((u64::try_from(extra.len()).unwrap_or(u64::MAX), messages))
        })
        .await
    }

    /// Marks rows as done without a step. Rows that are done already stay as they are.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`] when the epoch is over, or the database does not answer.
    pub async fn finish(&self, epoch: Epoch, seqs: &[InboxSeq], ignored: bool, now: DateTime<Utc>) -> Result<()> {
        let mut seqs: Vec<i64> = seqs.iter().map(|seq| seq.0).collect();
        seqs.sort_unstable();
        let outcome = if ignored { "ignored" } else { "handled" };
        self.fenced("finish", epoch, async |conn| {
            diesel::update(inbox::table.filter(inbox::seq.eq_any(&seqs).and(inbox::done_at.is_null())))
                .set((inbox::done_at.eq(now), inbox::outcome.eq(outcome)))
                .execute(conn)
                .await?;
            Ok(())
        })
        .await
    }
}
