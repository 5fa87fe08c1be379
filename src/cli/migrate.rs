//! `usipipo migrate`

use crate::config::{Needs, Surroundings, load};
use crate::program::database::Database;
use std::path::Path;
use usipipo_actors::storage::Store;

pub(super) fn run(config: Option<&Path>) -> anyhow::Result<()> {
    let loaded = load(config, Needs::Inspection, &Surroundings::of_process())?;
    super::runtime()?.block_on(async {
        let database = Database::open(&loaded.settings).await?;
        let result = Store::migrate(&database.options).await;
        database.close().await;
        let ran = result?;
        if ran.is_empty() {
            super::print("The database is up to date.\n")
        } else {
            super::print(&format!("Ran {} migration(s):\n  {}\n", ran.len(), ran.join("\n  ")))
        }
    })
}
