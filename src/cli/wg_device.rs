//! `usipipo wg-device`

use clap::Args;

#[derive(Debug, Args)]
pub(super) struct WgDeviceArgs {
    /// Network interface
    #[arg(long)]
    interface: String,
}

pub(super) fn run(args: &WgDeviceArgs) -> anyhow::Result<()> {
    Ok(crate::wg_device::run(&args.interface)?)
}
