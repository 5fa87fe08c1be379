//! Beginning WireGuard services: service, right to a trial, lease, peer, the taken offer and the audit row in one statement.
//!
//! Trials of one group that will very likely succeed begin together; when one of them loses a race after all, the others
//! lose nothing: then each is tried alone, and the reason of each is found out there.

use super::effects::{Done, EffectError, EffectResult};
use crate::error::{TxError, TxResult};
use crate::model::{Prepared, StepCommit};
use crate::schema::{offers, plans};
use crate::store::Conn;
use crate::store::sql::Planned;
use crate::{StoreError, Vault};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bytea, Inet, Integer, Nullable, Text, Timestamptz};
use diesel_async::{AsyncConnection, RunQueryDsl};
use ipnetwork::IpNetwork;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use usipipo_domain::dialogue::{Act, Effect, Outcome};
use usipipo_domain::ids::{NodeId, OfferId, PlanId, ServiceId};
use usipipo_domain::service::{Addresses, Product};
use usipipo_domain::wg::{PrivateKey, PublicKey};

/// A service with everything decided.
pub(super) struct NewTunnel<'a> {
    pub(super) step: &'a StepCommit,
    pub(super) offer: OfferId,
    pub(super) plan: PlanId,
    pub(super) prepared: &'a Prepared,
    pub(super) addresses: Addresses,
    /// The user keeps the private half of `key`.
    pub(super) own_key: bool,
    pub(super) key: PublicKey,
}

impl NewTunnel<'_> {
    fn v4(&self) -> Option<IpNetwork> {
        self.addresses.v4.map(|address| IpNetwork::from(IpAddr::V4(address)))
    }

    fn v6(&self) -> Option<IpNetwork> {
        self.addresses.v6.map(|address| IpNetwork::from(IpAddr::V6(address)))
    }
}

/// A peer's keys as its row holds them.
pub(super) struct SealedKeys {
    pub(super) private: Option<Vec<u8>>,
    pub(super) preshared: Vec<u8>,
}

/// Seals the keys of a new peer.
pub(super) fn seal(
    vault: &Vault,
    node: NodeId,
    public: &PublicKey,
    prepared: &Prepared,
    own_key: bool,
) -> EffectResult<SealedKeys> {
    let seal = |key: &PrivateKey| vault.seal_peer_private(node, public, key);
    let private = (!own_key).then(|| seal(&prepared.private_key)).transpose()?;
    Ok(SealedKeys { private, preshared: vault.seal_peer_preshared(node, public, &prepared.preshared_key)? })
}

/// Foreign keys are looked at when the statement ends, so the order of its parts does not matter.
const BEGIN: &str = "
    WITH new AS MATERIALIZED (
        SELECT t.*, o.kind, coalesce(o.for_user, t.user_id) AS owner, p.days, p.quota_bytes AS quota, p.devices,
               nextval(pg_get_serial_sequence('services', 'id')) AS service
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) WITH ORDINALITY
             AS t (user_id, seq, offer, plan, node, pool, v4, v6, name, public, private, preshared, at, n)
        JOIN offers o ON o.id = t.offer
        JOIN plans p ON p.id = t.plan
    ), s AS (
        INSERT INTO services (id, user_id, product, trial, free, granted, plan_id, devices, node_id, name, status, days,
                              quota_bytes, created_at)
        SELECT service, owner, 'wireguard', kind = 'trial', kind = 'free', kind = 'grant', plan, devices, node, name,
               'pending', days, quota, at
        FROM new
    ), t AS (
        INSERT INTO trials (user_id, product, service_id, taken_at)
        SELECT owner, 'wireguard', service, at FROM new WHERE kind = 'trial'
    ), l AS (
        INSERT INTO leases (node_id, pool_id, service_id, v4, v6, state, created_at)
        SELECT node, pool, service, v4, v6, 'live', at FROM new
    ), p AS (
        INSERT INTO peers (service_id, node_id, public_key, private_key, preshared_key, created_at)
        SELECT service, node, public, private, preshared, at FROM new
    ), o AS (
        UPDATE offers SET taken_at = new.at FROM new WHERE offers.id = new.offer
    ), a AS (
        INSERT INTO audit (at, user_id, action, subject, details, inbox_seq)
        SELECT at, user_id,
               CASE kind WHEN 'trial' THEN 'service.begin_trial' WHEN 'free' THEN 'service.begin_free'
                         ELSE 'service.grant' END,
               'service/' || service,
               jsonb_build_object('offer', offer, 'plan', plan, 'node', node, 'pool', pool, 'own_key', private IS NULL,
                                  'v4', host(v4), 'v6', host(v6), 'user', owner),
               seq
        FROM new
    )
    SELECT service AS id FROM new ORDER BY n";

