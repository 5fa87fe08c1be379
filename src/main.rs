//! The program `usipipo`.

use std::process::ExitCode;

fn main() -> ExitCode {
    usipipo::cli::main()
}
