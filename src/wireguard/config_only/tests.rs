use super::*;
use usipipo_actors::domain::wg::PrivateKey;

fn peer(byte: u8) -> PeerSpec {
    PeerSpec {
        public_key: PublicKey::from_bytes([byte; 32]),
        preshared_key: None,
        allowed_ips: vec![format!("10.0.0.{byte}/32").parse().unwrap()],
    }
}

#[tokio::test]
async fn every_peer_that_was_put_counts_as_there_until_it_is_removed() {
    let driver = ConfigOnlyDriver::new();
    let spec = InterfaceSpec {
        name: "wg0".to_owned(),
        private_key: PrivateKey::from_random([1; 32]),
        listen_port: 51820,
        addresses: Vec::new(),
        mtu: 1420,
    };
    assert!(driver.ensure_interface(&spec).await.unwrap());
    assert!(!driver.ensure_interface(&spec).await.unwrap());

    driver.put_peers(&[peer(1), peer(2), peer(1)]).await.unwrap();
    driver.remove_peer(&peer(2).public_key).await.unwrap();
    driver.remove_peer(&peer(3).public_key).await.unwrap();

    let there = driver.peers().await.unwrap();
    assert_eq!(there.len(), 1);
    assert_eq!((there[0].public_key, &there[0].allowed_ips), (peer(1).public_key, &peer(1).allowed_ips));
}
