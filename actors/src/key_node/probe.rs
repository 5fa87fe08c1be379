//! Whether a server serves its users: now and then, and after a key was made, the driver tries one of its open keys as a client
//! would. It runs beside the changes, which it does not disturb.

use crate::alerts::AlertsMsg;
use crate::metrics as names;
use crate::node::NodeMsg;
use crate::ports::driver::DriverError;
use crate::ports::key_driver::{KeyDriver, KeySpec};
use crate::server::{Who, asked};
use crate::timer::Task;
use metrics::counter;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use usipipo_domain::alert::AlertKind;

/// Failures in a row that raise the alert; also tries of one new key.
const FAILURES_MAX: u32 = 3;
/// Keys that a server took and does not act on, and none that it did in between, that raise the alert.
const LATE_MAX: usize = 3;
/// Most new keys that wait for their probe; of many that are made at once, these stand for the others.
const WAITING_MAX: usize = 8;

/// A new key that is to be tried.
struct Fresh {
    key: KeySpec,
    failures: u32,
}

/// What is under way.
enum Trial {
    /// A new key.
    Fresh(Fresh),
    /// One of those that are open, in turn.
    Regular,
}

/// The probes of one server.
pub(super) struct Probes {
    who: Who,
    driver: Arc<dyn KeyDriver>,
    fresh: VecDeque<Fresh>,
    /// Open keys as last compared, and whose turn it is.
    open: Vec<KeySpec>,
    turn: usize,
    under_way: Option<(Trial, Task)>,
    /// Not before, for the next regular one; `None`: now.
    due: Option<Instant>,
    /// New keys that failed wait until the next comparison.
    again: Vec<Fresh>,
    failures: u32,
    /// Keys that the server took and does not act on, as far as they are needed to tell that it acts on none.
    late: BTreeSet<String>,
    /// This kind of server cannot be probed.
    impossible: bool,
}

impl Probes {
    pub(super) fn new(who: &Who, driver: Arc<dyn KeyDriver>) -> Self {
        Self {
            who: who.clone(),
            driver,
            fresh: VecDeque::new(),
            open: Vec::new(),
            turn: 0,
            under_way: None,
            due: None,
            again: Vec::new(),
            failures: 0,
            late: BTreeSet::new(),
            impossible: false,
        }
    }

    /// The server is no more.
    pub(super) fn stop(&mut self) {
        self.impossible = true;
        self.under_way = None;
        (self.fresh, self.open, self.again) = Default::default();
    }

    /// The server took a key and does not act on it. One may be slow; when several are and none was not, it serves nobody new.
    pub(super) fn late(&mut self, key: &str, error: String) {
        if !self.acts_on_none() {
            self.late.insert(key.to_owned());
        }
        if self.acts_on_none() {
            self.raise(error);
        }
    }

    /// The server took a key and acts on it.
    pub(super) fn in_force(&mut self) {
        self.still_late(|_| false);
    }

    fn acts_on_none(&self) -> bool {
        self.late.len() >= LATE_MAX
    }

    fn still_late(&mut self, is: impl Fn(&str) -> bool) {
        let before = self.acts_on_none();
        self.late.retain(|key| is(key));
        if before && !self.acts_on_none() && self.failures < FAILURES_MAX {
            self.resolve();
        }
    }

    /// These were made just now.
    pub(super) fn made(&mut self, keys: Vec<KeySpec>) {
        if self.impossible {
            return;
        }
        let room = WAITING_MAX.saturating_sub(self.fresh.len());
        self.fresh.extend(keys.into_iter().take(room).map(|key| Fresh { key, failures: 0 }));
    }

    /// These are open on the server. New ones that failed before are tried once more if they are still among them.
    pub(super) fn open(&mut self, keys: Vec<KeySpec>) {
        self.still_late(|late| !keys.iter().any(|key| key.name == late));
        if self.impossible {
            return;
        }
        let still = |fresh: &Fresh| keys.iter().any(|key| key.name == fresh.key.name);
        self.fresh.extend(std::mem::take(&mut self.again).into_iter().filter(still));
        self.open = keys;
    }

