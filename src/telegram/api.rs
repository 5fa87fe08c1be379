//! Calls of the Bot API.
//!
//! teloxide supplies the payloads, so that names and types of parameters are right; the exchange itself is ours, for three
//! reasons. teloxide 0.17 sleeps ten seconds inside a call when Telegram answers 5xx, which would hold up a worker. It reads
//! the answer into types of Bot API 9.1, so that a message with something newer in it would count as not sent and be sent
//! again. And reading a whole `Message` costs more than the rest of the call, while all that is needed is its id.
//!
//! No error text carries the token: addresses are taken out of the HTTP client's errors.

use crate::telegram::metrics;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, Instant};
use usipipo_actors::storage::crash;

mod server_time;
mod webhook_setup;

pub(crate) use webhook_setup::ALLOWED_UPDATES;
pub use webhook_setup::{Me, WebhookInfo};

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for the answer to a call.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest wait for the answer to a call with a file.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(60);
/// Idle connections kept; as many as the outbox has calls under way at once, and some.
const IDLE_CONNECTIONS_MAX: usize = 64;
/// Telegram closes idle connections after about a minute; ours go first.
const IDLE_TIMEOUT: Duration = Duration::from_secs(45);
/// Largest answer to a call, bytes. A message is a few kilobytes.
const ANSWER_MAX_BYTES: usize = 1024 * 1024;
/// What to wait when Telegram says "too many requests" and not how long.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(5);
/// Characters of Telegram's own description that are kept.
const DESCRIPTION_MAX_CHARS: usize = 200;

/// Why a client of the Bot API cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ApiSetupError {
    /// `telegram.token` cannot be a token.
    #[error("telegram.token is not a bot token; @BotFather gives one that looks like 123456:ABC-DEF")]
    Token,
    /// `telegram.api_url` is not an address.
    #[error("telegram.api_url is not an http or https address: {0}")]
    Url(String),
    /// TLS or the like.
    #[error("the HTTP client cannot be made: {0}")]
    Client(String),
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// 429.
    #[error("telegram asks to wait {0:?}")]
    RetryAfter(Duration),
    /// No answer, or an error of Telegram's own (5xx).
    #[error("{0}")]
    Unavailable(String),
    /// An answer that is cut, too long, or not the Bot API's.
    #[error("{0}")]
    Unreadable(String),
    /// 401, and 404 which Telegram says to a malformed token.
    #[error("telegram refuses the token: {0}")]
    Unauthorized(String),
    /// 409: another poller, or a webhook is set.
    #[error("conflict: {0}")]
    Conflict(String),
    /// 403: the user blocked the bot, is gone, or never opened the chat.
    #[error("forbidden: {0}")]
    Forbidden(String),
    /// 400 and everything else: the call is wrong as it is.
    #[error("{0}")]
    Refused(String),
}

impl ApiError {
    const fn outcome(&self) -> &'static str {
        match self {
            Self::RetryAfter(_) => "retry_after",
            Self::Unavailable(_) => "unavailable",
            Self::Unreadable(_) => "unreadable",
            Self::Unauthorized(_) => "unauthorized",
            Self::Conflict(_) => "conflict",
            Self::Forbidden(_) => "forbidden",
            Self::Refused(_) => "refused",
        }
    }
}

