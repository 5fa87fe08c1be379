//! [`Store`]: one method per unit of work. Each topic has its own file with its own `impl Store`.

mod alerting;
mod alerts;
mod audit;
mod cards;
mod dead;
mod decode;
#[cfg(test)]
mod fixture;
mod held;
mod inbox;
mod key_nodes;
mod key_usage;
mod keys;
mod leader;
mod leases;
mod life;
mod migrate;
mod nodes;
mod outbox;
mod overview;
mod peers;
mod plans;
mod pool;
mod pools;
mod promotion;
mod queue;
mod rotate;
mod server_changes;
mod session;
mod sql;
mod steps;
mod strays;
mod suspend;
mod sweep;
mod tx;
mod usage;

pub use migrate::SchemaState;

use crate::model::StoreOptions;
use crate::{StoreError, Vault};
use diesel_async::AsyncPgConnection;
use diesel_async::RunQueryDsl as _;
use diesel_async::pooled_connection::deadpool::{Object, Pool};

type Result<T> = std::result::Result<T, StoreError>;
pub(crate) type Conn = AsyncPgConnection;

/// Access to the database; cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: Pool<Conn>,
    vault: Vault,
    hours: held::NoticeHours,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the pool; connections are made when needed.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the options make no sense.
    pub fn connect(options: &StoreOptions, vault: Vault) -> Result<Self> {
        Ok(Self { pool: pool::build(options)?, vault, hours: held::NoticeHours::default() })
    }

    /// One round trip, for readiness.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer in time.
    pub async fn ping(&self) -> Result<()> {
        let mut conn = self.conn().await?;
        diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("1")).execute(&mut conn).await?;
        Ok(())
    }

    /// A connection for reads; units of work go through [`Store::tx`] or [`Store::fenced`].
    async fn conn(&self) -> Result<Object<Conn>> {
        Ok(self.pool.get().await?)
    }

    /// Connections in use and idle, and callers that wait, for metrics.
    #[must_use]
    pub fn pool_status(&self) -> (usize, usize, usize) {
        let status = self.pool.status();
        (status.size.saturating_sub(status.available), status.available, status.waiting)
    }
}

#[cfg(test)]
mod tests;
