//! Notices that are no answer to anybody and not about money: never inside quiet hours. Those that cannot be foreseen (traffic,
//! an end) wait for the end of the hours, in rows of their own: in the outbox they would hold back the rest of their chat.
//!
//! That holds for "80 %", for "100 %" and for "ended" alike: the first can wait, and whoever is awake and wonders why nothing
//! connects sees the reason at once on the card and in the lists. Reminders before an end are planned around the hours
//! ([`usipipo_domain::lifecycle::reminders`]).

use super::decode;
use super::queue::{self, NewMessage};
use super::sql::Planned;
use super::{Conn, Store};
use crate::error::TxResult;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::{QueryResult, QueryableByName};
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde::Deserialize as _;
use std::collections::BTreeMap;
use usipipo_domain::ids::{ServiceId, UserId};
use usipipo_domain::lifecycle::QuietHours;
use usipipo_domain::outgoing::{OutboxMessage, Outgoing, Priority};

/// Quiet hours and time zone of users who chose none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct NoticeHours {
    pub(super) quiet: Option<QuietHours>,
    pub(super) tz: Tz,
}

#[derive(QueryableByName)]
struct Hours {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    tz: String,
    #[diesel(sql_type = Nullable<SmallInt>)]
    quiet_from: Option<i16>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    quiet_to: Option<i16>,
}

impl Hours {
    /// When the quiet hours end in which it is now.
    fn quiet_until(&self, now: DateTime<Utc>, usual: NoticeHours) -> Option<DateTime<Utc>> {
        let quiet = decode::quiet(self.quiet_from, self.quiet_to).or(usual.quiet)?;
        quiet.around(now, self.tz.parse().unwrap_or(usual.tz)).map(|(_, end)| end)
    }
}

const HOURS: &str = "SELECT id, tz, quiet_from, quiet_to FROM users WHERE id = ANY ($1)";

const HOLD: &str = "
    INSERT INTO held_notices (dedupe, user_id, content, created_at, due_at)
    SELECT dedupe, user_id, content, $5, due_at FROM unnest($1, $2, $3, $4) AS t (dedupe, user_id, content, due_at)
    ON CONFLICT (dedupe) DO NOTHING";

/// Rows that another process is about to send are left to it.
const RELEASE: &str = "
    DELETE FROM held_notices WHERE dedupe IN (
        SELECT dedupe FROM held_notices WHERE due_at <= $1 ORDER BY due_at, dedupe LIMIT $2 FOR UPDATE SKIP LOCKED
    )
    RETURNING dedupe, user_id, content, due_at";

#[derive(QueryableByName)]
struct Held {
    #[diesel(sql_type = Text)]
    dedupe: String,
    #[diesel(sql_type = BigInt)]
    user_id: i64,
    #[diesel(sql_type = Jsonb)]
    content: serde_json::Value,
    #[diesel(sql_type = Timestamptz)]
    due_at: DateTime<Utc>,
}

/// Queues notices that have a dedupe key; those whose reader has quiet hours wait for their end, and are not in the result.
pub(super) async fn queue_or_hold(
    conn: &mut Conn,
    usual: NoticeHours,
    notices: Vec<NewMessage>,
    now: DateTime<Utc>,
) -> TxResult<Vec<OutboxMessage>> {
    if notices.is_empty() {
        return Ok(Vec::new());
    }
    let query = diesel::sql_query(HOURS)
        .bind::<Array<BigInt>, _>(notices.iter().map(|notice| notice.chat.0).collect::<Vec<_>>());
    let hours: Vec<Hours> = RunQueryDsl::load(Planned(query), conn).await?;
    let quiet: BTreeMap<i64, DateTime<Utc>> =
        hours.iter().filter_map(|hours| Some((hours.id, hours.quiet_until(now, usual)?))).collect();
    let (mut queued, mut held) = (Vec::new(), Vec::new());
    for notice in notices {
        match (quiet.get(&notice.chat.0), notice.dedupe.clone()) {
            (Some(until), Some(dedupe)) => held.push((dedupe, notice, *until)),
            _ => queued.push(notice),
        }
    }
    if !held.is_empty() {
        let contents =
            held.iter().map(|(_, notice, _)| serde_json::to_value(&notice.content)).collect::<Result<Vec<_>, _>>()?;
        let query = diesel::sql_query(HOLD)
            .bind::<Array<Text>, _>(held.iter().map(|(dedupe, ..)| dedupe.as_str()).collect::<Vec<_>>())
            .bind::<Array<BigInt>, _>(held.iter().map(|(_, notice, _)| notice.chat.0).collect::<Vec<_>>())
            .bind::<Array<Jsonb>, _>(contents)
            .bind::<Array<Timestamptz>, _>(held.iter().map(|(.., until)| *until).collect::<Vec<_>>())
            .bind::<Timestamptz, _>(now);
        RunQueryDsl::execute(Planned(query), conn).await?;
    }
    queue::insert(conn, queued, now).await
}

/// Queues notices whose hours are over, at most `limit`; says how many there were.
pub(super) async fn release(conn: &mut Conn, now: DateTime<Utc>, limit: i64) -> TxResult<(usize, Vec<OutboxMessage>)> {
    let query = diesel::sql_query(RELEASE).bind::<Timestamptz, _>(now).bind::<BigInt, _>(limit);
    let mut held: Vec<Held> = RunQueryDsl::load(Planned(query), conn).await?;
    held.sort_by(|a, b| (a.due_at, &a.dedupe).cmp(&(b.due_at, &b.dedupe)));
    let count = held.len();
    let mut notices = Vec::with_capacity(count);
    for notice in held {
        match Outgoing::deserialize(&notice.content) {
            Ok(content) => {
                notices.push(NewMessage::once(UserId(notice.user_id), Priority::Notice, content, notice.dedupe));
            }
            // Another version wrote it; the outbox gives such rows up as well.
            Err(error) => {
                tracing::error!(notice = notice.dedupe, %error, "a held notice cannot be read and is given up")
            }
        }
    }
    Ok((count, queue::insert(conn, notices, now).await?))
}

/// The keys are those that [`super::suspend`] and [`super::usage`] give.
const FORGET: &str = "
    DELETE FROM held_notices
    WHERE dedupe LIKE 'ended/' || $1 || '/%' OR dedupe LIKE 'over_quota/' || $1 || '/%' OR dedupe LIKE 'quota80/' || $1 || '/%'";

/// Drops what waits to be said about a service: it was renewed or ended by a person, so that it is not so any more.
pub(super) async fn forget(conn: &mut Conn, service: ServiceId) -> QueryResult<()> {
    RunQueryDsl::execute(Planned(diesel::sql_query(FORGET).bind::<BigInt, _>(service.0)), conn).await?;
    Ok(())
}

impl Store {
    /// Quiet hours and time zone (an IANA name; UTC if it is none) of users who chose none, for reminders and notices.
    /// Without this they are `None` and UTC.
    #[must_use]
    pub fn with_notice_hours(mut self, quiet: Option<QuietHours>, tz: &str) -> Self {
        self.hours = NoticeHours { quiet, tz: tz.parse().unwrap_or(Tz::UTC) };
        self
    }
}

#[cfg(test)]
mod tests;
