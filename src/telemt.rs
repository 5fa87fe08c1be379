//! telemt, a server of MTProto proxies: a client of its HTTP interface, and the links that users get.
//!
//! It is only ever talked to: its licence (TELEMT Public License 3) forbids more. Facts are from its description of the
//! interface (telemt/telemt, `docs/Architecture/API/API.md`).

mod client;
mod error;
#[cfg(test)]
pub(crate) mod fake;
mod links;
mod user;

pub use client::{Health, Readiness, SystemInfo, TelemtClient};
pub use error::TelemtError;
pub use links::{proxy_link, secret_text};
pub use user::{NewUser, ProxyUser, SENTINEL, UserCreated, UserLimits, UserPatch, Username};
