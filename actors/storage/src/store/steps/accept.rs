//! Taking an offer, exactly once: a new service, another period, another key or server, an end.

use super::effects::{Ctx, Done, EffectError, EffectResult, LIVE, USABLE, nothing};
use super::offers::{self as asked, free_held, too_many, trial_used};
use super::{keys, trial};
use crate::error::TxResult;
use crate::model::{Prepared, StepRefusal};
use crate::schema::{nodes, offers, peers, pools, services, users};
use crate::store::queue::{self, NewMessage};
use crate::store::{Conn, decode, held, leases, plans};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::json;
use usipipo_domain::dialogue::Outcome;
use usipipo_domain::ids::{NodeId, OfferId, PlanId, ServiceId, UserId};
use usipipo_domain::outgoing::{Body, Outgoing, Place, Priority};
use usipipo_domain::plan::{Plan, PlanKind};
use usipipo_domain::screen::Screen;
use usipipo_domain::service::{NodeState, Product, Purpose};
use usipipo_domain::wg::PublicKey;

#[derive(Queryable)]
struct Offer {
    kind: String,
    service: Option<i64>,
    plan: Option<i32>,
    for_user: Option<i64>,
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
        .select((
            offers::kind,
            offers::service_id,
            offers::plan_id,
            offers::for_user,
            offers::expires_at,
            offers::taken_at,
        ))
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
        ("trial" | "free" | "grant", None) => begin(conn, ctx, id, &offer, own_key).await,
        ("rotate", Some(service)) => rotate(conn, ctx, id, service, own_key).await,
        ("move", Some(service)) => super::moving::accept(conn, ctx, id, service, own_key).await,
        ("renew", Some(service)) => renew(conn, ctx, id, service).await,
        ("revoke", Some(service)) => revoke(conn, ctx, id, service).await,
        _ => Ok(nothing(Outcome::OfferGone)),
    }
}

pub(super) async fn take(conn: &mut Conn, ctx: Ctx<'_>, offer: OfferId) -> EffectResult<()> {
    diesel::update(offers::table.find(offer.0)).set(offers::taken_at.eq(ctx.step.now)).execute(conn).await?;
    Ok(())
}

pub(super) const fn not_prepared() -> EffectError {
    EffectError::Refused(StepRefusal::NotPrepared)
}

