//! What an Outline server remembers: its settings, its keys, and what flowed under each id in the last 30 days.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::VecDeque;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::random;

/// The window of transfer metrics and data limits, in seconds: 30 days.
pub const WINDOW_SECONDS: i64 = 30 * 24 * 3600;
/// Limits are compared so often, in seconds, and besides whenever one is changed.
pub const ENFORCED_EVERY_SECONDS: i64 = 3600;
/// Bytes are kept by minutes, so at most 43,200 numbers per key.
const BUCKET_SECONDS: i64 = 60;
/// What a key gets if nothing else is asked for.
pub const DEFAULT_METHOD: &str = "chacha20-ietf-poly1305";
/// The ciphers that a key may have.
pub const METHODS: [&str; 4] = [DEFAULT_METHOD, "aes-256-gcm", "aes-192-gcm", "aes-128-gcm"];

/// An access key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Key {
    /// Chosen by the client or counted up.
    pub id: String,
    /// For people.
    pub name: String,
    /// Of Shadowsocks.
    pub password: String,
    /// Of Shadowsocks, shared by many keys as a rule.
    pub port: u16,
    /// Of Shadowsocks.
    pub method: String,
    /// Bytes per window.
    pub data_limit: Option<u64>,
    /// Found over its limit at the last comparison, and so left out of the proxy's configuration.
    pub over_limit: bool,
}

/// What flowed under one id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Traffic {
    /// Minute of the clock and bytes.
    buckets: VecDeque<(i64, u64)>,
    last_seen: i64,
}

/// The state of a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// Another one after a new installation.
    pub server_id: String,
    /// For people.
    pub name: String,
    /// Milliseconds since 1970.
    pub created_ms: i64,
    /// The host in access URLs.
    pub hostname: String,
    /// The port of keys that choose none.
    pub port_for_new_keys: u16,
    /// Whether the operator shares metrics; it changes nothing else.
    pub metrics_enabled: bool,
    /// The limit of keys without one of their own, in bytes per window.
    pub default_limit: Option<u64>,
    /// The next id counted up.
    next_id: u64,
    /// In the order of creation.
    pub keys: Vec<Key>,
    /// By id, of deleted keys too, as Prometheus keeps it.
    traffic: BTreeMap<String, Traffic>,
    last_enforced: i64,
}

impl State {
    /// A server just installed.
    pub fn new(hostname: String, port_for_new_keys: u16, now: i64) -> Self {
        Self {
            server_id: random::uuid(),
            name: "Outline Server".to_owned(),
            created_ms: now.saturating_mul(1000),
            hostname,
            port_for_new_keys,
            metrics_enabled: false,
            default_limit: None,
            next_id: 0,
            keys: Vec::new(),
            traffic: BTreeMap::new(),
            last_enforced: now,
        }
    }

    /// A key by its id.
    pub fn key(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// The same to change it.
    pub fn key_mut(&mut self, id: &str) -> Option<&mut Key> {
        self.keys.iter_mut().find(|key| key.id == id)
    }

    /// The next free id counted up.
    pub fn next_id(&mut self) -> String {
        loop {
            let id = self.next_id.to_string();
            self.next_id += 1;
            if self.key(&id).is_none() {
                return id;
            }
        }
    }

    /// A key as the API shows it.
    pub fn view(&self, key: &Key) -> Value {
        let user = URL_SAFE_NO_PAD.encode(format!("{}:{}", key.method, key.password));
        let host = match self.hostname.contains(':') {
            true => format!("[{}]", self.hostname),
            false => self.hostname.clone(),
        };
        let mut view = json!({
            "id": key.id, "name": key.name, "password": key.password, "port": key.port, "method": key.method,
            "accessUrl": format!("ss://{user}@{host}:{}/?outline=1", key.port),
        });
        if let Some(bytes) = key.data_limit {
            view["dataLimit"] = json!({"bytes": bytes});
        }
        view
    }

    /// Bytes flowed under an id.
    pub fn add_traffic(&mut self, id: &str, bytes: u64, now: i64) {
        let traffic = self.traffic.entry(id.to_owned()).or_default();
        traffic.last_seen = now;
        let bucket = now.div_euclid(BUCKET_SECONDS) * BUCKET_SECONDS;
        match traffic.buckets.back_mut() {
            // Also when the clock went back.
            Some((last, sum)) if *last >= bucket => *sum = sum.saturating_add(bytes),
            _ => traffic.buckets.push_back((bucket, bytes)),
        }
        while traffic
            .buckets
            .front()
            .is_some_and(|(start, _)| *start <= now - WINDOW_SECONDS)
        {
            traffic.buckets.pop_front();
        }
    }

    /// Bytes under an id in the last `seconds`.
    pub fn transferred(&self, id: &str, seconds: i64, now: i64) -> u64 {
        let buckets = self.traffic.get(id).map(|traffic| &traffic.buckets);
        let recent = buckets
            .into_iter()
            .flatten()
            .filter(|(start, _)| *start > now - seconds);
        recent.fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes))
    }

    /// All ids with bytes in the last `seconds`, with those bytes and the last moment of traffic. Ids without any are missing.
    pub fn all_transferred(&self, seconds: i64, now: i64) -> BTreeMap<&str, (u64, i64)> {
        self.traffic
            .iter()
            .map(|(id, traffic)| {
                (
                    id.as_str(),
                    (self.transferred(id, seconds, now), traffic.last_seen),
                )
            })
            .filter(|(_, (bytes, _))| *bytes > 0)
            .collect()
    }

    /// Whether the hourly comparison is due.
    pub fn is_due(&self, now: i64) -> bool {
        (now - self.last_enforced).abs() >= ENFORCED_EVERY_SECONDS
    }

    /// Compares what flowed with the limits; tells whether the proxy's configuration changes by it. A key is over its limit
    /// when *more* has flowed, so that a limit of zero lets a key live under which nothing has flowed yet.
    pub fn enforce(&mut self, now: i64) -> bool {
        self.last_enforced = now;
        self.traffic
            .retain(|_, traffic| traffic.last_seen > now - WINDOW_SECONDS - BUCKET_SECONDS);
        let used: HashMap<String, u64> = self
            .all_transferred(WINDOW_SECONDS, now)
            .into_iter()
            .map(|(id, (bytes, _))| (id.to_owned(), bytes))
            .collect();
        let mut changed = false;
        for key in &mut self.keys {
            let limit = key.data_limit.or(self.default_limit);
            let over =
                limit.is_some_and(|limit| used.get(&key.id).copied().unwrap_or_default() > limit);
            changed |= over != key.over_limit;
            key.over_limit = over;
        }
        changed
    }
}
