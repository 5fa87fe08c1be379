//! Supervision: a budget and a back-off for each child, not for all together.
//!
//! The first restart comes at once, the next ones after a wait that doubles. A child that crashes too often within a window is
//! given up: a core child takes its supervisor along (whose own supervisor then decides), another one rests and is tried again
//! after a while, and admins are told. A crash that only says that the database is away costs a wait and nothing of the budget:
//! otherwise a minute without a database would end the process.
//!
//! Starting a child runs in a task of its own, since `pre_start` may read rows for a while and a supervisor is one mailbox.
//! Children are started in order, each when the one before has started or failed, and are stopped in reverse order.

mod actor;
mod child;
mod guard;
mod nested;
pub mod policy;
mod tree;

pub use actor::{AlertSink, GivenUp, Supervisor, SupervisorArgs, SupervisorState};
pub use child::Roster;
pub use guard::{Fault, Faults, Panicked};
pub use nested::{Prepare, nested};

use crate::env::Env;
use ractor::{Actor, ActorCell, ActorRef, RpcReplyPort, SpawnErr};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use usipipo_storage::StoreError;

/// What happens when a child's budget is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Importance {
    /// Nothing works without it: the supervisor ends with an error.
    Core,
    /// The rest goes on: it rests for a while.
    Worker,
}

/// A future in a box.
pub type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Starts a child linked to the supervisor it is given.
pub type StartChild = Arc<dyn Fn(ActorCell) -> Boxed<Result<ActorCell, SpawnErr>> + Send + Sync>;

/// Tells people more about a running child; must answer soon.
pub type Describe = Arc<dyn Fn() -> Boxed<Description> + Send + Sync>;

/// What a child's own account adds to its [`TreeNode`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description {
    /// Messages that wait in its mailbox.
    pub queue: Option<u64>,
    /// Children not listed one by one, by state.
    pub more: Vec<(String, u64)>,
}

/// A child as its supervisor knows it.
#[derive(Clone)]
pub struct ChildSpec {
    /// Unique among its siblings, for people: `node/us-1`.
    pub name: String,
    /// As metrics label it: `node`.
    pub kind: &'static str,
    /// What its end means.
    pub importance: Importance,
    /// Longest wait for it to end when it is stopped.
    pub stop_timeout: Duration,
    /// Starts it.
    pub start: StartChild,
    /// Its own account of itself, where there is one.
    pub describe: Option<Describe>,
}

impl fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec")
            .field("name", &self.name)
            .field("importance", &self.importance)
            .finish_non_exhaustive()
    }
}

impl ChildSpec {
    /// A core child. `make` gives the actor and its arguments anew for each start; `kind` is its label in metrics.
    pub fn new<A: Actor>(
        env: &Env,
        kind: &'static str,
        name: impl Into<String>,
        make: impl Fn() -> (A, A::Arguments) + Send + Sync + 'static,
    ) -> Self {
        Self::with(&env.directory.faults, env.limits().stop_timeout, kind, name, make)
    }

    /// The same without an [`Env`].
    pub fn with<A: Actor>(
        faults: &Faults,
        stop_timeout: Duration,
        kind: &'static str,
        name: impl Into<String>,
        make: impl Fn() -> (A, A::Arguments) + Send + Sync + 'static,
    ) -> Self {
        let name = name.into();
        let start = guard::starter(faults, &name, make);
        Self { name, kind, importance: Importance::Core, stop_timeout, start, describe: None }
    }

    /// The rest goes on without it.
    #[must_use]
    pub fn worker(mut self) -> Self {
        self.importance = Importance::Worker;
        self
    }

    /// Another longest wait for its end.
    #[must_use]
    pub const fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = timeout;
        self
    }

    /// How many messages wait in its mailbox, usually [`crate::directory::Slot::depth`].
    #[must_use]
    pub fn queue(self, depth: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.described(move || {
            let queue = Some(depth());
            Box::pin(std::future::ready(Description { queue, more: Vec::new() }))
        })
    }

    /// Its own account of itself.
    #[must_use]
    pub fn described(mut self, describe: impl Fn() -> Boxed<Description> + Send + Sync + 'static) -> Self {
        self.describe = Some(Arc::new(describe));
        self
    }
}

/// Where a child stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChildState {
    /// Its start is under way.
    Starting,
    /// It works.
    Running,
    /// It crashed, or waits for those before it, and will be started.
    Waiting,
    /// It crashed too often and rests.
    Resting,
    /// It was told to stop.
    Stopping,
}

/// A part of the tree, for people.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TreeNode {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: ChildState,
    /// Restarts since its supervisor started.
    pub restarts: u64,
    /// Messages that wait in its mailbox, where that is known.
    pub queue: Option<u64>,
    /// The last cause of a restart.
    pub last_cause: Option<String>,
    /// What it supervises.
    pub children: Vec<TreeNode>,
    /// Children not listed one by one (sessions), by state.
    pub more: Vec<(String, u64)>,
}

impl TreeNode {
    /// The part at a path of names joined by `/`, seen from this one: `duty/node/us-1`.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Self> {
        self.children.iter().find_map(|child| match path.strip_prefix(child.name.as_str())? {
            "" => Some(child),
            rest => child.find(rest.strip_prefix('/')?),
        })
    }
}

/// Why a child did not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartFailure {
    /// What happened.
    pub message: String,
    /// Only the database was away.
    pub passing: bool,
}

/// Messages of a supervisor.
#[derive(Debug)]
pub enum SupervisorMsg {
    /// Takes on a child and starts it after those added before; one whose name is taken is ignored.
    Add(ChildSpec),
    /// Stops a child and forgets it; the answer comes when it has ended.
    Remove {
        /// Its name.
        name: String,
        /// Longest wait before it is killed; `None` for its own.
        within: Option<Duration>,
        /// Whether there was one.
        reply: RpcReplyPort<bool>,
    },
    /// A start under way ended.
    Started {
        /// The child's name.
        name: String,
        /// The attempt it belongs to.
        attempt: u64,
        /// How it went.
        result: Result<ActorCell, StartFailure>,
    },
    /// The wait before a restart is over.
    StartAgain {
        /// The child's name.
        name: String,
        /// The attempt it belongs to.
        attempt: u64,
    },
    /// A child that had rested was started so long ago that it counts as well again.
    RanWell {
        /// The child's name.
        name: String,
        /// The attempt it belongs to.
        attempt: u64,
    },
    /// A child that was to be removed has ended.
    Removed(String),
    /// Answers when each child has been started once, or failed to.
    Settled(RpcReplyPort<()>),
    /// The actor at this path (see [`TreeNode::find`]); `…/*` is any of those that the actor at `…` supervises.
    Find {
        /// Names joined by `/`.
        path: String,
        /// The actor, if it runs.
        reply: RpcReplyPort<Option<ActorCell>>,
    },
    /// The part of the tree under this supervisor.
    Tree(RpcReplyPort<TreeNode>),
}

/// A supervisor.
pub type SupervisorRef = ActorRef<SupervisorMsg>;

/// Whether an error, or what caused it, only says that the database is away.
fn is_passing(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .any(|error| error.downcast_ref::<StoreError>().is_some_and(StoreError::is_transient))
}

#[cfg(all(test, feature = "testing"))]
mod tests;
