//! The stream of updates until they are confirmed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;
use tokio::sync::watch;

use super::lock;

/// The id of the first update of a fresh sandbox.
pub const FIRST_UPDATE_ID: i64 = 100_000_001;
/// Kinds that are kept from the bot unless it asks for them.
pub const NOT_BY_DEFAULT: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];

/// One update, as it will be sent.
#[derive(Debug)]
pub struct Update {
    /// Its `update_id`.
    pub id: i64,
    /// Whose it is; updates of one chat are delivered in order.
    pub chat: Option<i64>,
    /// The bytes to send.
    pub raw: Vec<u8>,
    /// Whether getUpdates may show it.
    pub visible: bool,
}

#[derive(Debug)]
struct Inner {
    next_id: i64,
    next_sequence: u64,
    last_id: i64,
    /// Some id is not above the one before, so that confirming has to look at all.
    disorder: bool,
    queue: BTreeMap<u64, Arc<Update>>,
    allowed: Option<Vec<String>>,
    poll: u64,
    waiting: bool,
    polled: Option<Instant>,
    webhook: bool,
}

/// The queue; the order is that of arrival.
#[derive(Debug)]
pub struct Updates {
    inner: Mutex<Inner>,
    arrivals: watch::Sender<u64>,
}

impl Default for Updates {
    fn default() -> Self {
        let inner = Inner {
            next_id: FIRST_UPDATE_ID,
            next_sequence: 0,
            last_id: i64::MIN,
            disorder: false,
            queue: BTreeMap::new(),
            allowed: None,
            poll: 0,
            waiting: false,
            polled: None,
            webhook: false,
        };
        Self {
            inner: Mutex::new(inner),
            arrivals: watch::Sender::new(0),
        }
    }
}

/// Why a poll got nothing.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A webhook is set.
    Webhook,
    /// A webhook was set meanwhile.
    WebhookSet,
    /// Another poll began.
    Replaced,
}

impl Updates {
    /// Appends an update of the sandbox's own making.
    pub fn push(&self, kind: &str, chat: i64, content: &Value) -> Option<i64> {
        let mut inner = lock(&self.inner);
        let wanted = match &inner.allowed {
            Some(allowed) => allowed.iter().any(|name| name == kind),
            None => !NOT_BY_DEFAULT.contains(&kind),
        };
        if !wanted {
            return None;
        }
        let id = inner.next_id;
        let raw = json!({"update_id": id, kind: content})
            .to_string()
            .into_bytes();
        inner.append(Update {
            id,
            chat: Some(chat),
            raw,
            visible: true,
        });
        drop(inner);
        self.wake();
        Some(id)
    }

    /// Appends bytes; `{{update_id}}` in them becomes the id. Returns the id and whether the bytes are JSON.
    pub fn push_raw(&self, raw: &[u8], id: Option<i64>, force: bool) -> (i64, bool) {
        let mut inner = lock(&self.inner);
        let placed = |id: i64| replace(raw, b"{{update_id}}", id.to_string().as_bytes());
        let parsed = serde_json::from_slice::<Value>(&placed(inner.next_id)).ok();
        let own = parsed
            .as_ref()
            .and_then(|value| value["update_id"].as_i64());
        let id = id.or(own).unwrap_or(inner.next_id);
        let raw = placed(id);
        let valid = serde_json::from_slice::<Value>(&raw).is_ok();
        inner.append(Update {
            id,
            chat: None,
            raw,
            visible: valid || force,
        });
        drop(inner);
        self.wake();
        (id, valid)
    }

    /// Puts a saved update back.
    pub fn restore(&self, id: i64, chat: Option<i64>, raw: Vec<u8>, visible: bool) {
        lock(&self.inner).append(Update {
            id,
            chat,
            raw,
            visible,
        });
        self.wake();
    }

    fn wake(&self) {
        self.arrivals
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// For waiting for updates: subscribe, look, wait.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.arrivals.subscribe()
    }

    /// The id of the next update.
    pub fn next_id(&self) -> i64 {
        lock(&self.inner).next_id
    }

    /// Sets the id of the next update.
    pub fn set_next_id(&self, id: i64) {
        lock(&self.inner).next_id = id;
    }

    /// Which kinds the bot wants; `None` for the default.
    pub fn allowed(&self) -> Option<Vec<String>> {
        lock(&self.inner).allowed.clone()
    }

