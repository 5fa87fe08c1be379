//! Fake ports and a builder of whole systems, for tests.

pub mod clock;
pub mod driver;
pub mod drivers;
pub mod key_driver;
pub mod liveness;
pub mod messenger;
pub mod parser;
pub mod source;
pub mod system;

pub use system::until;
