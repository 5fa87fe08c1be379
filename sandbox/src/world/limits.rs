//! Telegram's limits on sending.

use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use serde::Deserialize;
use serde::Serialize;

use super::lock;

/// How fast a bot may send.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rates {
    /// Whether there are limits at all.
    pub enabled: bool,
    /// Messages a second to all chats.
    pub per_second: f64,
    /// So many may come at once.
    pub burst: f64,
    /// Messages a second to one chat.
    pub chat_per_second: f64,
    /// So many may come at once.
    pub chat_burst: f64,
    /// Real seconds in which a callback query may be answered.
    pub callback_seconds: f64,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            enabled: true,
            per_second: 30.0,
            burst: 30.0,
            chat_per_second: 1.0,
            chat_burst: 20.0,
            callback_seconds: 15.0,
        }
    }
}

/// A bucket that fills with time; a message takes one.
#[derive(Debug, Default)]
pub struct Bucket {
    /// What is gone from a full bucket.
    used: f64,
    at: Option<Instant>,
}

impl Bucket {
    fn refill(&mut self, now: Instant, rate: f64) {
        if let Some(at) = self.at.replace(now) {
            self.used = (self.used - now.duration_since(at).as_secs_f64() * rate).max(0.0);
        }
    }

    /// Seconds to wait before one can be taken; zero when it can be now.
    fn wait(&mut self, now: Instant, rate: f64, burst: f64) -> f64 {
        self.refill(now, rate);
        let missing = self.used + 1.0 - burst;
        if missing <= 0.0 {
            0.0
        } else {
            missing / rate.max(0.001)
        }
    }
}

/// The limits and the bucket that all chats share.
#[derive(Debug)]
pub struct Limits {
    inner: Mutex<(Rates, Bucket)>,
}

impl Limits {
    /// Telegram's figures.
    pub fn new(enabled: bool, callback_seconds: u64) -> Self {
        let callback_seconds = Duration::from_secs(callback_seconds).as_secs_f64();
        let rates = Rates {
            enabled,
            callback_seconds,
            ..Rates::default()
        };
        Self {
            inner: Mutex::new((rates, Bucket::default())),
        }
    }

    /// The figures now.
    pub fn rates(&self) -> Rates {
        lock(&self.inner).0
    }

    /// Sets the figures; the shared bucket is full again.
    pub fn set(&self, rates: Rates) {
        *lock(&self.inner) = (rates, Bucket::default());
    }

    /// How long a callback query may be answered.
    pub fn callback_time(&self) -> Duration {
        Duration::try_from_secs_f64(self.rates().callback_seconds).unwrap_or_default()
    }

    /// Takes one message from both buckets, or tells how many seconds to wait.
    pub fn take(&self, chat: &mut Bucket) -> Result<(), u64> {
        let now = Instant::now();
        let mut inner = lock(&self.inner);
        let (rates, shared) = &mut *inner;
        if !rates.enabled {
            return Ok(());
        }
        let wait = chat.wait(now, rates.chat_per_second, rates.chat_burst);
        let wait = wait.max(shared.wait(now, rates.per_second, rates.burst));
        if wait > 0.0 {
            return Err(
                Duration::try_from_secs_f64(wait).map_or(u64::MAX, |wait| wait.as_secs() + 1)
            );
        }
        chat.used += 1.0;
        shared.used += 1.0;
        Ok(())
    }
}
