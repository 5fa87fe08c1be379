//! Calls to the HTTP interfaces of other machines' servers: bounded answers, time-outs, and errors without addresses, since an
//! address may be a secret.

use reqwest::{Client, ClientBuilder, RequestBuilder, StatusCode};
use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::time::Duration;
use zeroize::Zeroizing;

/// Idle connections kept to one server; its owner calls it in sequence.
const IDLE_CONNECTIONS_MAX: usize = 4;
/// Node's HTTP server, which Outline uses, closes idle connections after five seconds; ours go first.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// Characters of a server's own text that are kept.
const TEXT_MAX_CHARS: usize = 200;

/// How long calls to a server may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallTimeouts {
    /// Until the connection stands, TLS included.
    pub connect: Duration,
    /// The whole call.
    pub call: Duration,
}

impl Default for CallTimeouts {
    /// 5 s and 30 s: both kinds of server write their whole configuration anew at each change.
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), call: Duration::from_secs(30) }
    }
}

impl CallTimeouts {
    /// A client with them. It follows no redirects and no proxy of the environment, because they would take a secret
    /// elsewhere; what leads to a server, as a tunnel, is the operator's own.
    pub(crate) fn client(self) -> ClientBuilder {
        Client::builder()
            .connect_timeout(self.connect)
            .timeout(self.call)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
    }
}

/// Why there is no whole answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No connection, so the server did nothing.
    NotSent(String),
    /// No connection, because TLS came to no good end, so the server did nothing.
    Tls(rustls::Error),
    /// The server may have done what was asked.
    Lost(String),
    /// It answered with this status, and with more bytes than are taken.
    TooLong(usize),
}

/// An answer as it came. It may hold passwords.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// Sends a request and reads an answer of at most `max_bytes`.
pub(crate) async fn exchange(request: RequestBuilder, max_bytes: usize) -> Result<Answer, Failure> {
    let mut response = request.send().await.map_err(failure)?;
    let status = response.status();
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if body.len() + chunk.len() > max_bytes {
            return Err(Failure::TooLong(max_bytes));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, body })
}

fn failure(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    // Later than while connecting, the server may have the request already.
    if error.is_connect()
        && let Some(tls) = tls_error(&error)
    {
        return Failure::Tls(tls.clone());
    }
    let text = with_causes(&error);
    // A builder's error comes before anything is sent, too.
    if error.is_connect() || error.is_builder() { Failure::NotSent(text) } else { Failure::Lost(text) }
}

/// TLS errors are hidden in I/O errors, which do not count them among their causes.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        if let Some(tls) = inner.downcast_ref() {
            return Some(tls);
        }
        if let Some(inside) = inner.downcast_ref::<io::Error>().and_then(io::Error::get_ref)
            && let Some(tls) = tls_error(inside)
        {
            return Some(tls);
        }
        cause = inner.source();
    }
    None
}

/// The error and its causes in one line.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let _ = write!(text, ": {inner}");
        cause = inner.source();
    }
    text
}

/// What a server said, short, in one line, and without these secrets.
pub(crate) fn tidy(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "<secret>");
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TEXT_MAX_CHARS).collect()
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
pub(crate) fn percent_encode(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            result.push(char::from(byte));
        } else {
            let _ = write!(result, "%{byte:02X}");
        }
    }
    result
}

/// Undoes it. `None` for a `%` without two hexadecimal digits, and for bytes that are not UTF-8.
pub(crate) fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first != b'%' {
            bytes.push(first);
            rest = tail;
            continue;
        }
        let (digits, tail) = tail.split_at_checked(2)?;
        let digit = |at: usize| char::from(digits[at]).to_digit(16);
        bytes.push(u8::try_from(digit(0)? * 16 + digit(1)?).ok()?);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests;
