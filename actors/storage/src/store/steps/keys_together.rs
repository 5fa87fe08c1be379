//! Beginning services with keys: those of one group that will very likely succeed begin together, in a few statements instead of
//! a dozen for each, because a server's row is locked meanwhile. What loses a race after all is tried alone, and the reason is
//! found out there.

use super::effects::{Done, EffectError, EffectResult};
use super::keys::is_of;
use crate::error::{TxError, TxResult};
use crate::model::{PreparedKey, StepCommit};
use crate::store::keys::{Named, first_names};
use crate::store::sql::Planned;
use crate::store::{Conn, decode};
use crate::{StoreError, Vault};
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bytea, Integer, Text, Timestamptz};
use diesel_async::{AsyncConnection, RunQueryDsl};
use std::collections::{BTreeMap, BTreeSet};
use usipipo_domain::dialogue::{Act, Effect, Outcome};
use usipipo_domain::ids::{OfferId, ServiceId};
use usipipo_domain::service::Product;

/// A service that may begin.
struct NewKey<'a> {
    index: usize,
    step: &'a StepCommit,
    offer: OfferId,
    prepared: &'a PreparedKey,
    /// These come with the offer's row.
    plan: i32,
    kind: String,
    product: Product,
}

/// The group's accepted offers with a key, of users with this one step only.
fn candidates<'a>(order: &[(usize, &'a StepCommit)]) -> Vec<NewKey<'a>> {
    let mut steps_of = BTreeMap::new();
    for (_, step) in order {
        *steps_of.entry(step.user).or_insert(0_usize) += 1;
    }
    let mut offers = BTreeSet::new();
    let mut found = Vec::new();
    for (index, step) in order {
        let Act::Do(Effect::Accept { offer, .. }) = &step.step.act else { continue };
        let Some(prepared) = &step.prepared_key else { continue };
        if step.refused.is_none() && steps_of.get(&step.user) == Some(&1) && offers.insert(*offer) {
            let (plan, kind, product) = (0, String::new(), Product::Outline);
            found.push(NewKey { index: *index, step, offer: *offer, prepared, plan, kind, product });
        }
    }
    found
}

/// Offers that begin a service for their own user, locked.
const OPEN: &str = "
    SELECT o.id, o.user_id, o.kind, o.expires_at, p.id AS plan, p.product
    FROM offers o JOIN plans p ON p.id = o.plan_id
    WHERE o.id = ANY ($1) AND o.kind IN ('trial', 'free') AND o.taken_at IS NULL
    ORDER BY o.id FOR UPDATE OF o";

#[derive(diesel::QueryableByName)]
struct Open {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    user_id: i64,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Timestamptz)]
    expires_at: DateTime<Utc>,
    #[diesel(sql_type = Integer)]
    plan: i32,
    #[diesel(sql_type = Text)]
    product: String,
}

async fn retain_open(conn: &mut Conn, keys: &mut Vec<NewKey<'_>>) -> EffectResult<()> {
    let query =
        diesel::sql_query(OPEN).bind::<Array<BigInt>, _>(keys.iter().map(|key| key.offer.0).collect::<Vec<_>>());
    let open: Vec<Open> = RunQueryDsl::load(Planned(query), conn).await?;
    let mut open: BTreeMap<i64, Open> = open.into_iter().map(|offer| (offer.id, offer)).collect();
    let mut kept = Vec::with_capacity(keys.len());
    for mut key in keys.drain(..) {
        let Some(offer) = open.remove(&key.offer.0) else { continue };
        key.product = decode::product(&offer.product)?;
        let is_theirs = offer.user_id == key.step.user.0 && offer.expires_at > key.step.now;
        if is_theirs && is_of(&key.prepared.secret, key.product) {
            (key.plan, key.kind) = (offer.plan, offer.kind);
            kept.push(key);
        }
    }
    *keys = kept;
    Ok(())
}

/// Those of the rows that nothing stands against: a trial had before, a free service held, as many services as one may have, a
/// server that takes nothing new or is full. Users and servers are locked since the group began, so what is read here stays.
const FREE: &str = "
    WITH open AS MATERIALIZED (
        SELECT id, driver, capacity FROM nodes WHERE id = ANY ($2) AND state = 'active' ORDER BY id FOR NO KEY UPDATE
    ), used AS MATERIALIZED (
        SELECT node_id, count(DISTINCT service_id) AS services FROM access_keys
        WHERE node_id = ANY ($2) AND removed_at IS NULL GROUP BY node_id
    ), t AS (
        SELECT *, row_number() OVER (PARTITION BY node ORDER BY n) AS place
        FROM unnest($1, $2, $3, $4, $5, $6) WITH ORDINALITY AS t (user_id, node, product, driver, kind, most, n)
    )
    SELECT t.n AS id
    FROM t JOIN open ON open.id = t.node AND open.driver = t.driver LEFT JOIN used ON used.node_id = t.node
    WHERE (open.capacity IS NULL OR coalesce(used.services, 0) + t.place <= open.capacity)
      AND (t.kind <> 'trial' OR NOT EXISTS (
            SELECT FROM trials WHERE trials.user_id = t.user_id AND trials.product = t.product))
      AND (t.kind <> 'free' OR NOT EXISTS (
            SELECT FROM services f WHERE f.user_id = t.user_id AND f.product = t.product AND f.free
            AND f.status IN ('pending', 'active', 'suspended')))
      AND (SELECT count(*) FROM services s
           WHERE s.user_id = t.user_id AND s.status IN ('pending', 'active', 'suspended') AND NOT s.granted) < t.most";

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