/// Whether a key is a server's, or of somebody on this server.
pub(super) async fn key_in_use(conn: &mut Conn, node: NodeId, key: &PublicKey) -> EffectResult<bool> {
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

/// The server takes new services, and goes on doing so until the commit: to change that its row is locked for update.
/// Trials never take paid addresses, whatever the session believes.
pub(super) async fn fits(conn: &mut Conn, prepared: &Prepared, purpose: Purpose) -> EffectResult<bool> {
    let open = nodes::id.eq(prepared.node.0).and(nodes::state.eq(NodeState::Active.as_str()));
    let open: Option<i32> =
        nodes::table.filter(open).select(nodes::id).for_key_share().get_result(conn).await.optional()?;
    if open.is_none() {
        return Ok(false);
    }
    let fitting =
        pools::id.eq(prepared.pool.0).and(pools::node_id.eq(prepared.node.0)).and(pools::purpose.eq(purpose.as_str()));
    Ok(diesel::select(diesel::dsl::exists(pools::table.filter(fitting))).get_result(conn).await?)
}

pub(super) async fn add_peer(
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

/// The plan of an offer; one of before there were plans gives the WireGuard trial of today.
async fn plan_of(conn: &mut Conn, offer: &Offer) -> EffectResult<Option<Plan>> {
    if let Some(plan) = offer.plan {
        return Ok(plans::find(conn, PlanId(plan)).await?);
    }
    let trial = |plan: &Plan| plan.spec.product == Product::Wireguard && plan.spec.kind == PlanKind::Trial;
    Ok(plans::on_offer(conn).await?.into_iter().find(trial))
}

/// Why the owner does not get another service of this kind, with their row locked.
async fn refusal(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    kind: &str,
    owner: UserId,
    product: Product,
) -> EffectResult<Option<(usipipo_domain::screen::TrialRefusal, Product)>> {
    users::table.find(owner.0).select(users::id).for_no_key_update().get_result::<i64>(conn).await.optional()?;
    let had = match kind {
        "trial" => trial_used(conn, owner, product).await?,
        "free" => free_held(conn, owner, product).await?,
        _ => None,
    };
    let had = match had {
        None if kind != "grant" => too_many(conn, owner, ctx.step.rules.services_max).await?,
        had => had,
    };
    Ok(had.map(|refusal| (refusal, product)).or(ctx.step.refused))
}

async fn begin(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    id: OfferId,
    offer: &Offer,
    own_key: Option<&PublicKey>,
) -> EffectResult<(Outcome, Done)> {
    let step = ctx.step;
    let Some(plan) = plan_of(conn, offer).await? else { return Ok(nothing(Outcome::OfferGone)) };
    let (kind, product) = (offer.kind.as_str(), plan.spec.product);
    let owner = offer.for_user.map_or(step.user, UserId);
    if let Some((refusal, product)) = refusal(conn, ctx, kind, owner, product).await? {
        return Ok(nothing(Outcome::TrialRefused(refusal, product)));
    }
    let (service, mut done) = if product.has_addresses() {
        let prepared = step.prepared.as_ref().ok_or_else(not_prepared)?;
        let addresses = prepared.addresses.ok_or_else(not_prepared)?;
        let purpose = if kind == "trial" { Purpose::Trial } else { Purpose::Paid };
        if !fits(conn, prepared, purpose).await? {
            return Err(not_prepared());
        }
        let key = own_key.copied().unwrap_or_else(|| prepared.private_key.public_key());
        if key_in_use(conn, prepared.node, &key).await? {
            return Ok(nothing(Outcome::KeyTaken { offer: id, service: None }));
        }
        let new =
            trial::NewTunnel { step, offer: id, plan: plan.id, prepared, addresses, own_key: own_key.is_some(), key };
        trial::begin_one(conn, ctx.vault, new).await?
    } else {
        keys::begin(conn, ctx, id, &plan, kind, owner).await?
    };
    if kind != "grant" {
        return Ok((Outcome::Begun(service), done));
    }
    let told: Option<i64> = users::table
        .filter(users::id.eq(owner.0).and(users::blocked_at.is_null()))
        .select(users::id)
        .get_result(conn)
        .await
        .optional()?;
    if told.is_some() {
        let body = Body::Screen { screen: Screen::Preparing { service }, place: Place::New };
        let message = NewMessage::new(owner, Priority::Delivery, Outgoing::new(body));
        done.messages = queue::insert(conn, vec![message], step.now).await?;
    }
    Ok((Outcome::Granted(owner, service), done))
}

/// Marks the service's current key as no longer wanted. That it is off the server only the node's actor can say, also when
/// we do not believe it to be there: it may be on its way.
pub(super) async fn retire_key(conn: &mut Conn, service: ServiceId, now: DateTime<Utc>) -> EffectResult<()> {
    diesel::update(peers::table.filter(peers::service_id.eq(service.0).and(peers::retired_at.is_null())))
        .set(peers::retired_at.eq(now))
        .execute(conn)
        .await?;
    keys::retire(conn, service, now).await
}

/// Locks a service of the user in one of the statuses and says on which node it is, and what it is.
pub(super) async fn lock_service(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    service: ServiceId,
    statuses: &[&str],
) -> EffectResult<Option<(NodeId, Product)>> {
    let own = services::id.eq(service.0).and(services::user_id.eq(ctx.step.user.0));
    let row: Option<(i32, String)> = services::table
        .filter(own.and(services::status.eq_any(statuses)))
        .select((services::node_id, services::product))
        .for_no_key_update()
        .get_result(conn)
        .await
        .optional()?;
    let Some((node, product)) = row else { return Ok(None) };
    Ok(Some((NodeId(node), decode::product(&product)?)))
}

async fn rotate(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    offer: OfferId,
    service: ServiceId,
    own_key: Option<&PublicKey>,
) -> EffectResult<(Outcome, Done)> {
    let Some((node, product)) = lock_service(conn, ctx, service, &USABLE).await? else {
        return Ok(nothing(Outcome::NoSuchService));
    };
    if product.has_addresses() {
        let prepared = ctx.step.prepared.as_ref().filter(|prepared| prepared.node == node);
        let prepared = prepared.ok_or_else(not_prepared)?;
        let public = own_key.copied().unwrap_or_else(|| prepared.private_key.public_key());
        if key_in_use(conn, node, &public).await? {
            return Ok(nothing(Outcome::KeyTaken { offer, service: Some(service) }));
        }
        retire_key(conn, service, ctx.step.now).await?;
        add_peer(conn, ctx, service, prepared, &public, own_key.is_some()).await?;
    } else {
        if keys::on_its_way(conn, ctx, service, product).await? {
            return Ok(nothing(Outcome::KeyOnItsWay(service)));
        }
        let prepared = ctx.step.prepared_key.as_ref().filter(|prepared| prepared.node == node);
        let prepared = prepared.filter(|prepared| keys::is_of(&prepared.secret, product)).ok_or_else(not_prepared)?;
        retire_key(conn, service, ctx.step.now).await?;
        keys::add(conn, ctx, service, node, product, &prepared.secret).await?;
    }
    take(conn, ctx, offer).await?;
    let details = json!({ "offer": offer, "own_key": product.has_addresses() && own_key.is_some() });
    ctx.audit("service.rotate", format!("service/{service}"), details);
    Ok((Outcome::Begun(service), Done { wake: vec![node], ..Done::default() }))
}

async fn revoke(conn: &mut Conn, ctx: Ctx<'_>, offer: OfferId, service: ServiceId) -> EffectResult<(Outcome, Done)> {
    let Some((node, _)) = lock_service(conn, ctx, service, &LIVE).await? else {
        return Ok(nothing(Outcome::NoSuchService));
    };
    end(conn, service, ctx.step.now).await?;
    take(conn, ctx, offer).await?;
    ctx.audit("service.revoke", format!("service/{service}"), json!({ "offer": offer }));
    Ok((Outcome::Revoked(service), Done { wake: vec![node], ..Done::default() }))
}

/// Ends a service for good, whose row is locked.
pub(super) async fn end(conn: &mut Conn, service: ServiceId, now: DateTime<Utc>) -> EffectResult<()> {
    diesel::update(services::table.find(service.0))
        .set((services::status.eq("revoked"), services::reasons.eq(Vec::<String>::new()), services::ended_at.eq(now)))
        .execute(conn)
        .await?;
    retire_key(conn, service, now).await?;
    leases::quarantine(conn, service, now).await?;
    held::forget(conn, service).await?;
    Ok(())
}

/// The new period begins at once as far as traffic and reminders go, and lasts from the old end, or from now if that is over.
/// The first reminder comes at most four days before the end: three, and up to a day
/// earlier to be before quiet hours.
const RENEW: &str = "
    UPDATE services s
    SET period = s.period + 1, period_at = $2, ends_at = n.ends_at, reminded = NULL,
        remind_at = greatest($2, n.ends_at - make_interval(hours => 96)),
        quota_base = least(s.used_up::numeric + s.used_down, 9223372036854775807)::bigint,
        reasons = '{}', status = 'active'
    FROM (SELECT id, greatest(ends_at, $2) + make_interval(hours => days * 24) AS ends_at FROM services WHERE id = $1) n
    WHERE s.id = n.id
    RETURNING s.ends_at, s.period";

#[derive(QueryableByName)]
struct Renewed {
    #[diesel(sql_type = Timestamptz)]
    ends_at: DateTime<Utc>,
    #[diesel(sql_type = Integer)]
    period: i32,
}

async fn renew(conn: &mut Conn, ctx: Ctx<'_>, offer: OfferId, service: ServiceId) -> EffectResult<(Outcome, Done)> {
    let Some((node, _)) = lock_service(conn, ctx, service, &["active", "suspended"]).await? else {
        return Ok(nothing(Outcome::NoSuchService));
    };
    let now = ctx.step.now;
    let row = services::table.find(service.0).select(asked::Renewal::as_select());
    if !row.get_result(conn).await?.is_allowed(now)? {
        return Ok(nothing(Outcome::OfferGone));
    }
    let query = diesel::sql_query(RENEW).bind::<BigInt, _>(service.0).bind::<Timestamptz, _>(now);
    let renewed: Renewed = RunQueryDsl::get_result(crate::store::sql::Planned(query), conn).await?;
    held::forget(conn, service).await?;
    take(conn, ctx, offer).await?;
    let details = json!({ "offer": offer, "ends_at": renewed.ends_at, "period": renewed.period });
    ctx.audit("service.renew", format!("service/{service}"), details);
    Ok((Outcome::Renewed(service), Done { wake: vec![node], ..Done::default() }))
}

/// The product an offer speaks of, for refusals found only when its rows were written.
pub(super) async fn lost_race(conn: &mut Conn, user: UserId, offer: OfferId, free: bool) -> TxResult<Option<Outcome>> {
    let product = asked::product_of(conn, offer).await?;
    let refusal = if free { free_held(conn, user, product).await? } else { trial_used(conn, user, product).await? };
    Ok(refusal.map(|refusal| Outcome::TrialRefused(refusal, product)))
}
