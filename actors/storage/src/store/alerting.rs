//! Raising an alert inside a transaction that does something else as well.

use super::Conn;
use super::queue::{self, NewMessage};
use super::sql::Planned;
use crate::error::TxResult;
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use usipipo_domain::alert::AlertKind;
use usipipo_domain::ids::{AlertId, UserId};
use usipipo_domain::outgoing::{Body, OutboxMessage, Outgoing, Priority};

#[derive(diesel::QueryableByName)]
struct Raised {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Bool)]
    opened: bool,
}

/// Opens the alert or counts it again; only opening queues one message to each of `tell`.
pub(crate) async fn raise_in(
    conn: &mut Conn,
    kind: &AlertKind,
    tell: &[UserId],
    now: DateTime<Utc>,
) -> TxResult<Vec<OutboxMessage>> {
    let query = diesel::sql_query(
        "INSERT INTO alerts AS a (key, content, severity, opened_at, raised_at, told) VALUES ($1, $2, $3, $4, $4, $5)
         ON CONFLICT (key) WHERE resolved_at IS NULL DO UPDATE
         SET content = excluded.content, severity = excluded.severity, raised_at = excluded.raised_at, times = a.times + 1
         RETURNING id, times = 1 AS opened",
    )
    .bind::<Text, _>(kind.key())
    .bind::<Jsonb, _>(serde_json::to_value(kind)?)
    .bind::<Text, _>(kind.severity().as_str())
    .bind::<Timestamptz, _>(now)
    .bind::<Array<BigInt>, _>(tell.iter().map(|user| user.0).collect::<Vec<_>>());
    let raised: Raised = RunQueryDsl::get_result(Planned(query), conn).await?;
    if !raised.opened {
        return Ok(Vec::new());
    }
    let body = Body::Alert { alert: AlertId(raised.id), resolved: false };
    let messages = tell
        .iter()
        .map(|user| {
            let dedupe = format!("alert/{}/opened/{user}", raised.id);
            NewMessage::once(*user, Priority::Notice, Outgoing::new(body.clone()), dedupe)
        })
        .collect();
    queue::insert(conn, messages, now).await
}
