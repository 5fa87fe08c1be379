//! What can go wrong, each in one sentence with its remedy.

use std::io;
use std::path::PathBuf;

/// Why the private PostgreSQL does not run.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No binaries.
    #[error(
        "PostgreSQL is not installed (looked in PATH and /usr/lib/postgresql); install it with `apt-get install postgresql`, \
         or set database.url to a server of yours"
    )]
    NotInstalled,
    /// Binaries that are too old.
    #[error("PostgreSQL {found} is too old; install version {least} or newer with `apt-get install postgresql`")]
    TooOld {
        /// The newest there is.
        found: u32,
        /// What is needed.
        least: u32,
    },
    /// The user to run it does not exist.
    #[error(
        "PostgreSQL must not run as root, and the user {user} to run it does not exist; `apt-get install postgresql` makes it, \
         or name another in database.system_user"
    )]
    NoSuchUser {
        /// Its name.
        user: String,
    },
    /// Root without the right to become somebody else.
    #[error(
        "PostgreSQL must not run as root, but this process may not become {user}: {cause}; start the program as an ordinary \
         user, or give it CAP_SETUID and CAP_SETGID"
    )]
    CannotBecome {
        /// The user.
        user: String,
        /// Why.
        cause: io::Error,
    },
    /// The user that runs it cannot reach the data.
    #[error(
        "the user {user}, who runs PostgreSQL, cannot enter {path}; run `chmod o+x {path}`, or choose another data_dir, such as \
         /var/lib/usipipo"
    )]
    CannotEnter {
        /// The user.
        user: String,
        /// The first directory that is closed.
        path: PathBuf,
    },
    /// A directory or file of ours.
    #[error(
        "{path} cannot be made or written: {cause}; give it to the user who runs this program, or choose another data_dir"
    )]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The cluster belongs to somebody else.
    #[error("{path} does not belong to {user}, who runs PostgreSQL; run `chown -R {user} {path}`")]
    WrongOwner {
        /// Which.
        path: PathBuf,
        /// Who should own it.
        user: String,
    },
    /// No room.
    #[error("the disk that holds {path} is full; free some space (at least 256 MB) and start again, nothing is lost")]
    DiskFull {
        /// What should be written there.
        path: PathBuf,
    },
    /// The data were made by a version that is not installed.
    #[error(
        "the data in {path} were made by PostgreSQL {data}, but installed is {installed}; install postgresql-{data}, or move \
         the data to the new version with pg_upgrade (dump and restore works too)"
    )]
    Version {
        /// The cluster.
        path: PathBuf,
        /// Its version.
        data: u32,
        /// What there is.
        installed: String,
    },
    /// initdb did not work.
    #[error("the private database could not be made: {reason}; mend that and start again")]
    NotMade {
        /// The last thing initdb said.
        reason: String,
    },
    /// The socket's directory.
    #[error(
        "the database's socket cannot be put into {path}: {reason}; remove that directory, or choose a shorter data_dir"
    )]
    SocketDirectory {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Another server listens there.
    #[error("another PostgreSQL uses the socket in {path}; stop it, or choose another data_dir")]
    SocketInUse {
        /// The socket's directory.
        path: PathBuf,
    },
    /// Somebody else is at it for too long.
    #[error("another process has been starting the database for too long; see what holds {path} (`fuser -v {path}`)")]
    Busy {
        /// The lock.
        path: PathBuf,
    },
    /// Not enough memory.
    #[error("PostgreSQL finds too little memory to start: {reason}; free some, it needs about 200 MB")]
    Memory {
        /// What it said.
        reason: String,
    },
    /// It ended at once.
    #[error("the private database does not start: {reason}; {log} tells more")]
    NotStarted {
        /// What it said.
        reason: String,
        /// Where it logs.
        log: PathBuf,
    },
    /// It does not answer yet.
    #[error(
        "the private database is still recovering after {seconds} s; it goes on by itself, so start the program again later \
         ({log} tells how far it is)"
    )]
    StillStarting {
        /// How long we waited.
        seconds: u64,
        /// Where it logs.
        log: PathBuf,
    },
    /// It does not end.
    #[error(
        "the private database (process {pid}) does not stop; look at it with `ps {pid}` and end it with `kill -QUIT {pid}`"
    )]
    NotStopped {
        /// Its process.
        pid: i32,
    },
}

impl PostgresError {
    pub(super) fn directory(path: impl Into<PathBuf>, cause: io::Error) -> Self {
        let path = path.into();
        if cause.raw_os_error() == Some(nix::errno::Errno::ENOSPC as i32) {
            Self::DiskFull { path }
        } else {
            Self::Directory { path, cause }
        }
    }

    /// Whether the same start may work a little later.
    pub(super) const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::NotStarted { .. } | Self::Memory { .. } | Self::DiskFull { .. } | Self::StillStarting { .. }
        )
    }
}
