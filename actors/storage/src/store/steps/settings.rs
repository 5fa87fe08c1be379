//! What users and admins set.

use super::effects::{Ctx, Done, EffectResult, LIVE, nothing};
use crate::schema::{access_keys, nodes, peers, services, users};
use crate::store::Conn;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;
use usipipo_domain::dialogue::Outcome;
use usipipo_domain::ids::NodeId;
use usipipo_domain::service::{NodeChange, NodeState};

pub(super) async fn set_reminders(conn: &mut Conn, ctx: Ctx<'_>, on: bool) -> EffectResult<Outcome> {
    let user = ctx.step.user;
    diesel::update(users::table.find(user.0)).set(users::reminders.eq(on)).execute(conn).await?;
    ctx.audit(conn, "user.set_reminders", format!("user/{user}"), json!({ "on": on })).await?;
    Ok(Outcome::Saved)
}

/// Off is kept as hours that begin and end at the same time; on as those of the settings.
pub(super) async fn set_quiet(conn: &mut Conn, ctx: Ctx<'_>, on: bool) -> EffectResult<Outcome> {
    let user = ctx.step.user;
    let hours = ctx.step.rules.quiet.filter(|hours| hours.from() != hours.to()).unwrap_or_default();
    let (from, to) = if on { (hours.from(), hours.to()) } else { (0, 0) };
    let minutes = |minutes: u16| i16::try_from(minutes).unwrap_or(0);
    diesel::update(users::table.find(user.0))
        .set((users::quiet_from.eq(minutes(from)), users::quiet_to.eq(minutes(to))))
        .execute(conn)
        .await?;
    ctx.audit(conn, "user.set_quiet", format!("user/{user}"), json!({ "on": on })).await?;
    Ok(Outcome::Saved)
}

/// The row is locked against everybody who is about to put a service on the server.
pub(super) async fn change_node(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    node: NodeId,
    change: NodeChange,
) -> EffectResult<(Outcome, Done)> {
    let before: Option<String> =
        nodes::table.find(node.0).select(nodes::state).for_update().get_result(conn).await.optional()?;
    let Some(before) = before else { return Ok(nothing(Outcome::NoSuchNode)) };
    if change.state() == NodeState::Removed {
        let living = services::node_id.eq(node.0).and(services::status.eq_any(LIVE));
        let living: i64 = services::table.filter(living).count().get_result(conn).await?;
        if living > 0 {
            return Ok(nothing(Outcome::NodeInUse(node, u64::try_from(living).unwrap_or_default())));
        }
        forget_keys(conn, ctx, node).await?;
    }
    diesel::update(nodes::table.find(node.0)).set(nodes::state.eq(change.state().as_str())).execute(conn).await?;
    let details = json!({ "before": before, "after": change.state().as_str() });
    ctx.audit(conn, "node.set_state", format!("node/{node}"), details).await?;
    Ok((Outcome::NodeChanged(node), Done { wake: vec![node], ..Done::default() }))
}

/// Nobody will take the last keys off a server that is no more; what rests for their sake may be released. Where nothing
/// lives, every key is retired.
async fn forget_keys(conn: &mut Conn, ctx: Ctx<'_>, node: NodeId) -> EffectResult<()> {
    let now = ctx.step.now;
    let left = peers::node_id.eq(node.0).and(peers::removed_at.is_null()).and(peers::retired_at.is_not_null());
    diesel::update(peers::table.filter(left))
        .set((peers::removed_at.eq(now), peers::applied.eq(false)))
        .execute(conn)
        .await?;
    let left = access_keys::node_id
        .eq(node.0)
        .and(access_keys::removed_at.is_null())
        .and(access_keys::retired_at.is_not_null());
    diesel::update(access_keys::table.filter(left))
        .set((access_keys::removed_at.eq(now), access_keys::applied.eq("absent")))
        .execute(conn)
        .await?;
    Ok(())
}
