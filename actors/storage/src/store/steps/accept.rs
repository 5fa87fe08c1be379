//! Taking an offer, exactly once: a trial, a new key, an end.

use super::effects::{Ctx, Done, EffectError, EffectResult, LIVE, USABLE, nothing};
use super::offers::trial_used;
use super::trial;
use crate::error::TxResult;
use crate::model::{Prepared, StepRefusal};
use crate::schema::{nodes, offers, peers, pools, services};
use crate::store::{Conn, leases};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;
use usipipo_domain::dialogue::Outcome;
use usipipo_domain::ids::{NodeId, OfferId, ServiceId};
use usipipo_domain::service::Purpose;
use usipipo_domain::wg::PublicKey;

#[derive(Queryable)]
struct Offer {
    kind: String,
    service: Option<i64>,
    expires_at: DateTime<Utc>,
    taken_at: Option<DateTime<Utc>>,
}

pub(super) async fn accept(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    id: OfferId,
    own_key: Option<&PublicKey>,
) -> EffectResult<(Outcome, Done)> {
    // The lock makes five taps one after another; whoever comes later sees `taken_at`.
    let offer: Option<Offer> = offers::table
        .filter(offers::id.eq(id.0).and(offers::user_id.eq(ctx.step.user.0)))
        .select((offers::kind, offers::service_id, offers::expires_at, offers::taken_at))
        .for_update()
        .get_result(conn)
        .await
        .optional()?;
    let Some(offer) = offer else { return Ok(nothing(Outcome::OfferGone)) };
    if offer.taken_at.is_some() {
        return Ok(nothing(Outcome::AlreadyTaken));
    }
    if offer.expires_at <= ctx.step.now {
        return Ok(nothing(Outcome::OfferGone));
    }
    match (offer.kind.as_str(), offer.service.map(ServiceId)) {
        ("trial", None) => begin_trial(conn, ctx, id, own_key).await,
        ("rotate", Some(service)) => rotate(conn, ctx, id, service, own_key).await,
        ("revoke", Some(service)) => revoke(conn, ctx, id, service).await,
        _ => Ok(nothing(Outcome::OfferGone)),
    }
}

async fn take(conn: &mut Conn, ctx: Ctx<'_>, offer: OfferId) -> EffectResult<()> {
    diesel::update(offers::table.find(offer.0)).set(offers::taken_at.eq(ctx.step.now)).execute(conn).await?;
    Ok(())
}

/// Whether a key is a server's, or of somebody on this server.
async fn key_in_use(conn: &mut Conn, node: NodeId, key: &PublicKey) -> EffectResult<bool> {
    let bytes = key.as_bytes().as_slice();
    let servers = nodes::table.filter(nodes::public_key.eq(bytes));
    if diesel::select(diesel::dsl::exists(servers)).get_result::<bool>(conn).await? {
        return Ok(true);
    }
    let same = peers::node_id.eq(node.0).and(peers::public_key.eq(bytes)).and(peers::removed_at.is_null());
    Ok(diesel::select(diesel::dsl::exists(peers::table.filter(same))).get_result(conn).await?)
}

/// For a key that somebody else began to use while the offer was being taken.
pub(super) async fn key_taken(conn: &mut Conn, offer: OfferId) -> TxResult<Outcome> {
    let service: Option<Option<i64>> =
        offers::table.find(offer.0).select(offers::service_id).get_result(conn).await.optional()?;
    Ok(Outcome::KeyTaken { offer, service: service.flatten().map(ServiceId) })
}

