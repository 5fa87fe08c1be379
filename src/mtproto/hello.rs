//! The first message of what looks like TLS: a browser's ClientHello, whose random number proves that we know the secret.
//!
//! The message's form is that of RFC 8446 (4.1.2) with the reserved values of RFC 8701 and the padding of RFC 7685. Proxies
//! want exactly [`HELLO_BYTES`]. The proof: HMAC-SHA-256 of the message with a random number of zeros, its last four bytes
//! mixed with the time.

use super::SecretKey;
use super::answer::mac;
use chrono::{DateTime, Utc};
use hmac::Mac as _;
use std::ops::Range;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes of the whole record.
pub const HELLO_BYTES: usize = 517;
/// Where its random number is.
pub const RANDOM: Range<usize> = 11..43;
/// Bytes of a domain that leave room for the padding.
pub const DOMAIN_MAX: usize = 180;
/// Handshake, an old version, 512 bytes; ClientHello, 508 bytes, the version that TLS 1.3 pretends.
const BEGINNING: [u8; 11] = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
/// Those that browsers offer, after a reserved one: three of TLS 1.3, then older ones.
const CIPHERS: [u16; 15] = [
    0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f,
    0x0035,
];

/// The random part of a message, drawn by the caller. Wiped when dropped.
#[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
pub struct Seed {
    /// The number of a session that never was.
    pub session: [u8; 32],
    /// A private key; its public one is sent and then forgotten.
    pub share: [u8; 32],
    /// Chooses reserved values.
    pub grease: [u8; 4],
}

/// The domain cannot stand in such a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the domain of the secret has to be a name of 1 to {DOMAIN_MAX} letters, digits, dots and hyphens; correct it")]
pub struct BadDomain;

/// The message without a proof.
///
/// # Errors
/// When the domain is no name of at most [`DOMAIN_MAX`] bytes.
pub fn unsigned(domain: &str, seed: &Seed) -> Result<[u8; HELLO_BYTES], BadDomain> {
    let fits = (1..=DOMAIN_MAX).contains(&domain.len());
    if !fits || !domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)) {
        return Err(BadDomain);
    }
    let mut out = Vec::with_capacity(HELLO_BYTES);
    out.extend_from_slice(&BEGINNING);
    out.extend_from_slice(&[0; 32]);
    out.push(32);
    out.extend_from_slice(&seed.session);
    block(&mut out, |out| {
        out.extend_from_slice(&grease(seed.grease[0]));
        CIPHERS.iter().for_each(|cipher| out.extend_from_slice(&cipher.to_be_bytes()));
    });
    // No compression.
    out.extend_from_slice(&[1, 0]);
    block(&mut out, |out| {
        extensions(out, domain, seed);
        // What is left to the full length, less the head of this last extension.
        let padding = HELLO_BYTES.saturating_sub(out.len() + 4);
        extension(out, 0x0015, |out| out.resize(out.len() + padding, 0));
    });
    out.try_into().map_err(|_| BadDomain)
}

fn extensions(out: &mut Vec<u8>, domain: &str, seed: &Seed) {
    let public = PublicKey::from(&StaticSecret::from(seed.share));
    let first = grease(seed.grease[1]);
    // The two reserved extensions must differ.
    let last = if seed.grease[2] & 15 == seed.grease[1] & 15 { seed.grease[2] ^ 1 } else { seed.grease[2] };
    let group = grease(seed.grease[3]);
    extension(out, u16::from_be_bytes(first), |_| ());
    // The name of the site.
    extension(out, 0x0000, |out| {
        block(out, |out| {
            out.push(0);
            block(out, |out| out.extend_from_slice(domain.as_bytes()));
        });
    });
    // The master secret covers the whole handshake; no renegotiation so far.
    extension(out, 0x0017, |_| ());
    extension(out, 0xff01, |out| out.push(0));
    // Groups: reserved, x25519, P-256, P-384; points uncompressed; no session ticket yet.
    extension(out, 0x000a, |out| {
        block(out, |out| {
            out.extend_from_slice(&group);
            out.extend_from_slice(&[0, 0x1d, 0, 0x17, 0, 0x18]);
        });
    });
    extension(out, 0x000b, |out| out.extend_from_slice(&[1, 0]));
    extension(out, 0x0023, |_| ());
    // HTTP/2 or HTTP/1.1.
    extension(out, 0x0010, |out| block(out, |out| out.extend_from_slice(b"\x02h2\x08http/1.1")));
    // The certificate's state; signatures with ECDSA, PSS and PKCS 1; its transparency.
    extension(out, 0x0005, |out| out.extend_from_slice(&[1, 0, 0, 0, 0]));
    extension(out, 0x000d, |out| {
        block(out, |out| out.extend_from_slice(&[4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1, 8, 6, 6, 1]));
    });
    extension(out, 0x0012, |_| ());
    // Key shares: one byte for the reserved group, and ours.
    extension(out, 0x0033, |out| {
        block(out, |out| {
            out.extend_from_slice(&group);
            out.extend_from_slice(&[0, 1, 0, 0, 0x1d, 0, 32]);
            out.extend_from_slice(public.as_bytes());
        });
    });
    // Resumption with a fresh key; versions: reserved, 1.3, 1.2; certificates compressed with Brotli.
    extension(out, 0x002d, |out| out.extend_from_slice(&[1, 1]));
    extension(out, 0x002b, |out| {
        out.push(6);
        out.extend_from_slice(&grease(seed.grease[0] >> 4));
        out.extend_from_slice(&[3, 4, 3, 3]);
    });
    extension(out, 0x001b, |out| out.extend_from_slice(&[2, 0, 2]));
    extension(out, u16::from_be_bytes(grease(last)), |out| out.push(0));
}

/// Puts the proof into a message whose random number is zeros. `stamp` is Unix time in seconds.
pub fn sign(hello: &mut [u8; HELLO_BYTES], secret: &SecretKey, stamp: u32) {
    hello[RANDOM].fill(0);
    let mut proof: [u8; 32] = mac(secret).chain_update(&hello[..]).finalize().into_bytes().into();
    for (byte, time) in proof[28..].iter_mut().zip(stamp.to_le_bytes()) {
        *byte ^= time;
    }
    hello[RANDOM].copy_from_slice(&proof);
}

/// The time as proofs carry it: Unix seconds, 32 bits.
#[must_use]
pub fn stamp(now: DateTime<Utc>) -> u32 {
    // Before 1970 and after 2106 nobody's proof is good.
    u32::try_from(now.timestamp()).unwrap_or(u32::MAX)
}

/// One of the sixteen reserved values of RFC 8701.
fn grease(chosen: u8) -> [u8; 2] {
    [((chosen & 15) << 4) | 10; 2]
}

fn extension(out: &mut Vec<u8>, number: u16, content: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&number.to_be_bytes());
    block(out, content);
}

/// Content after its length in two bytes.
fn block(out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0, 0]);
    content(out);
    // Never longer than the message, which has 517 bytes.
    let length = u16::try_from(out.len() - at - 2).unwrap_or(u16::MAX);
    out[at..at + 2].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests;
