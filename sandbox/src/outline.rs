//! Outline servers, simulated: the management API of each at an HTTPS port of its own, with its odd habits, and behind it, if
//! asked for, real Shadowsocks.
//!
//! [`state`] holds the keys and the 30-day window, [`create`] the rules for new keys, [`api`] the endpoints, [`metrics`] the
//! experimental ones, [`certificate`] the self-signed certificate, and [`shadowsocks`] lets bytes really flow.

use std::collections::HashMap;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::door::Door;
use crate::door::Mode;
use crate::random;
use crate::servers::Simulated;
use crate::servers::take_one;
use crate::world::Shared;
use crate::world::World;
use crate::world::lock;

pub mod api;
pub mod certificate;
pub mod create;
pub mod metrics;
pub mod shadowsocks;
pub mod state;

use certificate::Certificate;
use state::Key;
use state::State;

/// Servers at once.
pub const MAX_SERVERS: usize = 100;
/// Whether the hourly comparison of limits is due is looked at so often.
const TICK_EVERY: Duration = Duration::from_millis(100);

/// How a server behaves; the faults of it are changed by the control API.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Habits {
    /// What its management port does.
    pub mode: Mode,
    /// Every call takes so long, in milliseconds.
    pub slow_ms: u64,
    /// So many calls to come that change something take effect and are never answered.
    pub lose_answers: u32,
    /// So many calls to come fail with 500 before they take effect.
    pub errors: u32,
    /// The proxy takes over a change so long after the answer, in milliseconds.
    pub ready_after_ms: u64,
    /// A change takes so long per key, in microseconds, since all is written anew.
    pub rewrite_us_per_key: u64,
    /// Ports that something else on the machine has.
    pub busy_ports: Vec<u16>,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            mode: Mode::Up,
            slow_ms: 0,
            lose_answers: 0,
            errors: 0,
            ready_after_ms: 200,
            rewrite_us_per_key: 0,
            busy_ports: Vec::new(),
        }
    }
}

/// A server to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// For the control API.
    pub name: String,
    /// Of the management port; port 0 for a free one.
    pub listen: SocketAddr,
    /// The secret part of the address.
    pub prefix: String,
    /// Its certificate.
    pub certificate: Certificate,
    /// Whether Shadowsocks runs behind it.
    pub real: bool,
    /// How it behaves.
    pub habits: Habits,
    /// What it knows.
    pub state: State,
}

/// A key as the proxy knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Where it is served.
    pub port: u16,
    /// With this password.
    pub password: String,
    /// And this cipher.
    pub method: String,
}

