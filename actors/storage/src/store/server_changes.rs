//! Servers of keys that admins add, and what servers of any kind are for: from the bot, inside a step, and by command.

use super::audit;
use super::decode;
use super::key_nodes;
use super::sql::Planned;
use super::steps::LIVE;
use super::{Conn, Result, Store};
use crate::Vault;
use crate::error::TxResult;
use crate::model::{KeyAccess, KeyNodeSpec, ServerChanged};
use crate::schema::{nodes, services};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::json;
use usipipo_domain::ids::NodeId;
use usipipo_domain::new_server::{NewServer, ServerProblem};
use usipipo_domain::service::{NodeChange, NodeState, Product};

/// Keeps a server whose name is free and to which no other server leads. Its secret is sealed. The caller audits.
pub(super) async fn add_in(
    conn: &mut Conn,
    vault: &Vault,
    new: &NewServer,
    now: DateTime<Utc>,
) -> TxResult<std::result::Result<NodeId, ServerProblem>> {
    let spec = KeyNodeSpec::from(new);
    if let Some(name) = same_server(conn, vault, &spec.access).await? {
        return Ok(Err(ServerProblem::Known { name }));
    }
    let sealed = vault.seal_node_access(&spec.name, &key_nodes::write_access(&spec.access)?)?;
    Ok(key_nodes::insert(conn, &spec, &sealed, true, now).await?.ok_or(ServerProblem::NameTaken))
}

