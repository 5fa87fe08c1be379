//! telemt, simulated: the HTTP API of each instance at a port of its own, and, if asked for, a proxy port that really takes the
//! handshakes of its users' secrets and answers as a data centre would.
//!
//! [`state`] holds the configuration file and the counters, [`users`] the rules for users, [`api`] the endpoints, [`config`]
//! those of the configuration, [`proxy`] the proxy port, with [`obfuscated`] and [`fake_tls`] for its two handshakes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::door::Door;
use crate::door::Mode;
use crate::servers::Simulated;
use crate::servers::take_one;
use crate::world::Shared;
use crate::world::World;
use crate::world::lock;

pub mod api;
pub mod config;
pub mod fake_tls;
pub mod obfuscated;
pub mod proxy;
pub mod state;
pub mod users;

use state::File;
use state::State;

/// Instances at once.
pub const MAX_SERVERS: usize = 100;

/// What the data centre behind a proxy does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataCentre {
    /// It answers.
    #[default]
    Up,
    /// It answers with the transport's error -404.
    Error,
    /// It never answers.
    Silent,
}

/// How an instance behaves; the faults of it are changed by the control API.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Habits {
    /// What its ports do.
    pub mode: Mode,
    /// Every call takes so long, in milliseconds.
    pub slow_ms: u64,
    /// So many calls to come that change something take effect and are never answered.
    pub lose_answers: u32,
    /// So many calls to come fail with `internal_error` before they take effect.
    pub errors: u32,
    /// The running configuration takes over a change so long after the answer, in milliseconds.
    pub ready_after_ms: u64,
    /// Answers `api_disabled`.
    pub api_disabled: bool,
    /// Answers `forbidden`, as to an address that is not on the list.
    pub forbidden: bool,
    /// Answers `read_only` to changes.
    pub read_only: bool,
    /// `/health/ready` says that it is not.
    pub not_ready: bool,
    /// What the data centre does.
    pub data_centre: DataCentre,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            mode: Mode::Up,
            slow_ms: 0,
            lose_answers: 0,
            errors: 0,
            ready_after_ms: 100,
            api_disabled: false,
            forbidden: false,
            read_only: false,
            not_ready: false,
            data_centre: DataCentre::Up,
        }
    }
}

/// An instance to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// For the control API.
    pub name: String,
    /// Of the API; port 0 for a free one.
    pub listen: SocketAddr,
    /// Of the proxy, if there is to be one.
    pub proxy: Option<SocketAddr>,
    /// What `Authorization` must be; empty for anything.
    pub auth_header: String,
    /// How it behaves.
    pub habits: Habits,
    /// Its configuration file.
    pub file: File,
    /// Bytes that count towards quotas.
    pub quota_used: BTreeMap<String, u64>,
}

/// What the process runs with.
#[derive(Clone, Debug)]
pub struct Running {
    generation: u64,
    /// The file as it was taken over.
    pub file: Arc<File>,
}

