//! Access keys.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::str::FromStr;
use subtle::ConstantTimeEq as _;

/// Smallest id of a key of ours. The server itself counts from 0, so it never gets here; and its own statistics read ids as
/// whole numbers, so that a text would not do.
pub const KEY_ID_MIN: u64 = 1_000_000_000;

/// The number of a key of ours; `None` for somebody else's.
#[must_use]
pub fn own_key_id(id: &str) -> Option<u64> {
    let number = id.parse().ok().filter(|&number: &u64| number >= KEY_ID_MIN)?;
    // "+1000000000" and "01000000000" are other keys.
    (number.to_string() == id).then_some(number)
}

/// How a key encrypts; those that the server has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Cipher {
    /// The server's default.
    #[default]
    ChaCha20IetfPoly1305,
    /// AES with 256 bits.
    Aes256Gcm,
    /// AES with 192 bits.
    Aes192Gcm,
    /// AES with 128 bits.
    Aes128Gcm,
}

impl Cipher {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ChaCha20IetfPoly1305, Self::Aes256Gcm, Self::Aes192Gcm, Self::Aes128Gcm];

    /// As Shadowsocks writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChaCha20IetfPoly1305 => "chacha20-ietf-poly1305",
            Self::Aes256Gcm => "aes-256-gcm",
            Self::Aes192Gcm => "aes-192-gcm",
            Self::Aes128Gcm => "aes-128-gcm",
        }
    }
}

impl FromStr for Cipher {
    type Err = UnknownCipher;

    fn from_str(text: &str) -> Result<Self, UnknownCipher> {
        Self::ALL.into_iter().find(|cipher| cipher.as_str().eq_ignore_ascii_case(text)).ok_or(UnknownCipher)
    }
}

/// A cipher that Outline does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Outline has no such cipher; it has chacha20-ietf-poly1305, aes-256-gcm, aes-192-gcm and aes-128-gcm")]
pub struct UnknownCipher;

/// A key to be made. Everything but the port is chosen by the caller and stored before the call, so that a repeated call can
/// prove whose a key is.
#[derive(Debug, Clone, Copy)]
pub struct NewKey<'a> {
    /// At least [`KEY_ID_MIN`].
    pub id: u64,
    /// For the operator; not unique. Not the user's: it is stored on the server.
    pub name: &'a str,
    /// Of the tunnel.
    pub password: &'a SecretString,
    /// TCP and UDP; `None` for the server's port for new keys.
    pub port: Option<u16>,
    /// How it encrypts.
    pub cipher: Cipher,
    /// Bytes in 30 days; `None` for no limit, 0 for a key that does not work.
    pub limit: Option<u64>,
}

/// A key as the server has it.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// Ours are numbers from [`KEY_ID_MIN`].
    pub id: String,
    /// For the operator.
    pub name: String,
    /// Of the tunnel.
    pub password: SecretString,
    /// TCP and UDP.
    pub port: u16,
    /// The server's word for the cipher; see [`Cipher`].
    pub method: String,
    /// Bytes in 30 days; 0: it does not work.
    pub limit: Option<u64>,
}

impl AccessKey {
    /// Whether it is the key that `wanted` asks for: same id, password, cipher, and port if that was chosen. Name and limit
    /// may differ: they can be set.
    #[must_use]
    pub fn is(&self, wanted: &NewKey<'_>) -> bool {
        let (ours, theirs) = (wanted.password.expose_secret().as_bytes(), self.password.expose_secret().as_bytes());
        self.id == wanted.id.to_string()
            && bool::from(ours.ct_eq(theirs))
            && self.method.parse() == Ok(wanted.cipher)
            && wanted.port.is_none_or(|port| port == self.port)
    }

    /// Whether a data limit of 0 keeps it from working.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.limit == Some(0)
    }
}

/// What became of a key to be made.
#[derive(Debug)]
pub enum Created {
    /// It is there now. It works a moment later: the server first rewrites its configuration.
    Created(AccessKey),
    /// It was there already, from an earlier call whose answer was lost. Its name and limit may still differ.
    AlreadyOurs(AccessKey),
    /// The id belongs to another key, which was not touched; choose another id.
    TakenByOther,
}

/// A key in the server's JSON. Unknown fields are skipped.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeyJson {
    id: String,
    #[serde(default)]
    name: Option<String>,
    password: SecretText,
    port: u16,
    method: String,
    #[serde(default)]
    data_limit: Option<LimitJson>,
}

/// `{"bytes":n}`.
#[derive(Clone, Copy, Deserialize, serde::Serialize)]
pub(super) struct LimitJson {
    pub(super) bytes: u64,
}

/// Read straight into a secret.
struct SecretText(SecretString);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(SecretString::from(text)))
    }
}

impl From<KeyJson> for AccessKey {
    fn from(json: KeyJson) -> Self {
        Self {
            id: json.id,
            name: json.name.unwrap_or_default(),
            password: json.password.0,
            port: json.port,
            method: json.method,
            limit: json.data_limit.map(|limit| limit.bytes),
        }
    }
}
