//! Addresses, MTU and state of a network interface, by the kernel's route netlink.

use ipnetwork::IpNetwork;
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST, NetlinkDeserializable, NetlinkMessage,
    NetlinkPayload, NetlinkSerializable,
};
use netlink_packet_generic::GenlMessage;
use netlink_packet_generic::ctrl::nlas::GenlCtrlAttrs;
use netlink_packet_generic::ctrl::{GenlCtrl, GenlCtrlCmd};
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::constants::{NETLINK_GENERIC, NETLINK_ROUTE};
use netlink_sys::{Socket, SocketAddr};
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::timeout;
use usipipo_actors::ports::driver::DriverError;

/// The kernel answers at once; a machine may be very busy.
const WITHIN: Duration = Duration::from_secs(10);
/// Bytes of one datagram; the kernel sends at most 32 kB.
const DATAGRAM_MAX: usize = 64 << 10;
/// Messages of one answer: a bound against a loop, far above what a machine has of addresses.
const MESSAGES_MAX: usize = 100_000;

/// An interface as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Link {
    index: u32,
    mtu: u32,
    up: bool,
}

/// Makes the interface be up with this MTU and these addresses and no others (IPv6's own link-local ones apart). What is
/// right already is not touched. Adding an address makes the route to its prefix.
pub(super) async fn configure(name: &str, mtu: u32, addresses: &[IpNetwork]) -> Result<(), DriverError> {
    let (name, addresses) = (name.to_owned(), addresses.to_vec());
    blocking(move || configure_now(&name, mtu, &addresses)).await
}

/// Whether there is an interface of this name.
///
/// # Errors
/// When the kernel cannot be asked.
pub(crate) fn exists(name: &str) -> io::Result<bool> {
    Ok(find(name)?.is_some())
}

/// Whether the kernel has WireGuard; loads its module if there is one.
pub(super) fn kernel_knows_wireguard() -> io::Result<bool> {
    let message = GenlMessage::from_payload(GenlCtrl {
        cmd: GenlCtrlCmd::GetFamily,
        nlas: vec![GenlCtrlAttrs::FamilyName("wireguard".to_owned())],
    });
    match exchange(message, NLM_F_ACK, NETLINK_GENERIC) {
        Ok(_) => Ok(true),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(cause),
    }
}

/// Runs a blocking conversation with the kernel elsewhere.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DriverError> + Send + 'static,
) -> Result<T, DriverError> {
    match timeout(WITHIN, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(result)) => result,
        Ok(Err(cause)) => Err(DriverError::Unavailable(format!("the conversation with the kernel broke off: {cause}"))),
        Err(_) => Err(DriverError::Unavailable(format!("the kernel does not answer within {} s", WITHIN.as_secs()))),
    }
}

/// Explains what the kernel refused.
pub(super) fn refusal(doing: &str, cause: &io::Error) -> DriverError {
    match cause.kind() {
        io::ErrorKind::PermissionDenied => DriverError::Unsupported(format!(
            "{doing} needs the privilege CAP_NET_ADMIN: run as root, or give it to the service (AmbientCapabilities=CAP_NET_ADMIN)"
        )),
        io::ErrorKind::NotFound => DriverError::Unavailable(format!("{doing}: the interface is gone")),
        _ => DriverError::Refused(format!("{doing}: {cause}")),
    }
}

fn configure_now(name: &str, mtu: u32, wanted: &[IpNetwork]) -> Result<(), DriverError> {
    let failed = |doing: String| move |cause: io::Error| refusal(&doing, &cause);
    let link = find(name).map_err(failed(format!("looking at {name}")))?;
    let Some(link) = link else {
        return Err(DriverError::Unavailable(format!("the interface {name} is gone")));
    };
    if link.mtu != mtu || !link.up {
        change(link.index, mtu).map_err(failed(format!("setting the MTU of {name} to {mtu} and bringing it up")))?;
    }
    let stale =
        difference(&addresses(link.index).map_err(failed(format!("reading the addresses of {name}")))?, wanted).1;
    for network in stale {
        remove_address(link.index, network).map_err(failed(format!("removing the address {network} from {name}")))?;
    }
    // Read again: with an address of IPv4 the kernel takes away others of its prefix.
    let missing =
        difference(&addresses(link.index).map_err(failed(format!("reading the addresses of {name}")))?, wanted).0;
    for network in missing {
        add_address(link.index, network).map_err(|cause| {
            if network.is_ipv6() && matches!(cause.raw_os_error(), Some(EACCES | EOPNOTSUPP | EAFNOSUPPORT)) {
                return DriverError::Unsupported(format!(
                    "this machine has IPv6 switched off, so {network} cannot be given to {name}: set net.ipv6.conf.all.disable_ipv6=0, or remove v6 from the node's pools"
                ));
            }
            refusal(&format!("giving the address {network} to {name}"), &cause)
        })?;
    }
    Ok(())
}

const EACCES: i32 = nix::errno::Errno::EACCES as i32;
const EOPNOTSUPP: i32 = nix::errno::Errno::EOPNOTSUPP as i32;
const EAFNOSUPPORT: i32 = nix::errno::Errno::EAFNOSUPPORT as i32;

/// What is missing, and what is too much.
fn difference(current: &[IpNetwork], wanted: &[IpNetwork]) -> (Vec<IpNetwork>, Vec<IpNetwork>) {
    let missing = wanted.iter().filter(|network| !current.contains(network)).copied().collect();
    let stale =
        current.iter().filter(|network| !wanted.contains(network) && !is_link_local(network)).copied().collect();
    (missing, stale)
}

