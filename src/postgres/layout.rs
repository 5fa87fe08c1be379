//! Paths, and who may pass.

use super::account::Account;
use super::error::PostgresError;
use nix::unistd::geteuid;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// A socket's path has at most 107 bytes and a zero; PostgreSQL puts this into the directory.
const SOCKET_NAME: &str = ".s.PGSQL.5432";
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// Where everything is.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) base: PathBuf,
    pub(super) socket_dir: PathBuf,
}

impl Layout {
    /// Makes the directories that are missing and checks that the server can reach its own.
    pub(super) fn prepare(data_dir: &Path, account: &Account) -> Result<Self, PostgresError> {
        // The program's directory holds keys: others may at most pass through, and only if the server is somebody else.
        let passage = if account.is_other() { 0o711 } else { 0o700 };
        let wrong = |cause| PostgresError::directory(data_dir, cause);
        make(data_dir, passage)?;
        // PostgreSQL and /proc name real paths, so links are resolved once.
        let data_dir = fs::canonicalize(data_dir).map_err(wrong)?;
        let base = data_dir.join("postgres");
        make(&base, passage)?;
        let layout = Self { socket_dir: socket_dir(&base), base };
        make(&layout.conf(), 0o755)?;
        account.must_enter(&layout.base)?;
        for own in [layout.log(), layout.base.join("run")] {
            make(&own, 0o700)?;
            account.give(&own)?;
        }
        layout.prepare_socket_dir(account)?;
        Ok(layout)
    }

    pub(super) fn data(&self) -> PathBuf {
        self.base.join("data")
    }

    pub(super) fn conf(&self) -> PathBuf {
        self.base.join("conf")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.base.join("log")
    }

    /// What the server says before its own log is open.
    pub(super) fn start_log(&self) -> PathBuf {
        self.base.join("start.log")
    }

    /// A directory outside the data directory may have been made by anybody, so it must be ours alone.
    pub(super) fn prepare_socket_dir(&self, account: &Account) -> Result<(), PostgresError> {
        let path = &self.socket_dir;
        let refuse = |reason: String| PostgresError::SocketDirectory { path: path.clone(), reason };
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => return account.give(path),
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(refuse(cause.to_string())),
        }
        let meta = fs::symlink_metadata(path).map_err(|cause| refuse(cause.to_string()))?;
        if !meta.is_dir() || meta.uid() != account.uid.as_raw() {
            return Err(refuse("it exists and belongs to somebody else".to_owned()));
        }
        fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(|cause| refuse(cause.to_string()))
    }
}

fn make(path: &Path, mode: u32) -> Result<(), PostgresError> {
    let wrong = |cause| PostgresError::directory(path, cause);
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(wrong)?;
    }
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(mode)).map_err(wrong),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(cause) => Err(wrong(cause)),
    }
}

/// Beside the data if the path is short enough, else a short one that depends on the data's path only.
fn socket_dir(base: &Path) -> PathBuf {
    let near = base.join("run");
    // PostgreSQL takes a list of directories, separated by commas.
    if fits(&near) && !near.to_string_lossy().contains([',', '"']) {
        return near;
    }
    let name = format!("usipipo-{:016x}", fingerprint(base));
    let places = if geteuid().is_root() { ["/run", "/tmp"] } else { ["/dev/null", "/tmp"] };
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|_| !geteuid().is_root()).map(PathBuf::from);
    let place =
        runtime.into_iter().chain(places.map(PathBuf::from)).find(|place| place.is_dir() && fits(&place.join(&name)));
    place.unwrap_or_else(|| PathBuf::from("/tmp")).join(name)
}

fn fits(directory: &Path) -> bool {
    directory.join(SOCKET_NAME).as_os_str().len() <= SOCKET_PATH_BYTES_MAX
}

/// FNV-1a, 64 bits: the same in every version of the program, unlike the standard library's hashes.
fn fingerprint(path: &Path) -> u64 {
    use std::os::unix::ffi::OsStrExt as _;
    let bytes = path.as_os_str().as_bytes();
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_fit_whatever_the_data_directory() {
        let near = socket_dir(Path::new("/var/lib/usipipo/postgres"));
        assert_eq!(near, Path::new("/var/lib/usipipo/postgres/run"));
        let long = PathBuf::from(format!("/srv/{}/postgres", "very-long-name/".repeat(12)));
        let far = socket_dir(&long);
        assert!(fits(&far) && !far.starts_with("/srv"), "{}", far.display());
        assert_eq!(far, socket_dir(&long), "two processes must find the same one");
        assert_ne!(far, socket_dir(&long.join("other")));
    }
}
