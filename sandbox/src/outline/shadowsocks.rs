//! Real Shadowsocks behind a simulated Outline server: a process of Debian's `ss-server` for each key on a port of the loopback,
//! and before them one listener per port of keys, which finds out by trial whose key a connection uses, as Outline's own proxy
//! does, counts what flows, and cuts the connections of a key that goes. TCP only, and `chacha20-ietf-poly1305` only: keys with
//! another cipher are in the API but reach nobody.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::Context;
use md5::Digest;
use md5::Md5;
use ring::aead::Aad;
use ring::aead::CHACHA20_POLY1305;
use ring::aead::LessSafeKey;
use ring::aead::Nonce;
use ring::aead::UnboundKey;
use ring::hkdf::HKDF_SHA1_FOR_LEGACY_USE_ONLY;
use ring::hkdf::Salt;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::process::Child;
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Served;
use super::Server;
use super::find_program;
use super::state::DEFAULT_METHOD;
use crate::world::Shared;
use crate::world::lock;

/// The salt that a connection of this cipher begins with, in bytes.
const SALT_BYTES: usize = 32;
/// After it, the first length with its tag.
const HEAD_BYTES: usize = SALT_BYTES + 2 + 16;
/// A client sends its head within this time.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// A process listens within this time.
const START_WITHIN: Duration = Duration::from_secs(10);
/// So long between two looks at it, and before a port is tried again.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Connections of a port; more are closed at once.
const MAX_CONNECTIONS: usize = 1024;
/// Processes at once; keys beyond it reach nobody.
const MAX_PROCESSES: usize = 64;
/// What is read at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// Where `ss-server` is.
///
/// # Errors
/// When it is not there.
pub fn program() -> anyhow::Result<PathBuf> {
    find_program("ss-server").context(
        "there is no ss-server in USIPIPO_TOOLS_DIR or PATH; run tools/unpack.sh and set USIPIPO_TOOLS_DIR to what it prints",
    )
}

/// The processes by key; shared with the listeners.
type Backends = Arc<Mutex<HashMap<String, SocketAddr>>>;

struct Process {
    served: Served,
    /// Killed when it is dropped.
    _child: Child,
}

/// Keeps processes and listeners as the configuration says, for ever; when it is dropped they end.
pub async fn run(world: Shared, server: Arc<Server>, program: PathBuf) {
    let backends = Backends::default();
    let mut processes: HashMap<String, Process> = HashMap::new();
    let mut listeners: HashMap<u16, Listening> = HashMap::new();
    let mut configuration = server.configuration.subscribe();
    loop {
        let keys = configuration.borrow_and_update().keys.clone();
        let usable = |id: &str, served: &Served| {
            keys.get(id) == Some(served) && served.method == DEFAULT_METHOD
        };
        processes.retain(|id, process| usable(id, &process.served));
        lock(&backends).retain(|id, _| processes.contains_key(id));
        for (id, served) in keys.iter() {
            if processes.len() >= MAX_PROCESSES {
                tracing::warn!(server = server.name, "too many keys for real processes");
                break;
            }
            if processes.contains_key(id) || !usable(id, served) {
                continue;
            }
            match start(&program, &served.password).await {
                Ok((child, address)) => {
                    let served = served.clone();
                    let process = Process {
                        served,
                        _child: child,
                    };
                    processes.insert(id.clone(), process);
                    lock(&backends).insert(id.clone(), address);
                }
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), "ss-server did not start")
                }
            }
        }
        listeners.retain(|port, _| keys.values().any(|served| served.port == *port));
        for port in keys.values().map(|served| served.port) {
            listeners.entry(port).or_insert_with(|| {
                let front = Front {
                    world: world.clone(),
                    server: server.clone(),
                    backends: backends.clone(),
                    port,
                };
                Listening(tokio::spawn(front.listen()))
            });
        }
        if configuration.changed().await.is_err() {
            return;
        }
    }
}

