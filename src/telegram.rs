//! Telegram's edge: reads raw updates ([`parse`]), renders screens ([`render`]) in Spanish and English, sends them
//! ([`messenger`]), and takes updates in by long polling ([`poll`]) or webhook ([`webhook`]).
//!
//! The tree in `usipipo-actors` knows none of this: it stores bytes, and asks for screens by name.

pub mod api;
pub mod config_file;
mod countries;
pub mod data;
#[cfg(test)]
mod fake;
pub mod html;
pub mod keyboard;
pub mod messenger;
pub mod metrics;
pub mod parse;
pub mod poll;
pub mod qr;
pub mod render;
mod store_data;
mod texts;
pub mod webhook;
mod words;
mod zones;
