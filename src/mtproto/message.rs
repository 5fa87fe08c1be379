//! The first question of Telegram's key exchange, which its servers answer to anybody, and the check of the answer.
//! Source: core.telegram.org/mtproto/auth_key and core.telegram.org/mtproto/description#unencrypted-message.

use super::wire;
use chrono::{DateTime, Utc};
use std::ops::Range;

/// Bytes of the number that comes back in the answer.
pub const NONCE_BYTES: usize = 16;
/// Bytes of the question.
pub const REQUEST_BYTES: usize = BODY_AT + 4 + NONCE_BYTES;
/// Constructor numbers of `req_pq_multi` and `resPQ`.
const REQ_PQ_MULTI: u32 = 0xbe7e_8ef1;
const RES_PQ: u32 = 0x0516_2463;
/// A message without a key: eight zeros, its number, the length of its body, the body.
const NO_KEY: Range<usize> = 0..8;
const LENGTH_AT: usize = 16;
const BODY_AT: usize = 20;
/// `resPQ` holds at least two numbers after its constructor, the client's and the server's.
const RES_PQ_MIN: usize = 4 + 2 * NONCE_BYTES;

/// The question `req_pq_multi`. The message's number follows from the time, as the protocol wants it: seconds in the upper
/// half, divisible by four.
#[must_use]
pub fn request(nonce: &[u8; NONCE_BYTES], now: DateTime<Utc>) -> [u8; REQUEST_BYTES] {
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    let fraction = (u64::from(now.timestamp_subsec_nanos()) << 32) / 1_000_000_000;
    // A leap second's fraction is above one.
    let id = (seconds << 32) | (fraction.min(u64::from(u32::MAX)) & !3);
    let mut message = [0; REQUEST_BYTES];
    message[8..LENGTH_AT].copy_from_slice(&id.to_le_bytes());
    message[LENGTH_AT..BODY_AT].copy_from_slice(&20_u32.to_le_bytes());
    message[BODY_AT..BODY_AT + 4].copy_from_slice(&REQ_PQ_MULTI.to_le_bytes());
    message[BODY_AT + 4..].copy_from_slice(nonce);
    message
}

/// Whether this message is the answer `resPQ` to the question with this number.
#[must_use]
pub fn answers(message: &[u8], nonce: &[u8; NONCE_BYTES]) -> bool {
    let body = message.get(BODY_AT..).unwrap_or_default();
    let length = wire::array(message, LENGTH_AT).map_or(u32::MAX, u32::from_le_bytes);
    message.get(NO_KEY) == Some(&[0; 8])
        && usize::try_from(length).is_ok_and(|length| (RES_PQ_MIN..=body.len()).contains(&length))
        && wire::array(body, 0) == Some(RES_PQ.to_le_bytes())
        && wire::array(body, 4) == Some(*nonce)
}

#[cfg(test)]
mod tests;
