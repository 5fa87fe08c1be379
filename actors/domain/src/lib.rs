//! Pure rules of uSipipo: identifiers, keys, pools, services, permissions, the dialogue and the buttons' codec.
//!
//! Nothing here does I/O, awaits, or asks for the time: callers pass `now` and random bytes in, so that every rule can be
//! tested with tables and properties.

pub mod access;
pub mod alert;
pub mod callback;
pub mod dialogue;
pub mod ids;
pub mod lang;
pub mod lifecycle;
pub mod new_server;
pub mod outgoing;
pub mod permission;
pub mod plan;
pub mod pool;
pub mod promotion;
pub mod screen;
pub mod service;
pub mod usage;
pub mod wg;
