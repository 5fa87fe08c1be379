//! Reads for the screens of people. They decide nothing.

use super::decode::{self, count};
use super::key_nodes::KeySettings;
use super::sql::Planned;
use super::{Result, Store};
use crate::StoreError;
use crate::model::{ClientConfig, Page, Thing, TunnelConfig, UserRow, Viewer};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Inet, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use ipnetwork::IpNetwork;
use secrecy::SecretString;
use usipipo_domain::access::KeySecret;
use usipipo_domain::ids::{LeaseId, NodeId, ServiceId, UserId};
use usipipo_domain::lang::Lang;
use usipipo_domain::screen::Screen;
use usipipo_domain::service::{Product, ServiceCard};

/// A user and the message that shows their current screen.
#[derive(QueryableByName)]
struct ViewerRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    first_name: String,
    #[diesel(sql_type = Nullable<Text>)]
    last_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    username: Option<String>,
    #[diesel(sql_type = Text)]
    language: String,
    #[diesel(sql_type = Text)]
    tz: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    last_seen_at: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    blocked: bool,
    #[diesel(sql_type = Nullable<Jsonb>)]
    screen: Option<serde_json::Value>,
    #[diesel(sql_type = Nullable<Integer>)]
    screen_message_id: Option<i32>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    screen_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    reminders: bool,
    #[diesel(sql_type = Nullable<SmallInt>)]
    quiet_from: Option<i16>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    quiet_to: Option<i16>,
}

impl ViewerRow {
    fn viewer(self) -> Viewer {
        // A screen of another version is as good as none: the next one is a new message.
        let screen = self.screen.and_then(|screen| serde_json::from_value::<Screen>(screen).ok());
        let current = match (self.screen_message_id, screen, self.screen_at) {
            (Some(message), Some(screen), Some(since)) => Some((message, screen, since)),
            _ => None,
        };
        let user = UserRow {
            id: UserId(self.id),
            first_name: self.first_name,
            last_name: self.last_name,
            username: self.username,
            lang: Lang::from_tag(&self.language).unwrap_or_default(),
            tz: self.tz,
            created_at: self.created_at,
            last_seen_at: self.last_seen_at,
            blocked: self.blocked,
            reminders: self.reminders,
            quiet: decode::quiet(self.quiet_from, self.quiet_to),
        };
        Viewer { user, current }
    }
}

#[derive(QueryableByName)]
struct CardRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    user_id: i64,
    #[diesel(sql_type = Text)]
    product: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Array<Text>)]
    reasons: Vec<String>,
    #[diesel(sql_type = Bool)]
    trial: bool,
    #[diesel(sql_type = Integer)]
    node_id: i32,
    #[diesel(sql_type = Text)]
    node_name: String,
    #[diesel(sql_type = Text)]
    node_place: String,
    #[diesel(sql_type = Text)]
    node_country: String,
    #[diesel(sql_type = Bool)]
    node_up: bool,
    #[diesel(sql_type = Bool)]
    node_config_only: bool,
    #[diesel(sql_type = Nullable<BigInt>)]
    lease_id: Option<i64>,
    #[diesel(sql_type = Nullable<Inet>)]
    v4: Option<IpNetwork>,
    #[diesel(sql_type = Nullable<Inet>)]
    v6: Option<IpNetwork>,
    #[diesel(sql_type = Nullable<Binary>)]
    public_key: Option<Vec<u8>>,
    #[diesel(sql_type = Bool)]
    own_key: bool,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    activated_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ends_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    free: bool,
    #[diesel(sql_type = SmallInt)]
    days: i16,
    #[diesel(sql_type = Nullable<SmallInt>)]
    devices: Option<i16>,
    #[diesel(sql_type = BigInt)]
    quota_base: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    quota_bytes: Option<i64>,
    #[diesel(sql_type = BigInt)]
    used_up: i64,
    #[diesel(sql_type = BigInt)]
    used_down: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_handshake: Option<DateTime<Utc>>,
}

