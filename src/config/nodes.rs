//! `[[nodes]]`: servers. Those of WireGuard with their address pools are here, those of keys in [`keys`].

mod keys;

pub use keys::{KeyNodeSettings, KeyServer, OUTLINE_CAPACITY, TELEMT_CAPACITY};

use super::read::{Reader, choice};
use super::source::Origin;
use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use toml::Value;

/// A WireGuard server on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSettings {
    /// Unique among all servers.
    pub name: String,
    /// For people, such as "Miami".
    pub place: String,
    /// ISO 3166 code of two letters, upper case; empty when not given.
    pub country: String,
    /// Network interface.
    pub interface: String,
    /// UDP port.
    pub listen_port: u16,
    /// `host:port` where clients connect.
    pub endpoint: String,
    /// How tunnels are carried.
    pub mode: NodeMode,
    /// Name servers for clients.
    pub dns: Vec<String>,
    /// Bytes.
    pub mtu: u32,
    /// Peers that are not ours may be removed.
    pub exclusive: bool,
    /// Addresses for clients.
    pub pools: Vec<PoolSettings>,
}

/// What runs on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeDriver {
    /// WireGuard on this machine.
    Wireguard,
    /// An Outline server, steered through its management interface.
    Outline,
    /// A telemt server of MTProto proxies, steered through its HTTP interface.
    Telemt,
}
choice!(NodeDriver { "wireguard" => Self::Wireguard, "outline" => Self::Outline, "telemt" => Self::Telemt });

/// Settings that only some drivers have, and which.
const ONLY_FOR: [(&str, &[NodeDriver]); 15] = [
    ("interface", &[NodeDriver::Wireguard]),
    ("listen_port", &[NodeDriver::Wireguard]),
    ("endpoint", &[NodeDriver::Wireguard]),
    ("mode", &[NodeDriver::Wireguard]),
    ("dns", &[NodeDriver::Wireguard]),
    ("mtu", &[NodeDriver::Wireguard]),
    ("exclusive", &[NodeDriver::Wireguard]),
    ("access", &[NodeDriver::Outline]),
    ("cert_sha256", &[NodeDriver::Outline]),
    ("api_url", &[NodeDriver::Outline, NodeDriver::Telemt]),
    ("host", &[NodeDriver::Outline, NodeDriver::Telemt]),
    ("port", &[NodeDriver::Outline, NodeDriver::Telemt]),
    ("capacity", &[NodeDriver::Outline, NodeDriver::Telemt]),
    ("auth_header", &[NodeDriver::Telemt]),
    ("domain", &[NodeDriver::Telemt]),
];
/// Longest name of a server, in characters.
const NAME_CHARS_MAX: usize = 32;

/// How tunnels are carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeMode {
    /// The best that works here.
    Auto,
    /// The kernel's WireGuard.
    Kernel,
    /// A process of its own.
    Userspace,
    /// Configs only, no tunnel.
    ConfigOnly,
}
choice!(NodeMode {
    "auto" => Self::Auto,
    "kernel" => Self::Kernel,
    "userspace" => Self::Userspace,
    "config-only" => Self::ConfigOnly,
});

/// Addresses for clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSettings {
    /// Whom they are for.
    pub purpose: PoolPurpose,
    /// IPv4 prefix.
    pub v4: Option<Ipv4Network>,
    /// IPv6 prefix.
    pub v6: Option<Ipv6Network>,
}

/// Whom addresses are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PoolPurpose {
    /// Free trials.
    Trial,
    /// What was paid for.
    Paid,
}
choice!(PoolPurpose { "trial" => Self::Trial, "paid" => Self::Paid });

const DEFAULT_PORT: u16 = 51820;
/// Interface names have at most 15 bytes in Linux.
const INTERFACE_BYTES_MAX: usize = 15;
/// Purpose, IPv4, IPv6 of the pools of a node that names none.
const DEFAULT_POOLS: [(PoolPurpose, &str, &str); 2] = [
    (PoolPurpose::Trial, "10.77.64.0/20", "fd77:7570:6970:1::/112"),
    (PoolPurpose::Paid, "10.77.0.0/18", "fd77:7570:6970:2::/112"),
];