    /// Begins the next probe if one is due and none runs.
    pub(super) fn look(&mut self) {
        if self.impossible || self.under_way.is_some() {
            return;
        }
        let (trial, key) = if let Some(fresh) = self.fresh.pop_front() {
            let key = fresh.key.clone();
            (Trial::Fresh(fresh), key)
        } else if self.due.is_none_or(|due| Instant::now() >= due) && !self.open.is_empty() {
            self.turn = self.turn.wrapping_add(1);
            (Trial::Regular, self.open[self.turn % self.open.len()].clone())
        } else {
            return;
        };
        let (driver, place) = (Arc::clone(&self.driver), Arc::clone(&self.who.place));
        let within = self.who.env().limits().probe_timeout;
        let task = Task::spawn(async move {
            let outcome = asked(within, driver.probe(&key)).await;
            place.slot.tell(NodeMsg::Probed(outcome));
        });
        self.under_way = Some((trial, task));
    }

    /// The one under way ended.
    pub(super) fn ended(&mut self, outcome: Result<Option<bool>, DriverError>) {
        // None is under way when the actor that began it is gone.
        let Some((trial, _)) = self.under_way.take() else { return };
        let (label, error) = match outcome {
            Ok(None) => {
                self.impossible = true;
                (self.fresh, self.open, self.again) = Default::default();
                return;
            }
            Ok(Some(true)) => ("accepted", None),
            Ok(Some(false)) => ("refused", Some("it refuses a key that it should accept".to_owned())),
            Err(DriverError::Unavailable(error)) => ("unreachable", Some(error)),
            Err(DriverError::Refused(error)) => ("unclear", Some(error)),
            // This machine cannot ask: nothing is known about the server.
            Err(DriverError::Unsupported(error)) => {
                tracing::warn!(actor = self.who.kind, node = self.who.name, error, "the server cannot be probed");
                self.counted("impossible");
                self.due = Some(Instant::now() + self.who.env().limits().probe_every);
                return;
            }
        };
        self.counted(label);
        match error {
            None => self.accepted(&trial),
            Some(error) => self.failed(trial, error),
        }
        self.look();
    }

    fn counted(&self, outcome: &'static str) {
        counter!(names::PROBES, "node" => self.who.name.clone(), "outcome" => outcome).increment(1);
    }

    fn accepted(&mut self, trial: &Trial) {
        self.failures = 0;
        self.due = Some(Instant::now() + self.who.env().limits().probe_every);
        // A new key that is still refused is not made good by another one.
        if !self.acts_on_none() && (matches!(trial, Trial::Regular) || self.again.is_empty()) {
            self.resolve();
        }
    }

    fn resolve(&self) {
        self.who.place.failing.store(false, Ordering::Release);
        let kind = AlertKind::ProbeFailing { node: self.who.name.clone(), error: String::new() };
        self.who.env().directory.alerts.tell(AlertsMsg::Resolve(kind.key()));
    }

    fn raise(&self, error: String) {
        self.who.place.failing.store(true, Ordering::Release);
        if self.who.place.state().alarms() {
            let kind = AlertKind::ProbeFailing { node: self.who.name.clone(), error };
            self.who.env().directory.alerts.tell(AlertsMsg::Raise(kind));
        }
    }

    fn failed(&mut self, trial: Trial, error: String) {
        self.failures += 1;
        let (node, failures) = (&self.who.name, self.failures);
        tracing::warn!(actor = self.who.kind, node, failures, error, "a probe failed");
        let mut raise = self.failures >= FAILURES_MAX;
        match trial {
            Trial::Fresh(mut fresh) => {
                fresh.failures += 1;
                if fresh.failures >= FAILURES_MAX {
                    raise = true;
                } else {
                    self.again.push(fresh);
                }
            }
            // With the next comparison.
            Trial::Regular => self.due = Some(Instant::now() + self.who.env().limits().reconcile_every / 2),
        }
        if raise {
            self.raise(error);
        }
    }
}
