//! MTProto proxies from a client's side: a probe that proves that a proxy takes a secret.
//!
//! A port that listens proves nothing, and neither does an answer: a proxy that hides behind a web site hands whoever it does
//! not know over to that site. So the probe plays Telegram's client: the obfuscated handshake ([`obfuscated`]), for secrets
//! with a domain inside what looks like TLS ([`hello`], [`answer`], [`records`]), then the first message of Telegram's key
//! exchange ([`message`]). Everything but [`probe()`] is pure: bytes in, bytes out, random numbers and time from the caller.
//!
//! The protocol is described at core.telegram.org/mtproto/mtproto-transports; the look of TLS, which is not, was checked
//! against proxies in use.

use std::fmt;
use std::time::Duration;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

pub mod answer;
pub mod framing;
pub mod hello;
pub mod message;
pub mod obfuscated;
pub mod probe;
pub mod records;
mod verdict;
mod wire;

pub use framing::Framing;
pub use probe::{probe, probe_framed};
pub use verdict::{ClockDifference, Sign, Trouble, Verdict};

/// Bytes of a secret without the marks around it.
pub const KEY_BYTES: usize = 16;

/// The 16 bytes that a proxy and its users share. Never shown, wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretKey([u8; KEY_BYTES]);

impl SecretKey {
    /// From the bare bytes, without `dd`, `ee` or a domain.
    #[must_use]
    pub const fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// For the arithmetic of the handshakes only.
    #[must_use]
    pub const fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl PartialEq for SecretKey {
    /// In a time that tells nothing of the bytes.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretKey {}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey([hidden])")
    }
}

/// In which form a secret is handed out, which says how clients speak to the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretKind {
    /// 32 hex digits.
    Classic,
    /// `dd` and 32 hex digits: messages are padded.
    Padded,
    /// `ee`, 32 hex digits and a domain in hex: looks like TLS to a web site.
    FakeTls {
        /// The web site's name, ASCII, at most [`hello::DOMAIN_MAX`] bytes.
        domain: String,
    },
}

/// A secret as a user has it.
#[derive(Debug, Clone)]
pub struct Secret {
    /// Its form.
    pub kind: SecretKind,
    /// Its bytes.
    pub key: SecretKey,
}

/// What is probed.
#[derive(Debug, Clone)]
pub struct ProxyTarget {
    /// Name or address, as users have it.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The secret that the proxy should take.
    pub secret: Secret,
}

/// How long a probe may take. Bytes are bounded by constants beside what reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For finding the address and connecting.
    pub connect: Duration,
    /// For each answer. Proxies that refuse with silence cost this long, and one whose way to Telegram is slow needs it.
    pub answer: Duration,
    /// For all together, with every repetition.
    pub total: Duration,
}

impl Default for Limits {
    /// Connect in 5 s, an answer in 8 s, all in 25 s.
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), answer: Duration::from_secs(8), total: Duration::from_secs(25) }
    }
}

#[cfg(test)]
mod tests;
