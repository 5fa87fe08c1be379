//! The numbers of the system, read from the rows now and then: gauges, forecasts, and the alerts that follow from them.

use crate::alerts::AlertsMsg;
use crate::env::{Duty, Env};
use crate::metrics::{self as names, Alive};
use crate::supervision::ChildSpec;
use crate::timer::Timer;
use chrono::{DateTime, Utc};
use metrics::gauge;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::sync::Arc;
use std::time::Duration;
use usipipo_domain::alert::{AlertKind, Severity};
use usipipo_domain::pool::{PoolStats, capacity};
use usipipo_domain::service::{NodeState, Product, ServiceStatus};
use usipipo_storage::StoreError;
use usipipo_storage::model::{NodeOverview, PoolOverview, SystemStats};

/// As metrics label it.
pub const KIND: &str = "stats";

/// A service that waits longer for its server than this raises an alert.
const PROVISIONING_LATE: Duration = Duration::from_secs(300);
/// A pool with less than one address in this many free, or a server of keys with less than one place, raises an alert.
const NEARLY_FULL_PART: u64 = 10;
/// A pool that will be full within so many days at last week's pace raises an alert.
const NEARLY_FULL_DAYS: u64 = 7;
/// What a forecast shows when the end of a pool is not in sight, in days.
const DAYS_MAX: u64 = 3_650;

/// Messages of the stats actor.
#[derive(Debug)]
pub enum StatsMsg {
    /// Self-timer, and a wish for fresh numbers.
    Tick,
}

/// The stats actor.
#[derive(Debug, Clone, Copy)]
pub struct Stats;

/// The stats actor as a child.
#[must_use]
pub fn spec(duty: &Duty) -> ChildSpec {
    let make = {
        let duty = duty.clone();
        move || (Stats, duty.clone())
    };
    let env = Arc::clone(&duty.env);
    ChildSpec::new(&duty.env, KIND, KIND, make).worker().queue(move || env.directory.stats.depth())
}

/// The state of the stats actor.
pub struct StatsState {
    duty: Duty,
    tick: Option<Timer>,
    _alive: Alive,
}

impl Actor for Stats {
    type Msg = StatsMsg;
    type State = StatsState;
    type Arguments = Duty;

    async fn pre_start(&self, myself: ActorRef<StatsMsg>, duty: Duty) -> Result<StatsState, ActorProcessingErr> {
        duty.env.directory.stats.enter(myself);
        let mut state = StatsState { duty, tick: None, _alive: Alive::new(KIND) };
        state.tick_after(Duration::ZERO);
        Ok(state)
    }

    async fn handle(
        &self,
        _myself: ActorRef<StatsMsg>,
        message: StatsMsg,
        state: &mut StatsState,
    ) -> Result<(), ActorProcessingErr> {
        let env = Arc::clone(&state.duty.env);
        env.directory.stats.taken();
        let StatsMsg::Tick = message;
        names::observed(KIND, "tick", async {
            if let Err(error) = read(&env).await {
                tracing::warn!(actor = KIND, %error, "the numbers of the system cannot be read");
            }
            state.tick_after(env.limits().stats_every);
            Ok(())
        })
        .await
    }
}

impl StatsState {
    fn tick_after(&mut self, delay: Duration) {
        let env = Arc::clone(&self.duty.env);
        self.tick = Some(Timer::after(delay, move || {
            env.directory.stats.tell(StatsMsg::Tick);
        }));
    }
}

async fn read(env: &Env) -> Result<(), StoreError> {
    let now = env.clock.now();
    let stats = env.store.system_stats(now).await?;
    let pools = env.store.pool_overviews(now).await?;
    let nodes = env.store.node_overviews().await?;
    show(&stats);
    show_nodes(&nodes);
    for pool in &pools {
        let days = forecast(pool).unwrap_or(DAYS_MAX).min(DAYS_MAX);
        let (node, purpose) = (pool.node_name.clone(), pool.purpose.as_str());
        gauge!(names::POOL_DAYS_LEFT, "node" => node, "purpose" => purpose).set(number(days));
    }
    for alert in alerts(&stats, &pools, &nodes) {
        env.directory.alerts.tell(alert);
    }
    gauge!(names::STATS_LAST_SUCCESS).set(unix(now));
    Ok(())
}

