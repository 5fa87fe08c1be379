#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{Comparison, EXPIRY_SLACK, Expiry, Step, are_new, spec};
use crate::ports::key_driver::{KeyStatus, KeyTerms};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use std::collections::BTreeMap;
use usipipo_domain::access::KeySecret;
use usipipo_domain::ids::ServiceId;
use usipipo_domain::promotion::AdTag;
use usipipo_storage::model::{KeyRow, KeyStanding};

use KeyStanding::{Absent, Closed, Open};

const OURS: [u8; 16] = [7; 16];
const THEIRS: [u8; 16] = [9; 16];

fn row(number: i64, wanted: KeyStanding, applied: KeyStanding) -> KeyRow {
    KeyRow {
        id: number,
        service: ServiceId(number),
        name: format!("u{number}"),
        secret: Some(KeySecret::mtproto(OURS)),
        wanted,
        applied,
        retired: wanted == Absent,
        created_at: DateTime::UNIX_EPOCH,
        ends_at: None,
        days: 30,
        ad_tag: None,
        devices: Some(5),
        total: 0,
    }
}

const GRACE: TimeDelta = TimeDelta::hours(48);

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 500_000_000).unwrap()
}

fn compare(server: &[KeyStatus], rows: Vec<KeyRow>, keeps_closed: bool, exclusive: bool) -> Comparison {
    super::compare(server, rows, (keeps_closed, exclusive), Expiry { grace: GRACE, now: now() })
}

fn sealed(row: KeyRow) -> KeyRow {
    KeyRow { secret: None, ..row }
}

fn there(number: i64, standing: KeyStanding, secret: Option<[u8; 16]>) -> KeyStatus {
    KeyStatus {
        name: format!("u{number}"),
        standing,
        secret: secret.map(KeySecret::mtproto),
        terms: None,
        full: false,
        bytes: 5,
    }
}

fn said(found: &Comparison) -> String {
    let steps = found.steps.iter().map(|step| match step {
        Step::Put(row) => format!("put {}", row.name),
        Step::Replace(row) => format!("replace {}", row.name),
        Step::Turn(row) => format!("turn {} {}", row.name, row.wanted.as_str()),
        Step::Rename(row) => format!("rename {}", row.name),
        Step::Remove { row: Some(_), name } => format!("remove {name}"),
        Step::Remove { row: None, name } => format!("remove foreign {name}"),
    });
    let found_so = found.found.iter().map(|(row, standing)| format!("found {} {}", row.name, standing.as_str()));
    let gone = found.gone.iter().map(|row| format!("gone {row}"));
    found_so.chain(gone).chain(steps).collect::<Vec<_>>().join(", ")
}

/// What a comparison of one row with one key comes to.
fn one(row: KeyRow, key: Option<KeyStatus>, keeps_closed: bool) -> String {
    said(&compare(key.as_slice(), vec![row], keeps_closed, false))
}

#[test]
fn what_is_wanted_is_put_and_what_is_right_is_left() {
    for keeps in [true, false] {
        assert_eq!(one(row(1, Open, Absent), None, keeps), "put u1");
        assert_eq!(one(row(1, Open, Open), None, keeps), "put u1", "it was forgotten or removed by hand");
        assert_eq!(one(row(1, Open, Open), Some(there(1, Open, Some(OURS))), keeps), "");
        assert_eq!(one(row(1, Open, Absent), Some(there(1, Open, Some(OURS))), keeps), "found u1 open", "a lost mark");
        assert_eq!(one(row(1, Open, Open), Some(there(1, Closed, Some(OURS))), keeps), "put u1", "closed by hand");
        assert_eq!(one(row(1, Open, Closed), None, keeps), "put u1", "renewed");
    }
}

#[test]
fn a_closed_key_stays_where_the_server_can_keep_it_and_is_taken_away_elsewhere() {
    let key = |standing| Some(there(1, standing, Some(OURS)));
    assert_eq!(one(row(1, Closed, Open), key(Open), true), "put u1");
    assert_eq!(one(row(1, Closed, Closed), key(Closed), true), "");
    assert_eq!(one(row(1, Closed, Open), key(Closed), true), "found u1 closed");
    assert_eq!(one(row(1, Closed, Open), None, true), "put u1", "so that renewal finds it");
    assert_eq!(one(row(1, Closed, Open), key(Open), false), "put u1", "closed, which takes it away");
    assert_eq!(one(row(1, Closed, Closed), key(Closed), false), "put u1");
    assert_eq!(one(row(1, Closed, Open), None, false), "found u1 closed");
    assert_eq!(one(row(1, Closed, Closed), None, false), "");
}

#[test]
fn what_is_over_is_removed() {
    for keeps in [true, false] {
        assert_eq!(one(row(1, Absent, Open), Some(there(1, Open, Some(OURS))), keeps), "remove u1");
        assert_eq!(one(row(1, Absent, Closed), Some(there(1, Closed, Some(OURS))), keeps), "remove u1");
        assert_eq!(one(row(1, Absent, Open), None, keeps), "gone 1");
        assert_eq!(one(row(1, Absent, Absent), None, keeps), "gone 1", "it never was there");
    }
}

