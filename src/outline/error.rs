//! What can go wrong, and what the operator does about it.

use super::pin::{CertHash, other_certificate};
use crate::remote::Failure;

/// Why a call did not do what was asked. No text holds the address's secret or a key's password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutlineError {
    /// The setting cannot be the address of a management interface.
    #[error(
        "the Outline server's API address cannot be used: {0}; copy apiUrl from /opt/outline/access.txt on the server"
    )]
    BadUrl(&'static str),
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made: {0}; please report this")]
    Client(String),
    /// No connection; nothing was done.
    #[error(
        "the Outline server cannot be reached: {0}; see that it runs (`docker ps`) and that its firewall lets the management port in"
    )]
    Unreachable(String),
    /// No answer, or a cut one. What was asked may have been done; all calls may be repeated.
    #[error(
        "the Outline server gave no answer: {0}; it is tried again, and if this lasts look at its load and at `docker logs shadowbox`"
    )]
    NoAnswer(String),
    /// Another certificate than the one that was agreed.
    #[error(
        "the Outline server shows a certificate with SHA-256 {seen}, not the one in certSha256; if it was installed anew, copy apiUrl and certSha256 from its /opt/outline/access.txt, else somebody is in between: do not use it"
    )]
    Certificate {
        /// What it shows.
        seen: CertHash,
    },
    /// No TLS, or the server does not have the key to its certificate.
    #[error(
        "no secure connection to the Outline server: {0}; see that the port is the management port, and if it is, somebody may be in between: do not use it"
    )]
    Handshake(String),
    /// 404 to everything: the secret part of the address is wrong.
    #[error(
        "the Outline server does not know the secret part of its API address; copy apiUrl from /opt/outline/access.txt on the server"
    )]
    WrongPrefix,
    /// 404 to a key.
    #[error("the Outline server has no key {0}; it was removed there, and is made anew if its service lives")]
    NoSuchKey(String),
    /// A key with an id below ours was to be changed; nothing was sent.
    #[error("key {0} of the Outline server is not one of ours and is not touched; please report this")]
    Foreign(u64),
    /// 409 to a new key whose id is free: the port or the password is taken.
    #[error(
        "the Outline server has another use for the key's port or password: {0}; choose another port for new keys (portForNewAccessKeys)"
    )]
    Conflict(String),
    /// Any other refusal; the same again will not help.
    #[error("the Outline server refused with HTTP {status}: {message}; see `docker logs shadowbox` there")]
    Refused {
        /// HTTP.
        status: u16,
        /// The server's words, short and without secrets.
        message: String,
    },
    /// An answer that is not this interface's, or too long.
    #[error(
        "the Outline server's answer cannot be read: {0}; see that its version is a current one and that nothing else answers at this address"
    )]
    Unreadable(String),
}

impl OutlineError {
    /// Whether the same call may work later without anybody's doing.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::NoAnswer(_))
    }

    /// Short and fixed: which kind of failure this is, without its words.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::BadUrl(_) => "bad_url",
            Self::Client(_) => "client",
            Self::Unreachable(_) => "unreachable",
            Self::NoAnswer(_) => "no_answer",
            Self::Certificate { .. } => "certificate",
            Self::Handshake(_) => "handshake",
            Self::WrongPrefix => "wrong_prefix",
            Self::NoSuchKey(_) => "no_such_key",
            Self::Foreign(_) => "foreign",
            Self::Conflict(_) => "conflict",
            Self::Refused { .. } => "refused",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

impl From<Failure> for OutlineError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotSent(text) => Self::Unreachable(text),
            Failure::Lost(text) => Self::NoAnswer(text),
            Failure::TooLong(max) => Self::Unreadable(format!("it is longer than {max} bytes")),
            Failure::Tls(error) => match other_certificate(&error) {
                Some(seen) => Self::Certificate { seen },
                None => Self::Handshake(error.to_string()),
            },
        }
    }
}
