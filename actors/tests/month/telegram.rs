//! Telegram's sending half: remembers each message with the time of the simulated clock, and refuses chats that blocked the bot.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use usipipo_actors::domain::ids::UserId;
use usipipo_actors::domain::outgoing::{Body, OutboxMessage};
use usipipo_actors::ports::clock::Clock;
use usipipo_actors::ports::messenger::{Delivered, Messenger, SendError};
use usipipo_actors::testing::clock::FakeClock;

/// A message that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) at: DateTime<Utc>,
    pub(crate) message: OutboxMessage,
    pub(crate) message_id: Option<i32>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Those that were not looked at yet.
    new: Vec<Arrived>,
    /// How often each row came.
    times: HashMap<i64, u32>,
    again: u64,
    blocked: HashSet<UserId>,
    hiccups: u32,
    last_id: i32,
}

/// The sending half.
#[derive(Debug)]
pub(crate) struct Telegram {
    clock: Arc<FakeClock>,
    inner: Mutex<Inner>,
}

impl Telegram {
    pub(crate) fn new(clock: &Arc<FakeClock>) -> Self {
        Self { clock: Arc::clone(clock), inner: Mutex::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What arrived since the last look, each row once.
    pub(crate) fn news(&self) -> Vec<Arrived> {
        std::mem::take(&mut self.inner().new)
    }

    /// Rows that came more than once since the last look.
    pub(crate) fn repeated(&self) -> u64 {
        std::mem::take(&mut self.inner().again)
    }

    /// This row came.
    pub(crate) fn has(&self, row: i64) -> bool {
        self.inner().times.contains_key(&row)
    }

    /// The user blocks the bot, or comes back.
    pub(crate) fn block(&self, user: UserId, blocked: bool) {
        let mut inner = self.inner();
        if blocked {
            inner.blocked.insert(user)
        } else {
            inner.blocked.remove(&user)
        };
    }

    /// The next so many calls get no answer.
    pub(crate) fn hiccup(&self, calls: u32) {
        self.inner().hiccups = calls;
    }
}

#[async_trait]
impl Messenger for Telegram {
    async fn deliver(&self, message: &OutboxMessage) -> Result<Delivered, SendError> {
        let mut inner = self.inner();
        if inner.hiccups > 0 {
            inner.hiccups -= 1;
            return Err(SendError::Unavailable("a hiccup".to_owned()));
        }
        if inner.blocked.contains(&message.chat) {
            return Err(SendError::Unreachable("bot was blocked by the user".to_owned()));
        }
        inner.last_id += 1;
        let message_id = message.content.body.is_some().then_some(inner.last_id);
        let screen = match &message.content.body {
            Some(Body::Screen { screen, .. }) => Some(screen.clone()),
            _ => None,
        };
        let times = inner.times.entry(message.id.0).or_default();
        *times += 1;
        if *times > 1 {
            inner.again += 1;
        } else {
            let arrived = Arrived { at: self.clock.now(), message: message.clone(), message_id };
            inner.new.push(arrived);
        }
        Ok(Delivered { message_id, screen })
    }

    async fn announce_commands(&self) -> Result<(), SendError> {
        Ok(())
    }
}
