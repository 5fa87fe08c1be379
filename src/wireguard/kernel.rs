//! The kernel's own WireGuard, over netlink.
//!
//! The library opens a socket for each call and blocks, so calls run apart from the runtime. Its `configure_interface` drops
//! all peers and addresses; it is used only when the interface has no peers or must change its key or port.

use super::link;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use defguard_wireguard_rs::error::WireguardInterfaceError;
use defguard_wireguard_rs::host::Host;
use defguard_wireguard_rs::key::Key;
use defguard_wireguard_rs::net::IpAddrMask;
use defguard_wireguard_rs::peer::Peer;
use defguard_wireguard_rs::{InterfaceConfiguration, Kernel, WGApi, WireguardInterfaceApi as _};
use ipnetwork::IpNetwork;
use std::io;
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use usipipo_actors::domain::wg::{InterfaceSpec, PeerSpec, PeerStatus, PublicKey};
use usipipo_actors::ports::driver::{DriverError, DriverMode, VpnDriver};
use zeroize::Zeroizing;

/// What the kernel can be asked; blocks.
trait Backend: Send + Sync + 'static {
    /// `None`: there is no such interface.
    fn read(&self) -> Result<Option<Host>, DriverError>;
    /// Makes the interface; one that exists is fine.
    fn create(&self) -> Result<(), DriverError>;
    /// Sets key and port and replaces all peers by these; addresses are lost.
    fn configure(&self, config: &InterfaceConfiguration) -> Result<(), DriverError>;
    /// Adds or changes one peer.
    fn put(&self, peer: &Peer) -> Result<(), DriverError>;
    /// Removes one.
    fn remove(&self, key: &Key) -> Result<(), DriverError>;
}

/// Steers one interface.
pub struct KernelDriver {
    interface: String,
    backend: Arc<dyn Backend>,
}

impl KernelDriver {
    /// For the interface of this name. Nothing is touched until [`VpnDriver::ensure_interface`].
    #[must_use]
    pub fn new(interface: &str) -> Self {
        let backend = Arc::new(Netlink { interface: interface.to_owned() });
        Self { interface: interface.to_owned(), backend }
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Backend) -> Result<T, DriverError> + Send + 'static,
    ) -> Result<T, DriverError> {
        let backend = Arc::clone(&self.backend);
        link::blocking(move || question(&*backend)).await
    }
}

#[async_trait]
impl VpnDriver for KernelDriver {
    fn mode(&self) -> DriverMode {
        DriverMode::Kernel
    }

    async fn ensure_interface(&self, spec: &InterfaceSpec) -> Result<bool, DriverError> {
        if spec.name != self.interface {
            return Err(DriverError::Refused(format!("this server is {}, not {}", self.interface, spec.name)));
        }
        let wanted = spec.clone();
        let anew = self.ask(move |backend| ensure(backend, &wanted)).await?;
        link::configure(&spec.name, spec.mtu, &spec.addresses).await?;
        Ok(anew)
    }

    async fn peers(&self) -> Result<Vec<PeerStatus>, DriverError> {
        let host = self.ask(|backend| backend.read()).await?;
        let host = host.ok_or_else(|| DriverError::Unavailable(format!("the interface {} is gone", self.interface)))?;
        Ok(host.peers.values().map(status).collect())
    }

    async fn put_peer(&self, peer: &PeerSpec) -> Result<(), DriverError> {
        self.put_peers(std::slice::from_ref(peer)).await
    }

    async fn put_peers(&self, peers: &[PeerSpec]) -> Result<(), DriverError> {
        // In pieces, so that the time-out is for a bounded amount of work.
        for chunk in peers.chunks(PEERS_PER_CALL) {
            let peers: Vec<Peer> = chunk.iter().map(peer).collect();
            self.ask(move |backend| peers.iter().try_for_each(|peer| backend.put(peer))).await?;
        }
        Ok(())
    }

    async fn remove_peer(&self, key: &PublicKey) -> Result<(), DriverError> {
        let key = Key::new(*key.as_bytes());
        self.ask(move |backend| backend.remove(&key)).await
    }
}

/// Peers set in one blocking call; one takes about 0.1 ms.
const PEERS_PER_CALL: usize = 500;

/// What has to be done to an interface that looks like this.
#[derive(Debug, PartialEq)]
enum Step {
    /// Nothing.
    Keep,
    /// It has no key yet, or it does not exist.
    SetUp,
    /// It has another key or port: these peers have to be put back, and their counters start at zero.
    Rebuild(Vec<Peer>),
}

