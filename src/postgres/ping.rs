//! Asks a server over its socket whether it takes connections: the first message of PostgreSQL's protocol, version 3.

use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

const TIMEOUT: Duration = Duration::from_secs(3);
const PROTOCOL: u32 = 3 << 16;
/// Longest message read; what a server says at the start is far shorter.
const MESSAGE_BYTES_MAX: u32 = 16_384;
const CANNOT_CONNECT_NOW: &str = "57P03";

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It takes connections; its version.
    Ready(String),
    /// It starts, recovers or stops.
    NotNow,
    /// It lives but refuses us.
    Refuses(String),
}

/// Connects as `role` to the database of the same name.
///
/// # Errors
/// Nobody listens, or what listens is no PostgreSQL.
pub async fn ping(socket_dir: &Path, role: &str) -> io::Result<Answer> {
    timeout(TIMEOUT, ask(socket_dir, role)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn ask(socket_dir: &Path, role: &str) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(socket_dir.join(".s.PGSQL.5432")).await?;
    stream.write_all(&startup(role)).await?;
    let mut version = String::new();
    loop {
        let kind = stream.read_u8().await?;
        let length = stream.read_u32().await?;
        if !(4..=MESSAGE_BYTES_MAX).contains(&length) {
            return Err(io::Error::other("what listens there is no PostgreSQL"));
        }
        let mut body = vec![0; length as usize - 4];
        stream.read_exact(&mut body).await?;
        match kind {
            b'R' if body == [0; 4] => {}
            b'R' => return Ok(Answer::Refuses("it wants a password".to_owned())),
            b'S' => {
                if let Some(text) = body.strip_prefix(b"server_version\0") {
                    version = String::from_utf8_lossy(text).trim_end_matches('\0').to_owned();
                }
            }
            b'Z' => {
                // Terminate; the answer is known, so it does not matter whether it arrives.
                let _ = stream.write_all(&[b'X', 0, 0, 0, 4]).await;
                return Ok(Answer::Ready(version));
            }
            b'E' => return Ok(refusal(&body)),
            _ => {}
        }
    }
}

fn startup(role: &str) -> Vec<u8> {
    let mut body = PROTOCOL.to_be_bytes().to_vec();
    for text in ["user", role, "database", role, "application_name", "usipipo-ping"] {
        body.extend_from_slice(text.as_bytes());
        body.push(0);
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [length.to_be_bytes().as_slice(), &body].concat()
}

/// Fields of an error: a letter, text, zero.
fn refusal(body: &[u8]) -> Answer {
    let field = |letter: u8| {
        let found = body.split(|byte| *byte == 0).find(|field| field.first() == Some(&letter))?;
        Some(String::from_utf8_lossy(&found[1..]).into_owned())
    };
    if field(b'C').as_deref() == Some(CANNOT_CONNECT_NOW) {
        Answer::NotNow
    } else {
        Answer::Refuses(field(b'M').unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_understood() {
        let starting = b"SFATAL\0C57P03\0Mthe database system is starting up\0\0";
        assert_eq!(refusal(starting), Answer::NotNow);
        let other = b"SFATAL\0C28000\0Mno entry\0\0";
        assert_eq!(refusal(other), Answer::Refuses("no entry".to_owned()));
        assert_eq!(refusal(b""), Answer::Refuses(String::new()));
    }

    #[test]
    fn the_startup_message_has_its_length_in_front() {
        let message = startup("me");
        assert_eq!(message[..4], u32::try_from(message.len()).unwrap().to_be_bytes());
        assert_eq!(message[4..8], [0, 3, 0, 0]);
        assert!(message.ends_with(b"\0\0"));
    }
}