/// The kernel gives one to every interface that is up.
fn is_link_local(network: &IpNetwork) -> bool {
    match network {
        IpNetwork::V4(_) => false,
        IpNetwork::V6(network) => network.ip().is_unicast_link_local(),
    }
}

fn find(name: &str) -> io::Result<Option<Link>> {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName(name.to_owned()));
    let answers = match exchange(RouteNetlinkMessage::GetLink(message), NLM_F_ACK, NETLINK_ROUTE) {
        Ok(answers) => answers,
        Err(cause) if cause.raw_os_error() == Some(nix::errno::Errno::ENODEV as i32) => return Ok(None),
        Err(cause) => return Err(cause),
    };
    Ok(answers.into_iter().find_map(|answer| {
        let RouteNetlinkMessage::NewLink(link) = answer else { return None };
        let mtu = link.attributes.iter().find_map(|attribute| match attribute {
            LinkAttribute::Mtu(mtu) => Some(*mtu),
            _ => None,
        });
        Some(Link { index: link.header.index, mtu: mtu.unwrap_or(0), up: link.header.flags.contains(LinkFlags::Up) })
    }))
}

fn change(index: u32, mtu: u32) -> io::Result<()> {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    message.attributes.push(LinkAttribute::Mtu(mtu));
    exchange(RouteNetlinkMessage::SetLink(message), NLM_F_ACK, NETLINK_ROUTE).map(drop)
}

fn addresses(index: u32) -> io::Result<Vec<IpNetwork>> {
    let answers = exchange(RouteNetlinkMessage::GetAddress(AddressMessage::default()), NLM_F_DUMP, NETLINK_ROUTE)?;
    let mut found = Vec::new();
    for answer in answers {
        let RouteNetlinkMessage::NewAddress(address) = answer else { continue };
        if address.header.index != index {
            continue;
        }
        // On a point-to-point interface `Address` may be the other end; `Local` is ours. IPv6 has `Address` alone.
        let of = |local: bool| {
            address.attributes.iter().find_map(move |attribute| match attribute {
                AddressAttribute::Local(ip) if local => Some(*ip),
                AddressAttribute::Address(ip) if !local => Some(*ip),
                _ => None,
            })
        };
        if let Some(network) =
            of(true).or_else(|| of(false)).and_then(|ip| IpNetwork::new(ip, address.header.prefix_len).ok())
        {
            found.push(network);
        }
    }
    Ok(found)
}

fn address_message(index: u32, network: IpNetwork) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.index = index;
    message.header.prefix_len = network.prefix();
    message.header.family = if network.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    if network.is_ipv6() {
        // Nobody else is on this link, so the address can be used at once.
        message.header.flags = AddressHeaderFlags::Nodad;
    }
    message.attributes.push(AddressAttribute::Local(network.ip()));
    message.attributes.push(AddressAttribute::Address(network.ip()));
    if let (IpNetwork::V4(network), IpAddr::V4(broadcast)) = (network, network.broadcast())
        && network.prefix() < 31
    {
        message.attributes.push(AddressAttribute::Broadcast(broadcast));
    }
    message
}

fn add_address(index: u32, network: IpNetwork) -> io::Result<()> {
    let message = RouteNetlinkMessage::NewAddress(address_message(index, network));
    match exchange(message, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, NETLINK_ROUTE) {
        Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => Err(cause),
        _ => Ok(()),
    }
}

fn remove_address(index: u32, network: IpNetwork) -> io::Result<()> {
    match exchange(RouteNetlinkMessage::DelAddress(address_message(index, network)), NLM_F_ACK, NETLINK_ROUTE) {
        Err(cause) if cause.kind() != io::ErrorKind::AddrNotAvailable => Err(cause),
        _ => Ok(()),
    }
}

/// Sends one request and collects the answer.
fn exchange<M>(message: M, flags: u16, protocol: isize) -> io::Result<Vec<M>>
where
    NetlinkPayload<M>: From<M>,
    M: std::fmt::Debug + NetlinkSerializable + NetlinkDeserializable,
{
    let mut request = NetlinkMessage::from(message);
    request.header.flags = NLM_F_REQUEST | flags;
    request.finalize();
    let mut bytes = vec![0; request.buffer_len()];
    request.serialize(&mut bytes);

    let socket = Socket::new(protocol)?;
    socket.connect(&SocketAddr::new(0, 0))?;
    if socket.send(&bytes, 0)? != bytes.len() {
        return Err(io::Error::other("the kernel took half of a request"));
    }
    let mut answers = Vec::new();
    let mut buffer = vec![0; DATAGRAM_MAX];
    loop {
        let received = socket.recv(&mut &mut buffer[..], 0)?;
        let mut rest = &buffer[..received];
        while !rest.is_empty() {
            let answer = NetlinkMessage::<M>::deserialize(rest)
                .map_err(|cause| io::Error::new(io::ErrorKind::InvalidData, cause.to_string()))?;
            // Messages are aligned to four bytes.
            let length = usize::try_from(answer.header.length).unwrap_or(usize::MAX).max(1).next_multiple_of(4);
            rest = rest.get(length..).unwrap_or_default();
            match answer.payload {
                NetlinkPayload::Error(error) if error.code.is_none() => return Ok(answers),
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                NetlinkPayload::Done(_) => return Ok(answers),
                NetlinkPayload::InnerMessage(message) => answers.push(message),
                _ => {}
            }
            if answers.len() > MESSAGES_MAX {
                return Err(io::Error::other("the kernel's answer does not end"));
            }
        }
    }
}

#[cfg(test)]
mod tests;
