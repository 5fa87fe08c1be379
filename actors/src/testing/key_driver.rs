//! A server of keys in memory.

use crate::ports::driver::DriverError;
use crate::ports::key_driver::{KeyDriver, KeySpec, KeyStatus, KeyTerms, Put, Settled, Survey};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use usipipo_domain::access::KeySecret;
use usipipo_storage::model::{KeyStanding, UsageKind};

/// A change that was asked of it and made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChange {
    /// A key was put, open or closed.
    Put(String),
    /// A key was opened or closed.
    Turned(String, bool),
    /// A key was removed.
    Removed(String),
}

#[derive(Debug, Clone)]
struct Key {
    secret: KeySecret,
    standing: KeyStanding,
    devices: Option<u16>,
    terms: Option<KeyTerms>,
    bytes: u64,
}

#[derive(Debug, Default)]
struct Server {
    keys: BTreeMap<String, Key>,
    /// What a key counted before it was removed; a window does not forget it.
    before: BTreeMap<String, u64>,
    incarnation: u64,
    changes: Vec<KeyChange>,
    surveys: u64,
    calls: u64,
    probes: u64,
    failure: Option<DriverError>,
    refuse_names: Vec<String>,
    slow_names: Vec<String>,
    settles_in: Duration,
    settling: u32,
    most_settling: u32,
    full_names: Vec<String>,
    lose_answers: u32,
    panic_next: bool,
    delay: Duration,
    probe: Option<Result<Option<bool>, DriverError>>,
    under_way: u32,
    most_under_way: u32,
}

/// A server of keys that can be away, can forget, loses answers, and has habits of either kind.
#[derive(Debug)]
pub struct FakeKeyDriver {
    kind: UsageKind,
    keeps_closed: bool,
    capacity: usize,
    server: Mutex<Server>,
}

impl Default for FakeKeyDriver {
    fn default() -> Self {
        Self::telemt()
    }
}

impl FakeKeyDriver {
    /// Keeps closed keys, and counts from its start.
    #[must_use]
    pub fn telemt() -> Self {
        Self { kind: UsageKind::SinceStart, keeps_closed: true, capacity: usize::MAX, server: Mutex::default() }
    }

    /// Has no closed keys, and counts the traffic of a trailing window, which it still knows after a removal.
    #[must_use]
    pub fn outline() -> Self {
        Self { kind: UsageKind::Window30Days, keeps_closed: false, ..Self::telemt() }
    }

    /// Refuses more keys than that.
    #[must_use]
    pub const fn with_capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every call fails with this until `None` is given.
    pub fn fail(&self, failure: Option<DriverError>) {
        self.server().failure = failure;
    }

    /// Changes of this key are refused.
    pub fn refuse(&self, name: &str) {
        self.server().refuse_names.push(name.to_owned());
    }

    /// The server has what is put under this name, and does not act on it before [`FakeKeyDriver::slow_no_more`].
    pub fn slow(&self, name: &str) {
        self.server().slow_names.push(name.to_owned());
    }

    /// It acts on a key so long after it was put.
    pub fn settles_in(&self, time: Duration) {
        self.server().settles_in = time;
    }

    /// It acts on everything.
    pub fn slow_no_more(&self) {
        self.server().slow_names.clear();
    }

    /// This key has all the devices that it may have; a probe would be refused.
    pub fn fill(&self, name: &str) {
        self.server().full_names.push(name.to_owned());
    }

    /// The next so many changes are made, and their answers are lost.
    pub fn lose_answers(&self, count: u32) {
        self.server().lose_answers = count;
    }

    /// The next call panics.
    pub fn panic_next(&self) {
        self.server().panic_next = true;
    }

    /// Each call takes so long.
    pub fn delay(&self, delay: Duration) {
        self.server().delay = delay;
    }

    /// How probes end; without it they find what a client would.
    pub fn probes_end(&self, outcome: Option<Result<Option<bool>, DriverError>>) {
        self.server().probe = outcome;
    }

    /// The server was restarted and has its keys; its counters begin at zero.
    pub fn restart(&self) {
        let mut server = self.server();
        server.incarnation += 1;
        server.before.clear();
        for key in server.keys.values_mut() {
            key.bytes = 0;
        }
    }

    /// The server was installed anew: it has neither keys nor counters.
    pub fn forget(&self) {
        let mut server = self.server();
        server.incarnation += 1;
        server.before.clear();
        server.keys.clear();
    }

