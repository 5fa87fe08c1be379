//! The driver of userspace WireGuard against a real `wg-device`, real interfaces and a client that we did not write.

use crate::support::netns::{Namespace, cannot_run, unique};
use crate::support::probe::{Echo, Steady, comes_back, is_silent};
use crate::support::wg_client::{self, WgClient};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use usipipo::wireguard::{Launcher, UserspaceDriver};
use usipipo_actors::domain::wg::{InterfaceSpec, PeerSpec, PresharedKey, PrivateKey, PublicKey};
use usipipo_actors::ports::driver::{DriverError, VpnDriver};

/// A first handshake takes milliseconds; one that starts with a lost packet is repeated after 5 s.
const CONNECT: Duration = Duration::from_secs(20);
/// A client whose server forgot it notices after 15 s.
const RECONNECT: Duration = Duration::from_secs(60);
/// Until a process has started or ended.
const SOON: Duration = Duration::from_secs(15);
const PORT: u16 = 51820;
const SERVER_V4: &str = "10.77.0.1";
const SERVER_V6: &str = "fd77:7570:6970:2::1";

/// A server with its interface, on a cable with clients.
struct Server {
    namespace: Namespace,
    spec: InterfaceSpec,
}

/// A machine with a client on it.
struct Client {
    namespace: Namespace,
    peer: PeerSpec,
    key: PrivateKey,
    endpoint: String,
}

fn key(seed: u8, number: u16) -> PrivateKey {
    let mut bytes = [seed; 32];
    // The first and last byte are clamped.
    bytes[1..3].copy_from_slice(&number.to_be_bytes());
    PrivateKey::from_random(bytes)
}

fn peer(number: u16) -> (PrivateKey, PeerSpec) {
    let private = key(1, number);
    let [high, low] = number.to_be_bytes();
    let peer = PeerSpec {
        public_key: private.public_key(),
        preshared_key: Some(PresharedKey::from_random([low; 32])),
        allowed_ips: vec![
            format!("10.77.{high}.{low}/32").parse().unwrap(),
            format!("fd77:7570:6970:2::{number:x}/128").parse().unwrap(),
        ],
    };
    (private, peer)
}

impl Server {
    fn new() -> Self {
        let addresses = vec![format!("{SERVER_V4}/18").parse().unwrap(), format!("{SERVER_V6}/112").parse().unwrap()];
        let spec = InterfaceSpec { name: unique("s"), private_key: key(9, 0), listen_port: PORT, addresses, mtu: 1420 };
        Self { namespace: Namespace::new(), spec }
    }

    fn driver(&self) -> UserspaceDriver {
        UserspaceDriver::new(&self.spec.name, Launcher::new(env!("CARGO_BIN_EXE_usipipo").into()))
    }

    /// Numbers from 2 on; each has its own cable.
    fn client(&self, number: u16) -> Client {
        let namespace = Namespace::new();
        let (key, peer) = peer(number);
        let ours = [format!("192.168.{number}.1/24"), format!("2001:db8:{number:x}::1/64")];
        let theirs = [format!("192.168.{number}.2/24"), format!("2001:db8:{number:x}::2/64")];
        self.namespace.connect(ours.each_ref().map(String::as_str), &namespace, theirs.each_ref().map(String::as_str));
        Client { namespace, peer, key, endpoint: format!("192.168.{number}.1:{PORT}") }
    }

