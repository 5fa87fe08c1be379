//! Settings: `usipipo.toml`, overridden by the environment, checked as a whole.
//!
//! `usipipo.sample.toml` explains every key. `telegram.token` is `USIPIPO_TELEGRAM__TOKEN` in the environment; a list is
//! written there with commas. An unknown key is an error with a suggestion. All errors are reported together, each with
//! its key, where the value came from and what to do.

mod error;
mod nodes;
mod notices;
mod plans;
mod read;
mod schema;
mod show;
mod source;

pub use error::{ConfigError, Problem};
pub use nodes::{
    KeyNodeSettings, KeyServer, NodeDriver, NodeMode, NodeSettings, OUTLINE_CAPACITY, PoolPurpose, PoolSettings,
    TELEMT_CAPACITY,
};
pub use notices::Quiet;
pub use read::Shown;
pub use show::render;
pub use source::Origin;

use chrono_tz::Tz;
use read::{Reader, choice};
use secrecy::{ExposeSecret as _, SecretString};
use source::Given;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;
use usipipo_actors::domain::lifecycle::GRACE;
use usipipo_actors::domain::plan::PlanSpec;
use usipipo_actors::domain::service::SERVICES_MAX;

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the program keeps its files; absolute.
    pub data_dir: PathBuf,
    /// How to reach Telegram.
    pub telegram: TelegramSettings,
    /// Where the data are.
    pub database: DatabaseSettings,
    /// Health, webhooks.
    pub http_listen: SocketAddr,
    /// Metrics.
    pub metrics_listen: SocketAddr,
    /// Telegram ids of those who may do everything.
    pub superadmins: Vec<i64>,
    /// Telegram ids of those who may look at everything.
    pub admins: Vec<i64>,
    /// For users whose app tells none that we speak.
    pub language: Language,
    /// For users who have not chosen one.
    pub tz: Tz,
    /// What is logged, and how.
    pub log: LogSettings,
    /// The free trials.
    pub trial: TrialSettings,
    /// What is on offer.
    pub plans: Vec<PlanSpec>,
    /// Most live services of a user; what an admin grants does not count.
    pub services_max: u16,
    /// How long after its end a renewal brings back the same address and key.
    pub grace: Duration,
    /// When nobody is written to without need.
    pub quiet: Quiet,
    /// Limits of conversations.
    pub sessions: SessionSettings,
    /// WireGuard servers.
    pub nodes: Vec<NodeSettings>,
    /// Servers of keys: Outline, telemt.
    pub key_nodes: Vec<KeyNodeSettings>,
}

/// How to reach Telegram.
#[derive(Debug, Clone)]
pub struct TelegramSettings {
    /// The bot's token. `None` only where [`Needs::Inspection`] was enough.
    pub token: Option<SecretString>,
    /// Without a slash at the end.
    pub api_url: String,
    /// How updates come.
    pub mode: TelegramMode,
    /// Where Telegram sends them; set in webhook mode.
    pub webhook_url: Option<String>,
    /// What Telegram proves itself with; set in webhook mode.
    pub webhook_secret: Option<SecretString>,
    /// Telegram's limits of speed.
    pub limits: SendLimits,
}

/// How updates come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TelegramMode {
    /// The program asks.
    Poll,
    /// Telegram calls.
    Webhook,
}
choice!(TelegramMode { "poll" => Self::Poll, "webhook" => Self::Webhook });

/// Telegram's limits of speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendLimits {
    /// Messages a second, overall.
    pub per_second: u32,
    /// Messages a second in one chat.
    pub per_chat_per_second: u32,
    /// Messages that may go to one chat at once after a pause.
    pub burst: u32,
    /// No limits at all; against the simulated Telegram only.
    pub lift: bool,
}

