//! Changes of a server of keys, their marks in the rows, and its traffic.

use super::plan::{self, Step};
use super::settling::Outcome;
use super::{KIND, KeyNodeState, Trouble};
use crate::lane::send;
use crate::metrics as names;
use crate::ports::driver::DriverError;
use crate::ports::key_driver::{KeySpec, KeyStatus, Put, Settled};
use metrics::counter;
use std::collections::HashSet;
use std::time::{Duration, Instant};
use usipipo_storage::StoreError;
use usipipo_storage::model::{KeyReading, KeyReadings, KeyRow, KeyStanding, UsageKind};

/// Longest that changes are made before other messages are looked at.
const BATCH_TIME: Duration = Duration::from_millis(500);
/// A change is marked at the latest so long after it, if others follow; somebody may wait for its key.
const MARK_AFTER: Duration = Duration::from_millis(100);
/// Most changes that wait to be marked.
const UNMARKED_MAX: usize = 64;

/// What became of a change.
enum Made {
    /// The row's key is in this standing.
    Standing(KeyRow, KeyStanding),
    /// The server has it and will act on it.
    Begun(KeyRow, KeySpec),
    /// It is gone; `None` for one that was not ours.
    Removed(Option<i64>),
    /// The server has it and does not act on it yet; the key's name, and what the operator may do.
    Late(String, String),
    /// The row has another name now, or could not be done.
    Nothing,
}

impl KeyNodeState {
    /// Puts keys of new services; `true` when any could be put. What takes too long is left to a comparison, which lets others
    /// through in between.
    pub(super) async fn put_new(&mut self, rows: Vec<KeyRow>) -> Result<bool, Trouble> {
        let result = self.put_each(rows).await;
        // What was done is marked even when the rest could not be.
        self.mark().await?;
        self.probes.look();
        result
    }

    async fn put_each(&mut self, rows: Vec<KeyRow>) -> Result<bool, Trouble> {
        let end = Instant::now() + BATCH_TIME;
        let mut any = false;
        for row in rows {
            if !self.may_change(end).await? {
                self.behind = true;
                break;
            }
            self.handled.insert(row.id);
            any |= self.make(Step::Put(row)).await?;
        }
        Ok(any)
    }

    /// The next changes of a comparison, and what became of those before.
    pub(super) async fn next_batch(&mut self) -> Result<(), Trouble> {
        let result = self.make_some().await;
        if result.is_err() {
            self.mark().await?;
        }
        result
    }

    async fn make_some(&mut self) -> Result<(), Trouble> {
        let (end, max) = (Instant::now() + BATCH_TIME, self.env().limits().key_batch_max.max(1));
        let mut made = 0;
        while made < max && !self.steps.is_empty() && self.may_change(end).await? {
            let Some(step) = self.steps.pop_front() else { break };
            if step.row().is_some_and(|row| self.handled.contains(&row)) {
                continue;
            }
            made += 1;
            self.make(step).await?;
        }
        if self.steps.is_empty() {
            self.settled_before(Instant::now() + MARK_AFTER).await?;
        }
        Ok(())
    }

    /// Whether there is time for another change before `end`. Looks at those that were waited for, and waits when there are too
    /// many of them.
    async fn may_change(&mut self, end: Instant) -> Result<bool, Trouble> {
        while let Some(outcome) = self.settling.next(Duration::ZERO).await {
            self.settled(outcome).await?;
        }
        while self.settling.is_full() && Instant::now() < end {
            self.settled_before(end).await?;
        }
        Ok(!self.settling.is_full() && Instant::now() < end)
    }

    /// Waits until one more key works, or for a while; what is to be marked meanwhile is.
    async fn settled_before(&mut self, end: Instant) -> Result<(), Trouble> {
        let until = self.unmarked_since.map_or(end, |since| end.min(since + MARK_AFTER));
        match self.settling.next(until.saturating_duration_since(Instant::now())).await {
            Some(outcome) => self.settled(outcome).await,
            None => Ok(self.mark().await?),
        }
    }

    /// A key that was put works by now, or will later.
    async fn settled(&mut self, (row, result): Outcome) -> Result<(), Trouble> {
        let name = row.name.clone();
        let made = result.map(|settled| match settled {
            Settled::Works => {
                let standing = row.wanted;
                Made::Standing(row, standing)
            }
            Settled::NotYet(error) => Made::Late(row.name, error),
        });
        let made = self.forgiven(&name, made)?;
        self.became(made).await?;
        if self.is_marked_now() { Ok(self.mark().await?) } else { Ok(()) }
    }

    /// Whether it is time to mark what was done.
    fn is_marked_now(&self) -> bool {
        self.unmarked.len() >= UNMARKED_MAX || self.unmarked_since.is_some_and(|since| since.elapsed() >= MARK_AFTER)
    }

