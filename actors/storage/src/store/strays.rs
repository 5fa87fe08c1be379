//! What nobody looks after any more: servers without an actor, and keys of ours whose rows are over.

use super::decode;
use super::sql::Planned;
use super::{Result, Store};
use crate::model::ServerStanding;
use diesel::sql_types::{Array, Binary, Bool, Integer, Nullable, Text};
use diesel_async::RunQueryDsl;
use usipipo_domain::access::KeySecret;
use usipipo_domain::ids::NodeId;

#[derive(diesel::QueryableByName)]
struct Stray {
    #[diesel(sql_type = Integer)]
    id: i32,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Bool)]
    added: bool,
    #[diesel(sql_type = Bool)]
    up: bool,
    #[diesel(sql_type = Nullable<Text>)]
    error: Option<String>,
    #[diesel(sql_type = Bool)]
    in_use: bool,
}

#[derive(diesel::QueryableByName)]
struct Removed {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Binary)]
    secret: Vec<u8>,
    #[diesel(sql_type = Text)]
    product: String,
}

impl Store {
    /// Servers of any kind, removed ones too, as one needs them to find those that nobody steers.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn all_servers(&self) -> Result<Vec<ServerStanding>> {
        let mut conn = self.conn().await?;
        let query = diesel::sql_query(
            "SELECT n.id, n.name, n.state, n.added, n.up, n.error,
                    EXISTS (SELECT 1 FROM services s
                            WHERE s.node_id = n.id AND s.status IN ('pending', 'active', 'suspended')) AS in_use
             FROM nodes n ORDER BY n.id",
        );
        let rows: Vec<Stray> = RunQueryDsl::load(Planned(query), &mut conn).await?;
        rows.into_iter()
            .map(|row| {
                Ok(ServerStanding {
                    id: NodeId(row.id),
                    name: row.name,
                    state: decode::node_state(&row.state)?,
                    added: row.added,
                    up: row.up,
                    error: row.error,
                    in_use: row.in_use,
                })
            })
            .collect()
    }

    /// Those of these names that keys of ours had on the server which are over, each with its secret. One whose secret cannot
    /// be opened is left out.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database does not answer.
    pub async fn removed_keys(&self, node: NodeId, names: &[&str]) -> Result<Vec<(String, KeySecret)>> {
        let mut conn = self.conn().await?;
        let query = diesel::sql_query(
            "SELECT k.name, k.secret, s.product FROM access_keys k JOIN services s ON s.id = k.service_id
             WHERE k.node_id = $1 AND k.name = ANY ($2) AND k.removed_at IS NOT NULL",
        )
        .bind::<Integer, _>(node.0)
        .bind::<Array<Text>, _>(names);
        let rows: Vec<Removed> = RunQueryDsl::load(Planned(query), &mut conn).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let product = decode::product(&row.product)?;
            if let Ok(secret) = self.vault.open_key_secret(node, &row.name, product, &row.secret) {
                found.push((row.name, secret));
            }
        }
        Ok(found)
    }
}
