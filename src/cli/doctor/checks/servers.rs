//! Servers: what carries their tunnels, whether clients find them, and what this machine forwards.

use super::super::Check;
use crate::config::{NodeMode, NodeSettings, Settings};
use crate::node_setup;
use crate::wireguard::Probe;
use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use usipipo_actors::ports::driver::DriverMode;

pub(super) fn checks(settings: &Settings, running: bool) -> Vec<Check> {
    let probe = Probe::run();
    let mut checks = Vec::new();
    for node in &settings.nodes {
        let subject = format!("server {}", node.name);
        let (mode, set) = match node.mode {
            NodeMode::Auto => (probe.best(), "auto"),
            NodeMode::Kernel => (DriverMode::Kernel, "set"),
            NodeMode::Userspace => (DriverMode::Userspace, "set"),
            NodeMode::ConfigOnly => (DriverMode::ConfigOnly, "set"),
        };
        let needed: &[_] = match mode {
            DriverMode::Kernel => &[&probe.privilege, &probe.kernel],
            DriverMode::Userspace => &[&probe.privilege, &probe.tun, &probe.sockets],
            DriverMode::ConfigOnly => &[],
        };
        let missing = needed.iter().find_map(|finding| Some((finding.problem.as_ref()?, finding.mend)));
        checks.push(match (missing, mode, node.mode) {
            (Some((problem, mend)), ..) => Check::bad(subject, problem.clone(), mend),
            (None, DriverMode::ConfigOnly, NodeMode::Auto) => {
                Check::look(subject, "configs only, no tunnel is up on this machine", probe.why())
            }
            (None, ..) => Check::good(subject, format!("{} ({set}), {}", mode.as_str(), node.endpoint)),
        });
        checks.extend(unreachable_endpoint(node));
        if mode != DriverMode::ConfigOnly {
            checks.push(udp_port(node.listen_port, &node.interface, running));
        }
    }
    if settings.nodes.iter().any(|node| node.mode != NodeMode::ConfigOnly) && probe.best() != DriverMode::ConfigOnly {
        checks.push(forwarding(settings));
    }
    checks
}

/// An address that only a private network knows.
fn unreachable_endpoint(node: &NodeSettings) -> Option<Check> {
    let (host, _) = node.endpoint.rsplit_once(':')?;
    let inside = match host.trim_matches(['[', ']']).parse::<IpAddr>().ok()? {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local() || ip.is_unspecified(),
    };
    inside.then(|| {
        Check::look(
            format!("endpoint of {}", node.name),
            format!("{} is known inside a private network only", node.endpoint),
            format!(
                "before the first start, set endpoint to what clients reach from the internet, and have UDP port {} led here",
                node.listen_port
            ),
        )
    })
}

fn udp_port(number: u16, interface: &str, running: bool) -> Check {
    let subject = format!("UDP port {number}");
    match UdpSocket::bind((std::net::Ipv4Addr::UNSPECIFIED, number)) {
        Ok(_) => Check::good(subject, "is free"),
        // A tunnel outlives the program, so the port may be ours without it.
        Err(_) if running || Path::new("/sys/class/net").join(interface).exists() => {
            Check::good(subject, format!("is in use, {interface} is up"))
        }
        Err(cause) => Check::bad(
            subject,
            format!("cannot be used: {cause}"),
            "stop the other program (`ss -lunp` names it), or set another listen_port",
        ),
    }
}

fn forwarding(settings: &Settings) -> Check {
    const SUBJECT: &str = "forwarding";
    let places = node_setup::Places::usual(&settings.data_dir);
    let plan = node_setup::plan(&settings.nodes, &node_setup::Machine::look(&places));
    let off: Vec<String> = plan
        .sysctls
        .iter()
        .filter(|sysctl| {
            std::fs::read_to_string(places.proc_sys.join(&sysctl.key))
                .map(|text| text.trim().to_owned())
                .ok()
                .as_deref()
                != Some(sysctl.value)
        })
        .map(|sysctl| sysctl.key.replace('/', "."))
        .collect();
    if off.is_empty() && places.state_file.exists() {
        Check::good(SUBJECT, "this machine forwards what clients send")
    } else if off.is_empty() {
        Check::look(
            SUBJECT,
            "the kernel forwards, but `usipipo node setup` was not run here",
            "run it, unless a firewall of yours translates the clients' addresses",
        )
    } else {
        Check::look(
            SUBJECT,
            format!("{} is not set, so clients reach this machine only", off.join(", ")),
            "run `usipipo node setup` as root (--dry-run shows what it does)",
        )
    }
}
