//! What users and admins set.

use super::effects::{Ctx, Done, EffectError, EffectResult, nothing};
use crate::model::{ServerChanged, StepRefusal};
use crate::schema::{inbox, services, users};
use crate::store::{Conn, server_changes};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;
use usipipo_domain::dialogue::Outcome;
use usipipo_domain::ids::NodeId;
use usipipo_domain::lifecycle::Reminder;
use usipipo_domain::new_server::ServerPaste;
use usipipo_domain::service::NodeChange;

pub(super) async fn set_reminders(conn: &mut Conn, ctx: Ctx<'_>, on: bool) -> EffectResult<Outcome> {
    let user = ctx.step.user;
    diesel::update(users::table.find(user.0)).set(users::reminders.eq(on)).execute(conn).await?;
    ctx.audit("user.set_reminders", format!("user/{user}"), json!({ "on": on }));
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
    plan_reminders_anew(conn, ctx).await?;
    ctx.audit("user.set_quiet", format!("user/{user}"), json!({ "on": on }));
    Ok(Outcome::Saved)
}

/// When reminders are to be sent depends on the hours just set, so that what was planned before is out of date.
pub(super) async fn plan_reminders_anew(conn: &mut Conn, ctx: Ctx<'_>) -> EffectResult<()> {
    let theirs = services::user_id.eq(ctx.step.user.0).and(services::status.eq("active"));
    let still_to_come = services::reminded.is_distinct_from(Reminder::TwoHours.as_str());
    diesel::update(services::table.filter(theirs.and(still_to_come)))
        .set(services::remind_at.eq(ctx.step.now))
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn change_node(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    node: NodeId,
    change: NodeChange,
) -> EffectResult<(Outcome, Done)> {
    match server_changes::change_in(conn, node, change, ctx.step.now).await? {
        ServerChanged::NoSuch => Ok(nothing(Outcome::NoSuchNode)),
        ServerChanged::InUse(services) => Ok(nothing(Outcome::NodeInUse(node, services))),
        ServerChanged::KeysLeft(keys) => Ok(nothing(Outcome::NodeKeysLeft(node, keys))),
        ServerChanged::Yes { before } => {
            let forgotten = change == NodeChange::Forget;
            let details =
                json!({ "before": before.as_str(), "after": change.state().as_str(), "keys_forgotten": forgotten });
            ctx.audit("node.set_state", format!("node/{node}"), details);
            Ok((Outcome::NodeChanged(node), Done { wake: vec![node], ..Done::default() }))
        }
    }
}

/// The update holds the secret, so it is emptied at once, whatever becomes of the server.
pub(super) async fn add_server(conn: &mut Conn, ctx: Ctx<'_>, paste: &ServerPaste) -> EffectResult<(Outcome, Done)> {
    let Some(checked) = &paste.checked else { return Err(EffectError::Refused(StepRefusal::NotPrepared)) };
    diesel::update(inbox::table.find(ctx.step.seq.0)).set(inbox::raw.eq(Vec::<u8>::new())).execute(conn).await?;
    let added = match checked {
        Ok(new) => server_changes::add_in(conn, ctx.vault, new, ctx.step.now).await?.map(|node| (node, new)),
        Err(problem) => Err(problem.clone()),
    };
    match added {
        Ok((node, new)) => {
            let details = json!({ "name": new.name, "product": new.product.as_str() });
            ctx.audit("node.add", format!("node/{node}"), details);
            Ok((Outcome::ServerAdded(node), Done { wake: vec![node], ..Done::default() }))
        }
        Err(problem) => Ok(nothing(Outcome::ServerRefused(problem))),
    }
}
