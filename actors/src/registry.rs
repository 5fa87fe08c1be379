//! Starts the actors of servers that admins add while the program runs, and ends those of servers that are removed.
//!
//! The rows decide. It looks at them when somebody says that they changed, and now and then anyway, since a command of the
//! operator's writes them from another process. Servers that are there at the start are children from the beginning.

use crate::alerts::AlertsMsg;
use crate::env::{Duty, Env};
use crate::key_node;
use crate::metrics::{self as names, Alive};
use crate::ports::key_driver::KeyDriver;
use crate::server::over;
use crate::supervision::{ChildSpec, SupervisorMsg, SupervisorRef};
use crate::timer::Timer;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use usipipo_domain::alert::AlertKind;
use usipipo_domain::ids::NodeId;
use usipipo_domain::service::NodeState;
use usipipo_storage::StoreError;
use usipipo_storage::model::{KeyNodeRow, NodeHealth, ServerStanding};

/// As metrics label it.
pub const KIND: &str = "registry";
/// How often rows are looked at that nobody spoke of.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// What the row of a server without a part of the settings says.
const NOT_IN_THE_SETTINGS: &str =
    "it is not in the settings, so nobody steers it; put its part back, or remove the server when nothing lives on it";
/// What the row of an added server says that nobody can read.
const CANNOT_BE_READ: &str = "its row cannot be read, so nobody steers it; the log says why";

/// Messages of the registry.
#[derive(Debug)]
pub enum RegistryMsg {
    /// Servers may have come or gone.
    Look,
}

/// The registry.
#[derive(Debug, Clone, Copy)]
pub struct Registry;

/// The registry as a child, beside the servers' actors.
#[must_use]
pub fn spec(duty: &Duty) -> ChildSpec {
    let make = {
        let duty = duty.clone();
        move || (Registry, duty.clone())
    };
    let env = Arc::clone(&duty.env);
    ChildSpec::new(&duty.env, KIND, KIND, make).worker().queue(move || env.directory.registry.depth())
}

/// The state of the registry.
pub struct RegistryState {
    duty: Duty,
    tick: Option<Timer>,
    /// Servers that cannot be steered, by name, of which admins were told.
    silent: BTreeMap<NodeId, String>,
    /// Other servers without an actor; `None` before the first look.
    strays: Option<BTreeSet<NodeId>>,
    _alive: Alive,
}

impl Actor for Registry {
    type Msg = RegistryMsg;
    type State = RegistryState;
    type Arguments = Duty;

    async fn pre_start(&self, myself: ActorRef<RegistryMsg>, duty: Duty) -> Result<RegistryState, ActorProcessingErr> {
        duty.env.directory.registry.enter(myself);
        duty.env.directory.registry.tell(RegistryMsg::Look);
        Ok(RegistryState { duty, tick: None, silent: BTreeMap::new(), strays: None, _alive: Alive::new(KIND) })
    }

    async fn handle(
        &self,
        myself: ActorRef<RegistryMsg>,
        RegistryMsg::Look: RegistryMsg,
        state: &mut RegistryState,
    ) -> Result<(), ActorProcessingErr> {
        state.env().directory.registry.taken();
        let env = Arc::clone(&state.duty.env);
        state.tick = Some(Timer::after(LOOK_EVERY, move || {
            env.directory.registry.tell(RegistryMsg::Look);
        }));
        // Its own supervisor is the servers' too. It is linked after this actor's start, so not known before.
        let Some(supervisor) = myself.try_get_supervisor().map(Into::into) else { return Ok(()) };
        names::observed(KIND, "look", async {
            if let Err(error) = state.look(&supervisor).await {
                tracing::warn!(actor = KIND, %error, "servers cannot be looked at; trying again");
            }
            Ok(())
        })
        .await
    }
}

impl RegistryState {
    fn env(&self) -> &Env {
        &self.duty.env
    }

