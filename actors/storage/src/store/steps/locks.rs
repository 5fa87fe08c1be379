//! Locks of a group of steps, taken together at its beginning in the order that holds everywhere (see `tx.rs`): nodes, users,
//! services, each by id. Taken step by step they would cross those of another transaction.

use crate::error::TxResult;
use crate::model::StepCommit;
use crate::store::Conn;
use crate::store::sql::Planned;
use diesel::sql_types::{Array, BigInt, Integer};
use diesel_async::RunQueryDsl;
use std::collections::BTreeSet;
use usipipo_domain::dialogue::{Act, Effect};

/// Each part waits for the one before it, because it asks how many rows that gave. An offer's service and whom it is for never
/// change.
macro_rules! lock_sql {
    ($nodes:literal) => {
        concat!(
            "WITH about AS MATERIALIZED (
                SELECT service_id, for_user FROM offers WHERE id = ANY ($4)
            ), n AS MATERIALIZED (
                SELECT id FROM nodes WHERE id = ANY ($1) ORDER BY id ",
            $nodes,
            "
            ), u AS MATERIALIZED (
                SELECT id FROM users
                WHERE (SELECT count(*) FROM n) >= 0
                  AND id = ANY ($2 || ARRAY(SELECT for_user FROM about WHERE for_user IS NOT NULL))
                ORDER BY id FOR NO KEY UPDATE
            ), s AS MATERIALIZED (
                SELECT id FROM services
                WHERE (SELECT count(*) FROM u) >= 0
                  AND id = ANY ($3 || ARRAY(SELECT service_id FROM about WHERE service_id IS NOT NULL))
                ORDER BY id FOR NO KEY UPDATE
            )
            SELECT count(*) FROM s"
        )
    };
}

/// How nodes are locked: so that they go on taking what they take; so that nobody else counts what is on them; so that nothing
/// new comes to them. The strongest that a step of the group needs.
const LOCK: [&str; 3] = [lock_sql!("FOR KEY SHARE"), lock_sql!("FOR NO KEY UPDATE"), lock_sql!("FOR UPDATE")];

#[derive(Default)]
struct Wanted {
    nodes: BTreeSet<i32>,
    strength: usize,
    users: BTreeSet<i64>,
    services: BTreeSet<i64>,
    offers: BTreeSet<i64>,
}

impl Wanted {
    fn node(&mut self, node: i32, strength: usize) {
        self.nodes.insert(node);
        self.strength = self.strength.max(strength);
    }

    fn add(&mut self, step: &StepCommit, effect: &Effect) {
        match effect {
            Effect::Accept { offer, .. } => {
                self.offers.insert(offer.0);
                self.users.insert(step.user.0);
                if let Some(prepared) = &step.prepared {
                    self.node(prepared.node.0, 0);
                }
                if let Some(prepared) = &step.prepared_key {
                    self.node(prepared.node.0, 1);
                }
            }
            Effect::ChangeNode { node, .. } => self.node(node.0, 2),
            Effect::BeginPromotion(node) | Effect::SetAdTag { node, .. } | Effect::ClearAdTag(node) => {
                self.node(node.0, 1)
            }
            Effect::Rename { service, .. } | Effect::ChangeService { service, .. } => {
                self.services.insert(service.0);
            }
            _ => {}
        }
    }
}

/// Locks what the group's effects are about. A group that only shows things has nothing to lock here.
pub(super) async fn take(conn: &mut Conn, order: &[(usize, &StepCommit)]) -> TxResult<()> {
    let mut wanted = Wanted::default();
    for (_, step) in order {
        if let Act::Do(effect) = &step.step.act {
            wanted.add(step, effect);
        }
    }
    if wanted.nodes.is_empty() && wanted.services.is_empty() && wanted.offers.is_empty() {
        return Ok(());
    }
    // Their rows are renewed right after this, and services are locked by then.
    wanted.users.extend(order.iter().filter(|(_, step)| step.touch.is_some()).map(|(_, step)| step.user.0));
    let sql = LOCK.get(wanted.strength).copied().unwrap_or(LOCK[2]);
    let query = diesel::sql_query(sql)
        .bind::<Array<Integer>, _>(wanted.nodes.into_iter().collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(wanted.users.into_iter().collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(wanted.services.into_iter().collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(wanted.offers.into_iter().collect::<Vec<_>>());
    RunQueryDsl::execute(Planned(query), conn).await?;
    Ok(())
}
