//! What comes before and after the end of a service: reminders, and the end of its grace.

use super::audit::{self, Entry};
use super::decode::{self, limited};
use super::held;
use super::leases::QUARANTINE_HOURS;
use super::queue::{self, NewMessage};
use super::sql::Planned;
use super::suspend::Gained;
use super::{Result, Store};
use crate::model::{Epoch, Reminded, Swept};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use diesel::prelude::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::json;
use std::collections::BTreeSet;
use usipipo_domain::ids::{NodeId, ServiceId, UserId};
use usipipo_domain::lifecycle::{Period, Plan, QuietHours, Reminder, reminders};
use usipipo_domain::outgoing::{Body, Outgoing, Priority};
use usipipo_domain::service::SuspendReason;

#[derive(QueryableByName)]
struct First {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    at: Option<DateTime<Utc>>,
}

/// Each has an index of its own: the ends of those that work, of those that something else keeps from working, reminders, and
/// graces.
const FIRST: &str = "
    SELECT least(
        (SELECT min(due_at) FROM held_notices),
        (SELECT min(ends_at) FROM services WHERE status = 'active'),
        (SELECT min(ends_at) FROM services WHERE status = 'suspended' AND NOT reasons @> ARRAY['expiry']),
        (SELECT min(remind_at) FROM services WHERE status = 'active' AND remind_at IS NOT NULL),
        (SELECT min(ends_at) FROM services WHERE status = 'suspended' AND 'expiry' = ANY (reasons)) + $1 * make_interval(secs => 1)
    ) AS at";

/// Rows that somebody else is changing right now, as by a renewal, are left for the next look.
const END: &str = "
    WITH due AS (
        SELECT id FROM services
        WHERE status = 'suspended' AND 'expiry' = ANY (reasons) AND ends_at <= $1
        ORDER BY ends_at, id
        LIMIT $3
        FOR NO KEY UPDATE SKIP LOCKED
    ), ended AS (
        UPDATE services s SET status = 'expired', reasons = '{}', ended_at = $2
        FROM due, users u
        WHERE s.id = due.id AND u.id = s.user_id
        RETURNING s.id, s.user_id, s.node_id, s.ends_at, s.quota_bytes, s.period, u.blocked_at IS NULL AS tell
    ), p AS (
        UPDATE peers SET retired_at = $2 FROM ended WHERE service_id = ended.id AND retired_at IS NULL
    ), k AS (
        UPDATE access_keys SET retired_at = $2 FROM ended WHERE service_id = ended.id AND retired_at IS NULL
    ), l AS (
        UPDATE leases SET state = 'quarantined', quarantine_until = $2 + make_interval(hours => $4)
        FROM ended WHERE service_id = ended.id AND state = 'live'
    )
    SELECT * FROM ended ORDER BY ends_at, id";

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    user_id: i64,
    #[diesel(sql_type = Integer)]
    period: i32,
    #[diesel(sql_type = Timestamptz)]
    begun: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    ends_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Text>)]
    reminded: Option<String>,
    #[diesel(sql_type = Text)]
    tz: String,
    #[diesel(sql_type = Nullable<SmallInt>)]
    quiet_from: Option<i16>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    quiet_to: Option<i16>,
    #[diesel(sql_type = Bool)]
    tell: bool,
}

const DUE: &str = "
    WITH due AS (
        SELECT * FROM services
        WHERE status = 'active' AND remind_at IS NOT NULL AND remind_at <= $1
        ORDER BY remind_at, id
        LIMIT $2
        FOR NO KEY UPDATE SKIP LOCKED
    )
    SELECT s.id, s.user_id, s.period, coalesce(s.period_at, s.activated_at) AS begun, s.ends_at, s.reminded, u.tz,
           u.quiet_from, u.quiet_to, u.reminders AND u.blocked_at IS NULL AS tell
    FROM due s JOIN users u ON u.id = s.user_id
    ORDER BY s.remind_at, s.id";

const PLAN: &str = "
    UPDATE services s SET reminded = t.reminded, remind_at = t.next
    FROM unnest($1, $2, $3) AS t (id, reminded, next)
    WHERE s.id = t.id";

impl Due {
    fn plan(&self, now: DateTime<Utc>, quiet: Option<QuietHours>, tz: Tz) -> Plan {
        let last =
            self.reminded.as_deref().and_then(|text| Reminder::ALL.into_iter().find(|known| known.as_str() == text));
        let period = Period { begun: self.begun, ends_at: self.ends_at, last };
        let quiet = decode::quiet(self.quiet_from, self.quiet_to).or(quiet);
        reminders(period, now, quiet, self.tz.parse().unwrap_or(tz))
    }