    /// Sets which kinds the bot wants; an empty list means the default.
    pub fn set_allowed(&self, allowed: Option<Vec<String>>) {
        lock(&self.inner).allowed = allowed.filter(|list| !list.is_empty());
    }

    /// Tells whether updates go to a webhook; polls end then.
    pub fn set_webhook(&self, on: bool) {
        lock(&self.inner).webhook = on;
        self.wake();
    }

    /// Begins a poll, ending any other; returns its number.
    pub fn begin_poll(&self) -> Result<u64, Refusal> {
        let mut inner = lock(&self.inner);
        if inner.webhook {
            return Err(Refusal::Webhook);
        }
        inner.poll += 1;
        let poll = inner.poll;
        drop(inner);
        self.wake();
        Ok(poll)
    }

    /// Whether someone polls now.
    pub fn set_waiting(&self, poll: u64, waiting: bool) {
        let mut inner = lock(&self.inner);
        if inner.poll == poll {
            inner.waiting = waiting;
            inner.polled = Some(Instant::now());
        }
    }

    /// Whether someone polls now.
    pub fn is_polled(&self) -> bool {
        lock(&self.inner).waiting
    }

    /// Whether someone polls now or did so lately.
    pub fn polled_within(&self, time: Duration) -> bool {
        let inner = lock(&self.inner);
        inner.waiting || inner.polled.is_some_and(|at| at.elapsed() <= time)
    }

    /// Confirms what an offset confirms.
    pub fn confirm(&self, offset: i64) {
        let mut inner = lock(&self.inner);
        if offset < 0 {
            let keep = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
            while inner.queue.len() > keep {
                inner.queue.pop_first();
            }
        } else if inner.disorder {
            inner.queue.retain(|_, update| update.id >= offset);
        } else {
            while inner
                .queue
                .first_key_value()
                .is_some_and(|(_, update)| update.id < offset)
            {
                inner.queue.pop_first();
            }
        }
    }

    /// What a poll sees now: the bytes of an array, or `None` when there is nothing.
    pub fn poll(&self, poll: u64, limit: usize) -> Result<Option<Vec<u8>>, Refusal> {
        let inner = lock(&self.inner);
        if inner.webhook {
            return Err(Refusal::WebhookSet);
        }
        if inner.poll != poll {
            return Err(Refusal::Replaced);
        }
        let mut out = vec![b'['];
        for update in inner
            .queue
            .values()
            .filter(|update| update.visible)
            .take(limit)
        {
            if out.len() > 1 {
                out.push(b',');
            }
            out.extend_from_slice(&update.raw);
        }
        if out.len() == 1 {
            return Ok(None);
        }
        out.push(b']');
        Ok(Some(out))
    }

    /// How many wait.
    pub fn pending(&self) -> usize {
        lock(&self.inner).queue.len()
    }

    /// What waits from a sequence number on, oldest first.
    pub fn after(&self, sequence: u64, limit: usize) -> Vec<(u64, Arc<Update>)> {
        let inner = lock(&self.inner);
        inner
            .queue
            .range(sequence..)
            .take(limit)
            .map(|(sequence, update)| (*sequence, update.clone()))
            .collect()
    }

    /// Takes a delivered update out.
    pub fn delivered(&self, sequence: u64) {
        lock(&self.inner).queue.remove(&sequence);
    }

    /// Forgets what waits.
    pub fn drop_pending(&self) {
        lock(&self.inner).queue.clear();
    }

    /// As at the start, but for the webhook.
    pub fn reset(&self) {
        let mut inner = lock(&self.inner);
        inner.queue.clear();
        inner.next_id = FIRST_UPDATE_ID;
        inner.last_id = i64::MIN;
        inner.disorder = false;
        inner.allowed = None;
    }
}

impl Inner {
    fn append(&mut self, update: Update) {
        if self.queue.is_empty() {
            self.disorder = false;
            self.last_id = i64::MIN;
        }
        self.disorder |= update.id <= self.last_id;
        self.last_id = self.last_id.max(update.id);
        self.next_id = self.next_id.max(update.id.saturating_add(1));
        self.queue.insert(self.next_sequence, Arc::new(update));
        self.next_sequence += 1;
    }
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(from) {
            out.extend_from_slice(to);
            rest = after;
        } else {
            out.push(rest[0]);
            rest = &rest[1..];
        }
    }
    out
}
