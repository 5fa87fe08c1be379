//! Plans on offer. A row never changes: what the settings change becomes a new version.

use super::audit::{self, Entry};
use super::decode;
use super::sql::Planned;
use super::steps::free_choices;
use super::{Conn, Result, Store};
use crate::StoreError;
use crate::error::TxResult;
use crate::model::OfferRow;
use crate::schema::{offers, plans, plans_withdrawn, services};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, SmallInt, Text};
use diesel_async::RunQueryDsl;
use serde_json::json;
use usipipo_domain::ids::{OfferId, PlanId, ServiceId, UserId};
use usipipo_domain::plan::{Plan, PlanKind, PlanSpec};
use usipipo_domain::service::Product;

#[derive(QueryableByName)]
struct PlanRow {
    #[diesel(sql_type = Integer)]
    id: i32,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = Text)]
    product: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = SmallInt)]
    days: i16,
    #[diesel(sql_type = Integer)]
    price_cents: i32,
    #[diesel(sql_type = Nullable<BigInt>)]
    quota_bytes: Option<i64>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    devices: Option<i16>,
}

impl PlanRow {
    fn plan(self) -> Result<Plan> {
        let kind = PlanKind::parse(&self.kind)
            .ok_or_else(|| StoreError::Broken(format!("a row has the unknown kind of plan `{}`", self.kind)))?;
        Ok(Plan {
            id: PlanId(self.id),
            version: self.version,
            spec: PlanSpec {
                product: decode::product(&self.product)?,
                kind,
                code: self.code,
                days: u16::try_from(self.days).unwrap_or(0),
                price_cents: u32::try_from(self.price_cents).unwrap_or(0),
                quota_bytes: self.quota_bytes.map(decode::count),
                devices: self.devices.and_then(|devices| u16::try_from(devices).ok()),
            },
        })
    }
}

const NEWEST: &str = "
    SELECT * FROM (SELECT DISTINCT ON (code) * FROM plans ORDER BY code, version DESC) AS newest ORDER BY id";

const ON_OFFER: &str = "
    SELECT * FROM (SELECT DISTINCT ON (code) * FROM plans ORDER BY code, version DESC) AS newest
    WHERE NOT EXISTS (SELECT 1 FROM plans_withdrawn w WHERE w.code = newest.code)
    ORDER BY id";

/// The newest version of every plan on offer, the oldest plan first.
pub(super) async fn on_offer(conn: &mut Conn) -> Result<Vec<Plan>> {
    let rows: Vec<PlanRow> = RunQueryDsl::load(Planned(diesel::sql_query(ON_OFFER)), conn).await?;
    rows.into_iter().map(PlanRow::plan).collect()
}

/// One version of a plan.
pub(super) async fn find(conn: &mut Conn, plan: PlanId) -> Result<Option<Plan>> {
    let query = diesel::sql_query("SELECT * FROM plans WHERE id = $1").bind::<Integer, _>(plan.0);
    let row = RunQueryDsl::get_result::<PlanRow>(Planned(query), conn).await.optional()?;
    row.map(PlanRow::plan).transpose()
}

fn entry(code: &str, action: &'static str, details: serde_json::Value) -> Entry {
    Entry { user: None, action, subject: format!("plan/{code}"), details, seq: None }
}

async fn add(conn: &mut Conn, spec: &PlanSpec, version: i32, now: DateTime<Utc>) -> TxResult<Entry> {
    let id: i32 = diesel::insert_into(plans::table)
        .values((
            plans::code.eq(&spec.code),
            plans::version.eq(version),
            plans::product.eq(spec.product.as_str()),
            plans::kind.eq(spec.kind.as_str()),
            plans::days.eq(i16::try_from(spec.days).unwrap_or(i16::MAX)),
            plans::price_cents.eq(i32::try_from(spec.price_cents).unwrap_or(i32::MAX)),
            plans::quota_bytes.eq(spec.quota_bytes.map(decode::bytes)),
            plans::devices.eq(spec.devices.map(|devices| i16::try_from(devices).unwrap_or(i16::MAX))),
            plans::created_at.eq(now),
        ))
        .returning(plans::id)
        .get_result(conn)
        .await?;
    Ok(entry(&spec.code, "plan.add", json!({ "plan": id, "version": version, "spec": spec })))
}

