//! What a step that makes or moves a service needs beforehand: an address that its pool's actor set aside, or a server of keys
//! that has room, and secrets.

mod choice;

use super::{Failure, SessionError, Shared};
use crate::directory::PoolPlace;
use crate::env::Env;
use crate::ip_pool::IpPoolMsg;
use crate::ports::promotion::{PromotedPlace, Registered};
use choice::{Reserved, no_addresses, reserve, server};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use usipipo_domain::access::{KeySecret, PASSWORD_RANDOM_BYTES};
use usipipo_domain::dialogue::Effect;
use usipipo_domain::ids::{NodeId, OfferId, PoolId, UserId};
use usipipo_domain::new_server::{NewServer, ServerPaste, ServerProblem};
use usipipo_domain::promotion::AdTag;
use usipipo_domain::screen::TrialRefusal;
use usipipo_domain::service::{Addresses, Product, Purpose};
use usipipo_domain::wg::{PresharedKey, PrivateKey};
use usipipo_storage::model::{OfferNeeds, Prepared, PreparedKey};

/// Most tries of one step with other addresses or servers before it waits a while.
pub(super) const TRIES_MAX: u32 = 16;
/// Tries to reach pools that are away (they restart) before the user is told that there is none.
const AWAY_MAX: u8 = 8;
/// Random bytes asked for again when too many of them could not be used for a password; one more is hardly ever needed.
const PASSWORD_TRIES_MAX: u8 = 8;

/// What was prepared for a step.
#[derive(Debug, Default)]
pub(super) struct Preparation {
    pub(super) prepared: Option<Prepared>,
    pub(super) key: Option<PreparedKey>,
    pub(super) refused: Option<(TrialRefusal, Product)>,
    away: u8,
}

/// Where a new service may be: on the server that the user chose, and not on the one it moves away from.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    only: Option<NodeId>,
    not: Option<NodeId>,
}

impl Bounds {
    fn allow(self, node: NodeId) -> bool {
        self.only.is_none_or(|only| only == node) && self.not != Some(node)
    }
}

