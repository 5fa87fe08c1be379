//! Offers: what a screen proposes is stored first, so that its button can be pressed many times and work once.

use super::effects::{Ctx, EffectResult, LIVE, USABLE, offer_subject};
use crate::model::OfferNeeds;
use crate::schema::{leases, nodes, offers, plans, pools, services, trials, users};
use crate::store::key_nodes::driver_of;
use crate::store::{Conn, Result, Store, decode, plans as on_sale};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;
use usipipo_domain::dialogue::Outcome;
use usipipo_domain::ids::{NodeId, OfferId, PlanId, PoolId, ServiceId, UserId};
use usipipo_domain::plan::{Plan, PlanKind};
use usipipo_domain::screen::TrialRefusal;
use usipipo_domain::service::{NodeState, Product, Purpose};

/// How long a free service stays on offer, in hours.
const TRIAL_OFFER_HOURS: i64 = 24;
/// How long a question that changes or ends something may be answered, in hours.
const QUESTION_HOURS: i64 = 1;

/// Why the user gets no trial: they had theirs.
pub(super) async fn trial_used(conn: &mut Conn, user: UserId, product: Product) -> QueryResult<Option<TrialRefusal>> {
    let used: Option<(DateTime<Utc>, i64, String)> = trials::table
        .inner_join(services::table)
        .filter(trials::user_id.eq(user.0).and(trials::product.eq(product.as_str())))
        .select((trials::taken_at, services::id, services::status))
        .get_result(conn)
        .await
        .optional()?;
    Ok(used.map(|(at, service, status)| TrialRefusal::AlreadyUsed {
        at,
        service: LIVE.contains(&status.as_str()).then_some(ServiceId(service)),
    }))
}

/// Why the user gets no free service: they have one.
pub(super) async fn free_held(conn: &mut Conn, user: UserId, product: Product) -> QueryResult<Option<TrialRefusal>> {
    let held: Option<i64> = services::table
        .filter(services::user_id.eq(user.0).and(services::product.eq(product.as_str())))
        .filter(services::free.and(services::status.eq_any(LIVE)))
        .select(services::id)
        .first(conn)
        .await
        .optional()?;
    Ok(held.map(|service| TrialRefusal::HaveOne { service: ServiceId(service) }))
}

/// Why the user gets no more: they hold as many as one may.
pub(super) async fn too_many(conn: &mut Conn, user: UserId, most: u16) -> QueryResult<Option<TrialRefusal>> {
    let held: i64 = services::table
        .filter(services::user_id.eq(user.0).and(services::status.eq_any(LIVE)).and(services::granted.eq(false)))
        .count()
        .get_result(conn)
        .await?;
    Ok((held >= i64::from(most)).then_some(TrialRefusal::TooMany { most }))
}

/// Whether any server takes new services of the product, whether it answers or not.
async fn has_server(conn: &mut Conn, product: Product, purpose: Purpose) -> QueryResult<bool> {
    let takes = nodes::driver.eq(driver_of(product)).and(nodes::state.eq(NodeState::Active.as_str()));
    if product.has_addresses() {
        let pools = pools::table.inner_join(nodes::table).filter(takes.and(pools::purpose.eq(purpose.as_str())));
        return diesel::select(diesel::dsl::exists(pools)).get_result(conn).await;
    }
    diesel::select(diesel::dsl::exists(nodes::table.filter(takes))).get_result(conn).await
}

/// The free plan of the product that the user could have: its trial, if that is not used, else its free plan.
pub(in crate::store) async fn free_choice<'p>(
    conn: &mut Conn,
    user: UserId,
    product: Product,
    plans: &'p [Plan],
) -> QueryResult<std::result::Result<&'p Plan, TrialRefusal>> {
    let of = |kind| plans.iter().find(|plan| plan.spec.product == product && plan.spec.kind == kind);
    let used = trial_used(conn, user, product).await?;
    let plan = match (of(PlanKind::Trial), used, of(PlanKind::Free)) {
        (Some(plan), None, _) => plan,
        (_, _, Some(plan)) => match free_held(conn, user, product).await? {
            Some(refusal) => return Ok(Err(refusal)),
            None => plan,
        },
        (_, Some(refusal), None) => return Ok(Err(refusal)),
        (None, None, None) => return Ok(Err(TrialRefusal::NoNode)),
    };
    let there = has_server(conn, product, plan.spec.kind.purpose()).await?;
    Ok(if there { Ok(plan) } else { Err(TrialRefusal::NoNode) })
}

/// What an offer is about besides its user.
#[derive(Default)]
struct About {
    service: Option<ServiceId>,
    plan: Option<PlanId>,
    for_user: Option<UserId>,
}

