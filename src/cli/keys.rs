//! `usipipo keys rotate`

use crate::config::{Needs, Settings, Surroundings, load};
use crate::program::database::{Database, key_file};
use clap::Subcommand;
use std::path::Path;
use usipipo_actors::storage::{Store, Vault};

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make a new master key and seal every secret anew with it; the program may run meanwhile
    Rotate,
}

pub(super) fn run(command: &KeysCommand, config: Option<&Path>) -> anyhow::Result<()> {
    let KeysCommand::Rotate = command;
    let settings = load(config, Needs::Inspection, &Surroundings::of_process())?.settings;
    super::runtime()?.block_on(async {
        let database = Database::open(&settings).await?;
        let result = rotate(&settings, &database).await;
        database.close().await;
        result
    })
}

async fn rotate(settings: &Settings, database: &Database) -> anyhow::Result<()> {
    Store::migrate(&database.options).await?;
    let path = key_file(settings);
    Vault::open_or_create(&path)?;
    // The file first: a running program reads it again when it meets a key that it does not know.
    let vault = Vault::rotate_file(&path)?;
    let store = Store::connect(&database.options, vault.clone())?;
    let rows = store.rotate_secrets().await?;
    super::print(&format!(
        "Sealed {rows} secret(s) with the new master key {key}.\n\
         The old keys stay in {path}, for backups made before; remove their lines when you no longer need those.\n\
         Keep a copy of that file apart from your backups: without it they cannot be read.\n",
        key = vault.current_key_id(),
        path = path.display(),
    ))
}
