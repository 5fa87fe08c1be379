//! A Telegram that remembers what it was told.

use crate::ports::messenger::{Delivered, Messenger, SendError};
use async_trait::async_trait;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use usipipo_domain::ids::UserId;
use usipipo_domain::outgoing::{Body, OutboxMessage};
use usipipo_domain::screen::Screen;

/// A message that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The row.
    pub message: OutboxMessage,
    /// When, by the machine's clock.
    pub at: Instant,
    /// The number it gave.
    pub message_id: Option<i32>,
}

#[derive(Debug, Default)]
struct Inner {
    taken: Vec<Taken>,
    attempts: Vec<(OutboxMessage, Instant)>,
    fail_next: VecDeque<SendError>,
    fail_chats: HashMap<UserId, SendError>,
    fail_all: Option<SendError>,
    panic_chats: HashSet<UserId>,
    delay: Duration,
    announce_failures: VecDeque<SendError>,
    announced: u32,
    last_id: i32,
    under_way: HashMap<UserId, u32>,
    overlaps: u32,
    held: watch::Sender<bool>,
}

/// A Telegram that remembers what it was told and fails on demand.
#[derive(Debug, Default)]
pub struct FakeMessenger(Mutex<Inner>);

impl FakeMessenger {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything it took, in order.
    #[must_use]
    pub fn taken(&self) -> Vec<Taken> {
        self.inner().taken.clone()
    }

    /// How many messages it took.
    #[must_use]
    pub fn count(&self) -> usize {
        self.inner().taken.len()
    }

    /// What one chat got, in order.
    #[must_use]
    pub fn to(&self, chat: UserId) -> Vec<OutboxMessage> {
        self.inner()
            .taken
            .iter()
            .filter(|taken| taken.message.chat == chat)
            .map(|taken| taken.message.clone())
            .collect()
    }

    /// The screens that one chat was shown, in order.
    #[must_use]
    pub fn screens(&self, chat: UserId) -> Vec<Screen> {
        let screen = |message: OutboxMessage| match message.content.body {
            Some(Body::Screen { screen, .. }) => Some(screen),
            _ => None,
        };
        self.to(chat).into_iter().filter_map(screen).collect()
    }

    /// Every call with its time, also those that failed.
    #[must_use]
    pub fn attempts(&self) -> Vec<(OutboxMessage, Instant)> {
        self.inner().attempts.clone()
    }

    /// The next calls fail, one with each of these.
    pub fn fail_next(&self, errors: impl IntoIterator<Item = SendError>) {
        self.inner().fail_next.extend(errors);
    }

    /// Calls for this chat fail until `None` is given.
    pub fn fail_chat(&self, chat: UserId, error: Option<SendError>) {
        let mut inner = self.inner();
        match error {
            Some(error) => inner.fail_chats.insert(chat, error),
            None => inner.fail_chats.remove(&chat),
        };
    }

    /// Every call fails until `None` is given.
    pub fn fail_all(&self, error: Option<SendError>) {
        self.inner().fail_all = error;
    }

    /// Calls for this chat panic.
    pub fn panic_on(&self, chat: UserId) {
        self.inner().panic_chats.insert(chat);
    }

    /// Each call takes so long.
    pub fn delay(&self, delay: Duration) {
        self.inner().delay = delay;
    }

    /// While held, calls begin and do not end.
    pub fn hold(&self, held: bool) {
        self.inner().held.send_replace(held);
    }

    /// The next announcements fail, one with each of these.
    pub fn fail_announcements(&self, errors: impl IntoIterator<Item = SendError>) {
        self.inner().announce_failures.extend(errors);
    }

    /// How often the commands were announced.
    #[must_use]
    pub fn announced(&self) -> u32 {
        self.inner().announced
    }

    /// How often a call for a chat began while another for it was under way.
    #[must_use]
    pub fn overlaps(&self) -> u32 {
        self.inner().overlaps
    }

    fn begin(&self, message: &OutboxMessage) -> Result<Duration, SendError> {
        let mut inner = self.inner();
        inner.attempts.push((message.clone(), Instant::now()));
        let under_way = inner.under_way.entry(message.chat).or_default();
        *under_way += 1;
        if *under_way > 1 {
            inner.overlaps += 1;
        }
        let panics = inner.panic_chats.contains(&message.chat);
        let error = inner
            .fail_next
            .pop_front()
            .or_else(|| inner.fail_all.clone())
            .or_else(|| inner.fail_chats.get(&message.chat).cloned());
        let delay = inner.delay;
        drop(inner);
        assert!(!panics, "a messenger that panics on demand");
        error.map_or(Ok(delay), Err)
    }

    fn end(&self, message: &OutboxMessage, taken: bool) -> Delivered {
        let mut inner = self.inner();
        if let Some(under_way) = inner.under_way.get_mut(&message.chat) {
            *under_way = under_way.saturating_sub(1);
        }
        if !taken {
            return Delivered { message_id: None, screen: None };
        }
        inner.last_id += 1;
        let shows = !matches!(message.content.body, None | Some(Body::RefuseCheckout { .. }));
        let message_id = shows.then_some(inner.last_id);
        inner.taken.push(Taken { message: message.clone(), at: Instant::now(), message_id });
        let screen = match &message.content.body {
            Some(Body::Screen { screen, .. }) => Some(screen.clone()),
            _ => None,
        };
        Delivered { message_id, screen }
    }
}

/// Notes the end of a call also when it is given up in the middle.
struct Call<'a> {
    messenger: &'a FakeMessenger,
    message: &'a OutboxMessage,
    ended: bool,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.messenger.end(self.message, false);
        }
    }
}

#[async_trait]
impl Messenger for FakeMessenger {
    async fn deliver(&self, message: &OutboxMessage) -> Result<Delivered, SendError> {
        let mut call = Call { messenger: self, message, ended: false };
        let delay = self.begin(message)?;
        let mut held = self.inner().held.subscribe();
        // The sender lives as long as this does.
        let _ = held.wait_for(|held| !held).await;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        call.ended = true;
        Ok(self.end(message, true))
    }

    async fn announce_commands(&self) -> Result<(), SendError> {
        let mut inner = self.inner();
        if let Some(error) = inner.announce_failures.pop_front() {
            return Err(error);
        }
        inner.announced += 1;
        Ok(())
    }
}
