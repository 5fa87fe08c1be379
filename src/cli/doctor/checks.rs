//! The single checks.

mod database;
mod key_servers;
mod servers;
mod telegram;

use super::Check;
use crate::admin;
use crate::config::{Loaded, Settings};
use crate::program::database::key_file;
use nix::unistd::{AccessFlags, access};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;
use usipipo_actors::storage::Vault;

/// Longest look at one thing.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Less free space than this is worth a look, bytes.
const DISK_LOW: u64 = 1 << 30;
/// With less than this the database stops soon, bytes.
const DISK_OUT: u64 = 100 << 20;

/// Everything, in the order in which the program needs it.
pub(super) async fn all(loaded: &Loaded) -> Vec<Check> {
    let settings = &loaded.settings;
    let mut checks = Vec::new();
    let from =
        loaded.file.as_ref().map_or_else(|| "defaults and environment".to_owned(), |file| file.display().to_string());
    checks.push(Check::good("settings", from));
    checks.extend(
        loaded
            .warnings
            .iter()
            .map(|warning| Check::look(warning.key.clone(), warning.what.clone(), warning.remedy.clone())),
    );
    let running = admin::ask_tree(&settings.data_dir).await.is_ok();
    checks.push(data_dir(&settings.data_dir));
    checks.push(disk(&settings.data_dir));
    checks.push(keys(settings));
    let (of_database, added) = database::checks(settings, running).await;
    checks.extend(of_database);
    checks.extend(telegram::checks(settings, running).await);
    checks.push(admins(settings));
    checks.extend(ports(settings, running));
    checks.extend(servers::checks(settings, running));
    checks.extend(key_servers::all(settings, &added).await);
    checks.push(if running {
        Check::good("program", "runs; `usipipo tree` shows its actors")
    } else {
        Check::look("program", "does not run", "start it with `usipipo run`")
    });
    checks
}

fn data_dir(path: &Path) -> Check {
    const SUBJECT: &str = "data directory";
    const MEND: &str = "give it to the user who runs the program, or choose another data_dir";
    let shown = path.display().to_string();
    // It is made at the first start, inside the nearest of its parents that is there.
    let Some(place) = path.ancestors().find(|place| place.exists()) else {
        return Check::bad(SUBJECT, format!("{shown} cannot be made"), MEND);
    };
    let there = place.display();
    if !place.is_dir() {
        return Check::bad(SUBJECT, format!("{there} is no directory"), "move it away, or choose another data_dir");
    }
    match access(place, AccessFlags::W_OK | AccessFlags::X_OK) {
        Ok(()) if place == path => Check::good(SUBJECT, shown),
        Ok(()) => Check::look(SUBJECT, format!("{shown} does not exist yet"), "the first start makes it"),
        Err(cause) if place == path => Check::bad(SUBJECT, format!("{shown} cannot be written: {cause}"), MEND),
        Err(cause) => {
            Check::bad(SUBJECT, format!("{shown} cannot be made, as {there} cannot be written: {cause}"), MEND)
        }
    }
}

fn disk(path: &Path) -> Check {
    const SUBJECT: &str = "disk";
    let place = path.ancestors().find(|place| place.exists()).unwrap_or(path);
    let free = match nix::sys::statvfs::statvfs(place) {
        Ok(disk) => disk.blocks_available().saturating_mul(disk.fragment_size()),
        Err(cause) => return Check::look(SUBJECT, format!("cannot be asked: {cause}"), "look at it with `df -h`"),
    };
    let seen = format!("{} MB free at {}", free >> 20, place.display());
    if free < DISK_OUT {
        Check::bad(SUBJECT, seen, "make room, or the database will stop")
    } else if free < DISK_LOW {
        Check::look(SUBJECT, seen, "make room before it gets less")
    } else {
        Check::good(SUBJECT, seen)
    }
}

fn keys(settings: &Settings) -> Check {
    const SUBJECT: &str = "master keys";
    let path = key_file(settings);
    if !path.exists() {
        return Check::look(
            SUBJECT,
            format!("{} does not exist yet", path.display()),
            "the first start makes it; keep a copy",
        );
    }
    match Vault::open_file(&path) {
        Ok(vault) => Check::good(SUBJECT, format!("{} (current key {})", path.display(), vault.current_key_id())),
        Err(error) => {
            Check::bad(SUBJECT, error.to_string(), "bring the file back from its copy, readable by its owner only")
        }
    }
}

fn admins(settings: &Settings) -> Check {
    const SUBJECT: &str = "admins";
    match settings.superadmins.len() {
        0 => Check::look(
            SUBJECT,
            "nobody gets alerts",
            "set admins.superadmins to your Telegram id (the bot tells it under /profile)",
        ),
        n => Check::good(SUBJECT, format!("{n} superadmin(s), {} admin(s)", settings.admins.len())),
    }
}

fn ports(settings: &Settings, running: bool) -> Vec<Check> {
    [("http.listen", settings.http_listen), ("metrics.listen", settings.metrics_listen)]
        .into_iter()
        .map(|(key, address)| port(key, address, running))
        .collect()
}

fn port(key: &str, address: SocketAddr, running: bool) -> Check {
    match TcpListener::bind(address) {
        Ok(_) => Check::good(key, format!("{address} is free")),
        Err(_) if running => Check::good(key, format!("{address} is in use, the program runs")),
        Err(cause) => Check::bad(
            key,
            format!("{address} cannot be listened on: {cause}"),
            format!("stop the other program (`ss -ltnp` names it), or set {key}"),
        ),
    }
}
