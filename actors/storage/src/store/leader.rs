//! Who leads. The lease runs by the server's clock: it is about processes, and their clocks may differ.

use super::{Result, Store};
use crate::model::{Epoch, LeadRow};
use diesel::sql_types::{BigInt, Bool, Double, Text};
use diesel_async::RunQueryDsl;
use std::time::Duration;

#[derive(diesel::QueryableByName)]
struct EpochRow {
    #[diesel(sql_type = BigInt)]
    epoch: i64,
}

#[derive(diesel::QueryableByName)]
struct LeadRecord {
    #[diesel(sql_type = Text)]
    holder: String,
    #[diesel(sql_type = BigInt)]
    epoch: i64,
    #[diesel(sql_type = Bool)]
    over: bool,
}

impl Store {
    /// Who has the lease. Changes nothing, so that one who waits may ask often.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn look_lead(&self) -> Result<LeadRow> {
        self.tx("look_lead", async |conn| {
            let row: LeadRecord = diesel::sql_query(
                "SELECT holder, epoch, expires_at <= clock_timestamp() AS over FROM leader_lease WHERE id = 1",
            )
            .get_result(conn)
            .await?;
            Ok(LeadRow { holder: row.holder, epoch: Epoch(row.epoch), over: row.over })
        })
        .await
    }

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

    /// Takes the lease from a holder of whom is known that it is dead, without waiting until the lease is over; the epoch grows
    /// by one. `None` when it is no longer that holder's lease of that epoch. Waits for the dead one's last writes as
    /// [`Store::try_lead`] does: its connection may outlive it for a moment.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer, or such a write takes too long.
    pub async fn try_lead_after(&self, dead: &LeadRow, holder: &str, ttl: Duration) -> Result<Option<Epoch>> {
        self.tx("try_lead_after", async |conn| {
            let rows: Vec<EpochRow> = diesel::sql_query(
                "UPDATE leader_lease SET holder = $1, epoch = epoch + 1,
                        expires_at = clock_timestamp() + make_interval(secs => $2)
                 WHERE id = 1 AND holder = $3 AND epoch = $4 RETURNING epoch",
            )
            .bind::<Text, _>(holder)
            .bind::<Double, _>(ttl.as_secs_f64())
            .bind::<Text, _>(&dead.holder)
            .bind::<BigInt, _>(dead.epoch.0)
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
