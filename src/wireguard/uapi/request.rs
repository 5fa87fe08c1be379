//! Writes changes.

use usipipo_actors::domain::wg::{PeerSpec, PrivateKey, PublicKey};
use zeroize::Zeroizing;

/// A key of zeros is the same as none in the handshake.
const NO_PRESHARED_KEY: [u8; 32] = [0; 32];
/// Bytes to begin with: a change of one peer.
const CAPACITY: usize = 1024;

/// A change; it holds keys.
pub(in super::super) struct Request(Zeroizing<String>);

impl Request {
    pub(in super::super) fn new() -> Self {
        let mut text = Zeroizing::new(String::with_capacity(CAPACITY));
        text.push_str("set=1\n");
        Self(text)
    }

    pub(in super::super) fn private_key(&mut self, key: &PrivateKey) {
        self.key("private_key=", key.expose());
    }

    pub(in super::super) fn listen_port(&mut self, port: u16) {
        self.line("listen_port=", &port.to_string());
    }

    /// Takes the peer out and adds it anew, under one lock of the device.
    ///
    /// boringtun's device panics when it is told about a peer that it has. It also carries `remove` and `preshared_key`
    /// over from one peer to the next in a request, so each says both.
    pub(in super::super) fn put_peer(&mut self, peer: &PeerSpec) {
        self.remove_peer(&peer.public_key);
        self.key("public_key=", peer.public_key.as_bytes());
        self.line("remove=", "false");
        let preshared_key = peer.preshared_key.as_ref().map_or(&NO_PRESHARED_KEY, |key| key.expose());
        self.key("preshared_key=", preshared_key);
        for network in &peer.allowed_ips {
            self.line("allowed_ip=", &network.to_string());
        }
    }

    pub(in super::super) fn remove_peer(&mut self, key: &PublicKey) {
        self.key("public_key=", key.as_bytes());
        self.line("remove=", "true");
    }

    /// Bytes so far.
    pub(in super::super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn finish(mut self) -> Zeroizing<String> {
        self.reserve(1);
        self.0.push('\n');
        self.0
    }

    fn line(&mut self, key: &str, value: &str) {
        self.reserve(key.len() + value.len() + 1);
        self.0.push_str(key);
        self.0.push_str(value);
        self.0.push('\n');
    }

    /// Straight into the text, so that no copy of a secret is left elsewhere; and a thousand keys are written in no time.
    fn key(&mut self, key: &str, bytes: &[u8; 32]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.reserve(key.len() + 64 + 1);
        self.0.push_str(key);
        for byte in bytes {
            self.0.push(char::from(DIGITS[usize::from(byte >> 4)]));
            self.0.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        self.0.push('\n');
    }

    /// Growing leaves the old text, with keys in it, in freed memory; so it is wiped, and grows rarely.
    fn reserve(&mut self, more: usize) {
        let needed = self.0.len() + more;
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(String::with_capacity(needed * 2));
            larger.push_str(&self.0);
            self.0 = larger;
        }
    }
}
