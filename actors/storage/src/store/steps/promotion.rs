//! Promotion of proxy servers, as admins arrange it.

use super::effects::{Ctx, Done, EffectResult, nothing};
use crate::StoreError;
use crate::schema::{access_keys, nodes};
use crate::store::Conn;
use crate::store::promotion::SECRET_NAME;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;
use usipipo_domain::access::KeySecret;
use usipipo_domain::dialogue::Outcome;
use usipipo_domain::ids::NodeId;
use usipipo_domain::promotion::{AdTag, REGISTRATION_HOURS, choose};
use usipipo_domain::service::{NodeState, Product};

#[derive(Queryable)]
struct Promoted {
    ad_tag: Option<String>,
    secret: Option<Vec<u8>>,
    until: Option<DateTime<Utc>>,
}

/// Locks a server of proxies that is not removed.
async fn lock(conn: &mut Conn, node: NodeId) -> EffectResult<Option<Promoted>> {
    let proxies = nodes::driver.eq(Product::Mtproto.driver()).and(nodes::state.ne(NodeState::Removed.as_str()));
    Ok(nodes::table
        .filter(nodes::id.eq(node.0).and(proxies))
        .select((nodes::ad_tag, nodes::promotion_secret, nodes::promotion_until))
        .for_no_key_update()
        .get_result(conn)
        .await
        .optional()?)
}

fn subject(node: NodeId) -> String {
    format!("node/{node}")
}

/// The secret is nobody's, so that no user's is shown to an admin or told to @MTProxybot. One that was shown a while ago is
/// shown again: it may be half registered.
pub(super) async fn begin(conn: &mut Conn, ctx: Ctx<'_>, node: NodeId) -> EffectResult<Outcome> {
    let Some(row) = lock(conn, node).await? else { return Ok(Outcome::NoSuchNode) };
    let now = ctx.step.now;
    let known = row.secret.filter(|_| row.until.is_some_and(|until| until > now));
    let usable =
        known.is_some_and(|sealed| ctx.vault.open_key_secret(node, SECRET_NAME, Product::Mtproto, &sealed).is_ok());
    if usable {
        return Ok(Outcome::PromotionBegun(node));
    }
    let sealed = ctx.vault.seal_key_secret(node, SECRET_NAME, &ctx.vault.new_mtproto_secret()?)?;
    let until = now + TimeDelta::hours(REGISTRATION_HOURS);
    diesel::update(nodes::table.find(node.0))
        .set((nodes::promotion_secret.eq(sealed), nodes::promotion_until.eq(until)))
        .execute(conn)
        .await?;
    ctx.audit("node.begin_promotion", subject(node), json!({ "until": until }));
    Ok(Outcome::PromotionBegun(node))
}

/// Every secret of this server: of proxies on it or on their way off it, and the registration's own. One that cannot be
/// opened is passed over; its alert is raised elsewhere.
async fn secrets(conn: &mut Conn, ctx: Ctx<'_>, node: NodeId, own: Option<Vec<u8>>) -> EffectResult<Vec<KeySecret>> {
    let there = access_keys::node_id.eq(node.0).and(access_keys::removed_at.is_null());
    let mut sealed: Vec<(String, Vec<u8>)> =
        access_keys::table.filter(there).select((access_keys::name, access_keys::secret)).load(conn).await?;
    sealed.extend(own.map(|own| (SECRET_NAME.to_owned(), own)));
    let mut secrets = Vec::with_capacity(sealed.len());
    for (name, sealed) in sealed {
        match ctx.vault.open_key_secret(node, &name, Product::Mtproto, &sealed) {
            Ok(secret) => secrets.push(secret),
            Err(StoreError::Vault(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(secrets)
}

pub(super) async fn set_tag(
    conn: &mut Conn,
    ctx: Ctx<'_>,
    node: NodeId,
    tags: &[AdTag],
) -> EffectResult<(Outcome, Done)> {
    let Some(row) = lock(conn, node).await? else { return Ok(nothing(Outcome::NoSuchNode)) };
    let secrets = secrets(conn, ctx, node, row.secret).await?;
    let is_secret =
        |bytes: &[u8; 16]| secrets.iter().any(|secret| matches!(secret, KeySecret::Mtproto(theirs) if theirs == bytes));
    let tag = match choose(tags.to_vec(), is_secret) {
        Ok(tag) => tag,
        Err(error) => return Ok(nothing(Outcome::TagRefused(node, error))),
    };
    let none = (nodes::promotion_secret.eq(None::<Vec<u8>>), nodes::promotion_until.eq(None::<DateTime<Utc>>));
    diesel::update(nodes::table.find(node.0)).set((nodes::ad_tag.eq(tag.as_str()), none)).execute(conn).await?;
    let details = json!({ "before": row.ad_tag, "after": tag });
    ctx.audit("node.set_ad_tag", subject(node), details);
    Ok((Outcome::TagSet(node), Done { wake: vec![node], ..Done::default() }))
}

pub(super) async fn clear_tag(conn: &mut Conn, ctx: Ctx<'_>, node: NodeId) -> EffectResult<(Outcome, Done)> {
    let Some(row) = lock(conn, node).await? else { return Ok(nothing(Outcome::NoSuchNode)) };
    if row.ad_tag.is_some() {
        diesel::update(nodes::table.find(node.0)).set(nodes::ad_tag.eq(None::<String>)).execute(conn).await?;
        ctx.audit("node.clear_ad_tag", subject(node), json!({ "before": row.ad_tag }));
    }
    Ok((Outcome::TagCleared(node), Done { wake: vec![node], ..Done::default() }))
}
