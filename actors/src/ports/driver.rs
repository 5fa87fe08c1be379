//! How a node actor steers a VPN server.

use async_trait::async_trait;
use usipipo_domain::wg::{InterfaceSpec, PeerSpec, PeerStatus, PublicKey};

/// How tunnels are carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DriverMode {
    /// The kernel's own WireGuard.
    Kernel,
    /// A process of its own, `usipipo wg-device`.
    Userspace,
    /// Nothing runs on this machine; configs are real, no tunnel is up.
    ConfigOnly,
}

impl DriverMode {
    /// As the settings and metrics write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Userspace => "userspace",
            Self::ConfigOnly => "config-only",
        }
    }
}

/// Why a server did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DriverError {
    /// It cannot be reached or did not answer in time; trying again may help.
    #[error("the server does not answer: {0}")]
    Unavailable(String),
    /// It refused; trying the same again will not help.
    #[error("the server refused: {0}")]
    Refused(String),
    /// This machine lacks a privilege or a program; the text says which and what to do.
    #[error("{0}")]
    Unsupported(String),
}

/// A WireGuard server. Calls are idempotent: they may be repeated after a time-out or a crash. One owner calls them in
/// sequence; an implementation must not depend on that for safety of other peers.
#[async_trait]
pub trait VpnDriver: Send + Sync + 'static {
    /// How tunnels are carried.
    fn mode(&self) -> DriverMode;

    /// Makes the interface exist and be up with this key, port and these addresses. Peers that are there stay as they are.
    /// `true` when the interface had to be made anew, so that it has no peers and its counters start at zero.
    async fn ensure_interface(&self, spec: &InterfaceSpec) -> Result<bool, DriverError>;

    /// Every peer on the interface, ours or not.
    async fn peers(&self) -> Result<Vec<PeerStatus>, DriverError>;

    /// Adds the peer; one with the same key that is there already is replaced.
    async fn put_peer(&self, peer: &PeerSpec) -> Result<(), DriverError>;

    /// The same for many, in order; an implementation may have a quicker way. After an error some may be there and others not.
    async fn put_peers(&self, peers: &[PeerSpec]) -> Result<(), DriverError> {
        for peer in peers {
            self.put_peer(peer).await?;
        }
        Ok(())
    }

    /// Removes the peer; one that is not there is fine.
    async fn remove_peer(&self, key: &PublicKey) -> Result<(), DriverError>;
}
