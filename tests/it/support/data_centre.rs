//! A data centre of Telegram, as far as a proxy and its clients see one before keys are exchanged.

use super::netns::Namespace;
use aes::Aes256;
use aes::cipher::{KeyIvInit as _, StreamCipher as _};
use ctr::Ctr128BE;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A conversation that hangs longer is a fault of the test.
const PATIENCE: Duration = Duration::from_secs(20);

/// What it says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manners {
    /// `resPQ`.
    Answers,
    /// -404.
    Refuses,
}

/// Listens until it is dropped.
pub(crate) struct DataCentre {
    stop: Arc<AtomicBool>,
    questions: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl DataCentre {
    /// Listens at an address that the namespace has.
    pub(crate) fn new(namespace: &Namespace, address: &str, manners: Manners) -> Self {
        let listener = namespace.enter(|| TcpListener::bind(address).unwrap());
        // So that its end is seen.
        listener.set_nonblocking(true).unwrap();
        let (stop, questions) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (ending, count) = (Arc::clone(&stop), Arc::clone(&questions));
        let thread = thread::spawn(move || {
            while !ending.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        let count = Arc::clone(&count);
                        // A client that hangs up early is no fault.
                        thread::spawn(move || drop(converse(stream, manners, &count)));
                    }
                    Err(_) => thread::sleep(Duration::from_millis(5)),
                }
            }
        });
        Self { stop, questions, thread: Some(thread) }
    }

    /// Questions that it understood.
    pub(crate) fn questions(&self) -> usize {
        self.questions.load(Ordering::Relaxed)
    }
}

impl Drop for DataCentre {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Between proxy and data centre the stream is obfuscated without a secret.
fn keys(bytes: &[u8]) -> Ctr128BE<Aes256> {
    let (key, iv): ([u8; 32], [u8; 16]) = (bytes[..32].try_into().unwrap(), bytes[32..48].try_into().unwrap());
    Ctr128BE::<Aes256>::new(&key.into(), &iv.into())
}

fn converse(mut stream: TcpStream, manners: Manners, questions: &AtomicUsize) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut opening = [0; 64];
    stream.read_exact(&mut opening)?;
    let mut backward = opening[8..56].to_vec();
    let mut incoming = keys(&backward);
    backward.reverse();
    let mut outgoing = keys(&backward);
    incoming.apply_keystream(&mut opening);
    let tag = opening[56];
    assert_eq!(opening[56..60], [tag; 4]);

    let mut read = |length: usize| -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        stream.read_exact(&mut bytes)?;
        incoming.apply_keystream(&mut bytes);
        Ok(bytes)
    };
    let length = match tag {
        0xef => usize::from(read(1)?[0]) * 4,
        _ => usize::try_from(u32::from_le_bytes(read(4)?.try_into().unwrap())).unwrap(),
    };
    let question = read(length)?;
    // No key, a body of 20 bytes, req_pq_multi; only the third framing pads.
    assert_eq!((&question[..8], &question[16..24]), (&[0; 8][..], &[20, 0, 0, 0, 0xf1, 0x8e, 0x7e, 0xbe][..]));
    assert!(question.len() == 40 || tag == 0xdd && question.len() <= 55, "{} bytes", question.len());
    questions.fetch_add(1, Ordering::Relaxed);

    let message = match manners {
        Manners::Answers => res_pq(&question[24..40]),
        Manners::Refuses => (-404_i32).to_le_bytes().to_vec(),
    };
    let mut frame = match tag {
        0xef => vec![u8::try_from(message.len() / 4).unwrap()],
        0xee => u32::try_from(message.len()).unwrap().to_le_bytes().to_vec(),
        0xdd => u32::try_from(message.len() + 7).unwrap().to_le_bytes().to_vec(),
        other => panic!("no framing has the byte {other:#x}"),
    };
    frame.extend_from_slice(&message);
    if tag == 0xdd {
        frame.extend_from_slice(&[0xa5; 7]);
    }
    outgoing.apply_keystream(&mut frame);
    stream.write_all(&frame)?;
    // Until the other side hangs up.
    let mut rest = [0; 256];
    while stream.read(&mut rest)? > 0 {}
    Ok(())
}

/// Both numbers, a product of two primes as text of 8 bytes, one key's fingerprint.
fn res_pq(nonce: &[u8]) -> Vec<u8> {
    let product = [&[8][..], &0x17ed_4894_1a08_f981_u64.to_be_bytes(), &[0; 3]].concat();
    let fingerprints = [&0x1cb5_c415_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0x21; 8]].concat();
    let body = [&0x0516_2463_u32.to_le_bytes()[..], nonce, &[0x55; 16], &product, &fingerprints].concat();
    let length = u32::try_from(body.len()).unwrap().to_le_bytes();
    [&[0; 8][..], &[1, 0, 0, 0, 0, 0, 0, 0x60], &length, &body].concat()
}
