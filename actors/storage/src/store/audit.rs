//! The audit trail: who changed what, written in the transaction of the change.

use super::Conn;
use super::sql::Planned;
use crate::error::TxResult;
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use usipipo_domain::ids::{InboxSeq, NodeId, UserId};

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

/// What SYSTEM did on a server.
pub(super) fn on_node(node: NodeId, action: &'static str, details: Value) -> Entry {
    Entry { user: None, action, subject: format!("node/{node}"), details, seq: None }
}

const WRITE: &str = "
    INSERT INTO audit (at, user_id, action, subject, details, inbox_seq)
    SELECT at, user_id, action, subject, details, seq
    FROM unnest($1, $2, $3, $4, $5, $6) WITH ORDINALITY AS t (at, user_id, action, subject, details, seq, n)
    ORDER BY n";

/// Adds rows of the same time in one statement.
pub(crate) async fn write(conn: &mut Conn, entries: &[Entry], now: DateTime<Utc>) -> TxResult<()> {
    write_all(conn, entries.iter().map(|entry| (entry, now)).collect()).await
}

/// Adds rows, each of its time, in one statement.
pub(crate) async fn write_each(conn: &mut Conn, entries: &[(Entry, DateTime<Utc>)]) -> TxResult<()> {
    write_all(conn, entries.iter().map(|(entry, at)| (entry, *at)).collect()).await
}

async fn write_all(conn: &mut Conn, rows: Vec<(&Entry, DateTime<Utc>)>) -> TxResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let entries = || rows.iter().map(|(entry, _)| *entry);
    let query = diesel::sql_query(WRITE)
        .bind::<Array<Timestamptz>, _>(rows.iter().map(|(_, at)| *at).collect::<Vec<_>>())
        .bind::<Array<Nullable<BigInt>>, _>(entries().map(|entry| entry.user.map(|user| user.0)).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(entries().map(|entry| entry.action).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(entries().map(|entry| entry.subject.as_str()).collect::<Vec<_>>())
        .bind::<Array<Jsonb>, _>(entries().map(|entry| &entry.details).collect::<Vec<_>>())
        .bind::<Array<Nullable<BigInt>>, _>(entries().map(|entry| entry.seq.map(|seq| seq.0)).collect::<Vec<_>>());
    RunQueryDsl::execute(Planned(query), conn).await?;
    Ok(())
}
