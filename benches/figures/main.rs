//! `make bench`: what the program can do, one line a figure: `B1.updates_per_s = 2345`. A wrong result fails the run.
//!
//! Telegram's limits of speed are lifted against the simulated Telegram, except where they are what is measured; durability never
//! is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a command for people")]

mod boot;
mod delivery;
mod expiry;
mod lab;
mod leases;
mod secrets;
mod seed;
mod sessions;
mod soak;
mod updates;
mod wireguard;

use std::process::ExitCode;

/// The measurements by name, in the order in which they run; the soak only runs when asked for.
const ALL: [&str; 9] = ["B1", "B2", "B3", "B5", "B6", "B7", "B8", "B9", "B10"];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--bench")).collect();
    match args.first().map(String::as_str) {
        Some("lease-worker") => return leases::worker(&args[1..]),
        Some("wg-library") => return wireguard::library(),
        Some("wg-ours") => return wireguard::ours(),
        Some(kind @ ("expiry-tunnels" | "expiry-keys")) => return expiry::worker(kind),
        _ => {}
    }
    let asked: Vec<&str> = match args.as_slice() {
        [] => ALL.into_iter().filter(|name| *name != "B10").collect(),
        names => {
            if let Some(unknown) = names.iter().find(|name| !ALL.contains(&name.as_str())) {
                eprintln!("there is no measurement {unknown}; there are {}", ALL.join(", "));
                return ExitCode::FAILURE;
            }
            ALL.into_iter().filter(|name| names.iter().any(|asked| asked == name)).collect()
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for name in asked {
        match name {
            "B1" => runtime.block_on(updates::run()),
            "B2" => runtime.block_on(delivery::run()),
            "B3" => runtime.block_on(leases::run()),
            "B5" => runtime.block_on(sessions::idle()),
            "B6" => runtime.block_on(sessions::restarts()),
            "B7" => expiry::run(),
            "B8" => {
                wireguard::run();
                runtime.block_on(secrets::run());
            }
            "B9" => runtime.block_on(boot::run()),
            _ => runtime.block_on(soak::run()),
        }
    }
    ExitCode::SUCCESS
}

/// Says what is run.
fn say(text: &str) {
    println!("# {text}");
}

/// One figure.
fn figure(name: &str, value: impl std::fmt::Display) {
    println!("{name} = {value}");
}
