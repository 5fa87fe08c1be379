//! Finds PostgreSQL's programs.

use super::error::PostgresError;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Oldest version the program is tested with.
const MAJOR_MIN: u32 = 14;

/// PostgreSQL's programs of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// Where they are.
    pub directory: PathBuf,
    /// 15, 16 …
    pub major: u32,
}

impl Binaries {
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn look(directory: &Path) -> Option<Self> {
        let program = directory.join("postgres");
        if !program.is_file() || !directory.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(&program).arg("--version").output().ok()?;
        let major = major(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { directory: directory.to_owned(), major })
    }
}

/// `postgres (PostgreSQL) 15.18 (Debian …)` is 15; `17beta1` is 17.
fn major(text: &str) -> Option<u32> {
    let version = text.split_once("(PostgreSQL) ")?.1;
    let digits = version.bytes().take_while(u8::is_ascii_digit).count();
    version[..digits].parse().ok()
}

/// Every version there is, newest first.
#[must_use]
pub fn installed() -> Vec<Binaries> {
    let from_path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let debian = debian.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    let mut found: Vec<Binaries> =
        std::env::split_paths(&from_path).chain(debian).filter_map(|directory| Binaries::look(&directory)).collect();
    found.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
    found.dedup();
    found
}

/// The version that fits: the one that made the data, or the newest.
pub(super) fn choose(found: Vec<Binaries>, data: Option<(u32, &Path)>) -> Result<Binaries, PostgresError> {
    let Some(newest) = found.first().cloned() else { return Err(PostgresError::NotInstalled) };
    let Some((wanted, path)) = data else {
        let found = newest.major;
        return if found < MAJOR_MIN { Err(PostgresError::TooOld { found, least: MAJOR_MIN }) } else { Ok(newest) };
    };
    let installed = found.iter().map(|binaries| binaries.major.to_string()).collect::<Vec<_>>().join(" and ");
    let fits = found.into_iter().find(|binaries| binaries.major == wanted);
    fits.ok_or_else(|| PostgresError::Version { path: path.to_owned(), data: wanted, installed })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(major: u32) -> Binaries {
        Binaries { directory: PathBuf::from(format!("/usr/lib/postgresql/{major}/bin")), major }
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("something else"), None);
    }

    #[test]
    fn the_version_that_made_the_data_wins_over_the_newest() {
        let path = Path::new("/d");
        assert_eq!(choose(vec![some(17), some(15)], None).unwrap().major, 17);
        assert_eq!(choose(vec![some(17), some(15)], Some((15, path))).unwrap().major, 15);
    }

    #[test]
    fn what_is_missing_is_said() {
        let path = Path::new("/d");
        let none = choose(Vec::new(), None).unwrap_err().to_string();
        assert!(none.contains("apt-get install postgresql"), "{none}");
        let other = choose(vec![some(17), some(16)], Some((15, path))).unwrap_err().to_string();
        assert!(other.contains("made by PostgreSQL 15, but installed is 17 and 16"), "{other}");
        assert!(other.contains("pg_upgrade"), "{other}");
        assert!(matches!(choose(vec![some(11)], None), Err(PostgresError::TooOld { found: 11, .. })));
    }
}
