//! Changes of a server, and their marks in the rows.

use super::plan::{self, Step};
use super::{KIND, NodeState, Trouble};
use crate::lane::send;
use crate::metrics as names;
use crate::ports::driver::DriverError;
use metrics::counter;
use std::collections::HashMap;
use std::sync::Arc;
use usipipo_domain::wg::{PeerStatus, PublicKey};
use usipipo_storage::StoreError;
use usipipo_storage::model::{PeerCounters, PeerRow};

impl NodeState {
    /// Does what these rows want; `true` when any of it could be done.
    pub(super) async fn work_off(&mut self, rows: Vec<PeerRow>) -> Result<bool, Trouble> {
        if rows.is_empty() {
            return Ok(false);
        }
        if self.config_only() {
            return self.believe(rows).await;
        }
        self.handled.extend(rows.iter().map(|row| row.id));
        if rows.iter().any(|row| row.applied) {
            // The server forgets the counters of what is taken off.
            let server = self.call(self.args.driver.peers()).await?;
            let there: HashMap<PublicKey, &PeerStatus> = server.iter().map(|peer| (peer.public_key, peer)).collect();
            let usage: Vec<PeerCounters> = rows
                .iter()
                .filter(|row| row.applied)
                .filter_map(|row| Some(plan::counters(row.id, there.get(&row.public_key)?)))
                .collect();
            self.record(&usage).await?;
        }
        let mut steps = plan::ordered(rows);
        let mut removed = Vec::new();
        let mut result = Ok(());
        let mut put = false;
        while let Some(step) = steps.pop_front() {
            result = match step {
                Step::Put(row) => {
                    let mut batch = vec![row];
                    while let Some(Step::Put(_)) = steps.front() {
                        if let Some(Step::Put(row)) = steps.pop_front() {
                            batch.push(row);
                        }
                    }
                    let result = self.put(batch).await;
                    put |= !self.unmarked.is_empty();
                    result
                }
                Step::Remove { row, key } => self.remove(row, &key, &mut removed).await,
            };
            if result.is_err() {
                break;
            }
        }
        // What was done is marked even when the rest could not be.
        self.mark().await?;
        self.removed(&removed).await?;
        result.map(|()| put || !removed.is_empty())
    }

    /// The next changes of a comparison: one batch of one kind.
    pub(super) async fn next_batch(&mut self) -> Result<(), Trouble> {
        let max = self.env().limits().peer_batch_max.max(1);
        let (mut puts, mut removes) = (Vec::new(), Vec::new());
        while puts.len() + removes.len() < max {
            let handled = |row: i64| self.handled.contains(&row);
            match self.steps.front() {
                Some(Step::Put(row)) if handled(row.id) => drop(self.steps.pop_front()),
                Some(Step::Remove { row: Some(row), .. }) if handled(*row) => drop(self.steps.pop_front()),
                Some(Step::Put(_)) if removes.is_empty() => {
                    if let Some(Step::Put(row)) = self.steps.pop_front() {
                        puts.push(row);
                    }
                }
                Some(Step::Remove { .. }) if puts.is_empty() => {
                    if let Some(Step::Remove { row, key }) = self.steps.pop_front() {
                        removes.push((row, key));
                    }
                }
                _ => break,
            }
        }
        if !puts.is_empty() {
            return self.put(puts).await;
        }
        let mut removed = Vec::new();
        let mut result = Ok(());
        for (row, key) in removes {
            result = self.remove(row, &key, &mut removed).await;
            if result.is_err() {
                break;
            }
        }
        self.removed(&removed).await?;
        result
    }

    /// Puts peers; the ones put before are marked meanwhile.
    async fn put(&mut self, rows: Vec<PeerRow>) -> Result<(), Trouble> {
        let before = std::mem::take(&mut self.unmarked);
        let specs: Vec<_> = rows.iter().map(plan::spec).collect();
        let driver = Arc::clone(&self.args.driver);
        let (put, marked) = tokio::join!(self.call(driver.put_peers(&specs)), self.write_applied(&before));
        if let Err(error) = marked {
            // The next comparison finds them on the server.
            return Err(error.into());
        }
        self.carried(&before);
        match put {
            Ok(()) => self.unmarked = rows,
            // One of them is refused: find out which.
            Err(Trouble::Driver(DriverError::Refused(_))) => {
                for row in rows {
                    match self.call(driver.put_peer(&plan::spec(&row))).await {
                        Ok(()) => self.unmarked.push(row),
                        Err(Trouble::Driver(error @ DriverError::Refused(_))) => {
                            counter!(names::NODE_ERRORS, "node" => self.args.who.name.clone(), "error" => "refused")
                                .increment(1);
                            let (node, peer) = (&self.args.who.name, row.id);
                            tracing::error!(actor = KIND, node, peer, %error, "a peer is refused");
                        }
                        Err(trouble) => return Err(trouble),
                    }
                }
            }
            Err(trouble) => return Err(trouble),
        }
        let put = u64::try_from(self.unmarked.len()).unwrap_or(0);
        counter!(names::NODE_CHANGES, "node" => self.args.who.name.clone(), "change" => "put").increment(put);
        Ok(())
    }

