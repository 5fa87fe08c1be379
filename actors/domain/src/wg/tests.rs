#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn the_public_key_is_what_wg_pubkey_prints() {
    let bytes: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).unwrap());
    let key = PrivateKey::from_random(bytes);
    assert_eq!(key.expose_base64(), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHl8=");
    assert_eq!(key.public_key().to_string(), "j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8=");
}

#[test]
fn pasted_keys_are_checked() {
    assert!(PublicKey::from_user(" j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8=\n").is_ok());
    for bad in
        ["", "hola", "j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8", "ñ0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8"]
    {
        assert_eq!(PublicKey::from_user(bad), Err(KeyError::NotAKey), "{bad}");
    }
    // Zero, one and p are points of small order.
    let mut one = [0; 32];
    one[0] = 1;
    let mut p = [0xff; 32];
    (p[0], p[31]) = (0xed, 0x7f);
    for point in [[0; 32], one, p] {
        assert_eq!(PublicKey::from_user(&PublicKey(point).to_string()), Err(KeyError::LowOrder));
    }
}

#[test]
fn secrets_do_not_show_in_debug() {
    let key = PrivateKey::from_random([7; 32]);
    assert!(!format!("{key:?}").contains(&key.expose_base64()));
}
