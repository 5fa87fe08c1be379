//! What a telemt instance knows: its configuration file with the users, what counts towards quotas, and the counters that begin
//! at zero with the process.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;

use chrono::DateTime;
use ring::digest::SHA256;
use ring::digest::digest;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::random;

/// A user in the file.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct User {
    /// 32 hex digits.
    pub secret: String,
    /// Whether it is let in.
    pub enabled: bool,
    /// 32 hex digits.
    pub user_ad_tag: Option<String>,
    /// Connections at once.
    pub max_tcp_conns: Option<u64>,
    /// When it ends.
    pub expiration_rfc3339: Option<String>,
    /// Bytes in all.
    pub data_quota_bytes: Option<u64>,
    /// Bits per second.
    pub rate_limit_up_bps: Option<u64>,
    /// Bits per second.
    pub rate_limit_down_bps: Option<u64>,
    /// Source addresses at once.
    pub max_unique_ips: Option<u64>,
}

impl User {
    /// A user without limits.
    pub fn with_secret(secret: String) -> Self {
        Self {
            secret,
            enabled: true,
            user_ad_tag: None,
            max_tcp_conns: None,
            expiration_rfc3339: None,
            data_quota_bytes: None,
            rate_limit_up_bps: None,
            rate_limit_down_bps: None,
            max_unique_ips: None,
        }
    }

    /// Whether its time is over.
    pub fn is_expired(&self, now: i64) -> bool {
        let end = self.expiration_rfc3339.as_deref();
        end.and_then(|text| DateTime::parse_from_rfc3339(text).ok())
            .is_some_and(|end| end.timestamp() <= now)
    }
}

/// A new secret.
pub fn new_secret() -> String {
    random::hex(&random::bytes::<16>())
}

/// The configuration file.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct File {
    /// By name.
    pub users: BTreeMap<String, User>,
    /// The sections that the API lets see.
    pub sections: Value,
}

impl File {
    /// The revision: a hash over the whole file.
    pub fn revision(&self) -> String {
        let text = json!([self.users, self.sections]).to_string();
        random::hex(digest(&SHA256, text.as_bytes()).as_ref())
    }

    /// Whether a mode of transport is on.
    pub fn has_mode(&self, mode: &str) -> bool {
        self.sections["general"]["modes"][mode]
            .as_bool()
            .unwrap_or(true)
    }

    /// The domains of fake TLS, the main one first.
    pub fn tls_domains(&self) -> Vec<String> {
        let censorship = &self.sections["censorship"];
        let more = censorship["tls_domains"].as_array();
        std::iter::once(&censorship["tls_domain"])
            .chain(more.into_iter().flatten())
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    }

    /// The links of a secret in every mode that is on.
    pub fn links(&self, secret: &str) -> Value {
        let links = &self.sections["general"]["links"];
        let host = links["public_host"].as_str().unwrap_or("UNKNOWN");
        let port = links["public_port"].as_u64().unwrap_or(443);
        let link = |secret: String| {
            Value::from(format!(
                "tg://proxy?server={host}&port={port}&secret={secret}"
            ))
        };
        let if_on = |mode: &str, secrets: Vec<String>| -> Vec<Value> {
            let on = self.has_mode(mode);
            secrets.into_iter().filter(|_| on).map(link).collect()
        };
        let domains = self.tls_domains();
        let tls = |domain: &String| format!("ee{secret}{}", random::hex(domain.as_bytes()));
        let extra: Vec<Value> = domains
            .iter()
            .skip(1)
            .filter(|_| self.has_mode("tls"))
            .map(|domain| json!({"domain": domain, "link": link(tls(domain))}))
            .collect();
        json!({
            "classic": if_on("classic", vec![secret.to_owned()]),
            "secure": if_on("secure", vec![format!("dd{secret}")]),
            "tls": if_on("tls", domains.iter().map(tls).collect()),
            "tls_domains": extra,
        })
    }
}

