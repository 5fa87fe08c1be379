//! Which addresses a pool has, and how they are numbered.
//!
//! Slot `n` is the host number `n + FIRST_HOST` of each prefix: the IPv6 address of a pair follows from its IPv4 address, so
//! a pair is one slot and people can read it.

use crate::service::Addresses;
use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Host number of the server itself; zero is the network's (IPv4) or every router's (IPv6).
const SERVER_HOST: u32 = 1;
/// Host number of the first slot.
const FIRST_HOST: u32 = 2;
/// Slots of a pool without IPv4, whose prefix could hold more than anybody counts.
pub const V6_ONLY_SLOTS_MAX: u64 = 65_536;
/// Slots of any pool; a larger prefix is used from its beginning.
pub const SLOTS_MAX: u64 = 1_048_576;

/// Prefixes and slots of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    v4: Option<Ipv4Network>,
    v6: Option<Ipv6Network>,
    slots: u32,
}

impl Layout {
    pub(super) fn new(v4: Option<Ipv4Network>, v6: Option<Ipv6Network>) -> Self {
        let slots = u32::try_from(capacity(v4, v6)).unwrap_or(u32::MAX);
        Self { v4, v6, slots }
    }

    pub(super) const fn slots(&self) -> u32 {
        self.slots
    }

    /// The addresses of a slot of this pool.
    pub(super) fn addresses(&self, slot: u32) -> Addresses {
        let host = slot + FIRST_HOST;
        Addresses { v4: self.v4.map(|net| v4_host(net, host)), v6: self.v6.map(|net| v6_host(net, host)) }
    }

    /// The slots that addresses occupy: one, or two when they were not made by this layout (the pool's prefixes were
    /// changed), or none when they lie outside.
    pub(super) fn slots_of(&self, addresses: Addresses) -> impl Iterator<Item = u32> + use<> {
        let v4 = self.v4.zip(addresses.v4).and_then(|(net, address)| v4_number(net, address));
        let v6 = self.v6.zip(addresses.v6).and_then(|(net, address)| v6_number(net, address));
        let slots = self.slots;
        let slot = move |host: u32| host.checked_sub(FIRST_HOST).filter(|slot| *slot < slots);
        let (v4, v6) = (v4.and_then(slot), v6.and_then(slot));
        v4.into_iter().chain(v6.filter(|slot| Some(*slot) != v4))
    }
}

fn v4_host(net: Ipv4Network, host: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(net.network().to_bits() | host)
}

fn v6_host(net: Ipv6Network, host: u32) -> Ipv6Addr {
    Ipv6Addr::from_bits(net.network().to_bits() | u128::from(host))
}

fn v4_number(net: Ipv4Network, address: Ipv4Addr) -> Option<u32> {
    net.contains(address).then(|| address.to_bits() - net.network().to_bits())
}

fn v6_number(net: Ipv6Network, address: Ipv6Addr) -> Option<u32> {
    if !net.contains(address) {
        return None;
    }
    u32::try_from(address.to_bits() - net.network().to_bits()).ok()
}

/// How many services a pool of these prefixes can carry: all hosts but the network's, the server's and, in IPv4, the
/// broadcast address; of a pair the smaller prefix decides. At most [`SLOTS_MAX`], without IPv4 [`V6_ONLY_SLOTS_MAX`].
#[must_use]
pub fn capacity(v4: Option<Ipv4Network>, v6: Option<Ipv6Network>) -> u64 {
    let first = u64::from(FIRST_HOST);
    let v4 = v4.map(|net| (1_u64 << (32 - net.prefix())).saturating_sub(first + 1).min(SLOTS_MAX));
    let v6 = v6.map(|net| {
        // Prefixes shorter than /96 hold more than any limit here.
        let hosts = 1_u64 << (128 - net.prefix()).min(32);
        hosts.saturating_sub(first).min(SLOTS_MAX)
    });
    match (v4, v6) {
        (Some(v4), Some(v6)) => v4.min(v6),
        (Some(v4), None) => v4,
        (None, Some(v6)) => v6.min(V6_ONLY_SLOTS_MAX),
        (None, None) => 0,
    }
}

/// The server's own addresses in a pool: the first host of each prefix, with the prefix's length, so that the interface
/// routes the whole pool. Given to nobody. A prefix of a single address has none to spare and yields nothing.
#[must_use]
pub fn server_addresses(v4: Option<Ipv4Network>, v6: Option<Ipv6Network>) -> Vec<IpNetwork> {
    let v4 =
        v4.and_then(|net| Ipv4Network::new(v4_host(net, SERVER_HOST), net.prefix()).ok().filter(|_| net.prefix() < 32));
    let v6 = v6
        .and_then(|net| Ipv6Network::new(v6_host(net, SERVER_HOST), net.prefix()).ok().filter(|_| net.prefix() < 128));
    v4.map(IpNetwork::V4).into_iter().chain(v6.map(IpNetwork::V6)).collect()
}
