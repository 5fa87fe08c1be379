//! What a probe found out, in words for the operator.

use std::fmt;
use std::time::Duration;

/// By what a proxy showed that it does not take a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It said nothing.
    Silence,
    /// It hung up.
    Closed,
    /// Genuine TLS answered: the web site behind which the proxy hides, or another server.
    OtherTls,
    /// Something answered that makes no sense with this secret.
    OtherAnswer,
}

/// Why nobody was met at the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The name leads nowhere; with the resolver's complaint.
    NoAddress(String),
    /// The machine is there, but nothing listens.
    NothingListens,
    /// No answer to the attempt to connect.
    TimedOut,
    /// Anything else the network said.
    Network(String),
}

/// How far the clocks of the proxy and of this machine are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockDifference {
    /// About so many seconds; negative when the proxy's clock is behind ours.
    About(i32),
    /// The proxy does not tell.
    Unknown,
}

/// What a probe found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The proxy proved that it takes the secret.
    Accepted {
        /// Whether a server of Telegram answered through it.
        reached_dc: bool,
        /// That server's answer when it was an error, as -404.
        dc_error: Option<i32>,
        /// From the beginning to the proof.
        took: Duration,
    },
    /// Whoever listens does not take the secret.
    SecretRefused {
        /// By what it was seen.
        sign: Sign,
        /// The same is seen when the proxy takes the secret but cannot reach Telegram, so that it may be either. Never with
        /// a secret that has a domain: there the proof comes before the way to Telegram.
        or_no_way_to_telegram: bool,
    },
    /// Nobody was met at the address.
    Unreachable {
        /// Why.
        trouble: Trouble,
    },
    /// The proxy takes the secret, but not at our time: the clock of either is wrong, and users whose clocks are right or
    /// wrong as ours are refused.
    ClockSuspect {
        /// How far they are apart.
        difference: ClockDifference,
    },
    /// The question could not be asked, through no fault of the proxy.
    CannotAsk {
        /// What is wrong, in a sentence without an end.
        problem: String,
    },
}

impl Verdict {
    /// Whether users with this secret get to Telegram.
    #[must_use]
    pub const fn works(&self) -> bool {
        matches!(self, Self::Accepted { reached_dc: true, dc_error: None, .. })
    }

    /// A short name, for metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Accepted { reached_dc: true, dc_error: None, .. } => "accepted",
            Self::Accepted { .. } => "accepted_without_telegram",
            Self::SecretRefused { .. } => "refused",
            Self::Unreachable { .. } => "unreachable",
            Self::ClockSuspect { .. } => "clock",
            Self::CannotAsk { .. } => "not_asked",
        }
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silence => "it said nothing",
            Self::Closed => "it hung up",
            Self::OtherTls => "a web site's own TLS answered",
            Self::OtherAnswer => "something else than an MTProto proxy with this secret answered",
        })
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAddress(said) => {
                write!(f, "its name leads to no address ({said}); check the name and this machine's resolver")
            }
            Self::NothingListens => f.write_str("nothing listens at its port; start the proxy, or correct the port"),
            Self::TimedOut => f.write_str(
                "there is no answer from its address; check that the server runs and that its firewall lets the port through",
            ),
            Self::Network(said) => write!(f, "the network says: {said}; check the address and this machine's network"),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { reached_dc: true, dc_error: None, took } => {
                write!(f, "the proxy takes the secret and leads to Telegram ({} ms)", took.as_millis())
            }
            Self::Accepted { dc_error: Some(error), .. } => write!(
                f,
                "the proxy takes the secret, but Telegram's server refused with {error}; try again later or with another data centre"
            ),
            Self::Accepted { .. } => f.write_str(
                "the proxy takes the secret, but Telegram did not answer through it; check the proxy's way to Telegram's data centres",
            ),
            Self::SecretRefused { sign, or_no_way_to_telegram: true } => write!(
                f,
                "the proxy does not take the secret, or it cannot reach Telegram: {sign}, as it does in both cases; \
                 check that the secret is among the proxy's, and if its other secrets fail too, its way to Telegram"
            ),
            Self::SecretRefused { sign, .. } => write!(
                f,
                "the proxy does not take the secret: {sign}; check that the secret and its kind are among the proxy's, \
                 that the address is the proxy's own, and that the clocks of both machines are right"
            ),
            Self::Unreachable { trouble } => write!(f, "the proxy cannot be reached: {trouble}"),
            Self::ClockSuspect { difference } => {
                f.write_str("the proxy takes the secret, but not with this machine's time: ")?;
                match difference {
                    ClockDifference::About(seconds) if *seconds < 0 => {
                        write!(f, "the proxy's clock is about {} s behind", seconds.unsigned_abs())?;
                    }
                    ClockDifference::About(seconds) => write!(f, "the proxy's clock is about {seconds} s ahead")?,
                    ClockDifference::Unknown => f.write_str("the clocks of both differ")?,
                }
                f.write_str("; set both with NTP")
            }
            Self::CannotAsk { problem } => write!(f, "the proxy was not asked: {problem}"),
        }
    }
}
