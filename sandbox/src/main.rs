//! The sandbox as a program of its own.

use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::mpsc;
use tracing_subscriber::EnvFilter;
use usipipo_sandbox::Sandbox;
use usipipo_sandbox::world::Settings;
use usipipo_sandbox::world::queries::CALLBACK_SECONDS;

/// Telegram's Bot API, simulated, with a web chat and a control API.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Address to listen on; port 0 for a free one.
    #[arg(long, default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// The bot's token.
    #[arg(long, default_value = "12345:TEST")]
    token: String,
    /// The bot's user name.
    #[arg(long, default_value = "usipipo_sandbox_bot")]
    username: String,
    /// Keep the state in this directory.
    #[arg(long)]
    state_dir: Option<PathBuf>,
    /// Forget the kept state.
    #[arg(long)]
    fresh: bool,
    /// The program whose clock moves along, such as http://127.0.0.1:8080.
    #[arg(long)]
    program_url: Option<String>,
    /// Never answer 429 unasked.
    #[arg(long)]
    no_limits: bool,
    /// How long a callback query may be answered, in seconds.
    #[arg(long, default_value_t = CALLBACK_SECONDS)]
    callback_seconds: u64,
    /// Serve this chat page instead of the one built in.
    #[arg(long)]
    page: Option<PathBuf>,
    /// Stop when stdin ends.
    #[arg(long)]
    exit_with_parent: bool,
    /// Print only where it listens.
    #[arg(long)]
    quiet: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let default = if options.quiet { "off" } else { "info" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let sandbox = Sandbox::start(Settings {
        listen: options.listen,
        token: options.token,
        username: options.username,
        state_dir: options.state_dir,
        fresh: options.fresh,
        program_url: options
            .program_url
            .map(|url| url.trim_end_matches('/').to_owned()),
        limits: !options.no_limits,
        callback_seconds: options.callback_seconds,
        page: options.page,
    })
    .await?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let (ended, mut parent) = mpsc::channel(1);
    if options.exit_with_parent {
        // Reading stdin blocks, and must not keep the program from ending; so it is a plain thread.
        std::thread::spawn(move || {
            let mut buffer = [0; 1024];
            let mut stdin = std::io::stdin().lock();
            while stdin.read(&mut buffer).is_ok_and(|count| count > 0) {}
            let _ = ended.blocking_send(());
        });
    } else {
        // Kept open, so that the wait below never ends.
        std::mem::forget(ended);
    }
    let mut stdout = std::io::stdout().lock();
    // Whoever started it may have closed the pipe; it runs nevertheless.
    let _ = writeln!(stdout, "listening on {}", sandbox.url()).and_then(|()| stdout.flush());
    drop(stdout);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = parent.recv() => {}
    }
    sandbox.stop().await
}