#[test]
fn a_key_with_another_secret_is_ours_only_if_we_put_it_there() {
    for keeps in [true, false] {
        let other = || Some(there(1, Open, Some(THEIRS)));
        assert_eq!(one(row(1, Open, Open), other(), keeps), "replace u1", "changed by hand");
        assert_eq!(one(row(1, Open, Absent), other(), keeps), "rename u1", "somebody else's");
        assert_eq!(one(row(1, Absent, Open), other(), keeps), "remove u1");
        assert_eq!(one(row(1, Absent, Absent), other(), keeps), "gone 1", "somebody else's stays");
        let found = compare(&[there(1, Open, Some(THEIRS))], vec![row(1, Open, Absent)], keeps, false);
        assert_eq!((found.ours, found.foreign.len(), found.readings.len()), (0, 1, 0));
        assert_eq!(one(row(1, Open, Closed), other(), keeps), if keeps { "replace u1" } else { "rename u1" });
        let found = compare(&[there(1, Open, Some(THEIRS))], vec![row(1, Open, Open)], keeps, false);
        assert_eq!((found.ours, found.foreign.len(), found.readings.len()), (1, 0, 1));
    }
}

#[test]
fn a_server_that_does_not_tell_secrets_proves_by_a_call_that_a_key_is_ours() {
    assert_eq!(one(row(1, Open, Absent), Some(there(1, Open, None)), true), "put u1");
    assert_eq!(one(row(1, Open, Open), Some(there(1, Open, None)), true), "");
}

#[test]
fn a_key_whose_secret_cannot_be_opened_is_kept_closed_and_removed_but_not_put() {
    let key = |standing| Some(there(1, standing, Some(OURS)));
    assert_eq!(one(sealed(row(1, Open, Open)), None, true), "");
    assert_eq!(one(sealed(row(1, Open, Open)), key(Open), true), "");
    assert_eq!(one(sealed(row(1, Closed, Open)), key(Open), true), "turn u1 closed");
    assert_eq!(one(sealed(row(1, Closed, Open)), key(Open), false), "turn u1 closed");
    assert_eq!(one(sealed(row(1, Open, Closed)), key(Closed), true), "turn u1 open");
    assert_eq!(one(sealed(row(1, Absent, Open)), key(Open), true), "remove u1");
    let found = compare(&[there(1, Open, Some(OURS))], vec![sealed(row(1, Open, Absent))], true, true);
    assert_eq!((said(&found).as_str(), found.foreign.len()), ("found u1 open", 0), "never taken for a foreign one");
    assert_eq!(found.sealed.into_iter().collect::<Vec<_>>(), [ServiceId(1)]);
}

#[test]
fn foreign_keys_are_counted_and_removed_only_where_all_is_ours() {
    let server = [there(1, Open, Some(OURS)), there(8, Open, Some(THEIRS)), there(9, Closed, None)];
    let found = compare(&server, vec![row(1, Open, Open)], true, false);
    assert_eq!((said(&found).as_str(), found.ours, found.foreign.len()), ("", 1, 2));
    let found = compare(&server, vec![row(1, Open, Open)], true, true);
    assert_eq!(said(&found), "remove foreign u8, remove foreign u9");
}

#[test]
fn those_who_wait_come_first_then_those_to_be_cut_off_then_what_is_over() {
    let server = [2, 3, 5].map(|number| there(number, Open, Some(OURS)));
    let rows = vec![
        row(5, Absent, Open),
        row(3, Closed, Open),
        row(4, Open, Absent),
        row(2, Closed, Open),
        row(1, Open, Open),
    ];
    let found = compare(&server, rows, true, false);
    assert_eq!(said(&found), "put u1, put u4, put u2, put u3, remove u5");
}

#[test]
fn only_open_keys_that_are_there_are_probed_and_every_key_of_ours_is_read() {
    let server = [there(1, Open, Some(OURS)), there(2, Closed, Some(OURS)), there(4, Open, Some(OURS))];
    let rows = vec![row(1, Open, Open), row(2, Closed, Closed), row(3, Open, Absent), row(4, Absent, Open)];
    let found = compare(&server, rows, true, false);
    assert_eq!(found.open.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["u1"]);
    assert_eq!(
        found.readings.iter().map(|reading| (reading.key, reading.bytes)).collect::<Vec<_>>(),
        [(1, 5), (2, 5), (4, 5)]
    );
}

#[test]
fn only_new_keys_need_no_reading_of_the_server() {
    assert!(are_new(&[row(1, Open, Absent), row(2, Open, Absent)]));
    for other in [row(2, Open, Closed), row(2, Closed, Open), row(2, Absent, Open), sealed(row(2, Open, Absent))] {
        assert!(!are_new(&[row(1, Open, Absent), other.clone()]), "{other:?}");
    }
}

fn standing() -> impl Strategy<Value = KeyStanding> {
    prop_oneof![Just(Absent), Just(Open), Just(Closed)]
}

