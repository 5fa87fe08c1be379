//! "obfuscated2": 64 bytes that look random open a connection and carry the keys of both directions.
//! Source: core.telegram.org/mtproto/mtproto-transports#transport-obfuscation; the part of the secret as proxies in use do it.

use super::framing::Framing;
use super::{SecretKey, wire};
use aes::Aes256;
use aes::cipher::{KeyIvInit as _, StreamCipher as _};
use ctr::Ctr128BE;
use sha2::{Digest as _, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// Bytes that open a connection.
pub const INIT_BYTES: usize = 64;
/// Where the keys begin, and how long key and initial vector are together.
const KEYS_AT: usize = 8;
const KEY_LEN: usize = 32;
const IV_LEN: usize = 16;
const KEYS_LEN: usize = KEY_LEN + IV_LEN;
/// Where the framing is named, four times the same byte, and the first byte that goes out encrypted.
const TAG_AT: usize = KEYS_AT + KEYS_LEN;
/// Where the data centre is named, two bytes.
const DC_AT: usize = TAG_AT + 4;

/// Beginnings that a server would take for another protocol.
const FORBIDDEN: [[u8; 4]; 7] = [*b"HEAD", *b"POST", *b"GET ", *b"OPTI", [0x16, 3, 1, 2], [0xdd; 4], [0xee; 4]];
/// The first byte that means the abridged framing without obfuscation.
const FORBIDDEN_FIRST: u8 = 0xef;

/// The random bytes begin like another protocol: draw others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these random bytes begin like another protocol; draw others")]
pub struct Forbidden;

/// One direction of a connection: the key stream of AES-256-CTR, which goes on from call to call.
pub struct Stream(Ctr128BE<Aes256>);

impl Stream {
    fn new(key_and_iv: &[u8; KEYS_LEN], secret: &SecretKey) -> Self {
        let (key, iv) = key_and_iv.split_at(KEY_LEN);
        let mut hash = Sha256::new();
        hash.update(key);
        hash.update(secret.expose());
        let mut derived = Zeroizing::new([0; KEY_LEN]);
        hash.finalize_into((&mut *derived).into());
        let mut start = [0; IV_LEN];
        start.copy_from_slice(iv);
        Self(Ctr128BE::<Aes256>::new((&*derived).into(), (&start).into()))
    }

    /// Encrypts or decrypts the next bytes in place.
    pub fn apply(&mut self, bytes: &mut [u8]) {
        self.0.apply_keystream(bytes);
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream([hidden])")
    }
}

/// Both directions after the opening bytes, from the client's side.
#[derive(Debug)]
pub struct Opening {
    /// What goes out first.
    pub wire: [u8; INIT_BYTES],
    /// For all that follows it.
    pub outgoing: Stream,
    /// For all that comes back.
    pub incoming: Stream,
}

impl Opening {
    /// Makes the opening bytes from random ones. `dc` is the data centre: 1 to 5, negative for its media servers, 10 000 more
    /// for the test servers.
    ///
    /// # Errors
    /// [`Forbidden`] when they begin like another protocol, which happens to one draw in about 250.
    pub fn new(random: &[u8; INIT_BYTES], secret: &SecretKey, framing: Framing, dc: i16) -> Result<Self, Forbidden> {
        let start: [u8; 4] = wire::array(random, 0).unwrap_or_default();
        if random[0] == FORBIDDEN_FIRST || FORBIDDEN.contains(&start) || random[4..8] == [0; 4] {
            return Err(Forbidden);
        }
        let mut plain = Zeroizing::new(*random);
        plain[TAG_AT..DC_AT].copy_from_slice(&[framing.tag(); 4]);
        plain[DC_AT..DC_AT + 2].copy_from_slice(&dc.to_le_bytes());
        let mut forward = Zeroizing::new([0; KEYS_LEN]);
        forward.copy_from_slice(&plain[KEYS_AT..TAG_AT]);
        let mut backward = forward.clone();
        backward.reverse();
        let mut outgoing = Stream::new(&forward, secret);
        let incoming = Stream::new(&backward, secret);
        let mut encrypted = *plain;
        outgoing.apply(&mut encrypted);
        let mut wire = *random;
        wire[TAG_AT..].copy_from_slice(&encrypted[TAG_AT..]);
        Ok(Self { wire, outgoing, incoming })
    }
}

#[cfg(test)]
mod tests;
