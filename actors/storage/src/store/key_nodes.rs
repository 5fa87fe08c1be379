//! Servers of keys (Outline, MTProto), and the choice among servers of any kind.

use super::audit;
use super::decode;
use super::sql::Planned;
use super::{Conn, Result, Store};
use crate::StoreError;
use crate::error::TxResult;
use crate::model::{KeyAccess, KeyNodeRow, KeyNodeSpec, ServerChoice};
use crate::schema::nodes;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Cidr, Integer, Nullable, Text};
use diesel_async::RunQueryDsl;
use ipnetwork::IpNetwork;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::cmp::Reverse;
use usipipo_domain::ids::NodeId;
use usipipo_domain::pool;
use usipipo_domain::service::{NodeState, Product, Purpose};
use zeroize::Zeroizing;

/// What `nodes.mode` says of a server of keys; it has no tunnel of ours.
const MODE: &str = "keys";

/// The driver's own settings without secrets, as `nodes.settings` keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeySettings {
    pub(super) host: String,
    pub(super) port: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) domain: Option<String>,
}

/// [`KeyAccess`] as it is sealed.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Access<'a> {
    Outline {
        api_url: &'a str,
        cert_sha256: &'a str,
    },
    Telemt {
        api_url: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        auth_header: Option<&'a str>,
    },
}

pub(super) fn write_access(access: &KeyAccess) -> Result<Zeroizing<Vec<u8>>> {
    let access = match access {
        KeyAccess::Outline { api_url, cert_sha256 } => {
            Access::Outline { api_url: api_url.expose_secret(), cert_sha256 }
        }
        KeyAccess::Telemt { api_url, auth_header } => Access::Telemt {
            api_url: api_url.expose_secret(),
            auth_header: auth_header.as_ref().map(SecretString::expose_secret),
        },
        KeyAccess::Forgotten | KeyAccess::Unreadable => {
            return Err(StoreError::Broken("a server without a way to it cannot be kept".to_owned()));
        }
    };
    Ok(Zeroizing::new(serde_json::to_vec(&access)?))
}

/// Owned, because a text with escapes cannot be borrowed from its JSON.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum StoredAccess {
    Outline { api_url: String, cert_sha256: String },
    Telemt { api_url: String, auth_header: Option<String> },
}

pub(super) fn read_access(opened: &[u8]) -> Result<KeyAccess> {
    Ok(match serde_json::from_slice(opened)? {
        StoredAccess::Outline { api_url, cert_sha256 } => KeyAccess::Outline { api_url: api_url.into(), cert_sha256 },
        StoredAccess::Telemt { api_url, auth_header } => {
            KeyAccess::Telemt { api_url: api_url.into(), auth_header: auth_header.map(SecretString::from) }
        }
    })
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = nodes, check_for_backend(diesel::pg::Pg))]
struct KeyNode {
    id: i32,
    name: String,
    driver: String,
    place: String,
    country: String,
    exclusive: bool,
    up: bool,
    state: String,
    capacity: Option<i32>,
    settings: serde_json::Value,
    access: Option<Vec<u8>>,
    incarnation: Option<String>,
    added: bool,
}

#[derive(QueryableByName)]
struct Choice {
    #[diesel(sql_type = Integer)]
    id: i32,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    place: String,
    #[diesel(sql_type = Text)]
    country: String,
    #[diesel(sql_type = Bool)]
    up: bool,
    #[diesel(sql_type = Nullable<Integer>)]
    capacity: Option<i32>,
    #[diesel(sql_type = Nullable<Cidr>)]
    v4: Option<IpNetwork>,
    #[diesel(sql_type = Nullable<Cidr>)]
    v6: Option<IpNetwork>,
    #[diesel(sql_type = BigInt)]
    used: i64,
}

/// Addresses at rest are not to be had, so they count as used.
const POOLS: &str = "
    SELECT n.id, n.name, n.place, n.country, n.up, n.capacity, p.v4, p.v6,
           (SELECT count(*) FROM leases l WHERE l.pool_id = p.id AND l.state <> 'released') AS used
    FROM pools p JOIN nodes n ON n.id = p.node_id
    WHERE n.driver = 'wireguard' AND n.state = 'active' AND p.purpose = $1";

/// Keys that are still to be taken off the server hold the place of their service. As many rows as the server has keys are
/// read, from an index alone.
const SERVERS: &str = "
    SELECT n.id, n.name, n.place, n.country, n.up, n.capacity, NULL::cidr AS v4, NULL::cidr AS v6,
           (SELECT count(DISTINCT k.service_id) FROM access_keys k WHERE k.node_id = n.id AND k.removed_at IS NULL) AS used
    FROM nodes n
    WHERE n.driver = $1 AND n.state = 'active'";

