//! Secrets at rest: XChaCha20-Poly1305 under a ring of master keys.
//!
//! A sealed value is `1 | key id (4 bytes) | nonce (24 bytes) | ciphertext and tag`. What it belongs to is authenticated with
//! it: the table, the row and the column. The row's name is the public key (for peers with the node), because that is known
//! before the row has a number, is unique where it counts, and never changes. So a sealed value copied to another row or
//! column does not open.

mod file;
#[cfg(test)]
mod tests;

use crate::StoreError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret as _, SecretString};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use usipipo_domain::access::KeySecret;
use usipipo_domain::ids::NodeId;
use usipipo_domain::service::Product;
use usipipo_domain::wg::{PresharedKey, PrivateKey, PublicKey};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 24;
const HEADER_BYTES: usize = 1 + KEY_ID_BYTES + NONCE_BYTES;
/// Most keys of a ring; each rotation adds one.
const RING_MAX_KEYS: usize = 64;

/// Names a master key in ciphertexts and in the key file; eight hex digits there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct KeyId([u8; KEY_ID_BYTES]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

#[derive(Clone)]
struct MasterKey {
    id: KeyId,
    secret: Zeroizing<[u8; 32]>,
}

/// What a sealed value belongs to. It is authenticated, not stored.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// `peers.private_key`
    PeerPrivate(NodeId, &'a PublicKey),
    /// `peers.preshared_key`
    PeerPreshared(NodeId, &'a PublicKey),
    /// `nodes.private_key`
    NodePrivate(&'a PublicKey),
    /// `access_keys.secret`, by server and name
    KeySecret(NodeId, &'a str),
    /// `nodes.access`, by the server's name
    NodeAccess(&'a str),
}

impl Place<'_> {
    fn aad(self) -> Vec<u8> {
        let (name, node, key): (&[u8], _, &[u8]) = match self {
            Self::PeerPrivate(node, key) => (b"peers.private_key\0", Some(node), key.as_bytes()),
            Self::PeerPreshared(node, key) => (b"peers.preshared_key\0", Some(node), key.as_bytes()),
            Self::NodePrivate(key) => (b"nodes.private_key\0", None, key.as_bytes()),
            Self::KeySecret(node, name) => (b"access_keys.secret\0", Some(node), name.as_bytes()),
            Self::NodeAccess(name) => (b"nodes.access\0", None, name.as_bytes()),
        };
        let mut aad = name.to_vec();
        if let Some(NodeId(node)) = node {
            aad.extend_from_slice(&node.to_be_bytes());
        }
        aad.extend_from_slice(key);
        aad
    }
}

/// Seals and opens secrets; cheap to clone. Its keys are never shown.
#[derive(Clone)]
pub struct Vault {
    ring: Arc<RwLock<Ring>>,
    /// Where the keys came from, if from a file: it is read again when a row names a key that is not known, because
    /// `usipipo keys rotate` may have added one while the program runs.
    path: Option<Arc<Path>>,
}

/// The first is used to seal. Never empty.
type Ring = Arc<[MasterKey]>;

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("keys", &self.ring().len()).finish_non_exhaustive()
    }
}

fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| StoreError::Vault(format!("the system gives no random bytes: {error}")))?;
    Ok(bytes)
}

fn new_key() -> Result<MasterKey, StoreError> {
    Ok(MasterKey { id: KeyId(random()?), secret: Zeroizing::new(random()?) })
}

impl Vault {
    fn of(ring: Ring) -> Self {
        Self { ring: Arc::new(RwLock::new(ring)), path: None }
    }

