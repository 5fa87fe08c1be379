//! The management interface.

use super::error::OutlineError;
use super::key::{AccessKey, Created, KEY_ID_MIN, KeyJson, LimitJson, NewKey};
use super::pin::{self, CertHash};
use crate::remote::{Answer, CallTimeouts, exchange, tidy, with_causes};
use crate::telemetry::hide;
use reqwest::{Client, Method, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;
use std::fmt;
use tokio::sync::Mutex;

/// Bytes of an answer about one thing.
const ANSWER_MAX_BYTES: usize = 64 << 10;
/// Bytes of a list; a key takes about 400, so this is far above what a server can carry.
const LIST_MAX_BYTES: usize = 16 << 20;

/// A client of one server. Changes are made one at a time, because the server writes all its configuration anew at each;
/// they may be repeated after a time-out. Keys with ids below [`KEY_ID_MIN`] are somebody else's and never changed.
pub struct OutlineClient {
    client: Client,
    /// Without a slash at the end. It holds the prefix.
    base: SecretString,
    prefix: SecretString,
    changing: Mutex<()>,
}

impl fmt::Debug for OutlineClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OutlineClient(…)")
    }
}

/// What a server says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerInfo {
    /// Made when it was installed; another one means another server with other keys and counters.
    pub server_id: String,
    /// Of its software.
    #[serde(default)]
    pub version: String,
    /// Milliseconds since 1970.
    #[serde(default)]
    pub created_timestamp_ms: i64,
    /// TCP and UDP, for keys that name none.
    pub port_for_new_access_keys: u16,
    /// What stands in links; empty in old versions.
    #[serde(default)]
    pub hostname_for_access_keys: String,
}

impl ServerInfo {
    /// Where its users connect: what it says itself, else the host of its management address, an IPv6 one without brackets.
    /// `None` when that address has none.
    #[must_use]
    pub fn host(&self, api_url: &SecretString) -> Option<String> {
        if !self.hostname_for_access_keys.is_empty() {
            return Some(self.hostname_for_access_keys.clone());
        }
        let url = Url::parse(api_url.expose_secret().trim()).ok()?;
        Some(url.host_str()?.trim_matches(['[', ']']).to_owned())
    }
}

/// Bytes of all keys in the last 30 days. It is a window and not a total: it falls when days drop out of it, see
/// [`usipipo_actors::domain::usage`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transfer(HashMap<String, u64>);

impl Transfer {
    /// Of this key. The server leaves out keys without traffic.
    #[must_use]
    pub fn of(&self, id: u64) -> u64 {
        self.0.get(&id.to_string()).copied().unwrap_or(0)
    }
}

impl OutlineClient {
    /// A client for the server at `apiUrl`, which shows the certificate with the hash `certSha256`. Nothing is sent yet. The
    /// secret in the address is from now on kept out of the log.
    ///
    /// # Errors
    /// [`OutlineError::BadUrl`] says what is wrong with the address.
    pub fn new(api_url: &SecretString, cert_sha256: CertHash, timeouts: CallTimeouts) -> Result<Self, OutlineError> {
        let url = management_url(api_url).map_err(OutlineError::BadUrl)?;
        let prefix = SecretString::from(url.path().trim_matches('/'));
        hide(&prefix);
        let tls = pin::client_config(cert_sha256).map_err(|error| OutlineError::Client(error.to_string()))?;
        let client = timeouts
            .client()
            .https_only(true)
            .use_preconfigured_tls(tls)
            .build()
            .map_err(|error| OutlineError::Client(with_causes(&error.without_url())))?;
        let base = SecretString::from(url.as_str().trim_end_matches('/'));
        Ok(Self { client, base, prefix, changing: Mutex::new(()) })
    }

    /// What the server says about itself; a good answer proves address, certificate and prefix.
    ///
    /// # Errors
    /// [`OutlineError`].
    pub async fn server(&self) -> Result<ServerInfo, OutlineError> {
        self.get("/server", ANSWER_MAX_BYTES).await
    }

    /// Every key, ours or not.
    ///
    /// # Errors
    /// [`OutlineError`].
    pub async fn keys(&self) -> Result<Vec<AccessKey>, OutlineError> {
        let list: KeysJson = self.get("/access-keys", LIST_MAX_BYTES).await?;
        Ok(list.access_keys.into_iter().map(AccessKey::from).collect())
    }

