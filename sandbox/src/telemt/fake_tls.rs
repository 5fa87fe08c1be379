//! The server's side of fake TLS: a ClientHello whose random is an HMAC with the secret, and a ServerHello that proves the same.

use ring::hmac;

use crate::random;

/// Where the random of a hello is in its record.
const RANDOM: std::ops::Range<usize> = 11..43;
/// A clock may be so many seconds off.
const MAX_SKEW_SECONDS: i64 = 120;
/// The first application record of a reply is between so many bytes …
const MIN_DATA: u32 = 1024;
/// … and so many more.
const MORE_DATA: u32 = 3072;
/// The longest piece of a record, in bytes.
pub const MAX_RECORD_BYTES: usize = 16 * 1024;

/// What stands in a ClientHello.
#[derive(Debug)]
pub struct Hello {
    record: Vec<u8>,
    session_id: Vec<u8>,
    /// The name that the client asks for.
    pub server_name: Option<String>,
}

/// Takes bytes from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        let bytes = self.take(bytes)?;
        Some(
            bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
        )
    }

    fn block(&mut self, length_bytes: usize) -> Option<&'a [u8]> {
        let length = self.number(length_bytes)?;
        self.take(length)
    }
}

impl Hello {
    /// Reads the whole record, its header included.
    pub fn parse(record: Vec<u8>) -> Option<Self> {
        let mut reader = Reader(record.get(5..)?);
        if reader.take(1)? != [1] {
            return None;
        }
        let mut hello = Reader(reader.block(3)?);
        hello.take(2 + 32)?;
        let session_id = hello.block(1)?.to_vec();
        hello.block(2)?;
        hello.block(1)?;
        let mut extensions = Reader(hello.block(2)?);
        let mut server_name = None;
        while let Some(kind) = extensions.number(2) {
            let mut extension = Reader(extensions.block(2)?);
            if kind == 0 {
                extension.take(2 + 1)?;
                let name = extension.block(2)?;
                server_name = Some(String::from_utf8_lossy(name).into_owned());
            }
        }
        Some(Self {
            record,
            session_id,
            server_name,
        })
    }

    /// The 32 bytes that prove the secret; a hello that comes again has the same.
    pub fn random(&self) -> [u8; 32] {
        let mut random = [0; 32];
        random.copy_from_slice(&self.record[RANDOM]);
        random
    }

    /// Whether it was made with this secret, at about this time.
    pub fn fits(&self, secret: &[u8; 16], now: i64) -> bool {
        let mut blank = self.record.clone();
        blank[RANDOM].fill(0);
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let digest = hmac::sign(&key, &blank);
        let digest = digest.as_ref();
        let random = self.random();
        if random[..28] != digest[..28] {
            return false;
        }
        let mut time = [0; 4];
        for (index, byte) in time.iter_mut().enumerate() {
            *byte = random[28 + index] ^ digest[28 + index];
        }
        (i64::from(u32::from_le_bytes(time)) - now).abs() <= MAX_SKEW_SECONDS
    }

    /// ServerHello, ChangeCipherSpec and a first application record. With a secret its random is the proof; without one it is
    /// what any web server would send.
    pub fn reply(&self, secret: Option<&[u8; 16]>) -> Vec<u8> {
        let mut hello = vec![0x03, 0x03];
        hello.extend([0; 32]);
        hello.push(u8::try_from(self.session_id.len()).unwrap_or_default());
        hello.extend(&self.session_id);
        hello.extend([0x13, 0x01, 0x00]);
        let mut extensions = vec![0x00, 0x33, 0x00, 0x24, 0x00, 0x1d, 0x00, 0x20];
        extensions.extend(random::bytes::<32>());
        extensions.extend([0x00, 0x2b, 0x00, 0x02, 0x03, 0x04]);
        hello.extend(length::<2>(extensions.len()));
        hello.extend(extensions);
        let mut handshake = vec![0x02];
        handshake.extend(length::<3>(hello.len()));
        handshake.extend(hello);
        let mut reply = record(0x16, &handshake);
        reply.extend(record(0x14, &[1]));
        let mut data = vec![0; MIN_DATA as usize + random::below(MORE_DATA) as usize];
        random::fill(&mut data);
        reply.extend(record(0x17, &data));
        let random = match secret {
            None => random::bytes::<32>(),
            Some(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                let mut context = hmac::Context::with_key(&key);
                context.update(&self.random());
                context.update(&reply);
                let mut digest = [0; 32];
                digest.copy_from_slice(context.sign().as_ref());
                digest
            }
        };
        reply[RANDOM].copy_from_slice(&random);
        reply
    }
}

fn length<const N: usize>(length: usize) -> [u8; N] {
    let bytes = length.to_be_bytes();
    let mut cut = [0; N];
    cut.copy_from_slice(&bytes[bytes.len() - N..]);
    cut
}

/// One TLS record.
pub fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut record = vec![kind, 0x03, 0x03];
    record.extend(length::<2>(content.len()));
    record.extend(content);
    record
}
