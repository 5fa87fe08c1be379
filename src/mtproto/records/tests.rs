#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

#[test]
fn a_record_is_found_when_it_is_whole() {
    let record = [0x17, 3, 3, 0, 2, 8, 9, 0x17];
    for length in 0..7 {
        assert_eq!(find(&record[..length]), Found::Incomplete, "{length} bytes");
    }
    assert_eq!(find(&record), Found::Record(RecordType::Application, 2));
    assert_eq!(find(b"HTTP/1.1 400 Bad Request"), Found::Nonsense);
    assert_eq!(find(&[0x17, 3, 1, 0, 1, 0]), Found::Nonsense);
    assert_eq!(find(&[0x15, 3, 1, 0, 2, 2, 40]), Found::Record(RecordType::Alert, 2));
    assert_eq!(find(&[0x17, 3, 3, 0x41, 0x01]), Found::Nonsense, "16 641 bytes are one too many");
    assert_eq!(find(&[0x17, 3, 3, 0x41, 0x00]), Found::Incomplete);
}

#[test]
fn an_alert_ends_it() {
    let mut raw = [&wrap(b"ab")[..], &[0x15, 3, 3, 0, 2, 1, 0], &wrap(b"cd")].concat();
    let mut content = Vec::new();
    assert!(!unwrap(&mut raw, &mut content));
    assert_eq!(content, b"ab");
}

proptest! {
    #[test]
    fn wrapped_data_comes_out_whole_however_it_arrives(
        data in prop::collection::vec(any::<u8>(), 0..40_000),
        piece in 1_usize..5000,
    ) {
        let wire = [&CHANGE_CIPHER[..], &wrap(&data)].concat();
        let (mut raw, mut content) = (Vec::new(), Vec::new());
        for part in wire.chunks(piece) {
            raw.extend_from_slice(part);
            prop_assert!(unwrap(&mut raw, &mut content));
        }
        prop_assert_eq!(content, data);
        prop_assert!(raw.is_empty());
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let (mut raw, mut content) = (bytes.clone(), Vec::new());
        let _ = unwrap(&mut raw, &mut content);
        prop_assert!(raw.len() + content.len() <= bytes.len());
    }
}
