#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{Step, compare, ordered, spec};
use chrono::DateTime;
use proptest::prelude::*;
use std::collections::HashSet;
use std::net::Ipv4Addr;
use usipipo_domain::ids::ServiceId;
use usipipo_domain::service::Addresses;
use usipipo_domain::wg::{PeerStatus, PresharedKey, PublicKey};
use usipipo_storage::model::PeerRow;

fn key(number: u8) -> PublicKey {
    PublicKey::from_bytes([number; 32])
}

fn row(number: u8, wanted: bool, applied: bool, retired: bool) -> PeerRow {
    PeerRow {
        id: i64::from(number),
        service: ServiceId(i64::from(number)),
        public_key: key(number),
        preshared_key: Some(PresharedKey::from_random([number; 32])),
        addresses: Addresses {
            v4: Some(Ipv4Addr::new(10, 0, 0, number)),
            v6: Some(format!("fd00::{number}").parse().unwrap()),
        },
        wanted,
        applied,
        retired,
        created_at: DateTime::UNIX_EPOCH,
    }
}

fn there(row: &PeerRow) -> PeerStatus {
    let spec = spec(row);
    PeerStatus {
        public_key: row.public_key,
        allowed_ips: spec.allowed_ips,
        endpoint: None,
        last_handshake: None,
        rx_bytes: 5,
        tx_bytes: 6,
    }
}

fn keys(steps: impl IntoIterator<Item = Step>) -> Vec<(char, PublicKey)> {
    let name = |step| match step {
        Step::Put(row) => ('+', row.public_key),
        Step::Remove { key, .. } => ('-', key),
    };
    steps.into_iter().map(name).collect()
}

#[test]
fn a_row_whose_secret_cannot_be_opened_is_left_as_it_is() {
    let sealed = |number| PeerRow { preshared_key: None, ..row(number, true, true, false) };
    let rows = vec![sealed(1), sealed(2), row(3, true, false, false)];
    // The first is on the server, the second is not, the third is not yet.
    let found = compare(&[there(&rows[0])], rows.clone(), true);
    assert_eq!(keys(found.steps), [('+', key(3))], "one without its secret would be put with another one");
    assert_eq!((found.ours, found.foreign, found.usage.len()), (1, 0, 1), "it is ours, and its traffic counts");
    let gone = PeerRow { preshared_key: None, ..row(4, false, true, true) };
    assert_eq!(keys(ordered(vec![gone])), [('-', key(4))], "it can be taken off");
}

#[test]
fn a_server_as_it_should_be_needs_no_step() {
    let rows = vec![row(1, true, true, false), row(2, false, false, false)];
    let found = compare(&[there(&rows[0])], rows, true);
    assert!(found.steps.is_empty() && found.gone.is_empty() && found.found.is_empty());
    assert_eq!((found.ours, found.foreign, found.usage.len()), (1, 0, 1));
    assert_eq!((found.usage[0].rx, found.usage[0].tx), (5, 6));
}

#[test]
fn missing_ones_are_put_and_unwanted_ones_taken_off() {
    let rows = vec![row(1, true, true, false), row(2, false, true, true), row(3, true, false, false)];
    let found = compare(&[there(&rows[1])], rows, false);
    assert_eq!(keys(found.steps), [('+', key(1)), ('+', key(3)), ('-', key(2))]);
    assert_eq!(found.usage.len(), 1, "the counters of the one to be taken off");
}

#[test]
fn the_old_key_of_a_service_goes_before_its_new_one_comes() {
    let mut new = row(2, true, false, false);
    let old = row(1, false, true, true);
    (new.service, new.addresses) = (old.service, old.addresses);
    assert_eq!(keys(ordered(vec![row(3, false, true, true), new, old])), [('-', key(1)), ('+', key(2)), ('-', key(3))]);
}