    /// Takes a peer off, unless its row is wanted by now.
    async fn remove(&self, row: Option<i64>, key: &PublicKey, removed: &mut Vec<i64>) -> Result<(), Trouble> {
        if !self.env().store.may_remove(self.args.who.id, key).await? {
            return Ok(());
        }
        self.call(self.args.driver.remove_peer(key)).await?;
        counter!(names::NODE_CHANGES, "node" => self.args.who.name.clone(), "change" => "removed").increment(1);
        match row {
            Some(row) => removed.push(row),
            None => tracing::warn!(actor = KIND, node = self.args.who.name, %key, "a foreign peer was taken off"),
        }
        Ok(())
    }

    /// Marks what was put and not yet marked.
    pub(super) async fn mark(&mut self) -> Result<(), StoreError> {
        let rows = std::mem::take(&mut self.unmarked);
        self.applied(rows).await
    }

    /// The server carries these, in a new incarnation.
    pub(super) async fn applied(&mut self, rows: Vec<PeerRow>) -> Result<(), StoreError> {
        self.write_applied(&rows).await?;
        self.carried(&rows);
        Ok(())
    }

    async fn write_applied(&self, rows: &[PeerRow]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let now = self.env().clock.now();
        let messages = self.env().store.peers_applied(self.args.who.duty.epoch, self.args.who.id, &ids, now).await?;
        self.args.who.provisioned(rows.iter().filter(|row| !row.applied).map(|row| row.created_at), now);
        send(self.env(), messages);
        Ok(())
    }

    fn carried(&mut self, rows: &[PeerRow]) {
        for row in rows {
            self.recorded.remove(&row.id);
        }
    }

    /// The server does not carry these any more.
    pub(super) async fn removed(&mut self, rows: &[i64]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let now = self.env().clock.now();
        self.env().store.peers_removed(self.args.who.duty.epoch, self.args.who.id, rows, now).await?;
        for row in rows {
            self.recorded.remove(row);
        }
        Ok(())
    }

    /// Records what the counters grew by; those that did not move are left out.
    pub(super) async fn record(&mut self, usage: &[PeerCounters]) -> Result<(), StoreError> {
        let moved: Vec<PeerCounters> =
            usage.iter().filter(|read| self.recorded.get(&read.peer) != Some(read)).cloned().collect();
        let now = self.env().clock.now();
        let over = self.env().store.record_usage(self.args.who.duty.epoch, self.args.who.id, &moved, now).await?;
        let (mut up, mut down) = (0, 0);
        for read in moved {
            // What was read before this actor began is in the rows, not in this process's counter.
            if let Some(before) = self.recorded.get(&read.peer) {
                up += grown(before.rx, read.rx);
                down += grown(before.tx, read.tx);
            }
            self.recorded.insert(read.peer, read);
        }
        let node = &self.args.who.name;
        counter!(names::NODE_TRAFFIC, "node" => node.clone(), "direction" => "up").increment(up);
        counter!(names::NODE_TRAFFIC, "node" => node.clone(), "direction" => "down").increment(down);
        // Also when nothing is used up: some are warned that it soon will be.
        send(self.env(), over.messages);
        self.args.who.used_up(over.services.len(), &over.wake);
        Ok(())
    }

    /// Without tunnels on this machine rows are all there is.
    pub(super) async fn config_only_work(&mut self) -> Result<(), Trouble> {
        let limit = self.env().limits().peer_batch_max.max(1);
        self.steps.clear();
        let rows = self.env().store.peer_work(self.args.who.id, limit).await?;
        let full = rows.len() == limit;
        self.look_at_secrets(&rows).await?;
        // Rows that cannot be done must not make us run in circles.
        if self.believe(rows).await? && full {
            self.args.who.place.slot.tell(super::NodeMsg::Continue);
        } else {
            self.compared = true;
            self.done();
        }
        Ok(())
    }

    /// `true` when there was anything to believe. Nobody can use a key whose secret cannot be opened.
    async fn believe(&mut self, rows: Vec<PeerRow>) -> Result<bool, Trouble> {
        let (mut wanted, unwanted): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.wanted);
        wanted.retain(|row| row.preshared_key.is_some());
        let any = !wanted.is_empty() || !unwanted.is_empty();
        self.applied(wanted).await?;
        let gone: Vec<i64> = unwanted.iter().map(|row| row.id).collect();
        self.removed(&gone).await?;
        Ok(any)
    }
}

const fn grown(before: u64, now: u64) -> u64 {
    if now >= before { now - before } else { now }
}
