//! Storing what Telegram sent, each update once.

use super::{Row, in_order};
use crate::StoreError;
use crate::error::TxResult;
use crate::model::{InboxRow, NewUpdate};
use crate::schema::inbox;
use crate::store::sql::Planned;
use crate::store::{Conn, Result, Store};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bytea, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use usipipo_domain::ids::BotId;

/// Telegram keeps updates for a day, so an id that comes again after this time belongs to another update: after a quiet
/// week its numbers start anew.
const SERIES_DAYS: i64 = 2;

/// Ignored rows are kept for people to read, and are done from the start.
const INSERT: &str = "
    INSERT INTO inbox (bot_id, update_id, user_id, lane, raw, received_at, attempts, done_at, outcome)
    SELECT $1, t.update_id, t.user_id, t.lane, t.raw, $6, $7,
           CASE WHEN t.lane = 'ignored' THEN $6 END, CASE WHEN t.lane = 'ignored' THEN 'ignored' END
    FROM unnest($2, $3, $4, $5) WITH ORDINALITY AS t (update_id, user_id, lane, raw, n)
    ORDER BY t.n
    ON CONFLICT (bot_id, update_id) DO NOTHING
    RETURNING seq, user_id, lane, raw, attempts, received_at, update_id";

#[derive(diesel::QueryableByName)]
struct Stored {
    #[diesel(embed)]
    kept: Row,
    #[diesel(sql_type = Nullable<BigInt>)]
    update_id: Option<i64>,
}

async fn insert(
    conn: &mut Conn,
    bot: BotId,
    updates: &[&NewUpdate],
    attempts: i16,
    now: DateTime<Utc>,
) -> TxResult<Vec<Stored>> {
    let query = diesel::sql_query(INSERT)
        .bind::<BigInt, _>(bot.0)
        .bind::<Array<Nullable<BigInt>>, _>(updates.iter().map(|update| update.update_id).collect::<Vec<_>>())
        .bind::<Array<Nullable<BigInt>>, _>(
            updates.iter().map(|update| update.user.map(|user| user.0)).collect::<Vec<_>>(),
        )
        .bind::<Array<Text>, _>(updates.iter().map(|update| update.lane).collect::<Vec<_>>())
        .bind::<Array<Bytea>, _>(updates.iter().map(|update| update.raw.as_slice()).collect::<Vec<_>>())
        .bind::<Timestamptz, _>(now)
        .bind::<SmallInt, _>(attempts);
    Ok(RunQueryDsl::load(Planned(query), conn).await?)
}

async fn insert_new_series(
    conn: &mut Conn,
    bot: BotId,
    updates: &[&NewUpdate],
    attempts: i16,
    now: DateTime<Utc>,
) -> TxResult<Vec<InboxRow>> {
    let mut stored = insert(conn, bot, updates, attempts, now).await?;
    if stored.len() < updates.len() {
        let known: Vec<i64> = updates
            .iter()
            .filter_map(|update| update.update_id)
            .filter(|id| !stored.iter().any(|stored| stored.update_id == Some(*id)))
            .collect();
        // The old row keeps everything but the number, which is the new one's now.
        let old = inbox::bot_id.eq(bot.0).and(inbox::update_id.eq_any(&known));
        let freed: Vec<Option<i64>> = diesel::update(inbox::table)
            .filter(old.and(inbox::received_at.lt(now - TimeDelta::days(SERIES_DAYS))))
            .set(inbox::update_id.eq(None::<i64>))
            .returning(diesel::dsl::sql::<Nullable<BigInt>>("NULL::bigint"))
            .load(conn)
            .await?;
        if !freed.is_empty() {
            let again: Vec<&NewUpdate> = updates
                .iter()
                .copied()
                .filter(|update| update.update_id.is_some_and(|id| known.contains(&id)))
                .collect();
            stored.extend(insert(conn, bot, &again, attempts, now).await?);
        }
    }
    Ok(in_order(stored.into_iter().map(|stored| stored.kept).collect()))
}

impl Store {
    /// Stores updates in one statement (row by row if that is refused), not fenced: a standby takes webhooks too. Returns the
    /// rows that are new, in order, their first attempt counted when `deliver` is set (the caller hands them on at once).
    /// Rows of the lane `ignored` are done from the start. An id seen more than two days ago belongs to a new series and is
    /// stored again.
    ///
    /// An update that is refused even alone is stored as `ignored`, so that its bytes are kept; if that is refused too, it is
    /// counted (`usipipo_inbox_unstorable_total`), logged and left out, so that it does not hold up the others for ever.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer: then nothing or only a part was stored, and the same
    /// call is to be made again.
    pub async fn store_updates(
        &self,
        bot: BotId,
        updates: Vec<NewUpdate>,
        deliver: bool,
        now: DateTime<Utc>,
    ) -> Result<Vec<InboxRow>> {
        if updates.is_empty() {
            return Ok(Vec::new());
        }
        let attempts = i16::from(deliver);
        let all: Vec<&NewUpdate> = updates.iter().collect();
        match self.store_batch(bot, &all, attempts, now).await {
            Err(StoreError::Broken(error)) => {
                tracing::warn!(count = all.len(), error, "a batch of updates was refused; storing them one by one");
            }
            other => return other,
        }
        let mut rows = Vec::new();
        for update in &updates {
            let stored = match self.store_batch(bot, &[update], attempts, now).await {
                Err(StoreError::Broken(_)) => {
                    let bare =
                        NewUpdate { update_id: update.update_id, user: None, lane: "ignored", raw: update.raw.clone() };
                    self.store_batch(bot, &[&bare], attempts, now).await
                }
                other => other,
            };
            match stored {
                Ok(stored) => rows.extend(stored),
                Err(StoreError::Broken(error)) => {
                    metrics::counter!("usipipo_inbox_unstorable_total").increment(1);
                    tracing::error!(
                        update_id = update.update_id,
                        bytes = update.raw.len(),
                        error,
                        "an update cannot be stored"
                    );
                }
                Err(error) => return Err(error),
            }
        }
        Ok(rows)
    }

    async fn store_batch(
        &self,
        bot: BotId,
        updates: &[&NewUpdate],
        attempts: i16,
        now: DateTime<Utc>,
    ) -> Result<Vec<InboxRow>> {
        self.tx("store_updates", async |conn| insert_new_series(conn, bot, updates, attempts, now).await).await
    }
}