    /// Makes one change; what was done before is marked meanwhile when it is time. `true` when something was done.
    async fn make(&mut self, step: Step) -> Result<bool, Trouble> {
        let before = if self.is_marked_now() { self.take_unmarked() } else { Vec::new() };
        let put = step.put();
        let (made, marked) = tokio::join!(self.perform(step), self.write_applied(&before));
        if let Some(row) = put {
            match &made {
                // It may still be made.
                Err(Trouble::Driver(DriverError::Unavailable(_))) => self.unanswered.insert(row, Instant::now()),
                _ => self.unanswered.remove(&row),
            };
        }
        // If they are not marked, the next comparison finds them on the server.
        marked?;
        self.became(made?).await
    }

    /// Keeps in mind what became of a change; `true` when something was done.
    async fn became(&mut self, made: Made) -> Result<bool, Trouble> {
        match made {
            Made::Begun(row, key) => {
                self.settling.begin(&self.args.who, &self.args.driver, row, key);
                Ok(true)
            }
            Made::Standing(row, standing) => {
                self.count("put");
                if standing == KeyStanding::Open {
                    self.probes.in_force();
                }
                self.done(vec![(row, standing)]);
                Ok(true)
            }
            Made::Removed(row) => {
                self.count("removed");
                if let Some(row) = row {
                    self.removed(&[row]).await?;
                }
                Ok(true)
            }
            Made::Late(key, error) => {
                let node = &self.args.who.name;
                counter!(names::NODE_ERRORS, "node" => node.clone(), "error" => "late").increment(1);
                tracing::warn!(actor = KIND, node, key, error, "a key is on its server and does not work yet");
                self.late = true;
                self.probes.late(&key, error);
                Ok(false)
            }
            Made::Nothing => Ok(false),
        }
    }

    fn count(&self, change: &'static str) {
        counter!(names::NODE_CHANGES, "node" => self.args.who.name.clone(), "change" => change).increment(1);
    }

    async fn perform(&self, step: Step) -> Result<Made, Trouble> {
        let (name, made) = self.tried(step).await;
        self.forgiven(&name, made)
    }

    /// What one key is refused is no reason to leave out the others.
    fn forgiven(&self, key: &str, made: Result<Made, Trouble>) -> Result<Made, Trouble> {
        let Err(Trouble::Driver(error @ DriverError::Refused(_))) = made else { return made };
        let node = &self.args.who.name;
        counter!(names::NODE_ERRORS, "node" => node.clone(), "error" => "refused").increment(1);
        tracing::error!(actor = KIND, node, key, %error, "a change of a key is refused");
        Ok(Made::Nothing)
    }

    async fn tried(&self, step: Step) -> (String, Result<Made, Trouble>) {
        let driver = &self.args.driver;
        let name = match &step {
            Step::Put(row) | Step::Replace(row) | Step::Turn(row) | Step::Rename(row) => row.name.clone(),
            Step::Remove { name, .. } => name.clone(),
        };
        let made = match step {
            Step::Put(row) => self.put(row).await,
            Step::Replace(row) => match self.call(driver.remove(&name)).await {
                Ok(()) => self.put(row).await,
                Err(trouble) => Err(trouble),
            },
            Step::Turn(row) => {
                let turned = self.call(driver.set_closed(&name, row.wanted != KeyStanding::Open)).await;
                turned.map(|()| {
                    let standing = row.wanted;
                    Made::Standing(row, standing)
                })
            }
            Step::Rename(row) => self.rename(&row).await,
            Step::Remove { row, .. } => self.remove(row, &name).await,
        };
        (name, made)
    }

    async fn put(&self, row: KeyRow) -> Result<Made, Trouble> {
        let Some(spec) = plan::spec(&row, self.expiry()) else { return Ok(Made::Nothing) };
        match self.call(self.args.driver.put(&spec)).await? {
            Put::Done => {
                let standing = row.wanted;
                Ok(Made::Standing(row, standing))
            }
            Put::Begun => Ok(Made::Begun(row, spec)),
            // A closed one that is not there is closed.
            Put::TakenByOther if row.wanted == KeyStanding::Closed && !self.args.driver.keeps_closed() => {
                Ok(Made::Standing(row, KeyStanding::Closed))
            }
            Put::TakenByOther => self.rename(&row).await,
        }
    }

    /// The server has the name for a key that is not ours: as after a database was restored from a backup. Nobody uses the
    /// name, so the row gets another one.
    async fn rename(&self, row: &KeyRow) -> Result<Made, Trouble> {
        let (env, who) = (self.env(), &self.args.who);
        counter!(names::NODE_ERRORS, "node" => who.name.clone(), "error" => "taken").increment(1);
        let (node, key) = (&who.name, &row.name);
        tracing::warn!(actor = KIND, node, key, service = %row.service, "somebody else's key has this name; ours gets another");
        env.store.rename_key(who.duty.epoch, who.id, row.id, env.clock.now()).await?;
        env.directory.wake_nodes(&[who.id]);
        Ok(Made::Nothing)
    }

    /// Takes a key off, unless it is wanted by now.
    async fn remove(&self, row: Option<i64>, name: &str) -> Result<Made, Trouble> {
        if !self.env().store.may_remove_key(self.args.who.id, name).await? {
            return Ok(Made::Nothing);
        }
        self.call(self.args.driver.remove(name)).await?;
        if row.is_none() {
            tracing::warn!(actor = KIND, node = self.args.who.name, key = name, "a foreign key was taken off");
        }
        Ok(Made::Removed(row))
    }

