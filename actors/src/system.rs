//! Starts and stops the tree, and answers what the edges ask of it.

mod duty;
mod readiness;

use crate::ask::AskError;
use crate::directory::Directory;
use crate::env::{Env, Options};
use crate::inbox::{self, InboxMsg};
use crate::leader::{self, Role, Seat};
use crate::ports::clock::Clock;
use crate::ports::driver::VpnDriver;
use crate::ports::drivers::Drivers;
use crate::ports::key_driver::KeyDriver;
use crate::ports::liveness::Liveness;
use crate::ports::messenger::Messenger;
use crate::ports::promotion::PromotionRegistrar;
use crate::ports::updates::{UpdateParser, UpdateSource};
use crate::registry::RegistryMsg;
use crate::supervision::policy::Policy;
use crate::supervision::{
    AlertSink, ChildState, Roster, Supervisor, SupervisorArgs, SupervisorMsg, SupervisorRef, TreeNode,
};
use crate::sweeper::SweeperMsg;
use ractor::{Actor, RpcReplyPort};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::watch;
use usipipo_domain::plan::PlanSpec;
use usipipo_storage::model::{KeyNodeSpec, NodeSpec};
use usipipo_storage::{Store, StoreError};

/// The root's name.
const ROOT: &str = "root";
/// Longest start of the children that every process has; they need nothing from outside, so this is never reached.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest wait for a killed tree to be gone.
const KILLED_WITHIN: Duration = Duration::from_secs(5);
/// Longest wait for the tree's picture.
const TREE_TIMEOUT: Duration = Duration::from_secs(4);

/// A server of the settings and who steers it.
#[derive(Clone)]
pub struct NodePart {
    /// As the settings describe it.
    pub spec: NodeSpec,
    /// Steers it.
    pub driver: Arc<dyn VpnDriver>,
}

/// A server of keys of the settings and who steers it.
#[derive(Clone)]
pub struct KeyNodePart {
    /// As the settings describe it.
    pub spec: KeyNodeSpec,
    /// Steers it.
    pub driver: Arc<dyn KeyDriver>,
}

/// What a system is made of.
pub struct SystemParts {
    /// The database, its schema up to date.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The way to Telegram.
    pub messenger: Arc<dyn Messenger>,
    /// Reads updates.
    pub parser: Arc<dyn UpdateParser>,
    /// Gets promotion tags.
    pub registrar: Arc<dyn PromotionRegistrar>,
    /// Long polling; `None` when updates come as webhooks.
    pub source: Option<Arc<dyn UpdateSource>>,
    /// The servers of tunnels.
    pub nodes: Vec<NodePart>,
    /// The servers of keys.
    pub key_nodes: Vec<KeyNodePart>,
    /// Makes drivers of the servers that admins add.
    pub drivers: Arc<dyn Drivers>,
    /// What is on offer.
    pub plans: Vec<PlanSpec>,
    /// What the operator decided.
    pub options: Options,
    /// Names this process and no other, ever.
    pub holder: String,
    /// Knows which other processes are dead, by such names.
    pub liveness: Arc<dyn Liveness>,
}

/// Why the tree does not start.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SystemError {
    /// Its root, or what every process has, does not start.
    #[error("the supervision tree does not start: {0}; this is a bug, please report it with the log")]
    Start(String),
}

/// Why updates were not accepted. Whoever sent them should send them again.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AcceptError {
    /// The inbox is being restarted, or is too busy.
    #[error("the inbox cannot take updates now: {0}")]
    Inbox(#[from] AskError),
    /// The database did not take them.
    #[error("updates cannot be stored: {0}")]
    Store(#[from] StoreError),
}

/// A running tree. Dropped without [`System::stop`], it is killed.
pub struct System {
    env: Arc<Env>,
    seat: Arc<Seat>,
    root: SupervisorRef,
    ended: watch::Receiver<bool>,
    given_up: Arc<OnceLock<String>>,
    polls: bool,
}

impl std::fmt::Debug for System {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("System").field("role", &self.role()).finish_non_exhaustive()
    }
}

impl Drop for System {
    fn drop(&mut self) {
        self.root.kill();
    }
}

impl System {
    /// Starts the tree. Returns when the inbox and the leader work, and does not wait for the lead.
    ///
    /// # Errors
    /// [`SystemError`]; a database that is away is none.
    pub async fn start(parts: SystemParts) -> Result<Self, SystemError> {
        let SystemParts {
            store,
            clock,
            messenger,
            parser,
            registrar,
            source,
            nodes,
            key_nodes,
            drivers,
            plans,
            options,
            holder,
            liveness,
        } = parts;
        let store = store.with_notice_hours(options.quiet, &options.tz);
        let directory = Directory::default();
        let env = Arc::new(Env { store, clock, messenger, parser, registrar, drivers, directory, options });
        let seat = Seat::new(holder, liveness, env.limits().lease_ttl);
        let (given_up, polls) = (Arc::new(OnceLock::new()), source.is_some());
        let alerts = alert_sink(&env);
        let make_duty = duty::maker(duty::Parts { nodes, key_nodes, plans, source }, Arc::clone(&alerts));
        let args = SupervisorArgs {
            name: ROOT.to_owned(),
            children: vec![inbox::spec(&env), leader::spec(&env, &seat, make_duty)],
            policy: Policy::from(env.limits()),
            alerts,
            roster: Roster::default(),
            given_up: Arc::clone(&given_up),
        };
        let (root, end) =
            Supervisor::spawn(None, Supervisor, args).await.map_err(|error| SystemError::Start(error.to_string()))?;
        let (tell, ended) = watch::channel(false);
        tokio::spawn(async move {
            let _ = end.await;
            let _ = tell.send(true);
        });
        let system = Self { env, seat, root, ended, given_up, polls };
        if let Err(error) = system.ask_root(START_TIMEOUT, SupervisorMsg::Settled).await {
            let reason = system.given_up.get().cloned().unwrap_or_else(|| error.to_string());
            return Err(SystemError::Start(reason));
        }
        Ok(system)
    }