/// A listener that ends when it is dropped.
struct Listening(JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts a process and waits until it listens.
async fn start(program: &Path, password: &str) -> anyhow::Result<(Child, SocketAddr)> {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = free.local_addr()?;
    drop(free);
    // It must not outlive a sandbox that is killed.
    let mut command = match find_program("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL"]).arg(program);
            command
        }
        None => Command::new(program),
    };
    let mut child = command
        .args(["-s", "127.0.0.1", "-p", &address.port().to_string()])
        .args(["-k", password, "-m", DEFAULT_METHOD, "-t", "60"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let listens = async {
        loop {
            if TcpStream::connect(address).await.is_ok() {
                return Ok(());
            }
            if let Some(status) = child.try_wait()? {
                anyhow::bail!("it ended with {status}");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    timeout(START_WITHIN, listens)
        .await
        .context("it does not listen")??;
    Ok((child, address))
}

/// The listener of one port.
struct Front {
    world: Shared,
    server: Arc<Server>,
    backends: Backends,
    port: u16,
}

impl Front {
    async fn listen(self) {
        let address = SocketAddr::new(self.server.ip(), self.port);
        let listener = loop {
            match TcpListener::bind(address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(LOOK_EVERY).await,
            }
        };
        let front = Arc::new(self);
        let mut connections = JoinSet::new();
        loop {
            let accepted = listener.accept().await;
            while connections.try_join_next().is_some() {}
            match accepted {
                Ok(_) if connections.len() >= MAX_CONNECTIONS => {}
                Ok((stream, _)) => {
                    connections.spawn(front.clone().connection(stream));
                }
                Err(_) => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    }

    async fn connection(self: Arc<Self>, mut client: TcpStream) {
        let mut head = [0; HEAD_BYTES];
        let read = timeout(HEAD_WITHIN, client.read_exact(&mut head)).await;
        if !matches!(read, Ok(Ok(_))) {
            return;
        }
        let mut configuration = self.server.configuration.subscribe();
        let keys = configuration.borrow_and_update().keys.clone();
        let owner = keys.iter().find(|(_, served)| {
            served.port == self.port
                && served.method == DEFAULT_METHOD
                && opens(&head, &served.password)
        });
        let backend = owner.and_then(|(id, _)| lock(&self.backends).get(id).copied());
        let (Some((id, served)), Some(backend)) = (owner, backend) else {
            // Whoever tries keys learns nothing: what he sends is read and never answered.
            let mut sink = [0; CHUNK_BYTES];
            while client.read(&mut sink).await.is_ok_and(|count| count > 0) {}
            return;
        };
        let Ok(mut upstream) = TcpStream::connect(backend).await else {
            return;
        };
        if upstream.write_all(&head).await.is_err() {
            return;
        }
        let (client_in, client_out) = client.into_split();
        let (upstream_in, upstream_out) = upstream.into_split();
        let revoked = configuration.wait_for(|now| now.keys.get(id.as_str()) != Some(served));
        tokio::select! {
            _ = revoked => {}
            _ = async {
                tokio::join!(self.pump(id, client_in, upstream_out), self.pump(id, upstream_in, client_out))
            } => {}
        }
    }

    /// Carries one direction to its end and counts it.
    async fn pump(&self, id: &str, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut chunk = vec![0; CHUNK_BYTES];
        while let Ok(count @ 1..) = from.read(&mut chunk).await {
            let bytes = u64::try_from(count).unwrap_or_default();
            let now = self.world.clock.now();
            self.server.state().add_traffic(id, bytes, now);
            self.world.touch();
            if to.write_all(&chunk[..count]).await.is_err() {
                break;
            }
        }
        // The other direction may go on.
        let _ = to.shutdown().await;
    }
}

/// Whether a connection's head was made with this password (SIP004: a salt, then the sealed length of the first piece).
fn opens(head: &[u8; HEAD_BYTES], password: &str) -> bool {
    let (salt, sealed) = head.split_at(SALT_BYTES);
    let salt = Salt::new(HKDF_SHA1_FOR_LEGACY_USE_ONLY, salt);
    let main = salt.extract(&main_key(password));
    let Ok(key) = main.expand(&[b"ss-subkey"], &CHACHA20_POLY1305) else {
        return false;
    };
    let mut sealed = sealed.to_vec();
    LessSafeKey::new(UnboundKey::from(key))
        .open_in_place(
            Nonce::assume_unique_for_key([0; 12]),
            Aad::empty(),
            &mut sealed,
        )
        .is_ok()
}

/// The key of a password, made as OpenSSL's `EVP_BytesToKey` makes it with MD5.
fn main_key(password: &str) -> Vec<u8> {
    let first = Md5::digest(password.as_bytes());
    let second = Md5::new()
        .chain_update(first)
        .chain_update(password.as_bytes())
        .finalize();
    [first.as_slice(), second.as_slice()].concat()
}
