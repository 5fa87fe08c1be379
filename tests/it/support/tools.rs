//! Programs that tests need and the product does not.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where they may be unpacked, as from Debian's packages.
fn unpacked() -> PathBuf {
    std::env::var_os("USIPIPO_TOOLS_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools"), PathBuf::from)
}

/// Finds a program installed or unpacked.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tools = unpacked();
    let unpacked = ["usr/bin", "usr/sbin", "bin", "sbin"].map(|directory| tools.join(directory));
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .chain(unpacked)
        .map(|directory| directory.join(name))
        .find(|program| program.is_file())
}

/// Directories of libraries that unpacked programs need.
pub(crate) fn library_path() -> String {
    let tools = unpacked();
    let machine = format!("{}-linux-gnu", std::env::consts::ARCH);
    let directories = ["usr/lib", "lib"].map(|lib| tools.join(lib).join(&machine).display().to_string());
    directories.join(":")
}

/// Runs to its end; panics with what it said when it fails.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|cause| panic!("{command:?}: {cause}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}
