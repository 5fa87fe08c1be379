//! The file a client imports, in the format of wg-quick(8).

use secrecy::SecretString;
use std::fmt::Write as _;
use usipipo_actors::domain::service::Addresses;
use usipipo_actors::model::TunnelConfig;
use zeroize::Zeroizing;

/// Seconds between keep-alives: less than the 30 s after which many home routers forget a connection.
const KEEPALIVE_S: u8 = 25;
/// Bytes; so that the text, which holds keys, is not moved while it grows.
const SIZE: usize = 1024;

/// Writes it. All traffic goes through the tunnel, of both IP versions even if one has no address: otherwise that one would
/// leak past it. When the user keeps the private key, a line says where to put it.
#[must_use]
pub fn write(addresses: Addresses, config: &TunnelConfig) -> SecretString {
    let mut text = Zeroizing::new(String::with_capacity(SIZE));
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "{key} = {value}");
    };
    let addresses = [addresses.v4.map(|ip| format!("{ip}/32")), addresses.v6.map(|ip| format!("{ip}/128"))];
    let addresses: Vec<String> = addresses.into_iter().flatten().collect();
    if let Some(key) = &config.private_key {
        line("[Interface]\nPrivateKey", &Zeroizing::new(key.expose_base64()));
    } else {
        line("[Interface]\n# Write your private key here and remove the '#':\n# PrivateKey", "");
    }
    line("Address", &addresses.join(", "));
    if !config.dns.is_empty() {
        line("DNS", &config.dns.join(", "));
    }
    line("MTU", &config.mtu.to_string());
    line("\n[Peer]\nPublicKey", &config.server_key.to_string());
    line("PresharedKey", &Zeroizing::new(config.preshared_key.expose_base64()));
    line("Endpoint", &config.endpoint);
    line("AllowedIPs", "0.0.0.0/0, ::/0");
    line("PersistentKeepalive", &KEEPALIVE_S.to_string());
    SecretString::from(text.as_str())
}

#[cfg(test)]
mod tests;
