#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use base64::engine::general_purpose;
use proptest::prelude::*;

fn link(host: &str, name: &str) -> String {
    let password = SecretString::from("p4ss");
    access_link(Cipher::ChaCha20IetfPoly1305, &password, host, 8388, name).expose_secret().to_owned()
}

#[test]
fn a_link_is_written_as_outline_does() {
    // base64url of "chacha20-ietf-poly1305:p4ss".
    let user = "Y2hhY2hhMjAtaWV0Zi1wb2x5MTMwNTpwNHNz";
    assert_eq!(link("vpn.example.org", ""), format!("ss://{user}@vpn.example.org:8388/?outline=1"));
    assert_eq!(
        link("192.0.2.7", "Mi casa ñ#1"),
        format!("ss://{user}@192.0.2.7:8388/?outline=1#Mi%20casa%20%C3%B1%231")
    );
    assert_eq!(link("2001:db8::7", "x"), format!("ss://{user}@[2001:db8::7]:8388/?outline=1#x"));
    assert_eq!(link("[2001:db8::7]", "x"), link("2001:db8::7", "x"));
}

#[test]
fn base64_has_no_padding_and_no_characters_that_mean_something_in_a_link() {
    // Three lengths for the three paddings, and bytes that standard base64 writes as + and /.
    for password in ["a", "ab", "abc", "~~~???>>>"] {
        let link = access_link(Cipher::Aes128Gcm, &SecretString::from(password), "h", 1, "");
        let user = link.expose_secret().strip_prefix("ss://").unwrap().split('@').next().unwrap().to_owned();
        assert!(!user.contains(['=', '+', '/']), "{user}");
    }
}

#[test]
fn every_form_in_use_is_read() {
    let plain = "aes-256-gcm:a/b?c+d:é~~~>>>";
    let forms = [
        general_purpose::STANDARD.encode(plain),
        general_purpose::STANDARD_NO_PAD.encode(plain),
        general_purpose::URL_SAFE.encode(plain),
        URL_SAFE_NO_PAD.encode(plain),
        percent_encode(&general_purpose::STANDARD.encode(plain)),
        percent_encode(plain),
        "aes-256-gcm:a%2Fb%3Fc%2Bd%3A%C3%A9~~~%3E%3E%3E".to_owned(),
    ];
    for form in forms {
        for tail in ["", "/", "/?outline=1", "/?plugin=x&outline=1#n", "?outline=1", "#n"] {
            let text = format!("ss://{form}@[::1]:443{tail}");
            let link = AccessLink::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((link.cipher, link.password.expose_secret()), (Cipher::Aes256Gcm, "a/b?c+d:é~~~>>>"), "{text}");
            assert_eq!((link.host.as_str(), link.port), ("::1", 443));
            assert_eq!(link.outline, tail.contains("outline"), "{text}");
            assert_eq!(link.name == "n", tail.ends_with("#n"));
        }
    }
}

#[test]
fn what_is_no_link_is_refused_without_being_repeated() {
    let user = "YWVzLTI1Ni1nY206cDRzcw";
    for wrong in [
        String::new(),
        "https://example.org".to_owned(),
        format!("ss://{user}"),
        format!("ss://{user}@host"),
        format!("ss://{user}@host:"),
        format!("ss://{user}@host:0"),
        format!("ss://{user}@host:+1"),
        format!("ss://{user}@host:65536"),
        format!("ss://{user}@::1:443"),
        format!("ss://{user}@[::g]:443"),
        format!("ss://{user}@[::1:443"),
        format!("ss://{user}@:443"),
        format!("ss://{user}@host:443#%zz"),
        "ss://???@host:443".to_owned(),
        "ss://cm9vdA@host:443".to_owned(),
        "ss://cmM0OnA0c3M@host:443".to_owned(),
        format!("ss://{user}@host:443#{}", "n".repeat(LINK_MAX_BYTES)),
    ] {
        let error = AccessLink::parse(&wrong).map(|_| ()).expect_err(&wrong);
        assert!(!error.to_string().contains(user));
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        cipher in proptest::sample::select(Cipher::ALL.to_vec()),
        password in ".{1,64}",
        host in prop_oneof![
            "[a-z0-9]([a-z0-9.-]{0,30}[a-z0-9])?",
            any::<std::net::Ipv4Addr>().prop_map(|ip| ip.to_string()),
            any::<Ipv6Addr>().prop_map(|ip| ip.to_string()),
        ],
        port in 1_u16..,
        name in ".{0,64}",
    ) {
        let link = access_link(cipher, &SecretString::from(password.as_str()), &host, port, &name);
        let read = AccessLink::parse(link.expose_secret()).unwrap();
        prop_assert_eq!(read.cipher, cipher);
        prop_assert_eq!(read.password.expose_secret(), password);
        prop_assert_eq!(read.host, host);
        prop_assert_eq!(read.port, port);
        prop_assert_eq!(read.name, name);
        prop_assert!(read.outline);
    }

    #[test]
    fn no_text_makes_the_reader_fall(text in "(ss://)?.{0,80}") {
        let _ = AccessLink::parse(&text);
    }
}
