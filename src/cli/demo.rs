//! `usipipo demo`: the bot, its database and a simulated Telegram with a web chat, on this machine; beside WireGuard a
//! simulated Outline server and a simulated proxy server for Telegram.

mod sandbox;
mod servers;

use crate::clock::DemoClock;
use crate::config::{Needs, Settings, Surroundings, load};
use crate::program::{Program, Start};
use anyhow::Context as _;
use clap::Args;
use sandbox::Sandbox;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The simulated bot's token; worth nothing anywhere else.
const TOKEN: &str = "12345:DEMO";
/// The web chat's person with every right.
const ADMIN: &str = "1000";
/// The demo's own network interface.
const INTERFACE: &str = "wg-usipipo-demo";
/// For root, whose home PostgreSQL's user cannot enter.
const ROOT_DIR: &str = "/var/lib/usipipo-demo";

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Forget everything that earlier runs left
    #[arg(long)]
    fresh: bool,
    /// Where the demo keeps its state
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The web chat's address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    chat: SocketAddr,
    /// Log everything, not only what went wrong
    #[arg(long)]
    verbose: bool,
}

pub(super) fn run(args: &DemoArgs) -> anyhow::Result<()> {
    let around = Surroundings::of_process();
    let data_dir = data_dir(args, &around);
    if args.fresh {
        forget(&data_dir, &around)?;
    }
    let settings = settings(args, &data_dir, around)?;
    let logs = crate::telemetry::init(&settings.log)?;
    let runtime = super::runtime()?;
    let result = runtime.block_on(demo(args, settings));
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(logs);
    result
}

fn data_dir(args: &DemoArgs, around: &Surroundings) -> PathBuf {
    let chosen = args.data_dir.as_ref().map(|dir| around.directory.join(dir));
    let home = around.home.as_ref().filter(|_| !around.root).map(|home| home.join(".local/share/usipipo-demo"));
    chosen.or(home).unwrap_or_else(|| PathBuf::from(ROOT_DIR))
}

/// The settings of the demo: as the environment says, except what makes it a demo. A settings file of a real bot plays no
/// part, so that no real token, database or server can get into it.
fn settings(args: &DemoArgs, data_dir: &Path, around: Surroundings) -> anyhow::Result<Settings> {
    let directory =
        data_dir.to_str().context("the demo's directory must be written in UTF-8; choose another --data-dir")?;
    let ours = |name: &str| {
        [
            "USIPIPO_HTTP__",
            "USIPIPO_METRICS__",
            "USIPIPO_LOCALE__",
            "USIPIPO_LOG__",
            "USIPIPO_DATABASE__",
            "USIPIPO_TRIAL__",
            "USIPIPO_PLANS__",
            "USIPIPO_NOTICES__",
        ]
        .iter()
        .any(|kept| name.starts_with(kept))
            || ["USIPIPO_NODES__0__MODE", "USIPIPO_GRACE_HOURS", "USIPIPO_SERVICES_MAX"].contains(&name)
    };
    let mut around = around;
    around.variables.retain(|(name, _)| !name.starts_with("USIPIPO_") || ours(name));
    let level = if args.verbose { "info" } else { "warn" };
    for (name, value) in [
        ("USIPIPO_DATA_DIR", directory),
        ("USIPIPO_TELEGRAM__TOKEN", TOKEN),
        ("USIPIPO_ADMINS__SUPERADMINS", ADMIN),
        ("USIPIPO_NODES__0__NAME", "demo"),
        ("USIPIPO_NODES__0__PLACE", "Demo"),
        ("USIPIPO_NODES__0__INTERFACE", INTERFACE),
    ] {
        around = around.with(name, value);
    }
    let defaults = [
        ("USIPIPO_LOG__LEVEL", level.to_owned()),
        ("USIPIPO_HTTP__LISTEN", free(SocketAddr::from(([127, 0, 0, 1], 8080)))),
        ("USIPIPO_METRICS__LISTEN", free(SocketAddr::from(([127, 0, 0, 1], 9464)))),
    ];
    for (name, value) in defaults {
        if around.variable(name).is_none() {
            around = around.with(name, &value);
        }
    }
    // An empty file stands for the demo's own settings; without one, a file of the current directory would be read.
    let file = data_dir.join("demo.toml");
    std::fs::create_dir_all(data_dir)
        .and_then(|()| std::fs::write(&file, "# The demo has no settings file; see `usipipo demo --help`.\n"))
        .with_context(|| format!("{} cannot be written; choose another --data-dir", data_dir.display()))?;
    Ok(load(Some(&file), Needs::Bot, &around)?.settings)
}

