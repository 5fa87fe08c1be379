//! Servers, their pools' prefixes, and what their actors last saw.

use super::audit::{self, Entry};
use super::decode::{self, short};
use super::sql::Planned;
use super::{Conn, Result, Store};
use crate::StoreError;
use crate::error::TxResult;
use crate::model::{Epoch, NodeHealth, NodeRow, NodeSpec, PoolSpec};
use crate::schema::{nodes, pools};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use ipnetwork::IpNetwork;
use serde_json::json;
use usipipo_domain::ids::{NodeId, PoolId};
use usipipo_domain::service::{NodeState, Product};
use usipipo_domain::wg::PrivateKey;

/// The driver of these servers.
const WIREGUARD: &str = Product::Wireguard.driver();

#[derive(Queryable, Selectable)]
#[diesel(table_name = nodes, check_for_backend(diesel::pg::Pg))]
struct Node {
    id: i32,
    name: String,
    driver: String,
    mode: String,
    place: String,
    interface: Option<String>,
    listen_port: Option<i32>,
    endpoint: String,
    dns: Vec<String>,
    mtu: i32,
    exclusive: bool,
    public_key: Option<Vec<u8>>,
    private_key: Option<Vec<u8>>,
    up: bool,
    country: String,
    state: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = pools, check_for_backend(diesel::pg::Pg))]
struct PoolOfNode {
    id: i32,
    node_id: i32,
    purpose: String,
    v4: Option<IpNetwork>,
    v6: Option<IpNetwork>,
}

impl Store {
    /// Creates the node and its pools if missing. The rows win otherwise, except `mode` and `interface`, which belong to the
    /// machine and follow the settings. `key` is used when the node is created. Two processes may call it at once.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer; [`StoreError::Vault`] when the node's key cannot be
    /// sealed or opened.
    pub async fn ensure_node(&self, spec: &NodeSpec, key: &PrivateKey, now: DateTime<Utc>) -> Result<NodeRow> {
        let public = key.public_key();
        let sealed = self.vault.seal_node_key(&public, key)?;
        let node = self
            .tx("ensure_node", async |conn| {
                let created: Option<i32> = diesel::insert_into(nodes::table)
                    .values((
                        nodes::name.eq(&spec.name),
                        nodes::driver.eq(&spec.driver),
                        nodes::mode.eq(&spec.mode),
                        nodes::place.eq(&spec.place),
                        nodes::country.eq(&spec.country),
                        nodes::interface.eq(&spec.interface),
                        nodes::listen_port.eq(i32::from(spec.listen_port)),
                        nodes::endpoint.eq(&spec.endpoint),
                        nodes::dns.eq(&spec.dns),
                        nodes::mtu.eq(i32::try_from(spec.mtu).unwrap_or(i32::MAX)),
                        nodes::exclusive.eq(spec.exclusive),
                        nodes::public_key.eq(public.as_bytes().as_slice()),
                        nodes::private_key.eq(&sealed),
                        nodes::created_at.eq(now),
                    ))
                    .on_conflict(nodes::name)
                    .do_nothing()
                    .returning(nodes::id)
                    .get_result(conn)
                    .await
                    .optional()?;
                let (node, mut changes) = match created {
                    Some(id) => (
                        id,
                        vec![audit::on_node(NodeId(id), "node.create", json!({"name": spec.name, "mode": spec.mode}))],
                    ),
                    None => follow_settings(conn, spec).await?,
                };
                add_pools(conn, node, &spec.pools, &mut changes).await?;
                audit::write(conn, &changes, now).await?;
                Ok(NodeId(node))
            })
            .await?;
        self.node(node).await?.ok_or_else(|| StoreError::Broken(format!("the node {node} is gone")))
    }

    /// Every WireGuard server that is not removed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer; [`StoreError::Vault`] when a node's key cannot be opened.
    pub async fn nodes(&self) -> Result<Vec<NodeRow>> {
        let mut conn = self.conn().await?;
        let rows = nodes::table
            .filter(nodes::driver.eq(WIREGUARD).and(nodes::state.ne(NodeState::Removed.as_str())))
            .select(Node::as_select())
            .order(nodes::id)
            .load(&mut conn)
            .await?;
        let mut pools: Vec<PoolOfNode> =
            pools::table.select(PoolOfNode::as_select()).order(pools::id).load(&mut conn).await?;
        rows.into_iter()
            .map(|row| {
                let own = pools.extract_if(.., |pool| pool.node_id == row.id).collect();
                self.node_row(row, own)
            })
            .collect()
    }

    /// One WireGuard server, also a removed one.
    ///
    /// # Errors
    /// As [`Store::nodes`].
    pub async fn node(&self, node: NodeId) -> Result<Option<NodeRow>> {
        let mut conn = self.conn().await?;
        let row = nodes::table
            .find(node.0)
            .filter(nodes::driver.eq(WIREGUARD))
            .select(Node::as_select())
            .get_result(&mut conn)
            .await
            .optional()?;
        let Some(row) = row else { return Ok(None) };
        let own = pools::table
            .filter(pools::node_id.eq(node.0))
            .select(PoolOfNode::as_select())
            .order(pools::id)
            .load(&mut conn)
            .await?;
        self.node_row(row, own).map(Some)
    }

