//! Simulated servers of one kind, by name: those that run, and those that a state between runs holds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;

use tokio::task::JoinHandle;

use crate::world::Shared;
use crate::world::lock;

/// A server that can be ended and begun again.
pub trait Simulated: Sized + Send + Sync {
    /// What it is made of, and what is kept of it between runs.
    type Plan: Send;

    /// For the control API.
    fn name(&self) -> &str;

    /// Starts it.
    ///
    /// # Errors
    /// When a port cannot be had, or a program that it asks for is missing.
    fn start(
        world: &Shared,
        plan: Self::Plan,
    ) -> impl Future<Output = anyhow::Result<Arc<Self>>> + Send;

    /// The plan that makes it again as it is.
    fn saved(&self) -> Self::Plan;

    /// The same plan on a machine that may lack what the earlier one had.
    #[must_use]
    fn resumable(plan: Self::Plan) -> Self::Plan {
        plan
    }

    /// Ends it; its ports are free when these tasks are over.
    fn close(&self) -> Vec<JoinHandle<()>>;
}

/// All servers of a kind.
#[derive(Debug)]
pub struct Servers<S: Simulated> {
    running: Mutex<BTreeMap<String, Arc<S>>>,
    /// Read from the state between runs and not started yet.
    loaded: Mutex<Vec<S::Plan>>,
}

impl<S: Simulated> Default for Servers<S> {
    fn default() -> Self {
        Self {
            running: Mutex::default(),
            loaded: Mutex::default(),
        }
    }
}

impl<S: Simulated> Servers<S> {
    /// One of them.
    pub fn get(&self, name: &str) -> Option<Arc<S>> {
        lock(&self.running).get(name).cloned()
    }

    /// All of them.
    pub fn all(&self) -> Vec<Arc<S>> {
        lock(&self.running).values().cloned().collect()
    }

    /// Adds one that runs; `false` when there is one of that name by now.
    pub fn add(&self, server: &Arc<S>) -> bool {
        let mut running = lock(&self.running);
        let free = !running.contains_key(server.name());
        if free {
            running.insert(server.name().to_owned(), server.clone());
        }
        free
    }

    /// Ends one.
    pub fn remove(&self, name: &str) -> bool {
        let removed = lock(&self.running).remove(name);
        if let Some(server) = &removed {
            server.close();
        }
        removed.is_some()
    }

    /// Ends all; their ports are free a moment later.
    pub fn clear(&self) {
        for server in std::mem::take(&mut *lock(&self.running)).into_values() {
            server.close();
        }
    }

    /// Ends all, and returns when their ports are free.
    pub async fn stop(&self) {
        let servers = std::mem::take(&mut *lock(&self.running));
        for task in servers.values().flat_map(|server| server.close()) {
            // It was aborted, and says so.
            let _ = task.await;
        }
    }

    /// For the state between runs.
    pub fn saved(&self) -> Vec<S::Plan> {
        self.all().iter().map(|server| server.saved()).collect()
    }

    /// From the state between runs, to be started by [`Servers::resume`].
    pub fn load(&self, plans: Vec<S::Plan>) {
        *lock(&self.loaded) = plans;
    }

    /// Starts what was loaded, at the ports it had.
    ///
    /// # Errors
    /// When one of them cannot start.
    pub async fn resume(&self, world: &Shared) -> anyhow::Result<()> {
        let plans = std::mem::take(&mut *lock(&self.loaded));
        for plan in plans {
            let server = S::start(world, S::resumable(plan)).await?;
            self.add(&server);
        }
        Ok(())
    }
}

/// Takes one of those to come; `false` when there is none left.
pub fn take_one(left: &mut u32) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}
