//! telemt servers of MTProto proxies.

use crate::mtproto::{Limits, ProxyTarget, Secret, SecretKey, SecretKind, Verdict, probe};
use crate::telemt::{
    NewUser, ProxyUser, SENTINEL, TelemtClient, TelemtError, UserCreated, UserLimits, UserPatch, Username,
};
use async_trait::async_trait;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use usipipo_actors::domain::access::KeySecret;
use usipipo_actors::domain::promotion::AdTag;
use usipipo_actors::model::{KeyStanding, UsageKind};
use usipipo_actors::ports::clock::Clock;
use usipipo_actors::ports::driver::DriverError;
use usipipo_actors::ports::key_driver::{KeyDriver, KeySpec, KeyStatus, KeyTerms, Put, Settled, Survey};

/// How long the running server may take to follow its file; it looks at it every 50 ms.
const RUNNING_WITHIN: Duration = Duration::from_secs(5);
/// The first look comes after this: it notices a change within 50 ms and then reads its file, and an earlier look would only
/// keep it from that.
const RUNNING_AFTER: Duration = Duration::from_millis(100);
/// Client addresses that a user may have on top of its devices: a probe is one more.
const PROBES_PLACE: u64 = 1;
/// For each form of a secret; both together end before the actor's patience with a probe does.
const PROBE_LIMITS: Limits =
    Limits { connect: Duration::from_secs(4), answer: Duration::from_secs(4), total: Duration::from_secs(9) };
/// The data centre that probes ask for.
const PROBE_DC: i16 = 2;

/// Steers a telemt server.
pub struct TelemtDriver {
    client: TelemtClient,
    place: ProxyPlace,
    clock: Arc<dyn Clock>,
    limits: Limits,
}

/// Where users of a proxy connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyPlace {
    /// Name or address.
    pub host: String,
    /// TCP.
    pub port: u16,
    /// The web site that it pretends to be, if it does.
    pub domain: Option<String>,
}

impl fmt::Debug for TelemtDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelemtDriver").field("place", &self.place).finish_non_exhaustive()
    }
}

impl TelemtDriver {
    /// Probes go to `place`, as users do, and by this clock, as fake TLS tells the time.
    #[must_use]
    pub fn new(client: TelemtClient, place: ProxyPlace, clock: Arc<dyn Clock>) -> Self {
        Self { client, place, clock, limits: PROBE_LIMITS }
    }

    /// With other limits of the probe's time.
    #[cfg(test)]
    #[must_use]
    const fn with_probe_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The running server takes a user a moment after its file says so; nobody is told before.
    async fn settled(&self, name: Username) -> Result<Settled, DriverError> {
        match self.client.wait_in_runtime(name, RUNNING_WITHIN).await {
            Ok(_) => Ok(Settled::Works),
            Err(error @ TelemtError::NotRunning { .. }) => Ok(Settled::NotYet(error.to_string())),
            Err(error) => Err(said(error)),
        }
    }

    async fn ask(&self, kind: SecretKind, key: &SecretKey) -> Verdict {
        let secret = Secret { kind, key: key.clone() };
        let target = ProxyTarget { host: self.place.host.clone(), port: self.place.port, secret };
        probe(&target, PROBE_DC, self.clock.now(), self.limits).await
    }

    /// `Ok(true)`: it is accepted; `Ok(false)`: it is refused; else nothing is known about the key.
    async fn judge(&self, verdict: Verdict) -> Result<bool, DriverError> {
        match &verdict {
            verdict if verdict.works() => Ok(true),
            Verdict::SecretRefused { or_no_way_to_telegram: true, .. } => match self.client.readiness().await {
                // Then the silence says nothing about the key.
                Ok(readiness) if !readiness.ready => Err(DriverError::Unavailable(format!(
                    "the proxy has no way to Telegram ({}); see its log",
                    readiness.reason.as_deref().unwrap_or("no reason told")
                ))),
                Ok(_) => Ok(false),
                Err(error) => Err(said(error)),
            },
            Verdict::SecretRefused { .. } => Ok(false),
            Verdict::Accepted { .. } | Verdict::Unreachable { .. } => {
                Err(DriverError::Unavailable(verdict.to_string()))
            }
            Verdict::ClockSuspect { .. } => Err(DriverError::Refused(verdict.to_string())),
            Verdict::CannotAsk { .. } => Err(DriverError::Unsupported(verdict.to_string())),
        }
    }
}