proptest! {
    /// Whatever was there: after the steps are made, a second comparison finds nothing to do, every wanted key is as wanted,
    /// and nothing foreign was touched.
    #[test]
    fn made_steps_leave_nothing_to_do(
        wishes in prop::collection::vec((standing(), standing(), any::<bool>()), 0..12),
        keys in prop::collection::btree_map(0_i64..16, (any::<bool>(), any::<bool>()), 0..16),
        keeps in any::<bool>(),
    ) {
        let mut rows: Vec<KeyRow> = (0_i64..).zip(&wishes).map(|(number, (wanted, applied, _))| row(number, *wanted, *applied)).collect();
        let mut server: BTreeMap<String, KeyStatus> = keys
            .into_iter()
            .map(|(number, (open, ours))| {
                let secret = if ours { OURS } else { THEIRS };
                (format!("u{number}"), there(number, if open { Open } else { Closed }, Some(secret)))
            })
            .collect();
        let foreign: Vec<KeyStatus> = server
            .values()
            .filter(|key| {
                let row = rows.iter().find(|row| row.name == key.name);
                let was_there = |row: &KeyRow| row.applied == Open || row.applied == Closed && keeps;
                row.is_none_or(|row| !was_there(row) && key.secret != row.secret)
            })
            .cloned()
            .collect();
        // One comparison for names that are taken, one for what gets other names, one for what was found.
        for _ in 0..3 {
            let found = compare(&server.values().cloned().collect::<Vec<_>>(), rows.clone(), keeps, false);
            for (row, standing) in &found.found {
                rows.iter_mut().find(|other| other.id == row.id).unwrap().applied = *standing;
            }
            rows.retain(|row| !found.gone.contains(&row.id));
            for step in found.steps {
                match step {
                    Step::Put(row) | Step::Replace(row) => {
                        rows.iter_mut().find(|other| other.id == row.id).unwrap().applied = row.wanted;
                        if row.wanted == Closed && !keeps {
                            server.remove(&row.name);
                        } else {
                            let key = KeyStatus { name: row.name.clone(), ..there(row.id, row.wanted, Some(OURS)) };
                            server.insert(row.name, key);
                        }
                    }
                    Step::Rename(row) => {
                        let row = rows.iter_mut().find(|other| other.id == row.id).unwrap();
                        row.name = format!("renamed{}", row.id);
                    }
                    Step::Turn(_) => prop_assert!(false, "every secret is known"),
                    Step::Remove { row: Some(row), name } => {
                        server.remove(&name);
                        rows.retain(|other| other.id != row);
                    }
                    Step::Remove { row: None, .. } => prop_assert!(false, "it is not ours alone"),
                }
            }
        }
        let found = compare(&server.values().cloned().collect::<Vec<_>>(), rows, keeps, false);
        prop_assert_eq!(said(&found), "");
        for key in foreign {
            prop_assert_eq!(server.get(&key.name).cloned(), Some(key));
        }
    }
}

/// The server closes a key by itself after the grace, and gets the tag of its server; both follow the row.
#[test]
fn what_a_server_sees_to_itself_follows_the_row_and_is_not_written_twice() {
    let tag = |digit: char| AdTag::parse(&digit.to_string().repeat(32));
    let expiry = Expiry { grace: GRACE, now: now() };
    let with = |terms| Some(KeyStatus { terms, ..there(1, Open, Some(OURS)) });
    let pending = KeyRow { ad_tag: tag('a'), ..row(1, Open, Open) };
    let put = spec(&pending, expiry).unwrap().terms;
    assert!(put.expires_at.unwrap() >= now() + TimeDelta::days(30) + GRACE);
    assert_eq!(one(pending.clone(), with(Some(put.clone())), true), "");
    // It works a while later, and what was put still fits.
    let begun = KeyRow { ends_at: Some(now() + TimeDelta::minutes(40) + TimeDelta::days(30)), ..pending.clone() };
    assert_eq!(one(begun.clone(), with(Some(put.clone())), true), "");
    let exact = spec(&begun, expiry).unwrap().terms.expires_at.unwrap();
    assert!(exact >= begun.ends_at.unwrap() + GRACE && exact < begun.ends_at.unwrap() + GRACE + EXPIRY_SLACK);
    // A renewal, another tag, no tag, an end that somebody took away.
    let renewed = KeyRow { ends_at: begun.ends_at.map(|end| end + TimeDelta::days(30)), ..begun.clone() };
    assert_eq!(one(renewed, with(Some(put.clone())), true), "put u1");
    for ad_tag in [tag('b'), None] {
        assert_eq!(one(KeyRow { ad_tag, ..begun.clone() }, with(Some(put.clone())), true), "put u1");
    }
    assert_eq!(one(begun.clone(), with(Some(KeyTerms { expires_at: None, ..put.clone() })), true), "put u1");
    // Servers that know nothing of it, and those that do not tell whose a key is, are left alone.
    assert_eq!(one(begun.clone(), with(None), true), "");
    let untold = KeyStatus { secret: None, terms: Some(KeyTerms::default()), ..there(1, Open, None) };
    assert_eq!(one(begun, Some(untold), true), "");
}
