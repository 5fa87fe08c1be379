//! The connection pool.

use super::{Conn, Result};
use crate::StoreError;
use crate::model::StoreOptions;
use deadpool::managed::{HookError, Metrics, Timeouts};
use diesel_async::pooled_connection::deadpool::{Hook, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, PoolError, RecyclingMethod};
use diesel_async::{AsyncConnection as _, SimpleAsyncConnection as _};
use secrecy::ExposeSecret as _;
use std::time::Duration;

/// A connection that was used within this time is taken to be alive: asking costs a round trip.
const TRUSTED_IDLE: Duration = Duration::from_millis(500);
/// Longest time for making a connection, and for asking an idle one whether it lives.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for a row lock; PostgreSQL then refuses the statement and the caller tries again.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// A process that stops in the middle of a transaction (SIGSTOP, a lost machine) loses its connection after this time, so
/// that a standby is not held up by its locks.
const IDLE_IN_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);

/// What every connection is told first. Server messages in English, where that is ours to say: errors are told apart by them.
pub(super) fn session_settings(statement_timeout: Duration, lock_timeout: Duration) -> String {
    format!(
        "SET application_name = 'usipipo'; SET statement_timeout = {statement}; SET lock_timeout = {lock}; \
         SET idle_in_transaction_session_timeout = {idle}; \
         SELECT set_config('lc_messages', 'C', false) FROM pg_roles WHERE rolname = current_user AND rolsuper",
        statement = statement_timeout.as_millis(),
        lock = lock_timeout.as_millis(),
        idle = IDLE_IN_TRANSACTION_TIMEOUT.as_millis(),
    )
}

/// Lets [`Manager`](AsyncDieselConnectionManager) skip the question for connections in steady use.
fn check_idle() -> Hook<Conn> {
    Hook::async_fn(|conn: &mut Conn, metrics: &Metrics| {
        let idle = metrics.last_used();
        Box::pin(async move {
            if idle < TRUSTED_IDLE {
                return Ok(());
            }
            conn.batch_execute("").await.map_err(|error| HookError::Backend(PoolError::QueryError(error)))
        })
    })
}

pub(super) fn build(options: &StoreOptions) -> Result<Pool<Conn>> {
    let settings: std::sync::Arc<str> = session_settings(options.statement_timeout, LOCK_TIMEOUT).into();
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |url| {
        let (url, settings) = (url.to_owned(), std::sync::Arc::clone(&settings));
        Box::pin(async move {
            let mut conn = Conn::establish(&url).await?;
            conn.batch_execute(&settings).await.map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
            Ok(conn)
        })
    });
    let manager = AsyncDieselConnectionManager::new_with_config(options.url.expose_secret(), config);
    Pool::builder(manager)
        .max_size(options.max_connections.max(1))
        .timeouts(Timeouts {
            wait: Some(options.wait_timeout),
            create: Some(CONNECT_TIMEOUT),
            recycle: Some(CONNECT_TIMEOUT),
        })
        .pre_recycle(check_idle())
        .runtime(deadpool::Runtime::Tokio1)
        .build()
        .map_err(|error| StoreError::Broken(error.to_string()))
}