#[async_trait]
impl KeyDriver for TelemtDriver {
    async fn survey(&self) -> Result<Survey, DriverError> {
        let before = self.client.system().await.map_err(said)?;
        let users = self.client.users().await.map_err(said)?;
        let after = self.client.system().await.map_err(said)?;
        if before.process_started_at_epoch_secs != after.process_started_at_epoch_secs {
            // Its counters would be taken for those of the earlier process.
            return Err(DriverError::Unavailable("telemt was restarted just now; it is asked again".to_owned()));
        }
        // Without it the last user of ours could not be removed.
        if !users.iter().any(|user| user.username == SENTINEL && !user.enabled) {
            self.client.ensure_sentinel().await.map_err(said)?;
        }
        let keys = users.into_iter().filter(|user| user.username != SENTINEL).map(status);
        let incarnation = after.process_started_at_epoch_secs.to_string();
        Ok(Survey { incarnation, kind: UsageKind::SinceStart, keys: keys.collect() })
    }

    async fn put(&self, key: &KeySpec) -> Result<Put, DriverError> {
        let (name, secret) = (own(&key.name)?, secret_of(key)?);
        let limits = UserLimits {
            max_unique_ips: key.devices.map(|devices| u64::from(devices) + PROBES_PLACE),
            expires_at: key.terms.expires_at,
            ad_tag: key.terms.ad_tag.as_ref().map(ToString::to_string),
            ..UserLimits::default()
        };
        let new = NewUser { name, secret: &secret, limits, enabled: !key.closed };
        match self.client.create_user(&new).await.map_err(said)? {
            UserCreated::Created(_) => {}
            UserCreated::AlreadyOurs(user) if user.enabled == new.enabled && user.limits.same(&new.limits) => {}
            UserCreated::AlreadyOurs(_) => {
                let patch = UserPatch { limits: Some(new.limits), enabled: Some(new.enabled) };
                self.client.patch_user(name, &patch).await.map_err(said)?;
            }
            UserCreated::TakenByOther => return Ok(Put::TakenByOther),
        }
        Ok(if key.closed { Put::Done } else { Put::Begun })
    }

    async fn settle(&self, key: &KeySpec) -> Result<Settled, DriverError> {
        let name = own(&key.name)?;
        tokio::time::sleep(RUNNING_AFTER).await;
        self.settled(name).await
    }

    async fn set_closed(&self, name: &str, closed: bool) -> Result<(), DriverError> {
        let name = own(name)?;
        self.client.set_enabled(name, !closed).await.map_err(said)?;
        if !closed && let Settled::NotYet(error) = self.settled(name).await? {
            // What one user is refused says nothing about the server.
            return Err(DriverError::Refused(error));
        }
        Ok(())
    }

    async fn remove(&self, name: &str) -> Result<(), DriverError> {
        self.client.delete_user(own(name)?).await.map_err(said)
    }

    /// In both forms that users get: `dd`, and `ee` where the proxy has a domain.
    async fn probe(&self, key: &KeySpec) -> Result<Option<bool>, DriverError> {
        let secret = secret_of(key)?;
        let mut kinds = vec![SecretKind::Padded];
        kinds.extend(self.place.domain.clone().map(|domain| SecretKind::FakeTls { domain }));
        for kind in kinds {
            let verdict = self.ask(kind, &secret).await;
            tracing::debug!(user = key.name, verdict = verdict.name(), "a proxy was probed");
            if !self.judge(verdict).await? {
                return Ok(Some(false));
            }
        }
        Ok(Some(true))
    }

    fn keeps_closed(&self) -> bool {
        true
    }
}

fn status(user: ProxyUser) -> KeyStatus {
    let standing = match (user.enabled, user.in_runtime) {
        (true, true) => KeyStanding::Open,
        (true, false) => KeyStanding::Absent,
        (false, _) => KeyStanding::Closed,
    };
    KeyStatus {
        standing,
        full: user.limits.max_unique_ips.is_some_and(|most| user.unique_ips >= most),
        // Others' secrets are not carried around.
        secret: user.name().and_then(|_| user.secret()).map(|key| KeySecret::mtproto(*key.expose())),
        terms: Some(KeyTerms {
            expires_at: user.limits.expires_at,
            ad_tag: user.limits.ad_tag.as_deref().and_then(AdTag::parse),
        }),
        bytes: user.total_bytes,
        name: user.username,
    }
}

fn own(name: &str) -> Result<Username, DriverError> {
    Username::parse(name).ok_or_else(|| {
        DriverError::Refused(format!("user {name:?} is not one of ours and is not touched; please report this"))
    })
}

fn secret_of(key: &KeySpec) -> Result<SecretKey, DriverError> {
    match &key.secret {
        KeySecret::Mtproto(bytes) => Ok(SecretKey::new(*bytes)),
        KeySecret::Outline(_) => {
            Err(DriverError::Refused(format!("user {} has no MTProto secret; please report this", key.name)))
        }
    }
}

/// What passes by itself is waited for; the rest is the operator's.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn said(error: TelemtError) -> DriverError {
    if error.is_passing() {
        DriverError::Unavailable(error.to_string())
    } else {
        DriverError::Refused(error.to_string())
    }
}

#[cfg(test)]
mod tests;
