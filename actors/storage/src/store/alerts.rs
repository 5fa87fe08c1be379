//! What admins are told: one open row per condition.

use super::audit::{self, Entry};
use super::queue::{self, NewMessage};
use super::sql::Planned;
use super::{Conn, Result, Store, alerting};
use crate::error::TxResult;
use crate::model::{AlertRow, Epoch};
use crate::schema::alerts;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use usipipo_domain::alert::AlertKind;
use usipipo_domain::ids::{AlertId, UserId};
use usipipo_domain::outgoing::{Body, OutboxMessage, Outgoing, Priority};

/// Most open alerts that a list shows.
const OPEN_MAX: i64 = 100;

#[derive(Queryable, Selectable)]
#[diesel(table_name = alerts, check_for_backend(diesel::pg::Pg))]
struct Alert {
    id: i64,
    content: Value,
    opened_at: DateTime<Utc>,
    times: i32,
    resolved_at: Option<DateTime<Utc>>,
}

impl Alert {
    fn row(self) -> Result<AlertRow> {
        Ok(AlertRow {
            id: AlertId(self.id),
            kind: serde_json::from_value(self.content)?,
            opened_at: self.opened_at,
            times: u32::try_from(self.times).unwrap_or(0),
            resolved_at: self.resolved_at,
        })
    }
}

#[derive(QueryableByName)]
struct Closed {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

impl Store {
    /// Opens the alert or counts it again; only opening queues messages to `tell`.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`], or [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn raise(
        &self,
        epoch: Epoch,
        kind: &AlertKind,
        tell: &[UserId],
        now: DateTime<Utc>,
    ) -> Result<Vec<OutboxMessage>> {
        self.fenced("raise", epoch, async |conn| alerting::raise_in(conn, kind, tell, now).await).await
    }

    /// Closes the alert of this key ([`AlertKind::key`]) if it is open, and tells once.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`], or [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn resolve(
        &self,
        epoch: Epoch,
        key: &str,
        tell: &[UserId],
        now: DateTime<Utc>,
    ) -> Result<Vec<OutboxMessage>> {
        self.fenced("resolve", epoch, async |conn| resolve_in(conn, key, tell, now).await).await
    }

    /// One alert, open or not.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn alert(&self, id: AlertId) -> Result<Option<AlertRow>> {
        let mut conn = self.conn().await?;
        let row = alerts::table.find(id.0).select(Alert::as_select()).get_result(&mut conn).await.optional()?;
        row.map(Alert::row).transpose()
    }

    /// Open alerts, the worst and oldest first, at most a hundred. One that this program cannot read is left out.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn open_alerts(&self) -> Result<Vec<AlertRow>> {
        let mut conn = self.conn().await?;
        let rows: Vec<Alert> = alerts::table
            .filter(alerts::resolved_at.is_null())
            .select(Alert::as_select())
            // "critical" before "warning".
            .order((alerts::severity, alerts::opened_at, alerts::id))
            .limit(OPEN_MAX)
            .load(&mut conn)
            .await?;
        Ok(rows.into_iter().filter_map(|row| row.row().ok()).collect())
    }
}

/// Closes an alert inside a transaction that does something else as well.
pub(crate) async fn resolve_in(
    conn: &mut Conn,
    key: &str,
    tell: &[UserId],
    now: DateTime<Utc>,
) -> TxResult<Vec<OutboxMessage>> {
    let query =
        diesel::sql_query("UPDATE alerts SET resolved_at = $2 WHERE key = $1 AND resolved_at IS NULL RETURNING id")
            .bind::<Text, _>(key)
            .bind::<Timestamptz, _>(now);
    let closed: Vec<Closed> = RunQueryDsl::load(Planned(query), conn).await?;
    let Some(Closed { id }) = closed.into_iter().next() else { return Ok(Vec::new()) };
    let subject = format!("alert/{id}");
    let entry = Entry { user: None, action: "alert.resolve", subject, details: json!({ "key": key }), seq: None };
    audit::write(conn, &[entry], now).await?;
    queue::insert(conn, tell.iter().map(|user| over(AlertId(id), *user)).collect(), now).await
}

fn over(alert: AlertId, user: UserId) -> NewMessage {
    let content = Outgoing::new(Body::Alert { alert, resolved: true });
    NewMessage::once(user, Priority::Notice, content, format!("alert/{alert}/resolved/{user}"))
}

/// Closes an open alert that only a person can end ([`AlertKind::is_settled_by_hand`]); `None` for any other. The caller
/// audits it. Everybody who was told that it began is told, except `by`, who sees it on their screen.
pub(crate) async fn settle_in(
    conn: &mut Conn,
    alert: AlertId,
    by: UserId,
    now: DateTime<Utc>,
) -> TxResult<Option<Vec<OutboxMessage>>> {
    let open: Option<(Value, Vec<i64>)> = alerts::table
        .filter(alerts::id.eq(alert.0).and(alerts::resolved_at.is_null()))
        .select((alerts::content, alerts::told))
        .for_no_key_update()
        .get_result(conn)
        .await
        .optional()?;
    let Some((content, told)) = open else { return Ok(None) };
    if !serde_json::from_value::<AlertKind>(content).is_ok_and(|kind| kind.is_settled_by_hand()) {
        return Ok(None);
    }
    diesel::update(alerts::table.find(alert.0)).set(alerts::resolved_at.eq(now)).execute(conn).await?;
    let others = told.into_iter().map(UserId).filter(|user| *user != by);
    Ok(Some(queue::insert(conn, others.map(|user| over(alert, user)).collect(), now).await?))
}

#[cfg(test)]
mod tests;