/// Where the data are.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// A PostgreSQL server of the operator's; `None` for the private one.
    pub url: Option<SecretString>,
    /// Most connections of this process.
    pub max_connections: u32,
    /// Who runs the private PostgreSQL when the program runs as root.
    pub system_user: String,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// For people or for programs.
    pub format: LogFormat,
    /// A level, or directives such as `info,usipipo=debug`.
    pub level: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned() }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One line for people.
    Text,
    /// One JSON object a line.
    Json,
}
choice!(LogFormat { "text" => Self::Text, "json" => Self::Json });

/// A language of the bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Spanish.
    Es,
    /// English.
    En,
}
choice!(Language { "es" => Self::Es, "en" => Self::En });

/// The free trials, where `[[plans]]` says nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrialSettings {
    /// Length.
    pub days: u32,
    /// Traffic in GB (10⁹ bytes).
    pub quota_gb: u32,
}

/// Limits of conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSettings {
    /// A conversation without a word for so long leaves memory.
    pub idle: Duration,
    /// Most conversations in memory.
    pub max_active: u32,
}

/// What the settings are loaded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// The bot will run, so a token is needed.
    Bot,
    /// A token may be missing.
    Inspection,
}

/// What the settings depend on besides the file; a value of its own so that tests decide it.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Environment variables.
    pub variables: Vec<(String, String)>,
    /// Relative paths start here.
    pub directory: PathBuf,
    /// Running as root.
    pub root: bool,
    /// The user's home.
    pub home: Option<PathBuf>,
    /// The address from which this machine reaches the internet.
    pub address: Option<IpAddr>,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self {
            variables,
            directory: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            root: nix::unistd::geteuid().is_root(),
            home: std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from),
            address: primary_address(),
        }
    }

    /// With one variable set or replaced.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The variable's value, if it is there and not empty.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        let found = self.variables.iter().find(|(known, _)| known == name)?;
        Some(found.1.as_str()).filter(|value| !value.is_empty())
    }
}

/// The address the routing table chooses towards the internet. Connecting a UDP socket sends nothing.
fn primary_address() -> Option<IpAddr> {
    [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")].iter().find_map(|(from, to)| {
        let socket = UdpSocket::bind(from).ok()?;
        socket.connect(to).ok()?;
        Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
    })
}

/// Settings, and where they came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What is in force.
    pub settings: Settings,
    /// The same as text, key by key, with origins and without secrets.
    pub shown: Vec<Shown>,
    /// What is allowed but deserves a look.
    pub warnings: Vec<Problem>,
    /// The file that was read.
    pub file: Option<PathBuf>,
}

/// Where a settings file is looked for when none is named.
const PLACES: [&str; 2] = ["usipipo.toml", "/etc/usipipo/usipipo.toml"];

/// Loads the settings: the named file, or `USIPIPO_CONFIG`, or the first of `./usipipo.toml` and
/// `/etc/usipipo/usipipo.toml` that exists, or none; then the environment.
///
/// # Errors
/// [`ConfigError`] lists everything that is wrong.
pub fn load(file: Option<&Path>, needs: Needs, around: &Surroundings) -> Result<Loaded, ConfigError> {
    let named = file.map(Path::to_owned).or_else(|| around.variable("USIPIPO_CONFIG").map(PathBuf::from));
    let file = named
        .map(|path| around.directory.join(path))
        .or_else(|| PLACES.iter().map(|place| around.directory.join(place)).find(|path| path.exists()));
    let mut given = Given::default();
    if let Some(path) = &file {
        given.read_file(path)?;
    }
    finish(given, file, needs, around)
}

fn finish(mut given: Given, file: Option<PathBuf>, needs: Needs, around: &Surroundings) -> Result<Loaded, ConfigError> {
    let variables = around.variables.iter();
    given.read_environment(variables.map(|(name, value)| (name.as_str(), value.as_str())));
    let mut reader = Reader::new(given);
    let settings = settings(&mut reader, needs, around);
    if reader.problems.is_empty() {
        Ok(Loaded { settings, shown: reader.shown, warnings: reader.warnings, file })
    } else {
        Err(ConfigError::Invalid(reader.problems))
    }
}