/// Reads `[[nodes]]`; with none, one local WireGuard server.
pub(super) fn read(r: &mut Reader, address: Option<IpAddr>) -> (Vec<NodeSettings>, Vec<KeyNodeSettings>) {
    let mut indices = r.indices("nodes");
    let alone = indices.len() < 2;
    if indices.is_empty() {
        indices.push(0);
    }
    let mut heads: Vec<Head> = Vec::new();
    for index in indices {
        let head = head(r, index, alone);
        if let Some(first) = heads.iter().find(|first| first.name == head.name) {
            let (what, key) = (format!("nodes[{}] has the name {} too", first.index, head.name), head.key("name"));
            r.problem(&key, &what, "give each node its own");
        }
        heads.push(head);
    }
    let tunnels = heads.iter().filter(|head| head.driver == NodeDriver::Wireguard).count();
    let (mut nodes, mut servers) = (Vec::new(), Vec::new());
    for head in heads {
        match head.driver {
            NodeDriver::Wireguard => nodes.push((head.index, node(r, head, tunnels < 2, address))),
            NodeDriver::Outline => servers.extend(keys::outline(r, head)),
            NodeDriver::Telemt => servers.extend(keys::telemt(r, head)),
        }
    }
    unique(r, &nodes, "interface", "interface", |node| node.interface.clone());
    unique(r, &nodes, "listen_port", "UDP port", |node| node.listen_port.to_string());
    no_overlaps(r, &nodes);
    keys::each_once(r, &servers);
    (nodes.into_iter().map(|(_, node)| node).collect(), servers.into_iter().map(|(_, server)| server).collect())
}

/// What every kind of server has.
struct Head {
    index: usize,
    name: String,
    place: String,
    country: String,
    driver: NodeDriver,
}

impl Head {
    fn key(&self, name: &str) -> String {
        format!("nodes[{}].{name}", self.index)
    }
}

fn head(r: &mut Reader, index: usize, alone: bool) -> Head {
    let key = |name: &str| format!("nodes[{index}].{name}");
    if !alone && !r.is_given(&key("name")) {
        r.problem(&key("name"), "with several nodes each needs a name", "add name = \"…\"");
    }
    let name = r.get(&key("name"), "local".to_owned());
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
        r.problem(&key("name"), "a node's name has 1 to 32 letters", "choose another");
    }
    let place = r.get(&key("place"), "Local".to_owned());
    let country = r.get(&key("country"), String::new());
    if !country.is_empty() && (country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase())) {
        r.problem(
            &key("country"),
            &format!("{country:?} is no country's code"),
            "write two capital letters, such as \"DE\"",
        );
    }
    let driver = r.get(&key("driver"), NodeDriver::Wireguard);
    for (name, drivers) in ONLY_FOR {
        if r.is_given(&key(name)) && !drivers.contains(&driver) {
            let what = format!("a node with driver {:?} has no {name}", driver.as_str());
            let words: Vec<&str> = drivers.iter().map(|driver| driver.as_str()).collect();
            r.problem(&key(name), &what, &format!("remove it, or set driver to {}", words.join(" or ")));
        }
    }
    let pools = key("pools");
    if driver != NodeDriver::Wireguard && !r.indices(&pools).is_empty() {
        let what = format!("a node with driver {:?} has no addresses to give", driver.as_str());
        r.problem(&pools, &what, "remove its pools, or set driver to wireguard");
    }
    Head { index, name, place, country, driver }
}

