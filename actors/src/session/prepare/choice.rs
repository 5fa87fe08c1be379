//! The choice of a server for a new service: those that serve first, then those with the least load, then the oldest.

use super::{Bounds, Failure};
use crate::ask::AskError;
use crate::directory::PoolPlace;
use crate::env::Env;
use crate::ip_pool::{IpPoolMsg, PoolFull};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use usipipo_domain::ids::{NodeId, PoolId};
use usipipo_domain::screen::TrialRefusal;
use usipipo_domain::service::{Addresses, NodeState, Product, Purpose};

/// A full server's load, percent.
const FULL: u8 = 100;

/// Pools with this purpose on servers that take new services.
fn pools(env: &Env, purpose: Purpose) -> Vec<(PoolId, Arc<PoolPlace>)> {
    let takes = |node| env.directory.node(node).is_none_or(|node| node.state() == NodeState::Active);
    env.directory.pools_for(purpose).into_iter().filter(|(_, pool)| takes(pool.node)).collect()
}

/// Why no address of this purpose can be had now, as far as the pools' actors know. One that does not run is no reason: it will.
pub(super) fn no_addresses(env: &Env, purpose: Purpose) -> Option<TrialRefusal> {
    let pools = pools(env, purpose);
    if pools.is_empty() {
        return Some(TrialRefusal::NoNode);
    }
    let full = |place: &PoolPlace| place.slot.is_up() && place.free.load(Ordering::Relaxed) <= 0;
    pools.iter().all(|(_, place)| full(place)).then_some(TrialRefusal::PoolFull)
}

pub(super) enum Reserved {
    Yes(NodeId, PoolId, Addresses),
    No(TrialRefusal),
    /// No pool gave an address, but one did not answer and may have some.
    Away,
}

/// Sets an address aside in the best pool.
pub(super) async fn reserve(env: &Env, purpose: Purpose, bounds: Bounds) -> Reserved {
    let mut pools = pools(env, purpose);
    pools.retain(|(_, pool)| bounds.allow(pool.node));
    if pools.is_empty() {
        return Reserved::No(TrialRefusal::NoNode);
    }
    pools.sort_by_cached_key(|(id, pool)| (rank(env, pool.node), pool.load_percent(), pool.node, *id));
    let mut away = false;
    for (id, place) in pools {
        let timeout = env.limits().ask_timeout;
        match place.slot.ask(timeout, |reply| IpPoolMsg::Reserve { reply }).await {
            Ok(Ok(addresses)) => return Reserved::Yes(place.node, id, addresses),
            Ok(Err(PoolFull)) => {}
            Err(AskError::Away | AskError::Dropped | AskError::Timeout) => away = true,
        }
    }
    if away { Reserved::Away } else { Reserved::No(TrialRefusal::PoolFull) }
}

/// The best server of keys with room, by the rows, and by what their actors know of their health. One that does not answer is
/// taken when no other is there: its services wait for it.
pub(super) async fn server(
    env: &Env,
    product: Product,
    bounds: Bounds,
) -> Result<Result<NodeId, TrialRefusal>, Failure> {
    let mut choices = env.store.server_choices(product, Purpose::Paid).await?;
    // Without an actor nobody would make the key: the settings do not name the server any more.
    choices.retain(|choice| bounds.allow(choice.node) && env.directory.node(choice.node).is_some());
    if choices.is_empty() {
        return Ok(Err(TrialRefusal::NoNode));
    }
    choices.retain(|choice| choice.load_percent < FULL);
    let best = choices.into_iter().min_by_key(|choice| (rank(env, choice.node), choice.load_percent, choice.node));
    Ok(best.map(|choice| choice.node).ok_or(TrialRefusal::PoolFull))
}

/// Those that serve come before those that only answer us, and these before those that do not answer.
fn rank(env: &Env, node: NodeId) -> u8 {
    match env.directory.node(node) {
        Some(node) if node.serves() => 0,
        Some(node) if node.up.load(Ordering::Relaxed) => 1,
        _ => 2,
    }
}
