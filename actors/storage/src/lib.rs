//! The only place of uSipipo that knows Diesel: [`Store`] with one method per unit of work, read-only queries, the vault for
//! secrets at rest, and the mapping of database errors.

pub mod crash;
mod error;
pub mod model;
mod schema;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod vault;

pub use error::StoreError;
pub use store::{SchemaState, Store};
pub use vault::Vault;
