//! WireGuard in a process of its own, `usipipo wg-device`.
//!
//! The process outlives us: killing or restarting the bot drops no tunnel. We start it when it is missing, take it over
//! when it answers, and start it anew when it died.

use super::link;
use super::uapi::{Device, Identity, Request, Uapi, UapiError};
use async_trait::async_trait;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use usipipo_actors::domain::wg::{InterfaceSpec, PeerSpec, PeerStatus, PrivateKey, PublicKey};
use usipipo_actors::ports::driver::{DriverError, DriverMode, VpnDriver};

mod process;
pub use process::Launcher;

/// Peers in one change. Adding one costs about 0.25 ms during which no packet moves, so this bounds the pause.
const PEERS_PER_CHANGE: usize = 32;
/// Bytes of one change. It must fit into a unix socket's buffer (208 kB by default), so that a device never waits for us in
/// the middle of one, nor takes half of one when we are killed.
const CHANGE_BYTES_MAX: usize = 48 << 10;
/// Prefixes of one peer; ours have two.
const ALLOWED_IPS_MAX: usize = 64;

/// A device as we left it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SetUp {
    device: Identity,
    key: PrivateKey,
    listen_port: u16,
}

/// Looks at a device whose connections break, before it counts as broken itself.
const ENDING_LOOKS: u32 = 20;
/// Between two such looks.
const ENDING_PAUSE: Duration = Duration::from_millis(50);

/// Steers one interface.
#[derive(Debug)]
pub struct UserspaceDriver {
    interface: String,
    launcher: Launcher,
    uapi: Uapi,
    /// The device that was set up last. Held while the interface is set up, so that no two processes are started.
    set_up: tokio::sync::Mutex<Option<SetUp>>,
    /// Known once the interface was set up. It goes along with every peer: a device without a key accepts peers and forgets
    /// them, and the process may have died and been started anew by somebody else at any moment.
    key: Mutex<Option<PrivateKey>>,
}

impl UserspaceDriver {
    /// For the interface of this name. Nothing is touched until [`VpnDriver::ensure_interface`].
    #[must_use]
    pub fn new(interface: &str, launcher: Launcher) -> Self {
        Self {
            interface: interface.to_owned(),
            launcher,
            uapi: Uapi::of_interface(interface),
            set_up: tokio::sync::Mutex::new(None),
            key: Mutex::new(None),
        }
    }

    #[cfg(test)]
    fn with_socket(mut self, socket: std::path::PathBuf) -> Self {
        self.uapi = Uapi::new(socket);
        self
    }

    fn request(&self) -> Result<Request, DriverError> {
        let key = self.key.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let key = key.ok_or_else(|| DriverError::Unavailable(format!("{} is not set up yet", self.interface)))?;
        let mut request = Request::new();
        request.private_key(&key);
        Ok(request)
    }

    /// The device, started if it is missing, and which one it was when the question was put.
    async fn running(&self) -> Result<(Option<Identity>, Device), DriverError> {
        let mut looks = 0;
        loop {
            let identity = self.uapi.identity();
            match self.uapi.device().await {
                Ok(device) => return Ok((identity, device)),
                Err(UapiError::Absent(_)) => {
                    self.launcher.start(&self.interface, &self.uapi).await?;
                    return Ok((self.uapi.identity(), self.uapi.device().await?));
                }
                // One that is ending takes connections until its last moment and then breaks them.
                Err(UapiError::Io(_)) if looks < ENDING_LOOKS => {
                    looks += 1;
                    tokio::time::sleep(ENDING_PAUSE).await;
                }
                Err(other) => return Err(other.into()),
            }
        }
    }