    fn notice(&self, reminder: Reminder) -> NewMessage {
        let service = ServiceId(self.id);
        let content = Outgoing::new(Body::Reminder { service, reminder });
        let dedupe = format!("remind/{service}/{}/{}", self.period, reminder.as_str());
        NewMessage::once(UserId(self.user_id), Priority::Notice, content, dedupe)
    }
}

impl Store {
    /// The next moment at which something is due: an end, a reminder, or the end of a grace. It may have passed.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn next_sweep(&self, grace: TimeDelta) -> Result<Option<DateTime<Utc>>> {
        let mut conn = self.conn().await?;
        let query = diesel::sql_query(FIRST).bind::<BigInt, _>(grace.num_seconds());
        Ok(RunQueryDsl::get_result::<First>(Planned(query), &mut conn).await?.at)
    }

    /// Ends for good (status expired) what ended at or before `before` and was not renewed: keys retire, addresses rest. Its
    /// owner was told when it ended; one who could not be told then is told now. At most `limit`, those that ended first first.
    /// Nothing left to do when fewer than `limit` come back.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`], or [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn end_grace(
        &self,
        epoch: Epoch,
        before: DateTime<Utc>,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Swept> {
        self.fenced("end_grace", epoch, async |conn| {
            let query = diesel::sql_query(END)
                .bind::<Timestamptz, _>(before)
                .bind::<Timestamptz, _>(now)
                .bind::<BigInt, _>(limited(limit))
                .bind::<Integer, _>(i32::try_from(QUARANTINE_HOURS).unwrap_or(i32::MAX));
            let ended: Vec<Gained> = RunQueryDsl::load(Planned(query), conn).await?;
            let entries: Vec<Entry> = ended
                .iter()
                .map(|service| Entry {
                    user: None,
                    action: "service.expire",
                    subject: format!("service/{}", service.id),
                    details: json!({ "ends_at": service.ends_at }),
                    seq: None,
                })
                .collect();
            audit::write(conn, &entries, now).await?;
            let told = ended.iter().filter(|service| service.tell);
            let messages = told.map(|service| service.notice(SuspendReason::Expiry)).collect();
            let nodes: BTreeSet<i32> = ended.iter().map(|service| service.node_id).collect();
            Ok(Swept {
                services: ended.iter().map(|service| ServiceId(service.id)).collect(),
                wake: nodes.into_iter().map(NodeId).collect(),
                messages: held::queue_or_hold(conn, self.hours, messages, now).await?,
            })
        })
        .await
    }

    /// Sends the reminders that are due, at most `limit` services, and as many notices that waited for the end of quiet hours.
    ///
    /// # Errors
    /// [`crate::StoreError::NotLeader`], or [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn remind_due(&self, epoch: Epoch, now: DateTime<Utc>, limit: usize) -> Result<Reminded> {
        let held::NoticeHours { quiet, tz } = self.hours;
        self.fenced("remind_due", epoch, async |conn| {
            let query = diesel::sql_query(DUE).bind::<Timestamptz, _>(now).bind::<BigInt, _>(limited(limit));
            let due: Vec<Due> = RunQueryDsl::load(Planned(query), conn).await?;
            let plans: Vec<(&Due, Plan)> = due.iter().map(|due| (due, due.plan(now, quiet, tz))).collect();
            let query = diesel::sql_query(PLAN)
                .bind::<Array<BigInt>, _>(due.iter().map(|due| due.id).collect::<Vec<_>>())
                .bind::<Array<Nullable<Text>>, _>(
                    plans.iter().map(|(_, plan)| plan.last.map(Reminder::as_str)).collect::<Vec<_>>(),
                )
                .bind::<Array<Nullable<Timestamptz>>, _>(plans.iter().map(|(_, plan)| plan.next).collect::<Vec<_>>());
            RunQueryDsl::execute(Planned(query), conn).await?;
            let told = plans.iter().filter(|(due, _)| due.tell);
            let notices = told.filter_map(|(due, plan)| plan.send.map(|reminder| due.notice(reminder))).collect();
            let mut messages = queue::insert(conn, notices, now).await?;
            let (held, late) = held::release(conn, now, limited(limit)).await?;
            messages.extend(late);
            // Either may have left some.
            Ok(Reminded { looked_at: due.len().max(held), messages })
        })
        .await
    }
}

#[cfg(test)]
mod tests;