    /// These are so on the server; it is marked soon.
    pub(super) fn done(&mut self, keys: Vec<(KeyRow, KeyStanding)>) {
        if keys.is_empty() {
            return;
        }
        self.unmarked.extend(keys);
        self.unmarked_since.get_or_insert_with(Instant::now);
    }

    fn take_unmarked(&mut self) -> Vec<(KeyRow, KeyStanding)> {
        self.unmarked_since = None;
        let keys = std::mem::take(&mut self.unmarked);
        let new =
            keys.iter().filter(|(row, standing)| *standing == KeyStanding::Open && row.applied == KeyStanding::Absent);
        let expiry = self.expiry();
        let new: Vec<_> = new.filter_map(|(row, _)| plan::spec(row, expiry)).collect();
        self.probes.made(new);
        keys
    }

    /// Marks what was done and not yet marked.
    pub(super) async fn mark(&mut self) -> Result<(), StoreError> {
        let keys = self.take_unmarked();
        self.write_applied(&keys).await
    }

    async fn write_applied(&self, keys: &[(KeyRow, KeyStanding)]) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        let (env, who) = (self.env(), &self.args.who);
        let marks: Vec<(i64, KeyStanding)> = keys.iter().map(|(row, standing)| (row.id, *standing)).collect();
        let now = env.clock.now();
        let messages = env.store.keys_applied(who.duty.epoch, who.id, &marks, now).await?;
        let new =
            keys.iter().filter(|(row, standing)| row.applied == KeyStanding::Absent && *standing == KeyStanding::Open);
        who.provisioned(new.map(|(row, _)| row.created_at), now);
        send(env, messages);
        Ok(())
    }

    /// What was put without an answer, a whole call's time before the server was asked last, is there by now or never.
    pub(super) fn forget_unanswered(&mut self, asked: Instant) {
        let within = self.env().limits().key_call_timeout;
        self.unanswered.retain(|_, since| *since + within > asked);
    }

    /// Names of keys that were ours: a put that was given up came after its row was over. Nobody else has their secrets.
    pub(super) async fn stragglers(&mut self, foreign: &[KeyStatus]) -> Result<Vec<String>, StoreError> {
        let there: HashSet<&str> = foreign.iter().map(|key| key.name.as_str()).collect();
        self.strangers.retain(|name| there.contains(name.as_str()));
        let unknown = foreign.iter().filter(|key| key.secret.is_some() && !self.strangers.contains(&key.name));
        let unknown: Vec<&KeyStatus> = unknown.collect();
        if unknown.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<&str> = unknown.iter().map(|key| key.name.as_str()).collect();
        let over = self.env().store.removed_keys(self.args.who.id, &names).await?;
        let was_ours = |key: &&&KeyStatus| {
            over.iter().any(|(name, secret)| *name == key.name && key.secret.as_ref() == Some(secret))
        };
        let ours: Vec<String> = unknown.iter().filter(was_ours).map(|key| key.name.clone()).collect();
        let others = unknown.iter().map(|key| &key.name).filter(|name| !ours.contains(name));
        self.strangers.extend(others.cloned());
        Ok(ours)
    }

    /// The server does not have these any more.
    pub(super) async fn removed(&mut self, keys: &[i64]) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        let (env, who) = (self.env(), &self.args.who);
        env.store.keys_removed(who.duty.epoch, who.id, keys, env.clock.now()).await?;
        for key in keys {
            self.read.remove(key);
        }
        Ok(())
    }

    /// Records a complete reading of the counters.
    pub(super) async fn record(
        &mut self,
        incarnation: String,
        kind: UsageKind,
        readings: Vec<KeyReading>,
    ) -> Result<(), StoreError> {
        let grown = self.grown(&incarnation, &readings);
        let readings = KeyReadings { incarnation, kind, readings };
        let (env, who) = (self.env(), &self.args.who);
        let recorded = env.store.record_key_usage(who.duty.epoch, who.id, &readings, env.clock.now()).await?;
        // Servers of keys count both directions together.
        counter!(names::NODE_TRAFFIC, "node" => who.name.clone(), "direction" => "both").increment(grown);
        send(env, recorded.messages);
        who.used_up(recorded.suspended.len(), &[who.id]);
        self.read = readings.readings.iter().map(|reading| (reading.key, reading.bytes)).collect();
        self.incarnation = Some(readings.incarnation);
        Ok(())
    }

    /// Bytes since the last reading; what was read before this actor began is in the rows, not in this process's counter. Of a
    /// trailing window it is only the least that can have flowed.
    fn grown(&self, incarnation: &str, readings: &[KeyReading]) -> u64 {
        let same = self.incarnation.as_deref() == Some(incarnation);
        let of = |reading: &KeyReading| match self.read.get(&reading.key) {
            Some(before) if same => reading.bytes.saturating_sub(*before),
            Some(_) => reading.bytes,
            None => 0,
        };
        readings.iter().map(of).fold(0, u64::saturating_add)
    }
}
