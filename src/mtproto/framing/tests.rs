#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

const ALL: [Framing; 3] = [Framing::Abridged, Framing::Intermediate, Framing::Padded];

#[test]
fn lengths_are_told_as_each_framing_wants() {
    let message = [7; 40];
    assert_eq!(Framing::Abridged.encode(&message, &[1, 2]).unwrap()[..2], [10, 7]);
    assert_eq!(Framing::Abridged.encode(&[7; 508], &[]).unwrap()[..5], [0x7f, 127, 0, 0, 7]);
    assert_eq!(Framing::Intermediate.encode(&message, &[1, 2]).unwrap()[..5], [40, 0, 0, 0, 7]);
    let padded = Framing::Padded.encode(&message, &[1, 2]).unwrap();
    assert_eq!((&padded[..4], &padded[44..]), (&[42, 0, 0, 0][..], &[1, 2][..]));
}

#[test]
fn what_is_too_long_or_of_odd_length_is_not_framed() {
    for framing in ALL {
        assert_eq!(framing.encode(&[0; MESSAGE_MAX + 4], &[]), None);
        assert_eq!(framing.encode(&[0; 6], &[]), None);
    }
    assert_eq!(Framing::Padded.encode(&[0; 4], &[9; 40]).unwrap().len(), 4 + 4 + PADDING_MAX);
}

#[test]
fn a_small_negative_number_is_an_error_of_telegram() {
    let error = (-404_i32).to_le_bytes();
    for framing in ALL {
        let frame = framing.encode(&error, &[]).unwrap();
        assert_eq!(framing.decode(&frame), Decoded::Frame(Frame::Error(-404), frame.len()), "{framing:?}");
    }
    let padded = Framing::Padded.encode(&error, &[1, 2, 3]).unwrap();
    assert_eq!(Framing::Padded.decode(&padded), Decoded::Frame(Frame::Error(-404), 11));
    // Without a length.
    assert_eq!(Framing::Padded.decode(&error), Decoded::Frame(Frame::Error(-404), 4));
    assert_eq!(Framing::Intermediate.decode(&error), Decoded::Frame(Frame::Error(-404), 4));
    // A long message may begin with such a number; a large one is none.
    let long = [&error[..], &[0; 60]].concat();
    let frame = Framing::Padded.encode(&long, &[]).unwrap();
    assert!(matches!(Framing::Padded.decode(&frame), Decoded::Frame(Frame::Message(_), _)));
    assert_eq!(Framing::Padded.decode(&(-1000_i32).to_le_bytes()), Decoded::Nonsense);
}

proptest! {
    #[test]
    fn what_is_framed_comes_out_at_once_when_whole_and_never_before(
        words in 1..(MESSAGE_MAX / 4),
        fill in any::<u8>().prop_filter("no error number", |byte| *byte != 0xff),
        padding in prop::collection::vec(any::<u8>(), 0..=PADDING_MAX),
        framing in prop::sample::select(ALL.to_vec()),
        cut in any::<prop::sample::Index>(),
    ) {
        let message = vec![fill; words * 4];
        prop_assume!(message.len() + padding.len() <= MESSAGE_MAX);
        let frame = framing.encode(&message, &padding).unwrap();
        prop_assert_eq!(framing.decode(&frame[..cut.index(frame.len())]), Decoded::Incomplete);
        let more = [&frame[..], &[1, 2, 3]].concat();
        match framing.decode(&more) {
            Decoded::Frame(Frame::Message(found), length) => {
                prop_assert_eq!(length, frame.len());
                prop_assert!(found.starts_with(&message));
                prop_assert!(found.len() <= message.len() + PADDING_MAX);
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn any_bytes_are_survived_and_no_frame_is_longer_than_what_came(
        bytes in prop::collection::vec(any::<u8>(), 0..6000),
        framing in prop::sample::select(ALL.to_vec()),
    ) {
        match framing.decode(&bytes) {
            Decoded::Frame(Frame::Message(message), length) => {
                prop_assert!(length <= bytes.len() && message.len() <= MESSAGE_MAX);
            }
            Decoded::Frame(Frame::Error(_), length) => prop_assert!(length <= bytes.len()),
            Decoded::Incomplete => prop_assert!(bytes.len() < MESSAGE_MAX + 4),
            Decoded::Nonsense => (),
        }
    }
}
