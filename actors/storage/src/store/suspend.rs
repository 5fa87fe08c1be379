//! Reasons of a suspension: each comes and goes on its own, and a service works when none is left.

use super::Conn;
#[cfg(test)]
use super::Store;
use super::audit::{self, Entry};
use super::held::{self, NoticeHours};
use super::queue::NewMessage;
use super::sql::Planned;
use crate::error::TxResult;
use crate::model::Swept;
use chrono::{DateTime, Utc};
use diesel::prelude::{QueryResult, QueryableByName};
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::json;
use std::collections::BTreeSet;
use usipipo_domain::ids::{NodeId, ServiceId, UserId};
use usipipo_domain::outgoing::{Body, Outgoing, Priority};
use usipipo_domain::service::SuspendReason;

/// A service that gained a reason.
#[derive(QueryableByName)]
pub(super) struct Gained {
    #[diesel(sql_type = BigInt)]
    pub(super) id: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) user_id: i64,
    #[diesel(sql_type = Integer)]
    pub(super) node_id: i32,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(super) ends_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub(super) quota_bytes: Option<i64>,
    /// Its owner is to be told.
    #[diesel(sql_type = Bool)]
    pub(super) tell: bool,
    /// Which period ends.
    #[diesel(sql_type = Integer)]
    pub(super) period: i32,
}

impl Gained {
    /// The key holds the end and, for traffic, the allowance: a service that is renewed and ends again is told again.
    pub(super) fn notice(&self, reason: SuspendReason) -> NewMessage {
        let service = ServiceId(self.id);
        let end = self.ends_at.map_or(0, |end| end.timestamp());
        let (body, dedupe) = match reason {
            SuspendReason::Quota => {
                let (quota, period) = (self.quota_bytes.unwrap_or(0), self.period);
                (Body::OverQuota { service }, format!("over_quota/{service}/{end}/{quota}/{period}"))
            }
            SuspendReason::Expiry | SuspendReason::Admin => (Body::Ended { service }, format!("ended/{service}/{end}")),
        };
        NewMessage::once(UserId(self.user_id), Priority::Notice, Outgoing::new(body), dedupe)
    }
}

/// Audits services that gained a reason and queues a notice to each owner who is to be told, after their quiet hours.
pub(super) async fn gained(
    conn: &mut Conn,
    services: &[Gained],
    reason: SuspendReason,
    usual: NoticeHours,
    now: DateTime<Utc>,
) -> TxResult<Swept> {
    let entries: Vec<Entry> = services
        .iter()
        .map(|service| Entry {
            user: None,
            action: "service.suspend",
            subject: format!("service/{}", service.id),
            details: json!({ "reason": reason.as_str(), "ends_at": service.ends_at }),
            seq: None,
        })
        .collect();
    audit::write(conn, &entries, now).await?;
    let messages = services.iter().filter(|service| service.tell).map(|service| service.notice(reason)).collect();
    let nodes: BTreeSet<i32> = services.iter().map(|service| service.node_id).collect();
    Ok(Swept {
        services: services.iter().map(|service| ServiceId(service.id)).collect(),
        wake: nodes.into_iter().map(NodeId).collect(),
        messages: held::queue_or_hold(conn, usual, messages, now).await?,
    })
}

#[derive(QueryableByName)]
struct Cleared {
    #[diesel(sql_type = Integer)]
    node_id: i32,
}

/// One that never worked waits for its server again.
const CLEAR: &str = "
    UPDATE services
    SET reasons = array_remove(reasons, $2),
        status = CASE WHEN reasons <> ARRAY[$2] THEN status WHEN activated_at IS NULL THEN 'pending' ELSE 'active' END
    WHERE id = $1 AND status = 'suspended' AND reasons @> ARRAY[$2]
    RETURNING node_id";

/// Takes one reason off a suspended service; with the last one it works again, and its server is to be woken. `None` when it is
/// not suspended for this reason.
pub(super) async fn clear(conn: &mut Conn, service: ServiceId, reason: SuspendReason) -> QueryResult<Option<NodeId>> {
    let query = diesel::sql_query(CLEAR).bind::<BigInt, _>(service.0).bind::<Text, _>(reason.as_str());
    let cleared: Vec<Cleared> = RunQueryDsl::load(Planned(query), conn).await?;
    Ok(cleared.into_iter().next().map(|cleared| NodeId(cleared.node_id)))
}

#[cfg(test)]
impl Store {
    /// [`clear`] in a transaction of its own.
    pub(super) async fn clear_suspension(
        &self,
        epoch: crate::model::Epoch,
        service: ServiceId,
        reason: SuspendReason,
    ) -> super::Result<Option<NodeId>> {
        let cleared = async |conn: &mut Conn| TxResult::Ok(clear(conn, service, reason).await?);
        self.fenced("clear_suspension", epoch, cleared).await
    }
}

#[cfg(test)]
mod tests;
