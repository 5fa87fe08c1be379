//! The link that a user pastes into an app: SIP002 of Shadowsocks, as Outline writes it.

use super::key::Cipher;
use crate::remote::{percent_decode, percent_encode};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use std::net::Ipv6Addr;
use zeroize::Zeroizing;

/// Bytes of a link that is read.
const LINK_MAX_BYTES: usize = 4_096;
/// Padding or none: both are in use.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Writes `ss://…@host:port/?outline=1#name`. The host is a name or an IP address, IPv6 with or without brackets; an empty
/// name is left out. `outline=1` is a mark for Outline's own apps, others skip it.
#[must_use]
pub fn access_link(cipher: Cipher, password: &SecretString, host: &str, port: u16, name: &str) -> SecretString {
    let plain = Zeroizing::new(format!("{}:{}", cipher.as_str(), password.expose_secret()));
    let user = Zeroizing::new(URL_SAFE_NO_PAD.encode(plain.as_bytes()));
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let host = if bare.parse::<Ipv6Addr>().is_ok() { format!("[{bare}]") } else { host.to_owned() };
    let name = if name.is_empty() { String::new() } else { format!("#{}", percent_encode(name)) };
    SecretString::from(format!("ss://{}@{host}:{port}/?outline=1{name}", *user))
}

/// A link in its parts.
#[derive(Debug, Clone)]
pub struct AccessLink {
    /// How it encrypts.
    pub cipher: Cipher,
    /// Of the tunnel.
    pub password: SecretString,
    /// A name or an IP address; IPv6 without brackets.
    pub host: String,
    /// TCP and UDP.
    pub port: u16,
    /// What apps show; empty when the link has none.
    pub name: String,
    /// It has Outline's own mark.
    pub outline: bool,
}

/// A text that is no such link. It says nothing of the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no ss:// link: {0}; copy the whole link")]
pub struct LinkError(&'static str);

impl AccessLink {
    /// Reads a link as apps do: base64 of either alphabet with or without padding, or percent-encoded plain text.
    ///
    /// # Errors
    /// [`LinkError`] says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let wrong = LinkError;
        if text.len() > LINK_MAX_BYTES {
            return Err(wrong("it is too long"));
        }
        let rest = text.trim().strip_prefix("ss://").ok_or(wrong("it does not begin with ss://"))?;
        let (rest, name) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (user, address) = rest.rsplit_once('@').ok_or(wrong("it has no @"))?;
        let plain = plain_user(user).ok_or(wrong("cipher and password cannot be read"))?;
        let (cipher, password) = plain.split_once(':').ok_or(wrong("it has no password"))?;
        let (host, port) = split_address(address.trim_end_matches('/')).ok_or(wrong("host and port cannot be read"))?;
        Ok(Self {
            cipher: cipher.parse().map_err(|_| wrong("Outline does not have its cipher"))?,
            password: SecretString::from(password),
            host,
            port,
            name: percent_decode(name).ok_or(wrong("its name cannot be read"))?,
            outline: query.split('&').any(|part| part == "outline=1"),
        })
    }
}

/// `cipher:password`.
fn plain_user(user: &str) -> Option<Zeroizing<String>> {
    // A colon is in no base64, and in every plain text, where it may be percent-encoded.
    let decoded = Zeroizing::new(percent_decode(user)?);
    if decoded.contains(':') {
        return Some(decoded);
    }
    let bytes = URL_SAFE.decode(decoded.as_bytes()).or_else(|_| STANDARD.decode(decoded.as_bytes())).ok()?;
    String::from_utf8(bytes).ok().map(Zeroizing::new)
}

fn split_address(address: &str) -> Option<(String, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(inside) => inside.strip_suffix(']').filter(|inside| inside.parse::<Ipv6Addr>().is_ok())?,
        None => Some(host).filter(|host| !host.is_empty() && !host.contains([':', '/', '[', ']']))?,
    };
    // Rust takes a sign here, links have none.
    let port = port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok())?;
    Some((host.to_owned(), port.filter(|&port| port != 0)?))
}

#[cfg(test)]
mod tests;
