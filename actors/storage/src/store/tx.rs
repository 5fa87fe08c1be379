//! Transactions: with a name for metrics, retries of lost races, and the fence of an epoch.
//!
//! **The order of locks**, the same everywhere, so that no two transactions wait for each other: the leader's lease, updates of
//! the inbox, **nodes by id, users by id, services by id**, then offers, and last what hangs on a service (peers, keys, leases,
//! samples, days), whose service is locked first. Whoever needs several takes them at the beginning (`steps/locks.rs` for a
//! group of steps). A foreign key locks what it points to only against its deletion, and stands in nobody's way; for the same
//! reason services are locked `FOR NO KEY UPDATE`. Sweeps skip services that are locked. What loses all the same (a deadlock
//! that PostgreSQL ends) is tried again.

use super::{Conn, Result, Store};
use crate::StoreError;
use crate::crash;
use crate::error::{TxError, TxResult};
use crate::model::Epoch;
use crate::schema::leader_lease;
use diesel::prelude::*;
use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::{AnsiTransactionManager, RunQueryDsl, TransactionManager};
use std::time::{Duration, Instant};

/// Most tries of one transaction that loses against others.
const MAX_ATTEMPTS: u32 = 6;
/// Wait before the second try; it doubles, with chance on top, so that two that met do not meet again.
const RETRY_BASE: Duration = Duration::from_millis(5);

/// Lets a bound speak of the future of an async closure, which `AsyncFn` alone cannot do yet.
pub(crate) trait TxFn<A, R>: AsyncFn(A) -> R + Fn(A) -> <Self as TxFn<A, R>>::Fut {
    type Fut: Future<Output = R>;
}

impl<F, A, R, Fut> TxFn<A, R> for F
where
    F: AsyncFn(A) -> R + Fn(A) -> Fut,
    Fut: Future<Output = R>,
{
    type Fut = Fut;
}

/// A connection inside a transaction. When the caller gives up in the middle, the connection is closed rather than put back
/// with the transaction's locks.
struct Open(Option<Object<Conn>>);

impl Open {
    /// Ends the guard; `keep` says that the transaction is over.
    fn end(mut self, keep: bool) {
        if let Some(conn) = self.0.take()
            && !keep
        {
            drop(Object::take(conn));
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(conn) = self.0.take() {
            drop(Object::take(conn));
        }
    }
}

impl Store {
    /// Runs `body` in a transaction and commits when it returns `Ok`. A serialization failure or deadlock runs it again, so
    /// `body` must do nothing outside the database. `name` is a constant word for metrics.
    pub(crate) async fn tx<R, F>(&self, name: &'static str, body: F) -> Result<R>
    where
        for<'c> F: AsyncFn(&'c mut Conn) -> TxResult<R> + TxFn<&'c mut Conn, TxResult<R>, Fut: Send> + Send + Sync,
        R: Send,
    {
        self.run(name, None, body).await
    }

    /// As [`Store::tx`], for writes that only the leader of `epoch` may do: the transaction begins with a look at the lease
    /// and holds it, so that no other process becomes leader before the commit.
    pub(crate) async fn fenced<R, F>(&self, name: &'static str, epoch: Epoch, body: F) -> Result<R>
    where
        for<'c> F: AsyncFn(&'c mut Conn) -> TxResult<R> + TxFn<&'c mut Conn, TxResult<R>, Fut: Send> + Send + Sync,
        R: Send,
    {
        self.run(name, Some(epoch), body).await
    }

    async fn run<R, F>(&self, name: &'static str, epoch: Option<Epoch>, body: F) -> Result<R>
    where
        for<'c> F: AsyncFn(&'c mut Conn) -> TxResult<R> + TxFn<&'c mut Conn, TxResult<R>, Fut: Send> + Send + Sync,
        R: Send,
    {
        let started = Instant::now();
        let mut attempt = 1;
        let result = loop {
            match self.attempt(name, epoch, &body).await {
                Err(TxError::Conflict(_)) if attempt < MAX_ATTEMPTS => {
                    metrics::counter!("usipipo_db_tx_retries_total", "name" => name).increment(1);
                    tokio::time::sleep(pause(attempt)).await;
                    attempt += 1;
                }
                other => break other,
            }
        };
        metrics::histogram!("usipipo_db_tx_seconds", "name" => name).record(started.elapsed().as_secs_f64());
        Ok(result?)
    }

    async fn attempt<R, F>(&self, name: &'static str, epoch: Option<Epoch>, body: &F) -> TxResult<R>
    where
        for<'c> F: AsyncFn(&'c mut Conn) -> TxResult<R> + TxFn<&'c mut Conn, TxResult<R>, Fut: Send> + Send + Sync,
        R: Send,
    {
        let mut open = Open(Some(self.begin().await?));
        let Some(conn) = open.0.as_deref_mut() else {
            return Err(StoreError::Broken("no connection".to_owned()).into());
        };
        let result = match fence(conn, epoch).await {
            Ok(()) => body(conn).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(value) => {
                let point = crash::before("commit", name);
                let committed = AnsiTransactionManager::commit_transaction(conn).await;
                crash::after(point);
                open.end(committed.is_ok());
                committed?;
                Ok(value)
            }
            Err(error) => {
                let rolled_back = AnsiTransactionManager::rollback_transaction(conn).await.is_ok();
                open.end(rolled_back);
                Err(match error {
                    // The server hung up, whatever its last words were.
                    TxError::Store(StoreError::Broken(message)) if !rolled_back => {
                        StoreError::Unavailable(message).into()
                    }
                    error => error,
                })
            }
        }
    }

    /// A connection with an open transaction. After a restart of the server every idle connection is dead: those found so are
    /// closed, and nothing was sent over them.
    async fn begin(&self) -> Result<Object<Conn>> {
        let mut left = self.pool.status().max_size;
        loop {
            let mut conn = self.conn().await?;
            match AnsiTransactionManager::begin_transaction(&mut *conn).await {
                Ok(()) => return Ok(conn),
                Err(error) => {
                    drop(Object::take(conn));
                    let error = StoreError::from(error);
                    if left == 0 || !error.is_transient() {
                        return Err(error);
                    }
                    left -= 1;
                }
            }
        }
    }
}

fn pause(attempt: u32) -> Duration {
    let mut byte = [0; 1];
    let _ = getrandom::fill(&mut byte);
    let base = RETRY_BASE * 2_u32.saturating_pow(attempt - 1);
    base + base * u32::from(byte[0]) / 255
}

async fn fence(conn: &mut Conn, epoch: Option<Epoch>) -> TxResult<()> {
    let Some(Epoch(epoch)) = epoch else { return Ok(()) };
    let held = leader_lease::table
        .filter(leader_lease::id.eq(1_i16).and(leader_lease::epoch.eq(epoch)))
        .select(leader_lease::id)
        .for_key_share()
        .get_result::<i16>(conn)
        .await
        .optional()?;
    if held.is_some() { Ok(()) } else { Err(StoreError::NotLeader.into()) }
}
