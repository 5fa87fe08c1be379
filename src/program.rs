//! The program: puts the edges and the supervision tree together, starts them in order and stops them in reverse.
//!
//! ```text
//! database → schema → keys → Bot API client → servers' drivers → tree → HTTP → admin socket
//! ```

pub mod database;
mod liveness;
mod nodes;
mod parts;
mod signals;
mod telegram;

use crate::admin::{Admin, AdminSocket, RestartAnswer, TreeAnswer};
use crate::clock::{DemoClock, SystemClock};
use crate::config::{Settings, TelegramMode};
use crate::drivers::KeyDrivers;
use crate::http::{self, HttpParts, HttpServer, Metrics};
use crate::telegram::api::Api;
use crate::telegram::messenger::TelegramMessenger;
use crate::telegram::parse::TelegramParser;
use crate::telegram::poll::Poller;
use crate::telegram::render::Renderer;
use crate::telegram::webhook;
use anyhow::Context as _;
use async_trait::async_trait;
use database::Database;
use secrecy::ExposeSecret as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use usipipo_actors::domain::ids::BotId;
use usipipo_actors::env::Options;
use usipipo_actors::leader::Role;
use usipipo_actors::ports::clock::Clock;
use usipipo_actors::ports::drivers::Drivers;
use usipipo_actors::ports::promotion::ByAdmin;
use usipipo_actors::ports::updates::UpdateSource;
use usipipo_actors::storage::{Store, Vault};
use usipipo_actors::system::{System, SystemParts};

/// Longest orderly stop; after it what is left is dropped. Rows make up for it at the next start.
const STOP_TIMEOUT: Duration = Duration::from_secs(25);

/// What to start with.
#[derive(Debug)]
pub struct Start {
    /// Checked already, with a token.
    pub settings: Settings,
    /// The demo's clock; real time without it.
    pub demo_clock: Option<Arc<DemoClock>>,
}

/// The running program.
pub struct Program {
    system: Arc<System>,
    http: HttpServer,
    metrics: HttpServer,
    admin: AdminSocket,
    background: Vec<JoinHandle<()>>,
    database: Database,
    servers: Vec<String>,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("http", &self.http.address()).finish_non_exhaustive()
    }
}

impl Program {
    /// Starts everything; returns when the tree runs and the addresses are listened on.
    ///
    /// # Errors
    /// One sentence that says what is wrong and what to do.
    pub async fn start(start: Start) -> anyhow::Result<Self> {
        let Start { settings, demo_clock } = start;
        let token = settings.telegram.token.clone().context("telegram.token is missing; get one from @BotFather")?;
        crate::telemetry::hide(&token);
        if let Some(secret) = &settings.telegram.webhook_secret {
            crate::telemetry::hide(secret);
        }
        let metrics = Metrics::install()?;
        usipipo_actors::metrics::describe_all();
        // An address in use is told before anything else is started.
        for (key, address) in [("http.listen", settings.http_listen), ("metrics.listen", settings.metrics_listen)] {
            HttpServer::start(key, address, axum::Router::new()).await?.stop().await;
        }
        let database = Database::open(&settings).await?;
        match Self::start_on(&settings, token, demo_clock, &metrics, &database).await {
            Ok((system, http, metrics, admin, background, servers)) => {
                Ok(Self { system, http, metrics, admin, background, database, servers })
            }
            Err(error) => {
                database.close().await;
                Err(error)
            }
        }
    }

    async fn start_on(
        settings: &Settings,
        token: secrecy::SecretString,
        demo_clock: Option<Arc<DemoClock>>,
        metrics: &Metrics,
        database: &Database,
    ) -> anyhow::Result<Running> {
        for migration in Store::migrate(&database.options).await? {
            tracing::info!(migration, "the database was brought up to date");
        }
        let vault = Vault::open_or_create(&database::key_file(settings))?;
        let store = Store::connect(&database.options, vault)?;
        let clock: Arc<dyn Clock> = match &demo_clock {
            Some(clock) => Arc::clone(clock) as Arc<dyn Clock>,
            None => Arc::new(SystemClock),
        };
        let api = Arc::new(Api::new(&token, &settings.telegram.api_url)?);
        let options = parts::options(settings, bot_id(&token));
        let renderer =
            Renderer::new(Arc::new(store.clone()), Arc::clone(&options.staff), parts::render_options(settings));
        let messenger = TelegramMessenger::new(
            Arc::clone(&api),
            renderer,
            Arc::clone(&clock),
            crate::wireguard::client_config::write,
        );
        let source: Option<Arc<dyn UpdateSource>> = match settings.telegram.mode {
            TelegramMode::Poll => Some(Arc::new(Poller::new(Arc::clone(&api)))),
            TelegramMode::Webhook => None,
        };
        let (nodes, tunnels) = nodes::parts(settings).await?;
        let mut servers: Vec<String> = tunnels.iter().map(nodes::Tunnel::sentence).collect();
        let drivers: Arc<dyn Drivers> = Arc::new(KeyDrivers::new(Arc::clone(&clock)));
        let (key_nodes, others) = nodes::key_parts(&settings.key_nodes, &store, &*drivers).await?;
        servers.extend(others);
        let machine = liveness::Machine::here();
        let system = System::start(SystemParts {
            store,
            clock,
            messenger: Arc::new(messenger),
            parser: Arc::new(TelegramParser),
            registrar: Arc::new(ByAdmin),
            source,
            nodes,
            key_nodes,
            drivers,
            plans: settings.plans.clone(),
            options,
            holder: machine.own_name(),
            liveness: Arc::new(machine),
        })
        .await?;
        let system = Arc::new(system);
        match Self::listen(settings, &system, demo_clock.as_ref(), metrics, &api).await {
            Ok((http, metrics, admin, background)) => Ok((system, http, metrics, admin, background, servers)),
            Err(error) => {
                system.stop(std::future::pending()).await;
                Err(error)
            }
        }
    }

