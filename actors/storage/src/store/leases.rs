//! The end of a lease: its addresses rest before anybody else gets them.

use super::Conn;
use crate::schema::leases;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use usipipo_domain::ids::ServiceId;

/// How long addresses rest, in hours; the key must be off the server besides.
pub(super) const QUARANTINE_HOURS: i64 = 24;

/// Puts the live lease of a service that has ended to rest.
pub(super) async fn quarantine(conn: &mut Conn, service: ServiceId, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(leases::table.filter(leases::service_id.eq(service.0).and(leases::state.eq("live"))))
        .set((leases::state.eq("quarantined"), leases::quarantine_until.eq(now + TimeDelta::hours(QUARANTINE_HOURS))))
        .execute(conn)
        .await?;
    Ok(())
}