impl Choice {
    fn choice(self) -> ServerChoice {
        let pool = match (self.v4, self.v6) {
            (None, None) => u64::MAX,
            (v4, v6) => pool::capacity(decode::v4_net(v4), decode::v6_net(v6)),
        };
        let most = self.capacity.and_then(|most| u64::try_from(most).ok()).unwrap_or(u64::MAX).min(pool);
        // A hundred says that it is full, so that what is nearly full is not rounded up to it.
        let percent = (u128::from(decode::count(self.used)) * 100).checked_div(u128::from(most)).unwrap_or(100);
        ServerChoice {
            node: NodeId(self.id),
            name: self.name,
            place: self.place,
            country: self.country,
            up: self.up,
            load_percent: u8::try_from(percent.min(100)).unwrap_or(100),
        }
    }
}

/// A new row; `None` when the name is taken.
pub(super) async fn insert(
    conn: &mut Conn,
    spec: &KeyNodeSpec,
    sealed: &[u8],
    added: bool,
    now: DateTime<Utc>,
) -> TxResult<Option<NodeId>> {
    let settings = KeySettings { host: spec.host.clone(), port: spec.port, domain: spec.domain.clone() };
    let created: Option<i32> = diesel::insert_into(nodes::table)
        .values((
            nodes::name.eq(&spec.name),
            nodes::driver.eq(spec.product.driver()),
            nodes::mode.eq(MODE),
            nodes::place.eq(&spec.place),
            nodes::country.eq(&spec.country),
            nodes::endpoint.eq(format!("{}:{}", spec.host, spec.port)),
            nodes::dns.eq(Vec::<String>::new()),
            nodes::mtu.eq(0),
            nodes::exclusive.eq(spec.exclusive),
            nodes::capacity.eq(i32::try_from(spec.capacity).unwrap_or(i32::MAX)),
            nodes::settings.eq(serde_json::to_value(settings)?),
            nodes::access.eq(sealed),
            nodes::added.eq(added),
            nodes::created_at.eq(now),
        ))
        .on_conflict(nodes::name)
        .do_nothing()
        .returning(nodes::id)
        .get_result(conn)
        .await
        .optional()?;
    Ok(created.map(NodeId))
}

impl Store {
    /// Creates the server if missing. The row wins otherwise, except `access`, which follows the settings. Two processes may
    /// call it at once.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer; [`StoreError::Vault`] when its access cannot be sealed;
    /// [`StoreError::Broken`] when a server of another kind has the name.
    pub async fn ensure_key_node(&self, spec: &KeyNodeSpec, now: DateTime<Utc>) -> Result<KeyNodeRow> {
        let access = write_access(&spec.access)?;
        let sealed = self.vault.seal_node_access(&spec.name, &access)?;
        let node = self
            .tx("ensure_key_node", async |conn| {
                if let Some(id) = insert(conn, spec, &sealed, false, now).await? {
                    let details = json!({ "name": spec.name, "driver": spec.product.driver() });
                    audit::write(conn, &[audit::on_node(id, "node.create", details)], now).await?;
                    return Ok(id);
                }
                self.follow_access(conn, spec, &access, &sealed, now).await
            })
            .await?;
        self.key_node(node).await?.ok_or_else(|| StoreError::Broken(format!("the server {node} is gone")))
    }

    async fn follow_access(
        &self,
        conn: &mut Conn,
        spec: &KeyNodeSpec,
        access: &[u8],
        sealed: &[u8],
        now: DateTime<Utc>,
    ) -> TxResult<NodeId> {
        let found: Option<(i32, Option<Vec<u8>>, String)> = nodes::table
            .filter(nodes::name.eq(&spec.name).and(nodes::driver.eq(spec.product.driver())))
            .select((nodes::id, nodes::access, nodes::state))
            .for_no_key_update()
            .get_result(conn)
            .await
            .optional()?;
        let (id, stored, state) = found.ok_or_else(|| {
            StoreError::Broken(format!("a server of another kind is called {}; choose another name", spec.name))
        })?;
        if decode::node_state(&state)? == NodeState::Removed {
            // What was removed is forgotten, whatever the settings still say.
            return Ok(NodeId(id));
        }
        let opened = stored.map(|stored| self.vault.open_node_access(&spec.name, &stored)).transpose();
        // One that cannot be opened is replaced: the settings know it.
        if !matches!(opened, Ok(Some(opened)) if *opened == access) {
            diesel::update(nodes::table.find(id)).set(nodes::access.eq(sealed)).execute(conn).await?;
            audit::write(conn, &[audit::on_node(NodeId(id), "node.change", json!({ "changed": "access" }))], now)
                .await?;
        }
        Ok(NodeId(id))
    }