#[test]
fn a_peer_with_wrong_addresses_is_made_anew_and_its_counters_kept() {
    let ours = row(1, true, true, false);
    for allowed in [vec![], vec!["0.0.0.0/0".parse().unwrap()], vec!["10.0.0.1/32".parse().unwrap()]] {
        let status = PeerStatus { allowed_ips: allowed, ..there(&ours) };
        let found = compare(&[status], vec![ours.clone()], false);
        assert_eq!(keys(found.steps), [('+', key(1))]);
        assert_eq!(found.usage.len(), 1);
    }
    let mut turned = there(&ours);
    turned.allowed_ips.reverse();
    assert!(compare(&[turned], vec![ours], false).steps.is_empty(), "the order means nothing");
}

#[test]
fn one_that_is_there_and_not_believed_so_is_found_and_not_made_anew() {
    let ours = row(1, true, false, false);
    let found = compare(&[there(&ours)], vec![ours], false);
    assert!(found.steps.is_empty());
    assert_eq!(found.found.len(), 1);
    assert!(found.usage.is_empty(), "its incarnation begins with the mark");
}

#[test]
fn unwanted_ones_that_are_not_there_are_over_and_suspended_ones_stay() {
    let rows = vec![
        row(1, false, true, true),
        row(2, false, false, true),
        row(3, false, true, false),
        row(4, false, false, false),
    ];
    let found = compare(&[], rows, false);
    assert_eq!(found.gone, [1, 2, 3]);
    assert!(found.steps.is_empty());
}

#[test]
fn fault_10_foreign_ones_are_counted_and_left_unless_the_server_is_ours_alone() {
    let foreign = [there(&row(8, true, true, false)), there(&row(9, true, true, false))];
    let found = compare(&foreign, Vec::new(), false);
    assert_eq!((found.foreign, found.steps.len()), (2, 0));
    let found = compare(&foreign, Vec::new(), true);
    assert_eq!(keys(found.steps), [('-', key(8)), ('-', key(9))]);
}

#[test]
fn a_row_without_an_address_is_never_put() {
    let mut homeless = row(1, true, false, false);
    homeless.addresses = Addresses { v4: None, v6: None };
    let found = compare(&[], vec![homeless], false);
    assert!(found.steps.is_empty());
    assert_eq!(found.homeless, [1]);
}

proptest! {
    #[test]
    fn after_the_steps_the_server_carries_what_is_wanted_and_what_was_foreign(
        rows in prop::collection::btree_map(1_u8..30, (any::<bool>(), any::<bool>(), any::<bool>()), 0..20),
        on_it in prop::collection::btree_set(1_u8..40, 0..30),
        crooked in prop::collection::btree_set(1_u8..40, 0..5),
    ) {
        let rows: Vec<PeerRow> = rows
            .into_iter()
            .map(|(n, (wanted, applied, retired))| row(n, wanted && !retired, applied, retired))
            .collect();
        let mut server: Vec<PeerStatus> = on_it.iter().map(|n| there(&row(*n, true, true, false))).collect();
        for peer in &mut server {
            if crooked.contains(&peer.public_key.as_bytes()[0]) {
                peer.allowed_ips.pop();
            }
        }
        let found = compare(&server, rows.clone(), false);
        prop_assert_eq!(found.ours + found.foreign, server.len());
        let mut result: HashSet<PublicKey> = server.iter().map(|peer| peer.public_key).collect();
        let mut touched = HashSet::new();
        for (sign, key) in keys(found.steps) {
            prop_assert!(touched.insert(key), "one step for each key");
            if sign == '+' { result.insert(key); } else { prop_assert!(result.remove(&key)); }
        }
        for peer in &server {
            let ours = rows.iter().find(|row| row.public_key == peer.public_key);
            match ours {
                None => prop_assert!(result.contains(&peer.public_key) && !touched.contains(&peer.public_key)),
                Some(row) if row.wanted && peer.allowed_ips.len() == 2 => prop_assert!(!touched.contains(&row.public_key)),
                Some(row) => prop_assert_eq!(row.wanted, result.contains(&row.public_key)),
            }
        }
        for row in &rows {
            prop_assert_eq!(row.wanted, result.contains(&row.public_key));
        }
    }
}