    /// Somebody removed this key by hand.
    pub fn remove_by_hand(&self, name: &str) {
        remove(&mut self.server(), name);
    }

    /// Somebody put this key by hand, or gave it another secret.
    pub fn put_by_hand(&self, name: &str, secret: KeySecret) {
        let key = Key { secret, standing: KeyStanding::Open, devices: None, terms: None, bytes: 0 };
        self.server().keys.insert(name.to_owned(), key);
    }

    /// Somebody opened or closed this key by hand.
    pub fn turn_by_hand(&self, name: &str, standing: KeyStanding) {
        if let Some(key) = self.server().keys.get_mut(name) {
            key.standing = standing;
        }
    }

    /// Traffic of a key, in bytes on top of what there was.
    pub fn traffic(&self, name: &str, bytes: u64) {
        if let Some(key) = self.server().keys.get_mut(name) {
            key.bytes += bytes;
        }
    }

    /// The keys on it and how they stand, by name.
    #[must_use]
    pub fn on_it(&self) -> Vec<(String, KeyStanding)> {
        self.server().keys.iter().map(|(name, key)| (name.clone(), key.standing)).collect()
    }

    /// How a key of this name stands.
    #[must_use]
    pub fn standing(&self, name: &str) -> KeyStanding {
        self.server().keys.get(name).map_or(KeyStanding::Absent, |key| key.standing)
    }

    /// The secret of a key.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<KeySecret> {
        self.server().keys.get(name).map(|key| key.secret.clone())
    }

    /// The devices that a key may have at the same time.
    #[must_use]
    pub fn devices(&self, name: &str) -> Option<u16> {
        self.server().keys.get(name).and_then(|key| key.devices)
    }

    /// What the server sees to by itself for a key.
    #[must_use]
    pub fn terms(&self, name: &str) -> Option<KeyTerms> {
        self.server().keys.get(name).and_then(|key| key.terms.clone())
    }

    /// Every change made through the driver, in order.
    #[must_use]
    pub fn changes(&self) -> Vec<KeyChange> {
        self.server().changes.clone()
    }

    /// How often it was read.
    #[must_use]
    pub fn surveys(&self) -> u64 {
        self.server().surveys
    }

    /// How often it was called at all, failures included, probes not.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.server().calls
    }

    /// How often it was probed.
    #[must_use]
    pub fn probes(&self) -> u64 {
        self.server().probes
    }

    /// Most calls that were under way at once, probes not counted.
    #[must_use]
    pub fn most_under_way(&self) -> u32 {
        self.server().most_under_way
    }

    /// Most keys that were waited for at once.
    #[must_use]
    pub fn most_settling(&self) -> u32 {
        self.server().most_settling
    }

    async fn call<T>(
        &self,
        change: bool,
        act: impl FnOnce(&mut Server) -> Result<T, DriverError>,
    ) -> Result<T, DriverError> {
        let (delay, panics) = {
            let mut server = self.server();
            server.calls += 1;
            (server.delay, std::mem::take(&mut server.panic_next))
        };
        assert!(!panics, "a driver that panics on demand");
        let _under_way = UnderWay::begin(self);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let mut server = self.server();
        if let Some(failure) = server.failure.clone() {
            return Err(failure);
        }
        let result = act(&mut server)?;
        if change && server.lose_answers > 0 {
            server.lose_answers -= 1;
            return Err(DriverError::Unavailable("the answer was lost".to_owned()));
        }
        Ok(result)
    }

    fn refuses(server: &Server, name: &str) -> Result<(), DriverError> {
        let refused = server.refuse_names.iter().any(|refused| refused == name);
        if refused { Err(DriverError::Refused("this key is not wanted here".to_owned())) } else { Ok(()) }
    }
}

/// Counts a call as under way for as long as it is.
struct UnderWay<'a>(&'a FakeKeyDriver);

impl<'a> UnderWay<'a> {
    fn begin(driver: &'a FakeKeyDriver) -> Self {
        let mut server = driver.server();
        server.under_way += 1;
        server.most_under_way = server.most_under_way.max(server.under_way);
        Self(driver)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.server().under_way -= 1;
    }
}

/// Counts a key as waited for for as long as it is.
struct Settling<'a>(&'a FakeKeyDriver);

impl Drop for Settling<'_> {
    fn drop(&mut self) {
        self.0.server().settling -= 1;
    }
}