fn step(host: Option<&Host>, spec: &InterfaceSpec) -> Step {
    let Some(host) = host else { return Step::SetUp };
    let key = host.private_key.as_ref().map(Key::as_array).filter(|key| *key != [0; 32]);
    if key == Some(*spec.private_key.expose()) && host.listen_port == spec.listen_port {
        return Step::Keep;
    }
    if key.is_none() && host.peers.is_empty() {
        return Step::SetUp;
    }
    Step::Rebuild(host.peers.values().cloned().collect())
}

fn ensure(backend: &dyn Backend, spec: &InterfaceSpec) -> Result<bool, DriverError> {
    let host = backend.read()?;
    if host.is_none() {
        backend.create()?;
    }
    let peers = match step(host.as_ref(), spec) {
        Step::Keep => return Ok(false),
        Step::SetUp => Vec::new(),
        Step::Rebuild(peers) => peers,
    };
    let mut config = InterfaceConfiguration {
        name: spec.name.clone(),
        prvkey: spec.private_key.expose_base64(),
        // They are set apart, without taking the right ones away.
        addresses: Vec::new(),
        port: spec.listen_port,
        peers,
        mtu: None,
        fwmark: None,
    };
    let outcome = backend.configure(&config);
    drop(Zeroizing::new(std::mem::take(&mut config.prvkey)));
    outcome?;
    Ok(true)
}

fn peer(spec: &PeerSpec) -> Peer {
    let mut peer = Peer::new(Key::new(*spec.public_key.as_bytes()));
    // Zeros take an older key away; leaving it out would keep it.
    peer.preshared_key = Some(Key::new(spec.preshared_key.as_ref().map_or([0; 32], |key| *key.expose())));
    peer.allowed_ips = spec.allowed_ips.iter().map(|network| IpAddrMask::new(network.ip(), network.prefix())).collect();
    peer
}

fn status(peer: &Peer) -> PeerStatus {
    PeerStatus {
        public_key: PublicKey::from_bytes(peer.public_key.as_array()),
        allowed_ips: peer.allowed_ips.iter().filter_map(|ip| IpNetwork::new(ip.address, ip.cidr).ok()).collect(),
        endpoint: peer.endpoint,
        // The kernel reports the year 1970 for "never".
        last_handshake: peer.last_handshake.filter(|&time| time > UNIX_EPOCH).map(DateTime::<Utc>::from),
        rx_bytes: peer.rx_bytes,
        tx_bytes: peer.tx_bytes,
    }
}

/// The library.
struct Netlink {
    interface: String,
}

impl Netlink {
    fn api(&self) -> Result<WGApi<Kernel>, DriverError> {
        WGApi::new(self.interface.as_str()).map_err(|error| self.refusal("opening", &error))
    }

    /// The library gives texts, not codes.
    fn refusal(&self, doing: &str, error: &WireguardInterfaceError) -> DriverError {
        let text = error.to_string();
        if text.contains("not permitted") || text.contains("ermission denied") {
            return link::refusal(
                &format!("{doing} {}", self.interface),
                &io::Error::from(io::ErrorKind::PermissionDenied),
            );
        }
        if text.contains("Failed to create WireGuard interface") {
            return DriverError::Unsupported(format!(
                "the interface {} cannot be made: the kernel has no WireGuard, or the privilege CAP_NET_ADMIN is missing; set mode = \"auto\" or \"userspace\", install the kernel's module (`modprobe wireguard`), or run as root",
                self.interface
            ));
        }
        if text.contains("No such device") || text.contains("No such file") {
            return DriverError::Unavailable(format!("{doing} {}: {text}", self.interface));
        }
        DriverError::Refused(format!("{doing} {}: {text}", self.interface))
    }
}

impl Backend for Netlink {
    fn read(&self) -> Result<Option<Host>, DriverError> {
        let there = link::exists(&self.interface);
        if !there.map_err(|cause| link::refusal(&format!("looking at {}", self.interface), &cause))? {
            return Ok(None);
        }
        self.api()?.read_interface_data().map(Some).map_err(|error| self.refusal("reading", &error))
    }

    fn create(&self) -> Result<(), DriverError> {
        self.api()?.create_interface().map_err(|error| self.refusal("making", &error))
    }

    fn configure(&self, config: &InterfaceConfiguration) -> Result<(), DriverError> {
        self.api()?.configure_interface(config).map_err(|error| self.refusal("setting up", &error))
    }

    fn put(&self, peer: &Peer) -> Result<(), DriverError> {
        self.api()?.configure_peer(peer).map_err(|error| self.refusal("adding a peer to", &error))
    }

    fn remove(&self, key: &Key) -> Result<(), DriverError> {
        self.api()?.remove_peer(key).map_err(|error| self.refusal("removing a peer from", &error))
    }
}

#[cfg(test)]
mod tests;
