//! Moving a service to another server: what it is stays, where it is changes. Its old key dies.

use super::accept::{add_peer, fits, key_in_use, lock_service, not_prepared, retire_key, take};
use super::effects::{Ctx, Done, EffectResult, USABLE, nothing};
use super::keys;
use crate::model::Prepared;
use crate::schema::{leases, peers, pools, services};
use crate::store::{Conn, decode, leases as rest};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use ipnetwork::IpNetwork;
use serde_json::json;
use std::net::IpAddr;
use usipipo_domain::dialogue::Outcome;
use usipipo_domain::ids::{NodeId, OfferId, ServiceId};
use usipipo_domain::service::Purpose;
use usipipo_domain::wg::PublicKey;

pub(super) async fn accept(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    offer: OfferId,
    service: ServiceId,
    own_key: Option<&PublicKey>,
) -> EffectResult<(Outcome, Done)> {
    let Some((from, product)) = lock_service(conn, ctx, service, &USABLE).await? else {
        return Ok(nothing(Outcome::NoSuchService));
    };
    if let Some((refusal, product)) = ctx.step.refused {
        return Ok(nothing(Outcome::TrialRefused(refusal, product)));
    }
    let now = ctx.step.now;
    let (to, address_used) = if product.has_addresses() {
        let prepared = ctx.step.prepared.as_ref().filter(|prepared| prepared.node != from).ok_or_else(not_prepared)?;
        let purpose = purpose_of(conn, service).await?.ok_or_else(not_prepared)?;
        if !fits(conn, prepared, purpose).await? {
            return Err(not_prepared());
        }
        // Somebody who keeps their private key to themselves keeps it.
        let kept = match own_key {
            Some(key) => Some(*key),
            None => own_key_of(conn, service).await?,
        };
        let key = kept.unwrap_or_else(|| prepared.private_key.public_key());
        if key_in_use(conn, prepared.node, &key).await? {
            return Ok(nothing(Outcome::KeyTaken { offer, service: Some(service) }));
        }
        retire_key(conn, service, now).await?;
        rest::quarantine(conn, service, now).await?;
        let used = lease(conn, service, prepared, now).await?;
        add_peer(conn, ctx, service, prepared, &key, kept.is_some()).await?;
        (prepared.node, used)
    } else {
        let prepared = ctx.step.prepared_key.as_ref().filter(|prepared| prepared.node != from);
        let prepared = prepared.filter(|prepared| keys::is_of(&prepared.secret, product)).ok_or_else(not_prepared)?;
        if !keys::has_place(conn, prepared.node, product).await? {
            return Err(not_prepared());
        }
        retire_key(conn, service, now).await?;
        keys::add(conn, ctx, service, prepared.node, product, &prepared.secret).await?;
        (prepared.node, false)
    };
    diesel::update(services::table.find(service.0)).set(services::node_id.eq(to.0)).execute(conn).await?;
    take(conn, ctx, offer).await?;
    let details = json!({ "offer": offer, "from": from, "to": to });
    ctx.audit("service.move", format!("service/{service}"), details);
    Ok((Outcome::Begun(service), Done { wake: vec![from, to], address_used, ..Done::default() }))
}

async fn purpose_of(conn: &mut Conn, service: ServiceId) -> EffectResult<Option<Purpose>> {
    let purpose: Option<String> = leases::table
        .inner_join(pools::table)
        .filter(leases::service_id.eq(service.0).and(leases::state.eq("live")))
        .select(pools::purpose)
        .get_result(conn)
        .await
        .optional()?;
    Ok(purpose.map(|purpose| decode::purpose(&purpose)).transpose()?)
}

async fn own_key_of(conn: &mut Conn, service: ServiceId) -> EffectResult<Option<PublicKey>> {
    let key: Option<Vec<u8>> = peers::table
        .filter(peers::service_id.eq(service.0).and(peers::retired_at.is_null()).and(peers::private_key.is_null()))
        .select(peers::public_key)
        .get_result(conn)
        .await
        .optional()?;
    Ok(key.as_deref().map(decode::public_key).transpose()?)
}

/// Addresses on the new server; says whether the prepared ones were taken. A service that comes back while the addresses it
/// had there still rest gets those again: nobody else can have them, and a service never has two leases on one server.
async fn lease(conn: &mut Conn, service: ServiceId, prepared: &Prepared, now: DateTime<Utc>) -> EffectResult<bool> {
    let NodeId(node) = prepared.node;
    let resting = leases::service_id.eq(service.0).and(leases::node_id.eq(node)).and(leases::state.eq("quarantined"));
    let back = diesel::update(leases::table.filter(resting))
        .set((leases::state.eq("live"), leases::quarantine_until.eq(None::<DateTime<Utc>>)))
        .execute(conn)
        .await?;
    if back > 0 {
        return Ok(false);
    }
    let addresses = prepared.addresses.ok_or_else(not_prepared)?;
    diesel::insert_into(leases::table)
        .values((
            leases::node_id.eq(node),
            leases::pool_id.eq(prepared.pool.0),
            leases::service_id.eq(service.0),
            leases::v4.eq(addresses.v4.map(|address| IpNetwork::from(IpAddr::V4(address)))),
            leases::v6.eq(addresses.v6.map(|address| IpNetwork::from(IpAddr::V6(address)))),
            leases::state.eq("live"),
            leases::created_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(true)
}
