//! `usipipo node setup`: makes this machine forward what clients send, and hide their private addresses behind its own.
//!
//! It owns one nftables table, `inet usipipo`, replaced as a whole in one transaction, and remembers what it changed of the
//! kernel's settings, so that `--undo` can take back exactly that. Running it again changes nothing.

use crate::config::NodeSettings;
use std::io;
use std::path::{Path, PathBuf};

mod apply;
mod machine;
mod plan;
mod state;

pub use apply::{Change, apply, undo};
pub use machine::Machine;
pub use plan::{Plan, Sysctl, plan};

/// The one table we own.
const TABLE: &str = "usipipo";
/// Bytes of another program's complaint that are shown.
const COMPLAINT_MAX: usize = 600;

/// Where things are on this machine.
#[derive(Debug, Clone)]
pub struct Places {
    /// Kernel settings.
    pub proc_sys: PathBuf,
    /// Read at boot, for settings that are to stay.
    pub sysctl_file: PathBuf,
    /// What was before, for the undo.
    pub state_file: PathBuf,
    /// The program `nft`; a bare name is looked for in `PATH` and in the directories of system programs.
    pub nft: PathBuf,
}

impl Places {
    /// The usual ones.
    #[must_use]
    pub fn usual(data_dir: &Path) -> Self {
        Self {
            proc_sys: "/proc/sys".into(),
            sysctl_file: "/etc/sysctl.d/60-usipipo.conf".into(),
            state_file: data_dir.join("node-setup.json"),
            nft: "nft".into(),
        }
    }
}

/// Why the machine was not set up.
#[derive(Debug, thiserror::Error)]
pub enum NodeSetupError {
    /// No program for the firewall.
    #[error(
        "the program `nft` is missing: install the package nftables (`apt-get install nftables` or `dnf install nftables`) and run this again"
    )]
    NoNft,
    /// Not allowed.
    #[error("{doing} is not permitted: run this as root (in a container also with --cap-add NET_ADMIN)")]
    NotPermitted {
        /// What was tried.
        doing: String,
    },
    /// The firewall refused.
    #[error(
        "nft refused the rules of table inet usipipo: {0}\nthe kernel may lack nf_tables or NAT (`modprobe nft_masq`); nothing was changed in the firewall"
    )]
    Nft(String),
    /// A kernel setting is not there or cannot be written.
    #[error("the kernel setting {key} cannot be {doing}: {cause}")]
    Sysctl {
        /// Its name.
        key: String,
        /// "read" or "written".
        doing: &'static str,
        /// Why not.
        cause: io::Error,
    },
    /// A file cannot be read or written.
    #[error("{path} cannot be {doing}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// "read", "written" or "removed".
        doing: &'static str,
        /// Why not.
        cause: io::Error,
    },
    /// What was remembered makes no sense.
    #[error(
        "{path} is damaged: {cause}; remove it if you don't need the former kernel settings back, and run this again"
    )]
    State {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        cause: serde_json::Error,
    },
}

/// What would be done for these nodes on this machine, in words: the text of `--dry-run`.
#[must_use]
pub fn dry_run(nodes: &[NodeSettings], machine: &Machine, persist: bool, places: &Places) -> String {
    plan(nodes, machine).describe(persist.then_some(places.sysctl_file.as_path()))
}

#[cfg(test)]
mod tests;
