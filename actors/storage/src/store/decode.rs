//! Columns as the model's types.

use crate::StoreError;
use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use usipipo_domain::lifecycle::QuietHours;
use usipipo_domain::service::{Addresses, NodeState, Product, Purpose, ServiceStatus, SuspendReason};
use usipipo_domain::wg::PublicKey;

/// Most rows that one statement of a batch takes, whatever the caller asks for.
pub(crate) const BATCH_MAX_ROWS: usize = 2_000;
/// Longest error text that a row keeps, in characters.
const ERROR_MAX_CHARS: usize = 500;

/// A caller's limit as SQL wants it.
pub(crate) fn limited(limit: usize) -> i64 {
    i64::try_from(limit.min(BATCH_MAX_ROWS)).unwrap_or(i64::MAX)
}

/// A count; never negative in SQL.
pub(crate) fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// Bytes as SQL keeps them.
pub(crate) fn bytes(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A text of somebody else's, short and without NUL, which PostgreSQL refuses.
pub(crate) fn short(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(ERROR_MAX_CHARS).collect()
}

fn unknown(what: &str, value: &str) -> StoreError {
    StoreError::Broken(format!("a row has the unknown {what} `{value}`"))
}

/// Quiet hours as two columns keep them; equal ones mean never.
pub(crate) fn quiet(from: Option<i16>, to: Option<i16>) -> Option<QuietHours> {
    QuietHours::new(u16::try_from(from?).ok()?, u16::try_from(to?).ok()?)
}

pub(crate) fn public_key(bytes: &[u8]) -> Result<PublicKey, StoreError> {
    let bytes = bytes.try_into().map_err(|_| StoreError::Broken("a stored public key has no 32 bytes".to_owned()))?;
    Ok(PublicKey::from_bytes(bytes))
}

pub(crate) fn purpose(text: &str) -> Result<Purpose, StoreError> {
    let known = [Purpose::Trial, Purpose::Paid].into_iter().find(|purpose| purpose.as_str() == text);
    known.ok_or_else(|| unknown("purpose", text))
}

pub(crate) fn product(text: &str) -> Result<Product, StoreError> {
    Product::parse(text).ok_or_else(|| unknown("product", text))
}

/// Every status, in the order in which a service goes through them.
pub(crate) const STATUSES: [ServiceStatus; 6] = [
    ServiceStatus::Pending,
    ServiceStatus::Active,
    ServiceStatus::Suspended,
    ServiceStatus::Expired,
    ServiceStatus::Revoked,
    ServiceStatus::Failed,
];

pub(crate) fn status(text: &str) -> Result<ServiceStatus, StoreError> {
    STATUSES.into_iter().find(|status| status.as_str() == text).ok_or_else(|| unknown("status", text))
}

pub(crate) fn node_state(text: &str) -> Result<NodeState, StoreError> {
    NodeState::parse(text).ok_or_else(|| unknown("state of a server", text))
}

pub(crate) fn reason(text: &str) -> Result<SuspendReason, StoreError> {
    let all = [SuspendReason::Expiry, SuspendReason::Quota, SuspendReason::Admin];
    all.into_iter().find(|reason| reason.as_str() == text).ok_or_else(|| unknown("reason", text))
}

pub(crate) const fn v4_net(net: Option<IpNetwork>) -> Option<Ipv4Network> {
    match net {
        Some(IpNetwork::V4(net)) => Some(net),
        Some(IpNetwork::V6(_)) | None => None,
    }
}

pub(crate) const fn v6_net(net: Option<IpNetwork>) -> Option<Ipv6Network> {
    match net {
        Some(IpNetwork::V6(net)) => Some(net),
        Some(IpNetwork::V4(_)) | None => None,
    }
}

pub(crate) fn addresses(v4: Option<IpNetwork>, v6: Option<IpNetwork>) -> Addresses {
    Addresses { v4: v4_net(v4).map(|net| net.ip()), v6: v6_net(v6).map(|net| net.ip()) }
}
