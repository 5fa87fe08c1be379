//! The sandbox from outside: over HTTP, as programs and tests use it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed unwrap is a failed test"
)]

mod commands;
mod control;
mod edits;
mod faults;
mod files;
mod keyboards;
mod limits;
mod load;
mod outline;
mod page;
mod payments;
mod persistence;
mod program;
mod ptb;
mod strict;
mod support;
mod telemt;
mod updates;
mod watch;
mod webhook;