async fn mint(conn: &mut Conn, ctx: Ctx<'_>, kind: &str, about: About, hours: i64) -> EffectResult<OfferId> {
    let (user, now) = (ctx.step.user, ctx.step.now);
    let id: i64 = diesel::insert_into(offers::table)
        .values((
            offers::user_id.eq(user.0),
            offers::kind.eq(kind),
            offers::service_id.eq(about.service.map(|service| service.0)),
            offers::plan_id.eq(about.plan.map(|plan| plan.0)),
            offers::for_user.eq(about.for_user.map(|user| user.0)),
            offers::created_at.eq(now),
            offers::expires_at.eq(now + TimeDelta::hours(hours)),
        ))
        .returning(offers::id)
        .get_result(conn)
        .await?;
    let mut details = json!({ "kind": kind, "service": about.service, "plan": about.plan });
    if let Some(user) = about.for_user {
        details["for_user"] = json!(user);
    }
    ctx.audit(conn, "offer.mint", offer_subject(OfferId(id)), details).await?;
    Ok(OfferId(id))
}

pub(super) async fn offer_trial(conn: &mut Conn, ctx: Ctx<'_>, asked: Option<Product>) -> EffectResult<Outcome> {
    let step = ctx.step;
    let plans = on_sale::on_offer(conn).await?;
    let asked = asked.as_ref().map_or(Product::ALL.as_slice(), std::slice::from_ref);
    let mut found = Vec::new();
    // What the user had or has says more than that there is no server.
    let mut why: Option<(TrialRefusal, Product)> = None;
    for product in asked {
        match free_choice(conn, step.user, *product, &plans).await? {
            Ok(plan) => found.push(plan),
            Err(refusal)
                if refusal != TrialRefusal::NoNode && !matches!(why, Some((why, _)) if why != TrialRefusal::NoNode) =>
            {
                why = Some((refusal, *product));
            }
            Err(refusal) => why = why.or(Some((refusal, *product))),
        }
    }
    let Some(first) = found.as_slice().first() else {
        let (refusal, product) = why.unwrap_or((TrialRefusal::NoNode, Product::Wireguard));
        return Ok(Outcome::TrialRefused(refusal, product));
    };
    if let Some(refusal) = too_many(conn, step.user, step.rules.services_max).await? {
        return Ok(Outcome::TrialRefused(refusal, first.spec.product));
    }
    if let Some((refusal, product)) = step.refused {
        found.retain(|plan| plan.spec.product != product);
        if found.is_empty() {
            return Ok(Outcome::TrialRefused(refusal, product));
        }
    }
    let [plan] = found.as_slice() else {
        return Ok(Outcome::TrialChoice(found.iter().map(|plan| plan.spec.product).collect()));
    };
    let about = About { plan: Some(plan.id), ..About::default() };
    let offer = mint(conn, ctx, plan.spec.kind.as_str(), about, TRIAL_OFFER_HOURS).await?;
    Ok(Outcome::TrialOffered(offer, plan.spec.product))
}

pub(super) async fn offer_grant(conn: &mut Conn, ctx: Ctx<'_>, user: UserId, code: &str) -> EffectResult<Outcome> {
    let plans = on_sale::on_offer(conn).await?;
    let plan = plans.iter().find(|plan| plan.spec.code == code);
    let known = users::table.find(user.0);
    let known = diesel::select(diesel::dsl::exists(known)).get_result::<bool>(conn).await?;
    let Some(plan) = plan.filter(|_| known) else { return Ok(Outcome::GrantUnknown(user, code.to_owned())) };
    let about = About { plan: Some(plan.id), for_user: Some(user), ..About::default() };
    let offer = mint(conn, ctx, "grant", about, QUESTION_HOURS).await?;
    Ok(Outcome::GrantOffered(user, code.to_owned(), offer))
}

async fn owns(conn: &mut Conn, user: UserId, service: ServiceId, statuses: &[&str]) -> QueryResult<bool> {
    let own = services::id.eq(service.0).and(services::user_id.eq(user.0)).and(services::status.eq_any(statuses));
    diesel::select(diesel::dsl::exists(services::table.filter(own))).get_result(conn).await
}

async fn question(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    kind: &str,
    service: ServiceId,
    statuses: &[&str],
) -> EffectResult<Option<OfferId>> {
    if !owns(conn, ctx.step.user, service, statuses).await? {
        return Ok(None);
    }
    let about = About { service: Some(service), ..About::default() };
    Ok(Some(mint(conn, ctx, kind, about, QUESTION_HOURS).await?))
}

pub(super) async fn offer_rotate(conn: &mut Conn, ctx: Ctx<'_>, service: ServiceId) -> EffectResult<Outcome> {
    let offer = question(conn, ctx, "rotate", service, &USABLE).await?;
    Ok(offer.map_or(Outcome::NoSuchService, |offer| Outcome::RotateOffered(service, offer)))
}

pub(super) async fn offer_revoke(conn: &mut Conn, ctx: Ctx<'_>, service: ServiceId) -> EffectResult<Outcome> {
    let offer = question(conn, ctx, "revoke", service, &LIVE).await?;
    Ok(offer.map_or(Outcome::NoSuchService, |offer| Outcome::RevokeOffered(service, offer)))
}

pub(super) async fn offer_move(conn: &mut Conn, ctx: Ctx<'_>, service: ServiceId) -> EffectResult<Outcome> {
    let offer = question(conn, ctx, "move", service, &USABLE).await?;
    Ok(offer.map_or(Outcome::NoSuchService, |offer| Outcome::MoveOffered(service, offer)))
}

