//! What can go wrong, and what the operator does about it.

use crate::remote::Failure;
use std::time::Duration;

/// Why a call did not do what was asked. No text holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TelemtError {
    /// The setting cannot be the address of the interface.
    #[error(
        "telemt's API address cannot be used: {0}; it looks like http://127.0.0.1:9091, as `listen` in [server.api] says"
    )]
    BadUrl(&'static str),
    /// The setting cannot be a header.
    #[error(
        "telemt's auth_header has characters that no HTTP header takes; write the same text as auth_header in [server.api]"
    )]
    BadHeader,
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made: {0}; please report this")]
    Client(String),
    /// No connection; nothing was done.
    #[error("telemt cannot be reached: {0}; see that it runs, and `listen` and `whitelist` in [server.api]")]
    Unreachable(String),
    /// No answer, a cut one, or an error of the server's own. What was asked may have been done; calls may be repeated.
    #[error("telemt gave no good answer: {0}; it is tried again, and if this lasts look at its log")]
    NoAnswer(String),
    /// 401.
    #[error(
        "telemt does not take the Authorization header; write the same text as auth_header in [server.api] of its file"
    )]
    Unauthorized,
    /// 403: our address is not on its list.
    #[error("telemt refuses this machine's address; add it to `whitelist` in [server.api] of its file")]
    Forbidden,
    /// 403: no change is allowed.
    #[error("telemt's interface is read-only; set read_only = false in [server.api] of its file")]
    ReadOnly,
    /// 503: the interface is off.
    #[error("telemt's interface is off; set enabled = true in [server.api] of its file")]
    Disabled,
    /// 404 to a user.
    #[error("telemt has no user {0}; it was removed there, and is made anew if its service lives")]
    NoSuchUser(String),
    /// Others change the file all the time, or it is being reloaded.
    #[error(
        "telemt's file is being changed by somebody else; it is tried again, and if this lasts see what else writes it"
    )]
    Busy,
    /// A change is in the file and does not reach the running server.
    #[error("telemt has {user} in its file but did not take it over within {} s; look at its log, and mount the folder of its file rather than the file", .within.as_secs())]
    NotRunning {
        /// Whose change.
        user: String,
        /// How long it was waited for.
        within: Duration,
    },
    /// Any other refusal; the same again will not help.
    #[error("telemt refused ({code}): {message}; see its log")]
    Refused {
        /// telemt's own word.
        code: String,
        /// Its words, short and without secrets.
        message: String,
    },
    /// An answer that is not this interface's, or too long.
    #[error(
        "telemt's answer cannot be read: {0}; see that its version is 3.4 or later and that nothing else answers at this address"
    )]
    Unreadable(String),
}

impl TelemtError {
    /// Whether the same call may work later without anybody's doing.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::NoAnswer(_) | Self::Busy | Self::NotRunning { .. })
    }

    /// Short and fixed: which kind of failure this is, without its words.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::BadUrl(_) => "bad_url",
            Self::BadHeader => "bad_header",
            Self::Client(_) => "client",
            Self::Unreachable(_) => "unreachable",
            Self::NoAnswer(_) => "no_answer",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::ReadOnly => "read_only",
            Self::Disabled => "disabled",
            Self::NoSuchUser(_) => "no_such_user",
            Self::Busy => "busy",
            Self::NotRunning { .. } => "not_running",
            Self::Refused { .. } => "refused",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

impl From<Failure> for TelemtError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotSent(text) => Self::Unreachable(text),
            Failure::Tls(error) => Self::Unreachable(error.to_string()),
            Failure::Lost(text) => Self::NoAnswer(text),
            Failure::TooLong(max) => Self::Unreadable(format!("it is longer than {max} bytes")),
        }
    }
}
