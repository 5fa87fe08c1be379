//! Whether a server answers: gauges, its row, its place, and the alert.

use super::Who;
use crate::alerts::AlertsMsg;
use crate::directory::Directory;
use crate::metrics as names;
use crate::ports::driver::DriverError;
use metrics::{Gauge, Histogram, counter, gauge, histogram};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use usipipo_domain::alert::AlertKind;
use usipipo_domain::service::Purpose;
use usipipo_storage::StoreError;
use usipipo_storage::model::NodeHealth;

/// How often the row of a server that stays down is written.
const REPEAT_AFTER: Duration = Duration::from_secs(30);

/// What is known of a server's health.
pub(crate) struct Health {
    who: Who,
    up: Gauge,
    ours: Gauge,
    foreign: Gauge,
    reconcile: Histogram,
    down_since: Option<Instant>,
    told: Option<(String, Instant)>,
}

impl Health {
    /// `mode` labels how it is carried; `carried` is the gauge of what is on it, by kind.
    pub(crate) fn new(who: &Who, mode: &'static str, carried: &'static str) -> Self {
        let node = who.name.clone();
        Self {
            who: who.clone(),
            up: gauge!(names::NODE_UP, "node" => node.clone(), "mode" => mode),
            ours: gauge!(carried, "node" => node.clone(), "kind" => "ours"),
            foreign: gauge!(carried, "node" => node.clone(), "kind" => "foreign"),
            reconcile: histogram!(names::NODE_RECONCILE_SECONDS, "node" => node),
            down_since: None,
            told: None,
        }
    }

    /// So many of ours and of others are on it.
    #[allow(clippy::cast_precision_loss, reason = "a server never has 2^52 peers or keys")]
    pub(crate) fn counted(&self, ours: usize, foreign: usize) {
        self.ours.set(ours as f64);
        self.foreign.set(foreign as f64);
    }

    /// A comparison took so long.
    pub(crate) fn compared_in(&self, time: Duration) {
        self.reconcile.record(time);
    }

    /// The server answered.
    pub(crate) async fn answered(&mut self, foreign: usize, config_only: bool) -> Result<(), StoreError> {
        let directory = &self.who.env().directory;
        if !self.who.place.up.swap(true, Ordering::AcqRel) {
            tracing::info!(actor = self.who.kind, node = self.who.name, "the server answers");
        }
        self.up.set(1.0);
        let node = self.who.name.clone();
        // Also when this actor knows of no alert: an earlier one may have raised it.
        let down = AlertKind::NodeDown { node: node.clone(), error: String::new() };
        directory.alerts.tell(AlertsMsg::Resolve(down.key()));
        let count = u32::try_from(foreign).unwrap_or(u32::MAX);
        let kind = AlertKind::ForeignPeers { node, count };
        directory.alerts.tell(if count > 0 && !self.who.exclusive {
            AlertsMsg::Raise(kind)
        } else {
            AlertsMsg::Resolve(kind.key())
        });
        (self.down_since, self.told) = (None, None);
        self.write(true, config_only, None, count).await
    }

    /// The server does not do what it should. Nobody is alarmed while it is in maintenance.
    pub(crate) async fn down(&mut self, error: &DriverError, config_only: bool) {
        let (actor, node) = (self.who.kind, self.who.name.clone());
        let label = match error {
            DriverError::Unavailable(_) => "unavailable",
            DriverError::Refused(_) => "refused",
            DriverError::Unsupported(_) => "unsupported",
        };
        counter!(names::NODE_ERRORS, "node" => node.clone(), "error" => label).increment(1);
        self.who.place.up.store(false, Ordering::Release);
        self.up.set(0.0);
        let now = Instant::now();
        let since = *self.down_since.get_or_insert(now);
        let text = error.to_string();
        if self.who.place.state().alarms()
            && now.saturating_duration_since(since) >= self.who.env().limits().node_down_after
        {
            let kind = AlertKind::NodeDown { node: node.clone(), error: text.clone() };
            self.who.env().directory.alerts.tell(AlertsMsg::Raise(kind));
        }
        let told = self.told.as_ref();
        if told.is_some_and(|(before, at)| *before == text && now < *at + REPEAT_AFTER) {
            return;
        }
        tracing::warn!(actor, node, %error, "the server does not work");
        match self.write(false, config_only, Some(text.clone()), 0).await {
            Ok(()) => self.told = Some((text, now)),
            Err(error) => tracing::warn!(actor, node, %error, "its state cannot be written"),
        }
    }

    /// The server is removed, and nobody asks it any more.
    pub(crate) fn removed(&mut self) {
        self.who.place.up.store(false, Ordering::Release);
        self.counted(0, 0);
        // Neither up nor down.
        self.up.set(f64::NAN);
        over(&self.who.env().directory, &self.who.name);
    }

    async fn write(
        &self,
        up: bool,
        config_only: bool,
        error: Option<String>,
        foreign_peers: u32,
    ) -> Result<(), StoreError> {
        let now = self.who.env().clock.now();
        let health = NodeHealth { up, config_only, error, foreign_peers, now };
        self.who.env().store.record_health(self.who.duty.epoch, self.who.id, &health).await
    }
}

/// Every condition of a server that is removed is over; nobody else says so.
pub(crate) fn over(directory: &Directory, server: &str) {
    let (node, none) = (|| server.to_owned(), String::new);
    for kind in [
        AlertKind::NodeDown { node: node(), error: none() },
        AlertKind::ForeignPeers { node: node(), count: 0 },
        AlertKind::ServerNearlyFull { node: node(), used: 0, capacity: 0 },
        AlertKind::ProbeFailing { node: node(), error: none() },
    ] {
        directory.alerts.tell(AlertsMsg::Resolve(kind.key()));
    }
    for purpose in [Purpose::Trial, Purpose::Paid] {
        let kind = AlertKind::PoolNearlyFull { node: node(), purpose: purpose.as_str().to_owned(), free: 0, total: 0 };
        directory.alerts.tell(AlertsMsg::Resolve(kind.key()));
    }
}
