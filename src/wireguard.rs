//! WireGuard on this machine: three ways to carry tunnels behind one port, and the file that clients get.

use crate::config::NodeMode;
use std::io;
use std::sync::Arc;
use usipipo_actors::ports::driver::{DriverMode, VpnDriver};

pub mod client_config;
mod config_only;
mod kernel;
mod link;
mod probe;
mod uapi;
mod userspace;

pub use config_only::ConfigOnlyDriver;
pub use kernel::KernelDriver;
pub use probe::{Finding, Probe};
pub use userspace::{Launcher, UserspaceDriver};

/// How a node's tunnels are carried, and why so.
pub struct Choice {
    /// Steers the interface.
    pub driver: Arc<dyn VpnDriver>,
    /// What it is.
    pub mode: DriverMode,
    /// For the log and for `doctor`.
    pub why: String,
}

/// Picks the driver of one interface. A mode that was set is taken as it is; if it cannot work here, the driver says so when
/// it is used.
#[must_use]
pub fn choose(mode: NodeMode, interface: &str, launcher: &Launcher, probe: &Probe) -> Choice {
    let (mode, why) = match mode {
        NodeMode::Auto => (probe.best(), probe.why()),
        NodeMode::Kernel => (DriverMode::Kernel, "the settings say so".to_owned()),
        NodeMode::Userspace => (DriverMode::Userspace, "the settings say so".to_owned()),
        NodeMode::ConfigOnly => (DriverMode::ConfigOnly, "the settings say so".to_owned()),
    };
    let driver: Arc<dyn VpnDriver> = match mode {
        DriverMode::Kernel => Arc::new(KernelDriver::new(interface)),
        DriverMode::Userspace => Arc::new(UserspaceDriver::new(interface, launcher.clone())),
        DriverMode::ConfigOnly => Arc::new(ConfigOnlyDriver::new()),
    };
    Choice { driver, mode, why }
}

/// Whether there is a network interface of this name.
///
/// # Errors
/// When the kernel cannot be asked.
pub(crate) fn link_exists(name: &str) -> io::Result<bool> {
    link::exists(name)
}
