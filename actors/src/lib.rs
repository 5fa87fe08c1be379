//! The supervision tree of uSipipo.
//!
//! ```text
//! root ─┬─ inbox      stores updates, also on a standby          ┐ always
//!       ├─ leader     holds the lease, starts and ends `duty`    ┘
//!       └─ duty ─┬─ alerts, outbox            (only while this process leads; everything under it writes with its epoch)
//!                ├─ pool/<node>/<purpose> …   addresses
//!                ├─ node/<name> …             servers of tunnels
//!                ├─ key_node/<name> …         servers of keys
//!                ├─ committer                 commits steps of many sessions together
//!                ├─ router ── session …       one for each active user
//!                ├─ payments, membership      updates that never go through a session
//!                ├─ sweeper, stats            what time and rows demand
//!                └─ poller                    long polling, if that is how updates come
//! ```
//!
//! Work waits in rows, not in mailboxes: a message is a hint, and every actor finds its work again in the database when it
//! starts. Actors find each other in the [`directory`], never by a reference they keep.

pub mod alerts;
pub mod ask;
pub mod committer;
pub mod directory;
pub mod env;
#[cfg(all(test, feature = "testing"))]
mod fixture;
pub mod inbox;
pub mod ip_pool;
pub mod key_node;
pub mod lane;
pub mod leader;
pub mod limits;
pub mod metrics;
pub mod node;
mod on_drop;
pub mod outbox;
mod pace;
pub mod poller;
pub mod ports;
pub mod registry;
#[cfg(all(test, feature = "testing"))]
mod rig;
pub mod router;
mod server;
pub mod session;
pub mod stats;
pub mod supervision;
pub mod sweeper;
pub mod system;
#[cfg(feature = "testing")]
pub mod testing;
mod timer;

pub use usipipo_domain as domain;
pub use usipipo_storage as storage;
pub use usipipo_storage::model;
