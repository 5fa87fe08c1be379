//! No tunnel at all: configs are real, but this machine carries nothing.

use async_trait::async_trait;
use ipnetwork::IpNetwork;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use usipipo_actors::domain::wg::{InterfaceSpec, PeerSpec, PeerStatus, PublicKey};
use usipipo_actors::ports::driver::{DriverError, DriverMode, VpnDriver};

/// Remembers what it was given and reports it back, so that every wanted peer counts as there. About 150 bytes a peer.
#[derive(Debug, Default)]
pub struct ConfigOnlyDriver {
    made: AtomicBool,
    peers: Mutex<BTreeMap<PublicKey, Vec<IpNetwork>>>,
}

impl ConfigOnlyDriver {
    /// With no peers.
    #[must_use]
    pub const fn new() -> Self {
        Self { made: AtomicBool::new(false), peers: Mutex::new(BTreeMap::new()) }
    }
}

#[async_trait]
impl VpnDriver for ConfigOnlyDriver {
    fn mode(&self) -> DriverMode {
        DriverMode::ConfigOnly
    }

    async fn ensure_interface(&self, _spec: &InterfaceSpec) -> Result<bool, DriverError> {
        Ok(!self.made.swap(true, Ordering::Relaxed))
    }

    async fn peers(&self) -> Result<Vec<PeerStatus>, DriverError> {
        let peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(peers
            .iter()
            .map(|(&public_key, allowed_ips)| PeerStatus {
                public_key,
                allowed_ips: allowed_ips.clone(),
                endpoint: None,
                last_handshake: None,
                rx_bytes: 0,
                tx_bytes: 0,
            })
            .collect())
    }

    async fn put_peer(&self, peer: &PeerSpec) -> Result<(), DriverError> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.insert(peer.public_key, peer.allowed_ips.clone());
        Ok(())
    }

    async fn remove_peer(&self, key: &PublicKey) -> Result<(), DriverError> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
