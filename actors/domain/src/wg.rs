//! WireGuard keys and what a peer is.
//!
//! Text forms are standard base64 with padding, 44 characters (`wg(8)`); the UAPI of userspace implementations uses
//! 64 lower-case hex digits (wireguard.com/xplatform).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use x25519_dalek::StaticSecret;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Why a text is not a key we accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum KeyError {
    /// Not 44 characters of base64 that hold 32 bytes.
    #[error("a WireGuard key is 44 characters of base64 ending in '='")]
    NotAKey,
    /// A point of small order: anyone could compute the shared secret.
    #[error("this public key is not safe to use")]
    LowOrder,
}

fn decode(text: &str) -> Result<[u8; 32], KeyError> {
    let text = text.trim();
    if text.len() != 44 {
        return Err(KeyError::NotAKey);
    }
    let bytes = STANDARD.decode(text).map_err(|_| KeyError::NotAKey)?;
    bytes.try_into().map_err(|_| KeyError::NotAKey)
}

fn hex(bytes: &[u8; 32]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A peer's public key (Curve25519).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Takes bytes as they are; for keys that come from our own rows or a device.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Lower-case hex, as the UAPI writes it.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }

    /// Reads a key that a person pasted, and refuses points of low order.
    ///
    /// # Errors
    /// [`KeyError`] says what is wrong.
    pub fn from_user(text: &str) -> Result<Self, KeyError> {
        let key: Self = text.parse()?;
        // A scalar times a point of small order is zero whatever the scalar (all scalars are multiples of eight).
        let probe = StaticSecret::from([0x42; 32]);
        let shared = probe.diffie_hellman(&x25519_dalek::PublicKey::from(key.0));
        if shared.was_contributory() { Ok(key) } else { Err(KeyError::LowOrder) }
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        decode(text).map(Self)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! secret_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The 32 bytes. Never log them.
            #[must_use]
            pub const fn expose(&self) -> &[u8; 32] {
                &self.0
            }

            /// Base64 with padding, for configs. Never log it.
            #[must_use]
            pub fn expose_base64(&self) -> String {
                STANDARD.encode(self.0)
            }

            /// Lower-case hex, for the UAPI. Never log it.
            #[must_use]
            pub fn expose_hex(&self) -> String {
                hex(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = KeyError;

            fn from_str(text: &str) -> Result<Self, KeyError> {
                decode(text).map(Self)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

secret_key!(
    /// A private key, clamped.
    PrivateKey
);
secret_key!(
    /// A preshared key: any 32 random bytes.
    PresharedKey
);

impl PrivateKey {
    /// Makes a key from 32 random bytes by clamping them (RFC 7748, section 5).
    #[must_use]
    pub const fn from_random(mut bytes: [u8; 32]) -> Self {
        bytes[0] &= 248;
        bytes[31] = (bytes[31] & 127) | 64;
        Self(bytes)
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(x25519_dalek::PublicKey::from(&StaticSecret::from(self.0)).to_bytes())
    }
}

impl PresharedKey {
    /// Takes 32 random bytes.
    #[must_use]
    pub const fn from_random(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// The server's end of a tunnel as it should be.
#[derive(Debug, Clone)]
pub struct InterfaceSpec {
    /// Name of the network interface, at most 15 bytes.
    pub name: String,
    /// The server's key.
    pub private_key: PrivateKey,
    /// UDP port.
    pub listen_port: u16,
    /// The server's own addresses, with the prefix lengths of the pools so that routes exist.
    pub addresses: Vec<IpNetwork>,
    /// Bytes; 1420 suits most links.
    pub mtu: u32,
}

/// A peer as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerSpec {
    /// The peer's key.
    pub public_key: PublicKey,
    /// Shared by both ends; `None` for none.
    pub preshared_key: Option<PresharedKey>,
    /// What the peer may send from and is sent to: one /32 and one /128.
    pub allowed_ips: Vec<IpNetwork>,
}

/// A peer as the device reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerStatus {
    /// The peer's key.
    pub public_key: PublicKey,
    /// Its prefixes.
    pub allowed_ips: Vec<IpNetwork>,
    /// Where its last packet came from.
    pub endpoint: Option<SocketAddr>,
    /// When it last completed a handshake.
    pub last_handshake: Option<DateTime<Utc>>,
    /// Bytes received from the peer (its upload) since the peer was made; starts at zero with it.
    pub rx_bytes: u64,
    /// Bytes sent to the peer (its download) since the peer was made.
    pub tx_bytes: u64,
}

#[cfg(test)]
mod tests;
