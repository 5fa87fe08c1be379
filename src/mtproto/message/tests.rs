#![allow(clippy::unwrap_used, reason = "tests")]

use super::super::tests::hex;
use super::*;
use proptest::prelude::*;

/// The question with the number 10 to 1f at this second.
const SECOND: i64 = 0x5e0b_700a;
/// The known question, without its frame.
const REQUEST: &str = "0000000000000000000000000a700b5e14000000f18e7ebe101112131415161718191a1b1c1d1e1f";

fn nonce() -> [u8; NONCE_BYTES] {
    std::array::from_fn(|at| u8::try_from(at + 16).unwrap())
}

/// An answer as Telegram's servers give it: two numbers, a product of two primes, a key's fingerprint.
fn res_pq(nonce: &[u8; NONCE_BYTES]) -> Vec<u8> {
    let product = [&[8][..], &0x17ed_4894_1a08_f981_u64.to_be_bytes(), &[0; 3]].concat();
    let body =
        [&RES_PQ.to_le_bytes()[..], nonce, &[0x55; 16], &product, &hex("15c4b51c01000000216be86c022bb4c3")].concat();
    let length = u32::try_from(body.len()).unwrap().to_le_bytes();
    [&[0; 8][..], &[1, 0, 0, 0, 0x0a, 0x70, 0x0b, 0x5e], &length, &body].concat()
}

#[test]
fn the_question_is_the_known_bytes() {
    let now = DateTime::from_timestamp(SECOND, 0).unwrap();
    assert_eq!(request(&nonce(), now).to_vec(), hex(REQUEST));
}

#[test]
fn the_number_of_a_message_is_divisible_by_four_and_grows_with_time() {
    let id = |nanos| {
        let now = DateTime::from_timestamp(SECOND, nanos).unwrap();
        u64::from_le_bytes(request(&nonce(), now)[8..16].try_into().unwrap())
    };
    assert_eq!(id(999_999_999) % 4, 0);
    assert!(id(0) < id(1000) && id(1000) < id(999_999_999));
    // A leap second stays in its second.
    let leap = DateTime::from_timestamp(1_483_228_799, 1_999_999_999).unwrap();
    let id = u64::from_le_bytes(request(&nonce(), leap)[8..16].try_into().unwrap());
    assert_eq!((id >> 32, id % 4), (1_483_228_799, 0));
}

#[test]
fn only_the_answer_with_our_number_counts() {
    let answer = res_pq(&nonce());
    assert!(answers(&answer, &nonce()));
    assert!(answers(&[&answer[..], &[9; 15]].concat(), &nonce()), "padding is allowed");
    assert!(!answers(&answer, &[0; NONCE_BYTES]));
    for at in (0..8).chain(LENGTH_AT..BODY_AT + 4 + NONCE_BYTES) {
        let mut wrong = answer.clone();
        wrong[at] ^= 0x40;
        assert!(!answers(&wrong, &nonce()), "byte {at}");
    }
    for length in 0..answer.len() {
        assert!(!answers(&answer[..length], &nonce()), "{length} bytes");
    }
    assert!(!answers(&hex(REQUEST), &nonce()), "an echo is no answer");
}

proptest! {
    #[test]
    fn any_bytes_are_survived_and_are_no_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!answers(&bytes, &nonce()));
    }
}