    async fn look(&mut self, supervisor: &SupervisorRef) -> Result<(), StoreError> {
        let mut silent = BTreeMap::new();
        for row in self.env().store.added_key_nodes().await? {
            let there = self.env().directory.node(row.id).is_some_and(|place| place.slot.is_up());
            if there {
                continue;
            }
            let (node, name, state) = (row.id, row.spec.name.clone(), row.state);
            match steered(&self.duty, row) {
                // One that is only being restarted is a child already, and this changes nothing.
                Ok((row, driver)) => {
                    let _ = supervisor.cast(SupervisorMsg::Add(key_node::spec(&self.duty, &row, driver)));
                }
                Err(error) => {
                    silent.insert(node, name.clone());
                    self.not_steered(node, name, state, error).await?;
                }
            }
        }
        // Of what is gone by now nobody else will say that it is over; one that is steered now says so itself.
        for (node, name) in std::mem::replace(&mut self.silent, silent) {
            if !self.silent.contains_key(&node) {
                let kind = AlertKind::NodeDown { node: name, error: String::new() };
                self.env().directory.alerts.tell(AlertsMsg::Resolve(kind.key()));
            }
        }
        // After the servers above, so that none of them is missing from it.
        let rows = self.env().store.all_servers().await?;
        for (node, place) in self.env().directory.all_nodes() {
            let is_there = rows.iter().any(|row| row.id == node && row.state != NodeState::Removed);
            if place.keys && !is_there {
                self.end(supervisor, node, &place.name).await;
            }
        }
        self.look_at_strays(rows).await
    }

    /// A server whose part of the settings is gone, or whose row cannot be read, has no actor either: nothing new goes to it,
    /// and admins hear of it while anything lives there.
    async fn look_at_strays(&mut self, rows: Vec<ServerStanding>) -> Result<(), StoreError> {
        let env = Arc::clone(&self.duty.env);
        let mut known: BTreeSet<NodeId> = env.directory.all_nodes().into_iter().map(|(node, _)| node).collect();
        known.extend(self.silent.keys());
        let mut strays = BTreeSet::new();
        for stray in rows.into_iter().filter(|row| !known.contains(&row.id)) {
            if stray.state == NodeState::Removed {
                // What an earlier process said of it is over.
                if self.strays.as_ref().is_none_or(|before| before.contains(&stray.id)) {
                    over(&env.directory, &stray.name);
                }
                continue;
            }
            let error = if stray.added { CANNOT_BE_READ } else { NOT_IN_THE_SETTINGS };
            if stray.up || stray.error.as_deref() != Some(error) {
                tracing::warn!(actor = KIND, node = stray.name, error, "nobody steers a server");
                let (now, said) = (env.clock.now(), Some(error.to_owned()));
                let health = NodeHealth { up: false, config_only: false, error: said, foreign_peers: 0, now };
                env.store.record_health(self.duty.epoch, stray.id, &health).await?;
            }
            let kind = AlertKind::NodeDown { node: stray.name, error: error.to_owned() };
            let alarms = stray.in_use && stray.state.alarms();
            let message = if alarms { AlertsMsg::Raise(kind) } else { AlertsMsg::Resolve(kind.key()) };
            env.directory.alerts.tell(message);
            strays.insert(stray.id);
        }
        self.strays = Some(strays);
        Ok(())
    }

    /// It has no actor that would say so: nothing new goes to it, and admins hear why.
    async fn not_steered(&self, node: NodeId, name: String, state: NodeState, error: String) -> Result<(), StoreError> {
        let env = self.env();
        let health = NodeHealth {
            up: false,
            config_only: false,
            error: Some(error.clone()),
            foreign_peers: 0,
            now: env.clock.now(),
        };
        env.store.record_health(self.duty.epoch, node, &health).await?;
        if state.alarms() {
            env.directory.alerts.tell(AlertsMsg::Raise(AlertKind::NodeDown { node: name, error }));
        }
        Ok(())
    }

    async fn end(&self, supervisor: &SupervisorRef, node: NodeId, server: &str) {
        let name = key_node::child_name(server);
        let within = self.env().limits().stop_timeout;
        let (reply, ended) = crate::ask::port(within + self.env().limits().ask_timeout);
        let asked = supervisor.cast(SupervisorMsg::Remove { name, within: Some(within), reply });
        if asked.is_err() || ended.await.is_err() {
            // The next look tries again.
            return;
        }
        tracing::info!(actor = KIND, node = server, "the server is removed; its actor has ended");
        let directory = &self.env().directory;
        directory.forget_node(node);
        over(directory, server);
    }
}

/// The server with who steers it; when nobody can, why, with a word in the log.
pub(crate) fn steered(duty: &Duty, row: KeyNodeRow) -> Result<(KeyNodeRow, Arc<dyn KeyDriver>), String> {
    match duty.env.drivers.make(&row.spec) {
        Ok(driver) => Ok((row, driver)),
        Err(error) => {
            tracing::error!(
                actor = KIND,
                node = row.spec.name,
                error,
                "a server of keys is left out; the others go on"
            );
            Err(error)
        }
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