    async fn listen(
        settings: &Settings,
        system: &Arc<System>,
        demo_clock: Option<&Arc<DemoClock>>,
        metrics: &Metrics,
        api: &Arc<Api>,
    ) -> anyhow::Result<(HttpServer, HttpServer, AdminSocket, Vec<JoinHandle<()>>)> {
        let telegram = &settings.telegram;
        let webhook = match (telegram.mode, &telegram.webhook_url, &telegram.webhook_secret) {
            (TelegramMode::Webhook, Some(url), Some(secret)) => {
                let sink = Arc::new(parts::Intake(Arc::clone(system)));
                Some(webhook::routes(&webhook::path_of(url), secret.clone(), sink))
            }
            _ => None,
        };
        let readiness = Arc::new(parts::Ready(Arc::clone(system)));
        let http_parts = HttpParts { readiness, webhook, demo_clock: demo_clock.cloned() };
        let http = http::start(settings.http_listen, http_parts).await?;
        let metrics = http::start_metrics(settings.metrics_listen, metrics).await?;
        let admin = AdminSocket::start(&settings.data_dir, Arc::new(Operator(Arc::clone(system)))).await?;
        let mut background = vec![telegram::set_up(Arc::clone(api), settings.telegram.clone())];
        if let Some(clock) = demo_clock {
            background.push(parts::follow_clock(clock, Arc::clone(system)));
        }
        tracing::info!(http = %http.address(), metrics = %metrics.address(), "uSipipo runs");
        Ok((http, metrics, admin, background))
    }

    /// Where health and webhooks are served.
    #[must_use]
    pub const fn http_address(&self) -> std::net::SocketAddr {
        self.http.address()
    }

    /// Where metrics are served.
    #[must_use]
    pub const fn metrics_address(&self) -> std::net::SocketAddr {
        self.metrics.address()
    }

    /// What each server is and where its users connect, in a sentence each.
    #[must_use]
    pub fn servers(&self) -> &[String] {
        &self.servers
    }

    /// Runs until SIGINT or SIGTERM, or until `reason` to stop comes, then stops in order; a (second) signal hurries.
    ///
    /// # Errors
    /// The reason, or that the tree gave up by itself: then whoever started the program should start it again.
    pub async fn run_until_signalled(self, reason: impl Future<Output = anyhow::Error>) -> anyhow::Result<()> {
        let mut signals = signals::Signals::new()?;
        let outcome = tokio::select! {
            name = signals.next() => {
                tracing::info!(signal = name, "stopping; a second signal hurries");
                Ok(())
            }
            reason = reason => Err(reason),
            () = self.system.ended() => Err(anyhow::anyhow!(
                "the program could not go on: an actor that nothing works without crashed again and again; its errors stand \
                 in the log above; start the program again"
            )),
        };
        self.stop(async move {
            signals.next().await;
            tracing::warn!("hurrying");
        })
        .await;
        outcome
    }

    /// Stops in order; what is in hand is finished, unless `hurry` completes before.
    pub async fn stop(self, hurry: impl Future<Output = ()> + Send + 'static) {
        let Self { system, http, metrics, admin, background, database, servers: _ } = self;
        drop(admin);
        for task in background {
            task.abort();
        }
        // First no more webhooks; those in hand are stored.
        http.stop().await;
        if tokio::time::timeout(STOP_TIMEOUT, system.stop(hurry)).await.is_err() {
            tracing::warn!("some actors did not end in time and were left; their rows bring their work back");
        }
        metrics.stop().await;
        drop(system);
        database.close().await;
    }
}

type Running = (Arc<System>, HttpServer, HttpServer, AdminSocket, Vec<JoinHandle<()>>, Vec<String>);

/// A token begins with the bot's id; the settings were checked.
fn bot_id(token: &secrecy::SecretString) -> BotId {
    let id = token.expose_secret().split(':').next().and_then(|id| id.parse().ok());
    BotId(id.unwrap_or_default())
}

/// Answers the operator.
struct Operator(Arc<System>);

#[async_trait]
impl Admin for Operator {
    async fn tree(&self) -> TreeAnswer {
        let role = match self.0.role() {
            Role::Starting => "starting".to_owned(),
            Role::Leader(epoch) => format!("leader, epoch {}", epoch.0),
            Role::Standby => "standby".to_owned(),
            Role::Stopping => "stopping".to_owned(),
        };
        TreeAnswer { role, tree: self.0.tree().await }
    }

    async fn restart(&self, path: &str) -> RestartAnswer {
        tracing::warn!(path, "the operator restarts an actor");
        RestartAnswer { killed: self.0.kill(path).await }
    }

    async fn servers(&self) {
        self.0.servers_changed();
    }
}

/// What the operator decided, as the tree wants it.
#[must_use]
pub fn options(settings: &Settings, bot: BotId) -> Options {
    parts::options(settings, bot)
}