async fn follow_settings(conn: &mut Conn, specs: &[PlanSpec], now: DateTime<Utc>) -> TxResult<()> {
    // Another process that does the same waits here, and then sees what was added.
    diesel::sql_query("LOCK TABLE plans_withdrawn IN SHARE ROW EXCLUSIVE MODE").execute(conn).await?;
    let rows: Vec<PlanRow> = RunQueryDsl::load(Planned(diesel::sql_query(NEWEST)), conn).await?;
    let newest = rows.into_iter().map(PlanRow::plan).collect::<Result<Vec<Plan>>>()?;
    let mut changes = Vec::new();
    for spec in specs {
        match newest.iter().find(|plan| plan.spec.code == spec.code) {
            Some(plan) if plan.spec == *spec => {}
            Some(plan) => changes.push(add(conn, spec, plan.version + 1, now).await?),
            None => changes.push(add(conn, spec, 1, now).await?),
        }
    }
    let listed: Vec<&str> = specs.iter().map(|spec| spec.code.as_str()).collect();
    let back: Vec<String> = diesel::delete(plans_withdrawn::table.filter(plans_withdrawn::code.eq_any(listed.clone())))
        .returning(plans_withdrawn::code)
        .get_results(conn)
        .await?;
    changes.extend(back.iter().map(|code| entry(code, "plan.restore", json!({}))));
    let gone: Vec<_> = newest
        .iter()
        .filter(|plan| !listed.contains(&plan.spec.code.as_str()))
        .map(|plan| (plans_withdrawn::code.eq(&plan.spec.code), plans_withdrawn::withdrawn_at.eq(now)))
        .collect();
    let gone: Vec<String> = diesel::insert_into(plans_withdrawn::table)
        .values(gone)
        .on_conflict_do_nothing()
        .returning(plans_withdrawn::code)
        .get_results(conn)
        .await?;
    changes.extend(gone.iter().map(|code| entry(code, "plan.withdraw", json!({}))));
    audit::write(conn, &changes, now).await
}

impl Store {
    /// Brings the plans on offer in line with the settings: a changed one becomes a new version, one that is no longer listed
    /// is withdrawn. What somebody has already stays as it is. Two processes may call it at once.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer; [`StoreError::Broken`] when a plan makes no sense.
    pub async fn ensure_plans(&self, specs: &[PlanSpec], now: DateTime<Utc>) -> Result<()> {
        self.tx("ensure_plans", async |conn| follow_settings(conn, specs, now).await).await
    }

    /// The newest version of every plan on offer, the oldest plan first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn plans(&self) -> Result<Vec<Plan>> {
        on_offer(&mut *self.conn().await?).await
    }

    /// One plan, whether it is on offer or not.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn plan(&self, plan: PlanId) -> Result<Option<Plan>> {
        find(&mut *self.conn().await?, plan).await
    }

    /// Products that the user could have for nothing now, with the kind of plan, as far as trials used, free services held and
    /// active servers say.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn free_choices(&self, user: UserId) -> Result<Vec<(Product, PlanKind)>> {
        let mut conn = self.conn().await?;
        let kinds = free_choices(&mut conn, user, &Product::ALL).await?;
        Ok(Product::ALL.into_iter().zip(kinds).filter_map(|(product, kind)| Some((product, kind?))).collect())
    }

    /// What an offer of the user's is about, taken or not.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn offer(&self, user: UserId, offer: OfferId) -> Result<Option<OfferRow>> {
        type Row = (String, Option<i32>, Option<i64>, Option<i64>, Option<String>, Option<String>);
        let mut conn = self.conn().await?;
        let row: Option<Row> = offers::table
            .left_join(plans::table)
            .left_join(services::table)
            .filter(offers::id.eq(offer.0).and(offers::user_id.eq(user.0)))
            .select((
                offers::kind,
                offers::plan_id,
                offers::service_id,
                offers::for_user,
                services::product.nullable(),
                plans::product.nullable(),
            ))
            .get_result(&mut conn)
            .await
            .optional()?;
        let Some((kind, plan, service, for_user, of_service, of_plan)) = row else { return Ok(None) };
        // An offer of before there were plans is a WireGuard trial.
        let product = of_service.or(of_plan).map_or(Ok(Product::Wireguard), |product| decode::product(&product))?;
        let (plan, service) = (plan.map(PlanId), service.map(ServiceId));
        Ok(Some(OfferRow { kind, product, plan, service, for_user: for_user.map(UserId) }))
    }
}

#[cfg(test)]
mod tests;
