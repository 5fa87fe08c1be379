//! What works only while this process leads.

use super::NodePart;
use crate::env::Duty;
use crate::leader::{DUTY, MakeDuty};
use crate::ports::updates::{Lane, UpdateSource};
use crate::supervision::policy::Policy;
use crate::supervision::{AlertSink, ChildSpec, nested};
use crate::{alerts, committer, ip_pool, lane, node, outbox, poller, router, stats, sweeper};
use ractor::ActorProcessingErr;
use std::sync::Arc;
use usipipo_domain::wg::PrivateKey;
use usipipo_storage::StoreError;

/// `duty` as a whole may take so many times as long to end as one actor.
const STOP_FACTOR: u32 = 2;

struct Parts {
    nodes: Vec<NodePart>,
    source: Option<Arc<dyn UpdateSource>>,
}

/// Makes `duty` for an epoch.
pub(super) fn maker(nodes: Vec<NodePart>, source: Option<Arc<dyn UpdateSource>>, alerts: AlertSink) -> MakeDuty {
    let parts = Arc::new(Parts { nodes, source });
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
    let mut rows = Vec::with_capacity(parts.nodes.len());
    for part in &parts.nodes {
        rows.push(duty.env.store.ensure_node(&part.spec, &fresh_key()?, duty.env.clock.now()).await?);
    }
    let mut children = vec![alerts::spec(duty), outbox::spec(duty)];
    for row in &rows {
        children.extend((0..row.pool_ids.len()).filter_map(|index| ip_pool::spec(duty, row, index)));
    }
    for (row, part) in rows.iter().zip(&parts.nodes) {
        children.push(node::spec(duty, row, Arc::clone(&part.driver)));
    }
    children.extend([
        committer::spec(duty),
        router::spec(duty),
        lane::spec(duty, Lane::Payments),
        lane::spec(duty, Lane::Membership),
        sweeper::spec(duty),
        stats::spec(duty),
    ]);
    children.extend(parts.source.iter().map(|source| poller::spec(duty, Arc::clone(source))));
    Ok(children)
}

/// For a server that has no row yet.
fn fresh_key() -> Result<PrivateKey, StoreError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Broken(format!("no random bytes: {error}")))?;
    Ok(PrivateKey::from_random(bytes))
}
