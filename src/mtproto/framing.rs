//! How messages are told apart within the stream: three framings.
//! Source: core.telegram.org/mtproto/mtproto-transports.

use super::wire;

/// Bytes of one message that are read; what is awaited has about a hundred.
pub const MESSAGE_MAX: usize = 4096;
/// Random bytes after a padded message: at most this many. Apps differ; the four bits are what Telegram's own take.
pub const PADDING_MAX: usize = 15;
/// Errors are small negative numbers; -404 is the usual one.
const ERROR_LOWEST: i32 = -999;

/// How a message's length is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// One byte that counts words of four bytes, or four bytes for long ones.
    Abridged,
    /// Four bytes that count bytes.
    Intermediate,
    /// The same, with up to 15 random bytes at the end. Secrets with `dd` and `ee` demand it.
    Padded,
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A message, with the padding that may follow it.
    Message(Vec<u8>),
    /// A small negative number instead of a message: Telegram's server was reached, and refused.
    Error(i32),
}

/// What is found at the beginning of the bytes that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// Read on.
    Incomplete,
    /// No framing of ours: a wrong key, or somebody else.
    Nonsense,
    /// A frame and how many bytes it took.
    Frame(Frame, usize),
}

impl Framing {
    /// The byte that names it in the opening.
    #[must_use]
    pub const fn tag(self) -> u8 {
        match self {
            Self::Abridged => 0xef,
            Self::Intermediate => 0xee,
            Self::Padded => 0xdd,
        }
    }

    /// Frames a message. The padding, at most [`PADDING_MAX`] bytes of it, is taken by [`Framing::Padded`] alone. `None` when
    /// the message is longer than [`MESSAGE_MAX`] or is not of whole words of four bytes, as messages are.
    #[must_use]
    pub fn encode(self, message: &[u8], padding: &[u8]) -> Option<Vec<u8>> {
        if message.len() > MESSAGE_MAX || !message.len().is_multiple_of(4) {
            return None;
        }
        let padding = match self {
            Self::Padded => padding.get(..padding.len().min(PADDING_MAX))?,
            Self::Abridged | Self::Intermediate => &[],
        };
        let mut frame = Vec::with_capacity(4 + message.len() + padding.len());
        match self {
            Self::Abridged => {
                let words = u32::try_from(message.len() / 4).ok()?.to_le_bytes();
                if words[0] < 0x7f && words[1..] == [0; 3] {
                    frame.push(words[0]);
                } else {
                    frame.push(0x7f);
                    frame.extend_from_slice(&words[..3]);
                }
            }
            Self::Intermediate | Self::Padded => {
                frame.extend_from_slice(&u32::try_from(message.len() + padding.len()).ok()?.to_le_bytes());
            }
        }
        frame.extend_from_slice(message);
        frame.extend_from_slice(padding);
        Some(frame)
    }

    /// Looks for a frame at the beginning.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Decoded {
        let (head, length) = match self {
            Self::Abridged => match bytes.first() {
                None => return Decoded::Incomplete,
                Some(&short @ 0..0x7f) => (1, usize::from(short) * 4),
                Some(0x7f) => match wire::array::<4>(bytes, 0) {
                    None => return Decoded::Incomplete,
                    Some([_, a, b, c]) => (4, usize::from(a) * 4 + usize::from(b) * 1024 + usize::from(c) * 262_144),
                },
                // A receipt, which we never ask for.
                Some(_) => return Decoded::Nonsense,
            },
            Self::Intermediate | Self::Padded => match wire::array::<4>(bytes, 0) {
                None => return Decoded::Incomplete,
                Some(word) => {
                    // Some servers send the error without a length before it.
                    if let Some(error) = error_in(word) {
                        return Decoded::Frame(Frame::Error(error), 4);
                    }
                    match usize::try_from(u32::from_le_bytes(word)) {
                        Ok(length) => (4, length),
                        Err(_) => return Decoded::Nonsense,
                    }
                }
            },
        };
        if !(4..=MESSAGE_MAX).contains(&length) {
            return Decoded::Nonsense;
        }
        let Some(body) = bytes.get(head..head + length) else {
            return Decoded::Incomplete;
        };
        let error_max = if self == Self::Padded { 4 + PADDING_MAX } else { 4 };
        let frame = match wire::array(body, 0).and_then(error_in) {
            Some(error) if length <= error_max => Frame::Error(error),
            _ => Frame::Message(body.to_vec()),
        };
        Decoded::Frame(frame, head + length)
    }
}

fn error_in(word: [u8; 4]) -> Option<i32> {
    let number = i32::from_le_bytes(word);
    (ERROR_LOWEST..0).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests;
