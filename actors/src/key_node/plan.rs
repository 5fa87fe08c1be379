//! What a server of keys has, what the rows want, and the steps from the one to the other. Pure.
//!
//! A key is ours when its name and its secret are those of a row. One with the name of a row that we never saw on the server,
//! and another secret, belongs to somebody else: it is left alone, and the row gets another name. One that we did put there and
//! that has another secret now was changed by hand: it is taken off and put again.

use crate::ports::key_driver::{KeySpec, KeyStatus, KeyTerms};
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use std::collections::{BTreeSet, HashMap, VecDeque};
use usipipo_domain::ids::ServiceId;
use usipipo_storage::model::{KeyReading, KeyRow, KeyStanding};

/// One change of a server.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Make the key as its row wants it.
    Put(KeyRow),
    /// The same for one that is there with another secret: off first.
    Replace(KeyRow),
    /// Open or close one that is there and whose secret cannot be opened.
    Turn(KeyRow),
    /// The server has its name for something else: another name, then it is put.
    Rename(KeyRow),
    /// Take it off; `None` for a foreign one on a server that is ours alone.
    Remove { row: Option<i64>, name: String },
}

impl Step {
    /// Whose key it is about; `None` for one that is not ours.
    pub(super) const fn row(&self) -> Option<i64> {
        match self {
            Self::Put(row) | Self::Replace(row) | Self::Turn(row) | Self::Rename(row) => Some(row.id),
            Self::Remove { row, .. } => *row,
        }
    }

    /// Whose key it makes.
    pub(super) const fn put(&self) -> Option<i64> {
        match self {
            Self::Put(row) | Self::Replace(row) => Some(row.id),
            Self::Turn(_) | Self::Rename(_) | Self::Remove { .. } => None,
        }
    }
}

/// By how much a key may outlast what it has to on its server, so that not every new key is written twice: how long it takes
/// until it works is not known beforehand.
const EXPIRY_SLACK: TimeDelta = TimeDelta::hours(2);

/// When servers are to close keys by themselves: after the grace, so that one that nobody steers any more does not leave them
/// open for ever. Until then it is for the actor to open and close them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expiry {
    pub(super) grace: TimeDelta,
    pub(super) now: DateTime<Utc>,
}

impl Expiry {
    /// Not before this. A service that did not begin yet begins now at the earliest.
    fn earliest(self, row: &KeyRow) -> DateTime<Utc> {
        let end = row.ends_at.unwrap_or_else(|| self.now + TimeDelta::days(i64::from(row.days)));
        end + self.grace
    }

    fn terms(self, row: &KeyRow) -> KeyTerms {
        let slack = if row.ends_at.is_some() { TimeDelta::seconds(1) } else { EXPIRY_SLACK / 2 };
        // Servers cut to the second, which must not be too early.
        KeyTerms { expires_at: Some((self.earliest(row) + slack).trunc_subsecs(0)), ad_tag: row.ad_tag.clone() }
    }

    fn fits(self, row: &KeyRow, terms: &KeyTerms) -> bool {
        let earliest = self.earliest(row);
        let in_time = |at: DateTime<Utc>| earliest <= at && at <= earliest + EXPIRY_SLACK;
        terms.ad_tag == row.ad_tag && terms.expires_at.is_some_and(in_time)
    }
}

/// What a comparison found.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    /// Counters of keys of ours that are there.
    pub(super) readings: Vec<KeyReading>,
    /// As they should be, but not believed so: a mark was lost.
    pub(super) found: Vec<(KeyRow, KeyStanding)>,
    /// Retired and not there.
    pub(super) gone: Vec<i64>,
    /// Changes, in order.
    pub(super) steps: VecDeque<Step>,
    /// Keys of ours on it.
    pub(super) ours: usize,
    /// Keys on it that are no living row's.
    pub(super) foreign: Vec<KeyStatus>,
    /// Services with a wanted key whose secret cannot be opened; it cannot be put.
    pub(super) sealed: BTreeSet<ServiceId>,
    /// Keys that are open there as they should be and have a place for one more device, to be probed.
    pub(super) open: Vec<KeySpec>,
}

