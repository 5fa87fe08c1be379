#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;
use usipipo_actors::domain::wg::{PresharedKey, PrivateKey};

#[derive(Default)]
struct Fake {
    host: Mutex<Option<Host>>,
    configured: Mutex<u32>,
}

impl Backend for Fake {
    fn read(&self) -> Result<Option<Host>, DriverError> {
        Ok(self.host.lock().unwrap().clone())
    }

    fn create(&self) -> Result<(), DriverError> {
        self.host.lock().unwrap().get_or_insert_default();
        Ok(())
    }

    fn configure(&self, config: &InterfaceConfiguration) -> Result<(), DriverError> {
        let mut host = Host::new(config.port, Key::try_from(config.prvkey.as_str()).unwrap());
        host.peers = config.peers.iter().map(|peer| (peer.public_key.clone(), peer.clone())).collect::<HashMap<_, _>>();
        assert!(self.host.lock().unwrap().replace(host).is_some(), "made first");
        *self.configured.lock().unwrap() += 1;
        Ok(())
    }

    fn put(&self, peer: &Peer) -> Result<(), DriverError> {
        self.host.lock().unwrap().as_mut().unwrap().peers.insert(peer.public_key.clone(), peer.clone());
        Ok(())
    }

    fn remove(&self, key: &Key) -> Result<(), DriverError> {
        self.host.lock().unwrap().as_mut().unwrap().peers.remove(key);
        Ok(())
    }
}

fn spec(key: u8, listen_port: u16) -> InterfaceSpec {
    InterfaceSpec {
        name: "wg0".to_owned(),
        private_key: PrivateKey::from_random([key; 32]),
        listen_port,
        addresses: vec!["10.0.0.1/24".parse().unwrap()],
        mtu: 1420,
    }
}

fn peer_spec(byte: u8) -> PeerSpec {
    PeerSpec {
        public_key: PublicKey::from_bytes([byte; 32]),
        preshared_key: Some(PresharedKey::from_random([byte; 32])),
        allowed_ips: vec![format!("10.0.0.{byte}/32").parse().unwrap(), format!("fd00::{byte:x}/128").parse().unwrap()],
    }
}

fn driver(fake: &Arc<Fake>) -> KernelDriver {
    let backend: Arc<dyn Backend> = Arc::<Fake>::clone(fake);
    KernelDriver { interface: "wg0".to_owned(), backend }
}

#[test]
fn an_interface_that_is_right_is_not_touched() {
    let fake = Fake::default();
    assert!(ensure(&fake, &spec(1, 51820)).unwrap(), "made anew");
    fake.put(&peer(&peer_spec(7))).unwrap();
    assert!(!ensure(&fake, &spec(1, 51820)).unwrap());
    assert_eq!(*fake.configured.lock().unwrap(), 1);
    assert_eq!(fake.read().unwrap().unwrap().peers.len(), 1);
}

#[test]
fn one_that_was_made_but_not_set_up_counts_as_new() {
    let fake = Fake::default();
    fake.create().unwrap();
    assert!(ensure(&fake, &spec(1, 51820)).unwrap());
    assert_eq!(step(Some(&Host::new(51820, Key::new([0; 32]))), &spec(1, 51820)), Step::SetUp);
}

#[test]
fn another_port_or_key_keeps_the_peers_but_not_their_counters() {
    let fake = Fake::default();
    ensure(&fake, &spec(1, 51820)).unwrap();
    fake.put(&peer(&peer_spec(7))).unwrap();
    assert!(ensure(&fake, &spec(1, 51821)).unwrap());
    assert!(ensure(&fake, &spec(2, 51821)).unwrap());
    let host = fake.read().unwrap().unwrap();
    assert_eq!(host.listen_port, 51821);
    assert_eq!(host.private_key.unwrap().as_array(), *spec(2, 0).private_key.expose());
    assert_eq!(host.peers.into_values().collect::<Vec<_>>(), [peer(&peer_spec(7))]);
}

