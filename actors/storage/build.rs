//! Embedded migrations are read while compiling; a new one must compile the package again.

fn main() {
    use std::io::Write as _;
    // A build script speaks to cargo through its standard output.
    let _ = writeln!(std::io::stdout(), "cargo::rerun-if-changed=../../migrations");
}