/// Compares. `server` must have been read before `rows`: a key put between the two readings then has a row and is not taken
/// for a foreign one.
pub(super) fn compare(
    server: &[KeyStatus],
    rows: Vec<KeyRow>,
    (keeps_closed, exclusive): (bool, bool),
    expiry: Expiry,
) -> Comparison {
    let mut there: HashMap<&str, &KeyStatus> = server.iter().map(|key| (key.name.as_str(), key)).collect();
    let mut result = Comparison::default();
    let mut work = Vec::new();
    for row in rows {
        if row.secret.is_none() && !row.retired {
            result.sealed.insert(row.service);
        }
        let status = there.get(row.name.as_str()).copied().filter(|status| !is_others(&row, status, keeps_closed));
        let taken = status.is_none() && there.contains_key(row.name.as_str());
        if let Some(status) = status {
            there.remove(row.name.as_str());
            result.ours += 1;
            result.readings.push(KeyReading { key: row.id, bytes: status.bytes });
        }
        match decide(&row, status, taken, keeps_closed, expiry) {
            Decision::Right => {
                if let (Some(spec), KeyStanding::Open) = (spec(&row, expiry), row.wanted)
                    && !status.is_some_and(|status| status.full)
                {
                    result.open.push(spec);
                }
                if row.applied != row.wanted {
                    let standing = row.wanted;
                    result.found.push((row, standing));
                }
            }
            Decision::Gone => result.gone.push(row.id),
            Decision::Leave => {}
            Decision::Do(make) => work.push(make(row)),
        }
    }
    result.steps = ordered(work);
    result.foreign = there.into_values().cloned().collect();
    result.foreign.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    if exclusive {
        let off = result.foreign.iter().map(|key| Step::Remove { row: None, name: key.name.clone() });
        result.steps.extend(off);
    }
    result
}

enum Decision {
    /// As the row wants it.
    Right,
    /// Retired and not there.
    Gone,
    /// Nothing can be done.
    Leave,
    Do(fn(KeyRow) -> Step),
}

/// Whether the key of this name is somebody else's: ours was not there, and the secret is another.
fn is_others(row: &KeyRow, status: &KeyStatus, keeps_closed: bool) -> bool {
    !was_there(row, keeps_closed)
        && match (&row.secret, &status.secret) {
            (Some(ours), Some(theirs)) => ours != theirs,
            // Nothing proves that it is ours, unless the row's secret could not be compared: then it is never foreign.
            _ => false,
        }
}

/// Whether the key is on the server, as far as is believed.
fn was_there(row: &KeyRow, keeps_closed: bool) -> bool {
    match row.applied {
        KeyStanding::Open => true,
        KeyStanding::Closed => keeps_closed,
        KeyStanding::Absent => false,
    }
}

fn decide(row: &KeyRow, status: Option<&KeyStatus>, taken: bool, keeps_closed: bool, expiry: Expiry) -> Decision {
    let remove = |row: KeyRow| Step::Remove { row: Some(row.id), name: row.name };
    let wants_it = match row.wanted {
        KeyStanding::Open => true,
        KeyStanding::Closed => keeps_closed,
        KeyStanding::Absent => false,
    };
    let Some(status) = status else {
        return match row.wanted {
            KeyStanding::Absent => Decision::Gone,
            KeyStanding::Closed if !keeps_closed => Decision::Right,
            _ if row.secret.is_none() => Decision::Leave,
            _ if taken => Decision::Do(Step::Rename),
            _ => Decision::Do(Step::Put),
        };
    };
    if row.wanted == KeyStanding::Absent {
        return Decision::Do(remove);
    }
    if row.secret.is_none() {
        let is_right = wants_it && status.standing == row.wanted;
        return if is_right { Decision::Right } else { Decision::Do(Step::Turn) };
    }
    if status.secret.is_some() && status.secret != row.secret {
        return Decision::Do(Step::Replace);
    }
    // A server that does not tell secrets proves by the call that a key is ours.
    let proven = status.secret.is_some() || was_there(row, keeps_closed);
    // Where secrets are not told, a repeated put would have to be taken on trust.
    let fits = status.secret.is_none() || status.terms.as_ref().is_none_or(|terms| expiry.fits(row, terms));
    if wants_it && proven && fits && status.standing == row.wanted { Decision::Right } else { Decision::Do(Step::Put) }
}

/// Those that somebody waits for first, then those to be cut off, then what is over.
fn ordered(mut steps: Vec<Step>) -> VecDeque<Step> {
    steps.sort_by_key(|step| match step {
        Step::Put(row) | Step::Replace(row) | Step::Turn(row) | Step::Rename(row) => {
            (u8::from(row.wanted != KeyStanding::Open), row.id)
        }
        Step::Remove { row, .. } => (2, row.unwrap_or(i64::MAX)),
    });
    steps.into()
}

/// Whether these rows need no reading of the server: new keys to be put, nothing to be taken off or changed.
pub(super) fn are_new(rows: &[KeyRow]) -> bool {
    rows.iter().all(|row| {
        row.wanted == KeyStanding::Open && row.applied == KeyStanding::Absent && !row.retired && row.secret.is_some()
    })
}

/// The key as the server should have it; `None` when its secret cannot be opened.
pub(super) fn spec(row: &KeyRow, expiry: Expiry) -> Option<KeySpec> {
    Some(KeySpec {
        name: row.name.clone(),
        secret: row.secret.clone()?,
        closed: row.wanted != KeyStanding::Open,
        devices: row.devices,
        terms: expiry.terms(row),
    })
}

#[cfg(test)]
mod tests;
