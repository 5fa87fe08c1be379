//! uSipipo sells and runs VPN access and proxies through a Telegram bot. This package holds the edges: settings, command
//! line, Telegram, servers, database process, health and metrics. The supervision tree is in `usipipo-actors`.

pub mod config;
pub mod clock;
pub mod telemetry;
pub mod postgres;
pub mod http;