#[test]
fn no_preshared_key_takes_an_older_one_away() {
    let with = peer(&peer_spec(7));
    assert_eq!(with.preshared_key.unwrap().as_array(), *peer_spec(7).preshared_key.unwrap().expose());
    let without = peer(&PeerSpec { preshared_key: None, ..peer_spec(7) });
    assert_eq!(without.preshared_key.unwrap().as_array(), [0; 32]);
}

#[test]
fn a_peer_that_never_shook_hands_has_no_time() {
    let mut never = peer(&peer_spec(7));
    never.last_handshake = Some(UNIX_EPOCH);
    assert_eq!(status(&never).last_handshake, None);
    never.last_handshake = Some(UNIX_EPOCH + Duration::from_secs(1_780_000_000));
    (never.rx_bytes, never.tx_bytes) = (1, 2);
    let status = status(&never);
    assert_eq!(status.last_handshake.unwrap().timestamp(), 1_780_000_000);
    assert_eq!((status.public_key, status.rx_bytes, status.tx_bytes), (peer_spec(7).public_key, 1, 2));
    assert_eq!(status.allowed_ips, peer_spec(7).allowed_ips);
}

#[tokio::test]
async fn peers_come_and_go_one_by_one_and_in_bulk() {
    let fake = Arc::new(Fake::default());
    ensure(&*fake, &spec(1, 51820)).unwrap();
    let driver = driver(&fake);
    let many: Vec<PeerSpec> = (1..=200).map(peer_spec).collect();
    driver.put_peers(&many).await.unwrap();
    driver.put_peer(&peer_spec(1)).await.unwrap();
    driver.remove_peer(&peer_spec(2).public_key).await.unwrap();
    driver.remove_peer(&peer_spec(2).public_key).await.unwrap();
    let peers = driver.peers().await.unwrap();
    assert_eq!(peers.len(), 199);
    assert!(peers.iter().all(|peer| peer.public_key != peer_spec(2).public_key));
}

#[tokio::test]
async fn an_interface_that_is_gone_is_unavailable_and_another_name_is_refused() {
    let fake = Arc::new(Fake::default());
    let driver = driver(&fake);
    assert!(matches!(driver.peers().await, Err(DriverError::Unavailable(_))));
    let other = InterfaceSpec { name: "wg1".to_owned(), ..spec(1, 1) };
    assert!(matches!(driver.ensure_interface(&other).await, Err(DriverError::Refused(_))));
}

#[test]
fn what_the_library_says_becomes_what_a_person_can_do() {
    let netlink = Netlink { interface: "wg0".to_owned() };
    let said = |text: &str| netlink.refusal("making", &WireguardInterfaceError::NetlinkError(text.to_owned()));
    assert!(
        matches!(said("Failed to create WireGuard interface"), DriverError::Unsupported(text) if text.contains("modprobe"))
    );
    assert!(
        matches!(said("Operation not permitted (os error 1)"), DriverError::Unsupported(text) if text.contains("CAP_NET_ADMIN"))
    );
    assert!(matches!(said("No such device (os error 19)"), DriverError::Unavailable(_)));
    assert!(matches!(said("Invalid argument"), DriverError::Refused(_)));
}

/// The real library on a kernel that may have WireGuard or not.
#[tokio::test]
async fn a_kernel_without_wireguard_is_told_apart_from_one_with() {
    let driver = KernelDriver::new("usipipo-none");
    assert!(matches!(driver.peers().await, Err(DriverError::Unavailable(_))));
    if link::kernel_knows_wireguard().unwrap() {
        eprintln!("skipped: this kernel has WireGuard, and the test will not make an interface");
        return;
    }
    let missing = driver.ensure_interface(&InterfaceSpec { name: "usipipo-none".to_owned(), ..spec(1, 51820) }).await;
    assert!(matches!(missing, Err(DriverError::Unsupported(_))), "{missing:?}");
}
