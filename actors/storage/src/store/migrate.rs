//! Bringing the schema up to date.

use super::{Conn, Result, Store, pool};
use crate::StoreError;
use crate::error::connecting;
use crate::model::StoreOptions;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{AsyncConnection as _, SimpleAsyncConnection as _};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _};
use secrecy::ExposeSecret as _;
use std::time::Duration;

const MIGRATIONS: EmbeddedMigrations = diesel_migrations::embed_migrations!("../../migrations");

/// Any constant of our own: the advisory lock that only one migrating process holds.
const LOCK: i64 = 0x7553_6970_6970_6f01;
/// Longest wait for another process that migrates.
const WAIT: Duration = Duration::from_secs(120);

impl Store {
    /// Brings the schema up to date; two processes may call it at once. Returns the names of migrations it ran.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer or another process migrates for too long;
    /// [`StoreError::Broken`] when a migration fails, and then nothing of it is left.
    pub async fn migrate(options: &StoreOptions) -> Result<Vec<String>> {
        run_blocking(locked(options).await?, |conn| {
            let done = conn.run_pending_migrations(MIGRATIONS)?;
            Ok(done.iter().map(ToString::to_string).collect())
        })
        .await
    }

    /// Takes every migration back and says how many there were; for the test that they can be.
    #[cfg(test)]
    pub(crate) async fn revert_all(options: &StoreOptions) -> Result<usize> {
        run_blocking(locked(options).await?, |conn| Ok(conn.revert_all_migrations(MIGRATIONS)?.len())).await
    }
}

/// A connection that holds the lock for as long as it lives.
async fn locked(options: &StoreOptions) -> Result<Conn> {
    let mut conn = Conn::establish(options.url.expose_secret()).await.map_err(|error| connecting(&error))?;
    // A migration may take long; only the wait for the lock is bounded.
    conn.batch_execute(&pool::session_settings(Duration::ZERO, WAIT)).await?;
    conn.batch_execute(&format!("SELECT pg_advisory_lock({LOCK})")).await?;
    Ok(conn)
}

type Blocking = AsyncConnectionWrapper<Conn>;
type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Diesel's migrations know no async.
async fn run_blocking<R: Send + 'static>(
    conn: Conn,
    work: impl FnOnce(&mut Blocking) -> std::result::Result<R, AnyError> + Send + 'static,
) -> Result<R> {
    let done = tokio::task::spawn_blocking(move || work(&mut Blocking::from(conn))).await;
    match done {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(StoreError::Broken(format!("a migration failed: {error}"))),
        Err(error) => Err(StoreError::Broken(format!("the migration stopped: {error}"))),
    }
}
