//! What the actors of servers of every kind share: who they are, how they tell whether their server answers, and what they do
//! about trouble.

mod health;
mod secrets;

pub(crate) use health::{Health, over};
pub(crate) use secrets::Secrets;

use crate::directory::NodePlace;
use crate::env::{Duty, Env};
use crate::leader::LeaderMsg;
use crate::node::NodeMsg;
use crate::ports::driver::DriverError;
use crate::registry::RegistryMsg;
use crate::timer::{Timer, backoff};
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
        let place = duty.env.directory.add_node(id, name);
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

    /// A call of the server, for so long.
    pub(crate) async fn call<T>(
        &self,
        within: Duration,
        call: impl Future<Output = Result<T, DriverError>>,
    ) -> Result<T, Trouble> {
        match tokio::time::timeout(within, call).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(DriverError::Unavailable(format!("no answer within {} s", within.as_secs_f32())).into()),
        }
    }

    /// The wait after one more failure.
    pub(crate) fn next_wait(&self, last: Option<Duration>) -> Duration {
        backoff(last, RETRY_MIN, RETRY_MAX)
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
