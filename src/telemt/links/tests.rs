#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::mtproto::SecretKey;
use secrecy::ExposeSecret as _;

fn secret(kind: SecretKind) -> Secret {
    Secret { kind, key: SecretKey::new(std::array::from_fn(|at| u8::try_from(at).unwrap())) }
}

#[test]
fn links_of_every_kind_are_written() {
    let kinds = [
        (SecretKind::Classic, "000102030405060708090a0b0c0d0e0f"),
        (SecretKind::Padded, "dd000102030405060708090a0b0c0d0e0f"),
        (
            SecretKind::FakeTls { domain: "example.com".to_owned() },
            "ee000102030405060708090a0b0c0d0e0f6578616d706c652e636f6d",
        ),
    ];
    for (kind, text) in kinds {
        let secret = secret(kind);
        assert_eq!(secret_text(&secret).expose_secret(), text);
        let link = proxy_link("proxy.example.org", 443, &secret);
        let expected = format!("https://t.me/proxy?server=proxy.example.org&port=443&secret={text}");
        assert_eq!(link.expose_secret(), expected);
    }
}

#[test]
fn an_ipv6_address_does_not_break_the_query() {
    for host in ["2001:db8::1", "[2001:db8::1]"] {
        let link = proxy_link(host, 8443, &secret(SecretKind::Classic));
        let begin = "https://t.me/proxy?server=2001%3Adb8%3A%3A1&port=8443&secret=0001";
        assert!(link.expose_secret().starts_with(begin));
    }
}

#[test]
fn fault_28_the_secret_is_in_no_debug_text() {
    let link = proxy_link("h", 1, &secret(SecretKind::Padded));
    assert!(!format!("{link:?}").contains("0102"));
}
