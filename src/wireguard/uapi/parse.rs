//! Reads answers line by line, however the socket cuts them.

use super::{Device, UapiError};
use chrono::{DateTime, Utc};
use usipipo_actors::domain::wg::{PeerStatus, PrivateKey, PublicKey};
use zeroize::{Zeroize as _, Zeroizing};

/// Bytes of a line; the longest known one, a key, has 77.
const LINE_MAX: usize = 512;
/// Seconds since 1970. A handshake before this (2001) is not a time of day: other implementations print how long ago it was.
const HANDSHAKE_MIN: i64 = 1_000_000_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// The answer to a change: no values.
    Answer,
    /// Only what precedes the peers.
    Device,
    /// Everything.
    Peers,
}

/// Takes an answer in pieces.
pub(super) struct Parser {
    wanted: Wanted,
    /// The piece of a line that has come so far; it may be a key.
    line: Zeroizing<Vec<u8>>,
    device: Device,
    peers: Vec<PeerStatus>,
    handshake: (i64, u32),
}

impl Parser {
    fn new(wanted: Wanted) -> Self {
        let line = Zeroizing::new(Vec::with_capacity(LINE_MAX));
        Self { wanted, line, device: Device::default(), peers: Vec::new(), handshake: (0, 0) }
    }

    pub(super) fn of_answer() -> Self {
        Self::new(Wanted::Answer)
    }

    pub(super) fn of_device() -> Self {
        Self::new(Wanted::Device)
    }

    pub(super) fn of_peers() -> Self {
        Self::new(Wanted::Peers)
    }

    /// Whether little is expected, so that a small buffer will do.
    pub(super) const fn is_short(&self) -> bool {
        !matches!(self.wanted, Wanted::Peers)
    }

    pub(super) fn into_parts(self) -> (Device, Vec<PeerStatus>) {
        (self.device, self.peers)
    }

    /// `true` when the answer is complete, as far as it is wanted.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<bool, UapiError> {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            self.keep(&rest[..end])?;
            rest = &rest[end + 1..];
            let mut line = std::mem::take(&mut self.line);
            let done = self.line(&line);
            // Only what was used: this runs for every line of 20,000 peers.
            line.as_mut_slice().zeroize();
            line.clear();
            self.line = line;
            if done? {
                return Ok(true);
            }
        }
        self.keep(rest)?;
        Ok(false)
    }

    fn keep(&mut self, piece: &[u8]) -> Result<(), UapiError> {
        if self.line.len() + piece.len() > LINE_MAX {
            return Err(UapiError::Malformed("a line is too long"));
        }
        self.line.extend_from_slice(piece);
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<bool, UapiError> {
        let line = std::str::from_utf8(line).map_err(|_| UapiError::Malformed("it is not text"))?;
        if line.is_empty() {
            return Err(UapiError::Malformed("it has no error number"));
        }
        let (key, value) = line.split_once('=').ok_or(UapiError::Malformed("a line has no '='"))?;
        match key {
            "errno" => {
                self.end_peer();
                return match value.parse() {
                    Ok(0) => Ok(true),
                    Ok(number) => Err(UapiError::Refused(number)),
                    Err(_) => Err(UapiError::Malformed("its error number is not a number")),
                };
            }
            "public_key" => {
                if self.wanted != Wanted::Peers {
                    return Ok(self.wanted == Wanted::Device);
                }
                self.end_peer();
                self.peers.push(new_peer(PublicKey::from_bytes(*key_bytes(value)?)));
            }
            "private_key" => self.device.private_key = private_key(value)?,
            "listen_port" => self.device.listen_port = Some(number(value)?),
            _ => self.peer_line(key, value)?,
        }
        Ok(false)
    }

    /// Unknown keys are left alone: implementations add their own.
    fn peer_line(&mut self, key: &str, value: &str) -> Result<(), UapiError> {
        let Some(peer) = self.peers.last_mut() else { return Ok(()) };
        match key {
            "endpoint" => {
                peer.endpoint = Some(value.parse().map_err(|_| UapiError::Malformed("an endpoint is not an address"))?);
            }
            "allowed_ip" => {
                let network = value.parse().map_err(|_| UapiError::Malformed("an allowed address is not a prefix"))?;
                peer.allowed_ips.push(network);
            }
            "last_handshake_time_sec" => self.handshake.0 = number(value)?,
            "last_handshake_time_nsec" => self.handshake.1 = number(value)?,
            "rx_bytes" => peer.rx_bytes = number(value)?,
            "tx_bytes" => peer.tx_bytes = number(value)?,
            _ => {}
        }
        Ok(())
    }

    fn end_peer(&mut self) {
        let (seconds, nanoseconds) = std::mem::take(&mut self.handshake);
        if let Some(peer) = self.peers.last_mut()
            && seconds >= HANDSHAKE_MIN
        {
            peer.last_handshake = DateTime::<Utc>::from_timestamp(seconds, nanoseconds);
        }
    }
}

const fn new_peer(public_key: PublicKey) -> PeerStatus {
    PeerStatus { public_key, allowed_ips: Vec::new(), endpoint: None, last_handshake: None, rx_bytes: 0, tx_bytes: 0 }
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, UapiError> {
    text.parse().map_err(|_| UapiError::Malformed("a number is not a number"))
}

/// All zeros mean that there is none.
fn private_key(hex: &str) -> Result<Option<PrivateKey>, UapiError> {
    let bytes = key_bytes(hex)?;
    Ok(bytes.iter().any(|&byte| byte != 0).then(|| PrivateKey::from_random(*bytes)))
}

fn key_bytes(hex: &str) -> Result<Zeroizing<[u8; 32]>, UapiError> {
    const BAD: UapiError = UapiError::Malformed("a key is not 64 hex digits");
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).ok_or(BAD);
    if hex.len() != 64 {
        return Err(BAD);
    }
    let mut key = Zeroizing::new([0; 32]);
    for (byte, pair) in key.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(key)
}