impl CardRow {
    fn card(self) -> Result<ServiceCard> {
        Ok(ServiceCard {
            id: ServiceId(self.id),
            user: UserId(self.user_id),
            product: decode::product(&self.product)?,
            name: self.name,
            status: decode::status(&self.status)?,
            reasons: self.reasons.iter().map(|reason| decode::reason(reason)).collect::<Result<_>>()?,
            trial: self.trial,
            node: NodeId(self.node_id),
            node_name: self.node_name,
            node_place: self.node_place,
            node_country: self.node_country,
            node_up: self.node_up,
            node_config_only: self.node_config_only,
            lease: self.lease_id.map(LeaseId),
            addresses: decode::addresses(self.v4, self.v6),
            public_key: self.public_key.as_deref().map(decode::public_key).transpose()?,
            own_key: self.own_key,
            created_at: self.created_at,
            activated_at: self.activated_at,
            ends_at: self.ends_at,
            free: self.free,
            days: u16::try_from(self.days).unwrap_or(0),
            devices: self.devices.and_then(|devices| u16::try_from(devices).ok()),
            used_before: count(self.quota_base),
            quota_bytes: self.quota_bytes.map(count),
            used_up: count(self.used_up),
            used_down: count(self.used_down),
            last_handshake: self.last_handshake,
        })
    }
}

/// What a config needs besides the card.
#[derive(QueryableByName)]
struct ConfigRow {
    #[diesel(embed)]
    card: CardRow,
    #[diesel(sql_type = Nullable<Binary>)]
    private_key: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    preshared_key: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    server_key: Option<Vec<u8>>,
    #[diesel(sql_type = Text)]
    endpoint: String,
    #[diesel(sql_type = Array<Text>)]
    dns: Vec<String>,
    #[diesel(sql_type = Integer)]
    mtu: i32,
    #[diesel(sql_type = Nullable<Text>)]
    key_name: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    secret: Option<Vec<u8>>,
    #[diesel(sql_type = Jsonb)]
    settings: serde_json::Value,
}

macro_rules! cards_sql {
    ($more:literal, $where:literal) => {
        concat!(
            "SELECT s.id, s.user_id, s.product, s.name, s.status, s.reasons, s.trial, s.node_id,
                    n.name AS node_name, n.place AS node_place, n.country AS node_country, n.up AS node_up,
                    n.config_only AS node_config_only,
                    l.id AS lease_id, l.v4, l.v6, p.public_key,
                    p.id IS NOT NULL AND p.private_key IS NULL AS own_key,
                    s.created_at, s.activated_at, s.ends_at, s.free, s.days, s.devices, s.quota_base,
                    s.quota_bytes, s.used_up, s.used_down, s.last_handshake",
            $more,
            " FROM services s
              JOIN nodes n ON n.id = s.node_id
              LEFT JOIN leases l ON l.service_id = s.id AND l.state = 'live'
              LEFT JOIN peers p ON p.service_id = s.id AND p.retired_at IS NULL
              LEFT JOIN access_keys k ON k.service_id = s.id AND k.retired_at IS NULL
              WHERE ",
            $where
        )
    };
}

/// Live ones, and those that ended within a week before the user was last here: the program's clock is in that column.
macro_rules! listed {
    () => {
        "s.user_id = $1 AND s.product = ANY ($2) AND (
            s.status IN ('pending', 'active', 'suspended')
            OR s.ended_at > (SELECT last_seen_at - make_interval(hours => 168) FROM users WHERE id = $1)
         )"
    };
}

#[derive(QueryableByName)]
struct Total {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Which page is shown when this one is asked for, and how many there are.
pub(crate) fn page_of(total: u64, asked: u16, per_page: u16) -> (u16, u16) {
    let pages = u16::try_from(total.div_ceil(u64::from(per_page.max(1))).max(1)).unwrap_or(u16::MAX);
    (asked.min(pages - 1), pages)
}

impl Store {
    /// Everything needed to render for a user; `None` for somebody who never wrote.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn viewer(&self, user: UserId) -> Result<Option<Viewer>> {
        let mut conn = self.conn().await?;
        let query = diesel::sql_query(
            "SELECT u.id, u.first_name, u.last_name, u.username, u.language, u.tz, u.created_at, u.last_seen_at,
                    u.blocked_at IS NOT NULL AS blocked, d.screen, d.screen_message_id, d.screen_at,
                    u.reminders, u.quiet_from, u.quiet_to
             FROM users u LEFT JOIN dialogues d ON d.user_id = u.id WHERE u.id = $1",
        )
        .bind::<BigInt, _>(user.0);
        let row = RunQueryDsl::get_result::<ViewerRow>(Planned(query), &mut conn).await.optional()?;
        Ok(row.map(ViewerRow::viewer))
    }

