//! uSipipo sells and runs VPN access and proxies through a Telegram bot. This package holds the edges: settings, command
//! line, Telegram, servers, database process, health and metrics. The supervision tree is in `usipipo-actors`.

pub mod admin;
pub mod cli;
pub mod clock;
pub mod config;
pub mod drivers;
pub mod http;
pub mod mtproto;
pub mod node_setup;
pub mod outline;
pub mod postgres;
pub mod program;
pub mod remote;
pub mod telegram;
pub mod telemetry;
pub mod telemt;
pub mod wg_device;
pub mod wireguard;
