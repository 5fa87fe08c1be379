//! The audit trail: who changed what, written in the transaction of the change.

use super::Conn;
use crate::error::TxResult;
use crate::schema::audit;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
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

/// Adds rows in one statement.
pub(crate) async fn write(conn: &mut Conn, entries: &[Entry], now: DateTime<Utc>) -> TxResult<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                audit::at.eq(now),
                audit::user_id.eq(entry.user.map(|user| user.0)),
                audit::action.eq(entry.action),
                audit::subject.eq(&entry.subject),
                audit::details.eq(&entry.details),
                audit::inbox_seq.eq(entry.seq.map(|seq| seq.0)),
            )
        })
        .collect();
    diesel::insert_into(audit::table).values(rows).execute(conn).await?;
    Ok(())
}
