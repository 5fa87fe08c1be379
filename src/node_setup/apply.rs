//! Makes it so, and takes it back.

use super::plan::shown;
use super::state::{Changed, State, write_whole};
use super::{COMPLAINT_MAX, NodeSetupError, Places, Plan, TABLE};
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// First line of the file that we may remove again.
pub(super) const FILE_HEAD: &str = "# Written by `usipipo node setup`; removed by `usipipo node setup --undo`.";
/// Not always in the `PATH` of a service.
const SYSTEM_PROGRAMS: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A kernel setting: name, before, now.
    Sysctl(String, String, String),
    /// A kernel setting is not what we made it any more, so it was left alone: name, what it is.
    Left(String, String),
    /// Our table in the firewall was made or replaced.
    TableSet,
    /// Our table in the firewall is gone.
    TableRemoved,
    /// A file was written.
    Written(PathBuf),
    /// A file was removed.
    Removed(PathBuf),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sysctl(key, before, now) => write!(f, "{key}: {before} → {now}"),
            Self::Left(key, now) => write!(f, "{key} is {now}, which is not from us; left alone"),
            Self::TableSet => write!(f, "firewall: table inet {TABLE} is in place"),
            Self::TableRemoved => write!(f, "firewall: table inet {TABLE} is gone"),
            Self::Written(path) => write!(f, "{} written", path.display()),
            Self::Removed(path) => write!(f, "{} removed", path.display()),
        }
    }
}

/// Carries the plan out. With `persist` the kernel settings survive a reboot; the firewall's table does not and is made
/// again by running this at each start.
///
/// # Errors
/// [`NodeSetupError`]; what was done before stays and is done again, or undone, by the next run.
pub fn apply(plan: &Plan, persist: bool, places: &Places) -> Result<Vec<Change>, NodeSetupError> {
    let nft = find_nft(&places.nft)?;
    let mut state = State::load(&places.state_file)?;
    let mut changes = Vec::new();
    for sysctl in &plan.sysctls {
        let before = read(places, &sysctl.key)?;
        if before == sysctl.value {
            continue;
        }
        // Remembered first: a crash in between must not lose it. What we find a second time may be ours.
        let remembered = Changed { before: before.clone(), ours: sysctl.value.to_owned() };
        state.sysctls.entry(sysctl.key.clone()).or_insert(remembered);
        state.save(&places.state_file)?;
        write(places, &sysctl.key, sysctl.value)?;
        changes.push(Change::Sysctl(shown(&sysctl.key), before, sysctl.value.to_owned()));
    }
    if persist {
        let text = plan.sysctl_file();
        if fs::read_to_string(&places.sysctl_file).ok().as_ref() != Some(&text) {
            write_whole(&places.sysctl_file, &text)?;
            changes.push(Change::Written(places.sysctl_file.clone()));
        }
    }
    feed(&nft, &plan.firewall)?;
    changes.push(Change::TableSet);
    Ok(changes)
}

/// Takes back what [`apply`] did, from whatever state; doing it twice is fine.
///
/// # Errors
/// [`NodeSetupError`]; the rest can be taken back by running it again.
pub fn undo(places: &Places) -> Result<Vec<Change>, NodeSetupError> {
    let nft = find_nft(&places.nft)?;
    let mut state = State::load(&places.state_file)?;
    let mut changes = Vec::new();
    feed(&nft, &format!("add table inet {TABLE}\ndelete table inet {TABLE}\n"))?;
    changes.push(Change::TableRemoved);
    if fs::read_to_string(&places.sysctl_file).is_ok_and(|text| text.starts_with(FILE_HEAD)) {
        remove(&places.sysctl_file)?;
        changes.push(Change::Removed(places.sysctl_file.clone()));
    }
    // In reverse: forwarding off first, then what protected the default route from it.
    while let Some((key, Changed { before, ours })) = next(&state) {
        match read(places, &key) {
            Ok(now) if now == ours => {
                write(places, &key, &before)?;
                changes.push(Change::Sysctl(shown(&key), now, before));
            }
            Ok(now) => changes.push(Change::Left(shown(&key), now)),
            // Its interface is gone.
            Err(NodeSetupError::Sysctl { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(other) => return Err(other),
        }
        state.sysctls.remove(&key);
        state.save(&places.state_file)?;
    }
    if places.state_file.exists() {
        remove(&places.state_file)?;
    }
    Ok(changes)
}

/// Settings of single interfaces come last.
fn next(state: &State) -> Option<(String, Changed)> {
    let of_one_interface = |key: &str| key.ends_with("/accept_ra");
    let found = state.sysctls.iter().min_by_key(|(key, _)| of_one_interface(key));
    found.map(|(key, changed)| (key.clone(), changed.clone()))
}

fn read(places: &Places, key: &str) -> Result<String, NodeSetupError> {
    fs::read_to_string(places.proc_sys.join(key))
        .map(|value| value.trim().to_owned())
        .map_err(|cause| NodeSetupError::Sysctl { key: shown(key), doing: "read", cause })
}

fn write(places: &Places, key: &str, value: &str) -> Result<(), NodeSetupError> {
    fs::write(places.proc_sys.join(key), value).map_err(|cause| match cause.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            NodeSetupError::NotPermitted { doing: format!("setting {} = {value}", shown(key)) }
        }
        _ => NodeSetupError::Sysctl { key: shown(key), doing: "written", cause },
    })
}

fn remove(path: &Path) -> Result<(), NodeSetupError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Err(NodeSetupError::File { path: path.to_owned(), doing: "removed", cause })
        }
        _ => Ok(()),
    }
}

/// Looked for before anything is changed.
fn find_nft(nft: &Path) -> Result<PathBuf, NodeSetupError> {
    if nft.components().count() > 1 {
        return if nft.exists() { Ok(nft.to_owned()) } else { Err(NodeSetupError::NoNft) };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).chain(SYSTEM_PROGRAMS.into_iter().map(PathBuf::from));
    directories.map(|directory| directory.join(nft)).find(|program| program.is_file()).ok_or(NodeSetupError::NoNft)
}

fn feed(nft: &Path, rules: &str) -> Result<(), NodeSetupError> {
    let run = || -> io::Result<std::process::Output> {
        let mut child = Command::new(nft)
            .args([OsStr::new("-f"), OsStr::new("-")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut input) = child.stdin.take() {
            // It may refuse before it has read everything; what it says then matters more.
            let _ = input.write_all(rules.as_bytes());
        }
        child.wait_with_output()
    };
    let output = run().map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => NodeSetupError::NoNft,
        _ => NodeSetupError::Nft(cause.to_string()),
    })?;
    if output.status.success() {
        return Ok(());
    }
    let complaint: String = String::from_utf8_lossy(&output.stderr).trim().chars().take(COMPLAINT_MAX).collect();
    if complaint.contains("not permitted") {
        return Err(NodeSetupError::NotPermitted { doing: format!("changing the firewall's table inet {TABLE}") });
    }
    Err(NodeSetupError::Nft(complaint))
}
