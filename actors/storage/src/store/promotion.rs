//! What a proxy server is registered and promoted with.

use super::key_nodes::KeySettings;
use super::{Result, Store};
use crate::StoreError;
use crate::model::PromotionRow;
use crate::schema::nodes;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use usipipo_domain::ids::NodeId;
use usipipo_domain::promotion::AdTag;
use usipipo_domain::service::{NodeState, Product};

/// What the secret of a registration is sealed with, in place of a key's name. No key can be called so.
pub(super) const SECRET_NAME: &str = "promotion";

impl Store {
    /// What an admin needs to register a server of proxies; `None` for another kind of server, or a removed one. Without a
    /// registration that was begun there is no secret.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer; [`StoreError::Vault`] when its secret cannot be opened.
    pub async fn promotion(&self, node: NodeId) -> Result<Option<PromotionRow>> {
        let mut conn = self.conn().await?;
        type Row = (String, serde_json::Value, Option<String>, Option<Vec<u8>>);
        let proxies = nodes::driver.eq(Product::Mtproto.driver()).and(nodes::state.ne(NodeState::Removed.as_str()));
        let row: Option<Row> = nodes::table
            .filter(nodes::id.eq(node.0).and(proxies))
            .select((nodes::name, nodes::settings, nodes::ad_tag, nodes::promotion_secret))
            .get_result(&mut conn)
            .await
            .optional()?;
        let Some((name, settings, tag, sealed)) = row else { return Ok(None) };
        let KeySettings { host, port, .. } = serde_json::from_value(settings)?;
        let open = |sealed: Vec<u8>| self.vault.open_key_secret(node, SECRET_NAME, Product::Mtproto, &sealed);
        Ok(Some(PromotionRow {
            name,
            host,
            port,
            tag: tag.as_deref().map(tag_of).transpose()?,
            secret: sealed.map(open).transpose()?,
        }))
    }
}

/// A tag of a row.
pub(super) fn tag_of(text: &str) -> Result<AdTag> {
    AdTag::parse(text).ok_or_else(|| StoreError::Broken("a row has a promotion tag that is none".to_owned()))
}
