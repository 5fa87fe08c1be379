//! Servers of the settings, each with the driver that works here.

mod keys;

pub(super) use keys::key_parts;

use crate::config::{NodeDriver, NodeSettings, PoolPurpose, Settings};
use crate::wireguard::{Choice, Launcher, Probe, choose};
use usipipo_actors::domain::service::Purpose;
use usipipo_actors::model::{NodeSpec, PoolSpec};
use usipipo_actors::ports::driver::DriverMode;
use usipipo_actors::system::NodePart;

/// How a server carries its tunnels.
#[derive(Debug)]
pub(super) struct Tunnel {
    node: String,
    mode: DriverMode,
    endpoint: String,
    why: String,
}

impl Tunnel {
    /// For people.
    pub(super) fn sentence(&self) -> String {
        let Self { node, mode, endpoint, why } = self;
        match mode {
            DriverMode::ConfigOnly => format!("{node}: none, only configs ({why})"),
            DriverMode::Kernel => format!("{node}: {endpoint} (UDP), in the kernel"),
            DriverMode::Userspace => format!("{node}: {endpoint} (UDP), in userspace"),
        }
    }
}

/// The servers of the settings.
pub(super) async fn parts(settings: &Settings) -> anyhow::Result<(Vec<NodePart>, Vec<Tunnel>)> {
    let launcher = Launcher::this_program()?;
    // It reads a few files and asks the kernel; a module may be loaded meanwhile.
    let probe = tokio::task::spawn_blocking(Probe::run).await?;
    Ok(settings.nodes.iter().map(|node| part(node, &launcher, &probe)).unzip())
}

fn part(node: &NodeSettings, launcher: &Launcher, probe: &Probe) -> (NodePart, Tunnel) {
    let Choice { driver, mode, why } = choose(node.mode, &node.interface, launcher, probe);
    if mode == DriverMode::ConfigOnly {
        tracing::warn!(node = node.name, why, "configs are issued, but no tunnel is up on this machine");
    } else {
        tracing::info!(node = node.name, mode = mode.as_str(), why, "the server's tunnels are carried");
    }
    let tunnel = Tunnel { node: node.name.clone(), mode, endpoint: node.endpoint.clone(), why };
    (NodePart { spec: spec(node), driver }, tunnel)
}

fn spec(node: &NodeSettings) -> NodeSpec {
    let pools = node.pools.iter().map(|pool| PoolSpec {
        purpose: match pool.purpose {
            PoolPurpose::Trial => Purpose::Trial,
            PoolPurpose::Paid => Purpose::Paid,
        },
        v4: pool.v4,
        v6: pool.v6,
    });
    NodeSpec {
        name: node.name.clone(),
        driver: NodeDriver::Wireguard.as_str().to_owned(),
        mode: node.mode.as_str().to_owned(),
        place: node.place.clone(),
        country: node.country.clone(),
        interface: node.interface.clone(),
        listen_port: node.listen_port,
        endpoint: node.endpoint.clone(),
        dns: node.dns.clone(),
        mtu: node.mtu,
        exclusive: node.exclusive,
        pools: pools.collect(),
    }
}
