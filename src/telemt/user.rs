//! Users of a proxy server; each has one secret.

use super::links::write_hex;
use crate::mtproto::SecretKey;
use chrono::{DateTime, SecondsFormat, SubsecRound as _, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fmt;
use usipipo_actors::domain::ids::ServiceId;

/// A disabled user that stays, since the server refuses to be without users.
pub const SENTINEL: &str = "usipipo-sentinel";

/// The name of a user of ours: `u<service>-<n>`. Users with other names are somebody else's and never changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username {
    /// Whose it is.
    pub service: ServiceId,
    /// Counts the service's users on servers, so that a name is never used twice.
    pub number: u32,
}

impl Username {
    /// Reads a name; `None` for somebody else's.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (service, number) = text.strip_prefix('u')?.split_once('-')?;
        let name = Self { service: ServiceId(service.parse().ok()?), number: number.parse().ok()? };
        // "u07-1" and "u+7-1" are other names.
        (name.to_string() == text && name.service.0 > 0).then_some(name)
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "u{}-{}", self.service.0, self.number)
    }
}

/// What a user may do; `None` is no limit of the user's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserLimits {
    /// Connections at once.
    pub max_tcp_conns: Option<u64>,
    /// Client addresses at once.
    pub max_unique_ips: Option<u64>,
    /// The server refuses connections from then on; to the second.
    pub expires_at: Option<DateTime<Utc>>,
    /// Bytes, both directions together.
    pub quota_bytes: Option<u64>,
    /// Bits per second from the client.
    pub up_bps: Option<u64>,
    /// Bits per second to the client.
    pub down_bps: Option<u64>,
    /// From @MTProxybot: 32 hexadecimal digits.
    pub ad_tag: Option<String>,
}

impl UserLimits {
    /// All fields, with `null` for what is not limited, which takes a limit away.
    fn json(&self) -> Map<String, Value> {
        let fields = [
            ("max_tcp_conns", json!(self.max_tcp_conns)),
            ("max_unique_ips", json!(self.max_unique_ips)),
            ("expiration_rfc3339", json!(self.expires_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)))),
            ("data_quota_bytes", json!(self.quota_bytes)),
            ("rate_limit_up_bps", json!(self.up_bps)),
            ("rate_limit_down_bps", json!(self.down_bps)),
            ("user_ad_tag", json!(self.ad_tag)),
        ];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// What does not change in the life of a user.
    fn lasting(&self) -> Self {
        Self { expires_at: None, ad_tag: None, ..self.clone() }
    }

    /// Whether the server would do the same with both.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        let plain = |limits: &Self| Self {
            expires_at: limits.expires_at.map(|at| at.trunc_subsecs(0)),
            ad_tag: limits.ad_tag.as_ref().map(|tag| tag.to_lowercase()),
            ..limits.clone()
        };
        plain(self) == plain(other)
    }
}

/// A user to be made. The secret is chosen and stored by the caller, so that a repeated call can prove whose a user is.
#[derive(Debug, Clone)]
pub struct NewUser<'a> {
    /// Its name.
    pub name: Username,
    /// Its secret.
    pub secret: &'a SecretKey,
    /// What it may do.
    pub limits: UserLimits,
    /// Whether it may connect.
    pub enabled: bool,
}

impl NewUser<'_> {
    pub(super) fn json(&self) -> Value {
        // A new user has no limits to be taken away.
        let mut fields: Map<_, _> = self.limits.json().into_iter().filter(|(_, value)| !value.is_null()).collect();
        fields.insert("username".to_owned(), json!(self.name.to_string()));
        fields.insert("secret".to_owned(), json!(hex(self.secret)));
        fields.insert("enabled".to_owned(), json!(self.enabled));
        Value::Object(fields)
    }
}

/// What changes about a user; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct UserPatch {
    /// All limits at once: those that are `None` in it are taken away.
    pub limits: Option<UserLimits>,
    /// Whether it may connect.
    pub enabled: Option<bool>,
}

impl UserPatch {
    pub(super) fn json(&self) -> Value {
        let mut fields = self.limits.as_ref().map(UserLimits::json).unwrap_or_default();
        if let Some(enabled) = self.enabled {
            fields.insert("enabled".to_owned(), json!(enabled));
        }
        Value::Object(fields)
    }
}