/// Whether the service can get another period now: it costs nothing, has begun, and does not reach further ahead than one
/// period already, so that nobody collects years.
pub(super) fn renewable(free: bool, days: i16, ends_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    free && ends_at.is_some_and(|end| end <= now + TimeDelta::hours(24 * i64::from(days)))
}

pub(super) async fn offer_renew(conn: &mut Conn, ctx: Ctx<'_>, service: ServiceId) -> EffectResult<Outcome> {
    type Row = (bool, i16, Option<DateTime<Utc>>, Option<i32>);
    let own = services::id.eq(service.0).and(services::user_id.eq(ctx.step.user.0));
    let row: Option<Row> = services::table
        .filter(own.and(services::status.eq_any(["active", "suspended"])))
        .select((services::free, services::days, services::ends_at, services::plan_id))
        .get_result(conn)
        .await
        .optional()?;
    match row {
        Some((free, days, ends_at, plan)) if renewable(free, days, ends_at, ctx.step.now) => {
            let about = About { service: Some(service), plan: plan.map(PlanId), for_user: None };
            Ok(Outcome::RenewOffered(service, mint(conn, ctx, "renew", about, QUESTION_HOURS).await?))
        }
        _ => Ok(Outcome::NoSuchService),
    }
}

/// What an offer would make.
pub(super) async fn product_of(conn: &mut Conn, offer: OfferId) -> Result<Product> {
    let product: Option<Option<String>> = offers::table
        .left_join(plans::table)
        .filter(offers::id.eq(offer.0))
        .select(plans::product.nullable())
        .get_result(conn)
        .await
        .optional()?;
    // An offer of before there were plans is a WireGuard trial.
    product.flatten().map_or(Ok(Product::Wireguard), |product| decode::product(&product))
}

async fn needs_of_service(conn: &mut Conn, user: UserId, service: i64, kind: &str) -> Result<OfferNeeds> {
    let own = services::id.eq(service).and(services::user_id.eq(user.0)).and(services::status.eq_any(USABLE));
    let row: Option<(String, i32)> =
        services::table.filter(own).select((services::product, services::node_id)).get_result(conn).await.optional()?;
    let Some((product, node)) = row else { return Ok(OfferNeeds::Nothing) };
    let (product, node) = (decode::product(&product)?, NodeId(node));
    if !product.has_addresses() {
        return Ok(match kind {
            "rotate" => OfferNeeds::Secret { product, node },
            _ => OfferNeeds::Key { product, not: Some(node) },
        });
    }
    let pool: Option<(i32, String)> = leases::table
        .inner_join(pools::table)
        .filter(leases::service_id.eq(service).and(leases::state.eq("live")))
        .select((pools::id, pools::purpose))
        .get_result(conn)
        .await
        .optional()?;
    Ok(match (pool, kind) {
        (None, _) => OfferNeeds::Nothing,
        (Some((pool, _)), "rotate") => OfferNeeds::Keys { node, pool: PoolId(pool) },
        (Some((_, purpose)), _) => OfferNeeds::Address { purpose: decode::purpose(&purpose)?, not: Some(node) },
    })
}

impl Store {
    /// What taking an offer needs to be prepared; only for the offer's own user, else `Nothing`.
    ///
    /// # Errors
    /// [`crate::StoreError`] when the database does not answer.
    pub async fn offer_needs(&self, user: UserId, offer: OfferId, now: DateTime<Utc>) -> Result<OfferNeeds> {
        let mut conn = self.conn().await?;
        let open: Option<(String, Option<i64>)> = offers::table
            .filter(offers::id.eq(offer.0).and(offers::user_id.eq(user.0)))
            .filter(offers::taken_at.is_null().and(offers::expires_at.gt(now)))
            .select((offers::kind, offers::service_id))
            .get_result(&mut conn)
            .await
            .optional()?;
        let Some((kind, service)) = open else { return Ok(OfferNeeds::Nothing) };
        let purpose = match (kind.as_str(), service) {
            ("trial", None) => Purpose::Trial,
            ("free" | "grant", None) => Purpose::Paid,
            ("rotate" | "move", Some(service)) => return needs_of_service(&mut conn, user, service, &kind).await,
            _ => return Ok(OfferNeeds::Nothing),
        };
        let product = product_of(&mut conn, offer).await?;
        if kind == "trial" && trial_used(&mut conn, user, product).await?.is_some() {
            return Ok(OfferNeeds::Nothing);
        }
        Ok(if product.has_addresses() {
            OfferNeeds::Address { purpose, not: None }
        } else {
            OfferNeeds::Key { product, not: None }
        })
    }

    /// How many services of this product the user ever had (for names).
    ///
    /// # Errors
    /// [`crate::StoreError`] when the database does not answer.
    pub async fn services_ever(&self, user: UserId, product: Product) -> Result<u64> {
        let mut conn = self.conn().await?;
        let theirs = services::user_id.eq(user.0).and(services::product.eq(product.as_str()));
        let count: i64 = services::table.filter(theirs).count().get_result(&mut conn).await?;
        Ok(decode::count(count))
    }
}