fn settings(r: &mut Reader, needs: Needs, around: &Surroundings) -> Settings {
    let data_dir = r.get("data_dir", default_data_dir(around));
    let data_dir = around.directory.join(data_dir);
    let services_max = r.number("services_max", SERVICES_MAX, 1, 100);
    let grace_hours = r.number("grace_hours", u32::try_from(GRACE.num_hours()).unwrap_or(48), 0, 8_784);
    let telegram = telegram(r, needs);
    let database = database(r);
    let http_listen = r.get("http.listen", SocketAddr::from(([127, 0, 0, 1], 8080)));
    let metrics_listen = r.get("metrics.listen", SocketAddr::from(([127, 0, 0, 1], 9464)));
    if http_listen == metrics_listen && http_listen.port() != 0 {
        r.problem("metrics.listen", "it is the same as http.listen", "give it a port of its own");
    }
    let superadmins = people(r, "admins.superadmins");
    let admins = people(r, "admins.admins");
    let language = r.get("locale.language", Language::Es);
    let tz = r.get("locale.tz", Tz::America__Havana);
    let log = LogSettings {
        format: r.get("log.format", LogFormat::Text),
        level: r.get("log.level", LogSettings::default().level),
    };
    if tracing_subscriber::EnvFilter::try_new(&log.level).is_err() {
        r.problem(
            "log.level",
            "it is not understood",
            "write error, warn, info, debug or trace, or directives such as \"info,usipipo=debug\"",
        );
    }
    let trial =
        TrialSettings { days: r.number("trial.days", 7, 1, 3650), quota_gb: r.number("trial.quota_gb", 5, 1, 100_000) };
    let quiet = r.get("notices.quiet", Quiet::default());
    let sessions = SessionSettings {
        idle: Duration::from_secs(u64::from(r.number::<u32>("sessions.idle_seconds", 600, 5, 86_400))),
        max_active: r.number("sessions.max_active", 10_000, 10, 1_000_000),
    };
    let (nodes, key_nodes) = nodes::read(r, around.address);
    let plans = plans::read(r, trial);
    Settings {
        data_dir,
        telegram,
        database,
        http_listen,
        metrics_listen,
        superadmins,
        admins,
        language,
        tz,
        log,
        trial,
        plans,
        services_max,
        grace: Duration::from_secs(u64::from(grace_hours) * 3600),
        quiet,
        sessions,
        nodes,
        key_nodes,
    }
}

fn default_data_dir(around: &Surroundings) -> PathBuf {
    match &around.home {
        Some(home) if !around.root => home.join(".local/share/usipipo"),
        _ => PathBuf::from("/var/lib/usipipo"),
    }
}

fn people(r: &mut Reader, key: &str) -> Vec<i64> {
    let ids = r.get::<Vec<i64>>(key, Vec::new());
    if ids.iter().any(|id| *id <= 0) {
        r.problem(key, "it holds a number that is no person's id", "write Telegram ids of people, which are positive");
    }
    ids
}

