//! The key file: owner only, written whole or not at all.

use super::{Vault, random};
use crate::StoreError;
use secrecy::{ExposeSecret as _, SecretString};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Longest key file in bytes.
const FILE_MAX_BYTES: u64 = 16 * 1024;

fn cannot(path: &Path, what: &str, error: &std::io::Error) -> StoreError {
    StoreError::Vault(format!("the key file {} cannot be {what}: {error}", path.display()))
}

impl Vault {
    /// Reads a key file.
    ///
    /// # Errors
    /// [`StoreError::Vault`] when it cannot be read, others than its owner may read it, or its text does not fit.
    pub fn open_file(path: &Path) -> Result<Self, StoreError> {
        let file = std::fs::File::open(path).map_err(|error| cannot(path, "read", &error))?;
        let meta = file.metadata().map_err(|error| cannot(path, "read", &error))?;
        if meta.mode() & 0o077 != 0 {
            return Err(StoreError::Vault(format!(
                "others may read the key file {path}; run: chmod 600 {path}",
                path = path.display()
            )));
        }
        let mut text = Zeroizing::new(String::new());
        file.take(FILE_MAX_BYTES).read_to_string(&mut text).map_err(|error| cannot(path, "read", &error))?;
        Ok(Self { path: Some(path.into()), ..Self::from_text(&SecretString::from(text.as_str()))? })
    }

    /// Reads a key file, or makes one with a new key (mode 0600) when there is none. Two processes may do so at once.
    ///
    /// # Errors
    /// As [`Vault::open_file`], and when it cannot be written.
    pub fn open_or_create(path: &Path) -> Result<Self, StoreError> {
        match path.try_exists() {
            Ok(true) => return Self::open_file(path),
            Ok(false) => {}
            Err(error) => return Err(cannot(path, "read", &error)),
        }
        let temporary = Self::generate()?.write_beside(path)?;
        // Unlike a rename, a link does not replace what another process has just made.
        let linked = std::fs::hard_link(&temporary, path);
        let _ = std::fs::remove_file(&temporary);
        match linked {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(cannot(path, "made", &error)),
        }
        sync_folder(path)?;
        Self::open_file(path)
    }

    /// Adds a new current key to the key file, durably, before anything is sealed with it.
    ///
    /// # Errors
    /// As [`Vault::open_file`], and when it cannot be written; then the file is as before.
    pub fn rotate_file(path: &Path) -> Result<Self, StoreError> {
        let vault = Self::open_file(path)?.with_new_key()?;
        let temporary = vault.write_beside(path)?;
        std::fs::rename(&temporary, path).map_err(|error| {
            let _ = std::fs::remove_file(&temporary);
            cannot(path, "replaced", &error)
        })?;
        sync_folder(path)?;
        Ok(vault)
    }

    fn write_beside(&self, path: &Path) -> Result<PathBuf, StoreError> {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{:08x}.new", u32::from_be_bytes(random()?)));
        let temporary = PathBuf::from(name);
        let text = self.to_text();
        let written = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary).and_then(
            |mut file| {
                file.write_all(text.expose_secret().as_bytes())?;
                file.sync_all()
            },
        );
        if let Err(error) = written {
            let _ = std::fs::remove_file(&temporary);
            return Err(cannot(path, "written", &error));
        }
        Ok(temporary)
    }
}

fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| cannot(path, "written durably", &error))
}
