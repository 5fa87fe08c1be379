//! What this machine can do for tunnels, and how to mend what it cannot.

use super::link;
use super::uapi::SOCKET_DIR;
use std::fs;
use std::io;
use std::path::Path;
use usipipo_actors::ports::driver::DriverMode;

/// `CAP_NET_ADMIN` in the kernel's list of capabilities.
const CAP_NET_ADMIN: u32 = 12;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub subject: &'static str,
    /// `None`: it works. Otherwise what is wrong.
    pub problem: Option<String>,
    /// How to mend it, in one sentence; empty when it works.
    pub mend: &'static str,
}

impl Finding {
    fn new(subject: &'static str, problem: Option<String>, mend: &'static str) -> Self {
        let mend = if problem.is_some() { mend } else { "" };
        Self { subject, problem, mend }
    }

    /// Whether it works.
    #[must_use]
    pub const fn works(&self) -> bool {
        self.problem.is_none()
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The kernel's own WireGuard.
    pub kernel: Finding,
    /// The privilege to make interfaces.
    pub privilege: Finding,
    /// TUN devices.
    pub tun: Finding,
    /// The directory of control sockets.
    pub sockets: Finding,
}

impl Probe {
    /// Looks; changes nothing but that the kernel may load its module for WireGuard.
    #[must_use]
    pub fn run() -> Self {
        Self::of(
            link::kernel_knows_wireguard(),
            &fs::read_to_string("/proc/self/status"),
            fs::OpenOptions::new().read(true).write(true).open("/dev/net/tun").map(drop),
            writable(Path::new(SOCKET_DIR)),
        )
    }

    fn of(
        kernel: io::Result<bool>,
        status: &io::Result<String>,
        tun: io::Result<()>,
        sockets: Result<(), String>,
    ) -> Self {
        let kernel = match kernel {
            Ok(true) => None,
            Ok(false) => Some("the kernel has no WireGuard".to_owned()),
            Err(cause) => Some(format!("the kernel cannot be asked: {cause}")),
        };
        let privilege = match status {
            Ok(text) if has_net_admin(text) => None,
            Ok(_) => Some("the privilege CAP_NET_ADMIN is missing".to_owned()),
            Err(cause) => Some(format!("the privileges cannot be read: {cause}")),
        };
        Self {
            kernel: Finding::new(
                "WireGuard in the kernel",
                kernel,
                "use Linux 5.6 or newer and load its module (`modprobe wireguard`); without it, the slower userspace mode does as well",
            ),
            privilege: Finding::new(
                "privilege to make network interfaces",
                privilege,
                "run as root, or give CAP_NET_ADMIN to the service (AmbientCapabilities=CAP_NET_ADMIN; in a container --cap-add NET_ADMIN)",
            ),
            tun: Finding::new(
                "TUN devices",
                tun.err().map(|cause| format!("/dev/net/tun cannot be opened: {cause}")),
                "load the module (`modprobe tun`), or in a container pass the device (--device /dev/net/tun)",
            ),
            sockets: Finding::new(
                "directory of control sockets",
                sockets.err(),
                "run as root, or let the service manager create it (RuntimeDirectory=wireguard)",
            ),
        }
    }

    /// Everything, for printing.
    #[must_use]
    pub const fn findings(&self) -> [&Finding; 4] {
        [&self.kernel, &self.privilege, &self.tun, &self.sockets]
    }

    /// What `mode = "auto"` means here.
    #[must_use]
    pub const fn best(&self) -> DriverMode {
        match (self.privilege.works(), self.kernel.works(), self.tun.works() && self.sockets.works()) {
            (true, true, _) => DriverMode::Kernel,
            (true, false, true) => DriverMode::Userspace,
            _ => DriverMode::ConfigOnly,
        }
    }

    /// Why it means that.
    #[must_use]
    pub fn why(&self) -> String {
        let problem = |finding: &Finding| finding.problem.clone().unwrap_or_default();
        match self.best() {
            DriverMode::Kernel => "the kernel has WireGuard".to_owned(),
            DriverMode::Userspace => format!("{}, so a process of its own carries the tunnels", problem(&self.kernel)),
            DriverMode::ConfigOnly => {
                let missing = [&self.privilege, &self.tun, &self.sockets].into_iter().find(|finding| !finding.works());
                let (what, mend) = missing.map_or((String::new(), ""), |finding| (problem(finding), finding.mend));
                format!("{what}, so no tunnel is up on this machine: {mend}")
            }
        }
    }
}

fn has_net_admin(status: &str) -> bool {
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    effective.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).is_some_and(|set| set >> CAP_NET_ADMIN & 1 == 1)
}

/// It, or what it would be made in.
fn writable(directory: &Path) -> Result<(), String> {
    let place = if directory.exists() { directory } else { directory.parent().unwrap_or(directory) };
    nix::unistd::access(place, nix::unistd::AccessFlags::W_OK | nix::unistd::AccessFlags::X_OK)
        .map_err(|cause| format!("{} cannot be written to: {cause}", place.display()))
}

#[cfg(test)]
mod tests;
