//! The supervision tree.
pub mod ports;