fn node(r: &mut Reader, head: Head, alone: bool, address: Option<IpAddr>) -> NodeSettings {
    let key = |name: &str| head.key(name);
    let interface = r.get(&key("interface"), "wg-usipipo".to_owned());
    if !is_interface(&interface) {
        r.problem(
            &key("interface"),
            &format!("{interface:?} is no name for a network interface"),
            "use 1 to 15 letters, digits, '-', '_' and '.'",
        );
    }
    let listen_port = r.number(&key("listen_port"), DEFAULT_PORT, 1, u16::MAX);
    let endpoint = endpoint(r, &key("endpoint"), listen_port, address);
    let mode = r.get(&key("mode"), NodeMode::Auto);
    let dns = r.get(&key("dns"), vec!["1.1.1.1".to_owned(), "9.9.9.9".to_owned()]);
    if dns.iter().any(|server| server.parse::<IpAddr>().is_err()) {
        r.problem(&key("dns"), "name servers are given by address", "write for example [\"1.1.1.1\", \"9.9.9.9\"]");
    }
    let mtu = r.number(&key("mtu"), 1420, 1280, 9000);
    let exclusive = r.get(&key("exclusive"), false);
    let pools = pools(r, head.index, alone);
    let Head { name, place, country, .. } = head;
    NodeSettings { name, place, country, interface, listen_port, endpoint, mode, dns, mtu, exclusive, pools }
}

fn is_interface(name: &str) -> bool {
    (1..=INTERFACE_BYTES_MAX).contains(&name.len())
        && !matches!(name, "." | "..")
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// Takes `host`, `host:port`, `[v6]`, `[v6]:port` or a bare address.
fn endpoint(r: &mut Reader, key: &str, port: u16, address: Option<IpAddr>) -> String {
    let Some(text) = r.text(key) else {
        let ip = address.unwrap_or_else(|| {
            r.warn(
                key,
                "the address of this server is not known, so clients are told 127.0.0.1 and only work on it",
                "set endpoint to the server's public name or address",
            );
            IpAddr::V4(Ipv4Addr::LOCALHOST)
        });
        let endpoint = SocketAddr::new(ip, port).to_string();
        r.show(key, Value::String(endpoint.clone()).to_string(), Origin::Default);
        return endpoint;
    };
    if let Some(endpoint) = complete(&text, port) {
        return endpoint;
    }
    r.problem(
        key,
        &format!("{text:?} is not where a client could connect"),
        "write host:port, such as \"vpn.example.org:51820\"",
    );
    text
}

fn complete(text: &str, port: u16) -> Option<String> {
    if let Ok(ip) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Some(SocketAddr::new(ip, port).to_string());
    }
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return (socket.port() != 0).then(|| text.to_owned());
    }
    let (host, port) = match text.split_once(':') {
        Some((host, given)) => (host, given.parse::<u16>().ok().filter(|given| *given != 0)?),
        None => (text, port),
    };
    is_host_name(host).then(|| format!("{host}:{port}"))
}