/// A running instance.
#[derive(Debug)]
pub struct Server {
    /// For the control API.
    pub name: String,
    /// What `Authorization` must be; empty for anything.
    pub auth_header: String,
    /// Where the proxy listens.
    pub proxy: Option<SocketAddr>,
    state: Mutex<State>,
    habits: Mutex<Habits>,
    /// What the process has taken over so far.
    pub running: watch::Sender<Running>,
    generation: Mutex<u64>,
    door: Door,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Simulated for Server {
    type Plan = Plan;

    fn name(&self) -> &str {
        &self.name
    }

    async fn start(world: &Shared, plan: Plan) -> anyhow::Result<Arc<Self>> {
        let (door, listener) = Door::bind(plan.listen)
            .await
            .with_context(|| format!("cannot listen on {} for telemt", plan.listen))?;
        let proxy = match plan.proxy {
            None => None,
            Some(address) => {
                let listener = TcpListener::bind(address).await;
                Some(listener.with_context(|| format!("cannot listen on {address} for a proxy"))?)
            }
        };
        let file = Arc::new(plan.file.clone());
        let server = Arc::new(Self {
            name: plan.name,
            auth_header: plan.auth_header,
            proxy: proxy.as_ref().map(TcpListener::local_addr).transpose()?,
            state: Mutex::new(State::new(plan.file, plan.quota_used, world.clock.now())),
            running: watch::Sender::new(Running {
                generation: 0,
                file,
            }),
            generation: Mutex::default(),
            door,
            tasks: Mutex::default(),
            habits: Mutex::new(plan.habits),
        });
        let app = api::routes(world.clone(), server.clone());
        server.door.serve(listener, None, app);
        if let Some(listener) = proxy {
            let task = tokio::spawn(proxy::run(world.clone(), server.clone(), listener));
            lock(&server.tasks).push(task);
        }
        let mode = server.habits().mode;
        server.door.set(mode).await;
        Ok(server)
    }

    fn saved(&self) -> Plan {
        let state = self.state();
        Plan {
            name: self.name.clone(),
            listen: self.door.address(),
            proxy: self.proxy,
            auth_header: self.auth_header.clone(),
            habits: self.habits(),
            file: state.file.clone(),
            quota_used: state.quota_used.clone(),
        }
    }

    fn close(&self) -> Vec<JoinHandle<()>> {
        let mut tasks: Vec<JoinHandle<()>> = lock(&self.tasks).drain(..).collect();
        tasks.extend(self.door.close());
        for task in &tasks {
            task.abort();
        }
        tasks
    }
}

impl Server {
    /// The API's base, without `/v1`.
    pub fn url(&self) -> String {
        format!("http://{}", self.door.address())
    }

    /// Its state, for a few instructions.
    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// What it runs with.
    pub fn running(&self) -> Arc<File> {
        self.running.borrow().file.clone()
    }

    /// How it behaves now.
    pub fn habits(&self) -> Habits {
        lock(&self.habits).clone()
    }

    /// Changes how it behaves; returns when it is so.
    pub async fn set_habits(&self, habits: Habits) {
        let mode = habits.mode;
        *lock(&self.habits) = habits;
        self.door.set(mode).await;
    }

    /// Takes one of the calls that are to fail.
    pub fn takes_error(&self) -> bool {
        take_one(&mut lock(&self.habits).errors)
    }

    /// Takes one of the answers that are to be lost.
    pub fn loses_answer(&self) -> bool {
        take_one(&mut lock(&self.habits).lose_answers)
    }

    /// Changes the state and has the process take the file over.
    ///
    /// # Errors
    /// What `change` refuses; it must leave the state as it was then.
    pub fn change<T, E>(
        self: &Arc<Self>,
        world: &World,
        change: impl FnOnce(&mut State) -> Result<T, E>,
    ) -> Result<T, E> {
        let changed = {
            let mut state = self.state();
            let changed = change(&mut state)?;
            let after = lock(&self.habits).ready_after_ms;
            self.take_over(&state.file, Duration::from_millis(after));
            changed
        };
        world.touch();
        Ok(changed)
    }

    /// Lets the running configuration know at once whether a user is enabled, as the calls for that do.
    pub fn admit(&self, name: &str, enabled: bool) {
        self.running.send_if_modified(|running| {
            let mut file = (*running.file).clone();
            let user = file.users.get_mut(name);
            let changed =
                user.is_some_and(|user| std::mem::replace(&mut user.enabled, enabled) != enabled);
            running.file = Arc::new(file);
            changed
        });
    }

    fn take_over(self: &Arc<Self>, file: &File, after: Duration) {
        let generation = {
            let mut generation = lock(&self.generation);
            *generation += 1;
            *generation
        };
        let file = Arc::new(file.clone());
        let next = Running { generation, file };
        let server = self.clone();
        let apply = move || {
            server.running.send_if_modified(|running| {
                let newer = running.generation < next.generation;
                if newer {
                    *running = next;
                }
                newer
            });
        };
        if after.is_zero() {
            apply();
            return;
        }
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            apply();
        });
    }

    /// The process ends and starts anew: counters at zero, the file as it is on the disk, connections cut.
    pub async fn restart(self: &Arc<Self>, world: &World) {
        let mode = self.habits().mode;
        self.door.set(Mode::Refuse).await;
        {
            let mut state = self.state();
            *state = State::new(
                state.file.clone(),
                state.quota_used.clone(),
                world.clock.now(),
            );
            self.take_over(&state.file, Duration::ZERO);
        }
        self.door.set(mode).await;
    }
}