async fn retain_free(conn: &mut Conn, keys: &mut Vec<NewKey<'_>>) -> EffectResult<()> {
    let query = diesel::sql_query(FREE)
        .bind::<Array<BigInt>, _>(keys.iter().map(|key| key.step.user.0).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(keys.iter().map(|key| key.prepared.node.0).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(keys.iter().map(|key| key.product.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(keys.iter().map(|key| key.product.driver()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(keys.iter().map(|key| key.kind.as_str()).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(keys.iter().map(|key| i32::from(key.step.rules.services_max)).collect::<Vec<_>>());
    let free: Vec<Number> = RunQueryDsl::load(Planned(query), conn).await?;
    let free: BTreeSet<i64> = free.into_iter().map(|row| row.id).collect();
    let mut number = 0;
    keys.retain(|_| {
        number += 1;
        free.contains(&number)
    });
    Ok(())
}

/// Foreign keys are looked at when the statement ends, so the order of its parts does not matter.
const BEGIN: &str = "
    WITH new AS MATERIALIZED (
        SELECT t.*, o.kind, p.product, p.days, p.quota_bytes AS quota, p.devices
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             AS t (user_id, seq, offer, plan, node, service, title, name, secret, at)
        JOIN offers o ON o.id = t.offer
        JOIN plans p ON p.id = t.plan
    ), s AS (
        INSERT INTO services (id, user_id, product, trial, free, granted, plan_id, devices, node_id, name, status, days,
                              quota_bytes, created_at)
        SELECT service, user_id, product, kind = 'trial', kind = 'free', false, plan, devices, node, title, 'pending', days,
               quota, at
        FROM new
    ), t AS (
        INSERT INTO trials (user_id, product, service_id, taken_at)
        SELECT user_id, product, service, at FROM new WHERE kind = 'trial'
    ), k AS (
        INSERT INTO access_keys (service_id, node_id, name, secret, created_at)
        SELECT service, node, name, secret, at FROM new
    ), o AS (
        UPDATE offers SET taken_at = new.at FROM new WHERE offers.id = new.offer
    ), a AS (
        INSERT INTO audit (at, user_id, action, subject, details, inbox_seq)
        SELECT at, user_id, CASE kind WHEN 'trial' THEN 'service.begin_trial' ELSE 'service.begin_free' END,
               'service/' || service, jsonb_build_object('offer', offer, 'plan', plan, 'node', node, 'user', user_id), seq
        FROM new
    )
    SELECT service AS id FROM new";

/// Begins services whose offers are locked; their numbers, in the given order.
async fn begin(conn: &mut Conn, vault: &Vault, keys: &[NewKey<'_>]) -> EffectResult<Vec<ServiceId>> {
    fn all<'a, T>(keys: &'a [NewKey<'a>], part: impl Fn(&'a NewKey<'a>) -> T) -> Vec<T> {
        keys.iter().map(part).collect()
    }
    let products: Vec<Product> = all(keys, |key| key.product);
    let named: Vec<Named> = first_names(conn, &products).await?;
    let sealed = keys
        .iter()
        .zip(&named)
        .map(|(key, named)| vault.seal_key_secret(key.prepared.node, &named.name, &key.prepared.secret));
    let sealed: Vec<Vec<u8>> = sealed.collect::<Result<_, _>>()?;
    let query = diesel::sql_query(BEGIN)
        .bind::<Array<BigInt>, _>(all(keys, |key| key.step.user.0))
        .bind::<Array<BigInt>, _>(all(keys, |key| key.step.seq.0))
        .bind::<Array<BigInt>, _>(all(keys, |key| key.offer.0))
        .bind::<Array<Integer>, _>(all(keys, |key| key.plan))
        .bind::<Array<Integer>, _>(all(keys, |key| key.prepared.node.0))
        .bind::<Array<BigInt>, _>(named.iter().map(|named| named.service.0).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(all(keys, |key| key.prepared.name.as_str()))
        .bind::<Array<Text>, _>(named.iter().map(|named| named.name.as_str()).collect::<Vec<_>>())
        .bind::<Array<Bytea>, _>(sealed)
        .bind::<Array<Timestamptz>, _>(all(keys, |key| key.step.now));
    let begun: Vec<Number> = RunQueryDsl::load(Planned(query), conn).await?;
    if begun.len() != keys.len() {
        return Err(StoreError::Broken("an offer or a plan is gone".to_owned()).into());
    }
    Ok(named.into_iter().map(|named| named.service).collect())
}

/// Begins those services with keys of a group that can begin, together. What is not in the result is to be tried alone.
pub(super) async fn begin_together(
    conn: &mut Conn,
    vault: &Vault,
    order: &[(usize, &StepCommit)],
) -> TxResult<BTreeMap<usize, (Outcome, Done)>> {
    let mut keys = candidates(order);
    if keys.len() < 2 {
        return Ok(BTreeMap::new());
    }
    let begun: EffectResult<_> = conn
        .transaction(async |conn| {
            retain_open(conn, &mut keys).await?;
            retain_free(conn, &mut keys).await?;
            if keys.is_empty() {
                return Ok(BTreeMap::new());
            }
            let services = begin(conn, vault, &keys).await?;
            let outcomes = services.into_iter().zip(&keys).map(|(service, key)| {
                let done = Done { wake: vec![key.prepared.node], ..Done::default() };
                (key.index, (Outcome::Begun(service), done))
            });
            Ok(outcomes.collect())
        })
        .await;
    match begun {
        Ok(begun) => Ok(begun),
        Err(EffectError::Tx(TxError::Store(error @ (StoreError::Unavailable(_) | StoreError::NotLeader)))) => {
            Err(error.into())
        }
        Err(EffectError::Tx(error @ TxError::Conflict(_))) => Err(error),
        Err(_) => Ok(BTreeMap::new()),
    }
}