/// A user as the server has it.
#[derive(Debug, Clone)]
pub struct ProxyUser {
    /// Its name; ours are read by [`Username::parse`].
    pub username: String,
    /// Whether it may connect.
    pub enabled: bool,
    /// Whether the running server knows it as it stands here; it follows its file a moment later.
    pub in_runtime: bool,
    /// What it may do.
    pub limits: UserLimits,
    /// Client addresses now.
    pub unique_ips: u64,
    /// Bytes in both directions since the server's process started (see [`super::SystemInfo`]).
    pub total_bytes: u64,
    /// From its links; the server tells secrets nowhere else. Empty when it offers no link.
    secrets: Vec<SecretKey>,
}

impl ProxyUser {
    /// The name, if it is ours.
    #[must_use]
    pub fn name(&self) -> Option<Username> {
        Username::parse(&self.username)
    }

    /// Whether it has this secret; `None` when the server offers no link that would tell.
    #[must_use]
    pub fn has_secret(&self, secret: &SecretKey) -> Option<bool> {
        (!self.secrets.is_empty()).then(|| self.secrets.iter().all(|theirs| theirs == secret))
    }

    /// Its secret; `None` when the server offers no link that would tell, or links that differ.
    #[must_use]
    pub fn secret(&self) -> Option<&SecretKey> {
        let first = self.secrets.first()?;
        (self.has_secret(first) == Some(true)).then_some(first)
    }

    /// Whether it is the user that `wanted` asks for: same name and same secret. Where the server does not tell secrets, all
    /// limits have to be the same, but for those that change: its end and its tag.
    #[must_use]
    pub fn is(&self, wanted: &NewUser<'_>) -> bool {
        self.username == wanted.name.to_string()
            && self.has_secret(wanted.secret).unwrap_or_else(|| self.limits.lasting().same(&wanted.limits.lasting()))
    }
}

/// What became of a user to be made.
#[derive(Debug)]
pub enum UserCreated {
    /// It is in the server's file now; the running server may take a moment ([`ProxyUser::in_runtime`]).
    Created(ProxyUser),
    /// It was there already, from an earlier call whose answer was lost. Limits may still differ.
    AlreadyOurs(ProxyUser),
    /// Somebody else's user has the name; it was not touched.
    TakenByOther,
}

fn hex(secret: &SecretKey) -> String {
    let mut text = String::with_capacity(32);
    write_hex(&mut text, secret.expose());
    text
}

/// A user in the server's JSON. Unknown fields are skipped, missing ones are none.
#[derive(Deserialize)]
pub(super) struct UserJson {
    username: String,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    in_runtime: bool,
    max_tcp_conns: Option<u64>,
    max_unique_ips: Option<u64>,
    expiration_rfc3339: Option<DateTime<Utc>>,
    data_quota_bytes: Option<u64>,
    rate_limit_up_bps: Option<u64>,
    rate_limit_down_bps: Option<u64>,
    user_ad_tag: Option<String>,
    #[serde(default)]
    active_unique_ips: u64,
    #[serde(default)]
    total_octets: u64,
    #[serde(default)]
    links: LinksJson,
}

#[derive(Default, Deserialize)]
struct LinksJson {
    #[serde(default)]
    classic: Vec<String>,
    #[serde(default)]
    secure: Vec<String>,
    #[serde(default)]
    tls: Vec<String>,
}

const fn yes() -> bool {
    true
}

impl From<UserJson> for ProxyUser {
    fn from(json: UserJson) -> Self {
        let links = [&json.links.classic, &json.links.secure, &json.links.tls];
        let secrets = links.into_iter().flatten().filter_map(|link| secret_of(link)).collect();
        Self {
            username: json.username,
            enabled: json.enabled,
            in_runtime: json.in_runtime,
            limits: UserLimits {
                max_tcp_conns: json.max_tcp_conns,
                max_unique_ips: json.max_unique_ips,
                expires_at: json.expiration_rfc3339,
                quota_bytes: json.data_quota_bytes,
                up_bps: json.rate_limit_up_bps,
                down_bps: json.rate_limit_down_bps,
                ad_tag: json.user_ad_tag,
            },
            unique_ips: json.active_unique_ips,
            total_bytes: json.total_octets,
            secrets,
        }
    }
}

/// The 16 bytes in a link.
fn secret_of(link: &str) -> Option<SecretKey> {
    let (_, query) = link.split_once('?')?;
    let text = query.split('&').find_map(|part| part.strip_prefix("secret="))?;
    // A classic secret is 32 digits long and may itself begin with dd or ee.
    let digits = if text.len() == 32 { text } else { text.get(2..34)? };
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some(SecretKey::new(bytes))
}

#[cfg(test)]
mod tests;
