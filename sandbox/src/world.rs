//! All that the sandbox knows: people with their chats, the stream of updates, files, calls, faults.
//!
//! A chat has a lock of its own; what is shared by all is guarded by locks held for a few instructions.
//! Order of locks: a chat first, then one of the shared ones; never two chats at once.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use serde_json::Value;
use serde_json::json;
use tokio::sync::Notify;
use tokio::sync::watch;

use crate::bot_api::schema::Schema;
use crate::clock;
use crate::clock::Clock;
use crate::outline;
use crate::program::Program;
use crate::servers::Servers;
use crate::telemt;

pub mod calls;
pub mod chat;
pub mod chats;
pub mod faults;
pub mod files;
pub mod limits;
pub mod message;
pub mod payments;
pub mod profile;
pub mod queries;
pub mod updates;
pub mod webhook;

pub use chat::Chat;
pub use chat::ChatState;
pub use chat::Person;
pub use message::Content;
pub use message::Message;

/// What the sandbox is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address to listen on; port 0 for a free one.
    pub listen: std::net::SocketAddr,
    /// The bot's token.
    pub token: String,
    /// The bot's user name.
    pub username: String,
    /// Where the state is kept, if it is.
    pub state_dir: Option<PathBuf>,
    /// Forget the kept state.
    pub fresh: bool,
    /// The program whose clock moves along.
    pub program_url: Option<String>,
    /// Whether to answer 429 to those who send too fast.
    pub limits: bool,
    /// How long a callback query may be answered, in real seconds.
    pub callback_seconds: u64,
    /// A chat page to serve instead of the one built in.
    pub page: Option<PathBuf>,
}

impl Settings {
    /// A sandbox on a free port of the loopback, in memory, as tests want it.
    pub fn for_tests() -> Self {
        Self {
            listen: std::net::SocketAddr::from(([127, 0, 0, 1], 0)),
            token: "12345:TEST".to_owned(),
            username: "usipipo_sandbox_bot".to_owned(),
            state_dir: None,
            fresh: false,
            program_url: None,
            limits: true,
            callback_seconds: queries::CALLBACK_SECONDS,
            page: None,
        }
    }
}

/// The simulated world.
#[derive(Debug)]
pub struct World {
    /// What it was started with.
    pub settings: Settings,
    /// The table of the Bot API.
    pub schema: Schema,
    /// The clock for dates.
    pub clock: Clock,
    /// The bot's id.
    pub bot_id: i64,
    /// The bot as a `User` of the Bot API.
    pub bot_user: Value,
    /// People and their chats.
    pub chats: chats::Chats,
    /// The stream of updates.
    pub updates: updates::Updates,
    /// Callback queries that may be answered.
    pub queries: queries::Queries,
    /// Uploaded files.
    pub files: files::Files,
    /// Calls that came in.
    pub calls: calls::Calls,
    /// Faults to show.
    pub faults: faults::Faults,
    /// Telegram's limits.
    pub limits: limits::Limits,
    /// Commands and descriptions.
    pub profile: Mutex<profile::Profile>,
    /// Stars.
    pub payments: Mutex<payments::Payments>,
    /// Outline servers.
    pub outline: Servers<outline::Server>,
    /// telemt instances.
    pub telemt: Servers<telemt::Server>,
    /// Where updates are sent.
    pub webhook: webhook::Webhook,
    /// Woken when there is something to save.
    pub dirty: Notify,
    /// Another number in every run and after every reset; revisions of one epoch say nothing about another.
    epoch: watch::Sender<i64>,
    /// Whether the program is there.
    pub program: Program,
    /// Held by whoever writes the state.
    pub saving: Mutex<()>,
    /// True once the sandbox stops.
    pub stopping: watch::Sender<bool>,
    /// For calls to the outside: webhooks, the program's clock.
    pub client: reqwest::Client,
}

impl World {
    /// An empty world.
    pub fn new(settings: Settings) -> anyhow::Result<Self> {
        let bot_id = settings
            .token
            .split(':')
            .next()
            .and_then(|id| id.parse().ok());
        let bot_id: i64 =
            bot_id.ok_or_else(|| anyhow::anyhow!("--token must look like 12345:TEST"))?;
        let bot_user = json!({"id": bot_id, "is_bot": true, "first_name": "uSipipo", "username": settings.username.clone()});
        let limits = limits::Limits::new(settings.limits, settings.callback_seconds);
        Ok(Self {
            schema: Schema::load()?,
            clock: Clock::default(),
            bot_id,
            bot_user,
            chats: chats::Chats::default(),
            updates: updates::Updates::default(),
            queries: queries::Queries::default(),
            files: files::Files::default(),
            calls: calls::Calls::default(),
            faults: faults::Faults::default(),
            limits,
            profile: Mutex::default(),
            payments: Mutex::default(),
            outline: Servers::default(),
            telemt: Servers::default(),
            webhook: webhook::Webhook::default(),
            dirty: Notify::new(),
            epoch: watch::Sender::new(clock::real_ms()),
            program: Program::default(),
            saving: Mutex::default(),
            stopping: watch::Sender::new(false),
            client: reqwest::Client::builder().no_proxy().build()?,
            settings,
        })
    }

    /// Asks for a save.
    pub fn touch(&self) {
        if self.settings.state_dir.is_some() {
            self.dirty.notify_one();
        }
    }

    /// Queues an update of some kind; `None` when `allowed_updates` keeps it from the bot.
    pub fn push_update(&self, kind: &str, chat: i64, content: &Value) -> Option<i64> {
        let pushed = self.updates.push(kind, chat, content);
        self.touch();
        pushed
    }

    /// The number of this run or since the last reset.
    pub fn epoch(&self) -> i64 {
        *self.epoch.borrow()
    }

    /// For waiting for a reset.
    pub fn epochs(&self) -> watch::Receiver<i64> {
        self.epoch.subscribe()
    }

    /// Forgets everything.
    pub fn reset(&self, keep_webhook: bool) {
        self.chats.clear();
        self.updates.reset();
        self.queries.clear();
        self.files.clear();
        self.calls.clear();
        self.faults.clear();
        *lock(&self.profile) = profile::Profile::default();
        *lock(&self.payments) = payments::Payments::default();
        self.outline.clear();
        self.telemt.clear();
        if !keep_webhook {
            self.webhook.clear();
            self.updates.set_webhook(false);
        }
        self.clock.set_offset(0);
        // Also after two resets within a millisecond.
        self.epoch
            .send_modify(|epoch| *epoch = clock::real_ms().max(*epoch + 1));
        self.touch();
    }
}

/// The world, shared by all handlers.
pub type Shared = Arc<World>;

/// Locks; a panic of another holder does not matter, since every change is complete at any point.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
