//! Offers: what a screen proposes is stored first, so that its button can be pressed many times and work once.

use super::effects::{Ctx, EffectResult, LIVE, USABLE, offer_subject};
use super::keys;
use crate::model::OfferNeeds;
use crate::schema::{leases, offers, plans, pools, services, trials, users};
use crate::store::sql::Planned;
use crate::store::{Conn, Result, Store, decode, plans as on_sale};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::json;
use usipipo_domain::dialogue::Outcome;
use usipipo_domain::ids::{NodeId, OfferId, PlanId, PoolId, ServiceId, UserId};
use usipipo_domain::lifecycle::may_renew;
use usipipo_domain::plan::PlanKind;
use usipipo_domain::screen::TrialRefusal;
use usipipo_domain::service::{Product, Purpose};

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

/// What decides about free services of one product, read at once.
#[derive(QueryableByName)]
struct Facts {
    /// When the trial was taken, and the service that it was.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    taken_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<BigInt>)]
    trial: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    trial_status: Option<String>,
    /// The free service that the user has.
    #[diesel(sql_type = Nullable<BigInt>)]
    free: Option<i64>,
    /// For whom servers take new services, whether they answer or not: the purposes of addresses, or `any` for keys.
    #[diesel(sql_type = Array<Text>)]
    open_for: Vec<String>,
    /// Kinds of plans of the product that are on offer.
    #[diesel(sql_type = Array<Text>)]
    kinds: Vec<String>,
    /// Services of any product that count against what one may have.
    #[diesel(sql_type = BigInt)]
    held: i64,
}

const FACTS: &str = "
    WITH on_offer AS MATERIALIZED (
        SELECT product, kind FROM (SELECT DISTINCT ON (code) * FROM plans ORDER BY code, version DESC) AS newest
        WHERE NOT EXISTS (SELECT FROM plans_withdrawn w WHERE w.code = newest.code)
    )
    SELECT trials.taken_at, s.id AS trial, s.status AS trial_status,
           (SELECT id FROM services f WHERE f.user_id = $1 AND f.product = t.product AND f.free
            AND f.status IN ('pending', 'active', 'suspended')) AS free,
           ARRAY (SELECT DISTINCT CASE WHEN t.addresses THEN pools.purpose ELSE 'any' END
                  FROM nodes LEFT JOIN pools ON pools.node_id = nodes.id
                  WHERE nodes.driver = t.driver AND nodes.state = 'active' AND (pools.id IS NOT NULL OR NOT t.addresses)) AS open_for,
           ARRAY (SELECT kind FROM on_offer WHERE on_offer.product = t.product) AS kinds,
           (SELECT count(*) FROM services h WHERE h.user_id = $1 AND NOT h.granted
            AND h.status IN ('pending', 'active', 'suspended')) AS held
    FROM unnest($2, $3, $4) WITH ORDINALITY AS t (product, driver, addresses, n)
    LEFT JOIN trials ON trials.user_id = $1 AND trials.product = t.product
    LEFT JOIN services s ON s.id = trials.service_id
    ORDER BY t.n";