    /// Every server of keys that is not removed. One whose secret cannot be opened comes with [`KeyAccess::Unreadable`], and one
    /// that cannot be read at all is left out; both are told in the log, and the others go on.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn key_nodes(&self) -> Result<Vec<KeyNodeRow>> {
        let mut conn = self.conn().await?;
        let rows: Vec<KeyNode> = nodes::table
            .filter(nodes::driver.ne(Product::Wireguard.driver()).and(nodes::state.ne(NodeState::Removed.as_str())))
            .select(KeyNode::as_select())
            .order(nodes::id)
            .load(&mut conn)
            .await?;
        Ok(rows.into_iter().filter_map(|row| self.readable(row)).collect())
    }

    /// Servers of keys that admins added and did not remove; unreadable ones as in [`Store::key_nodes`].
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn added_key_nodes(&self) -> Result<Vec<KeyNodeRow>> {
        let mut conn = self.conn().await?;
        let rows: Vec<KeyNode> = nodes::table
            .filter(nodes::added.and(nodes::state.ne(NodeState::Removed.as_str())))
            .select(KeyNode::as_select())
            .order(nodes::id)
            .load(&mut conn)
            .await?;
        Ok(rows.into_iter().filter_map(|row| self.readable(row)).collect())
    }

    /// One server of keys, also a removed one.
    ///
    /// # Errors
    /// As [`Store::key_nodes`]; [`StoreError::Vault`] when its access cannot be opened.
    pub async fn key_node(&self, node: NodeId) -> Result<Option<KeyNodeRow>> {
        let mut conn = self.conn().await?;
        let row: Option<KeyNode> = nodes::table
            .find(node.0)
            .filter(nodes::driver.ne(Product::Wireguard.driver()))
            .select(KeyNode::as_select())
            .get_result(&mut conn)
            .await
            .optional()?;
        row.map(|row| self.key_node_row(row)).transpose()
    }

    /// What a server of any kind is for; one that is not there is removed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn node_state(&self, node: NodeId) -> Result<NodeState> {
        let mut conn = self.conn().await?;
        let state: Option<String> =
            nodes::table.find(node.0).select(nodes::state).get_result(&mut conn).await.optional()?;
        state.map_or(Ok(NodeState::Removed), |state| decode::node_state(&state))
    }

    /// Active servers on which a new service of this product could be made, best first: those that answer, then by load, then
    /// by id. Full ones, and only they, come with a load of 100.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn server_choices(&self, product: Product, purpose: Purpose) -> Result<Vec<ServerChoice>> {
        let mut conn = self.conn().await?;
        let (sql, which) =
            if product.has_addresses() { (POOLS, purpose.as_str()) } else { (SERVERS, product.driver()) };
        let query = diesel::sql_query(sql).bind::<Text, _>(which);
        let rows: Vec<Choice> = RunQueryDsl::load(Planned(query), &mut conn).await?;
        let mut choices: Vec<ServerChoice> = rows.into_iter().map(Choice::choice).collect();
        choices.sort_by_key(|choice| (Reverse(choice.up), choice.load_percent, choice.node));
        Ok(choices)
    }

    fn access(&self, row: &KeyNode) -> Result<KeyAccess> {
        match &row.access {
            Some(sealed) => read_access(&self.vault.open_node_access(&row.name, sealed)?),
            None if decode::node_state(&row.state)? == NodeState::Removed => Ok(KeyAccess::Forgotten),
            None => Err(StoreError::Broken(format!("the server {} has no access", row.name))),
        }
    }

    fn key_node_row(&self, row: KeyNode) -> Result<KeyNodeRow> {
        let access = self.access(&row)?;
        Self::with_access(row, access)
    }

    /// As much of a row as can be read: one server must not keep the others from working.
    fn readable(&self, row: KeyNode) -> Option<KeyNodeRow> {
        let name = row.name.clone();
        let access = self.access(&row).unwrap_or_else(|error| {
            tracing::error!(node = name, %error, "what leads to a server of keys cannot be opened; the others go on");
            KeyAccess::Unreadable
        });
        Self::with_access(row, access)
            .inspect_err(
                |error| tracing::error!(node = name, %error, "a server of keys cannot be read; the others go on"),
            )
            .ok()
    }

    fn with_access(row: KeyNode, access: KeyAccess) -> Result<KeyNodeRow> {
        let state = decode::node_state(&row.state)?;
        let KeySettings { host, port, domain } = serde_json::from_value(row.settings)?;
        Ok(KeyNodeRow {
            id: NodeId(row.id),
            spec: KeyNodeSpec {
                product: Product::of_driver(&row.driver)
                    .ok_or_else(|| StoreError::Broken(format!("a row has the unknown driver `{}`", row.driver)))?,
                name: row.name,
                place: row.place,
                country: row.country,
                capacity: row.capacity.and_then(|most| u32::try_from(most).ok()).unwrap_or(u32::MAX),
                host,
                port,
                domain,
                exclusive: row.exclusive,
                access,
            },
            state,
            up: row.up,
            added: row.added,
            incarnation: row.incarnation,
        })
    }
}

#[cfg(test)]
mod tests;
