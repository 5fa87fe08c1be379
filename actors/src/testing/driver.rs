//! A server that keeps its peers in memory.

use crate::ports::driver::{DriverError, DriverMode, VpnDriver};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use usipipo_domain::wg::{InterfaceSpec, PeerSpec, PeerStatus, PresharedKey, PublicKey};

/// A change that was asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A peer was put on it.
    Put(PublicKey),
    /// A peer was taken off it.
    Removed(PublicKey),
}

#[derive(Debug, Default)]
struct Device {
    exists: bool,
    spec: Option<InterfaceSpec>,
    peers: BTreeMap<PublicKey, (PeerStatus, Option<PresharedKey>)>,
    changes: Vec<Change>,
    reads: u64,
    calls: u64,
    failure: Option<DriverError>,
    refuse_keys: Vec<PublicKey>,
    panic_next: bool,
    delay: Duration,
}

/// A server that keeps its peers in memory, can be away, and can forget.
#[derive(Debug)]
pub struct FakeDriver {
    mode: DriverMode,
    device: Mutex<Device>,
}

impl Default for FakeDriver {
    fn default() -> Self {
        Self::new(DriverMode::Userspace)
    }
}

impl FakeDriver {
    /// A server on which no interface exists yet.
    #[must_use]
    pub fn new(mode: DriverMode) -> Self {
        Self { mode, device: Mutex::default() }
    }

    fn device(&self) -> MutexGuard<'_, Device> {
        self.device.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every call fails with this until `None` is given.
    pub fn fail(&self, failure: Option<DriverError>) {
        self.device().failure = failure;
    }

    /// Putting this peer is refused.
    pub fn refuse(&self, key: PublicKey) {
        self.device().refuse_keys.push(key);
    }

    /// The next call panics.
    pub fn panic_next(&self) {
        self.device().panic_next = true;
    }

    /// Each call takes so long.
    pub fn delay(&self, delay: Duration) {
        self.device().delay = delay;
    }

    /// The server was restarted: the interface is gone, with peers and counters.
    pub fn restart(&self) {
        let mut device = self.device();
        device.exists = false;
        device.peers.clear();
    }

    /// The server was restarted by something that made the interface anew: no peers, and nobody is told.
    pub fn forget_peers(&self) {
        self.device().peers.clear();
    }

    /// Somebody removed this peer by hand.
    pub fn remove_by_hand(&self, key: &PublicKey) {
        self.device().peers.remove(key);
    }

    /// Somebody put this peer by hand.
    pub fn put_by_hand(&self, peer: &PeerSpec) {
        put(&mut self.device(), peer);
    }

    /// Traffic of a peer, in bytes on top of what there was, with a handshake.
    pub fn traffic(&self, key: &PublicKey, rx: u64, tx: u64, handshake: DateTime<Utc>) {
        if let Some((status, _)) = self.device().peers.get_mut(key) {
            status.rx_bytes += rx;
            status.tx_bytes += tx;
            status.last_handshake = Some(handshake);
        }
    }

    /// The peers that are on it now, by key.
    #[must_use]
    pub fn on_it(&self) -> Vec<PeerStatus> {
        self.device().peers.values().map(|(status, _)| status.clone()).collect()
    }

    /// Whether it carries this key.
    #[must_use]
    pub fn carries(&self, key: &PublicKey) -> bool {
        self.device().peers.contains_key(key)
    }

    /// The preshared key of a peer.
    #[must_use]
    pub fn preshared_key(&self, key: &PublicKey) -> Option<PresharedKey> {
        self.device().peers.get(key).and_then(|(_, preshared)| preshared.clone())
    }

    /// What the interface was last told to be.
    #[must_use]
    pub fn interface(&self) -> Option<InterfaceSpec> {
        self.device().spec.clone()
    }

    /// Every change asked through the driver, in order.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        self.device().changes.clone()
    }

    /// How often its peers were read.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.device().reads
    }

    /// How often it was called at all, failures included.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.device().calls
    }

    async fn call<T>(&self, act: impl FnOnce(&mut Device) -> Result<T, DriverError>) -> Result<T, DriverError> {
        let (delay, panics) = {
            let mut device = self.device();
            device.calls += 1;
            (device.delay, std::mem::take(&mut device.panic_next))
        };
        assert!(!panics, "a driver that panics on demand");
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let mut device = self.device();
        match device.failure.clone() {
            Some(failure) => Err(failure),
            None => act(&mut device),
        }
    }
}

fn put(device: &mut Device, peer: &PeerSpec) {
    // A prefix belongs to one peer: giving it to another takes it away from the first.
    for (other, _) in device.peers.values_mut() {
        other.allowed_ips.retain(|prefix| !peer.allowed_ips.contains(prefix));
    }
    let status = PeerStatus {
        public_key: peer.public_key,
        allowed_ips: peer.allowed_ips.clone(),
        endpoint: None,
        last_handshake: None,
        rx_bytes: 0,
        tx_bytes: 0,
    };
    device.peers.insert(peer.public_key, (status, peer.preshared_key.clone()));
}

fn there(device: &Device) -> Result<(), DriverError> {
    if device.exists { Ok(()) } else { Err(DriverError::Unavailable("no such interface".to_owned())) }
}

#[async_trait]
impl VpnDriver for FakeDriver {
    fn mode(&self) -> DriverMode {
        self.mode
    }

    async fn ensure_interface(&self, spec: &InterfaceSpec) -> Result<bool, DriverError> {
        self.call(|device| {
            device.spec = Some(spec.clone());
            Ok(!std::mem::replace(&mut device.exists, true))
        })
        .await
    }

    async fn peers(&self) -> Result<Vec<PeerStatus>, DriverError> {
        self.call(|device| {
            device.reads += 1;
            there(device)?;
            Ok(device.peers.values().map(|(status, _)| status.clone()).collect())
        })
        .await
    }

    async fn put_peer(&self, peer: &PeerSpec) -> Result<(), DriverError> {
        self.call(|device| {
            there(device)?;
            if device.refuse_keys.contains(&peer.public_key) {
                return Err(DriverError::Refused("this key is not wanted here".to_owned()));
            }
            put(device, peer);
            device.changes.push(Change::Put(peer.public_key));
            Ok(())
        })
        .await
    }

    async fn remove_peer(&self, key: &PublicKey) -> Result<(), DriverError> {
        self.call(|device| {
            there(device)?;
            device.peers.remove(key);
            device.changes.push(Change::Removed(*key));
            Ok(())
        })
        .await
    }
}
