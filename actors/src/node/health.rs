//! Whether a server answers: gauges, its row, its place, and the alert.

use super::{NodeArgs, NodeState, Trouble};
use crate::alerts::AlertsMsg;
use crate::metrics as names;
use crate::ports::driver::DriverError;
use metrics::{Gauge, Histogram, counter, gauge, histogram};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use usipipo_domain::alert::AlertKind;
use usipipo_storage::StoreError;
use usipipo_storage::model::NodeHealth;

/// How often the row of a server that stays down is written.
const REPEAT_AFTER: Duration = Duration::from_secs(30);

pub(super) struct Health {
    up: Gauge,
    ours: Gauge,
    foreign: Gauge,
    reconcile: Histogram,
    down_since: Option<Instant>,
    told: Option<(String, Instant)>,
}

impl Health {
    pub(super) fn new(args: &NodeArgs) -> Self {
        let node = args.name.clone();
        Self {
            up: gauge!(names::NODE_UP, "node" => node.clone(), "mode" => args.driver.mode().as_str()),
            ours: gauge!(names::NODE_PEERS, "node" => node.clone(), "kind" => "ours"),
            foreign: gauge!(names::NODE_PEERS, "node" => node.clone(), "kind" => "foreign"),
            reconcile: histogram!(names::NODE_RECONCILE_SECONDS, "node" => node),
            down_since: None,
            told: None,
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "a server never has 2^52 peers")]
    pub(super) fn peers(&self, ours: usize, foreign: usize) {
        self.ours.set(ours as f64);
        self.foreign.set(foreign as f64);
    }

    pub(super) fn compared_in(&self, time: Duration) {
        self.reconcile.record(time);
    }
}

impl NodeState {
    /// The server answered.
    pub(super) async fn answered(&mut self, foreign: usize) -> Result<(), Trouble> {
        let directory = &self.env().directory;
        if !self.args.place.up.swap(true, Ordering::AcqRel) {
            tracing::info!(actor = super::KIND, node = self.args.name, "the server answers");
        }
        self.health.up.set(1.0);
        let node = self.args.name.clone();
        // Also when this actor knows of no alert: an earlier one may have raised it.
        let down = AlertKind::NodeDown { node: node.clone(), error: String::new() };
        directory.alerts.tell(AlertsMsg::Resolve(down.key()));
        let count = u32::try_from(foreign).unwrap_or(u32::MAX);
        let kind = AlertKind::ForeignPeers { node, count };
        directory.alerts.tell(if count > 0 && !self.args.exclusive {
            AlertsMsg::Raise(kind)
        } else {
            AlertsMsg::Resolve(kind.key())
        });
        (self.health.down_since, self.health.told) = (None, None);
        self.write_health(true, None, count).await?;
        Ok(())
    }

    /// The server does not do what it should.
    pub(super) async fn down(&mut self, error: &DriverError) {
        let label = match error {
            DriverError::Unavailable(_) => "unavailable",
            DriverError::Refused(_) => "refused",
            DriverError::Unsupported(_) => "unsupported",
        };
        counter!(names::NODE_ERRORS, "node" => self.args.name.clone(), "error" => label).increment(1);
        self.args.place.up.store(false, Ordering::Release);
        self.health.up.set(0.0);
        let now = Instant::now();
        let since = *self.health.down_since.get_or_insert(now);
        let text = error.to_string();
        if now.saturating_duration_since(since) >= self.env().limits().node_down_after {
            let kind = AlertKind::NodeDown { node: self.args.name.clone(), error: text.clone() };
            self.env().directory.alerts.tell(AlertsMsg::Raise(kind));
        }
        let told = self.health.told.as_ref();
        if told.is_some_and(|(before, at)| *before == text && now < *at + REPEAT_AFTER) {
            return;
        }
        tracing::warn!(actor = super::KIND, node = self.args.name, %error, "the server does not work");
        match self.write_health(false, Some(text.clone()), 0).await {
            Ok(()) => self.health.told = Some((text, now)),
            Err(error) => {
                tracing::warn!(actor = super::KIND, node = self.args.name, %error, "its state cannot be written");
            }
        }
    }

    async fn write_health(&self, up: bool, error: Option<String>, foreign_peers: u32) -> Result<(), StoreError> {
        let config_only = self.config_only();
        let now = self.env().clock.now();
        let health = NodeHealth { up, config_only, error, foreign_peers, now };
        self.env().store.record_health(self.args.duty.epoch, self.args.id, &health).await
    }
}
