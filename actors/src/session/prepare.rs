//! What a step that makes a service needs beforehand: an address that its pool's actor set aside, and keys.

use super::{Failure, SessionError, Shared};
use crate::ask::AskError;
use crate::directory::PoolPlace;
use crate::env::Env;
use crate::ip_pool::{IpPoolMsg, PoolFull};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use usipipo_domain::dialogue::Effect;
use usipipo_domain::ids::{NodeId, OfferId, PoolId, UserId};
use usipipo_domain::screen::TrialRefusal;
use usipipo_domain::service::{Addresses, Purpose};
use usipipo_domain::wg::{PresharedKey, PrivateKey};
use usipipo_storage::model::{OfferNeeds, Prepared};

/// Most tries of one step with other addresses before it waits a while.
pub(super) const TRIES_MAX: u32 = 16;
/// Tries to reach pools that are away (they restart) before the user is told that there is none.
const AWAY_MAX: u8 = 8;

/// What was prepared for a step.
#[derive(Debug, Default)]
pub(super) struct Preparation {
    pub(super) prepared: Option<Prepared>,
    pub(super) refused: Option<TrialRefusal>,
    away: u8,
}

/// Whether the effect may need anything.
pub(super) const fn is_needed(effect: &Effect) -> bool {
    matches!(effect, Effect::Accept { .. } | Effect::OfferTrial)
}

impl Preparation {
    /// Prepares what the effect needs, unless that was done before.
    pub(super) async fn make(
        &mut self,
        shared: &Shared,
        user: UserId,
        effect: &Effect,
        now: DateTime<Utc>,
    ) -> Result<(), Failure> {
        self.refused = None;
        match effect {
            Effect::OfferTrial => self.refused = no_trials(&shared.duty.env),
            Effect::Accept { offer, .. } if self.prepared.is_none() => {
                self.for_offer(shared, user, *offer, now).await?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn for_offer(
        &mut self,
        shared: &Shared,
        user: UserId,
        offer: OfferId,
        now: DateTime<Utc>,
    ) -> Result<(), Failure> {
        let env = &shared.duty.env;
        let (needs, ever) = {
            let _permit = shared.reads.acquire().await;
            match env.store.offer_needs(user, offer, now).await? {
                OfferNeeds::Nothing => return Ok(()),
                needs @ OfferNeeds::Trial => (needs, env.store.services_ever(user).await?),
                needs @ OfferNeeds::Keys { .. } => (needs, 0),
            }
        };
        let (node, pool, addresses) = match needs {
            OfferNeeds::Nothing => return Ok(()),
            OfferNeeds::Keys { node, pool } => (node, pool, None),
            OfferNeeds::Trial => match reserve(env).await {
                Reserved::Yes(node, pool, addresses) => (node, pool, Some(addresses)),
                Reserved::No(reason) => {
                    self.refused = Some(reason);
                    return Ok(());
                }
                Reserved::Away if self.away < AWAY_MAX => {
                    self.away += 1;
                    return Err(Failure::Later("no pool of addresses answers".to_owned()));
                }
                Reserved::Away => {
                    self.refused = Some(TrialRefusal::NoNode);
                    return Ok(());
                }
            },
        };
        let (private_key, preshared_key) = keys()?;
        self.prepared = Some(Prepared {
            node,
            pool,
            addresses,
            private_key,
            preshared_key,
            name: format!("WireGuard {}", ever + 1),
            terms: env.options.trial,
        });
        Ok(())
    }

    /// Somebody else holds the address.
    pub(super) fn taken(&mut self, env: &Env) {
        if let Some((pool, addresses)) = self.reservation(env) {
            pool.slot.tell(IpPoolMsg::FoundTaken(addresses));
        }
        self.prepared = None;
    }

    /// What was prepared does not fit the offer.
    pub(super) fn forget(&mut self) {
        self.prepared = None;
    }

    /// The step is committed.
    pub(super) fn settle(&self, env: &Env, used: bool) {
        if !used {
            self.give_back(env);
        } else if let Some((pool, addresses)) = self.reservation(env) {
            pool.slot.tell(IpPoolMsg::Leased(addresses));
        }
    }

    /// The address was not needed.
    pub(super) fn give_back(&self, env: &Env) {
        if let Some((pool, addresses)) = self.reservation(env) {
            pool.slot.tell(IpPoolMsg::GaveBack(addresses));
        }
    }

    fn reservation(&self, env: &Env) -> Option<(Arc<PoolPlace>, Addresses)> {
        let prepared = self.prepared.as_ref()?;
        Some((env.directory.pool(prepared.pool)?, prepared.addresses?))
    }
}

/// Why no trial can be offered now, as far as the pools' actors know. One that does not run is no reason: it will.
fn no_trials(env: &Env) -> Option<TrialRefusal> {
    let pools = env.directory.pools_for(Purpose::Trial);
    if pools.is_empty() {
        return Some(TrialRefusal::NoNode);
    }
    let full = |place: &PoolPlace| place.slot.is_up() && place.free.load(Ordering::Relaxed) <= 0;
    pools.iter().all(|(_, place)| full(place)).then_some(TrialRefusal::PoolFull)
}

enum Reserved {
    Yes(NodeId, PoolId, Addresses),
    No(TrialRefusal),
    /// No pool gave an address, but one did not answer and may have some.
    Away,
}

/// Sets an address aside in the best pool: on a server that answers, with the most room.
async fn reserve(env: &Env) -> Reserved {
    let mut pools = env.directory.pools_for(Purpose::Trial);
    if pools.is_empty() {
        return Reserved::No(TrialRefusal::NoNode);
    }
    pools.sort_by_cached_key(|(id, place)| {
        let up = env.directory.node(place.node).is_some_and(|node| node.up.load(Ordering::Relaxed));
        (!up, -place.free.load(Ordering::Relaxed), *id)
    });
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

fn keys() -> Result<(PrivateKey, PresharedKey), Failure> {
    let (mut private, mut preshared) = ([0; 32], [0; 32]);
    let no_random = |error: getrandom::Error| Failure::Fatal(SessionError::Refused(error.to_string()));
    getrandom::fill(&mut private).map_err(no_random)?;
    getrandom::fill(&mut preshared).map_err(no_random)?;
    Ok((PrivateKey::from_random(private), PresharedKey::from_random(preshared)))
}