fn remove(server: &mut Server, name: &str) {
    if let Some(key) = server.keys.remove(name) {
        server.before.insert(name.to_owned(), key.bytes);
    }
}

#[async_trait]
impl KeyDriver for FakeKeyDriver {
    async fn survey(&self) -> Result<Survey, DriverError> {
        self.call(false, |server| {
            server.surveys += 1;
            let slow = |name: &String, key: &Key| key.standing == KeyStanding::Open && server.slow_names.contains(name);
            let keys = server.keys.iter().map(|(name, key)| KeyStatus {
                name: name.clone(),
                standing: if slow(name, key) { KeyStanding::Absent } else { key.standing },
                secret: Some(key.secret.clone()),
                terms: key.terms.clone(),
                full: server.full_names.contains(name),
                bytes: key.bytes,
            });
            Ok(Survey { incarnation: server.incarnation.to_string(), kind: self.kind, keys: keys.collect() })
        })
        .await
    }

    async fn put(&self, key: &KeySpec) -> Result<Put, DriverError> {
        self.call(true, |server| {
            Self::refuses(server, &key.name)?;
            let there = server.keys.get(&key.name);
            if there.is_some_and(|there| there.secret != key.secret) {
                return Ok(Put::TakenByOther);
            }
            if key.closed && !self.keeps_closed {
                if there.is_some() {
                    remove(server, &key.name);
                    server.changes.push(KeyChange::Removed(key.name.clone()));
                }
                return Ok(Put::Done);
            }
            if there.is_none() && server.keys.len() >= self.capacity {
                return Err(DriverError::Refused("there is no room for another key".to_owned()));
            }
            let kept = if self.kind == UsageKind::Window30Days { server.before.remove(&key.name) } else { None };
            let bytes = server.keys.get(&key.name).map_or(kept.unwrap_or(0), |there| there.bytes);
            let standing = if key.closed { KeyStanding::Closed } else { KeyStanding::Open };
            let terms = self.keeps_closed.then(|| key.terms.clone());
            let new = Key { secret: key.secret.clone(), standing, devices: key.devices, terms, bytes };
            server.keys.insert(key.name.clone(), new);
            server.changes.push(KeyChange::Put(key.name.clone()));
            // As its real counterpart does, those that keep closed keys act on a new one a moment later.
            Ok(if !key.closed && self.keeps_closed { Put::Begun } else { Put::Done })
        })
        .await
    }

    async fn settle(&self, key: &KeySpec) -> Result<Settled, DriverError> {
        let time = {
            let mut server = self.server();
            server.settling += 1;
            server.most_settling = server.most_settling.max(server.settling);
            server.settles_in
        };
        let _settling = Settling(self);
        if !time.is_zero() {
            tokio::time::sleep(time).await;
        }
        let server = self.server();
        if let Some(failure) = server.failure.clone() {
            return Err(failure);
        }
        Self::refuses(&server, &key.name)?;
        let slow = server.slow_names.contains(&key.name);
        Ok(if slow { Settled::NotYet("the key is in its file only".to_owned()) } else { Settled::Works })
    }

    async fn set_closed(&self, name: &str, closed: bool) -> Result<(), DriverError> {
        self.call(true, |server| {
            Self::refuses(server, name)?;
            if closed && !self.keeps_closed {
                remove(server, name);
            } else if let Some(key) = server.keys.get_mut(name) {
                key.standing = if closed { KeyStanding::Closed } else { KeyStanding::Open };
            }
            server.changes.push(KeyChange::Turned(name.to_owned(), closed));
            Ok(())
        })
        .await
    }

    async fn remove(&self, name: &str) -> Result<(), DriverError> {
        self.call(true, |server| {
            Self::refuses(server, name)?;
            remove(server, name);
            server.changes.push(KeyChange::Removed(name.to_owned()));
            Ok(())
        })
        .await
    }

    async fn probe(&self, key: &KeySpec) -> Result<Option<bool>, DriverError> {
        let mut server = self.server();
        server.probes += 1;
        if let Some(outcome) = server.probe.clone() {
            return outcome;
        }
        if let Some(failure) = server.failure.clone() {
            return Err(failure);
        }
        if server.full_names.contains(&key.name) {
            return Ok(Some(false));
        }
        let there = server.keys.get(&key.name);
        Ok(Some(there.is_some_and(|there| there.secret == key.secret && there.standing == KeyStanding::Open)))
    }

    fn keeps_closed(&self) -> bool {
        self.keeps_closed
    }
}
