//! Keys that a server has and does not act on yet. They are waited for beside the changes that follow, a few at a time.

use super::plan::Step;
use crate::ports::driver::DriverError;
use crate::ports::key_driver::{KeyDriver, KeySpec, Settled};
use crate::server::{Trouble, Who, asked};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use usipipo_storage::model::KeyRow;

/// Most keys of a server that are waited for at once.
pub(super) const SETTLING_MAX: usize = 32;

/// How the waiting for a key ended.
pub(super) type Outcome = (KeyRow, Result<Settled, Trouble>);

/// The keys of one server that are waited for.
#[derive(Default)]
pub(super) struct Settling {
    rows: HashMap<Id, (KeyRow, AbortHandle)>,
    /// Those of `rows`, and some that were given up and end at once.
    waits: JoinSet<Result<Settled, Trouble>>,
}

impl Settling {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= SETTLING_MAX
    }

    /// Whether this row's key is waited for as the row wants it.
    pub(super) fn has(&self, row: &KeyRow) -> bool {
        self.rows.values().any(|(waited, _)| is_same(waited, row))
    }

    /// Waits for one that was put.
    pub(super) fn begin(&mut self, who: &Who, driver: &Arc<dyn KeyDriver>, row: KeyRow, key: KeySpec) {
        self.give_up(|waited| waited.id == row.id);
        let (within, driver) = (who.env().limits().key_call_timeout, Arc::clone(driver));
        let wait = self.waits.spawn(async move { Ok(asked(within, driver.settle(&key)).await?) });
        self.rows.insert(wait.id(), (row, wait));
    }

    /// The server was compared, with these steps as the result. What it acts on, or what should be otherwise by now, is waited
    /// for no longer; the rest is not put a second time.
    pub(super) fn compared(&mut self, steps: &mut VecDeque<Step>) {
        let as_it_was = |waited: &KeyRow| {
            steps.iter().any(|step| match step {
                Step::Put(row) => is_same(waited, row),
                _ => false,
            })
        };
        self.give_up(|waited| !as_it_was(waited));
        steps.retain(|step| match step {
            Step::Put(row) => !self.has(row),
            _ => true,
        });
    }

    pub(super) fn clear(&mut self) {
        self.give_up(|_| true);
    }

    fn give_up(&mut self, gives_up: impl Fn(&KeyRow) -> bool) {
        self.rows.retain(|_, (row, wait)| {
            let up = gives_up(row);
            if up {
                wait.abort();
            }
            !up
        });
    }

    /// The next one within this time, which may be zero.
    pub(super) async fn next(&mut self, within: Duration) -> Option<Outcome> {
        let end = tokio::time::Instant::now() + within;
        while !self.rows.is_empty() {
            let joined = tokio::time::timeout_at(end, self.waits.join_next_with_id()).await.ok()??;
            if let Some(outcome) = self.ended(joined) {
                return Some(outcome);
            }
        }
        None
    }

    fn ended(&mut self, joined: Result<(Id, Result<Settled, Trouble>), JoinError>) -> Option<Outcome> {
        match joined {
            Ok((id, result)) => self.rows.remove(&id).map(|(row, _)| (row, result)),
            Err(error) => {
                let row = self.rows.remove(&error.id());
                match error.try_into_panic() {
                    // A driver that panics does so in its actor.
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // It was given up, or the runtime ends.
                    Err(error) => row.map(|(row, _)| (row, Err(DriverError::Unavailable(error.to_string()).into()))),
                }
            }
        }
    }
}

/// Whether two readings of a row want the same.
fn is_same(one: &KeyRow, other: &KeyRow) -> bool {
    let wishes = |row: &KeyRow| (row.id, row.wanted, row.retired, row.ends_at, row.devices);
    wishes(one) == wishes(other) && one.name == other.name && one.ad_tag == other.ad_tag
}