    /// Whether it is the device that we set up like this, and it is alive. Much cheaper than reading what it says of itself.
    async fn is_as_left(&self, left: Option<&SetUp>, spec: &InterfaceSpec) -> Result<bool, DriverError> {
        let (Some(left), Some(device)) = (left, self.uapi.identity()) else { return Ok(false) };
        let wanted = SetUp { device, key: spec.private_key.clone(), listen_port: spec.listen_port };
        if *left != wanted {
            return Ok(false);
        }
        match self.uapi.set(self.request()?).await {
            Ok(()) => Ok(true),
            Err(UapiError::Absent(_) | UapiError::Io(_)) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    async fn configure(&self, device: &Device, spec: &InterfaceSpec) -> Result<(), DriverError> {
        let new_key = device.private_key.as_ref() != Some(&spec.private_key);
        let new_port = device.listen_port != Some(spec.listen_port);
        if new_key || new_port {
            let mut request = Request::new();
            // In this order: a packet on the port while there is no key makes the device panic.
            request.private_key(&spec.private_key);
            if new_port {
                request.listen_port(spec.listen_port);
            }
            self.uapi.set(request).await.map_err(|error| match error {
                UapiError::Refused(_) if new_port => DriverError::Refused(format!(
                    "UDP port {} cannot be used for {}: another program has it; choose another listen_port or stop that program",
                    spec.listen_port, spec.name
                )),
                other => other.into(),
            })?;
        }
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = Some(spec.private_key.clone());
        link::configure(&spec.name, spec.mtu, &spec.addresses).await
    }
}

#[async_trait]
impl VpnDriver for UserspaceDriver {
    fn mode(&self) -> DriverMode {
        DriverMode::Userspace
    }

    async fn ensure_interface(&self, spec: &InterfaceSpec) -> Result<bool, DriverError> {
        if spec.name != self.interface {
            return Err(DriverError::Refused(format!("this server is {}, not {}", self.interface, spec.name)));
        }
        let mut set_up = self.set_up.lock().await;
        if self.is_as_left(set_up.as_ref(), spec).await? {
            link::configure(&spec.name, spec.mtu, &spec.addresses).await?;
            return Ok(false);
        }
        let (identity, device) = self.running().await?;
        self.configure(&device, spec).await?;
        // Another one than last time has no peers, even if one of our changes has given it a key since; and whoever started
        // it, it has none before it has a key.
        let another = set_up.as_ref().is_some_and(|left| Some(left.device) != identity);
        *set_up = identity.map(|device| SetUp { device, key: spec.private_key.clone(), listen_port: spec.listen_port });
        Ok(another || device.private_key.is_none())
    }

    async fn peers(&self) -> Result<Vec<PeerStatus>, DriverError> {
        Ok(self.uapi.peers().await?)
    }

    async fn put_peer(&self, peer: &PeerSpec) -> Result<(), DriverError> {
        self.put_peers(std::slice::from_ref(peer)).await
    }

    async fn put_peers(&self, peers: &[PeerSpec]) -> Result<(), DriverError> {
        for chunk in peers.chunks(PEERS_PER_CHANGE) {
            let mut request = self.request()?;
            for peer in chunk {
                if peer.allowed_ips.len() > ALLOWED_IPS_MAX {
                    return Err(DriverError::Refused(format!(
                        "{} has more than {ALLOWED_IPS_MAX} prefixes",
                        peer.public_key
                    )));
                }
                request.put_peer(peer);
                if request.len() > CHANGE_BYTES_MAX {
                    self.uapi.set(std::mem::replace(&mut request, self.request()?)).await?;
                }
            }
            self.uapi.set(request).await?;
        }
        Ok(())
    }

    async fn remove_peer(&self, key: &PublicKey) -> Result<(), DriverError> {
        let mut request = Request::new();
        request.remove_peer(key);
        Ok(self.uapi.set(request).await?)
    }
}

impl From<UapiError> for DriverError {
    fn from(error: UapiError) -> Self {
        match error {
            UapiError::Refused(_) => Self::Refused(error.to_string()),
            UapiError::Absent(_) | UapiError::TimedOut(_) | UapiError::Io(_) | UapiError::Malformed(_) => {
                Self::Unavailable(error.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests;