async fn add_peer(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    service: ServiceId,
    prepared: &Prepared,
    public: &PublicKey,
    own_key: bool,
) -> EffectResult<()> {
    let node = prepared.node;
    let keys = trial::seal(ctx.vault, node, public, prepared, own_key)?;
    diesel::insert_into(peers::table)
        .values((
            peers::service_id.eq(service.0),
            peers::node_id.eq(node.0),
            peers::public_key.eq(public.as_bytes().as_slice()),
            peers::private_key.eq(keys.private),
            peers::preshared_key.eq(keys.preshared),
            peers::created_at.eq(ctx.step.now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

async fn begin_trial(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    offer: OfferId,
    own_key: Option<&PublicKey>,
) -> EffectResult<(Outcome, Done)> {
    let step = ctx.step;
    if let Some(refusal) = trial_used(conn, step.user).await? {
        return Ok(nothing(Outcome::TrialRefused(refusal)));
    }
    if let Some(refusal) = step.refused {
        return Ok(nothing(Outcome::TrialRefused(refusal)));
    }
    let not_prepared = || EffectError::Refused(StepRefusal::NotPrepared);
    let prepared = step.prepared.as_ref().ok_or_else(not_prepared)?;
    let addresses = prepared.addresses.ok_or_else(not_prepared)?;
    // Trials never take paid addresses, whatever the session believes.
    let fitting = pools::id
        .eq(prepared.pool.0)
        .and(pools::node_id.eq(prepared.node.0))
        .and(pools::purpose.eq(Purpose::Trial.as_str()));
    if !diesel::select(diesel::dsl::exists(pools::table.filter(fitting))).get_result::<bool>(conn).await? {
        return Err(not_prepared());
    }
    let public = own_key.copied().unwrap_or_else(|| prepared.private_key.public_key());
    if key_in_use(conn, prepared.node, &public).await? {
        return Ok(nothing(Outcome::KeyTaken { offer, service: None }));
    }

    ctx.begin_trial(conn, offer, own_key.is_some(), public, prepared, addresses).await
}

/// Marks the service's current key as no longer wanted. That it is off the server only the node's actor can say, also when
/// we do not believe it to be there: it may be on its way.
async fn retire_key(conn: &mut Conn, service: ServiceId, now: DateTime<Utc>) -> EffectResult<()> {
    diesel::update(peers::table.filter(peers::service_id.eq(service.0).and(peers::retired_at.is_null())))
        .set(peers::retired_at.eq(now))
        .execute(conn)
        .await?;
    Ok(())
}

/// Locks a service of the user in one of the statuses and says on which node it is.
async fn lock_service(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    service: ServiceId,
    statuses: &[&str],
) -> EffectResult<Option<NodeId>> {
    let own = services::id.eq(service.0).and(services::user_id.eq(ctx.step.user.0));
    let node: Option<i32> = services::table
        .filter(own.and(services::status.eq_any(statuses)))
        .select(services::node_id)
        .for_update()
        .get_result(conn)
        .await
        .optional()?;
    Ok(node.map(NodeId))
}

async fn rotate(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    offer: OfferId,
    service: ServiceId,
    own_key: Option<&PublicKey>,
) -> EffectResult<(Outcome, Done)> {
    let Some(node) = lock_service(conn, ctx, service, &USABLE).await? else {
        return Ok(nothing(Outcome::NoSuchService));
    };
    let prepared = ctx.step.prepared.as_ref().filter(|prepared| prepared.node == node);
    let prepared = prepared.ok_or(EffectError::Refused(StepRefusal::NotPrepared))?;
    let public = own_key.copied().unwrap_or_else(|| prepared.private_key.public_key());
    if key_in_use(conn, node, &public).await? {
        return Ok(nothing(Outcome::KeyTaken { offer, service: Some(service) }));
    }
    retire_key(conn, service, ctx.step.now).await?;
    add_peer(conn, ctx, service, prepared, &public, own_key.is_some()).await?;
    take(conn, ctx, offer).await?;
    let details = json!({ "offer": offer, "own_key": own_key.is_some() });
    ctx.audit(conn, "service.rotate", format!("service/{service}"), details).await?;
    Ok((Outcome::Begun(service), Done { wake: vec![node], ..Done::default() }))
}

async fn revoke(conn: &mut Conn, ctx: Ctx<'_>, offer: OfferId, service: ServiceId) -> EffectResult<(Outcome, Done)> {
    let Some(node) = lock_service(conn, ctx, service, &LIVE).await? else {
        return Ok(nothing(Outcome::NoSuchService));
    };
    let now = ctx.step.now;
    diesel::update(services::table.find(service.0))
        .set((services::status.eq("revoked"), services::reasons.eq(Vec::<String>::new()), services::ended_at.eq(now)))
        .execute(conn)
        .await?;
    retire_key(conn, service, now).await?;
    leases::quarantine(conn, service, now).await?;
    take(conn, ctx, offer).await?;
    ctx.audit(conn, "service.revoke", format!("service/{service}"), json!({ "offer": offer })).await?;
    Ok((Outcome::Revoked(service), Done { wake: vec![node], ..Done::default() }))
}