/// Longest wait for a port that an earlier demo may still hold.
const PORT_WAIT: Duration = Duration::from_secs(2);
/// Between two looks at it.
const PORT_LOOK: Duration = Duration::from_millis(50);

/// The address, or one with another port if it is in use. What an earlier demo leaves behind when it is killed ends within a
/// moment, and people have the address open: that long it is waited for.
fn free(address: SocketAddr) -> String {
    let usable = |address: SocketAddr| TcpListener::bind(address).and_then(|listener| listener.local_addr()).ok();
    let begun = Instant::now();
    let mut found = usable(address);
    while found.is_none() && begun.elapsed() < PORT_WAIT {
        std::thread::sleep(PORT_LOOK);
        found = usable(address);
    }
    found.or_else(|| usable(SocketAddr::new(address.ip(), 0))).unwrap_or(address).to_string()
}

/// Removes what earlier runs left. Refuses a directory that no demo made.
fn forget(data_dir: &Path, around: &Surroundings) -> anyhow::Result<()> {
    if !data_dir.exists() {
        return Ok(());
    }
    anyhow::ensure!(
        data_dir.join("demo.toml").is_file(),
        "{} was not made by the demo, so --fresh does not delete it; choose another --data-dir, or delete it yourself",
        data_dir.display()
    );
    // A demo that was killed leaves its database and its tunnels running.
    if around.root {
        crate::wg_device::end(INTERFACE);
    }
    crate::postgres::kill_abandoned(data_dir);
    std::fs::remove_dir_all(data_dir).with_context(|| {
        format!("{} cannot be deleted; stop a demo that still runs, then try again", data_dir.display())
    })
}

async fn demo(args: &DemoArgs, mut settings: Settings) -> anyhow::Result<()> {
    let data_dir = settings.data_dir.clone();
    let program_url = format!("http://{}", settings.http_listen);
    let mut sandbox = Sandbox::start(args.chat, TOKEN, &data_dir.join("telegram"), &program_url).await?;
    settings.telegram.api_url.clone_from(&sandbox.url);
    settings.key_nodes = servers::simulated(&sandbox.url).await?;
    let clock = Arc::new(DemoClock::open(&data_dir)?);
    let program = Program::start(Start { settings, demo_clock: Some(clock) }).await?;
    super::print(&banner(&sandbox.url, &program, &data_dir))?;
    let result = program
        .run_until_signalled(async {
            sandbox.ended().await;
            anyhow::anyhow!("the simulated Telegram ended; start the demo again")
        })
        .await;
    sandbox.stop().await;
    if nix::unistd::geteuid().is_root() {
        crate::wg_device::end(INTERFACE);
    }
    result
}

fn banner(chat: &str, program: &Program, data_dir: &Path) -> String {
    format!(
        "\n  Chat with the bot   {chat}/\n  Health              http://{}/readyz\n  Metrics             http://{}/metrics\n  \
         Servers             {}\n\nKept in {} between runs (--fresh forgets it). Ctrl-C stops.\n",
        program.http_address(),
        program.metrics_address(),
        program.servers().join("\n                      "),
        data_dir.display(),
    )
}
