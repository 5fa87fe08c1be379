//! Outline servers: a client of their management interface, and the links that their users get.
//!
//! Facts about the server are from its sources (OutlineFoundation/outline-server, `src/shadowbox/server`). It has one
//! credential, the prefix in its address, and a self-signed certificate without a name, so the certificate is known by
//! its hash alone.

mod access;
mod client;
mod error;
mod key;
mod link;
mod pin;

pub use access::Installed;
pub use client::{OutlineClient, ServerInfo, Transfer, check_api_url};
pub use error::OutlineError;
pub use key::{AccessKey, Cipher, Created, KEY_ID_MIN, NewKey, own_key_id};
pub use link::{AccessLink, LinkError, access_link};
pub use pin::{CertHash, CertHashError};

#[cfg(test)]
mod fake;
