//! Where updates are sent when the bot does not poll.

use std::sync::Mutex;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use tokio::sync::watch;

use super::lock;

/// `max_connections` unless set.
pub const DEFAULT_CONNECTIONS: usize = 40;

/// A webhook that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Where to.
    pub url: String,
    /// Sent along in a header.
    pub secret_token: Option<String>,
    /// So many at once.
    pub max_connections: usize,
    /// As given; the sandbox resolves names itself.
    pub ip_address: Option<String>,
    /// A certificate was uploaded.
    pub has_custom_certificate: bool,
}

#[derive(Debug, Default)]
struct Inner {
    target: Option<Target>,
    last_error: Option<(i64, String)>,
}

/// The webhook and how it goes.
#[derive(Debug)]
pub struct Webhook {
    inner: Mutex<Inner>,
    generation: watch::Sender<u64>,
}

impl Default for Webhook {
    fn default() -> Self {
        Self {
            inner: Mutex::default(),
            generation: watch::Sender::new(0),
        }
    }
}

impl Webhook {
    /// What is set.
    pub fn target(&self) -> Option<Target> {
        lock(&self.inner).target.clone()
    }

    /// Sets or removes it.
    pub fn set(&self, target: Option<Target>) {
        *lock(&self.inner) = Inner {
            target,
            last_error: None,
        };
        self.generation.send_modify(|generation| *generation += 1);
    }

    /// Removes it.
    pub fn clear(&self) {
        self.set(None);
    }

    /// Changes when the webhook is set or removed.
    pub fn generation(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// Notes a failed delivery.
    pub fn failed(&self, date: i64, message: String) {
        lock(&self.inner).last_error = Some((date, message));
    }

    /// `WebhookInfo` of the Bot API.
    pub fn info(&self, pending: usize, allowed: Option<Vec<String>>) -> Value {
        let inner = lock(&self.inner);
        let target = inner.target.clone().unwrap_or_default();
        let mut info = json!({"url": target.url, "has_custom_certificate": target.has_custom_certificate, "pending_update_count": pending});
        if inner.target.is_some() {
            info["max_connections"] = json!(target.max_connections);
            info["ip_address"] = json!(target.ip_address.unwrap_or_else(|| "127.0.0.1".to_owned()));
        }
        if let Some((date, message)) = &inner.last_error {
            info["last_error_date"] = json!(date);
            info["last_error_message"] = json!(message);
        }
        if let Some(allowed) = allowed {
            info["allowed_updates"] = json!(allowed);
        }
        info
    }
}
