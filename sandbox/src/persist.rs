//! The world between runs: one JSON file, written whole beside the old one and then renamed, and the files' bytes.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::outline;
use crate::telemt;
use crate::world::ChatState;
use crate::world::Shared;
use crate::world::World;
use crate::world::files::StoredFile;
use crate::world::lock;
use crate::world::payments::Payments;
use crate::world::profile::Profile;
use crate::world::webhook::Target;

/// Changes of this time are saved together.
const DEBOUNCE: Duration = Duration::from_millis(50);
/// Saving takes at most this share of the time: one part in so many.
const SHARE: u32 = 10;
const VERSION: u32 = 1;
const STATE: &str = "state.json";
const FILES: &str = "files";

#[derive(Serialize, Deserialize)]
struct SavedUpdate {
    id: i64,
    chat: Option<i64>,
    base64: String,
    visible: bool,
}

/// Chats are values here, so that only one of them is locked at a time.
#[derive(Serialize, Deserialize)]
struct Snapshot {
    version: u32,
    offset_seconds: i64,
    next_update_id: i64,
    allowed_updates: Option<Vec<String>>,
    updates: Vec<SavedUpdate>,
    chats: Vec<Value>,
    files: Vec<StoredFile>,
    profile: Profile,
    payments: Payments,
    webhook: Option<Target>,
    #[serde(default)]
    outline: Vec<outline::Plan>,
    #[serde(default)]
    telemt: Vec<telemt::Plan>,
}

/// Loads the state if there is some, or makes an empty place for it.
pub fn load(world: &World) -> anyhow::Result<()> {
    let Some(directory) = &world.settings.state_dir else {
        return Ok(());
    };
    let state = directory.join(STATE);
    if world.settings.fresh {
        forget(&state, &directory.join(FILES))?;
    }
    fs::create_dir_all(directory.join(FILES))
        .with_context(|| format!("cannot make {}", directory.display()))?;
    let bytes = match fs::read(&state) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", state.display()));
        }
    };
    let unreadable = || {
        format!(
            "{} is not a state of this version, start with --fresh to forget it",
            state.display()
        )
    };
    let snapshot: Snapshot = serde_json::from_slice(&bytes).with_context(unreadable)?;
    anyhow::ensure!(snapshot.version == VERSION, unreadable());
    restore(world, snapshot, &directory.join(FILES)).with_context(unreadable)
}

fn forget(state: &Path, files: &Path) -> anyhow::Result<()> {
    for result in [fs::remove_file(state), fs::remove_dir_all(files)] {
        match result {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).context("cannot forget the old state");
            }
            _ => {}
        }
    }
    Ok(())
}

fn restore(world: &World, snapshot: Snapshot, files: &Path) -> anyhow::Result<()> {
    world.clock.set_offset(snapshot.offset_seconds);
    for chat in snapshot.chats {
        world
            .chats
            .insert(serde_json::from_value::<ChatState>(chat)?);
    }
    for mut file in snapshot.files {
        // A file that is lost is as if it had never been.
        if let Ok(bytes) = fs::read(files.join(&file.file.file_id)) {
            file.bytes = bytes.into();
            world.files.restore(file);
        }
    }
    for update in snapshot.updates {
        world.updates.restore(
            update.id,
            update.chat,
            STANDARD.decode(&update.base64)?,
            update.visible,
        );
    }
    world.updates.set_next_id(snapshot.next_update_id);
    world.updates.set_allowed(snapshot.allowed_updates);
    *lock(&world.profile) = snapshot.profile;
    *lock(&world.payments) = snapshot.payments;
    world.outline.load(snapshot.outline);
    world.telemt.load(snapshot.telemt);
    if snapshot.webhook.is_some() {
        world.updates.set_webhook(true);
        world.webhook.set(snapshot.webhook);
    }
    Ok(())
}

/// Saves after changes, for ever.
pub async fn run(world: Shared) {
    loop {
        world.dirty.notified().await;
        tokio::time::sleep(DEBOUNCE).await;
        let started = Instant::now();
        let saved = world.clone();
        match tokio::task::spawn_blocking(move || save(&saved)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(error = format!("{error:#}"), "the state was not saved")
            }
            Err(error) => tracing::error!(%error, "the state was not saved"),
        }
        tokio::time::sleep(started.elapsed() * SHARE).await;
    }
}

/// Saves now, if there is a place for it.
pub fn save(world: &World) -> anyhow::Result<()> {
    let Some(directory) = &world.settings.state_dir else {
        return Ok(());
    };
    // The running saver and the last save must not write the same file at once.
    let _saving = lock(&world.saving);
    let files = world.files.all();
    save_files(&directory.join(FILES), &files)?;
    let chats = world
        .chats
        .all()
        .into_iter()
        .map(|chat| chat.with(|state| serde_json::to_value(&*state)));
    let payments = {
        let payments = lock(&world.payments);
        Payments {
            pending: Default::default(),
            charges: payments.charges.clone(),
        }
    };
    let updates = world
        .updates
        .after(0, usize::MAX)
        .into_iter()
        .map(|(_, update)| SavedUpdate {
            id: update.id,
            chat: update.chat,
            base64: STANDARD.encode(&update.raw),
            visible: update.visible,
        });
    let snapshot = Snapshot {
        version: VERSION,
        offset_seconds: world.clock.offset(),
        next_update_id: world.updates.next_id(),
        allowed_updates: world.updates.allowed(),
        updates: updates.collect(),
        chats: chats.collect::<Result<_, _>>()?,
        files: files.iter().map(|file| (**file).clone()).collect(),
        profile: lock(&world.profile).clone(),
        payments,
        webhook: world.webhook.target(),
        outline: world.outline.saved(),
        telemt: world.telemt.saved(),
    };
    write_whole(&directory.join(STATE), &serde_json::to_vec(&snapshot)?)
}

fn save_files(directory: &Path, files: &[std::sync::Arc<StoredFile>]) -> anyhow::Result<()> {
    let wanted: HashSet<&str> = files
        .iter()
        .map(|file| file.file.file_id.as_str())
        .collect();
    let mut present = HashSet::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if wanted.contains(name.as_str()) {
            present.insert(name);
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    for file in files
        .iter()
        .filter(|file| !present.contains(&file.file.file_id))
    {
        write_whole(&directory.join(&file.file.file_id), &file.bytes)?;
    }
    Ok(())
}

fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    fs::write(&beside, bytes).with_context(|| format!("cannot write {}", beside.display()))?;
    fs::rename(&beside, path).with_context(|| format!("cannot write {}", path.display()))
}
