//! Messages on their way to Telegram: what is due, and what became of it.

use super::audit::{self, Entry};
use super::decode::{limited, short};
use super::queue::{self, NewMessage};
use super::sql::Planned;
use super::{Conn, Result, Store};
use crate::error::TxResult;
use crate::model::{Epoch, SendFailure, SentMessage};
use chrono::{DateTime, Utc};
use diesel::prelude::QueryableByName;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde::Deserialize as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use usipipo_domain::dialogue::{STATE_VERSION, State};
use usipipo_domain::ids::{OutboxId, UserId};
use usipipo_domain::outgoing::{OutboxMessage, Outgoing, Priority};
use usipipo_domain::screen::Screen;

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    chat_id: i64,
    #[diesel(sql_type = SmallInt)]
    priority: i16,
    #[diesel(sql_type = SmallInt)]
    attempts: i16,
    #[diesel(sql_type = Timestamptz)]
    due_at: DateTime<Utc>,
    #[diesel(sql_type = Jsonb)]
    content: Value,
}

impl Due {
    fn message(&self, now: DateTime<Utc>) -> Option<OutboxMessage> {
        Some(OutboxMessage {
            id: OutboxId(self.id),
            chat: UserId(self.chat_id),
            priority: Priority::from_i16(self.priority),
            attempts: u16::try_from(self.attempts).unwrap_or(0),
            wait: (self.due_at - now).to_std().unwrap_or_default(),
            content: Outgoing::deserialize(&self.content).ok()?,
        })
    }
}

impl Store {
    /// Rows that wait, by priority and id, not those in `except`; those that are not due yet say for how long, so that a
    /// younger one does not overtake them. Rows that this program cannot read (another version wrote them) are given up, so
    /// that they do not stand in the way of the others.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn outbox_waiting(
        &self,
        now: DateTime<Utc>,
        except: &[OutboxId],
        limit: usize,
    ) -> Result<Vec<OutboxMessage>> {
        let except: Vec<i64> = except.iter().map(|id| id.0).collect();
        let mut conn = self.conn().await?;
        let query = diesel::sql_query(
            "SELECT id, chat_id, priority, attempts, due_at, content FROM outbox
             WHERE sent_at IS NULL AND failed_at IS NULL AND id <> ALL ($1)
             ORDER BY priority, id LIMIT $2",
        )
        .bind::<Array<BigInt>, _>(&except)
        .bind::<BigInt, _>(limited(limit));
        let rows: Vec<Due> = RunQueryDsl::load(Planned(query), &mut conn).await?;
        let messages: Vec<OutboxMessage> = rows.iter().filter_map(|row| row.message(now)).collect();
        if messages.len() < rows.len() {
            let unreadable: Vec<i64> = rows.iter().filter(|row| row.message(now).is_none()).map(|row| row.id).collect();
            tracing::error!(rows = ?unreadable, "outbox rows cannot be read and are given up");
            give_up(&mut conn, &unreadable, "this version of the program cannot read it", now).await?;
        }
        Ok(messages)
    }

    /// Queues a message outside a step; `None` when its `dedupe` is known already.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`], or [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn enqueue(
        &self,
        epoch: Epoch,
        chat: UserId,
        priority: Priority,
        content: &Outgoing,
        dedupe: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Option<OutboxMessage>> {
        self.fenced("enqueue", epoch, async |conn| {
            let dedupe = dedupe.map(str::to_owned);
            let message = NewMessage { chat, priority, content: content.clone(), dedupe };
            Ok(queue::insert(conn, vec![message], now).await?.pop())
        })
        .await
    }

    /// Marks a batch as sent and notes which message shows which screen, in one statement each.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`], or [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn mark_sent(&self, epoch: Epoch, sent: &[SentMessage], now: DateTime<Utc>) -> Result<()> {
        if sent.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = sent.iter().map(|message| message.id.0).collect();
        // The last one of each chat is what the chat shows.
        let shown: BTreeMap<i64, &(i32, Screen)> =
            sent.iter().filter_map(|message| Some((message.chat.0, message.shown.as_ref()?))).collect();
        self.fenced("mark_sent", epoch, async |conn| {
            // Said so that the index of waiting rows is not thought of: it is full of entries of rows that were sent a moment
            // ago, and the rows are found by their numbers.
            let query = diesel::sql_query(
                "UPDATE outbox SET sent_at = $2, attempts = attempts + 1, error = NULL
                 WHERE id = ANY ($1) AND coalesce(sent_at, failed_at) IS NULL",
            )
            .bind::<Array<BigInt>, _>(&ids)
            .bind::<Timestamptz, _>(now);
            RunQueryDsl::execute(Planned(query), conn).await?;
            note_screens(conn, &shown, now).await
        })
        .await
    }

    /// Keeps what became of a message that Telegram did not take.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`], or [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn mark_failure(
        &self,
        epoch: Epoch,
        id: OutboxId,
        failure: &SendFailure,
        now: DateTime<Utc>,
    ) -> Result<()> {
        self.fenced("mark_failure", epoch, async |conn| match failure {
            SendFailure::Retry { at, error } => {
                let query = diesel::sql_query(
                    "UPDATE outbox SET attempts = least(attempts::integer + 1, 32767), due_at = $2, error = $3
                     WHERE id = $1 AND sent_at IS NULL AND failed_at IS NULL",
                )
                .bind::<BigInt, _>(id.0)
                .bind::<Timestamptz, _>(at)
                .bind::<Text, _>(short(error));
                RunQueryDsl::execute(Planned(query), conn).await?;
                Ok(())
            }
            SendFailure::Failed { error, blocked } => {
                give_up(conn, &[id.0], error, now).await?;
                if *blocked { block(conn, id, now).await } else { Ok(()) }
            }
        })
        .await
    }
}

