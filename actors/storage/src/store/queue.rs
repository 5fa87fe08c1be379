//! Rows that wait to be sent to Telegram.

use super::Conn;
use super::sql::Planned;
use crate::error::TxResult;
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use std::time::Duration;
use usipipo_domain::ids::{OutboxId, UserId};
use usipipo_domain::outgoing::{OutboxMessage, Outgoing, Priority};

/// A message to queue.
#[derive(Debug, Clone)]
pub(crate) struct NewMessage {
    pub(crate) chat: UserId,
    pub(crate) priority: Priority,
    pub(crate) content: Outgoing,
    /// At most one message for each, ever.
    pub(crate) dedupe: Option<String>,
}

impl NewMessage {
    pub(crate) const fn new(chat: UserId, priority: Priority, content: Outgoing) -> Self {
        Self { chat, priority, content, dedupe: None }
    }

    pub(crate) fn once(chat: UserId, priority: Priority, content: Outgoing, dedupe: String) -> Self {
        Self { chat, priority, content, dedupe: Some(dedupe) }
    }
}

#[derive(diesel::QueryableByName)]
struct Inserted {
    #[diesel(sql_type = BigInt)]
    n: i64,
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// The numbers are drawn before the insert, so that each row is known by its place even when some are left out.
const INSERT: &str = "
    WITH new AS MATERIALIZED (
        SELECT n, nextval(pg_get_serial_sequence('outbox', 'id')) AS id, chat, priority, content, dedupe
        FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS t (chat, priority, content, dedupe, n)
    ), done AS (
        INSERT INTO outbox (id, chat_id, priority, content, created_at, due_at, dedupe)
        SELECT id, chat, priority, content, $5, $5, dedupe FROM new
        ON CONFLICT (dedupe) DO NOTHING
        RETURNING id
    )
    SELECT new.n, new.id FROM new JOIN done USING (id) ORDER BY new.n";

/// Queues messages in one statement; those whose `dedupe` is known already are left out. The result is in the given order,
/// each with the index it was given at.
pub(crate) async fn insert_indexed(
    conn: &mut Conn,
    messages: Vec<NewMessage>,
    now: DateTime<Utc>,
) -> TxResult<Vec<(usize, OutboxMessage)>> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let chats: Vec<i64> = messages.iter().map(|message| message.chat.0).collect();
    let priorities: Vec<i16> = messages.iter().map(|message| message.priority.as_i16()).collect();
    let contents =
        messages.iter().map(|message| serde_json::to_value(&message.content)).collect::<Result<Vec<_>, _>>()?;
    let dedupes: Vec<Option<&str>> = messages.iter().map(|message| message.dedupe.as_deref()).collect();
    let query = diesel::sql_query(INSERT)
        .bind::<Array<BigInt>, _>(chats)
        .bind::<Array<SmallInt>, _>(priorities)
        .bind::<Array<Jsonb>, _>(contents)
        .bind::<Array<Nullable<Text>>, _>(dedupes)
        .bind::<Timestamptz, _>(now);
    let inserted: Vec<Inserted> = RunQueryDsl::load(Planned(query), conn).await?;

    let mut messages: Vec<Option<NewMessage>> = messages.into_iter().map(Some).collect();
    let mut out = Vec::with_capacity(inserted.len());
    for row in inserted {
        let Some(index) = usize::try_from(row.n - 1).ok() else { continue };
        let Some(message) = messages.get_mut(index).and_then(Option::take) else { continue };
        out.push((
            index,
            OutboxMessage {
                id: OutboxId(row.id),
                chat: message.chat,
                priority: message.priority,
                attempts: 0,
                wait: Duration::ZERO,
                content: message.content,
            },
        ));
    }
    Ok(out)
}

/// As [`insert_indexed`], without the indexes.
pub(crate) async fn insert(
    conn: &mut Conn,
    messages: Vec<NewMessage>,
    now: DateTime<Utc>,
) -> TxResult<Vec<OutboxMessage>> {
    Ok(insert_indexed(conn, messages, now).await?.into_iter().map(|(_, message)| message).collect())
}
