//! What works only while this process leads.

use super::{KeyNodePart, NodePart};
use crate::env::Duty;
use crate::leader::{DUTY, MakeDuty};
use crate::ports::key_driver::KeyDriver;
use crate::ports::updates::{Lane, UpdateSource};
use crate::supervision::policy::Policy;
use crate::supervision::{AlertSink, ChildSpec, nested};
use crate::{alerts, committer, ip_pool, key_node, lane, node, outbox, poller, registry, router, stats, sweeper};
use ractor::ActorProcessingErr;
use std::sync::Arc;
use usipipo_domain::ids::NodeId;
use usipipo_domain::plan::PlanSpec;
use usipipo_domain::service::NodeState;
use usipipo_domain::wg::PrivateKey;
use usipipo_storage::StoreError;
use usipipo_storage::model::KeyNodeRow;

/// `duty` as a whole may take so many times as long to end as one actor.
const STOP_FACTOR: u32 = 2;

/// What `duty` is made of, besides what every system has.
pub(super) struct Parts {
    pub(super) nodes: Vec<NodePart>,
    pub(super) key_nodes: Vec<KeyNodePart>,
    pub(super) plans: Vec<PlanSpec>,
    pub(super) source: Option<Arc<dyn UpdateSource>>,
}

/// Makes `duty` for an epoch.
pub(super) fn maker(parts: Parts, alerts: AlertSink) -> MakeDuty {
    let parts = Arc::new(parts);
    Arc::new(move |duty: Duty| {
        let limits = duty.env.limits();
        let (stop_timeout, policy) = (limits.stop_timeout * STOP_FACTOR, Policy::from(limits));
        let env = Arc::clone(&duty.env);
        let parts = Arc::clone(&parts);
        let prepare = Arc::new(move || {
            let (duty, parts) = (duty.clone(), Arc::clone(&parts));
            Box::pin(async move { children(&duty, &parts).await }) as crate::supervision::Boxed<_>
        });
        nested(&env.directory.faults, stop_timeout, policy, Arc::clone(&alerts), DUTY, prepare)
    })
}

/// Who tells people comes first, who brings work comes last. Stopping goes the other way.
async fn children(duty: &Duty, parts: &Parts) -> Result<Vec<ChildSpec>, ActorProcessingErr> {
    duty.env.store.ensure_plans(&parts.plans, duty.env.clock.now()).await?;
    let mut rows = Vec::with_capacity(parts.nodes.len());
    for part in &parts.nodes {
        rows.push(duty.env.store.ensure_node(&part.spec, &fresh_key()?, duty.env.clock.now()).await?);
    }
    let mut key_rows = Vec::with_capacity(parts.key_nodes.len());
    for part in &parts.key_nodes {
        if let Some(row) = key_node_row(duty, part).await? {
            key_rows.push((row, Arc::clone(&part.driver)));
        }
    }
    let known: Vec<NodeId> = key_rows.iter().map(|(row, _)| row.id).collect();
    key_rows.extend(added(duty, &known).await?);
    let mut children = vec![alerts::spec(duty), outbox::spec(duty)];
    for row in rows.iter().filter(|row| row.state != NodeState::Removed) {
        children.extend((0..row.pool_ids.len()).filter_map(|index| ip_pool::spec(duty, row, index)));
    }
    for (row, part) in rows.iter().zip(&parts.nodes) {
        // What was removed stays removed until its part of the settings goes, too.
        if row.state != NodeState::Removed {
            children.push(node::spec(duty, row, Arc::clone(&part.driver)));
        }
    }
    children.extend(key_rows.into_iter().map(|(row, driver)| key_node::spec(duty, &row, driver)));
    children.extend([
        committer::spec(duty),
        router::spec(duty),
        lane::spec(duty, Lane::Payments),
        lane::spec(duty, Lane::Membership),
        sweeper::spec(duty),
        registry::spec(duty),
        stats::spec(duty),
    ]);
    children.extend(parts.source.iter().map(|source| poller::spec(duty, Arc::clone(source))));
    Ok(children)
}

/// Servers that admins added, besides those of the settings. One that cannot be steered is left to the registry, which tries
/// again.
async fn added(duty: &Duty, known: &[NodeId]) -> Result<Vec<(KeyNodeRow, Arc<dyn KeyDriver>)>, StoreError> {
    let rows = duty.env.store.added_key_nodes().await?;
    let others = rows.into_iter().filter(|row| !known.contains(&row.id));
    Ok(others.filter_map(|row| registry::steered(duty, row).ok()).collect())
}

/// The server's row; `None` when it was removed, or when it cannot be one: the others go on without it.
async fn key_node_row(duty: &Duty, part: &KeyNodePart) -> Result<Option<KeyNodeRow>, StoreError> {
    match duty.env.store.ensure_key_node(&part.spec, duty.env.clock.now()).await {
        Ok(row) => Ok((row.state != NodeState::Removed).then_some(row)),
        Err(error @ (StoreError::Vault(_) | StoreError::Broken(_))) => {
            tracing::error!(node = part.spec.name, %error, "a server of keys is left out; the others go on");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// For a server that has no row yet.
fn fresh_key() -> Result<PrivateKey, StoreError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Broken(format!("no random bytes: {error}")))?;
    Ok(PrivateKey::from_random(bytes))
}
