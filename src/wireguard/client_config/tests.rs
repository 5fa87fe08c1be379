#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use secrecy::ExposeSecret as _;
use usipipo_actors::domain::wg::{PresharedKey, PrivateKey};

fn addresses() -> Addresses {
    Addresses { v4: "10.77.64.2".parse().ok(), v6: "fd77:7570:6970:1::2".parse().ok() }
}

fn config(private_key: Option<PrivateKey>) -> TunnelConfig {
    TunnelConfig {
        private_key,
        preshared_key: PresharedKey::from_random([0xaa; 32]),
        server_key: "j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8=".parse().unwrap(),
        endpoint: "vpn.example.org:51820".to_owned(),
        dns: vec!["1.1.1.1".to_owned(), "9.9.9.9".to_owned()],
        mtu: 1420,
    }
}

#[test]
fn a_file_has_both_versions_of_ip_and_nothing_that_a_user_typed() {
    let bytes: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).unwrap());
    let text = write(addresses(), &config(Some(PrivateKey::from_random(bytes))));
    assert_eq!(
        text.expose_secret(),
        "[Interface]
PrivateKey = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHl8=
Address = 10.77.64.2/32, fd77:7570:6970:1::2/128
DNS = 1.1.1.1, 9.9.9.9
MTU = 1420

[Peer]
PublicKey = j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8=
PresharedKey = qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=
Endpoint = vpn.example.org:51820
AllowedIPs = 0.0.0.0/0, ::/0
PersistentKeepalive = 25
"
    );
}

#[test]
fn who_keeps_the_private_key_is_told_where_it_goes() {
    let text = write(addresses(), &config(None));
    let text = text.expose_secret();
    assert!(
        text.starts_with("[Interface]\n# Write your private key here and remove the '#':\n# PrivateKey = \nAddress"),
        "{text}"
    );
}

#[test]
fn with_one_version_of_ip_the_other_still_goes_into_the_tunnel() {
    let mut config = config(None);
    config.dns.clear();
    let text = write(Addresses { v6: None, ..addresses() }, &config);
    let text = text.expose_secret();
    assert!(text.contains("\nAddress = 10.77.64.2/32\n") && text.contains("AllowedIPs = 0.0.0.0/0, ::/0"), "{text}");
    assert!(!text.contains("DNS"), "{text}");
}
