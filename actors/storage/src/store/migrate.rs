//! Bringing the schema up to date.

use super::{Conn, Result, Store, pool};
use crate::StoreError;
use crate::error::connecting;
use crate::model::StoreOptions;
use diesel::migration::{Migration, MigrationSource as _};
use diesel::pg::Pg;
use diesel::sql_types::{Bool, Integer, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
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

/// What the server is and how far its schema came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaState {
    /// The server's major version, such as 15.
    pub server_major: u32,
    /// Migrations that [`Store::migrate`] would run, by name, in order.
    pub pending: Vec<String>,
    /// Versions of migrations that this program does not know: a newer one was here.
    pub unknown: Vec<String>,
}

#[derive(QueryableByName)]
struct Server {
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = Bool)]
    migrated: bool,
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

impl Store {
    /// Looks at the server's version and at what [`Store::migrate`] would do. Changes nothing and waits for nobody.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer or does not let this user in;
    /// [`StoreError::Broken`] when the migrations of this program or the table of those done cannot be read.
    pub async fn pending_migrations(options: &StoreOptions) -> Result<SchemaState> {
        let mut conn = Conn::establish(options.url.expose_secret()).await.map_err(|error| connecting(&error))?;
        conn.batch_execute(&pool::session_settings(options.statement_timeout, WAIT)).await?;
        let server: Server = RunQueryDsl::get_result(
            sql_query(
                "SELECT current_setting('server_version_num')::integer AS version,
                        to_regclass('__diesel_schema_migrations') IS NOT NULL AS migrated",
            ),
            &mut conn,
        )
        .await?;
        let applied: Vec<Applied> = if server.migrated {
            let done = "SELECT version::text AS version FROM __diesel_schema_migrations ORDER BY version";
            RunQueryDsl::load(sql_query(done), &mut conn).await?
        } else {
            Vec::new()
        };
        let ours: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS
            .migrations()
            .map_err(|error| StoreError::Broken(format!("this program's migrations cannot be read: {error}")))?;
        let mut known: Vec<(String, String)> =
            ours.iter().map(|one| (one.name().version().to_string(), one.name().to_string())).collect();
        known.sort();
        let unknown = applied.iter().filter(|one| known.iter().all(|(version, _)| *version != one.version));
        let unknown = unknown.map(|one| one.version.clone()).collect();
        known.retain(|(version, _)| applied.iter().all(|one| one.version != *version));
        Ok(SchemaState {
            // The number is the major version times ten thousand and the minor one.
            server_major: u32::try_from(server.version / 10_000).unwrap_or(0),
            pending: known.into_iter().map(|(_, name)| name).collect(),
            unknown,
        })
    }

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

    /// Takes back migrations until so many are left, and says how many that is.
    #[cfg(test)]
    pub(crate) async fn revert_down_to(options: &StoreOptions, keep: usize) -> Result<usize> {
        run_blocking(locked(options).await?, move |conn| {
            while conn.applied_migrations()?.len() > keep {
                conn.revert_last_migration(MIGRATIONS)?;
            }
            Ok(conn.applied_migrations()?.len())
        })
        .await
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

#[cfg(test)]
mod tests;