/// The server of keys to which this leads already: two servers with one set of keys would each take the other's for foreign
/// ones.
async fn same_server(conn: &mut Conn, vault: &Vault, access: &KeyAccess) -> TxResult<Option<String>> {
    let others: Vec<(String, Option<Vec<u8>>)> = nodes::table
        .filter(nodes::driver.ne(Product::Wireguard.driver()).and(nodes::state.ne(NodeState::Removed.as_str())))
        .select((nodes::name, nodes::access))
        .order(nodes::id)
        .load(conn)
        .await?;
    for (name, sealed) in others {
        let Some(sealed) = sealed else { continue };
        // One that cannot be opened cannot be compared; its own actor raises the alarm.
        let Ok(opened) = vault.open_node_access(&name, &sealed) else { continue };
        if key_nodes::read_access(&opened).is_ok_and(|other| other.same_server(access)) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// The row is locked against everybody who is about to put a service on the server. The caller audits.
pub(super) async fn change_in(
    conn: &mut Conn,
    node: NodeId,
    change: NodeChange,
    now: DateTime<Utc>,
) -> TxResult<ServerChanged> {
    let found: Option<(String, String)> = nodes::table
        .find(node.0)
        .select((nodes::state, nodes::driver))
        .for_update()
        .get_result(conn)
        .await
        .optional()?;
    let Some((before, driver)) = found else { return Ok(ServerChanged::NoSuch) };
    let before = decode::node_state(&before)?;
    if before == NodeState::Removed {
        return Ok(ServerChanged::NoSuch);
    }
    let after = change.state();
    if after == NodeState::Removed {
        let living = services::node_id.eq(node.0).and(services::status.eq_any(LIVE));
        let living: i64 = services::table.filter(living).count().get_result(conn).await?;
        if living > 0 {
            return Ok(ServerChanged::InUse(decode::count(living)));
        }
        if change == NodeChange::Forget {
            forget_keys(conn, node, now).await?;
        } else {
            // Nobody would take them off a removed server, and they would work for ever.
            let left = keys_left(conn, node).await?;
            if left > 0 {
                return Ok(ServerChanged::KeysLeft(left));
            }
        }
    }
    let row = nodes::table.find(node.0);
    let state = nodes::state.eq(after.as_str());
    if after == NodeState::Removed && driver != Product::Wireguard.driver() {
        let none = None::<Vec<u8>>;
        let no_secret = (
            nodes::access.eq(&none),
            nodes::promotion_secret.eq(&none),
            nodes::promotion_until.eq(None::<DateTime<Utc>>),
        );
        diesel::update(row).set((state, no_secret)).execute(conn).await?;
    } else {
        diesel::update(row).set(state).execute(conn).await?;
    }
    Ok(ServerChanged::Yes { before })
}

#[derive(QueryableByName)]
struct Left {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Keys of every kind that the server may still have.
async fn keys_left(conn: &mut Conn, node: NodeId) -> TxResult<u64> {
    let query = diesel::sql_query(
        "SELECT (SELECT count(*) FROM peers WHERE node_id = $1 AND removed_at IS NULL)
              + (SELECT count(*) FROM access_keys WHERE node_id = $1 AND removed_at IS NULL) AS n",
    )
    .bind::<Integer, _>(node.0);
    Ok(decode::count(RunQueryDsl::get_result::<Left>(Planned(query), conn).await?.n))
}

/// The services first, as everybody does who changes keys; then the keys, with the samples of their traffic.
const FORGET: [&str; 3] = [
    "SELECT id FROM services WHERE id IN (
        SELECT service_id FROM peers WHERE node_id = $1 AND removed_at IS NULL
        UNION SELECT service_id FROM access_keys WHERE node_id = $1 AND removed_at IS NULL
     ) AND $2 IS NOT NULL
     ORDER BY id FOR NO KEY UPDATE",
    "UPDATE peers SET removed_at = $2, retired_at = coalesce(retired_at, $2), applied = false
     WHERE node_id = $1 AND removed_at IS NULL",
    "WITH gone AS (
        UPDATE access_keys SET removed_at = $2, retired_at = coalesce(retired_at, $2), applied = 'absent'
        WHERE node_id = $1 AND removed_at IS NULL
        RETURNING id
     )
     DELETE FROM key_samples s USING gone WHERE s.key_id = gone.id",
];

/// Nobody will take the last keys off a server that is no more; what rests for their sake may be released. Where nothing
/// lives, no key is wanted.
async fn forget_keys(conn: &mut Conn, node: NodeId, now: DateTime<Utc>) -> TxResult<()> {
    for sql in FORGET {
        let query = diesel::sql_query(sql).bind::<Integer, _>(node.0).bind::<Timestamptz, _>(now);
        RunQueryDsl::execute(Planned(query), conn).await?;
    }
    Ok(())
}

impl Store {
    /// Adds a server of keys that answered, by the operator's command. A program that runs has to be told.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer; [`crate::StoreError::Vault`] when its secret
    /// cannot be sealed. The inner error says why the server is not kept.
    pub async fn add_key_node(
        &self,
        new: &NewServer,
        now: DateTime<Utc>,
    ) -> Result<std::result::Result<NodeId, ServerProblem>> {
        self.tx("add_key_node", async |conn| {
            let added = add_in(conn, &self.vault, new, now).await?;
            if let Ok(node) = added {
                let details = json!({ "name": new.name, "driver": new.product.driver(), "by": "command" });
                audit::write(conn, &[audit::on_node(node, "node.add", details)], now).await?;
            }
            Ok(added)
        })
        .await
    }

    /// Changes what the server of this name is for, by the operator's command. A program that runs has to be told.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn change_node(&self, name: &str, change: NodeChange, now: DateTime<Utc>) -> Result<ServerChanged> {
        self.tx("change_node", async |conn| {
            let id: Option<i32> =
                nodes::table.filter(nodes::name.eq(name)).select(nodes::id).get_result(conn).await.optional()?;
            let Some(id) = id else { return Ok(ServerChanged::NoSuch) };
            let changed = change_in(conn, NodeId(id), change, now).await?;
            if let ServerChanged::Yes { before } = changed {
                let details = json!({
                    "before": before.as_str(),
                    "after": change.state().as_str(),
                    "keys_forgotten": change == NodeChange::Forget,
                    "by": "command",
                });
                audit::write(conn, &[audit::on_node(NodeId(id), "node.set_state", details)], now).await?;
            }
            Ok(changed)
        })
        .await
    }
}

#[cfg(test)]
mod tests;
