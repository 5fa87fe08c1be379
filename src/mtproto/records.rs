//! What looks like TLS from outside: records with a type, a version and a length.

/// Bytes before a record's content.
pub const HEAD_BYTES: usize = 5;
/// Bytes of content that a record may have: TLS 1.3 allows 16 kB and 256 more (RFC 8446, 5.2).
pub const CONTENT_MAX: usize = (16 << 10) + 256;
/// Bytes that we put into one record.
const CONTENT_OURS: usize = 16 << 10;
/// Both versions that stand in records, whatever is spoken.
const VERSION: [u8; 2] = [3, 3];
/// The record after the handshake that means nothing in TLS 1.3 but is expected (RFC 8446, D.4).
pub const CHANGE_CIPHER: [u8; 6] = [0x14, 3, 3, 0, 1, 1];

/// Types of records (RFC 8446, 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordType {
    /// Means nothing.
    ChangeCipher,
    /// The other side gives up.
    Alert,
    /// Of the handshake.
    Handshake,
    /// Data.
    Application,
}

/// What is found at the beginning of the bytes that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Read on.
    Incomplete,
    /// No TLS.
    Nonsense,
    /// A record and the bytes of its content, which follow [`HEAD_BYTES`].
    Record(RecordType, usize),
}

/// Looks for a record at the beginning.
#[must_use]
pub fn find(bytes: &[u8]) -> Found {
    let kind = match bytes.first() {
        None => return Found::Incomplete,
        Some(0x14) => RecordType::ChangeCipher,
        Some(0x15) => RecordType::Alert,
        Some(0x16) => RecordType::Handshake,
        Some(0x17) => RecordType::Application,
        Some(_) => return Found::Nonsense,
    };
    let &[_, major, minor, high, low, ref content @ ..] = bytes else {
        return Found::Incomplete;
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    // Alerts before the version is settled name an older one.
    let version_fits = [major, minor] == VERSION || (kind == RecordType::Alert && major == VERSION[0]);
    if !version_fits || length > CONTENT_MAX {
        Found::Nonsense
    } else if content.len() < length {
        Found::Incomplete
    } else {
        Found::Record(kind, length)
    }
}

/// Takes the content of the application records out of what came, until there is nothing more to take. Returns `false` at
/// the first thing that is no such record; then nothing that follows means anything.
#[must_use]
pub fn unwrap(raw: &mut Vec<u8>, content: &mut Vec<u8>) -> bool {
    loop {
        match find(raw) {
            Found::Incomplete => return true,
            Found::Record(RecordType::Application, length) => {
                content.extend_from_slice(&raw[HEAD_BYTES..HEAD_BYTES + length]);
                raw.drain(..HEAD_BYTES + length);
            }
            Found::Record(RecordType::ChangeCipher, length) => drop(raw.drain(..HEAD_BYTES + length)),
            Found::Record(RecordType::Alert | RecordType::Handshake, _) | Found::Nonsense => return false,
        }
    }
}

/// Puts data into application records.
#[must_use]
pub fn wrap(data: &[u8]) -> Vec<u8> {
    let mut records = Vec::with_capacity(data.len() + HEAD_BYTES);
    for chunk in data.chunks(CONTENT_OURS) {
        // A chunk has at most 16 kB, which fits.
        let length = u16::try_from(chunk.len()).unwrap_or(0);
        records.push(0x17);
        records.extend_from_slice(&VERSION);
        records.extend_from_slice(&length.to_be_bytes());
        records.extend_from_slice(chunk);
    }
    records
}

#[cfg(test)]
mod tests;