fn telegram(r: &mut Reader, needs: Needs) -> TelegramSettings {
    let token = r.secret("telegram.token");
    match &token {
        None if needs == Needs::Bot => r.problem(
            "telegram.token",
            "there is no token",
            "get one from @BotFather in Telegram (/newbot) and set it here or as USIPIPO_TELEGRAM__TOKEN; to try the bot \
             without one, run `usipipo demo`",
        ),
        Some(token) if !is_token(token.expose_secret()) => r.problem(
            "telegram.token",
            "it does not look like a token (digits, a colon, letters and digits)",
            "copy it again from @BotFather (/mybots, your bot, API Token)",
        ),
        _ => {}
    }
    let api_url = api_url(r);
    let mode = r.get("telegram.mode", TelegramMode::Poll);
    let webhook_url = r.text("telegram.webhook_url");
    let webhook_secret = r.secret("telegram.webhook_secret");
    if mode == TelegramMode::Webhook && webhook_url.is_none() {
        r.problem(
            "telegram.webhook_url",
            "webhook mode needs the address at which Telegram reaches this server",
            "set it to https://your.domain/telegram, or telegram.mode to \"poll\"",
        );
    }
    if let Some(url) = &webhook_url
        && !is_web_address(url, api_url != DEFAULT_API)
    {
        r.problem("telegram.webhook_url", "Telegram only calls https addresses", "write https://your.domain/path");
    }
    match &webhook_secret {
        None if mode == TelegramMode::Webhook => r.problem(
            "telegram.webhook_secret",
            "webhook mode needs a secret, so that nobody else can send updates",
            "set it to the output of `openssl rand -hex 32`",
        ),
        Some(secret) if !is_webhook_secret(secret.expose_secret()) => r.problem(
            "telegram.webhook_secret",
            "Telegram does not take this secret",
            "use 1 to 256 letters, digits, _ and -, for example the output of `openssl rand -hex 32`",
        ),
        _ => {}
    }
    let limits = SendLimits {
        per_second: r.number("telegram.limits.per_second", 30, 1, 1000),
        per_chat_per_second: r.number("telegram.limits.per_chat_per_second", 1, 1, 100),
        burst: r.number("telegram.limits.burst", 3, 1, 100),
        lift: r.get("telegram.limits.lift", false),
    };
    if limits.lift && api_url == DEFAULT_API {
        r.problem(
            "telegram.limits.lift",
            "limits may only be lifted against a simulated Telegram; the real one blocks bots that are too fast",
            "remove it, or set telegram.api_url to the simulated one",
        );
    }
    TelegramSettings { token, api_url, mode, webhook_url, webhook_secret, limits }
}

/// The real Telegram.
pub const DEFAULT_API: &str = "https://api.telegram.org";

fn api_url(r: &mut Reader) -> String {
    let url = r.get("telegram.api_url", DEFAULT_API.to_owned());
    if !is_web_address(&url, true) {
        r.problem(
            "telegram.api_url",
            "it is not a web address",
            "write https://api.telegram.org or your own Bot API server",
        );
    } else if !is_web_address(&url, false) {
        r.warn(
            "telegram.api_url",
            "the token travels to it unencrypted",
            "use https unless the network between is your own",
        );
    }
    url.trim_end_matches('/').to_owned()
}

fn database(r: &mut Reader) -> DatabaseSettings {
    let url = r.secret("database.url");
    if let Some(url) = &url
        && !["postgres://", "postgresql://"].iter().any(|scheme| url.expose_secret().starts_with(scheme))
    {
        r.problem(
            "database.url",
            "it is not the address of a PostgreSQL database",
            "write postgres://user:password@host/database, or leave it empty for the private database",
        );
    }
    let system_user = r.get("database.system_user", "postgres".to_owned());
    if system_user.is_empty() || system_user == "root" {
        r.problem(
            "database.system_user",
            "PostgreSQL refuses to run as root",
            "name another user, such as \"postgres\"",
        );
    }
    DatabaseSettings { url, max_connections: r.number("database.max_connections", 16, 2, 500), system_user }
}

/// Digits, a colon, and what @BotFather appends.
fn is_token(text: &str) -> bool {
    text.split_once(':').is_some_and(|(bot, rest)| {
        bot.parse::<i64>().is_ok_and(|id| id > 0)
            && !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    })
}

fn is_webhook_secret(text: &str) -> bool {
    (1..=256).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// An https address, or an http one to this machine (or anywhere, if allowed).
fn is_web_address(text: &str, plain_anywhere: bool) -> bool {
    let Ok(url) = reqwest::Url::parse(text) else { return false };
    let Some(host) = url.host_str() else { return false };
    let local = host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    url.scheme() == "https" || (url.scheme() == "http" && (local || plain_anywhere))
}

#[cfg(test)]
mod tests;
