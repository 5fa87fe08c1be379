#![allow(clippy::unwrap_used, reason = "tests")]

use super::super::tests::{hex, other_secret, secret};
use super::*;
use proptest::prelude::*;

/// The random number of the known message.
const CLIENT_RANDOM: &str = "c964f2283c24e9ac9f2ab0b996d2a3d525efa3ffbbaa8219ea4b8c346b947664";
/// A short answer with a proof: ServerHello, change of ciphers, one application record.
const REPLY: &str = "160303007a0200007603030175c94e5766d0692954e2916d6ee3a146375993cb70114ffe2c70af7af4707c20000102030405\
    060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f130100002e00330024001d00200707070707070707070707\
    070707070707070707070707070707070707070707002b000203041403030001011703030020050505050505050505050505\
    0505050505050505050505050505050505050505";

fn client_random() -> [u8; 32] {
    hex(CLIENT_RANDOM).try_into().unwrap()
}

fn look(bytes: &[u8]) -> Reply {
    check(bytes, &client_random(), &secret())
}

/// The known answer with these application records, proven over so many of them.
fn reply(records: &[usize], proven: usize) -> Vec<u8> {
    let application = REPLY.len() / 2 - 37;
    let mut bytes = hex(REPLY)[..application].to_vec();
    bytes[RANDOM].fill(0);
    let mut covered = bytes.len();
    for (at, length) in records.iter().enumerate() {
        bytes.extend_from_slice(&[0x17, 3, 3]);
        bytes.extend_from_slice(&u16::try_from(*length).unwrap().to_be_bytes());
        bytes.resize(bytes.len() + length, 5);
        if at < proven {
            covered = bytes.len();
        }
    }
    let proof = mac(&secret()).chain_update(client_random()).chain_update(&bytes[..covered]).finalize().into_bytes();
    bytes[RANDOM].copy_from_slice(&proof);
    bytes
}

#[test]
fn the_known_answer_is_proven_and_only_with_its_secret_and_question() {
    let known = hex(REPLY);
    assert_eq!(look(&known), Reply::Proven(known.len()));
    assert_eq!(look(&[&known[..], &[0x17, 3, 3]].concat()), Reply::Proven(known.len()), "more may follow");
    assert_eq!(check(&known, &client_random(), &other_secret()), Reply::Unproven);
    assert_eq!(check(&known, &[0; 32], &secret()), Reply::Unproven);
}

#[test]
fn every_part_of_it_is_covered() {
    let known = hex(REPLY);
    for at in 0..known.len() {
        let mut wrong = known.clone();
        wrong[at] ^= 1;
        assert!(!matches!(look(&wrong), Reply::Proven(_)), "byte {at}");
    }
}

#[test]
fn it_is_awaited_whole() {
    let known = hex(REPLY);
    for length in 0..known.len() {
        assert_eq!(look(&known[..length]), Reply::Incomplete, "{length} bytes");
    }
}

#[test]
fn several_records_are_read_until_the_proof_fits_within_bounds() {
    for (records, proven) in
        [(vec![1200], 1), (vec![1500, 900, 300], 3), (vec![1500, 40], 1), (vec![10; RECORDS_MAX], RECORDS_MAX)]
    {
        let bytes = reply(&records, proven);
        let length = bytes.len() - records[proven..].iter().map(|length| length + HEAD_BYTES).sum::<usize>();
        assert_eq!(look(&bytes), Reply::Proven(length), "{records:?}");
        if proven > 1 {
            let begun = reply(&records, proven);
            assert_eq!(look(&begun[..begun.len() - records[proven - 1] - HEAD_BYTES]), Reply::Unproven);
        }
    }
    assert_eq!(look(&reply(&[10; RECORDS_MAX + 1], RECORDS_MAX + 1)), Reply::Genuine, "too many records");
    assert_eq!(look(&reply(&[16_000, 16_000, 900], 3)), Reply::Genuine, "too many bytes");
}

#[test]
fn genuine_tls_is_no_proof() {
    // TLS 1.2 sends its certificate in the open, or everything in one record of the handshake.
    let hello = &hex(REPLY)[..127];
    assert_eq!(look(&[hello, &[0x16, 3, 3, 0, 2, 11, 0]].concat()), Reply::Genuine);
    // The site knows no such name.
    assert_eq!(look(&[0x15, 3, 3, 0, 2, 2, 112]), Reply::Genuine);
    // The site's random number is its own.
    let mut genuine = reply(&[2000, 300], 2);
    genuine[20] ^= 0x55;
    assert_eq!(look(&genuine), Reply::Unproven);
    assert_eq!(look(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Reply::Nonsense);
    assert_eq!(look(&[0x16, 3, 3, 0, 4, 2, 0, 0, 0]), Reply::Nonsense, "too short for a ServerHello");
}

/// Bytes that look like records often enough to get past the first one.
fn like_records() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop::sample::select(vec![0x14_u8, 0x15, 0x16, 0x17, 0x47]);
    let record =
        (kind, prop::collection::vec(any::<u8>(), 0..300), any::<bool>()).prop_map(|(kind, content, honest)| {
            let length = if honest { u16::try_from(content.len()).unwrap() } else { 20_000 };
            [&[kind, 3, 3][..], &length.to_be_bytes(), &content].concat()
        });
    (any::<bool>(), prop::collection::vec(record, 0..12)).prop_map(|(known, records)| {
        [if known { hex(REPLY)[..127].to_vec() } else { Vec::new() }, records.concat()].concat()
    })
}

proptest! {
    #[test]
    fn any_bytes_are_survived_and_never_a_proof(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        prop_assert!(!matches!(look(&bytes), Reply::Proven(_)));
    }

    #[test]
    fn any_records_are_survived_and_never_a_proof(bytes in like_records()) {
        prop_assert!(!matches!(look(&bytes), Reply::Proven(_)));
    }

    #[test]
    fn it_never_waits_for_more_than_its_bound(length in ANSWER_MAX + 1..ANSWER_MAX + 9000, cut in 0_usize..4000) {
        let many: Vec<usize> = vec![4000; length / 4000 + 1];
        let bytes = reply(&many[..many.len().min(RECORDS_MAX)], 0);
        let bytes = &bytes[..bytes.len() - cut.min(bytes.len())];
        prop_assert!(bytes.len() <= ANSWER_MAX || !matches!(look(bytes), Reply::Incomplete | Reply::Unproven));
    }
}
