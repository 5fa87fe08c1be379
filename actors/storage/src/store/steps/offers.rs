//! Offers: what a screen proposes is stored first, so that its button can be pressed many times and work once.

use super::effects::{Ctx, EffectResult, LIVE, USABLE, offer_subject};
use crate::model::OfferNeeds;
use crate::schema::{leases, nodes, offers, pools, services, trials};
use crate::store::{Conn, Result, Store};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;
use usipipo_domain::dialogue::Outcome;
use usipipo_domain::ids::{NodeId, OfferId, PoolId, ServiceId, UserId};
use usipipo_domain::screen::TrialRefusal;
use usipipo_domain::service::{Product, Purpose};

/// How long a trial stays on offer, in hours.
const TRIAL_OFFER_HOURS: i64 = 24;
/// How long a question that ends something may be answered, in hours.
const QUESTION_HOURS: i64 = 1;

/// Why the user gets no trial: they had theirs.
pub(super) async fn trial_used(conn: &mut Conn, user: UserId) -> QueryResult<Option<TrialRefusal>> {
    let used: Option<(DateTime<Utc>, i64, String)> = trials::table
        .inner_join(services::table)
        .filter(trials::user_id.eq(user.0).and(trials::product.eq(Product::Wireguard.as_str())))
        .select((trials::taken_at, services::id, services::status))
        .get_result(conn)
        .await
        .optional()?;
    Ok(used.map(|(at, service, status)| TrialRefusal::AlreadyUsed {
        at,
        service: LIVE.contains(&status.as_str()).then_some(ServiceId(service)),
    }))
}

async fn mint(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    kind: &str,
    service: Option<ServiceId>,
    hours: i64,
) -> EffectResult<OfferId> {
    let (user, now) = (ctx.step.user, ctx.step.now);
    let id: i64 = diesel::insert_into(offers::table)
        .values((
            offers::user_id.eq(user.0),
            offers::kind.eq(kind),
            offers::service_id.eq(service.map(|service| service.0)),
            offers::created_at.eq(now),
            offers::expires_at.eq(now + TimeDelta::hours(hours)),
        ))
        .returning(offers::id)
        .get_result(conn)
        .await?;
    let details = json!({ "kind": kind, "service": service });
    ctx.audit(conn, "offer.mint", offer_subject(OfferId(id)), details).await?;
    Ok(OfferId(id))
}

pub(super) async fn offer_trial(conn: &mut Conn, ctx: Ctx<'_>) -> EffectResult<Outcome> {
    if let Some(refusal) = trial_used(conn, ctx.step.user).await? {
        return Ok(Outcome::TrialRefused(refusal));
    }
    if let Some(refusal) = ctx.step.refused {
        return Ok(Outcome::TrialRefused(refusal));
    }
    let offering = pools::table
        .inner_join(nodes::table)
        .filter(pools::purpose.eq(Purpose::Trial.as_str()).and(nodes::driver.eq(Product::Wireguard.as_str())));
    if !diesel::select(diesel::dsl::exists(offering)).get_result::<bool>(conn).await? {
        return Ok(Outcome::TrialRefused(TrialRefusal::NoNode));
    }
    Ok(Outcome::TrialOffered(mint(conn, ctx, "trial", None, TRIAL_OFFER_HOURS).await?))
}

async fn owns(conn: &mut Conn, user: UserId, service: ServiceId, statuses: &[&str]) -> QueryResult<bool> {
    let own = services::id.eq(service.0).and(services::user_id.eq(user.0)).and(services::status.eq_any(statuses));
    diesel::select(diesel::dsl::exists(services::table.filter(own))).get_result(conn).await
}

pub(super) async fn offer_rotate(conn: &mut Conn, ctx: Ctx<'_>, service: ServiceId) -> EffectResult<Outcome> {
    if !owns(conn, ctx.step.user, service, &USABLE).await? {
        return Ok(Outcome::NoSuchService);
    }
    Ok(Outcome::RotateOffered(service, mint(conn, ctx, "rotate", Some(service), QUESTION_HOURS).await?))
}

pub(super) async fn offer_revoke(conn: &mut Conn, ctx: Ctx<'_>, service: ServiceId) -> EffectResult<Outcome> {
    if !owns(conn, ctx.step.user, service, &LIVE).await? {
        return Ok(Outcome::NoSuchService);
    }
    Ok(Outcome::RevokeOffered(service, mint(conn, ctx, "revoke", Some(service), QUESTION_HOURS).await?))
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
        match open {
            Some((kind, None)) if kind == "trial" => {
                let used = trial_used(&mut conn, user).await?.is_some();
                Ok(if used { OfferNeeds::Nothing } else { OfferNeeds::Trial })
            }
            Some((kind, Some(service))) if kind == "rotate" => {
                let place: Option<(i32, i32)> = leases::table
                    .inner_join(services::table)
                    .filter(leases::service_id.eq(service).and(leases::state.eq("live")))
                    .filter(services::user_id.eq(user.0).and(services::status.eq_any(USABLE)))
                    .select((leases::node_id, leases::pool_id))
                    .get_result(&mut conn)
                    .await
                    .optional()?;
                Ok(place.map_or(OfferNeeds::Nothing, |(node, pool)| OfferNeeds::Keys {
                    node: NodeId(node),
                    pool: PoolId(pool),
                }))
            }
            _ => Ok(OfferNeeds::Nothing),
        }
    }

    /// How many services the user ever had of this product (for names).
    ///
    /// # Errors
    /// [`crate::StoreError`] when the database does not answer.
    pub async fn services_ever(&self, user: UserId) -> Result<u64> {
        let mut conn = self.conn().await?;
        let count: i64 = services::table.filter(services::user_id.eq(user.0)).count().get_result(&mut conn).await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}
