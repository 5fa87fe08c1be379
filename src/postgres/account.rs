//! Who runs the server.

use super::error::PostgresError;
use nix::unistd::{Gid, Uid, User, chown, geteuid};
use std::io;
use std::path::Path;
use tokio::process::Command;

/// The user that runs PostgreSQL.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: Uid,
    gid: Gid,
    /// We are root and must become that user.
    switch: bool,
}

impl Account {
    /// This process's own user, or the named one when we are root.
    pub(super) fn resolve(system_user: &str) -> Result<Self, PostgresError> {
        let own = geteuid();
        let missing = || PostgresError::NoSuchUser { user: system_user.to_owned() };
        if own.is_root() {
            let user = User::from_name(system_user).ok().flatten().ok_or_else(missing)?;
            if user.uid.is_root() {
                return Err(missing());
            }
            return Ok(Self { name: user.name, uid: user.uid, gid: user.gid, switch: true });
        }
        let name = User::from_uid(own).ok().flatten().map_or_else(|| own.to_string(), |user| user.name);
        Ok(Self { name, uid: own, gid: nix::unistd::getegid(), switch: false })
    }

    /// Whether the server runs as another user than we do.
    pub(super) const fn is_other(&self) -> bool {
        self.switch
    }

    /// A command run by this user, with an environment that makes PostgreSQL speak English (its messages are read).
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C");
        command.current_dir("/").stdin(std::process::Stdio::null());
        if self.switch {
            command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
        }
        command
    }

    /// Makes it the owner, if it is not us.
    pub(super) fn give(&self, path: &Path) -> Result<(), PostgresError> {
        if !self.switch {
            return Ok(());
        }
        chown(path, Some(self.uid), Some(self.gid)).map_err(|cause| PostgresError::directory(path, cause.into()))
    }

    /// Tries to enter the directory as this user, and names the first one above it that is closed.
    pub(super) fn must_enter(&self, directory: &Path) -> Result<(), PostgresError> {
        let mut way: Vec<&Path> = directory.ancestors().collect();
        way.reverse();
        for path in way {
            match self.enter(path) {
                Ok(()) => {}
                Err(cause) if cause.kind() == io::ErrorKind::PermissionDenied && !self.may_become() => {
                    return Err(PostgresError::CannotBecome { user: self.name.clone(), cause });
                }
                Err(_) => {
                    return Err(PostgresError::CannotEnter { user: self.name.clone(), path: path.to_owned() });
                }
            }
        }
        Ok(())
    }

    fn may_become(&self) -> bool {
        self.enter(Path::new("/")).is_ok()
    }

    /// The kernel decides, so that access lists and mount options count too.
    fn enter(&self, directory: &Path) -> io::Result<()> {
        use std::os::unix::process::CommandExt as _;
        let mut command = std::process::Command::new("/bin/true");
        command.env_clear().current_dir(directory);
        if self.switch {
            command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
        }
        command.status().map(|_| ())
    }
}
