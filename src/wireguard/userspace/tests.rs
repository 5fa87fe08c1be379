#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;
use usipipo_actors::domain::wg::PresharedKey;

type Requests = Arc<Mutex<Vec<String>>>;

/// Answers `get` with these settings and every `set` with success.
fn fake(settings: &'static str) -> (tempfile::TempDir, PathBuf, Requests) {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("wg0.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let requests = Requests::default();
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\n\n") {
                stream.read_buf(&mut request).await.unwrap();
            }
            let request = String::from_utf8(request).unwrap();
            let answer =
                if request.starts_with("get=1") { format!("{settings}errno=0\n\n") } else { "errno=0\n\n".to_owned() };
            seen.lock().unwrap().push(request);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (directory, socket, requests)
}

fn driver(socket: PathBuf) -> UserspaceDriver {
    UserspaceDriver::new("wg0", Launcher::new("/bin/false".into())).with_socket(socket)
}

fn with_key(driver: UserspaceDriver) -> UserspaceDriver {
    *driver.key.lock().unwrap() = Some(PrivateKey::from_random([9; 32]));
    driver
}

fn peer(byte: u8) -> PeerSpec {
    PeerSpec {
        public_key: PublicKey::from_bytes([byte; 32]),
        preshared_key: Some(PresharedKey::from_random([byte; 32])),
        allowed_ips: vec![format!("10.0.0.{byte}/32").parse().unwrap()],
    }
}

#[tokio::test]
async fn a_peer_is_never_given_to_a_device_that_may_have_no_key() {
    let (_directory, socket, requests) = fake("");
    let driver = driver(socket);
    assert!(matches!(driver.put_peer(&peer(1)).await, Err(DriverError::Unavailable(_))));
    assert!(requests.lock().unwrap().is_empty());
    with_key(driver).put_peer(&peer(1)).await.unwrap();
    let requests = requests.lock().unwrap();
    let key = PrivateKey::from_random([9; 32]).expose_hex();
    assert!(requests[0].starts_with(&format!("set=1\nprivate_key={key}\npublic_key=")), "the key goes along");
}

#[tokio::test]
async fn many_peers_go_in_changes_of_bounded_size() {
    let (_directory, socket, requests) = fake("");
    let peers: Vec<PeerSpec> = (1..=100).map(peer).collect();
    with_key(driver(socket)).put_peers(&peers).await.unwrap();
    let requests = requests.lock().unwrap();
    assert_eq!(requests.len(), 4);
    assert!(requests.iter().all(|request| request.len() <= CHANGE_BYTES_MAX));
    let added = requests.concat();
    assert_eq!(added.matches("remove=false").count(), 100);
    assert!(peers.iter().all(|peer| added.contains(&peer.public_key.to_hex())));
}

#[tokio::test]
async fn a_peer_with_absurdly_many_prefixes_is_refused_before_anything_is_sent() {
    let (_directory, socket, requests) = fake("");
    let mut absurd = peer(1);
    absurd.allowed_ips = vec!["10.0.0.1/32".parse().unwrap(); ALLOWED_IPS_MAX + 1];
    assert!(matches!(with_key(driver(socket)).put_peer(&absurd).await, Err(DriverError::Refused(_))));
    assert!(requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_program_that_ends_at_once_is_reported_and_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let driver = driver(directory.path().join("wg0.sock"));
    let spec = InterfaceSpec {
        name: "wg0".to_owned(),
        private_key: PrivateKey::from_random([9; 32]),
        listen_port: 51820,
        addresses: Vec::new(),
        mtu: 1420,
    };
    let error = driver.ensure_interface(&spec).await.unwrap_err();
    assert!(matches!(&error, DriverError::Unsupported(text) if text.contains("ended with")), "{error}");
    let other = InterfaceSpec { name: "wg1".to_owned(), ..spec };
    assert!(matches!(driver.ensure_interface(&other).await, Err(DriverError::Refused(_))));
}

#[test]
fn this_program_can_be_started_again() {
    let launcher = Launcher::this_program().unwrap();
    let shown = format!("{launcher:?}");
    assert!(shown.contains("usipipo") || Path::new("/proc/self/exe").exists(), "{shown}");
}