    /// Keeps what the node's actor saw.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`], or [`StoreError::Unavailable`] when the database does not answer.
    pub async fn record_health(&self, epoch: Epoch, node: NodeId, health: &NodeHealth) -> Result<()> {
        self.fenced("record_health", epoch, async |conn| {
            let query = diesel::sql_query(
                "UPDATE nodes SET up = $2, config_only = $3, error = $4, foreign_peers = $5, seen_at = $6,
                        down_since = CASE WHEN $2 THEN NULL ELSE coalesce(down_since, $6) END
                 WHERE id = $1",
            )
            .bind::<Integer, _>(node.0)
            .bind::<Bool, _>(health.up)
            .bind::<Bool, _>(health.config_only)
            .bind::<Nullable<Text>, _>(health.error.as_deref().map(short))
            .bind::<Integer, _>(i32::try_from(health.foreign_peers).unwrap_or(i32::MAX))
            .bind::<Timestamptz, _>(health.now);
            RunQueryDsl::execute(Planned(query), conn).await?;
            Ok(())
        })
        .await
    }

    fn node_row(&self, row: Node, own: Vec<PoolOfNode>) -> Result<NodeRow> {
        let (Some(public), Some(private)) = (&row.public_key, &row.private_key) else {
            return Err(StoreError::Broken(format!("the server {} has no key", row.name)));
        };
        let public_key = decode::public_key(public)?;
        let private_key = self.vault.open_node_key(&public_key, private)?;
        let pools = own
            .iter()
            .map(|pool| {
                let (v4, v6) = (decode::v4_net(pool.v4), decode::v6_net(pool.v6));
                Ok(PoolSpec { purpose: decode::purpose(&pool.purpose)?, v4, v6 })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(NodeRow {
            id: NodeId(row.id),
            spec: NodeSpec {
                name: row.name,
                driver: row.driver,
                mode: row.mode,
                place: row.place,
                country: row.country,
                interface: row.interface.unwrap_or_default(),
                listen_port: row.listen_port.and_then(|port| u16::try_from(port).ok()).unwrap_or(0),
                endpoint: row.endpoint,
                dns: row.dns,
                mtu: u32::try_from(row.mtu).unwrap_or(0),
                exclusive: row.exclusive,
                pools,
            },
            pool_ids: own.iter().map(|pool| PoolId(pool.id)).collect(),
            private_key,
            public_key,
            up: row.up,
            state: decode::node_state(&row.state)?,
        })
    }
}

/// The node exists: its id, and what was changed of it.
async fn follow_settings(conn: &mut Conn, spec: &NodeSpec) -> TxResult<(i32, Vec<Entry>)> {
    let (node, mode, interface): (i32, String, Option<String>) = nodes::table
        .filter(nodes::name.eq(&spec.name).and(nodes::driver.eq(WIREGUARD)))
        .select((nodes::id, nodes::mode, nodes::interface))
        .for_no_key_update()
        .get_result(conn)
        .await
        .optional()?
        .ok_or_else(|| {
            StoreError::Broken(format!("a server of another kind is called {}; choose another name", spec.name))
        })?;
    let interface = interface.unwrap_or_default();
    if mode == spec.mode && interface == spec.interface {
        return Ok((node, Vec::new()));
    }
    diesel::update(nodes::table.find(node))
        .set((nodes::mode.eq(&spec.mode), nodes::interface.eq(&spec.interface)))
        .execute(conn)
        .await?;
    let details = json!({
        "before": {"mode": mode, "interface": interface},
        "after": {"mode": spec.mode, "interface": spec.interface},
    });
    Ok((node, vec![audit::on_node(NodeId(node), "node.change", details)]))
}

async fn add_pools(conn: &mut Conn, node: i32, specs: &[PoolSpec], changes: &mut Vec<Entry>) -> TxResult<()> {
    for spec in specs {
        let (v4, v6) = (spec.v4.map(IpNetwork::V4), spec.v6.map(IpNetwork::V6));
        let created: Option<i32> = diesel::insert_into(pools::table)
            .values((
                pools::node_id.eq(node),
                pools::purpose.eq(spec.purpose.as_str()),
                pools::v4.eq(v4),
                pools::v6.eq(v6),
            ))
            .on_conflict((pools::node_id, pools::purpose))
            .do_nothing()
            .returning(pools::id)
            .get_result(conn)
            .await
            .optional()?;
        if let Some(pool) = created {
            let details = json!({"pool": pool, "purpose": spec.purpose, "v4": v4, "v6": v6});
            changes.push(audit::on_node(NodeId(node), "pool.create", details));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
