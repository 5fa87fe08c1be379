//! Keys of services without addresses, as steps make and retire them.

use super::accept::{not_prepared, take};
use super::effects::{Ctx, Done, EffectResult};
use crate::StoreError;
use crate::schema::{access_keys, nodes, services, trials};
use crate::store::keys::next_name;
use crate::store::{Conn, decode};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;
use usipipo_domain::access::KeySecret;
use usipipo_domain::ids::{NodeId, OfferId, ServiceId, UserId};
use usipipo_domain::plan::Plan;
use usipipo_domain::service::{NodeState, Product};

/// Whether a secret is of the kind that the product has.
pub(super) const fn is_of(secret: &KeySecret, product: Product) -> bool {
    matches!((secret, product), (KeySecret::Outline(_), Product::Outline) | (KeySecret::Mtproto(_), Product::Mtproto))
}

/// Whether the server takes one more key of this product; it does so until the commit, because its row is locked.
pub(super) async fn has_place(conn: &mut Conn, node: NodeId, product: Product) -> EffectResult<bool> {
    let open =
        nodes::id.eq(node.0).and(nodes::driver.eq(product.driver())).and(nodes::state.eq(NodeState::Active.as_str()));
    let capacity: Option<Option<i32>> =
        nodes::table.filter(open).select(nodes::capacity).for_no_key_update().get_result(conn).await.optional()?;
    let Some(capacity) = capacity else { return Ok(false) };
    let there = access_keys::node_id.eq(node.0).and(access_keys::removed_at.is_null());
    let used = diesel::dsl::count(access_keys::service_id).aggregate_distinct();
    let used: i64 = access_keys::table.filter(there).select(used).get_result(conn).await?;
    Ok(capacity.is_none_or(|most| used < i64::from(most)))
}

/// Whether the service's present key was never handed over. To change it once more would give its owner nothing, and each such
/// key has to be kept until the server is there to be told. A key that nobody can open will never be handed over.
pub(super) async fn on_its_way(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    service: ServiceId,
    product: Product,
) -> EffectResult<bool> {
    let untold = access_keys::retired_at.is_null().and(access_keys::told_at.is_null());
    let row: Option<(i32, String, Vec<u8>)> = access_keys::table
        .filter(access_keys::service_id.eq(service.0).and(untold))
        .select((access_keys::node_id, access_keys::name, access_keys::secret))
        .get_result(conn)
        .await
        .optional()?;
    let readable = |(node, name, sealed): (i32, String, Vec<u8>)| {
        ctx.vault.open_key_secret(NodeId(node), &name, product, &sealed).is_ok()
    };
    Ok(row.is_some_and(readable))
}

/// Adds a key to a service that has no current one.
pub(super) async fn add(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    service: ServiceId,
    node: NodeId,
    product: Product,
    secret: &KeySecret,
) -> EffectResult<()> {
    let name = next_name(conn, service, product).await?;
    let sealed = ctx.vault.seal_key_secret(node, &name, secret)?;
    diesel::insert_into(access_keys::table)
        .values((
            access_keys::service_id.eq(service.0),
            access_keys::node_id.eq(node.0),
            access_keys::name.eq(name),
            access_keys::secret.eq(sealed),
            access_keys::created_at.eq(ctx.step.now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Marks the service's current key as no longer wanted.
pub(super) async fn retire(conn: &mut Conn, service: ServiceId, now: DateTime<Utc>) -> EffectResult<()> {
    let current = access_keys::service_id.eq(service.0).and(access_keys::retired_at.is_null());
    diesel::update(access_keys::table.filter(current)).set(access_keys::retired_at.eq(now)).execute(conn).await?;
    Ok(())
}

/// Begins a service with a key: `kind` is that of the offer, whose row is locked.
pub(super) async fn begin(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    offer: OfferId,
    plan: &Plan,
    kind: &str,
    owner: UserId,
) -> EffectResult<(ServiceId, Done)> {
    let (step, spec) = (ctx.step, &plan.spec);
    let prepared = step.prepared_key.as_ref().filter(|prepared| is_of(&prepared.secret, spec.product));
    let prepared = prepared.ok_or_else(not_prepared)?;
    if !has_place(conn, prepared.node, spec.product).await? {
        return Err(not_prepared());
    }
    let service: i64 = diesel::insert_into(services::table)
        .values((
            services::user_id.eq(owner.0),
            services::product.eq(spec.product.as_str()),
            services::trial.eq(kind == "trial"),
            services::free.eq(kind == "free"),
            services::granted.eq(kind == "grant"),
            services::plan_id.eq(plan.id.0),
            services::devices.eq(spec.devices.map(|devices| i16::try_from(devices).unwrap_or(i16::MAX))),
            services::node_id.eq(prepared.node.0),
            services::name.eq(&prepared.name),
            services::status.eq("pending"),
            services::days.eq(i16::try_from(spec.days).unwrap_or(i16::MAX)),
            services::quota_bytes.eq(spec.quota_bytes.map(decode::bytes)),
            services::created_at.eq(step.now),
        ))
        .returning(services::id)
        .get_result(conn)
        .await?;
    let service = ServiceId(service);
    if kind == "trial" {
        diesel::insert_into(trials::table)
            .values((
                trials::user_id.eq(owner.0),
                trials::product.eq(spec.product.as_str()),
                trials::service_id.eq(service.0),
                trials::taken_at.eq(step.now),
            ))
            .execute(conn)
            .await?;
    }
    add(conn, ctx, service, prepared.node, spec.product, &prepared.secret).await?;
    take(conn, ctx, offer).await?;
    let action = match kind {
        "trial" => "service.begin_trial",
        "free" => "service.begin_free",
        "grant" => "service.grant",
        other => return Err(StoreError::Broken(format!("the kind of offer {other} begins nothing")).into()),
    };
    let details = json!({ "offer": offer, "plan": plan.id, "node": prepared.node, "user": owner });
    ctx.audit(action, format!("service/{service}"), details);
    Ok((service, Done { wake: vec![prepared.node], ..Done::default() }))
}
