//! What the actors of servers of every kind share: who they are, how they tell whether their server answers, and what they do
//! about trouble.

mod health;
mod secrets;

pub(crate) use health::{Health, over};
pub(crate) use secrets::Secrets;

use crate::directory::NodePlace;
use crate::env::{Duty, Env};
use crate::key_node;
use crate::leader::LeaderMsg;
use crate::metrics as names;
use crate::node::NodeMsg;
use crate::ports::driver::DriverError;
use crate::registry::RegistryMsg;
use crate::timer::{Timer, backoff};
use chrono::{DateTime, Utc};
use metrics::{counter, histogram};
use std::sync::Arc;
use std::time::Duration;
use usipipo_domain::ids::NodeId;
use usipipo_domain::service::NodeState;
use usipipo_storage::StoreError;

/// First wait before a server or database that does not answer is tried again; doubles.
const RETRY_MIN: Duration = Duration::from_millis(200);
/// Longest such wait; somebody may be waiting for a service.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// A server, as its actor knows it.
#[derive(Clone)]
pub(crate) struct Who {
    pub(crate) duty: Duty,
    pub(crate) place: Arc<NodePlace>,
    /// The kind of actor, as metrics and the log label it.
    pub(crate) kind: &'static str,
    pub(crate) id: NodeId,
    pub(crate) name: String,
    /// What is not ours on it may be removed.
    pub(crate) exclusive: bool,
}

/// Why a piece of work ended early.
#[derive(Debug)]
pub(crate) enum Trouble {
    Driver(DriverError),
    Store(StoreError),
}

impl From<DriverError> for Trouble {
    fn from(error: DriverError) -> Self {
        Self::Driver(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A call of a server, for so long.
pub(crate) async fn asked<T>(
    within: Duration,
    call: impl Future<Output = Result<T, DriverError>>,
) -> Result<T, DriverError> {
    let late = || DriverError::Unavailable(format!("no answer within {} s", within.as_secs_f32()));
    tokio::time::timeout(within, call).await.unwrap_or_else(|_| Err(late()))
}

/// The wait after one more failure.
pub(crate) fn next_wait(last: Option<Duration>) -> Duration {
    backoff(last, RETRY_MIN, RETRY_MAX)
}

impl Who {
    /// Enters the server's place into the directory.
    pub(crate) fn new(
        duty: &Duty,
        kind: &'static str,
        id: NodeId,
        name: &str,
        exclusive: bool,
        state: NodeState,
    ) -> Self {
        let place = duty.env.directory.add_node(id, name, kind == key_node::KIND);
        place.set_state(state);
        Self { duty: duty.clone(), place, kind, id, name: name.to_owned(), exclusive }
    }

    pub(crate) fn env(&self) -> &Env {
        &self.duty.env
    }

    pub(crate) fn tick_after(&self, delay: Duration) -> Timer {
        let place = Arc::clone(&self.place);
        Timer::after(delay, move || {
            place.slot.tell(NodeMsg::Tick);
        })
    }

    /// Reads what admins want the server to be for. Who steers one that is removed goes quiet.
    pub(crate) async fn look_at_state(&self) -> Result<NodeState, StoreError> {
        let state = self.env().store.node_state(self.id).await?;
        self.place.set_state(state);
        if state == NodeState::Removed {
            self.env().directory.registry.tell(RegistryMsg::Look);
        }
        Ok(state)
    }

    /// Services that were begun at these times have what they wait for since now.
    pub(crate) fn provisioned(&self, begun: impl Iterator<Item = DateTime<Utc>>, now: DateTime<Utc>) {
        for begun in begun {
            let waited = (now - begun).to_std().unwrap_or_default();
            histogram!(names::PROVISION_SECONDS, "node" => self.name.clone()).record(waited);
        }
    }

    /// So many services used up their traffic by the last reading; `wake` are the servers that have something of theirs. What
    /// their actors have in hand was read before: it goes with the next look at the rows.
    pub(crate) fn used_up(&self, services: usize, wake: &[NodeId]) {
        if services == 0 {
            return;
        }
        let (actor, node) = (self.kind, &self.name);
        tracing::info!(actor, node, services, "services used up their traffic");
        counter!(names::SWEPT, "what" => "over_quota").increment(u64::try_from(services).unwrap_or(u64::MAX));
        self.env().directory.wake_nodes(wake);
    }

    /// What trouble says about the server, if anything. `quiet` becomes true when another process leads.
    pub(crate) fn sorted(&self, trouble: Trouble, wait: Duration, quiet: &mut bool) -> Option<DriverError> {
        match trouble {
            Trouble::Store(StoreError::NotLeader) => {
                *quiet = true;
                self.env().directory.leader.tell(LeaderMsg::LostLead(self.duty.epoch));
                None
            }
            Trouble::Store(error) if error.is_transient() => {
                let (actor, node) = (self.kind, &self.name);
                tracing::warn!(actor, node, %error, ?wait, "the rows cannot be read or written");
                None
            }
            Trouble::Store(error) => Some(DriverError::Refused(error.to_string())),
            Trouble::Driver(error) => Some(error),
        }
    }
}
