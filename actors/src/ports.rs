//! What the tree needs from the outside, as traits that the edges implement: real ones in the root package, fakes in tests.

pub mod clock;
pub mod driver;
pub mod drivers;
pub mod key_driver;
pub mod liveness;
pub mod messenger;
pub mod promotion;
pub mod updates;
