//! What the kernel's settings were before us.

use super::NodeSetupError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// One setting that we changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Changed {
    /// Before us.
    pub(super) before: String,
    /// By us.
    pub(super) ours: String,
}

/// All of them, by name.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) sysctls: BTreeMap<String, Changed>,
}

impl State {
    /// Nothing if there is no file.
    pub(super) fn load(path: &Path) -> Result<Self, NodeSetupError> {
        match fs::read(path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|cause| NodeSetupError::State { path: path.to_owned(), cause })
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(cause) => Err(NodeSetupError::File { path: path.to_owned(), doing: "read", cause }),
        }
    }

    pub(super) fn save(&self, path: &Path) -> Result<(), NodeSetupError> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|cause| NodeSetupError::State { path: path.to_owned(), cause })?;
        write_whole(path, &text)
    }
}

/// Never leaves half a file.
pub(super) fn write_whole(path: &Path, text: &str) -> Result<(), NodeSetupError> {
    let written = || {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".new");
        fs::write(&temporary, text)?;
        fs::rename(&temporary, path)
    };
    written().map_err(|cause| NodeSetupError::File { path: path.to_owned(), doing: "written", cause })
}