async fn give_up(
    conn: &mut Conn,
    ids: &[i64],
    error: &str,
    now: DateTime<Utc>,
) -> std::result::Result<usize, diesel::result::Error> {
    let query = diesel::sql_query(
        "UPDATE outbox SET failed_at = $2, error = $3, attempts = least(attempts::integer + 1, 32767)
         WHERE id = ANY ($1) AND sent_at IS NULL AND failed_at IS NULL",
    )
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Timestamptz, _>(now)
    .bind::<Text, _>(short(error));
    RunQueryDsl::execute(Planned(query), conn).await
}

#[derive(QueryableByName)]
struct Blocked {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// The chat of this row takes nothing any more: what else waits for it is given up, until its user comes back.
async fn block(conn: &mut Conn, id: OutboxId, now: DateTime<Utc>) -> TxResult<()> {
    let query = diesel::sql_query(
        "UPDATE outbox SET failed_at = $2, error = 'the user blocked the bot'
         WHERE chat_id = (SELECT chat_id FROM outbox WHERE id = $1) AND sent_at IS NULL AND failed_at IS NULL",
    )
    .bind::<BigInt, _>(id.0)
    .bind::<Timestamptz, _>(now);
    RunQueryDsl::execute(Planned(query), conn).await?;
    let query = diesel::sql_query(
        "UPDATE users SET blocked_at = $2
         WHERE id = (SELECT chat_id FROM outbox WHERE id = $1) AND blocked_at IS NULL RETURNING id",
    )
    .bind::<BigInt, _>(id.0)
    .bind::<Timestamptz, _>(now);
    let blocked: Vec<Blocked> = RunQueryDsl::load(Planned(query), conn).await?;
    let entries: Vec<Entry> = blocked
        .iter()
        .map(|user| Entry {
            user: None,
            action: "user.block",
            subject: format!("user/{}", user.id),
            details: json!({ "seen": "a message was refused" }),
            seq: None,
        })
        .collect();
    audit::write(conn, &entries, now).await
}

/// Chats of people who never wrote have no row; nothing is to be replaced there.
async fn note_screens(conn: &mut Conn, shown: &BTreeMap<i64, &(i32, Screen)>, now: DateTime<Utc>) -> TxResult<()> {
    if shown.is_empty() {
        return Ok(());
    }
    let chats: Vec<i64> = shown.keys().copied().collect();
    let messages: Vec<i32> = shown.values().map(|(message, _)| *message).collect();
    let screens =
        shown.values().map(|(_, screen)| serde_json::to_value(screen)).collect::<std::result::Result<Vec<_>, _>>()?;
    let query = diesel::sql_query(
        "INSERT INTO dialogues (user_id, version, state, screen, screen_message_id, screen_at)
         SELECT u.id, $5, $6, t.screen, t.message, $4
         FROM unnest($1, $2, $3) AS t (chat, message, screen) JOIN users u ON u.id = t.chat
         ORDER BY u.id
         ON CONFLICT (user_id) DO UPDATE
         SET screen = excluded.screen, screen_message_id = excluded.screen_message_id, screen_at = excluded.screen_at",
    )
    .bind::<Array<BigInt>, _>(&chats)
    .bind::<Array<Integer>, _>(&messages)
    .bind::<Array<Jsonb>, _>(&screens)
    .bind::<Timestamptz, _>(now)
    .bind::<SmallInt, _>(STATE_VERSION)
    .bind::<Jsonb, _>(serde_json::to_value(State::default())?);
    RunQueryDsl::execute(Planned(query), conn).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