    /// A user's live services of these products, and those that ended in the week before the user was last here, newest
    /// first. A page beyond the last one is the last one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn services_of(
        &self,
        user: UserId,
        products: &[Product],
        page: u16,
        per_page: u16,
    ) -> Result<Page<ServiceCard>> {
        let mut conn = self.conn().await?;
        let products: Vec<&str> = products.iter().map(|product| product.as_str()).collect();
        let query = diesel::sql_query(concat!("SELECT count(*) AS n FROM services s WHERE ", listed!()))
            .bind::<BigInt, _>(user.0)
            .bind::<Array<Text>, _>(&products);
        let total = count(RunQueryDsl::get_result::<Total>(Planned(query), &mut conn).await?.n);
        let (page, pages) = page_of(total, page, per_page);
        if total == 0 {
            return Ok(Page { rows: Vec::new(), page, pages, total });
        }
        let query = diesel::sql_query(concat!(cards_sql!("", ""), listed!(), " ORDER BY s.id DESC LIMIT $3 OFFSET $4"))
            .bind::<BigInt, _>(user.0)
            .bind::<Array<Text>, _>(&products)
            .bind::<BigInt, _>(i64::from(per_page))
            .bind::<BigInt, _>(i64::from(page) * i64::from(per_page));
        let rows: Vec<CardRow> = RunQueryDsl::load(Planned(query), &mut conn).await?;
        Ok(Page { rows: rows.into_iter().map(CardRow::card).collect::<Result<_>>()?, page, pages, total })
    }

    /// One of the user's own services, whatever its status.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn card(&self, user: UserId, service: ServiceId) -> Result<Option<ServiceCard>> {
        let mut conn = self.conn().await?;
        let query = diesel::sql_query(cards_sql!("", "s.id = $1 AND s.user_id = $2"))
            .bind::<BigInt, _>(service.0)
            .bind::<BigInt, _>(user.0);
        let row = RunQueryDsl::get_result::<CardRow>(Planned(query), &mut conn).await.optional()?;
        row.map(CardRow::card).transpose()
    }

    /// The secrets of one of the user's own services, pending or active.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer; [`StoreError::Vault`] when a key cannot be opened.
    pub async fn client_config(&self, user: UserId, service: ServiceId) -> Result<Option<ClientConfig>> {
        let mut conn = self.conn().await?;
        let query = diesel::sql_query(cards_sql!(
            ", p.private_key, p.preshared_key, n.public_key AS server_key, n.endpoint, n.dns, n.mtu,
              k.name AS key_name, k.secret, n.settings",
            "s.id = $1 AND s.user_id = $2 AND s.status IN ('pending', 'active') AND (p.id IS NOT NULL OR k.id IS NOT NULL)"
        ))
        .bind::<BigInt, _>(service.0)
        .bind::<BigInt, _>(user.0);
        let row = RunQueryDsl::get_result::<ConfigRow>(Planned(query), &mut conn).await.optional()?;
        row.map(|row| self.config(row)).transpose()
    }

    fn config(&self, row: ConfigRow) -> Result<ClientConfig> {
        let card = row.card.card()?;
        let thing = match (&row.preshared_key, &row.secret) {
            (Some(preshared), _) => {
                let missing = || StoreError::Broken("a key without its public half".to_owned());
                let public = card.public_key.ok_or_else(missing)?;
                let server = row.server_key.as_deref().ok_or_else(missing)?;
                let private = row.private_key.as_deref();
                Thing::Tunnel(TunnelConfig {
                    private_key: private
                        .map(|key| self.vault.open_peer_private(card.node, &public, key))
                        .transpose()?,
                    preshared_key: self.vault.open_peer_preshared(card.node, &public, preshared)?,
                    server_key: decode::public_key(server)?,
                    endpoint: row.endpoint,
                    dns: row.dns,
                    mtu: u32::try_from(row.mtu).unwrap_or(0),
                })
            }
            (None, Some(sealed)) => {
                let name = row.key_name.unwrap_or_default();
                let secret = self.vault.open_key_secret(card.node, &name, card.product, sealed)?;
                let KeySettings { host, port, domain } = serde_json::from_value(row.settings)?;
                match &secret {
                    KeySecret::Outline(password) => {
                        Thing::Outline { password: SecretString::from(password.as_str()), host, port }
                    }
                    KeySecret::Mtproto(_) => Thing::Mtproto { secret, host, port, domain },
                }
            }
            (None, None) => return Err(StoreError::Broken("a service without a key".to_owned())),
        };
        Ok(ClientConfig { card, thing })
    }
}

#[cfg(test)]
mod tests;
