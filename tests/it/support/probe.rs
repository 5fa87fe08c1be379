//! Packets that are answered, or not.

use super::netns::Namespace;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long an answer may take. Through two processes on a busy machine it is a few milliseconds.
const ANSWER: Duration = Duration::from_millis(400);
/// Between two packets of a probe that runs on.
const PACE: Duration = Duration::from_millis(20);

/// Sends every packet back, until it is dropped.
pub(crate) struct Echo {
    port: u16,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Echo {
    /// Listens on all addresses of the namespace.
    pub(crate) fn new(namespace: &Namespace) -> Self {
        let socket = namespace.enter(|| UdpSocket::bind("[::]:0").unwrap());
        let port = socket.local_addr().unwrap().port();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let ending = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut packet = [0; 2048];
            while !ending.load(Ordering::Relaxed) {
                if let Ok((length, from)) = socket.recv_from(&mut packet) {
                    let _ = socket.send_to(&packet[..length], from);
                }
            }
        });
        Self { port, stop, thread: Some(thread) }
    }

    /// Where it is reached at one of the namespace's addresses.
    pub(crate) fn at(&self, address: &str) -> SocketAddr {
        SocketAddr::new(address.parse::<IpAddr>().unwrap(), self.port)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn socket_to(namespace: &Namespace, to: SocketAddr) -> UdpSocket {
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = namespace.enter(|| UdpSocket::bind(any).unwrap());
    socket.set_read_timeout(Some(ANSWER)).unwrap();
    socket
}

/// One packet there and back. Late answers to older packets are skipped.
fn asked(socket: &UdpSocket, to: SocketAddr, number: u64) -> bool {
    let deadline = Instant::now() + ANSWER;
    if socket.send_to(&number.to_be_bytes(), to).is_err() {
        thread::sleep(PACE);
        return false;
    }
    let mut answer = [0; 8];
    while Instant::now() < deadline {
        if socket.recv_from(&mut answer).is_ok() && u64::from_be_bytes(answer) == number {
            return true;
        }
    }
    false
}

/// Waits until a packet comes back; `false` when none does in time.
pub(crate) fn comes_back(namespace: &Namespace, to: SocketAddr, within: Duration) -> bool {
    let socket = socket_to(namespace, to);
    let deadline = Instant::now() + within;
    let mut number = 0;
    while Instant::now() < deadline {
        number += 1;
        if asked(&socket, to, number) {
            return true;
        }
    }
    false
}

/// Whether several packets in a row get no answer. Only means something for a way that carried packets before.
pub(crate) fn is_silent(namespace: &Namespace, to: SocketAddr) -> bool {
    let socket = socket_to(namespace, to);
    (0..5).all(|number| !asked(&socket, to, number))
}

/// Sends on and on and counts what stays away.
pub(crate) struct Steady {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: JoinHandle<(u64, u64)>,
}

impl Steady {
    pub(crate) fn start(namespace: &Namespace, to: SocketAddr) -> Self {
        let socket = socket_to(namespace, to);
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (ending, count) = (Arc::clone(&stop), Arc::clone(&sent));
        let thread = thread::spawn(move || {
            let mut lost = 0;
            let mut number = 0;
            while !ending.load(Ordering::Relaxed) {
                number += 1;
                lost += u64::from(!asked(&socket, to, number));
                count.store(number, Ordering::Relaxed);
                thread::sleep(PACE);
            }
            (number, lost)
        });
        Self { stop, sent, thread }
    }

    /// Waits until so many more packets were sent.
    pub(crate) fn wait_for_more(&self, packets: u64) {
        let goal = self.sent.load(Ordering::Relaxed) + packets;
        while self.sent.load(Ordering::Relaxed) < goal {
            assert!(!self.thread.is_finished(), "the probe died");
            thread::sleep(PACE);
        }
    }

    /// Packets sent and packets lost.
    pub(crate) fn end(self) -> (u64, u64) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
