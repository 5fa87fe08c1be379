//! `usipipo config show`

use crate::config::{Needs, Surroundings, load, render};
use clap::Subcommand;
use std::path::Path;

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Every setting in force and where it came from, without secrets
    Show,
}

pub(super) fn run(command: &ConfigCommand, config: Option<&Path>) -> anyhow::Result<()> {
    match command {
        ConfigCommand::Show => {
            let loaded = load(config, Needs::Inspection, &Surroundings::of_process())?;
            super::print(&render(&loaded))
        }
    }
}
