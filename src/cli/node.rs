//! `usipipo node`

mod servers;

use crate::config::{Needs, Surroundings, load};
use crate::node_setup::{Machine, Places, apply, dry_run, plan, undo};
use clap::{Args, Subcommand, ValueEnum};
use servers::Task;
use std::path::Path;
use usipipo_actors::domain::service::NodeChange;

#[derive(Debug, Subcommand)]
pub(super) enum NodeCommand {
    /// Forward what clients send and hide their private addresses behind this machine's own (nftables, sysctl)
    Setup(SetupArgs),
    /// Add an Outline or telemt server; what leads to it is read from standard input
    Add(AddArgs),
    /// Every server
    List,
    /// Let a server keep what it has, and give it nothing new
    Drain(NameArgs),
    /// Give a server nothing new, and raise no alarm when it does not answer
    Maintenance(NameArgs),
    /// Give a server new services again
    Activate(NameArgs),
    /// Remove a server on which nothing lives, and forget what led to it
    Remove(RemoveArgs),
}

#[derive(Debug, Args)]
pub(super) struct RemoveArgs {
    /// The server's name
    name: String,
    /// The server no longer exists: give up keys that are still to be taken off it
    #[arg(long)]
    gone: bool,
}

#[derive(Debug, Args)]
pub(super) struct NameArgs {
    /// The server's name
    name: String,
}

/// What runs on a server that is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Outline; standard input: the line that its installer prints
    Outline,
    /// Proxies for Telegram; standard input: the address of its interface, on a second line its auth_header
    Telemt,
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// What runs there
    kind: Kind,
    /// Unique among all servers
    #[arg(long)]
    name: String,
    /// Two letters, such as DE
    #[arg(long)]
    country: Option<String>,
    /// City, for people
    #[arg(long, requires = "country")]
    place: Option<String>,
    /// Most services on it
    #[arg(long)]
    capacity: Option<u32>,
    /// Where users of a proxy connect
    #[arg(long, requires = "port")]
    host: Option<String>,
    /// The port where users of a proxy connect
    #[arg(long, requires = "host")]
    port: Option<u16>,
    /// The web site that a proxy pretends to be (tls_domain of its file)
    #[arg(long)]
    domain: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct SetupArgs {
    /// Take back everything that setup did
    #[arg(long, conflicts_with_all = ["dry_run", "persist"])]
    undo: bool,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Also keep the kernel settings over a reboot (/etc/sysctl.d/60-usipipo.conf)
    #[arg(long)]
    persist: bool,
}

pub(super) fn run(command: &NodeCommand, config: Option<&Path>) -> anyhow::Result<()> {
    let settings = load(config, Needs::Inspection, &Surroundings::of_process())?.settings;
    let args = match command {
        NodeCommand::Setup(args) => args,
        NodeCommand::Add(args) => return servers::run(&Task::Add(args), &settings),
        NodeCommand::List => return servers::run(&Task::List, &settings),
        NodeCommand::Drain(args) => return servers::run(&Task::Change(&args.name, NodeChange::Drain), &settings),
        NodeCommand::Maintenance(args) => {
            return servers::run(&Task::Change(&args.name, NodeChange::Maintain), &settings);
        }
        NodeCommand::Activate(args) => return servers::run(&Task::Change(&args.name, NodeChange::Activate), &settings),
        NodeCommand::Remove(args) => {
            let change = if args.gone { NodeChange::Forget } else { NodeChange::Remove };
            return servers::run(&Task::Change(&args.name, change), &settings);
        }
    };
    let places = Places::usual(&settings.data_dir);
    let machine = Machine::look(&places);
    if args.dry_run {
        return super::print(&dry_run(&settings.nodes, &machine, args.persist, &places));
    }
    let changes = if args.undo {
        undo(&places)?
    } else {
        std::fs::create_dir_all(&settings.data_dir)?;
        let plan = plan(&settings.nodes, &machine);
        for note in &plan.notes {
            super::say(&format!("note: {note}"));
        }
        apply(&plan, args.persist, &places)?
    };
    for change in &changes {
        super::print(&format!("{change}\n"))?;
    }
    super::print(match (args.undo, changes.is_empty()) {
        (true, _) => "This machine is as it was before.\n",
        (false, true) => "This machine is set up; nothing had to be changed.\n",
        (false, false) => "This machine is set up. `usipipo node setup --undo` takes it back.\n",
    })
}
