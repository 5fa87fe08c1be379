#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;

fn keys(seed: u8) -> (PrivateKey, PublicKey, PresharedKey) {
    let private = PrivateKey::from_random([seed; 32]);
    let public = private.public_key();
    (private, public, PresharedKey::from_random([seed ^ 0x55; 32]))
}

const NODE: NodeId = NodeId(1);

#[test]
fn what_was_sealed_opens_again() {
    let vault = Vault::generate().unwrap();
    let (private, public, preshared) = keys(1);
    let sealed = vault.seal_peer_private(NODE, &public, &private).unwrap();
    assert_eq!(vault.open_peer_private(NODE, &public, &sealed).unwrap(), private);
    let sealed = vault.seal_peer_preshared(NODE, &public, &preshared).unwrap();
    assert_eq!(vault.open_peer_preshared(NODE, &public, &sealed).unwrap(), preshared);
    let sealed = vault.seal_node_key(&public, &private).unwrap();
    assert_eq!(vault.open_node_key(&public, &sealed).unwrap(), private);
}

#[test]
fn fault_28_a_sealed_key_shows_nothing_of_it_and_is_new_each_time() {
    let vault = Vault::generate().unwrap();
    let (private, public, _) = keys(1);
    let one = vault.seal_peer_private(NODE, &public, &private).unwrap();
    let two = vault.seal_peer_private(NODE, &public, &private).unwrap();
    assert_ne!(one, two);
    assert!(!one.windows(8).any(|part| private.expose().windows(8).any(|secret| secret == part)));
    assert_eq!(format!("{vault:?}"), "Vault { keys: 1, .. }");
}

#[test]
fn fault_28_another_rows_ciphertext_does_not_open() {
    let vault = Vault::generate().unwrap();
    let (private, public, preshared) = keys(1);
    let (_, other, _) = keys(2);
    let sealed = vault.seal_peer_private(NODE, &public, &private).unwrap();
    assert!(vault.open_peer_private(NODE, &other, &sealed).is_err(), "another user's row");
    assert!(vault.open_peer_private(NodeId(2), &public, &sealed).is_err(), "another node's row");
    assert!(vault.open_peer_preshared(NODE, &public, &sealed).is_err(), "another column");
    assert!(vault.open_node_key(&public, &sealed).is_err(), "another table");
    let sealed = vault.seal_peer_preshared(NODE, &public, &preshared).unwrap();
    assert!(vault.open_peer_private(NODE, &public, &sealed).is_err());
}

#[test]
fn fault_28_a_changed_byte_anywhere_is_noticed() {
    let vault = Vault::generate().unwrap();
    let (private, public, _) = keys(3);
    let sealed = vault.seal_peer_private(NODE, &public, &private).unwrap();
    for index in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[index] ^= 1;
        assert!(vault.open_peer_private(NODE, &public, &changed).is_err(), "byte {index}");
    }
    for length in 0..sealed.len() {
        assert!(vault.open_peer_private(NODE, &public, &sealed[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn a_fixed_vector_still_opens() {
    // Made with an independent implementation (libsodium's crypto_aead_xchacha20poly1305_ietf_encrypt).
    let text = SecretString::from(format!("0a0b0c0d {}", STANDARD.encode([7; 32])));
    let vault = Vault::from_text(&text).unwrap();
    let (private, public, _) = keys(1);
    let sealed = STANDARD.decode(VECTOR).unwrap();
    assert_eq!(vault.open_peer_private(NODE, &public, &sealed).unwrap(), private);
}

const VECTOR: &str =
    "AQoLDA0AAQIDBAUGBwgJCgsMDQ4PEBESExQVFheoFqqE+x1apCTGgEbn466tXtc5FhX2NnDyHLaAm82V1l852RunTMWa12JmN7CHxdQ=";

#[test]
fn a_new_key_seals_and_the_old_one_still_opens() {
    let old = Vault::generate().unwrap();
    let (private, public, _) = keys(4);
    let sealed = old.seal_peer_private(NODE, &public, &private).unwrap();
    let new = old.with_new_key().unwrap();
    assert_eq!(new.open_peer_private(NODE, &public, &sealed).unwrap(), private);
    assert!(!sealed.starts_with(&new.current_header()));
    let resealed = new.reseal(Place::PeerPrivate(NODE, &public), &sealed).unwrap().unwrap();
    assert!(resealed.starts_with(&new.current_header()));
    assert_eq!(new.open_peer_private(NODE, &public, &resealed).unwrap(), private);
    assert!(new.reseal(Place::PeerPrivate(NODE, &public), &resealed).unwrap().is_none());
    let error = old.open_peer_private(NODE, &public, &resealed).unwrap_err().to_string();
    assert!(error.contains(&new.current_key_id()), "the error names the missing key: {error}");
}

#[test]
fn the_text_form_holds_every_key_and_bad_lines_are_named() {
    let vault = Vault::generate().unwrap().with_new_key().unwrap();
    let again = Vault::from_text(&vault.to_text()).unwrap();
    assert_eq!(again.current_key_id(), vault.current_key_id());
    assert_eq!(again.ring().len(), 2);
    for (text, word) in [
        ("", "no master key"),
        ("# nothing\n\n", "no master key"),
        ("00000001 c2hvcnQ=", "line 1"),
        ("# x\nzz", "line 2"),
    ] {
        let error = Vault::from_text(&SecretString::from(text)).unwrap_err().to_string();
        assert!(error.contains(word), "{text:?}: {error}");
    }
    let line = vault.to_text().expose_secret().lines().nth(1).unwrap().to_owned();
    let twice = SecretString::from(format!("{line}\n{line}"));
    assert!(Vault::from_text(&twice).unwrap_err().to_string().contains("twice"));
}

fn folder() -> std::path::PathBuf {
    let name = format!("usipipo-vault-{:08x}", u32::from_be_bytes(random().unwrap()));
    let path = std::env::temp_dir().join(name);
    std::fs::create_dir(&path).unwrap();
    path
}

#[test]
fn a_key_file_is_made_once_and_for_its_owner_only() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let folder = folder();
    let path = folder.join("master.key");
    let ids: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| Vault::open_or_create(&path).unwrap().current_key_id())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "all see the same key: {ids:?}");
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "no leftovers");

    let rotated = Vault::rotate_file(&path).unwrap();
    assert_ne!(rotated.current_key_id(), ids[0]);
    assert_eq!(Vault::open_or_create(&path).unwrap().current_key_id(), rotated.current_key_id());
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);

    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = Vault::open_or_create(&path).unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
    std::fs::remove_dir_all(folder).unwrap();
}