    fn device(&self) -> Option<Pid> {
        device(&self.spec.name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(pid) = self.device() {
            let _ = kill(pid, Signal::SIGKILL);
        }
        for ending in ["sock", "lock", "log"] {
            let _ = std::fs::remove_file(format!("/var/run/wireguard/{}.{ending}", self.spec.name));
        }
    }
}

impl Client {
    fn up(&self, server: &Server) -> WgClient {
        let addresses: Vec<String> = self.peer.allowed_ips.iter().map(ToString::to_string).collect();
        let config = format!(
            "[Interface]\nPrivateKey = {}\nAddress = {}\nDNS = 1.1.1.1\nMTU = 1420\n\n[Peer]\nPublicKey = {}\nPresharedKey = {}\n\
             Endpoint = {}\nAllowedIPs = 0.0.0.0/0, ::/0\nPersistentKeepalive = 25\n",
            self.key.expose_base64(),
            addresses.join(", "),
            server.spec.private_key.public_key(),
            self.peer.preshared_key.as_ref().unwrap().expose_base64(),
            self.endpoint,
        );
        WgClient::up(&self.namespace, &config)
    }
}

/// The process that carries an interface.
fn device(interface: &str) -> Option<Pid> {
    let wanted = format!("wg-device\0--interface\0{interface}\0");
    let is_it = |path: &Path| std::fs::read_to_string(path.join("cmdline")).is_ok_and(|line| line.contains(&wanted));
    let processes = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let found = processes.into_iter().find(|path| is_it(path))?;
    Some(Pid::from_raw(found.file_name()?.to_str()?.parse().ok()?))
}

#[expect(clippy::disallowed_methods, reason = "the kernel's clock is what the device reports by")]
fn now() -> chrono::DateTime<chrono::Utc> {
    std::time::SystemTime::now().into()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < SOON, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn skip() -> bool {
    cannot_run(&wg_client::PROGRAMS)
}

#[test]
fn a_foreign_client_gets_packets_through_in_both_versions_of_ip_and_none_after_its_removal() {
    if skip() {
        return;
    }
    let server = Server::new();
    let (ana, luis) = (server.client(2), server.client(3));
    let driver = server.driver();
    server.namespace.block_on(async {
        assert!(driver.ensure_interface(&server.spec).await.unwrap(), "made anew");
        driver.put_peers(&[ana.peer.clone(), luis.peer.clone()]).await.unwrap();
    });
    let echo = Echo::new(&server.namespace);
    let (of_ana, _of_luis) = (ana.up(&server), luis.up(&server));
    for client in [&ana, &luis] {
        for address in [SERVER_V4, SERVER_V6] {
            assert!(comes_back(&client.namespace, echo.at(address), CONNECT), "{}", of_ana.show(&ana.namespace));
        }
    }

    let statuses = server.namespace.block_on(driver.peers()).unwrap();
    assert_eq!(statuses.len(), 2);
    for status in &statuses {
        assert!(status.rx_bytes > 0 && status.tx_bytes > 0, "{status:?}");
        assert!(status.endpoint.is_some_and(|endpoint| endpoint.ip().to_string().ends_with(".2")), "{status:?}");
        // wg-device prints when it was, not how long ago.
        let ago = now() - status.last_handshake.unwrap();
        assert!((-1..60).contains(&ago.num_seconds()), "{status:?}");
        let wanted = if status.public_key == ana.peer.public_key { &ana.peer } else { &luis.peer };
        assert_eq!(status.allowed_ips.len(), wanted.allowed_ips.len());
        assert!(wanted.allowed_ips.iter().all(|network| status.allowed_ips.contains(network)), "{status:?}");
    }

    let steady = Steady::start(&luis.namespace, echo.at(SERVER_V4));
    server.namespace.block_on(driver.remove_peer(&ana.peer.public_key)).unwrap();
    assert!(is_silent(&ana.namespace, echo.at(SERVER_V4)), "v4 after removal");
    assert!(is_silent(&ana.namespace, echo.at(SERVER_V6)), "v6 after removal");
    assert!(comes_back(&luis.namespace, echo.at(SERVER_V6), CONNECT));
    steady.wait_for_more(10);
    let (sent, lost) = steady.end();
    assert_eq!(lost, 0, "of {sent}");
}

#[test]
fn fault_11_a_clients_packets_never_stop_while_others_come_and_go_and_the_owner_changes() {
    if skip() {
        return;
    }
    let server = Server::new();
    let luis = server.client(2);
    let first = server.driver();
    server.namespace.block_on(async {
        first.ensure_interface(&server.spec).await.unwrap();
        first.put_peer(&luis.peer).await.unwrap();
    });
    let pid = server.device().unwrap();
    let echo = Echo::new(&server.namespace);
    let _client = luis.up(&server);
    assert!(comes_back(&luis.namespace, echo.at(SERVER_V4), CONNECT));
    let steady = Steady::start(&luis.namespace, echo.at(SERVER_V4));
    steady.wait_for_more(20);

    // Others come, one by one and in bulk, and go.
    let others: Vec<PeerSpec> = (100..500).map(|number| peer(number).1).collect();
    server.namespace.block_on(async {
        first.put_peers(&others).await.unwrap();
        for other in &others[..50] {
            first.remove_peer(&other.public_key).await.unwrap();
            first.put_peer(other).await.unwrap();
        }
        assert!(!first.ensure_interface(&server.spec).await.unwrap(), "it is there");
        assert_eq!(first.peers().await.unwrap().len(), 401);
    });
    // Its owner goes, with its runtime; another one takes over.
    drop(first);
    let second = server.driver();
    let rx = |statuses: Vec<usipipo_actors::domain::wg::PeerStatus>| {
        statuses.iter().find(|status| status.public_key == luis.peer.public_key).unwrap().rx_bytes
    };
    server.namespace.block_on(async {
        assert!(!second.ensure_interface(&server.spec).await.unwrap(), "taken over");
        let before = rx(second.peers().await.unwrap());
        assert!(before > 0, "its counters went on");
        for other in &others {
            second.remove_peer(&other.public_key).await.unwrap();
        }
        assert_eq!(second.peers().await.unwrap().len(), 1);
    });
    steady.wait_for_more(20);
    let (sent, lost) = steady.end();
    assert_eq!(lost, 0, "of {sent}");
    assert_eq!(server.device(), Some(pid), "the same process");
}

#[test]
fn fault_09_a_device_that_died_is_started_anew_and_says_so() {
    if skip() {
        return;
    }
    let server = Server::new();
    let ana = server.client(2);
    let driver = server.driver();
    server.namespace.block_on(async {
        driver.ensure_interface(&server.spec).await.unwrap();
        driver.put_peer(&ana.peer).await.unwrap();
    });
    let echo = Echo::new(&server.namespace);
    let _client = ana.up(&server);
    assert!(comes_back(&ana.namespace, echo.at(SERVER_V4), CONNECT));

    let pid = server.device().unwrap();
    kill(pid, Signal::SIGKILL).unwrap();
    server.namespace.block_on(async {
        // Its socket is still there, and nobody listens.
        until_unavailable(&driver).await;
        let lost = driver.put_peer(&ana.peer).await;
        assert!(matches!(lost, Err(DriverError::Unavailable(_))), "{lost:?}");
        assert!(driver.ensure_interface(&server.spec).await.unwrap(), "made anew");
        assert!(driver.peers().await.unwrap().is_empty());
        driver.put_peer(&ana.peer).await.unwrap();
        assert!(!driver.ensure_interface(&server.spec).await.unwrap());
    });
    assert_ne!(server.device().unwrap(), pid);
    assert!(comes_back(&ana.namespace, echo.at(SERVER_V4), RECONNECT));
}

async fn until_unavailable(driver: &UserspaceDriver) {
    let begin = Instant::now();
    while driver.peers().await.is_ok() {
        assert!(begin.elapsed() < SOON);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[test]
fn a_peer_that_is_there_is_replaced_without_hanging_the_device() {
    if cannot_run(&[]) {
        return;
    }
    let server = Server::new();
    let driver = server.driver();
    server.namespace.block_on(async {
        driver.ensure_interface(&server.spec).await.unwrap();
        let (_, mut changed) = peer(2);
        let (_, plain) = peer(3);
        let plain = PeerSpec { preshared_key: None, ..plain };
        // The same key several times, in one change and in several, with and without a preshared key.
        driver.put_peers(&[changed.clone(), plain.clone(), changed.clone()]).await.unwrap();
        driver.put_peer(&changed).await.unwrap();
        changed.allowed_ips.truncate(1);
        driver.put_peer(&changed).await.unwrap();
        driver.remove_peer(&PublicKey::from_bytes([7; 32])).await.unwrap();
        let peers = driver.peers().await.unwrap();
        assert_eq!(peers.len(), 2);
        let of = |key: PublicKey| peers.iter().find(|status| status.public_key == key).unwrap().allowed_ips.len();
        assert_eq!((of(changed.public_key), of(plain.public_key)), (1, 2));
    });
}

#[test]
fn the_interface_is_put_right_and_left_alone_when_it_is_right() {
    if cannot_run(&[]) {
        return;
    }
    let mut server = Server::new();
    let driver = server.driver();
    let name = server.spec.name.clone();
    server.namespace.block_on(driver.ensure_interface(&server.spec)).unwrap();
    let shown = |server: &Server| server.namespace.ip(&format!("address show dev {name}"));
    let right = shown(&server);
    for part in ["mtu 1420", ",UP", "10.77.0.1/18", "fd77:7570:6970:2::1/112"] {
        assert!(right.contains(part), "{right}");
    }
    assert!(!right.contains("tentative"), "{right}");
    assert!(server.namespace.ip("route show 10.77.0.0/18").contains(&name));
    assert!(server.namespace.ip("-6 route show fd77:7570:6970:2::/112").contains(&name));

    // Somebody meddles.
    server.namespace.ip(&format!("address add 10.99.0.1/24 dev {name}"));
    server.namespace.ip(&format!("address del 10.77.0.1/18 dev {name}"));
    server.namespace.ip(&format!("link set {name} mtu 1300 down"));
    assert!(!server.namespace.block_on(driver.ensure_interface(&server.spec)).unwrap());
    let mended = shown(&server);
    for part in ["mtu 1420", ",UP", "10.77.0.1/18", "fd77:7570:6970:2::1/112"] {
        assert!(mended.contains(part), "{mended}");
    }
    assert!(!mended.contains("10.99.0.1"), "{mended}");

    // The settings change.
    server.namespace.block_on(driver.put_peer(&peer(2).1)).unwrap();
    server.spec.listen_port = 51999;
    server.spec.addresses = vec!["10.77.0.1/20".parse().unwrap()];
    server.spec.mtu = 1380;
    assert!(!server.namespace.block_on(driver.ensure_interface(&server.spec)).unwrap());
    let changed = shown(&server);
    assert!(changed.contains("mtu 1380") && changed.contains("10.77.0.1/20") && !changed.contains("fd77"), "{changed}");
    assert_eq!(server.namespace.block_on(driver.peers()).unwrap().len(), 1, "peers stay");
    let fresh = server.driver();
    assert!(!server.namespace.block_on(fresh.ensure_interface(&server.spec)).unwrap());
}

#[test]
fn the_device_is_a_session_of_its_own_without_our_secrets_and_ends_when_told() {
    if cannot_run(&[]) {
        return;
    }
    let server = Server::new();
    let driver = server.driver();
    let make = || server.namespace.block_on(driver.ensure_interface(&server.spec)).unwrap();
    let socket = PathBuf::from(format!("/var/run/wireguard/{}.sock", server.spec.name));
    let interface_is_gone = || !server.namespace.ip("-o link show").contains(&server.spec.name);

    assert!(make());
    let pid = server.device().unwrap();
    assert_eq!(nix::unistd::getsid(Some(pid)).unwrap(), pid, "Ctrl-C and a closed terminal do not reach it");
    assert_eq!(std::fs::read(format!("/proc/{pid}/environ")).unwrap(), b"", "the environment holds the bot's secrets");
    for number in 0..3 {
        assert_eq!(std::fs::read_link(format!("/proc/{pid}/fd/{number}")).unwrap(), Path::new("/dev/null"));
    }
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o077, 0, "only its owner reads keys");

    kill(pid, Signal::SIGTERM).unwrap();
    until("it ends on SIGTERM and takes interface and socket with it", || {
        interface_is_gone() && !socket.exists() && server.device().is_none()
    });

    assert!(make());
    server.namespace.ip(&format!("link delete {}", server.spec.name));
    until("it ends when its interface is deleted", || server.device().is_none());

    assert!(make());
    std::fs::remove_file(&socket).unwrap();
    until("it ends when its socket is deleted", || interface_is_gone() && server.device().is_none());
}

/// The library panics when it is told about a peer that it has, and would then keep every later caller waiting.
#[test]
fn a_panic_inside_the_device_ends_it_instead_of_hanging_everyone() {
    use std::io::Write as _;
    if cannot_run(&[]) {
        return;
    }
    let server = Server::new();
    let driver = server.driver();
    let (_, known) = peer(2);
    server.namespace.block_on(async {
        driver.ensure_interface(&server.spec).await.unwrap();
        driver.put_peer(&known).await.unwrap();
    });
    let socket = format!("/var/run/wireguard/{}.sock", server.spec.name);
    let mut raw = std::os::unix::net::UnixStream::connect(socket).unwrap();
    raw.write_all(format!("set=1\npublic_key={}\n\n", known.public_key.to_hex()).as_bytes()).unwrap();
    until("it ends", || server.device().is_none());
    // Another bot starts it; ours gives it a key with a peer before it looks.
    server.namespace.block_on(async {
        let other = server.driver();
        assert!(other.ensure_interface(&server.spec).await.unwrap());
        driver.put_peer(&known).await.unwrap();
    });
    assert!(server.namespace.block_on(driver.ensure_interface(&server.spec)).unwrap(), "made anew");
    assert!(!server.namespace.block_on(driver.ensure_interface(&server.spec)).unwrap());
}

#[test]
fn two_starters_at_once_make_one_device() {
    if cannot_run(&[]) {
        return;
    }
    let server = Server::new();
    let start = || server.namespace.block_on(server.driver().ensure_interface(&server.spec));
    let outcomes = std::thread::scope(|scope| {
        let starters: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        starters.into_iter().map(|starter| starter.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let wanted = format!("wg-device\0--interface\0{}\0", server.spec.name);
    let count = || {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let lines = processes.filter_map(|entry| std::fs::read_to_string(entry.path().join("cmdline")).ok());
        lines.filter(|line| line.contains(&wanted)).count()
    };
    until("one is left", || count() == 1);
    assert!(!start().unwrap());
}

#[test]
fn an_interface_of_another_program_is_not_touched() {
    if cannot_run(&[]) {
        return;
    }
    let server = Server::new();
    server.namespace.ip(&format!("link add {} type veth peer name {}", server.spec.name, unique("p")));
    let error = server.namespace.block_on(server.driver().ensure_interface(&server.spec)).unwrap_err();
    assert!(matches!(&error, DriverError::Unsupported(text) if text.contains("another program")), "{error}");
    assert!(server.namespace.ip("-o link show").contains(&server.spec.name));
}

#[test]
fn a_port_that_is_taken_is_said_so() {
    if cannot_run(&[]) {
        return;
    }
    let server = Server::new();
    let _other = server.namespace.enter(|| std::net::UdpSocket::bind(("0.0.0.0", PORT)).unwrap());
    let error = server.namespace.block_on(server.driver().ensure_interface(&server.spec)).unwrap_err();
    assert!(
        matches!(&error, DriverError::Refused(text) if text.contains("51820") && text.contains("listen_port")),
        "{error}"
    );
}
