//! What admins do to a user's service. Its owner hears of it at once and in their language, quiet hours or not: a person did it
//! just now, and mostly because the owner asked.

use super::accept;
use super::effects::{Ctx, Done, EffectResult, LIVE, nothing};
use crate::schema::{services, users};
use crate::store::queue::{self, NewMessage};
use crate::store::sql::Planned;
use crate::store::{Conn, suspend};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::json;
use usipipo_domain::dialogue::Outcome;
use usipipo_domain::ids::{NodeId, ServiceId, UserId};
use usipipo_domain::outgoing::{Body, OutboxMessage, Outgoing, Priority};
use usipipo_domain::service::{ServiceChange, SuspendReason};

/// As a renewal, but what was used still counts. The period is a new one so that reminders before the new end are sent again.
const EXTEND: &str = "
    UPDATE services s
    SET period = s.period + 1, period_at = $2, ends_at = n.ends_at, reminded = NULL,
        remind_at = greatest($2, n.ends_at - make_interval(hours => 96)),
        reasons = array_remove(s.reasons, 'expiry'),
        status = CASE WHEN s.reasons <@ ARRAY['expiry'] THEN 'active' ELSE s.status END
    FROM (SELECT id, greatest(ends_at, $2) + make_interval(hours => $3 * 24) AS ends_at FROM services WHERE id = $1) n
    WHERE s.id = n.id AND s.status IN ('active', 'suspended') AND s.ends_at IS NOT NULL
    RETURNING s.ends_at";

#[derive(QueryableByName)]
struct Extended {
    #[diesel(sql_type = Timestamptz)]
    ends_at: DateTime<Utc>,
}

/// What was used until now does not count any more; in a new period, so that its notices are sent again.
const FORGIVE: &str = "
    UPDATE services
    SET quota_base = least(used_up::numeric + used_down, 9223372036854775807)::bigint, period = period + 1
    WHERE id = $1 AND status = 'suspended' AND reasons @> ARRAY['quota']";

const PAUSE: &str = "
    UPDATE services SET status = 'suspended', reasons = array_append(reasons, 'admin')
    WHERE id = $1 AND status IN ('active', 'suspended') AND NOT reasons @> ARRAY['admin']";

/// Whether anything changed, and what the audit says of it.
async fn apply(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    service: ServiceId,
    change: ServiceChange,
) -> EffectResult<Option<serde_json::Value>> {
    let now = ctx.step.now;
    let by_id = |sql: &str| diesel::sql_query(sql.to_owned()).bind::<BigInt, _>(service.0);
    Ok(match change {
        ServiceChange::Pause => {
            let changed = RunQueryDsl::execute(Planned(by_id(PAUSE)), conn).await?;
            (changed > 0).then(|| json!({ "reason": SuspendReason::Admin.as_str() }))
        }
        ServiceChange::Resume => {
            RunQueryDsl::execute(Planned(by_id(FORGIVE)), conn).await?;
            let mut lifted = Vec::new();
            for reason in [SuspendReason::Admin, SuspendReason::Quota] {
                if suspend::clear(conn, service, reason).await?.is_some() {
                    lifted.push(reason.as_str());
                }
            }
            (!lifted.is_empty()).then(|| json!({ "reasons": lifted }))
        }
        ServiceChange::Extend { days } => {
            let query = diesel::sql_query(EXTEND)
                .bind::<BigInt, _>(service.0)
                .bind::<Timestamptz, _>(now)
                .bind::<Integer, _>(i32::from(days));
            let extended: Option<Extended> = RunQueryDsl::get_result(Planned(query), conn).await.optional()?;
            extended.map(|extended| json!({ "days": days, "after": extended.ends_at }))
        }
        ServiceChange::Revoke => {
            accept::end(conn, service, now).await?;
            Some(json!({}))
        }
    })
}

const fn action(change: ServiceChange) -> &'static str {
    match change {
        ServiceChange::Pause => "service.pause",
        ServiceChange::Resume => "service.resume",
        ServiceChange::Extend { .. } => "service.extend",
        ServiceChange::Revoke => "service.revoke_by_admin",
    }
}

/// The service's row is locked. Whoever comes with an end that is no longer its end changes nothing: a second tap extends only
/// once.
pub(super) async fn change(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    (user, service): (UserId, ServiceId),
    change: ServiceChange,
    seen: i64,
) -> EffectResult<(Outcome, Done)> {
    let theirs = services::id.eq(service.0).and(services::user_id.eq(user.0)).and(services::status.eq_any(LIVE));
    let row: Option<(i32, Option<DateTime<Utc>>)> = services::table
        .filter(theirs)
        .select((services::node_id, services::ends_at))
        .for_no_key_update()
        .get_result(conn)
        .await
        .optional()?;
    let unchanged = || nothing(Outcome::ServiceNotChanged(user, service));
    let Some((node, before)) = row.filter(|(_, end)| end.map_or(0, |end| end.timestamp()) == seen) else {
        return Ok(unchanged());
    };
    let Some(details) = apply(conn, ctx, service, change).await? else {
        return Ok(unchanged());
    };
    let details = json!({ "user": user, "ends_at": before, "change": details });
    ctx.audit(action(change), format!("service/{service}"), details);
    let messages = tell(conn, ctx, user, service, change).await?;
    Ok((Outcome::ServiceChanged(user, service), Done { wake: vec![NodeId(node)], messages, ..Done::default() }))
}

/// Somebody who changes their own service knows.
async fn tell(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    user: UserId,
    service: ServiceId,
    change: ServiceChange,
) -> EffectResult<Vec<OutboxMessage>> {
    let reachable = users::table.filter(users::id.eq(user.0).and(users::blocked_at.is_null()));
    if user == ctx.step.user || !diesel::select(diesel::dsl::exists(reachable)).get_result::<bool>(conn).await? {
        return Ok(Vec::new());
    }
    let content = Outgoing::new(Body::Cared { service, change });
    Ok(queue::insert(conn, vec![NewMessage::new(user, Priority::Notice, content)], ctx.step.now).await?)
}
