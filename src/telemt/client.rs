//! The HTTP interface.

use super::error::TelemtError;
use super::user::{NewUser, ProxyUser, SENTINEL, UserCreated, UserJson, UserPatch, Username};
use crate::remote::{Answer, CallTimeouts, exchange, tidy, with_causes};
use crate::telemetry::hide;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, IF_MATCH};
use reqwest::{Client, Method, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt;
use std::sync::{Mutex as Lock, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

/// Bytes of an answer about one user.
const ANSWER_MAX_BYTES: usize = 256 << 10;
/// Bytes of all users; one takes about 2 kB, more with many client addresses.
const LIST_MAX_BYTES: usize = 32 << 20;
/// Times a change is tried while somebody else changes the file.
const REVISION_TRIES: usize = 5;
/// Between two looks whether a change has reached the running server: it looks at its file every 50 ms.
const POLL_FIRST: Duration = Duration::from_millis(50);
/// Later looks are further apart, up to this.
const POLL_MAX: Duration = Duration::from_millis(500);

/// A client of one server. Changes are made one at a time, because the server writes all its file anew at each; they may be
/// repeated after a time-out. Users with other names than [`Username`]s are never changed, but for [`SENTINEL`].
pub struct TelemtClient {
    client: Client,
    base: String,
    authorization: Option<SecretString>,
    changing: Mutex<()>,
    /// Of the server's file, as last seen.
    revision: Lock<Option<String>>,
}

impl fmt::Debug for TelemtClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelemtClient").field("base", &self.base).finish_non_exhaustive()
    }
}

/// What `/health` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Health {
    /// No change is allowed.
    #[serde(default)]
    pub read_only: bool,
}

/// Whether clients get through to Telegram, as the server sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Readiness {
    /// They do.
    #[serde(default)]
    pub ready: bool,
    /// Why not, in the server's word.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What runs there.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SystemInfo {
    /// Of the program.
    #[serde(default)]
    pub version: String,
    /// Seconds since 1970. Counters start at zero with each process, so it tells one run from the next.
    pub process_started_at_epoch_secs: u64,
    /// Seconds since then; with it, its clock. `None` when it does not tell.
    #[serde(default)]
    pub uptime_seconds: Option<f64>,
}