    fn ring(&self) -> Ring {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The key of this name, if need be after another look at the file.
    fn key(&self, id: KeyId) -> Result<MasterKey, StoreError> {
        let find = |ring: &Ring| ring.iter().find(|key| key.id == id).cloned();
        if let Some(key) = find(&self.ring()) {
            return Ok(key);
        }
        let missing =
            || StoreError::Vault(format!("the master key {id} is missing; bring back the key file that has it"));
        let path = self.path.as_deref().ok_or_else(missing)?;
        let ring = Self::open_file(path)?.ring();
        let key = find(&ring).ok_or_else(missing)?;
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
        tracing::info!(key = %id, "the master keys were read again");
        Ok(key)
    }

    /// A vault with one new key.
    ///
    /// # Errors
    /// [`StoreError::Vault`] when the system gives no random bytes.
    pub fn generate() -> Result<Self, StoreError> {
        Ok(Self::of(Arc::new([new_key()?])))
    }

    /// The same keys and a new one that seals from now on.
    ///
    /// # Errors
    /// [`StoreError::Vault`] when the system gives no random bytes or the ring is full.
    pub fn with_new_key(&self) -> Result<Self, StoreError> {
        let old = self.ring();
        if old.len() >= RING_MAX_KEYS {
            return Err(StoreError::Vault(format!("a key file holds at most {RING_MAX_KEYS} keys; remove old ones")));
        }
        let ring: Vec<_> = std::iter::once(new_key()?).chain(old.iter().cloned()).collect();
        Ok(Self::of(ring.into()))
    }

    /// Reads the text of a key file: a line `key-id base64` for each key, the current one first; empty lines and lines that
    /// begin with `#` are skipped.
    ///
    /// # Errors
    /// [`StoreError::Vault`] names the line that does not fit.
    pub fn from_text(text: &SecretString) -> Result<Self, StoreError> {
        let mut ring: Vec<MasterKey> = Vec::new();
        for (index, line) in text.expose_secret().lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = parse_line(line).ok_or_else(|| {
                StoreError::Vault(format!(
                    "line {} of the master keys is not `key-id base64` (eight hex digits, 32 bytes)",
                    index + 1
                ))
            })?;
            if ring.iter().any(|known| known.id == key.id) {
                return Err(StoreError::Vault(format!("the master key {} is listed twice", key.id)));
            }
            ring.push(key);
        }
        match ring.len() {
            0 => Err(StoreError::Vault("there is no master key in the text".to_owned())),
            n if n > RING_MAX_KEYS => Err(StoreError::Vault(format!("more than {RING_MAX_KEYS} master keys"))),
            _ => Ok(Self::of(ring.into())),
        }
    }

    /// The text for a key file. Never log it.
    #[must_use]
    pub fn to_text(&self) -> SecretString {
        let mut text = Zeroizing::new(String::from(
            "# Master keys of uSipipo, the current one first. Keep a copy apart from the backup.\n",
        ));
        for key in self.ring().iter() {
            let encoded = Zeroizing::new(STANDARD.encode(*key.secret));
            text.push_str(&format!("{} {}\n", key.id, encoded.as_str()));
        }
        SecretString::from(text.as_str())
    }

    /// The id of the key that seals now, for logs and `doctor`.
    #[must_use]
    pub fn current_key_id(&self) -> String {
        self.ring().first().map(|key| key.id.to_string()).unwrap_or_default()
    }

