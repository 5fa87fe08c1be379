//! `usipipo node setup`

use crate::config::{Needs, Surroundings, load};
use crate::node_setup::{Machine, Places, apply, dry_run, plan, undo};
use clap::{Args, Subcommand};
use std::path::Path;

#[derive(Debug, Subcommand)]
pub(super) enum NodeCommand {
    /// Forward what clients send and hide their private addresses behind this machine's own (nftables, sysctl)
    Setup(SetupArgs),
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
    let NodeCommand::Setup(args) = command;
    let settings = load(config, Needs::Inspection, &Surroundings::of_process())?.settings;
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
