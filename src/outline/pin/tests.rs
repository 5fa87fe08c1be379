#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;

/// Made as the server's installer makes its own: RSA with 4096 bits, self-signed, no name but a common name.
const CERTIFICATE: &[u8] = include_bytes!("../tests/server.crt.der");
/// As `openssl x509 -fingerprint -sha256` writes it.
const FINGERPRINT: &str =
    "3E:E8:9D:08:E0:C3:16:C8:6C:78:73:85:6E:1D:5B:F2:9F:F9:77:25:1E:6A:4E:D7:6E:29:76:1E:BB:5F:07:6A";

#[test]
fn a_hash_is_read_in_every_way_people_write_it() {
    let hash = CertHash::of(CERTIFICATE);
    let plain = FINGERPRINT.replace(':', "");
    for text in [FINGERPRINT, &plain, &plain.to_lowercase(), &format!(" {plain}\n")] {
        assert_eq!(text.parse(), Ok(hash), "{text}");
    }
    assert_eq!(hash.to_string(), plain);
}

#[test]
fn what_is_no_hash_is_refused() {
    let plain = FINGERPRINT.replace(':', "");
    for wrong in ["", "3E", &plain[1..], &format!("{plain}0"), &plain.replace('E', "G"), &plain.replace('E', "é")] {
        assert_eq!(wrong.parse::<CertHash>(), Err(CertHashError), "{wrong}");
    }
}
