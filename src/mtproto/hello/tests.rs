#![allow(clippy::unwrap_used, reason = "tests")]

use super::super::tests::{hex, other_secret, secret};
use super::*;
use proptest::prelude::*;

/// The known message but for its padding, which is zeros: with the domain example.com at this second.
const SECOND: u32 = 1_700_000_000;
/// Its bytes.
const KNOWN: &str = "1603010200010001fc0303c964f2283c24e9ac9f2ab0b996d2a3d525efa3ffbbaa8219ea4b8c346b94766420000102030405\
    060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f0006130113021303010001ad00000010000e00000b657861\
    6d706c652e636f6d002b0003020304003300260024001d002009090909090909090909090909090909090909090909090909\
    0909090909090900150164";

fn seed(byte: u8) -> Seed {
    Seed { session: [byte; 32], share: [byte; 32], grease: [byte, byte.wrapping_mul(7), byte.wrapping_add(3), byte] }
}

fn known() -> [u8; HELLO_BYTES] {
    let mut bytes = hex(KNOWN);
    bytes.resize(HELLO_BYTES, 0);
    bytes.try_into().unwrap()
}

/// The time that a server with this secret reads from the proof; `None`: not the secret.
fn read_by_server(hello: &[u8; HELLO_BYTES], secret: &SecretKey) -> Option<u32> {
    let mut unsigned = *hello;
    sign(&mut unsigned, secret, 0);
    let (ours, theirs) = (&unsigned[RANDOM], &hello[RANDOM]);
    let time: Vec<u8> = ours[28..].iter().zip(&theirs[28..]).map(|(a, b)| a ^ b).collect();
    (ours[..28] == theirs[..28]).then(|| u32::from_le_bytes(time.try_into().unwrap()))
}

#[test]
fn the_proof_is_the_known_one() {
    let mut hello = known();
    hello[RANDOM].fill(0xaa);
    sign(&mut hello, &secret(), SECOND);
    assert_eq!(hello, known());
}

#[test]
fn a_server_with_the_secret_reads_the_time_and_no_other_does() {
    let mut hello = unsigned("www.example.com", &seed(9)).unwrap();
    sign(&mut hello, &secret(), SECOND);
    assert_eq!(read_by_server(&hello, &secret()), Some(SECOND));
    assert_eq!(read_by_server(&hello, &other_secret()), None);
    hello[400] ^= 1;
    assert_eq!(read_by_server(&hello, &secret()), None, "all of the message is covered");
}

#[test]
fn bad_domains_are_refused_and_the_longest_fits() {
    for domain in ["", "a b", "caf\u{e9}.example", "a\0", "x/y", &"a".repeat(DOMAIN_MAX + 1)] {
        assert_eq!(unsigned(domain, &seed(1)).err(), Some(BadDomain), "{domain}");
    }
    assert_extensions(&unsigned(&"a".repeat(DOMAIN_MAX), &seed(1)).unwrap(), &"a".repeat(DOMAIN_MAX));
}

#[test]
fn time_before_1970_or_after_2106_is_no_time() {
    assert_eq!(stamp(DateTime::from_timestamp(1_700_000_000, 5).unwrap()), 1_700_000_000);
    assert_eq!(stamp(DateTime::from_timestamp(-1, 0).unwrap()), u32::MAX);
    assert_eq!(stamp(DateTime::from_timestamp(1 << 33, 0).unwrap()), u32::MAX);
}

/// Reads the whole message as a server does, and checks what it must have. Returns the number and content of each extension.
fn assert_extensions(hello: &[u8; HELLO_BYTES], domain: &str) -> Vec<(u16, Vec<u8>)> {
    assert_eq!(hello[..11], BEGINNING);
    assert_eq!(hello[43], 32);
    let ciphers = usize::from(u16::from_be_bytes([hello[76], hello[77]]));
    assert_eq!(ciphers, 2 + 2 * CIPHERS.len());
    assert!(is_grease(&hello[78..80]));
    assert_eq!(hello[80..86], [0x13, 1, 0x13, 2, 0x13, 3]);
    let mut at = 78 + ciphers;
    assert_eq!(hello[at..at + 2], [1, 0]);
    assert_eq!(usize::from(u16::from_be_bytes([hello[at + 2], hello[at + 3]])), HELLO_BYTES - at - 4);
    at += 4;
    let mut extensions = Vec::new();
    while at < HELLO_BYTES {
        let number = u16::from_be_bytes([hello[at], hello[at + 1]]);
        let length = usize::from(u16::from_be_bytes([hello[at + 2], hello[at + 3]]));
        extensions.push((number, hello[at + 4..at + 4 + length].to_vec()));
        at += 4 + length;
    }
    assert_eq!(at, HELLO_BYTES);
    let find = |number| extensions.iter().find(|(found, _)| *found == number).map(|(_, content)| content.clone());
    let name = find(0).unwrap();
    assert_eq!(&name[5..], domain.as_bytes());
    assert_eq!(usize::from(name[1]), domain.len() + 3);
    assert!(is_grease(&extensions[0].0.to_be_bytes()) && is_grease(&extensions[extensions.len() - 2].0.to_be_bytes()));
    let (number, padding) = extensions.last().unwrap();
    assert_eq!(*number, 0x0015);
    assert!(padding.iter().all(|byte| *byte == 0));
    let mut numbers: Vec<u16> = extensions.iter().map(|(number, _)| *number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), extensions.len(), "no extension comes twice");
    extensions
}

fn is_grease(pair: &[u8]) -> bool {
    pair[0] == pair[1] && pair[0] & 15 == 10
}

proptest! {
    #[test]
    fn every_message_is_well_formed_and_of_the_one_length(
        domain in "[a-z0-9]([a-z0-9.-]{0,178}[a-z0-9])?",
        session in any::<[u8; 32]>(),
        share in any::<[u8; 32]>(),
        grease in any::<[u8; 4]>(),
    ) {
        let hello = unsigned(&domain, &Seed { session, share, grease }).unwrap();
        let extensions = assert_extensions(&hello, &domain);
        prop_assert_eq!(&hello[44..76], &session);
        let (_, share_sent) = extensions.iter().find(|(number, _)| *number == 0x33).unwrap();
        let public = PublicKey::from(&StaticSecret::from(share));
        prop_assert_eq!(&share_sent[share_sent.len() - 32..], public.as_bytes());
        prop_assert!(is_grease(&share_sent[2..4]));
        let (_, versions) = extensions.iter().find(|(number, _)| *number == 0x2b).unwrap();
        prop_assert_eq!(&versions[3..], &[3, 4, 3, 3]);
    }
}
