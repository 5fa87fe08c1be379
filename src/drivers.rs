//! Drivers of servers of keys: what the actors ask for, in the words of each kind of server.

mod make;
mod outline;
mod telemt;

pub use make::KeyDrivers;
pub use outline::OutlineDriver;
pub use telemt::{ProxyPlace, TelemtDriver};

#[cfg(test)]
mod simulated;
