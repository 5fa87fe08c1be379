//! What has to be so; pure.

use super::{Machine, TABLE};
use crate::config::{NodeMode, NodeSettings};
use ipnetwork::{Ipv4Network, Ipv6Network};
use std::fmt::Write as _;
use std::path::Path;

/// A kernel setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sysctl {
    /// With slashes, since names of interfaces may contain dots: `net/ipv4/ip_forward`.
    pub key: String,
    /// What it has to be.
    pub value: &'static str,
    /// What for.
    pub why: &'static str,
}

/// Everything that has to be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Kernel settings, in the order in which they are made.
    pub sysctls: Vec<Sysctl>,
    /// Input for `nft -f -`: replaces our table as a whole.
    pub firewall: String,
    /// What the operator should know.
    pub notes: Vec<String>,
}

/// Plans for the nodes that carry tunnels here.
#[must_use]
pub fn plan(nodes: &[NodeSettings], machine: &Machine) -> Plan {
    let nodes: Vec<&NodeSettings> = nodes.iter().filter(|node| node.mode != NodeMode::ConfigOnly).collect();
    let pools = || nodes.iter().flat_map(|node| &node.pools);
    let (v4, public_v4): (Vec<Ipv4Network>, Vec<Ipv4Network>) =
        pools().filter_map(|pool| pool.v4).partition(|net| is_private_v4(*net));
    let (v6, public_v6): (Vec<Ipv6Network>, Vec<Ipv6Network>) =
        pools().filter_map(|pool| pool.v6).partition(|net| net.ip().is_unique_local());

    let mut sysctls = Vec::new();
    if !v4.is_empty() || !public_v4.is_empty() {
        sysctls.push(sysctl("net/ipv4/ip_forward", "1", "pass on what clients send over IPv4"));
    }
    if !v6.is_empty() || !public_v6.is_empty() {
        // First, so that the route is not lost in between.
        for interface in &machine.advertised {
            let key = format!("net/ipv6/conf/{interface}/accept_ra");
            sysctls.push(sysctl(&key, "2", "keep the default route that a router advertises, though we forward"));
        }
        sysctls.push(sysctl("net/ipv6/conf/all/forwarding", "1", "pass on what clients send over IPv6"));
    }
    let interfaces: Vec<&str> = nodes.iter().map(|node| node.interface.as_str()).collect();
    let public = public_v4.iter().map(ToString::to_string).chain(public_v6.iter().map(ToString::to_string));
    let notes = public
        .map(|net| format!("{net} is a public prefix: it is not hidden, so it has to be routed to this machine"))
        .collect();
    Plan { sysctls, firewall: firewall(&interfaces, &v4, &v6), notes }
}

fn sysctl(key: &str, value: &'static str, why: &'static str) -> Sysctl {
    Sysctl { key: key.to_owned(), value, why }
}

/// RFC 1918, and the carriers' shared space of RFC 6598.
fn is_private_v4(net: Ipv4Network) -> bool {
    let [a, b, ..] = net.ip().octets();
    net.ip().is_private() || (a == 100 && b & 0xc0 == 64)
}

/// Adding the table first makes deleting it work when there is none; all of it is one transaction.
fn firewall(interfaces: &[&str], v4: &[Ipv4Network], v6: &[Ipv6Network]) -> String {
    let list = |items: Vec<String>| items.join(", ");
    let names = list(interfaces.iter().map(|name| format!("\"{name}\"")).collect());
    let mut text = format!("add table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n");
    let families = [
        ("clients_v4", "ipv4_addr", "ip", list(v4.iter().map(ToString::to_string).collect())),
        ("clients_v6", "ipv6_addr", "ip6", list(v6.iter().map(ToString::to_string).collect())),
    ];
    let families: Vec<_> = families.into_iter().filter(|(.., elements)| !elements.is_empty()).collect();
    for (set, kind, _, elements) in &families {
        let _ = write!(
            text,
            "\tset {set} {{\n\t\ttype {kind}\n\t\tflags interval\n\t\telements = {{ {elements} }}\n\t}}\n\n"
        );
    }
    text.push_str("\tchain postrouting {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n");
    for (set, _, family, _) in &families {
        let _ = writeln!(text, "\t\t{family} saddr @{set} oifname != {{ {names} }} masquerade");
    }
    text.push_str("\t}\n}\n");
    text
}

/// As people write it; with slashes only where a dot would be ambiguous.
pub(super) fn shown(key: &str) -> String {
    if key.contains('.') { key.to_owned() } else { key.replace('/', ".") }
}

impl Plan {
    /// In words, with the firewall's input as it is. `persist` is the file for settings that are to stay.
    #[must_use]
    pub fn describe(&self, persist: Option<&Path>) -> String {
        let mut text = String::new();
        for sysctl in &self.sysctls {
            let _ = writeln!(text, "set {} = {}    # {}", shown(&sysctl.key), sysctl.value, sysctl.why);
        }
        if let Some(path) = persist {
            let _ = writeln!(text, "write {} with these settings", path.display());
        }
        let _ = write!(text, "nft -f - with\n\n{}", self.firewall);
        for note in &self.notes {
            let _ = writeln!(text, "\nnote: {note}");
        }
        text
    }

    /// The file that is read at boot.
    pub(super) fn sysctl_file(&self) -> String {
        let mut text = format!("{}\n", super::apply::FILE_HEAD);
        for sysctl in &self.sysctls {
            let _ = writeln!(text, "# {}\n{} = {}", sysctl.why, shown(&sysctl.key), sysctl.value);
        }
        text
    }
}
