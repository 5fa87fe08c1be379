//! What a session needs to start, and what other lanes do to users.

#[cfg(test)]
mod tests;

use super::queue::{self, NewMessage};
use super::{Conn, Result, Store, alerting, audit, decode};
use crate::error::TxResult;
use crate::model::{Epoch, SessionSnapshot, UserRow};
use crate::schema::{alerts, dialogues, inbox, outbox, users};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use usipipo_domain::alert::AlertKind;
use usipipo_domain::dialogue::{STATE_VERSION, State};
use usipipo_domain::ids::{InboxSeq, UserId};
use usipipo_domain::lang::Lang;
use usipipo_domain::outgoing::{Body, OutboxMessage, Outgoing, Priority};

/// A row of `users`.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = users)]
pub(super) struct UserRecord {
    id: i64,
    first_name: String,
    last_name: Option<String>,
    username: Option<String>,
    language: String,
    tz: String,
    created_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    blocked_at: Option<DateTime<Utc>>,
    reminders: bool,
    quiet_from: Option<i16>,
    quiet_to: Option<i16>,
}

impl From<UserRecord> for UserRow {
    fn from(row: UserRecord) -> Self {
        Self {
            id: UserId(row.id),
            first_name: row.first_name,
            last_name: row.last_name,
            username: row.username,
            lang: Lang::from_tag(&row.language).unwrap_or_default(),
            tz: row.tz,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            blocked: row.blocked_at.is_some(),
            reminders: row.reminders,
            quiet: decode::quiet(row.quiet_from, row.quiet_to),
        }
    }
}

/// A state that another version stored, or that does not fit, is no state: the conversation begins anew.
fn read_state(stored: Option<(i16, Value)>) -> State {
    match stored {
        Some((STATE_VERSION, value)) => serde_json::from_value(value).unwrap_or_default(),
        _ => State::Idle,
    }
}

/// Marks an inbox row as handled; `false` when it was done before, and then nothing else must happen.
async fn take_over(conn: &mut Conn, seq: InboxSeq, now: DateTime<Utc>) -> TxResult<bool> {
    let taken = diesel::update(inbox::table.filter(inbox::seq.eq(seq.0).and(inbox::done_at.is_null())))
        .set((inbox::done_at.eq(now), inbox::outcome.eq("handled")))
        .execute(conn)
        .await?;
    Ok(taken == 1)
}

impl Store {
    /// What a session's start needs.
    ///
    /// # Errors
    /// [`crate::StoreError`] when the database does not answer.
    pub async fn session_snapshot(&self, user: UserId) -> Result<SessionSnapshot> {
        let mut conn = self.conn().await?;
        let row: Option<(UserRecord, Option<(i16, Value)>)> = users::table
            .left_join(dialogues::table)
            .filter(users::id.eq(user.0))
            .select((UserRecord::as_select(), (dialogues::version, dialogues::state).nullable()))
            .get_result(&mut conn)
            .await
            .optional()?;
        Ok(match row {
            Some((user, stored)) => SessionSnapshot { user: Some(user.into()), state: read_state(stored) },
            None => SessionSnapshot { user: None, state: State::Idle },
        })
    }

    /// A user blocked the bot or came back; with the inbox row it came in, which is done then (and if it was done before,
    /// nothing happens). What waits to be sent to someone who blocked the bot is given up.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`] when the epoch is over, or the database does not answer.
    pub async fn set_blocked(
        &self,
        epoch: Epoch,
        seq: Option<InboxSeq>,
        user: UserId,
        blocked: bool,
        now: DateTime<Utc>,
    ) -> Result<()> {
        self.fenced("set_blocked", epoch, async |conn| {
            if let Some(seq) = seq
                && !take_over(conn, seq, now).await?
            {
                return Ok(());
            }
            let row = users::table.filter(users::id.eq(user.0));
            let changed = if blocked {
                let changed = diesel::update(row.filter(users::blocked_at.is_null()))
                    .set(users::blocked_at.eq(now))
                    .execute(conn)
                    .await?;
                let waiting =
                    outbox::chat_id.eq(user.0).and(outbox::sent_at.is_null()).and(outbox::failed_at.is_null());
                diesel::update(outbox::table.filter(waiting))
                    .set((outbox::failed_at.eq(now), outbox::error.eq("the user blocked the bot")))
                    .execute(conn)
                    .await?;
                changed
            } else {
                diesel::update(row.filter(users::blocked_at.is_not_null()))
                    .set(users::blocked_at.eq(None::<DateTime<Utc>>))
                    .execute(conn)
                    .await?
            };
            if changed > 0 {
                let entry = audit::Entry {
                    user: Some(user),
                    action: if blocked { "user.block_bot" } else { "user.return" },
                    subject: format!("user/{user}"),
                    details: json!({}),
                    seq,
                };
                audit::write(conn, &[entry], now).await?;
            }
            Ok(())
        })
        .await
    }

    /// Finishes a payments row while nothing is sold: a pre-checkout is refused through the outbox, money raises an alert to
    /// `tell`, once for each charge whatever became of that alert.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`] when the epoch is over, or the database does not answer.
    #[expect(clippy::too_many_arguments, reason = "one unit of work with everything it writes")]
    pub async fn unexpected_payment(
        &self,
        epoch: Epoch,
        seq: InboxSeq,
        user: UserId,
        refuse_query: Option<&str>,
        charge: Option<&str>,
        tell: &[UserId],
        now: DateTime<Utc>,
    ) -> Result<Vec<OutboxMessage>> {
        self.fenced("unexpected_payment", epoch, async |conn| {
            if !take_over(conn, seq, now).await? {
                return Ok(Vec::new());
            }
            let mut messages = Vec::new();
            if let Some(query_id) = refuse_query {
                let content = Outgoing::new(Body::RefuseCheckout { query_id: query_id.to_owned() });
                let refusal = NewMessage::once(user, Priority::Reply, content, format!("checkout/{query_id}"));
                messages = queue::insert(conn, vec![refusal], now).await?;
            }
            if let Some(charge) = charge {
                let kind = AlertKind::UnexpectedPayment { charge: charge.to_owned() };
                let known = alerts::table.filter(alerts::key.eq(kind.key()));
                if !diesel::select(diesel::dsl::exists(known)).get_result::<bool>(conn).await? {
                    messages.extend(alerting::raise_in(conn, &kind, tell, now).await?);
                    let entry = audit::Entry {
                        user: Some(user),
                        action: "payment.unexpected",
                        subject: format!("charge/{charge}"),
                        details: json!({}),
                        seq: Some(seq),
                    };
                    audit::write(conn, &[entry], now).await?;
                }
            }
            Ok(messages)
        })
        .await
    }
}
