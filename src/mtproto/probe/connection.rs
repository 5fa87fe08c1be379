//! A TCP connection with bounded memory and time.

use crate::mtproto::records;
use crate::mtproto::verdict::{Sign, Trouble};
use std::io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

/// Addresses of a name that are tried.
const ADDRESSES_MAX: usize = 4;
/// Bytes of all that is received, whoever sends it; an honest conversation has less than half.
const RECEIVED_MAX: usize = 64 << 10;
/// Bytes of one read.
const CHUNK: usize = 4 << 10;

pub(super) struct Connection {
    stream: TcpStream,
    /// What came and was not used yet.
    buffer: Vec<u8>,
    /// Bytes that came in all.
    received: usize,
}

impl Connection {
    /// Connects to the first address that answers. The caller bounds the time.
    pub(super) async fn open(host: &str, port: u16) -> Result<Self, Trouble> {
        let addresses = lookup_host((host, port)).await.map_err(|cause| Trouble::NoAddress(cause.to_string()))?;
        let mut last = Trouble::NoAddress("no address is known".to_owned());
        for address in addresses.take(ADDRESSES_MAX) {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(Self { stream, buffer: Vec::new(), received: 0 }),
                Err(cause) => last = trouble(&cause),
            }
        }
        Err(last)
    }

    pub(super) async fn send(&mut self, bytes: &[u8], by: Instant) -> Result<(), Sign> {
        match timeout_at(by, self.stream.write_all(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Sign::Closed),
            Err(_) => Err(Sign::Silence),
        }
    }

    /// Waits for more.
    pub(super) async fn receive(&mut self, by: Instant) -> Result<(), Sign> {
        if self.received >= RECEIVED_MAX {
            return Err(Sign::OtherAnswer);
        }
        let mut chunk = [0; CHUNK];
        match timeout_at(by, self.stream.read(&mut chunk)).await {
            Ok(Ok(0) | Err(_)) => Err(Sign::Closed),
            Ok(Ok(length)) => {
                self.received += length;
                self.buffer.extend_from_slice(&chunk[..length]);
                Ok(())
            }
            Err(_) => Err(Sign::Silence),
        }
    }

    /// What came and was not taken yet.
    pub(super) fn received(&self) -> &[u8] {
        &self.buffer
    }

    /// Drops so many bytes from the beginning of it.
    pub(super) fn forget(&mut self, length: usize) {
        self.buffer.drain(..length.min(self.buffer.len()));
    }

    /// Takes all of it.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// Takes the content of its application records; `false` when there is something else.
    pub(super) fn unwrap_records(&mut self, content: &mut Vec<u8>) -> bool {
        records::unwrap(&mut self.buffer, content)
    }
}

fn trouble(cause: &io::Error) -> Trouble {
    match cause.kind() {
        io::ErrorKind::ConnectionRefused => Trouble::NothingListens,
        io::ErrorKind::TimedOut => Trouble::TimedOut,
        _ => Trouble::Network(cause.to_string()),
    }
}
