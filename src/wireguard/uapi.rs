//! A client of the text protocol that WireGuard in userspace speaks on a unix socket
//! (<https://www.wireguard.com/xplatform/>).
//!
//! The device serves one request per connection on a thread that also carries packets, and it waits for a slow client
//! while it holds its lock. So a request is written in one piece that fits into the socket's buffer, and everything has
//! a time-out.

use self::parse::Parser;
pub(super) use self::request::Request;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;
use usipipo_actors::domain::wg::{PeerStatus, PrivateKey};
use zeroize::Zeroizing;

mod parse;
mod request;

/// Where the sockets of userspace implementations are, by convention of them all.
pub(crate) const SOCKET_DIR: &str = "/var/run/wireguard";
/// A write waits for the device's lock behind at most one other request.
const SET_TIMEOUT: Duration = Duration::from_secs(10);
/// 20,000 peers take 0.3 s on two slow cores.
const GET_TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes of an answer; a peer takes about 400.
const ANSWER_MAX: usize = 64 << 20;
/// Bytes of an answer without peers, and some more.
const SHORT_CHUNK: usize = 256;
/// Bytes read at once. They are wiped afterwards, which takes longer than reading, so not too many.
const READ_CHUNK: usize = 16 << 10;

/// Why the device did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum UapiError {
    /// The process is not running, or it has just ended.
    #[error("nothing answers at {0}")]
    Absent(PathBuf),
    /// It runs but is stuck or overloaded.
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(io::Error),
    /// The device refused, with an error number of the system.
    #[error("the device refused: {}", io::Error::from_raw_os_error(*.0))]
    Refused(i32),
    /// The answer is not the protocol.
    #[error("the answer cannot be read: {0}")]
    Malformed(&'static str),
}

/// What the device says about itself.
#[derive(Debug, Default)]
pub(super) struct Device {
    /// `None`: not set up yet.
    pub(super) private_key: Option<PrivateKey>,
    /// UDP port.
    pub(super) listen_port: Option<u16>,
}

/// Tells one run of a device from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    inode: u64,
    made: (i64, i64),
}

/// The client; it holds no connection.
#[derive(Debug, Clone)]
pub(super) struct Uapi {
    socket: PathBuf,
}

impl Uapi {
    pub(super) const fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// For an interface on this machine.
    pub(super) fn of_interface(name: &str) -> Self {
        Self::new(Path::new(SOCKET_DIR).join(format!("{name}.sock")))
    }

    /// Which device it is: every one makes its socket anew.
    pub(super) fn identity(&self) -> Option<Identity> {
        let about = std::fs::metadata(&self.socket).ok()?;
        Some(Identity { inode: about.ino(), made: (about.ctime(), about.ctime_nsec()) })
    }

    /// Reads the device's own settings and leaves the peers out. The device still writes all of them, and no change can be
    /// made meanwhile: 50 to 100 ms with 5,000.
    pub(super) async fn device(&self) -> Result<Device, UapiError> {
        Ok(self.get(Parser::of_device()).await?.into_parts().0)
    }

    /// Reads all peers.
    pub(super) async fn peers(&self) -> Result<Vec<PeerStatus>, UapiError> {
        Ok(self.get(Parser::of_peers()).await?.into_parts().1)
    }

    /// Changes the device.
    pub(super) async fn set(&self, request: Request) -> Result<(), UapiError> {
        let request = request.finish();
        self.exchange(&request, Parser::of_answer(), SET_TIMEOUT).await.map(drop)
    }

    async fn get(&self, parser: Parser) -> Result<Parser, UapiError> {
        self.exchange("get=1\n\n", parser, GET_TIMEOUT).await
    }

    async fn exchange(&self, request: &str, parser: Parser, within: Duration) -> Result<Parser, UapiError> {
        let talk = async {
            let mut stream = UnixStream::connect(&self.socket).await.map_err(|cause| self.failure(cause))?;
            stream.write_all(request.as_bytes()).await.map_err(|cause| self.failure(cause))?;
            self.read(&mut stream, parser).await
        };
        timeout(within, talk).await.map_err(|_| UapiError::TimedOut(within))?
    }

    async fn read(&self, stream: &mut UnixStream, mut parser: Parser) -> Result<Parser, UapiError> {
        // The answer holds keys.
        let mut chunk = Zeroizing::new(vec![0; if parser.is_short() { SHORT_CHUNK } else { READ_CHUNK }]);
        let mut total = 0;
        loop {
            let read = stream.read(&mut chunk).await.map_err(|cause| self.failure(cause))?;
            if read == 0 {
                return Err(UapiError::Malformed("it ends too early"));
            }
            total += read;
            if total > ANSWER_MAX {
                return Err(UapiError::Malformed("it is too long"));
            }
            if parser.feed(&chunk[..read])? {
                return Ok(parser);
            }
        }
    }

    fn failure(&self, cause: io::Error) -> UapiError {
        match cause.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => UapiError::Absent(self.socket.clone()),
            _ => UapiError::Io(cause),
        }
    }
}

#[cfg(test)]
mod tests;