fn show(stats: &SystemStats) {
    gauge!(names::USERS, "window" => "ever").set(number(stats.users));
    gauge!(names::USERS, "window" => "day").set(number(stats.users_day));
    // Also where there is none any more.
    for product in Product::ALL {
        for status in STATUSES {
            let of = |(_, _, count): &(Product, ServiceStatus, u64)| *count;
            let found = stats.products.iter().find(|(p, s, _)| (*p, *s) == (product, status));
            gauge!(names::SERVICES, "product" => product.as_str(), "status" => status.as_str())
                .set(number(found.map_or(0, of)));
        }
    }
    gauge!(names::SERVICES_PENDING_SECONDS).set(names::seconds(stats.pending_oldest.unwrap_or_default()));
    gauge!(names::INBOX_UNDONE).set(number(stats.inbox_undone));
    gauge!(names::INBOX_LAG_SECONDS).set(names::seconds(stats.inbox_oldest.unwrap_or_default()));
    for (priority, count) in &stats.outbox_waiting {
        gauge!(names::OUTBOX_WAITING, "priority" => priority.clone()).set(number(*count));
    }
    gauge!(names::OUTBOX_LAG_SECONDS).set(names::seconds(stats.outbox_oldest.unwrap_or_default()));
    gauge!(names::DEAD_LETTERS).set(number(stats.dead_letters));
    for severity in [Severity::Warning, Severity::Critical] {
        let open = stats.alerts.iter().filter(|alert| alert.kind.severity() == severity).count();
        gauge!(names::ALERTS_OPEN, "severity" => severity.as_str())
            .set(number(u64::try_from(open).unwrap_or(u64::MAX)));
    }
}

const STATUSES: [ServiceStatus; 6] = [
    ServiceStatus::Pending,
    ServiceStatus::Active,
    ServiceStatus::Suspended,
    ServiceStatus::Expired,
    ServiceStatus::Revoked,
    ServiceStatus::Failed,
];
const STATES: [NodeState; 4] = [NodeState::Active, NodeState::Draining, NodeState::Maintenance, NodeState::Removed];

fn show_nodes(nodes: &[NodeOverview]) {
    for driver in Product::ALL.map(Product::driver) {
        for state in STATES {
            let count = nodes.iter().filter(|node| node.driver == driver && node.state == state).count();
            gauge!(names::NODES, "driver" => driver, "state" => state.as_str())
                .set(number(u64::try_from(count).unwrap_or(u64::MAX)));
        }
    }
    for node in nodes {
        if let Some(room) = room(node) {
            gauge!(names::SERVER_ROOM, "node" => node.name.clone()).set(room);
        }
    }
}

/// Share of the places that is free; a server that is to get nothing new may be as full as it likes.
fn room(node: &NodeOverview) -> Option<f64> {
    let capacity = node.capacity.filter(|capacity| *capacity > 0)?;
    let free = capacity.saturating_sub(node.services);
    Some(if node.state == NodeState::Active { number(free) / number(capacity) } else { 1.0 })
}

/// What follows from the numbers: each condition either holds or is over.
fn alerts(stats: &SystemStats, pools: &[PoolOverview], nodes: &[NodeOverview]) -> Vec<AlertsMsg> {
    let pending = ServiceStatus::Pending.as_str();
    let pending = stats.services.iter().find(|(status, _)| status == pending).map_or(0, |(_, count)| *count);
    let late = stats.pending_oldest.is_some_and(|age| age > PROVISIONING_LATE);
    let mut messages = vec![
        condition(late, AlertKind::ProvisioningLate { count: small(pending) }),
        condition(stats.dead_letters > 0, AlertKind::DeadLetter { count: small(stats.dead_letters) }),
    ];
    messages.extend(pools.iter().map(|pool| {
        let stats = pool_stats(pool);
        let soon = forecast(pool).is_some_and(|days| days < NEARLY_FULL_DAYS);
        let kind = AlertKind::PoolNearlyFull {
            node: pool.node_name.clone(),
            purpose: pool.purpose.as_str().to_owned(),
            free: stats.free,
            total: stats.total,
        };
        condition(stats.free < stats.total.div_ceil(NEARLY_FULL_PART) || soon, kind)
    }));
    messages.extend(nodes.iter().filter_map(|node| {
        let capacity = node.capacity?;
        let free = capacity.saturating_sub(node.services);
        let kind = AlertKind::ServerNearlyFull { node: node.name.clone(), used: node.services, capacity };
        // One that is to get nothing new may be as full as it likes.
        let takes = node.state == NodeState::Active;
        Some(condition(takes && free < capacity.div_ceil(NEARLY_FULL_PART), kind))
    }));
    messages
}

fn condition(holds: bool, kind: AlertKind) -> AlertsMsg {
    if holds { AlertsMsg::Raise(kind) } else { AlertsMsg::Resolve(kind.key()) }
}

fn pool_stats(pool: &PoolOverview) -> PoolStats {
    let total = capacity(pool.v4, pool.v6);
    let free = total.saturating_sub(pool.live).saturating_sub(pool.quarantined);
    PoolStats { total, free, reserved: 0, live: pool.live, quarantined: pool.quarantined }
}

fn forecast(pool: &PoolOverview) -> Option<u64> {
    pool_stats(pool).forecast_days(pool.begun_last_week)
}

fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[allow(clippy::cast_precision_loss, reason = "no count here reaches 2^52")]
const fn number(count: u64) -> f64 {
    count as f64
}

#[allow(clippy::cast_precision_loss, reason = "microseconds since 1970 fit for another two hundred years")]
fn unix(time: DateTime<Utc>) -> f64 {
    time.timestamp_micros() as f64 / 1e6
}

#[cfg(all(test, feature = "testing"))]
mod tests;