    fn seal(&self, place: Place<'_>, secret: &[u8]) -> Result<Vec<u8>, StoreError> {
        let ring = self.ring();
        let key = ring.first().ok_or_else(|| StoreError::Vault("there is no master key".to_owned()))?;
        let nonce = random::<NONCE_BYTES>()?;
        let cipher = XChaCha20Poly1305::new((&*key.secret).into());
        let aad = place.aad();
        let sealed = cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: &aad })
            .map_err(|_| StoreError::Vault("sealing failed".to_owned()))?;
        let mut out = Vec::with_capacity(HEADER_BYTES + sealed.len());
        out.push(VERSION);
        out.extend_from_slice(&key.id.0);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let damaged = || StoreError::Vault("the row was changed, or belongs to another row".to_owned());
        let (&version, rest) = sealed.split_first().ok_or_else(damaged)?;
        if version != VERSION {
            return Err(StoreError::Vault(format!("its format {version} is not known to this program")));
        }
        let (id, rest) = rest.split_first_chunk::<KEY_ID_BYTES>().ok_or_else(damaged)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(damaged)?;
        let key = self.key(KeyId(*id))?;
        let cipher = XChaCha20Poly1305::new((&*key.secret).into());
        let aad = place.aad();
        let opened = cipher.decrypt(&XNonce::from(*nonce), Payload { msg: rest, aad: &aad }).map_err(|_| damaged())?;
        Ok(Zeroizing::new(opened))
    }

    fn open_32(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        let opened = self.open(place, sealed)?;
        let bytes: [u8; 32] =
            opened.as_slice().try_into().map_err(|_| StoreError::Vault("it does not hold 32 bytes".to_owned()))?;
        Ok(Zeroizing::new(bytes))
    }

    /// Seals a peer's private key for the row `(node, public)`.
    pub(crate) fn seal_peer_private(
        &self,
        node: NodeId,
        public: &PublicKey,
        key: &PrivateKey,
    ) -> Result<Vec<u8>, StoreError> {
        self.seal(Place::PeerPrivate(node, public), key.expose())
    }

    /// Opens what [`Vault::seal_peer_private`] sealed.
    pub(crate) fn open_peer_private(
        &self,
        node: NodeId,
        public: &PublicKey,
        sealed: &[u8],
    ) -> Result<PrivateKey, StoreError> {
        // Clamping a clamped key changes nothing.
        Ok(PrivateKey::from_random(*self.open_32(Place::PeerPrivate(node, public), sealed)?))
    }

    /// Seals a peer's preshared key for the row `(node, public)`.
    pub(crate) fn seal_peer_preshared(
        &self,
        node: NodeId,
        public: &PublicKey,
        key: &PresharedKey,
    ) -> Result<Vec<u8>, StoreError> {
        self.seal(Place::PeerPreshared(node, public), key.expose())
    }

    /// Opens what [`Vault::seal_peer_preshared`] sealed.
    pub(crate) fn open_peer_preshared(
        &self,
        node: NodeId,
        public: &PublicKey,
        sealed: &[u8],
    ) -> Result<PresharedKey, StoreError> {
        Ok(PresharedKey::from_random(*self.open_32(Place::PeerPreshared(node, public), sealed)?))
    }

    /// Seals a node's private key; its row is named by the public half.
    pub(crate) fn seal_node_key(&self, public: &PublicKey, key: &PrivateKey) -> Result<Vec<u8>, StoreError> {
        self.seal(Place::NodePrivate(public), key.expose())
    }

    /// Opens what [`Vault::seal_node_key`] sealed.
    pub(crate) fn open_node_key(&self, public: &PublicKey, sealed: &[u8]) -> Result<PrivateKey, StoreError> {
        Ok(PrivateKey::from_random(*self.open_32(Place::NodePrivate(public), sealed)?))
    }

    /// A new secret of an MTProto proxy.
    #[expect(clippy::unused_self, reason = "the vault is where random secrets of this package come from")]
    pub(crate) fn new_mtproto_secret(&self) -> Result<KeySecret, StoreError> {
        Ok(KeySecret::mtproto(random()?))
    }

    /// Seals the secret of the row `(node, name)` of `access_keys`.
    pub(crate) fn seal_key_secret(&self, node: NodeId, name: &str, secret: &KeySecret) -> Result<Vec<u8>, StoreError> {
        let bytes: &[u8] = match secret {
            KeySecret::Outline(password) => password.as_bytes(),
            KeySecret::Mtproto(secret) => secret,
        };
        self.seal(Place::KeySecret(node, name), bytes)
    }

    /// Opens what [`Vault::seal_key_secret`] sealed.
    pub(crate) fn open_key_secret(
        &self,
        node: NodeId,
        name: &str,
        product: Product,
        sealed: &[u8],
    ) -> Result<KeySecret, StoreError> {
        let opened = self.open(Place::KeySecret(node, name), sealed)?;
        let damaged = || StoreError::Vault("it does not hold what the service's kind needs".to_owned());
        match product {
            Product::Outline => {
                let password = std::str::from_utf8(&opened).map_err(|_| damaged())?;
                Ok(KeySecret::Outline(password.to_owned()))
            }
            Product::Mtproto => Ok(KeySecret::Mtproto(opened.as_slice().try_into().map_err(|_| damaged())?)),
            Product::Wireguard => Err(damaged()),
        }
    }

    /// Seals how to manage a server of keys, named as in `nodes.name`.
    pub(crate) fn seal_node_access(&self, name: &str, access: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.seal(Place::NodeAccess(name), access)
    }

    /// Opens what [`Vault::seal_node_access`] sealed.
    pub(crate) fn open_node_access(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        self.open(Place::NodeAccess(name), sealed)
    }

    /// Seals a value anew with the current key; `None` when that key sealed it already.
    pub(crate) fn reseal(&self, place: Place<'_>, sealed: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if self.is_current(sealed) {
            return Ok(None);
        }
        let opened = self.open(place, sealed)?;
        self.seal(place, &opened).map(Some)
    }

    fn is_current(&self, sealed: &[u8]) -> bool {
        self.ring().first().is_some_and(|key| sealed.get(1..=KEY_ID_BYTES) == Some(&key.id.0))
    }

    /// The first bytes of everything the current key sealed, to find in SQL what another key sealed.
    pub(crate) fn current_header(&self) -> Vec<u8> {
        let mut header = vec![VERSION];
        if let Some(key) = self.ring().first() {
            header.extend_from_slice(&key.id.0);
        }
        header
    }
}

fn parse_line(line: &str) -> Option<MasterKey> {
    let (id, secret) = line.split_once(char::is_whitespace)?;
    if id.len() != 2 * KEY_ID_BYTES {
        return None;
    }
    let id = KeyId(u32::from_str_radix(id, 16).ok()?.to_be_bytes());
    let bytes = Zeroizing::new(STANDARD.decode(secret.trim()).ok()?);
    let secret = Zeroizing::new(<[u8; 32]>::try_from(bytes.as_slice()).ok()?);
    Some(MasterKey { id, secret })
}