fn is_host_name(host: &str) -> bool {
    (1..=253).contains(&host.len())
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

fn pools(r: &mut Reader, node: usize, alone: bool) -> Vec<PoolSettings> {
    let list = format!("nodes[{node}].pools");
    let indices = r.indices(&list);
    if indices.is_empty() {
        if !alone {
            r.problem(
                &list,
                "with several nodes each needs pools of its own",
                "add [[nodes.pools]] with purpose, v4 and v6 that no other node uses",
            );
        }
        return default_pools(r, &list);
    }
    let pools: Vec<PoolSettings> = indices.iter().filter_map(|&index| pool(r, &format!("{list}[{index}]"))).collect();
    for purpose in [PoolPurpose::Trial, PoolPurpose::Paid] {
        if pools.iter().filter(|pool| pool.purpose == purpose).count() > 1 {
            r.problem(
                &list,
                &format!("there are two pools for {}", purpose.as_str()),
                "give a node at most one pool for each purpose; make its prefixes larger instead",
            );
        }
    }
    pools
}

fn default_pools(r: &mut Reader, list: &str) -> Vec<PoolSettings> {
    let mut pools = Vec::new();
    for (index, (purpose, v4, v6)) in DEFAULT_POOLS.into_iter().enumerate() {
        let values = [("purpose", purpose.as_str()), ("v4", v4), ("v6", v6)];
        for (name, value) in values {
            r.show(&format!("{list}[{index}].{name}"), Value::String(value.to_owned()).to_string(), Origin::Default);
        }
        pools.push(PoolSettings { purpose, v4: v4.parse().ok(), v6: v6.parse().ok() });
    }
    pools
}

fn pool(r: &mut Reader, at: &str) -> Option<PoolSettings> {
    let purpose = format!("{at}.purpose");
    if !r.is_given(&purpose) {
        r.problem(&purpose, "nobody says whom these addresses are for", "add purpose = \"trial\" or \"paid\"");
    }
    let purpose = r.optional::<PoolPurpose>(&purpose)?;
    let (v4_key, v6_key) = (format!("{at}.v4"), format!("{at}.v6"));
    let v4 = prefix::<Ipv4Network>(r, &v4_key, (8, 29), "10.77.64.0/20", |net| (net.prefix(), IpNetwork::V4(net)));
    let v6 = prefix::<Ipv6Network>(r, &v6_key, (48, 125), "fd77:7570:6970:1::/112", |net| {
        (net.prefix(), IpNetwork::V6(net))
    });
    if !r.is_given(&v4_key) && !r.is_given(&v6_key) {
        r.problem(at, "this pool has no addresses", "add v4 = \"10.77.64.0/20\" or v6, or both");
    }
    Some(PoolSettings { purpose, v4, v6 })
}

fn prefix<N>(
    r: &mut Reader,
    key: &str,
    (least, most): (u8, u8),
    example: &str,
    look: impl Fn(N) -> (u8, IpNetwork),
) -> Option<N>
where
    N: std::str::FromStr + Copy,
{
    let text = r.text(key)?;
    let Some(net) = text.contains('/').then(|| text.parse::<N>().ok()).flatten() else {
        r.problem(key, &format!("{text:?} is no address prefix"), &format!("write for example \"{example}\""));
        return None;
    };
    let (length, network) = look(net);
    if !(least..=most).contains(&length) {
        r.problem(key, &format!("a /{length} does not suit a pool"), &format!("choose from /{least} to /{most}"));
    } else if network.ip() != network.network() {
        let right = format!("{}/{length}", network.network());
        r.problem(key, &format!("{text:?} is an address inside a network"), &format!("write \"{right}\""));
    }
    Some(net)
}

fn unique(
    r: &mut Reader,
    nodes: &[(usize, NodeSettings)],
    field: &str,
    word: &str,
    of: impl Fn(&NodeSettings) -> String,
) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (index, node) in nodes {
        let value = of(node);
        if let Some(first) = seen.get(&value) {
            r.problem(
                &format!("nodes[{index}].{field}"),
                &format!("nodes[{first}] has the {word} {value} too"),
                "give each node its own",
            );
        } else {
            seen.insert(value, *index);
        }
    }
}

/// All pools end in one routing table, so no two may share an address.
fn no_overlaps(r: &mut Reader, nodes: &[(usize, NodeSettings)]) {
    let mut seen: Vec<(String, IpNetwork)> = Vec::new();
    for (index, node) in nodes {
        for (place, pool) in node.pools.iter().enumerate() {
            let at = format!("nodes[{index}].pools[{place}]");
            let prefixes = [("v4", pool.v4.map(IpNetwork::V4)), ("v6", pool.v6.map(IpNetwork::V6))];
            for (field, net) in prefixes.into_iter().filter_map(|(field, net)| Some((field, net?))) {
                let key = format!("{at}.{field}");
                if let Some((other, theirs)) = seen.iter().find(|(_, theirs)| overlap(*theirs, net)) {
                    r.problem(
                        &key,
                        &format!("{net} overlaps {theirs} of {other}"),
                        "choose prefixes that share no address",
                    );
                }
                seen.push((key, net));
            }
        }
    }
}

fn overlap(a: IpNetwork, b: IpNetwork) -> bool {
    a.contains(b.network()) || b.contains(a.network())
}
