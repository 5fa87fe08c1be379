//! The command line. `usipipo help` explains it; each command has its own file.

mod config;
mod demo;
mod doctor;
mod keys;
mod migrate;
mod node;
mod run;
mod tree;
mod wg_device;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Sells and runs VPN access and proxies through a Telegram bot.
#[derive(Debug, Parser)]
#[command(name = "usipipo", version, about, max_term_width = 100)]
struct Cli {
    /// Settings file; else USIPIPO_CONFIG, ./usipipo.toml or /etc/usipipo/usipipo.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bot
    Run(run::RunArgs),
    /// Try everything on this machine: a simulated Telegram with a web chat, no token needed
    Demo(demo::DemoArgs),
    /// Bring the database up to date and stop
    Migrate,
    /// Check settings, database, Telegram, servers, and say how to mend what is wrong
    Doctor,
    /// Look at the settings
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Show the actors of the running program
    Tree(tree::TreeArgs),
    /// Master keys of secrets at rest
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Servers, and this machine as a VPN server
    #[command(subcommand)]
    Node(node::NodeCommand),
    /// Carry WireGuard in userspace for one interface (the program starts it by itself)
    #[command(hide = true)]
    WgDevice(wg_device::WgDeviceArgs),
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let config = cli.config.as_deref();
    let result = match &cli.command {
        Command::Run(args) => run::run(args, config),
        Command::Demo(args) => demo::run(args),
        Command::Migrate => migrate::run(config),
        Command::Doctor => return doctor::run(config),
        Command::Config(command) => config::run(command, config),
        Command::Tree(args) => tree::run(args, config),
        Command::Keys(command) => keys::run(command, config),
        Command::Node(command) => node::run(command, config),
        Command::WgDevice(args) => wg_device::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("usipipo: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// To a person, on standard error; secrets that slipped into an error are taken out.
fn say(text: &str) {
    use std::io::Write as _;
    // Nobody can be told when standard error is gone.
    let _ = writeln!(std::io::stderr(), "{}", crate::telemetry::redact(text));
}

/// A command's result, on standard output. A reader that went away (`| head`) is no error.
fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// The runtime of commands that do I/O.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
