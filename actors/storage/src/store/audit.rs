//! The audit trail: who changed what, written in the transaction of the change.

use super::Conn;
use super::sql::Planned;
use crate::error::TxResult;
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use usipipo_domain::ids::{InboxSeq, UserId};

/// One change. `details` holds no secret and no personal text.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// `None`: SYSTEM.
    pub(crate) user: Option<UserId>,
    /// `object.verb`, for example `service.revoke`.
    pub(crate) action: &'static str,
    /// `object/id`, for example `service/12`.
    pub(crate) subject: String,
    pub(crate) details: Value,
    /// The update that caused it.
    pub(crate) seq: Option<InboxSeq>,
}

const WRITE: &str = "
    INSERT INTO audit (at, user_id, action, subject, details, inbox_seq)
    SELECT $1, user_id, action, subject, details, seq
    FROM unnest($2, $3, $4, $5, $6) AS t (user_id, action, subject, details, seq)";

/// Adds rows in one statement.
pub(crate) async fn write(conn: &mut Conn, entries: &[Entry], now: DateTime<Utc>) -> TxResult<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let query = diesel::sql_query(WRITE)
        .bind::<Timestamptz, _>(now)
        .bind::<Array<Nullable<BigInt>>, _>(
            entries.iter().map(|entry| entry.user.map(|user| user.0)).collect::<Vec<_>>(),
        )
        .bind::<Array<Text>, _>(entries.iter().map(|entry| entry.action).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(entries.iter().map(|entry| entry.subject.as_str()).collect::<Vec<_>>())
        .bind::<Array<Jsonb>, _>(entries.iter().map(|entry| &entry.details).collect::<Vec<_>>())
        .bind::<Array<Nullable<BigInt>>, _>(entries.iter().map(|entry| entry.seq.map(|seq| seq.0)).collect::<Vec<_>>());
    RunQueryDsl::execute(Planned(query), conn).await?;
    Ok(())
}
