//! The answer to the first message of what looks like TLS: whether it comes from a proxy that knows the secret.
//!
//! A proxy that does not know who we are hands us over to a web site, whose genuine TLS looks the same. The difference is the
//! answer's random number: HMAC-SHA-256 of our own random number and the whole answer with a random number of zeros.

use super::SecretKey;
use super::hello::RANDOM;
use super::records::{self, Found, HEAD_BYTES, RecordType};
use hmac::{Hmac, KeyInit as _, Mac};
use sha2::Sha256;

/// Bytes of an answer that are read. Those seen have 1.2 to 4.3 kB; a site's chain of certificates has at most some 10 kB.
pub const ANSWER_MAX: usize = 32 << 10;
/// Application records of an answer that are read. Those seen have one to four.
pub const RECORDS_MAX: usize = 8;

/// What the bytes that came so far are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Not whole yet: read on.
    Incomplete,
    /// Whole records without a proof so far. More of them may follow, which the proof then covers.
    Unproven,
    /// TLS, but of somebody who does not know the secret.
    Genuine,
    /// Something else.
    Nonsense,
    /// From a proxy that knows the secret; this many bytes were the answer.
    Proven(usize),
}

pub(super) fn mac(secret: &SecretKey) -> Hmac<Sha256> {
    // A key of any length will do for HMAC: the shorter is filled up, the longer hashed.
    Hmac::<Sha256>::new_from_slice(secret.expose()).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"))
}

/// Looks at what came so far. `client_random` is the random number of our own message.
#[must_use]
pub fn check(bytes: &[u8], client_random: &[u8; 32], secret: &SecretKey) -> Reply {
    let length = match records::find(bytes) {
        Found::Incomplete => return Reply::Incomplete,
        Found::Record(RecordType::Handshake, length) => length,
        Found::Record(RecordType::Alert, _) => return Reply::Genuine,
        Found::Record(..) | Found::Nonsense => return Reply::Nonsense,
    };
    let mut at = HEAD_BYTES + length;
    // A ServerHello's random number must be there.
    if at < RANDOM.end || bytes[HEAD_BYTES] != 2 {
        return Reply::Nonsense;
    }
    let mut proof = mac(secret).chain_update(client_random);
    proof.update(&bytes[..RANDOM.start]);
    proof.update(&[0; 32]);
    proof.update(&bytes[RANDOM.end..at]);

    let (mut ciphers_changed, mut applications) = (false, 0);
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let (kind, length) = match records::find(rest) {
            Found::Incomplete if rest.is_empty() && applications > 0 => return Reply::Unproven,
            Found::Incomplete if bytes.len() > ANSWER_MAX => return Reply::Genuine,
            Found::Incomplete => return Reply::Incomplete,
            Found::Nonsense => return Reply::Nonsense,
            Found::Record(kind, length) => (kind, length),
        };
        match kind {
            RecordType::ChangeCipher if !ciphers_changed => ciphers_changed = true,
            RecordType::Application if ciphers_changed => applications += 1,
            // Older TLS sends its certificate in the open; others give up or change their minds.
            _ => return Reply::Genuine,
        }
        let end = at + HEAD_BYTES + length;
        if applications > RECORDS_MAX || end > ANSWER_MAX {
            return Reply::Genuine;
        }
        proof.update(&bytes[at..end]);
        at = end;
        if applications > 0 && proof.clone().verify_slice(&bytes[RANDOM]).is_ok() {
            return Reply::Proven(at);
        }
    }
}

#[cfg(test)]
mod tests;
