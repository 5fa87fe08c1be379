//! The whole program as its users meet it: real PostgreSQL, a simulated Telegram, a process that is killed now and then.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod support;

mod added_servers;
mod alert_rules;
mod boards;
mod care;
mod commands;
mod conversation;
mod crash;
mod doctor;
mod mtproto;
mod node_setup;
mod outage;
mod services;
mod standby;
mod tunnel;
mod tunnel_driver;
mod webhook;