    /// One key; `None` when there is none with this id.
    ///
    /// # Errors
    /// [`OutlineError`].
    pub async fn key(&self, id: u64) -> Result<Option<AccessKey>, OutlineError> {
        match self.get::<KeyJson>(&key_path(id), ANSWER_MAX_BYTES).await {
            Ok(key) => Ok(Some(key.into())),
            Err(OutlineError::NoSuchKey(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a key with the chosen id. When the id is taken, or the answer is lost, the server is asked whose the key is, so
    /// that repeating the call never makes a second one.
    ///
    /// # Errors
    /// [`OutlineError`]; after [`OutlineError::NoAnswer`] the key may be there, and the same call again tells.
    pub async fn create_key(&self, new: &NewKey<'_>) -> Result<Created, OutlineError> {
        own(new.id)?;
        let body = NewKeyJson {
            name: new.name,
            method: new.cipher.as_str(),
            password: new.password.expose_secret(),
            port: new.port,
            limit: new.limit.map(|bytes| LimitJson { bytes }),
        };
        let _turn = self.changing.lock().await;
        let answer = self.call(Method::PUT, &key_path(new.id), Some(&body), new.password.expose_secret()).await;
        let error = match answer.and_then(|answer| read::<KeyJson>(&answer)) {
            Ok(key) => return Ok(Created::Created(key.into())),
            Err(error @ (OutlineError::Conflict(_) | OutlineError::NoAnswer(_) | OutlineError::Unreadable(_))) => error,
            Err(error) => return Err(error),
        };
        match self.key(new.id).await {
            Ok(Some(key)) if key.is(new) => Ok(Created::AlreadyOurs(key)),
            Ok(Some(_)) => Ok(Created::TakenByOther),
            Ok(None) => Err(error),
            // A 409 proves that something is there, so what matters is that it could not be looked at.
            Err(second) => Err(if matches!(error, OutlineError::Conflict(_)) { second } else { error }),
        }
    }

    /// Limits a key to so many bytes in the last 30 days: 0 keeps it from working, and keeps the key; `None` takes the limit
    /// away. It counts at once for connections to come.
    ///
    /// # Errors
    /// [`OutlineError`].
    pub async fn set_limit(&self, id: u64, bytes: Option<u64>) -> Result<(), OutlineError> {
        match bytes {
            Some(bytes) => {
                self.change_key(Method::PUT, id, "/data-limit", Some(json!({ "limit": LimitJson { bytes } }))).await
            }
            None => self.change_key(Method::DELETE, id, "/data-limit", None).await,
        }
    }

    /// Removes a key; one that is not there is fine.
    ///
    /// # Errors
    /// [`OutlineError`].
    pub async fn delete_key(&self, id: u64) -> Result<(), OutlineError> {
        match self.change_key(Method::DELETE, id, "", None).await {
            Err(OutlineError::NoSuchKey(_)) => Ok(()),
            result => result,
        }
    }

    /// Traffic of all keys in the last 30 days.
    ///
    /// # Errors
    /// [`OutlineError`].
    pub async fn transfer(&self) -> Result<Transfer, OutlineError> {
        let json: TransferJson = self.get("/metrics/transfer", LIST_MAX_BYTES).await?;
        Ok(Transfer(json.bytes_transferred_by_user_id.into_iter().map(|(id, bytes)| (id, whole(bytes))).collect()))
    }

    async fn change_key(
        &self,
        method: Method,
        id: u64,
        what: &str,
        body: Option<serde_json::Value>,
    ) -> Result<(), OutlineError> {
        own(id)?;
        let _turn = self.changing.lock().await;
        self.call(method, &format!("{}{what}", key_path(id)), body.as_ref(), "").await.map(drop)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, max_bytes: usize) -> Result<T, OutlineError> {
        read(&self.sorted(self.send(Method::GET, path, None::<&()>, max_bytes).await?, path, "").await?)
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
        secret: &str,
    ) -> Result<Answer, OutlineError> {
        self.sorted(self.send(method, path, body, ANSWER_MAX_BYTES).await?, path, secret).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
        max_bytes: usize,
    ) -> Result<Answer, OutlineError> {
        let request = self.client.request(method, format!("{}{path}", self.base.expose_secret()));
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        Ok(exchange(request, max_bytes).await?)
    }

    /// Good answers pass; others become errors. `secret` is kept out of them.
    async fn sorted(&self, answer: Answer, path: &str, secret: &str) -> Result<Answer, OutlineError> {
        let refusal: RefusalJson = serde_json::from_slice(&answer.body).unwrap_or_default();
        let message = tidy(&refusal.message, &[self.prefix.expose_secret(), secret]);
        let status = answer.status;
        match status.as_u16() {
            200..300 => Ok(answer),
            404 => Err(self.missing(path, &refusal.code).await),
            // This library's code for a bad argument is 409 as well.
            409 if refusal.code != "InvalidArgument" => Err(OutlineError::Conflict(message)),
            429 | 500.. => Err(OutlineError::NoAnswer(format!("HTTP {}: {message}", status.as_u16()))),
            status => Err(OutlineError::Refused { status, message }),
        }
    }

    /// A key that is missing and a wrong prefix look alike but for a word, and a key must not be taken for removed because
    /// the prefix is wrong. So when in doubt `/server` is asked.
    async fn missing(&self, path: &str, code: &str) -> OutlineError {
        let key = path.strip_prefix("/access-keys/").and_then(|rest| rest.split('/').next());
        if let Some(key) = key.filter(|_| code == "NotFoundError") {
            return OutlineError::NoSuchKey(key.to_owned());
        }
        let known = match self.send(Method::GET, "/server", None::<&()>, ANSWER_MAX_BYTES).await {
            Ok(answer) => answer.status,
            Err(error) => return error,
        };
        match key {
            _ if known == StatusCode::NOT_FOUND => OutlineError::WrongPrefix,
            Some(key) if known.is_success() => OutlineError::NoSuchKey(key.to_owned()),
            _ if known.is_success() => OutlineError::Unreadable("it does not know what was asked for".to_owned()),
            _ => OutlineError::NoAnswer(format!("HTTP {}", known.as_u16())),
        }
    }
}

/// Whether a setting can be the address of a management interface; the error says why not, without the address.
///
/// # Errors
/// What is wrong with it, as a sentence without an end.
pub fn check_api_url(api_url: &SecretString) -> Result<(), &'static str> {
    management_url(api_url).map(drop)
}

fn management_url(api_url: &SecretString) -> Result<Url, &'static str> {
    let url = Url::parse(api_url.expose_secret().trim()).map_err(|_| "it is no address")?;
    if url.scheme() != "https" {
        return Err("it does not begin with https://");
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err("it has more than host, port and the secret part");
    }
    if url.path().trim_matches('/').is_empty() {
        return Err("the secret part after the port is missing");
    }
    Ok(url)
}

fn own(id: u64) -> Result<(), OutlineError> {
    if id >= KEY_ID_MIN { Ok(()) } else { Err(OutlineError::Foreign(id)) }
}

fn key_path(id: u64) -> String {
    format!("/access-keys/{id}")
}

/// The JSON library's own words may repeat a password, so they are left out.
fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, OutlineError> {
    serde_json::from_slice(&answer.body)
        .map_err(|error| OutlineError::Unreadable(format!("JSON is not as expected at byte {}", error.column())))
}

/// The server computes in floating point; what it cannot compute is `null`.
fn whole(bytes: Option<serde_json::Number>) -> u64 {
    let Some(bytes) = bytes else { return 0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "out of range becomes the nearest")]
    let rounded = |bytes: f64| bytes.round() as u64;
    bytes.as_u64().or_else(|| bytes.as_f64().map(rounded)).unwrap_or(0)
}

#[derive(Serialize)]
struct NewKeyJson<'a> {
    name: &'a str,
    method: &'a str,
    password: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<LimitJson>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeysJson {
    access_keys: Vec<KeyJson>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TransferJson {
    bytes_transferred_by_user_id: HashMap<String, Option<serde_json::Number>>,
}

#[derive(Default, Deserialize)]
struct RefusalJson {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

#[cfg(test)]
mod tests;