impl TelemtClient {
    /// A client for the server at `base_url`, as `http://127.0.0.1:9091`; `authorization` is the text of `auth_header` in its
    /// file, which is from now on kept out of the log. Nothing is sent yet.
    ///
    /// # Errors
    /// [`TelemtError::BadUrl`] or [`TelemtError::BadHeader`] say what is wrong with a setting.
    pub fn new(
        base_url: &str,
        authorization: Option<SecretString>,
        timeouts: CallTimeouts,
    ) -> Result<Self, TelemtError> {
        let bad = TelemtError::BadUrl;
        let url = Url::parse(base_url.trim()).map_err(|_| bad("it is no address"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("it does not begin with http:// or https://"));
        }
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            return Err(bad("it has more than host, port and path"));
        }
        let mut headers = HeaderMap::new();
        if let Some(text) = &authorization {
            let mut value = HeaderValue::from_str(text.expose_secret()).map_err(|_| TelemtError::BadHeader)?;
            value.set_sensitive(true);
            hide(text);
            headers.insert(AUTHORIZATION, value);
        }
        let client = timeouts
            .client()
            .default_headers(headers)
            .build()
            .map_err(|error| TelemtError::Client(with_causes(&error.without_url())))?;
        let base = url.as_str().trim_end_matches('/').trim_end_matches("/v1").to_owned();
        Ok(Self { client, base, authorization, changing: Mutex::new(()), revision: Lock::new(None) })
    }

    /// Whether the interface answers.
    ///
    /// # Errors
    /// [`TelemtError`].
    pub async fn health(&self) -> Result<Health, TelemtError> {
        self.get("/health", ANSWER_MAX_BYTES).await
    }

    /// Whether clients get through to Telegram.
    ///
    /// # Errors
    /// [`TelemtError`] when the interface itself does not answer.
    pub async fn readiness(&self) -> Result<Readiness, TelemtError> {
        let answer = self.send(Method::GET, "/health/ready", None, None, ANSWER_MAX_BYTES).await?;
        if answer.status.as_u16() != 503 {
            return self.read(&answer, "/health/ready", "");
        }
        match self.read::<Value>(&answer, "/health/ready", "") {
            Err(TelemtError::Disabled) => Err(TelemtError::Disabled),
            _ => Ok(serde_json::from_slice::<Envelope<Readiness>>(&answer.body)
                .ok()
                .and_then(|envelope| envelope.data)
                .map(|readiness| Readiness { ready: false, ..readiness })
                .unwrap_or_default()),
        }
    }

    /// Which process answers.
    ///
    /// # Errors
    /// [`TelemtError`].
    pub async fn system(&self) -> Result<SystemInfo, TelemtError> {
        self.get("/system/info", ANSWER_MAX_BYTES).await
    }

    /// Every user, ours or not.
    ///
    /// # Errors
    /// [`TelemtError`].
    pub async fn users(&self) -> Result<Vec<ProxyUser>, TelemtError> {
        let users: Vec<UserJson> = self.get("/users", LIST_MAX_BYTES).await?;
        Ok(users.into_iter().map(ProxyUser::from).collect())
    }

    /// One user; `None` when there is none of this name.
    ///
    /// # Errors
    /// [`TelemtError`].
    pub async fn user(&self, name: Username) -> Result<Option<ProxyUser>, TelemtError> {
        self.look(&name.to_string()).await
    }

    /// Makes a user. When the name is taken, or the answer is lost, the server is asked whose it is, so that repeating the
    /// call never makes a second one.
    ///
    /// # Errors
    /// [`TelemtError`]; after [`TelemtError::NoAnswer`] the user may be there, and the same call again tells.
    pub async fn create_user(&self, new: &NewUser<'_>) -> Result<UserCreated, TelemtError> {
        let _turn = self.changing.lock().await;
        let error = match self.change::<WithSecret>(Method::POST, "/users", Some(&new.json())).await {
            Ok(made) => return Ok(UserCreated::Created(made.user.into())),
            Err(error) => error,
        };
        let exists = matches!(&error, TelemtError::Refused { code, .. } if code == "user_exists");
        if !exists && !matches!(error, TelemtError::NoAnswer(_) | TelemtError::Unreadable(_)) {
            return Err(error);
        }
        match self.user(new.name).await {
            Ok(Some(user)) if user.is(new) => Ok(UserCreated::AlreadyOurs(user)),
            Ok(Some(_)) => Ok(UserCreated::TakenByOther),
            // It was there and is gone: somebody else is at work, and a later try finds out.
            Ok(None) => Err(if exists { TelemtError::Busy } else { error }),
            Err(second) => Err(if exists { second } else { error }),
        }
    }

    /// Changes a user.
    ///
    /// # Errors
    /// [`TelemtError`].
    pub async fn patch_user(&self, name: Username, patch: &UserPatch) -> Result<ProxyUser, TelemtError> {
        let _turn = self.changing.lock().await;
        let user: UserJson = self.change(Method::PATCH, &path(name, ""), Some(&patch.json())).await?;
        Ok(user.into())
    }

    /// Lets a user connect, or cuts it off, open connections included.
    ///
    /// # Errors
    /// [`TelemtError`].
    pub async fn set_enabled(&self, name: Username, enabled: bool) -> Result<ProxyUser, TelemtError> {
        let _turn = self.changing.lock().await;
        let action = if enabled { "/enable" } else { "/disable" };
        let user: UserJson = self.change(Method::POST, &path(name, action), None).await?;
        Ok(user.into())
    }

    /// Removes a user; one that is not there is fine. Before the last one goes, [`SENTINEL`] is made.
    ///
    /// # Errors
    /// [`TelemtError`].
    pub async fn delete_user(&self, name: Username) -> Result<(), TelemtError> {
        let _turn = self.changing.lock().await;
        let mut result = self.change::<Value>(Method::DELETE, &path(name, ""), None).await;
        if matches!(&result, Err(TelemtError::Refused { code, .. }) if code == "last_user_forbidden") {
            self.keep_sentinel().await?;
            result = self.change(Method::DELETE, &path(name, ""), None).await;
        }
        match result {
            Ok(_) | Err(TelemtError::NoSuchUser(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Makes sure that [`SENTINEL`] is there and disabled, so that no user is the last one.
    ///
    /// # Errors
    /// [`TelemtError`].
    pub async fn ensure_sentinel(&self) -> Result<(), TelemtError> {
        let _turn = self.changing.lock().await;
        self.keep_sentinel().await
    }

    async fn keep_sentinel(&self) -> Result<(), TelemtError> {
        match self.look(SENTINEL).await? {
            Some(user) if !user.enabled => return Ok(()),
            Some(_) => {
                return self.change::<Value>(Method::POST, &format!("/users/{SENTINEL}/disable"), None).await.map(drop);
            }
            None => {}
        }
        // The server chooses a secret that nobody ever sees.
        let body = json!({ "username": SENTINEL, "enabled": false });
        match self.change::<Value>(Method::POST, "/users", Some(&body)).await {
            Err(TelemtError::Refused { code, .. }) if code == "user_exists" => Ok(()),
            result => result.map(drop),
        }
    }

    /// Waits until the running server knows a user as its file has it.
    ///
    /// # Errors
    /// [`TelemtError::NotRunning`] when that takes longer than `within`; [`TelemtError::NoSuchUser`].
    pub async fn wait_in_runtime(&self, name: Username, within: Duration) -> Result<ProxyUser, TelemtError> {
        let end = Instant::now() + within;
        let mut pause = POLL_FIRST;
        loop {
            match self.user(name).await? {
                Some(user) if user.in_runtime => return Ok(user),
                Some(_) => {}
                None => return Err(TelemtError::NoSuchUser(name.to_string())),
            }
            if Instant::now() + pause > end {
                return Err(TelemtError::NotRunning { user: name.to_string(), within });
            }
            sleep(pause).await;
            pause = (pause * 2).min(POLL_MAX);
        }
    }

    async fn look(&self, name: &str) -> Result<Option<ProxyUser>, TelemtError> {
        match self.get::<UserJson>(&format!("/users/{name}"), ANSWER_MAX_BYTES).await {
            Ok(user) => Ok(Some(user.into())),
            Err(TelemtError::NoSuchUser(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, max_bytes: usize) -> Result<T, TelemtError> {
        let answer = self.send(Method::GET, path, None, None, max_bytes).await?;
        self.read(&answer, path, "")
    }

    /// Makes a change on top of the file as it was last seen. If somebody else has changed it, it is looked at again: what
    /// is asked for does not depend on what others do.
    async fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, TelemtError> {
        let secret = body.and_then(|body| body["secret"].as_str()).unwrap_or_default();
        for _ in 0..REVISION_TRIES {
            let revision = self.known_revision();
            let answer = self.send(method.clone(), path, body, revision.as_deref(), ANSWER_MAX_BYTES).await?;
            match self.read(&answer, path, secret) {
                Err(TelemtError::Refused { code, .. }) if code == "revision_conflict" => {
                    self.learn_revision(None);
                    self.health().await?;
                }
                result => return result,
            }
        }
        Err(TelemtError::Busy)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        revision: Option<&str>,
        max_bytes: usize,
    ) -> Result<Answer, TelemtError> {
        let mut request = self.client.request(method, format!("{}/v1{path}", self.base));
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(revision) = revision {
            request = request.header(IF_MATCH, revision);
        }
        Ok(exchange(request, max_bytes).await?)
    }

    /// `secret` is what the request held of the kind; an error that quotes it is told without.
    fn read<T: DeserializeOwned>(&self, answer: &Answer, path: &str, secret: &str) -> Result<T, TelemtError> {
        let status = answer.status.as_u16();
        let head: Envelope<serde::de::IgnoredAny> = match serde_json::from_slice(&answer.body) {
            Ok(head) => head,
            Err(_) if status == 429 || status >= 500 => return Err(TelemtError::NoAnswer(format!("HTTP {status}"))),
            Err(_) => return Err(TelemtError::Unreadable(format!("HTTP {status} without telemt's envelope"))),
        };
        if !head.ok || !answer.status.is_success() {
            return Err(self.refusal(status, head.error.unwrap_or_default(), path, secret));
        }
        if let Some(revision) = head.revision {
            self.learn_revision(Some(revision));
        }
        // The JSON library's own words may repeat a secret, so they are left out.
        let wrong = |error: serde_json::Error| {
            TelemtError::Unreadable(format!("JSON is not as expected at byte {}", error.column()))
        };
        let envelope: Envelope<T> = serde_json::from_slice(&answer.body).map_err(wrong)?;
        envelope.data.ok_or_else(|| TelemtError::Unreadable("the envelope is empty".to_owned()))
    }

    fn refusal(&self, status: u16, error: ErrorJson, path: &str, secret: &str) -> TelemtError {
        let secrets = [self.authorization.as_ref().map_or("", |text| text.expose_secret()), secret];
        let (code, message) = (tidy(&error.code, &secrets), tidy(&error.message, &secrets));
        let user = path.strip_prefix("/users/").and_then(|rest| rest.split('/').next());
        match (code.as_str(), user) {
            ("unauthorized", _) => TelemtError::Unauthorized,
            ("forbidden", _) => TelemtError::Forbidden,
            ("read_only", _) => TelemtError::ReadOnly,
            ("api_disabled", _) => TelemtError::Disabled,
            ("reload_in_progress", _) => TelemtError::Busy,
            ("not_found", Some(user)) => TelemtError::NoSuchUser(user.to_owned()),
            _ if status >= 500 || status == 429 => TelemtError::NoAnswer(format!("HTTP {status} {code}: {message}")),
            _ => TelemtError::Refused { code, message },
        }
    }

    fn known_revision(&self) -> Option<String> {
        self.revision.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn learn_revision(&self, revision: Option<String>) {
        *self.revision.lock().unwrap_or_else(PoisonError::into_inner) = revision;
    }
}

fn path(name: Username, action: &str) -> String {
    format!("/users/{name}{action}")
}

/// Around every answer.
#[derive(Deserialize)]
struct Envelope<T> {
    ok: bool,
    data: Option<T>,
    #[serde(default)]
    revision: Option<String>,
    #[serde(default)]
    error: Option<ErrorJson>,
}

#[derive(Default, Deserialize)]
struct ErrorJson {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// What creating and rotating answer; the secret in it is the one that was sent.
#[derive(Deserialize)]
struct WithSecret {
    user: UserJson,
}

#[cfg(test)]
mod tests;
