//! The server's side of MTProto's obfuscated transport ("obfuscated2", core.telegram.org/mtproto/mtproto-transports) with a
//! proxy's secret, and the framing inside it.

use aes::Aes256;
use aes::cipher::KeyIvInit;
use aes::cipher::StreamCipher;
use ctr::Ctr128BE;
use ring::digest::Context;
use ring::digest::SHA256;

use crate::random;

/// What a connection begins with, in bytes.
pub const INIT_BYTES: usize = 64;
/// The longest frame that is taken, in bytes; a probe's is far shorter.
const MAX_FRAME_BYTES: usize = 64 * 1024;
/// The most random bytes that end a padded frame.
const MAX_PADDING: u32 = 15;

/// How frames are told from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Four bytes of length, and padding that counts.
    Padded,
    /// Four bytes of length.
    Intermediate,
    /// One byte of length in words, or `7f` and three.
    Abridged,
}

/// A connection whose secret fits.
pub struct Session {
    /// As the client chose it.
    pub framing: Framing,
    /// The data centre: 1 to 5, negative for media, 10,000 more for test.
    pub data_centre: i16,
    incoming: Ctr128BE<Aes256>,
    outgoing: Ctr128BE<Aes256>,
}

fn cipher(key: &[u8], iv: &[u8], secret: &[u8; 16]) -> Ctr128BE<Aes256> {
    let mut hash = Context::new(&SHA256);
    hash.update(key);
    hash.update(secret);
    let mut key = [0; 32];
    key.copy_from_slice(hash.finish().as_ref());
    let mut start = [0; 16];
    start.copy_from_slice(iv);
    Ctr128BE::new(&key.into(), &start.into())
}

impl Session {
    /// Tries a secret on the first bytes of a connection.
    pub fn open(init: &[u8; INIT_BYTES], secret: &[u8; 16]) -> Option<Self> {
        let mut incoming = cipher(&init[8..40], &init[40..56], secret);
        let mut plain = *init;
        incoming.apply_keystream(&mut plain);
        let framing = match plain[56..60] {
            [0xdd, 0xdd, 0xdd, 0xdd] => Framing::Padded,
            [0xee, 0xee, 0xee, 0xee] => Framing::Intermediate,
            [0xef, 0xef, 0xef, 0xef] => Framing::Abridged,
            _ => return None,
        };
        let mut reversed = [0; 48];
        reversed.copy_from_slice(&init[8..56]);
        reversed.reverse();
        Some(Self {
            framing,
            data_centre: i16::from_le_bytes([plain[60], plain[61]]),
            incoming,
            outgoing: cipher(&reversed[..32], &reversed[32..], secret),
        })
    }

    /// Whether there is such a data centre.
    pub fn is_known_data_centre(&self) -> bool {
        let number = self.data_centre.unsigned_abs() % 10_000;
        (1..=5).contains(&number)
    }

    /// What came in.
    pub fn decrypt(&mut self, bytes: &mut [u8]) {
        self.incoming.apply_keystream(bytes);
    }

    /// What goes out.
    pub fn encrypt(&mut self, bytes: &mut [u8]) {
        self.outgoing.apply_keystream(bytes);
    }

    /// A message in its frame, not encrypted yet.
    pub fn frame(&self, message: &[u8]) -> Vec<u8> {
        let mut body = message.to_vec();
        if self.framing == Framing::Padded {
            body.extend((0..random::below(MAX_PADDING + 1)).map(|_| random::bytes::<1>()[0]));
        }
        let length = body.len();
        let mut frame = match self.framing {
            Framing::Abridged if length / 4 < 0x7f => {
                vec![u8::try_from(length / 4).unwrap_or_default()]
            }
            Framing::Abridged => {
                let words = u32::try_from(length / 4).unwrap_or_default().to_le_bytes();
                vec![0x7f, words[0], words[1], words[2]]
            }
            _ => u32::try_from(length)
                .unwrap_or_default()
                .to_le_bytes()
                .to_vec(),
        };
        frame.extend(body);
        frame
    }
}

/// Decrypted bytes that are cut into frames.
#[derive(Debug, Default)]
pub struct Frames {
    waiting: Vec<u8>,
}

/// A frame is longer than anybody's.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

impl Frames {
    /// More came in.
    pub fn push(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
    }

    /// The next whole frame's content, padding included.
    ///
    /// # Errors
    /// When it announces more than anybody sends.
    pub fn next(&mut self, framing: Framing) -> Result<Option<Vec<u8>>, TooLong> {
        let waiting = &self.waiting;
        // The highest bit of a length asks for a quick acknowledgement, which nobody here needs.
        let (head, length) = match (framing, waiting.as_slice()) {
            (Framing::Abridged, [first, ..]) if first & 0x7f < 0x7f => {
                (1, usize::from(first & 0x7f) * 4)
            }
            (Framing::Abridged, [_, a, b, c, ..]) => {
                let words = u32::from_le_bytes([*a, *b, *c, 0]);
                (4, usize::try_from(words).map_err(|_| TooLong)? * 4)
            }
            (Framing::Padded | Framing::Intermediate, [a, b, c, d, ..]) => {
                let length = u32::from_le_bytes([*a, *b, *c, d & 0x7f]);
                (4, usize::try_from(length).map_err(|_| TooLong)?)
            }
            _ => return Ok(None),
        };
        if length > MAX_FRAME_BYTES {
            return Err(TooLong);
        }
        if waiting.len() < head + length {
            return Ok(None);
        }
        let frame = waiting[head..head + length].to_vec();
        self.waiting.drain(..head + length);
        Ok(Some(frame))
    }
}

/// `req_pq_multi`, and the older `req_pq`, which clients may still send.
const REQ_PQ: [u32; 2] = [0xbe7e_8ef1, 0x6046_9778];
const RES_PQ: u32 = 0x0516_2463;
const VECTOR: u32 = 0x1cb5_c415;
/// The product that Telegram's own example factorises.
const PQ: [u8; 8] = [0x17, 0xed, 0x48, 0x94, 0x1a, 0x08, 0xf9, 0x81];

/// The data centre's answer to a client's first message: `resPQ` with its nonce; `None` for any other message.
pub fn answer(message: &[u8], now: i64) -> Option<Vec<u8>> {
    let number = |at: usize| {
        let bytes = message.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    let is_plain = message.get(..8)? == [0; 8];
    let id_divides = number(8)?.is_multiple_of(4);
    if !is_plain || !id_divides || number(16)? != 20 || !REQ_PQ.contains(&number(20)?) {
        return None;
    }
    let nonce = message.get(24..40)?;
    let mut body = RES_PQ.to_le_bytes().to_vec();
    body.extend_from_slice(nonce);
    body.extend(random::bytes::<16>());
    body.push(8);
    body.extend(PQ);
    body.extend([0; 3]);
    body.extend(VECTOR.to_le_bytes());
    body.extend(1_u32.to_le_bytes());
    body.extend(random::bytes::<8>());
    let mut answer = vec![0; 8];
    // A server's answer has an id of 1 modulo 4.
    answer.extend(((now << 32) | 1).to_le_bytes());
    answer.extend(u32::try_from(body.len()).unwrap_or_default().to_le_bytes());
    answer.extend(body);
    Some(answer)
}