#[derive(diesel::QueryableByName)]
struct Begun {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Begins services whose offers are locked. They come in the given order.
pub(super) async fn begin(conn: &mut Conn, vault: &Vault, trials: &[NewTunnel<'_>]) -> EffectResult<Vec<ServiceId>> {
    fn all<'a, T>(trials: &'a [NewTunnel<'a>], part: impl Fn(&'a NewTunnel<'a>) -> T) -> Vec<T> {
        trials.iter().map(part).collect()
    }
    let mut privates = Vec::with_capacity(trials.len());
    let mut presharedes = Vec::with_capacity(trials.len());
    for trial in trials {
        let sealed = seal(vault, trial.prepared.node, &trial.key, trial.prepared, trial.own_key)?;
        privates.push(sealed.private);
        presharedes.push(sealed.preshared);
    }
    let query = diesel::sql_query(BEGIN)
        .bind::<Array<BigInt>, _>(all(trials, |trial| trial.step.user.0))
        .bind::<Array<BigInt>, _>(all(trials, |trial| trial.step.seq.0))
        .bind::<Array<BigInt>, _>(all(trials, |trial| trial.offer.0))
        .bind::<Array<Integer>, _>(all(trials, |trial| trial.plan.0))
        .bind::<Array<Integer>, _>(all(trials, |trial| trial.prepared.node.0))
        .bind::<Array<Integer>, _>(all(trials, |trial| trial.prepared.pool.0))
        .bind::<Array<Nullable<Inet>>, _>(all(trials, NewTunnel::v4))
        .bind::<Array<Nullable<Inet>>, _>(all(trials, NewTunnel::v6))
        .bind::<Array<Text>, _>(all(trials, |trial| trial.prepared.name.as_str()))
        .bind::<Array<Bytea>, _>(all(trials, |trial| trial.key.as_bytes().as_slice()))
        .bind::<Array<Nullable<Bytea>>, _>(privates)
        .bind::<Array<Bytea>, _>(presharedes)
        .bind::<Array<Timestamptz>, _>(all(trials, |trial| trial.step.now));
    let begun: Vec<Begun> = RunQueryDsl::load(Planned(query), conn).await?;
    if begun.len() != trials.len() {
        return Err(StoreError::Broken("an offer or a plan is gone".to_owned()).into());
    }
    Ok(begun.into_iter().map(|row| ServiceId(row.id)).collect())
}

/// What a begun service leaves to do.
fn done(node: NodeId) -> Done {
    Done { wake: vec![node], address_used: true, ..Done::default() }
}

/// Begins one.
pub(super) async fn begin_one(conn: &mut Conn, vault: &Vault, new: NewTunnel<'_>) -> EffectResult<(ServiceId, Done)> {
    let services = begin(conn, vault, std::slice::from_ref(&new)).await?;
    let service = services.into_iter().next();
    let service = service.ok_or_else(|| StoreError::Broken("no service was made".to_owned()))?;
    Ok((service, done(new.prepared.node)))
}

/// Those of the rows that nothing stands against: a trial had before, as many services as one may have, a server that takes
/// nothing new, a foreign pool, a key or an address in use.
const FREE: &str = "
    WITH open AS MATERIALIZED (
        SELECT id FROM nodes WHERE id = ANY ($2) AND state = 'active' ORDER BY id FOR KEY SHARE
    )
    SELECT t.n AS id
    FROM unnest($1, $2, $3, $4, $5, $6, $7) WITH ORDINALITY AS t (user_id, node, pool, v4, v6, key, most, n)
    WHERE NOT EXISTS (SELECT FROM trials WHERE trials.user_id = t.user_id AND product = 'wireguard')
      AND t.node IN (SELECT id FROM open)
      AND (SELECT count(*) FROM services s
           WHERE s.user_id = t.user_id AND s.status IN ('pending', 'active', 'suspended') AND NOT s.granted) < t.most
      AND EXISTS (SELECT FROM pools WHERE pools.id = t.pool AND node_id = t.node AND purpose = 'trial')
      AND NOT EXISTS (SELECT FROM nodes WHERE public_key = t.key)
      AND NOT EXISTS (SELECT FROM peers WHERE node_id = t.node AND public_key = t.key AND removed_at IS NULL)
      AND NOT EXISTS (SELECT FROM leases WHERE node_id = t.node AND leases.v4 = t.v4 AND state <> 'released')
      AND NOT EXISTS (SELECT FROM leases WHERE node_id = t.node AND leases.v6 = t.v6 AND state <> 'released')";

async fn retain_free(conn: &mut Conn, trials: &mut Vec<(usize, NewTunnel<'_>)>) -> EffectResult<()> {
    let query = diesel::sql_query(FREE)
        .bind::<Array<BigInt>, _>(trials.iter().map(|(_, trial)| trial.step.user.0).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(trials.iter().map(|(_, trial)| trial.prepared.node.0).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(trials.iter().map(|(_, trial)| trial.prepared.pool.0).collect::<Vec<_>>())
        .bind::<Array<Nullable<Inet>>, _>(trials.iter().map(|(_, trial)| trial.v4()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Inet>>, _>(trials.iter().map(|(_, trial)| trial.v6()).collect::<Vec<_>>())
        .bind::<Array<Bytea>, _>(trials.iter().map(|(_, trial)| trial.key.as_bytes().as_slice()).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(
            trials.iter().map(|(_, trial)| i32::from(trial.step.rules.services_max)).collect::<Vec<_>>(),
        );
    let free: Vec<Begun> = RunQueryDsl::load(Planned(query), conn).await?;
    let free: BTreeSet<i64> = free.into_iter().map(|row| row.id).collect();
    let mut number = 0;
    trials.retain(|_| {
        number += 1;
        free.contains(&number)
    });
    Ok(())
}

/// The group's accepted trial offers with an address, of users with this one step only.
fn candidates<'a>(order: &[(usize, &'a StepCommit)]) -> Vec<(usize, NewTunnel<'a>)> {
    let mut steps_of = BTreeMap::new();
    for (_, step) in order {
        *steps_of.entry(step.user).or_insert(0_usize) += 1;
    }
    let mut offers = BTreeSet::new();
    let mut found = Vec::new();
    for (index, step) in order {
        let Act::Do(Effect::Accept { offer, own_key, .. }) = &step.step.act else { continue };
        let Some(prepared) = &step.prepared else { continue };
        let Some(addresses) = prepared.addresses else { continue };
        if step.refused.is_none() && steps_of.get(&step.user) == Some(&1) && offers.insert(*offer) {
            let key = own_key.unwrap_or_else(|| prepared.private_key.public_key());
            // The plan comes with the offer's row.
            let plan = PlanId(0);
            let trial = NewTunnel { step, offer: *offer, plan, prepared, addresses, own_key: own_key.is_some(), key };
            found.push((*index, trial));
        }
    }
    found
}

async fn retain_open(conn: &mut Conn, trials: &mut Vec<(usize, NewTunnel<'_>)>) -> EffectResult<()> {
    type Open = (i64, i64, DateTime<Utc>, Option<i32>);
    let ids: Vec<i64> = trials.iter().map(|(_, trial)| trial.offer.0).collect();
    let tunnels = plans::table.filter(plans::product.eq(Product::Wireguard.as_str())).select(plans::id.nullable());
    let open: Vec<Open> = offers::table
        .filter(offers::id.eq_any(ids).and(offers::kind.eq("trial")).and(offers::taken_at.is_null()))
        .filter(offers::plan_id.eq_any(tunnels))
        .order(offers::id)
        .select((offers::id, offers::user_id, offers::expires_at, offers::plan_id))
        .for_update()
        .load(conn)
        .await?;
    let open: BTreeMap<i64, Open> = open.into_iter().map(|offer| (offer.0, offer)).collect();
    trials.retain_mut(|(_, trial)| match open.get(&trial.offer.0) {
        Some((_, user, end, Some(plan))) if *user == trial.step.user.0 && *end > trial.step.now => {
            trial.plan = PlanId(*plan);
            true
        }
        _ => false,
    });
    Ok(())
}

/// Begins those trials of a group that can begin, together. What is not in the result is to be tried alone.
pub(super) async fn begin_together(
    conn: &mut Conn,
    vault: &Vault,
    order: &[(usize, &StepCommit)],
) -> TxResult<BTreeMap<usize, (Outcome, Done)>> {
    let mut trials = candidates(order);
    if trials.len() < 2 {
        return Ok(BTreeMap::new());
    }
    let begun: EffectResult<_> = conn
        .transaction(async |conn| {
            retain_open(conn, &mut trials).await?;
            retain_free(conn, &mut trials).await?;
            if trials.is_empty() {
                return Ok(BTreeMap::new());
            }
            let (indexes, trials): (Vec<usize>, Vec<NewTunnel<'_>>) = trials.into_iter().unzip();
            let services = begin(conn, vault, &trials).await?;
            let outcomes = services
                .into_iter()
                .zip(&trials)
                .map(|(service, trial)| (Outcome::Begun(service), done(trial.prepared.node)));
            Ok(indexes.into_iter().zip(outcomes).collect())
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