    /// Makes updates durable; they are when this returns `Ok`. For webhooks.
    ///
    /// # Errors
    /// [`AcceptError`]; some of them may be stored all the same, which does no harm when they come again.
    pub async fn accept(&self, raw: Vec<Vec<u8>>) -> Result<(), AcceptError> {
        let updates = raw.into_iter().map(|raw| self.env.parser.peek(raw)).collect();
        let stored =
            self.env.directory.inbox.ask(self.env.limits().ask_timeout, |reply| InboxMsg::Accept { updates, reply });
        Ok(stored.await??)
    }

    /// What this process is now.
    #[must_use]
    pub fn role(&self) -> Role {
        *self.seat.role_changes().borrow()
    }

    /// What this process is, now and later.
    #[must_use]
    pub fn role_changes(&self) -> watch::Receiver<Role> {
        self.seat.role_changes()
    }

    /// The tree as it is now. Without an answer of the root, only the root.
    pub async fn tree(&self) -> TreeNode {
        self.ask_root(TREE_TIMEOUT, SupervisorMsg::Tree).await.unwrap_or_else(|_| TreeNode {
            name: ROOT.to_owned(),
            state: ChildState::Stopping,
            restarts: 0,
            queue: None,
            last_cause: self.given_up.get().cloned(),
            children: Vec::new(),
            more: Vec::new(),
        })
    }

    /// What must be right before this process can serve: name, whether it is, and why not.
    pub async fn readiness(&self) -> Vec<(String, bool, String)> {
        readiness::look(&self.env, self.role(), self.polls).await
    }

    /// The clock was moved: what time demands is looked at now.
    pub fn clock_moved(&self) {
        self.env.directory.sweeper.tell(SweeperMsg::ClockMoved);
    }

    /// Servers were added, changed or removed by somebody else: they are looked at now.
    pub fn servers_changed(&self) {
        let directory = &self.env.directory;
        directory.registry.tell(RegistryMsg::Look);
        let nodes: Vec<_> = directory.all_nodes().into_iter().map(|(id, _)| id).collect();
        directory.wake_nodes(&nodes);
    }

    /// Kills the actor at a path of the tree's names (`duty/outbox`, `duty/node/us-1`, `duty/router/*` for any session); its
    /// supervisor starts it again. For operators and for tests of chaos. `false` when nobody is there.
    pub async fn kill(&self, path: &str) -> bool {
        let path = path.to_owned();
        let found = self.ask_root(TREE_TIMEOUT, |reply| SupervisorMsg::Find { path, reply }).await;
        let Ok(Some(actor)) = found else { return false };
        actor.kill();
        true
    }

    /// Kills the whole tree as the end of the process would: nothing is finished, the lease is not given back. For tests.
    pub async fn crash(&self) {
        self.root.kill();
        self.has_ended().await;
    }

    /// Stops the tree in reverse order; what is in hand is finished, unless `hurry` completes before: then all actors are
    /// killed. The lease is given back either way.
    pub async fn stop(&self, hurry: impl Future<Output = ()> + Send) {
        self.root.stop(None);
        let hurry = pin!(hurry);
        tokio::select! {
            () = self.has_ended() => {}
            () = hurry => {
                self.root.kill();
                if tokio::time::timeout(KILLED_WITHIN, self.has_ended()).await.is_err() {
                    tracing::error!("the tree does not end");
                }
            }
        }
        // Done already, unless it was killed or gave itself up.
        self.seat.give_up(&self.env).await;
    }

    /// Resolves when the tree has ended: after [`System::stop`], or because it could not go on.
    pub async fn ended(&self) {
        self.has_ended().await;
        if let Some(reason) = self.given_up.get() {
            tracing::error!("the tree gave itself up: {reason}");
        }
    }

    /// The tree's surroundings, for tests.
    #[cfg(feature = "testing")]
    #[must_use]
    pub const fn env(&self) -> &Arc<Env> {
        &self.env
    }

    async fn has_ended(&self) {
        let mut ended = self.ended.clone();
        // An error means that the task which tells is gone, which is the end as well.
        let _ = ended.wait_for(|ended| *ended).await;
    }

    async fn ask_root<T: Send + 'static>(
        &self,
        timeout: Duration,
        message: impl FnOnce(RpcReplyPort<T>) -> SupervisorMsg,
    ) -> Result<T, AskError> {
        let (port, answer) = crate::ask::port(timeout);
        self.root.cast(message(port)).map_err(|_| AskError::Away)?;
        crate::ask::await_reply(answer, timeout).await
    }
}

/// Supervisors report to the alerts actor; while it is away they report to nobody, since its own end is in the log.
fn alert_sink(env: &Arc<Env>) -> AlertSink {
    let env = Arc::downgrade(env);
    Arc::new(move |message| {
        if let Some(env) = env.upgrade() {
            env.directory.alerts.tell(message);
        }
    })
}

#[cfg(all(test, feature = "testing"))]
mod tests;