/// Whether the effect may need anything.
pub(super) const fn is_needed(effect: &Effect) -> bool {
    matches!(effect, Effect::Accept { .. } | Effect::OfferTrial(_))
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
            // Room on servers of keys is in the rows, where the step itself looks at it.
            Effect::OfferTrial(None | Some(Product::Wireguard)) => {
                let refusal = no_addresses(&shared.duty.env, Purpose::Trial);
                self.refused = refusal.map(|reason| (reason, Product::Wireguard));
            }
            Effect::Accept { offer, node, .. } if self.prepared.is_none() && self.key.is_none() => {
                self.for_offer(shared, user, *offer, *node, now).await?;
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
        chosen: Option<NodeId>,
        now: DateTime<Utc>,
    ) -> Result<(), Failure> {
        let env = &shared.duty.env;
        let (needs, name) = {
            let _permit = shared.reads.acquire().await;
            let needs = env.store.offer_needs(user, offer, now).await?;
            let product = match needs {
                OfferNeeds::Nothing => return Ok(()),
                OfferNeeds::Address { .. } | OfferNeeds::Keys { .. } => Product::Wireguard,
                OfferNeeds::Key { product, .. } | OfferNeeds::Secret { product, .. } => product,
            };
            let ever = env.store.services_ever(user, product).await?;
            (needs, format!("{} {}", word(product), ever + 1))
        };
        match needs {
            OfferNeeds::Nothing => {}
            OfferNeeds::Keys { node, pool } => self.with_keys(node, pool, None, name)?,
            OfferNeeds::Address { purpose, not } => {
                if let Some((node, pool, addresses)) = self.address(env, purpose, Bounds { only: chosen, not }).await? {
                    self.with_keys(node, pool, Some(addresses), name)?;
                }
            }
            OfferNeeds::Secret { product, node } => {
                self.key = Some(PreparedKey { node, secret: secret(product)?, name })
            }
            OfferNeeds::Key { product, not } => {
                let found = {
                    let _permit = shared.reads.acquire().await;
                    server(env, product, Bounds { only: chosen, not }).await?
                };
                match found {
                    Ok(node) => self.key = Some(PreparedKey { node, secret: secret(product)?, name }),
                    Err(reason) => self.refused = Some((reason, product)),
                }
            }
        }
        Ok(())
    }

    async fn address(
        &mut self,
        env: &Env,
        purpose: Purpose,
        bounds: Bounds,
    ) -> Result<Option<(NodeId, PoolId, Addresses)>, Failure> {
        let reason = match reserve(env, purpose, bounds).await {
            Reserved::Yes(node, pool, addresses) => return Ok(Some((node, pool, addresses))),
            Reserved::No(reason) => reason,
            Reserved::Away if self.away < AWAY_MAX => {
                self.away += 1;
                return Err(Failure::Later("no pool of addresses answers".to_owned()));
            }
            Reserved::Away => TrialRefusal::NoNode,
        };
        self.refused = Some((reason, Product::Wireguard));
        Ok(None)
    }

    fn with_keys(
        &mut self,
        node: NodeId,
        pool: PoolId,
        addresses: Option<Addresses>,
        name: String,
    ) -> Result<(), Failure> {
        let (private_key, preshared_key) = keys()?;
        self.prepared = Some(Prepared { node, pool, addresses, private_key, preshared_key, name });
        Ok(())
    }

    /// Somebody else holds the address.
    pub(super) fn taken(&mut self, env: &Env) {
        if let Some((pool, addresses)) = self.reservation(env) {
            pool.slot.tell(IpPoolMsg::FoundTaken(addresses));
        }
        self.forget();
    }

    /// What was prepared does not fit the offer, or its server does not take it any more.
    pub(super) fn reject(&mut self, env: &Env) {
        self.give_back(env);
        self.forget();
    }

    fn forget(&mut self) {
        (self.prepared, self.key) = (None, None);
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

/// The tag of a proxy server, if something gets it without an admin.
pub(super) async fn registered(env: &Env, node: NodeId) -> Result<Option<AdTag>, Failure> {
    // The commit says so if it is no such server.
    let Some(row) = env.store.promotion(node).await? else { return Ok(None) };
    let place = PromotedPlace { host: row.host, port: row.port };
    let asked = tokio::time::timeout(env.limits().key_call_timeout, env.registrar.register(&place)).await;
    Ok(match asked {
        Ok(Ok(Registered::Tag(tag))) => Some(tag),
        Ok(Ok(Registered::ByAdmin)) => None,
        Ok(Err(error)) => {
            tracing::warn!(node = row.name, %error, "a proxy server is left to its admin to register");
            None
        }
        Err(_) => {
            tracing::warn!(node = row.name, "@MTProxybot takes too long; the admin is to register the server");
            None
        }
    })
}

/// Asks a new server whether it is what an admin says.
pub(super) async fn ask_server(env: &Env, paste: &ServerPaste) -> Result<NewServer, ServerProblem> {
    let within = env.limits().key_call_timeout;
    match tokio::time::timeout(within, env.drivers.check(&paste.draft, &paste.pasted)).await {
        Ok(checked) => checked,
        Err(_) => Err(ServerProblem::Answer { error: format!("no answer within {} s", within.as_secs()) }),
    }
}

/// What the names of new services begin with, in every language.
const fn word(product: Product) -> &'static str {
    match product {
        Product::Wireguard => "WireGuard",
        Product::Outline => "Outline",
        Product::Mtproto => "Telegram",
    }
}

fn no_random(error: getrandom::Error) -> Failure {
    Failure::Fatal(SessionError::Refused(format!("no random bytes: {error}")))
}

fn keys() -> Result<(PrivateKey, PresharedKey), Failure> {
    let (mut private, mut preshared) = ([0; 32], [0; 32]);
    getrandom::fill(&mut private).map_err(no_random)?;
    getrandom::fill(&mut preshared).map_err(no_random)?;
    Ok((PrivateKey::from_random(private), PresharedKey::from_random(preshared)))
}

fn secret(product: Product) -> Result<KeySecret, Failure> {
    match product {
        Product::Mtproto => {
            let mut random = [0; 16];
            getrandom::fill(&mut random).map_err(no_random)?;
            Ok(KeySecret::mtproto(random))
        }
        Product::Outline => {
            for _ in 0..PASSWORD_TRIES_MAX {
                let mut random = [0; PASSWORD_RANDOM_BYTES];
                getrandom::fill(&mut random).map_err(no_random)?;
                if let Some(secret) = KeySecret::outline(random) {
                    return Ok(secret);
                }
            }
            Err(Failure::Fatal(SessionError::Refused("random bytes give no password".to_owned())))
        }
        Product::Wireguard => {
            Err(Failure::Fatal(SessionError::Refused("a WireGuard service has no key of this kind".to_owned())))
        }
    }
}