/// What a running process counted for a user.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// Bytes of both directions.
    pub octets: u64,
    /// Connections that are told by the control API, besides real ones.
    pub told_connections: u64,
    /// Source addresses told by the control API.
    pub told_ips: BTreeSet<IpAddr>,
    /// Real connections by source address.
    pub live: BTreeMap<IpAddr, u64>,
}

impl Counters {
    /// Connections at the moment.
    pub fn connections(&self) -> u64 {
        self.live
            .values()
            .fold(self.told_connections, |sum, count| sum + count)
    }

    /// Their addresses.
    pub fn ips(&self) -> BTreeSet<IpAddr> {
        self.told_ips
            .iter()
            .chain(self.live.keys())
            .copied()
            .collect()
    }
}

/// A reload that was asked for.
#[derive(Clone, Debug)]
pub struct Reload {
    /// Counted up.
    pub id: u64,
    /// Of the file.
    pub revision: String,
    /// Whether it is over.
    pub done: bool,
}

/// All of an instance.
#[derive(Debug)]
pub struct State {
    /// On the disk.
    pub file: File,
    /// Bytes that count towards quotas; kept over restarts, unlike the counters.
    pub quota_used: BTreeMap<String, u64>,
    /// Since the process started.
    pub counters: BTreeMap<String, Counters>,
    /// When that was.
    pub started: i64,
    /// The last reloads.
    pub reloads: Vec<Reload>,
    /// Reloads in all.
    pub next_reload: u64,
}

impl State {
    /// A process that starts with this file.
    pub fn new(file: File, quota_used: BTreeMap<String, u64>, now: i64) -> Self {
        Self {
            file,
            quota_used,
            counters: BTreeMap::new(),
            started: now,
            reloads: Vec::new(),
            next_reload: 1,
        }
    }

    /// Bytes of a user went through.
    pub fn add_octets(&mut self, name: &str, octets: u64) {
        let counters = self.counters.entry(name.to_owned()).or_default();
        counters.octets = counters.octets.saturating_add(octets);
        let used = self.quota_used.entry(name.to_owned()).or_default();
        *used = used.saturating_add(octets);
    }

    /// `UserInfo`, if there is such a user on the disk.
    pub fn info(&self, name: &str, running: &File) -> Option<Value> {
        let user = self.file.users.get(name)?;
        let none = Counters::default();
        let counters = self.counters.get(name).unwrap_or(&none);
        let ips = counters.ips();
        let mut info = json!(user);
        if let Some(fields) = info.as_object_mut() {
            fields.remove("secret");
        }
        info["username"] = json!(name);
        info["in_runtime"] = json!(running.users.contains_key(name));
        info["current_connections"] = json!(counters.connections());
        info["active_unique_ips"] = json!(ips.len());
        info["active_unique_ips_list"] = json!(ips);
        info["recent_unique_ips"] = json!(ips.len());
        info["recent_unique_ips_list"] = json!(ips);
        info["total_octets"] = json!(counters.octets);
        info["links"] = self.file.links(&user.secret);
        Some(info)
    }

    /// Whether a user of the running configuration is let in from this address, besides its secret.
    pub fn admits(&self, name: &str, user: &User, ip: IpAddr, now: i64) -> bool {
        let none = Counters::default();
        let counters = self.counters.get(name).unwrap_or(&none);
        let used = self.quota_used.get(name).copied().unwrap_or_default();
        let ips = counters.ips();
        let ip_count = u64::try_from(ips.len()).unwrap_or(u64::MAX);
        user.enabled
            && !user.is_expired(now)
            && user.data_quota_bytes.is_none_or(|quota| used < quota)
            && user
                .max_tcp_conns
                .is_none_or(|limit| counters.connections() < limit)
            && (ips.contains(&ip) || user.max_unique_ips.is_none_or(|limit| ip_count < limit))
    }
}
