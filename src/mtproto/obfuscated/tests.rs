#![allow(clippy::unwrap_used, reason = "tests")]

use super::super::tests::{hex, other_secret, secret};
use super::*;
use proptest::prelude::*;

/// What goes out for the random bytes `7 i + 11`, padded framing and data centre 2.
const WIRE: &str = "0b121920272e353c434a51585f666d747b828990979ea5acb3bac1c8cfd6dde4ebf2f900070e151c232a31383f464d545b62\
    6970777e858caaa5028f87c4b9f5";
/// The derived keys and initial vectors of both directions.
const ENC_KEY: &str = "be3661a9a9f4e9b80c1b0fc0b170e5a54794b8192563f80f0257dffe79c8e981";
const ENC_IV: &str = "232a31383f464d545b626970777e858c";
const DEC_KEY: &str = "a9412407190ac2ff1ce0a27d38ca0390e6e473bc559c1c0471173877c3157c45";
const DEC_IV: &str = "aca59e979089827b746d665f58514a43";
/// A question in its frame, and the same on the wire after the opening.
const FRAME: &str = "280000000000000000000000000000000a700b5e14000000f18e7ebe101112131415161718191a1b1c1d1e1f";
const FRAME_ON_WIRE: &str = "a0433aacfe9ba470b9b3e4b538f1323f3e299086d41617551b0e61c770bab1e1bad7323f6b953bac8a6784a3";

fn random() -> [u8; INIT_BYTES] {
    std::array::from_fn(|at| u8::try_from((7 * at + 11) & 255).unwrap())
}

/// The key stream of a known key.
fn known(key: &str, iv: &str) -> Ctr128BE<Aes256> {
    let (key, iv): ([u8; 32], [u8; 16]) = (hex(key).try_into().unwrap(), hex(iv).try_into().unwrap());
    Ctr128BE::<Aes256>::new(&key.into(), &iv.into())
}

#[test]
fn the_opening_and_the_first_frame_are_the_known_bytes() {
    let mut opening = Opening::new(&random(), &secret(), Framing::Padded, 2).unwrap();
    assert_eq!(opening.wire.to_vec(), hex(WIRE));
    let mut frame = hex(FRAME);
    opening.outgoing.apply(&mut frame);
    assert_eq!(frame, hex(FRAME_ON_WIRE));
}

#[test]
fn both_directions_have_the_known_keys() {
    let mut opening = Opening::new(&random(), &secret(), Framing::Padded, 2).unwrap();
    let (mut ours, mut theirs) = ([0; 100], [0; 100]);
    opening.incoming.apply(&mut ours);
    known(DEC_KEY, DEC_IV).apply_keystream(&mut theirs);
    assert_eq!(ours, theirs);
    // The outgoing one has used up the opening's 64 bytes.
    let (mut ours, mut theirs) = ([0; 36], [0; 100]);
    opening.outgoing.apply(&mut ours);
    known(ENC_KEY, ENC_IV).apply_keystream(&mut theirs);
    assert_eq!(ours, theirs[64..]);
}

#[test]
fn beginnings_of_other_protocols_are_refused() {
    let beginnings: [&[u8]; 8] =
        [b"\xef", b"HEAD", b"POST", b"GET ", b"OPTI", b"\x16\x03\x01\x02", b"\xdd\xdd\xdd\xdd", b"\xee\xee\xee\xee"];
    for beginning in beginnings {
        let mut bytes = random();
        bytes[..beginning.len()].copy_from_slice(beginning);
        assert_eq!(Opening::new(&bytes, &secret(), Framing::Padded, 2).err(), Some(Forbidden), "{beginning:?}");
    }
    let mut bytes = random();
    bytes[4..8].fill(0);
    assert_eq!(Opening::new(&bytes, &secret(), Framing::Padded, 2).err(), Some(Forbidden));
    bytes[7] = 1;
    assert!(Opening::new(&bytes, &secret(), Framing::Padded, 2).is_ok());
}

/// What a server with this secret reads at the framing's and the data centre's place.
fn read_by_server(wire: &[u8; INIT_BYTES], secret: &SecretKey) -> ([u8; 4], i16) {
    let mut stream = Stream::new(&wire[KEYS_AT..TAG_AT].try_into().unwrap(), secret);
    let mut plain = *wire;
    stream.apply(&mut plain);
    (plain[TAG_AT..DC_AT].try_into().unwrap(), i16::from_le_bytes([plain[DC_AT], plain[DC_AT + 1]]))
}

proptest! {
    #[test]
    fn a_server_with_the_secret_reads_framing_and_data_centre_and_no_other_does(
        random in any::<[u8; 32]>().prop_flat_map(|low| any::<[u8; 32]>().prop_map(move |high| [low, high].concat())),
        dc in any::<i16>(),
        framing in prop::sample::select(vec![Framing::Abridged, Framing::Intermediate, Framing::Padded]),
    ) {
        let random: [u8; INIT_BYTES] = random.try_into().unwrap();
        if let Ok(opening) = Opening::new(&random, &secret(), framing, dc) {
            prop_assert_eq!(read_by_server(&opening.wire, &secret()), ([framing.tag(); 4], dc));
            prop_assert_ne!(read_by_server(&opening.wire, &other_secret()).0, [framing.tag(); 4]);
            prop_assert_eq!(&opening.wire[..TAG_AT], &random[..TAG_AT]);
        }
    }
}
