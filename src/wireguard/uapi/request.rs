//! Writes changes.

use std::fmt::Write as _;
use usipipo_actors::domain::wg::{PeerSpec, PrivateKey, PublicKey};
use zeroize::Zeroizing;

/// A key of zeros is the same as none in the handshake.
const NO_PRESHARED_KEY: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A change; it holds keys.
pub(in super::super) struct Request(Zeroizing<String>);

impl Request {
    pub(in super::super) fn new() -> Self {
        Self(Zeroizing::new("set=1\n".to_owned()))
    }

    pub(in super::super) fn private_key(&mut self, key: &PrivateKey) {
        self.line("private_key", &Zeroizing::new(key.expose_hex()));
    }

    pub(in super::super) fn listen_port(&mut self, port: u16) {
        self.line("listen_port", &port.to_string());
    }

    /// Takes the peer out and adds it anew, under one lock of the device.
    ///
    /// boringtun's device panics when it is told about a peer that it has. It also carries `remove` and `preshared_key`
    /// over from one peer to the next in a request, so each says both.
    pub(in super::super) fn put_peer(&mut self, peer: &PeerSpec) {
        let key = peer.public_key.to_hex();
        self.line("public_key", &key);
        self.line("remove", "true");
        self.line("public_key", &key);
        self.line("remove", "false");
        match &peer.preshared_key {
            Some(preshared) => self.line("preshared_key", &Zeroizing::new(preshared.expose_hex())),
            None => self.line("preshared_key", NO_PRESHARED_KEY),
        }
        for network in &peer.allowed_ips {
            self.line("allowed_ip", &network.to_string());
        }
    }

    pub(in super::super) fn remove_peer(&mut self, key: &PublicKey) {
        self.line("public_key", &key.to_hex());
        self.line("remove", "true");
    }

    /// Bytes so far.
    pub(in super::super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn finish(mut self) -> Zeroizing<String> {
        self.0.push('\n');
        self.0
    }

    fn line(&mut self, key: &str, value: &str) {
        // Growing leaves the old text, with keys in it, in freed memory; so grow rarely and wipe what was.
        let needed = self.0.len() + key.len() + value.len() + 2;
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(String::with_capacity((needed * 2).max(1024)));
            larger.push_str(&self.0);
            self.0 = larger;
        }
        let _ = writeln!(self.0, "{key}={value}");
    }
}