impl Facts {
    /// In the order of `products`.
    async fn read(conn: &mut Conn, user: UserId, products: &[Product]) -> QueryResult<Vec<Self>> {
        let query = diesel::sql_query(FACTS)
            .bind::<BigInt, _>(user.0)
            .bind::<Array<Text>, _>(products.iter().map(|product| product.as_str()).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(products.iter().map(|product| product.driver()).collect::<Vec<_>>())
            .bind::<Array<Bool>, _>(products.iter().map(|product| product.has_addresses()).collect::<Vec<_>>());
        RunQueryDsl::load(Planned(query), conn).await
    }

    fn trial_used(&self) -> Option<TrialRefusal> {
        let (at, service, status) = (self.taken_at?, self.trial?, self.trial_status.as_deref()?);
        Some(TrialRefusal::AlreadyUsed { at, service: LIVE.contains(&status).then_some(ServiceId(service)) })
    }

    fn serves(&self, purpose: Purpose) -> bool {
        self.open_for.iter().any(|open| open == "any" || open == purpose.as_str())
    }

    /// The kind of free plan of the product that the user could have: its trial, if that is not used, else its free plan.
    fn choose(&self) -> std::result::Result<PlanKind, TrialRefusal> {
        let has = |kind: PlanKind| self.kinds.iter().any(|offered| offered == kind.as_str());
        let kind = match (has(PlanKind::Trial), self.trial_used(), has(PlanKind::Free)) {
            (true, None, _) => PlanKind::Trial,
            (_, _, true) => match self.free {
                Some(service) => return Err(TrialRefusal::HaveOne { service: ServiceId(service) }),
                None => PlanKind::Free,
            },
            (_, Some(refusal), false) => return Err(refusal),
            (false, None, false) => return Err(TrialRefusal::NoNode),
        };
        if self.serves(kind.purpose()) { Ok(kind) } else { Err(TrialRefusal::NoNode) }
    }
}

/// The kind of plan by which the user could get each of the products free of charge, in the order of `products`.
pub(in crate::store) async fn free_choices(
    conn: &mut Conn,
    user: UserId,
    products: &[Product],
) -> QueryResult<Vec<Option<PlanKind>>> {
    Ok(Facts::read(conn, user, products).await?.iter().map(|facts| facts.choose().ok()).collect())
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
    ctx.audit("offer.mint", offer_subject(OfferId(id)), details);
    Ok(OfferId(id))
}

pub(super) async fn offer_trial(conn: &mut Conn, ctx: Ctx<'_>, asked: Option<Product>) -> EffectResult<Outcome> {
    let step = ctx.step;
    let asked = asked.as_ref().map_or(Product::ALL.as_slice(), std::slice::from_ref);
    let mut found: Vec<(Product, PlanKind)> = Vec::new();
    // What the user had or has says more than that there is no server.
    let mut why: Option<(TrialRefusal, Product)> = None;
    let facts = Facts::read(conn, step.user, asked).await?;
    for (facts, product) in facts.iter().zip(asked) {
        match facts.choose() {
            Ok(kind) => found.push((*product, kind)),
            Err(refusal)
                if refusal != TrialRefusal::NoNode && !matches!(why, Some((why, _)) if why != TrialRefusal::NoNode) =>
            {
                why = Some((refusal, *product));
            }
            Err(refusal) => why = why.or(Some((refusal, *product))),
        }
    }
    let Some((first, _)) = found.as_slice().first() else {
        let (refusal, product) = why.unwrap_or((TrialRefusal::NoNode, Product::Wireguard));
        return Ok(Outcome::TrialRefused(refusal, product));
    };
    let most = step.rules.services_max;
    if facts.iter().any(|facts| facts.held >= i64::from(most)) {
        return Ok(Outcome::TrialRefused(TrialRefusal::TooMany { most }, *first));
    }
    if let Some((refusal, product)) = step.refused {
        found.retain(|(other, _)| *other != product);
        if found.is_empty() {
            return Ok(Outcome::TrialRefused(refusal, product));
        }
    }
    let [(product, kind)] = found.as_slice() else {
        return Ok(Outcome::TrialChoice(found.into_iter().map(|(product, _)| product).collect()));
    };
    let plans = on_sale::on_offer(conn).await?;
    let Some(plan) = plans.iter().find(|plan| plan.spec.product == *product && plan.spec.kind == *kind) else {
        // It was withdrawn just now.
        return Ok(Outcome::TrialRefused(TrialRefusal::NoNode, *product));
    };
    let about = About { plan: Some(plan.id), ..About::default() };
    let offer = mint(conn, ctx, kind.as_str(), about, TRIAL_OFFER_HOURS).await?;
    Ok(Outcome::TrialOffered(offer, *product))
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
    let own = services::id.eq(service.0).and(services::user_id.eq(ctx.step.user.0));
    let product: Option<String> =
        services::table.filter(own).select(services::product).get_result(conn).await.optional()?;
    let Some(product) = product else { return Ok(Outcome::NoSuchService) };
    if keys::on_its_way(conn, ctx, service, decode::product(&product)?).await? {
        return Ok(Outcome::KeyOnItsWay(service));
    }
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

/// What says whether a service can have another period.
#[derive(Queryable, Selectable)]
#[diesel(table_name = services)]
pub(super) struct Renewal {
    free: bool,
    days: i16,
    ends_at: Option<DateTime<Utc>>,
    reasons: Vec<String>,
}

impl Renewal {
    pub(super) fn is_allowed(&self, now: DateTime<Utc>) -> Result<bool> {
        let reasons = self.reasons.iter().map(|reason| decode::reason(reason)).collect::<Result<Vec<_>>>()?;
        Ok(may_renew(self.free, u16::try_from(self.days).unwrap_or(0), self.ends_at, &reasons, now))
    }
}

pub(super) async fn offer_renew(conn: &mut Conn, ctx: Ctx<'_>, service: ServiceId) -> EffectResult<Outcome> {
    let own = services::id.eq(service.0).and(services::user_id.eq(ctx.step.user.0));
    let row: Option<(Renewal, Option<i32>)> = services::table
        .filter(own.and(services::status.eq_any(["active", "suspended"])))
        .select((Renewal::as_select(), services::plan_id))
        .get_result(conn)
        .await
        .optional()?;
    let Some((renewal, plan)) = row else { return Ok(Outcome::NoSuchService) };
    if !renewal.is_allowed(ctx.step.now)? {
        return Ok(Outcome::OfferGone);
    }
    let about = About { service: Some(service), plan: plan.map(PlanId), for_user: None };
    Ok(Outcome::RenewOffered(service, mint(conn, ctx, "renew", about, QUESTION_HOURS).await?))
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
    product_or_tunnel(product.flatten())
}

/// The product of an offer's plan; an offer of before there were plans is a WireGuard trial.
fn product_or_tunnel(product: Option<String>) -> Result<Product> {
    product.map_or(Ok(Product::Wireguard), |product| decode::product(&product))
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
        let open: Option<(String, Option<i64>, Option<String>)> = offers::table
            .left_join(plans::table)
            .filter(offers::id.eq(offer.0).and(offers::user_id.eq(user.0)))
            .filter(offers::taken_at.is_null().and(offers::expires_at.gt(now)))
            .select((offers::kind, offers::service_id, plans::product.nullable()))
            .get_result(&mut conn)
            .await
            .optional()?;
        let Some((kind, service, product)) = open else { return Ok(OfferNeeds::Nothing) };
        let purpose = match (kind.as_str(), service) {
            ("trial", None) => Purpose::Trial,
            ("free" | "grant", None) => Purpose::Paid,
            ("rotate" | "move", Some(service)) => return needs_of_service(&mut conn, user, service, &kind).await,
            _ => return Ok(OfferNeeds::Nothing),
        };
        let product = product_or_tunnel(product)?;
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