macro_rules! methods {
    ($($variant:ident = $name:literal),* $(,)?) => {
        /// Methods of the Bot API that the program uses.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Method { $($variant),* }

        impl Method {
            const ALL: &[Self] = &[$(Self::$variant),*];

            /// As the address and the metrics write it.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}
methods! {
    GetMe = "getMe",
    GetUpdates = "getUpdates",
    SetWebhook = "setWebhook",
    DeleteWebhook = "deleteWebhook",
    GetWebhookInfo = "getWebhookInfo",
    SendMessage = "sendMessage",
    EditMessageText = "editMessageText",
    SendDocument = "sendDocument",
    SendPhoto = "sendPhoto",
    AnswerCallbackQuery = "answerCallbackQuery",
    AnswerPreCheckoutQuery = "answerPreCheckoutQuery",
    DeleteMessage = "deleteMessage",
    SetMyCommands = "setMyCommands",
    SetMyDescription = "setMyDescription",
    SetMyShortDescription = "setMyShortDescription",
}

/// A client of the Bot API for one bot. Made once; connections are shared.
pub struct Api {
    client: Client,
    /// By [`Method`], since building an address anew for each call costs as much as a small query. They hold the token.
    urls: Vec<Url>,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Api(…)")
    }
}

impl Api {
    /// A client for the bot with this token at `telegram.api_url` (`https://api.telegram.org`, or an own server's address).
    ///
    /// # Errors
    /// [`ApiSetupError`] names the setting that is wrong.
    pub fn new(token: &SecretString, api_url: &str) -> Result<Self, ApiSetupError> {
        let token = token.expose_secret();
        let (id, secret) = token.split_once(':').ok_or(ApiSetupError::Token)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if id.is_empty() || !id.chars().all(|c| c.is_ascii_digit()) || secret.is_empty() || !secret.chars().all(allowed)
        {
            return Err(ApiSetupError::Token);
        }
        let bad_url = || ApiSetupError::Url(api_url.to_owned());
        let base = Url::parse(api_url).map_err(|_| bad_url())?;
        if !matches!(base.scheme(), "http" | "https") || base.query().is_some() {
            return Err(bad_url());
        }
        let base = base.as_str().trim_end_matches('/').to_owned();
        let url = |method: &Method| Url::parse(&format!("{base}/bot{token}/{}", method.as_str()));
        let urls = Method::ALL.iter().map(url).collect::<Result<_, _>>().map_err(|_| bad_url())?;
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tcp_keepalive(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| ApiSetupError::Client(without_address(error)))?;
        Ok(Self { client, urls })
    }

    /// Calls a method. `Ok(None)`: Telegram took it, but the answer was not what it used to be.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        payload: &impl Serialize,
    ) -> Result<Option<T>, ApiError> {
        let request = self.json(method, payload, CALL_TIMEOUT);
        exchange(method, request, ANSWER_MAX_BYTES, read_answer).await
    }

    /// Calls a method with a file.
    pub(crate) async fn upload<T: DeserializeOwned>(
        &self,
        method: Method,
        form: reqwest::multipart::Form,
    ) -> Result<Option<T>, ApiError> {
        let request = self.client.post(self.url(method)).timeout(UPLOAD_TIMEOUT).multipart(form);
        exchange(method, Ok(request), ANSWER_MAX_BYTES, read_answer).await
    }

    /// Calls a method and has the bytes of the answer read by somebody else.
    pub(crate) async fn call_raw<T>(
        &self,
        method: Method,
        payload: &impl Serialize,
        timeout: Duration,
        max_bytes: usize,
        read: impl FnOnce(StatusCode, &[u8]) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        exchange(method, self.json(method, payload, timeout), max_bytes, read).await
    }

    fn url(&self, method: Method) -> Url {
        // `urls` was made from all methods in their order.
        self.urls[method as usize].clone()
    }

    fn json(&self, method: Method, payload: &impl Serialize, timeout: Duration) -> Result<RequestBuilder, ApiError> {
        let body = serde_json::to_vec(payload).map_err(|error| ApiError::Refused(error.to_string()))?;
        let json = HeaderValue::from_static("application/json");
        Ok(self.client.post(self.url(method)).timeout(timeout).header(CONTENT_TYPE, json).body(body))
    }
}

/// Sends a request, reads the answer, and reports both.
async fn exchange<T>(
    method: Method,
    request: Result<RequestBuilder, ApiError>,
    max_bytes: usize,
    read: impl FnOnce(StatusCode, &[u8]) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let begin = Instant::now();
    let point = crash::before("call", method.as_str());
    let result = async {
        let response = request?.send().await.map_err(|error| ApiError::Unavailable(without_address(error)))?;
        let (status, bytes) = bytes_of(response, max_bytes).await?;
        read(status, &bytes)
    }
    .await;
    crash::after(point);
    let outcome = result.as_ref().err().map_or("ok", ApiError::outcome);
    ::metrics::histogram!(metrics::CALL_SECONDS, "method" => method.as_str()).record(begin.elapsed());
    ::metrics::counter!(metrics::CALLS, "method" => method.as_str(), "outcome" => outcome).increment(1);
    result
}

async fn bytes_of(mut response: Response, max_bytes: usize) -> Result<(StatusCode, Vec<u8>), ApiError> {
    let status = response.status();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| ApiError::Unavailable(without_address(error)))? {
        if bytes.len() + chunk.len() > max_bytes {
            return Err(ApiError::Unreadable(format!("the answer is longer than {max_bytes} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok((status, bytes))
}

/// The envelope of every answer, read as leniently as can be: unknown fields are skipped.
#[derive(Deserialize)]
struct Envelope<'a> {
    ok: bool,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    description: Option<Cow<'a, str>>,
    #[serde(default)]
    error_code: Option<u16>,
    #[serde(default)]
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
struct Parameters {
    #[serde(default)]
    retry_after: Option<u64>,
}

fn read_answer<T: DeserializeOwned>(status: StatusCode, bytes: &[u8]) -> Result<Option<T>, ApiError> {
    Ok(result_of(status, bytes)?.and_then(|result| serde_json::from_str(result.get()).ok()))
}

/// The result in an answer's envelope, or what Telegram refuses.
pub(crate) fn result_of(status: StatusCode, bytes: &[u8]) -> Result<Option<&RawValue>, ApiError> {
    match serde_json::from_slice::<Envelope<'_>>(bytes) {
        Ok(envelope) if envelope.ok => Ok(envelope.result),
        Ok(envelope) => Err(refusal(status, &envelope)),
        Err(_) => Err(unreadable(status)),
    }
}

/// An answer that is not the Bot API's: a gateway's page, a cut body.
fn unreadable(status: StatusCode) -> ApiError {
    if status == StatusCode::TOO_MANY_REQUESTS {
        ApiError::RetryAfter(DEFAULT_RETRY_AFTER)
    } else if status.is_server_error() {
        ApiError::Unavailable(format!("HTTP {}", status.as_u16()))
    } else {
        ApiError::Unreadable(format!("HTTP {} without a readable answer", status.as_u16()))
    }
}

fn refusal(status: StatusCode, envelope: &Envelope<'_>) -> ApiError {
    let code = envelope.error_code.unwrap_or(status.as_u16());
    let description: String =
        envelope.description.as_deref().unwrap_or("no description").chars().take(DESCRIPTION_MAX_CHARS).collect();
    match code {
        429 => {
            let seconds = envelope.parameters.as_ref().and_then(|parameters| parameters.retry_after);
            ApiError::RetryAfter(seconds.map_or(DEFAULT_RETRY_AFTER, Duration::from_secs))
        }
        401 | 404 => ApiError::Unauthorized(description),
        403 => ApiError::Forbidden(description),
        409 => ApiError::Conflict(description),
        500.. => ApiError::Unavailable(description),
        _ => ApiError::Refused(description),
    }
}

/// The error with its causes and without the address, which holds the token.
fn without_address(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests;