/// The proxy's configuration, by id.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    generation: u64,
    /// Those that work.
    pub keys: Arc<HashMap<String, Served>>,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// For the control API.
    pub name: String,
    /// The secret part of the address.
    pub prefix: String,
    /// Whether Shadowsocks runs behind it.
    pub real: bool,
    certificate: Certificate,
    cert_sha256: String,
    state: Mutex<State>,
    habits: Mutex<Habits>,
    /// Held by whoever changes something: there is one configuration file.
    turn: tokio::sync::Mutex<()>,
    /// What the proxy has taken over so far.
    pub configuration: watch::Sender<Configuration>,
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
        let program = plan.real.then(shadowsocks::program).transpose()?;
        let (door, listener) = Door::bind(plan.listen)
            .await
            .with_context(|| format!("cannot listen on {} for Outline", plan.listen))?;
        let server = Arc::new(Self {
            name: plan.name,
            prefix: plan.prefix,
            real: plan.real,
            cert_sha256: plan.certificate.sha256()?,
            state: Mutex::new(plan.state),
            turn: tokio::sync::Mutex::default(),
            configuration: watch::Sender::default(),
            generation: Mutex::default(),
            door,
            tasks: Mutex::default(),
            habits: Mutex::new(plan.habits),
            certificate: plan.certificate,
        });
        // A proxy that starts serves what is in its file.
        let keys = server.wanted(&server.state());
        server.configuration.send_replace(Configuration {
            generation: 0,
            keys,
        });
        let app = api::routes(world.clone(), server.clone());
        server
            .door
            .serve(listener, Some(server.certificate.acceptor()?), app);
        server.spawn(ticking(world.clone(), server.clone()));
        if let Some(program) = program {
            server.spawn(shadowsocks::run(world.clone(), server.clone(), program));
        }
        let mode = server.habits().mode;
        server.door.set(mode).await;
        Ok(server)
    }

    fn saved(&self) -> Plan {
        Plan {
            name: self.name.clone(),
            listen: self.door.address(),
            prefix: self.prefix.clone(),
            certificate: self.certificate.clone(),
            real: self.real,
            habits: self.habits(),
            state: self.state().clone(),
        }
    }

    fn resumable(plan: Plan) -> Plan {
        // Without its program a server goes on as a simulated one.
        let real = plan.real && shadowsocks::program().is_ok();
        Plan { real, ..plan }
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
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        lock(&self.tasks).push(tokio::spawn(task));
    }

    /// What it is reached by.
    pub fn api_url(&self) -> String {
        format!("https://{}/{}", self.door.address(), self.prefix)
    }

    /// The hash that its installer prints.
    pub fn cert_sha256(&self) -> &str {
        &self.cert_sha256
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.door.address()
    }

    /// Its state, for a few instructions.
    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
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

    /// Whether a port is free on its machine.
    pub fn is_free(&self, port: u16) -> bool {
        let address = self.door.address();
        if port == address.port() || lock(&self.habits).busy_ports.contains(&port) {
            return false;
        }
        // Other simulated servers have machines of their own, as far as nothing is really bound.
        !self.real || TcpListener::bind(SocketAddr::new(address.ip(), port)).is_ok()
    }

    /// Where its keys are served.
    pub fn ip(&self) -> IpAddr {
        self.door.address().ip()
    }

    /// Changes the state, one change at a time and as slow as the many keys make it, and has the proxy take it over.
    ///
    /// # Errors
    /// What `change` refuses.
    pub async fn change<T, E>(
        self: &Arc<Self>,
        world: &World,
        change: impl FnOnce(&mut State) -> Result<T, E>,
    ) -> Result<T, E> {
        let _turn = self.turn.lock().await;
        let per_key = lock(&self.habits).rewrite_us_per_key;
        let keys = u64::try_from(self.state().keys.len()).unwrap_or(u64::MAX);
        tokio::time::sleep(Duration::from_micros(per_key.saturating_mul(keys))).await;
        let changed = {
            let mut state = self.state();
            let changed = change(&mut state)?;
            self.take_over(&state);
            changed
        };
        world.touch();
        Ok(changed)
    }

    /// Compares what flowed with the limits, if that is due.
    pub fn tick(self: &Arc<Self>, world: &World) {
        let now = world.clock.now();
        let mut state = self.state();
        if state.is_due(now) {
            if state.enforce(now) {
                self.take_over(&state);
            }
            world.touch();
        }
    }

    fn wanted(&self, state: &State) -> Arc<HashMap<String, Served>> {
        let keys = state.keys.iter().filter(|key| !key.over_limit);
        let served = |key: &Key| Served {
            port: key.port,
            password: key.password.clone(),
            method: key.method.clone(),
        };
        Arc::new(keys.map(|key| (key.id.clone(), served(key))).collect())
    }

    /// The proxy takes over this state, after its while.
    fn take_over(self: &Arc<Self>, state: &State) {
        let keys = self.wanted(state);
        let generation = {
            let mut generation = lock(&self.generation);
            *generation += 1;
            *generation
        };
        let next = Configuration { generation, keys };
        let after = lock(&self.habits).ready_after_ms;
        let server = self.clone();
        let apply = move || {
            server.configuration.send_if_modified(|current| {
                let newer = current.generation < next.generation;
                if newer {
                    *current = next;
                }
                newer
            });
        };
        if after == 0 {
            apply();
            return;
        }
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(after)).await;
            apply();
        });
    }
}

/// The secret part of an address: 16 random bytes.
pub fn new_prefix() -> String {
    URL_SAFE_NO_PAD.encode(random::bytes::<16>())
}

async fn ticking(world: Shared, server: Arc<Server>) {
    loop {
        tokio::time::sleep(TICK_EVERY).await;
        server.tick(&world);
    }
}

/// A program in `$USIPIPO_TOOLS_DIR/bin` or `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let tools = std::env::var_os("USIPIPO_TOOLS_DIR").map(|tools| PathBuf::from(tools).join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    tools
        .into_iter()
        .chain(std::env::split_paths(&path))
        .map(|directory| directory.join(name))
        .find(|program| program.is_file())
}
