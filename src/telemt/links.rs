//! Links that open a proxy in Telegram's apps.

use crate::mtproto::{Secret, SecretKind};
use crate::remote::percent_encode;
use secrecy::SecretString;
use std::fmt::Write as _;
use zeroize::Zeroizing;

/// Characters that a secret of the usual length takes; more is fine.
const SIZE: usize = 256;

/// The link of a proxy, `https://t.me/proxy?…`, which works in every text. It holds the secret. The host is a name or an IP
/// address, IPv6 with or without brackets.
#[must_use]
pub fn proxy_link(host: &str, port: u16, secret: &Secret) -> SecretString {
    let host = percent_encode(host.trim_start_matches('[').trim_end_matches(']'));
    let mut link = Zeroizing::new(String::with_capacity(SIZE + host.len()));
    let _ = write!(link, "https://t.me/proxy?server={host}&port={port}&secret=");
    write_secret(&mut link, secret);
    SecretString::from(link.as_str())
}

/// The secret as people paste it: in hex, since some clients read no base64.
#[must_use]
pub fn secret_text(secret: &Secret) -> SecretString {
    let mut text = Zeroizing::new(String::with_capacity(SIZE));
    write_secret(&mut text, secret);
    SecretString::from(text.as_str())
}

fn write_secret(text: &mut String, secret: &Secret) {
    let (mark, domain) = match &secret.kind {
        SecretKind::Classic => ("", ""),
        SecretKind::Padded => ("dd", ""),
        SecretKind::FakeTls { domain } => ("ee", domain.as_str()),
    };
    text.push_str(mark);
    write_hex(text, secret.key.expose());
    write_hex(text, domain.as_bytes());
}

/// Lower case.
pub(super) fn write_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
}

#[cfg(test)]
mod tests;
