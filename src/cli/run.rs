//! `usipipo run`

use crate::clock::DemoClock;
use crate::config::{DEFAULT_API, Needs, Surroundings, load};
use crate::program::{Program, Start};
use clap::Args;
use std::path::Path;
use std::sync::Arc;

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Let POST /demo/clock move the time; against a simulated Telegram only
    #[arg(long, hide = true)]
    demo_clock: bool,
}

pub(super) fn run(args: &RunArgs, config: Option<&Path>) -> anyhow::Result<()> {
    let loaded = load(config, Needs::Bot, &Surroundings::of_process())?;
    anyhow::ensure!(
        !args.demo_clock || loaded.settings.telegram.api_url != DEFAULT_API,
        "--demo-clock is for a simulated Telegram; remove it, or set telegram.api_url to the simulated one"
    );
    let logs = crate::telemetry::init(&loaded.settings.log)?;
    let runtime = super::runtime()?;
    let result = runtime.block_on(async {
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let settings = loaded.settings;
        let demo_clock = if args.demo_clock {
            std::fs::create_dir_all(&settings.data_dir)?;
            Some(Arc::new(DemoClock::open(&settings.data_dir)?))
        } else {
            None
        };
        let program = Program::start(Start { settings, demo_clock }).await?;
        program.run_until_signalled(std::future::pending()).await
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    drop(logs);
    result
}
