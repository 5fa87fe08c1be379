//! Who leads. The lease runs by the server's clock: it is about processes, and their clocks may differ.

use super::{Result, Store};
use crate::model::Epoch;
use diesel::sql_types::{BigInt, Double, Text};
use diesel_async::RunQueryDsl;
use std::time::Duration;

#[derive(diesel::QueryableByName)]
struct EpochRow {
    #[diesel(sql_type = BigInt)]
    epoch: i64,
}

impl Store {
    /// Takes the lease if it is free or over (by the server's clock); the epoch grows by one. Waits for running writes of the
    /// leader before, so that none of them commits later.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer, or such a write takes too long.
    pub async fn try_lead(&self, holder: &str, ttl: Duration) -> Result<Option<Epoch>> {
        self.tx("try_lead", async |conn| {
            // Changing `epoch`, a key, waits for every fenced transaction and keeps new ones out.
            let rows: Vec<EpochRow> = diesel::sql_query(
                "UPDATE leader_lease SET holder = $1, epoch = epoch + 1,
                        expires_at = clock_timestamp() + make_interval(secs => $2)
                 WHERE id = 1 AND expires_at <= clock_timestamp() RETURNING epoch",
            )
            .bind::<Text, _>(holder)
            .bind::<Double, _>(ttl.as_secs_f64())
            .load(conn)
            .await?;
            Ok(rows.into_iter().next().map(|row| Epoch(row.epoch)))
        })
        .await
    }

    /// Keeps it; `false` when it is lost.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn renew_lead(&self, holder: &str, epoch: Epoch, ttl: Duration) -> Result<bool> {
        let renewed = self
            .tx("renew_lead", async |conn| {
                Ok(diesel::sql_query(
                    "UPDATE leader_lease SET expires_at = clock_timestamp() + make_interval(secs => $3)
                     WHERE id = 1 AND epoch = $1 AND holder = $2",
                )
                .bind::<BigInt, _>(epoch.0)
                .bind::<Text, _>(holder)
                .bind::<Double, _>(ttl.as_secs_f64())
                .execute(conn)
                .await?)
            })
            .await?;
        Ok(renewed == 1)
    }

    /// Gives it back, so that a standby takes over at once. What still runs under the epoch may finish until then.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer; the lease then runs out by itself.
    pub async fn release_lead(&self, holder: &str, epoch: Epoch) -> Result<()> {
        self.tx("release_lead", async |conn| {
            diesel::sql_query(
                "UPDATE leader_lease SET expires_at = '-infinity' WHERE id = 1 AND epoch = $1 AND holder = $2",
            )
            .bind::<BigInt, _>(epoch.0)
            .bind::<Text, _>(holder)
            .execute(conn)
            .await?;
            Ok(())
        })
        .await
    }
}
