//! Rows that tests begin with.

use super::{TestDatabase, connect};
use crate::Store;
use crate::model::{
    Epoch, KeyAccess, KeyNodeRow, KeyNodeSpec, NewUpdate, Prepared, PreparedKey, StepCommit, StepDone, StepRefusal,
    StepRules, UserTouch,
};
use crate::schema::{access_keys, nodes, pools};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use ipnetwork::IpNetwork;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;
use usipipo_domain::access::KeySecret;
use usipipo_domain::dialogue::{Act, Effect, State, Step};
use usipipo_domain::ids::{BotId, InboxSeq, NodeId, OfferId, PoolId, ServiceId, UserId};
use usipipo_domain::lang::Lang;
use usipipo_domain::outgoing::{Body, Place};
use usipipo_domain::plan::PlanSpec;
use usipipo_domain::screen::Screen;
use usipipo_domain::service::{Addresses, Product};
use usipipo_domain::wg::{PresharedKey, PrivateKey, PublicKey};

/// A server and its pools.
#[derive(Debug, Clone)]
pub struct SeededNode {
    /// Its id.
    pub node: NodeId,
    /// `10.66.0.0/24` and `fd66::/64`.
    pub trial: PoolId,
    /// `10.67.0.0/24`, no IPv6.
    pub paid: PoolId,
    /// Its private key.
    pub private_key: PrivateKey,
    /// Its public key.
    pub public_key: PublicKey,
}

impl TestDatabase {
    /// The plans of an operator who decided nothing.
    pub async fn seed_plans(&self) {
        let store = self.store_with(|options| options.max_connections = 1);
        store.ensure_plans(&PlanSpec::defaults(), DateTime::UNIX_EPOCH).await.expect("the plans can be added");
    }

    /// A server of keys that is up, at `keys.example.org:443`, with room for a hundred; and the default plans.
    pub async fn seed_key_node(&self, name: &str, product: Product) -> KeyNodeRow {
        self.seed_plans().await;
        let access = match product {
            Product::Mtproto => KeyAccess::Telemt { api_url: "http://127.0.0.1:1".into(), auth_header: None },
            Product::Outline | Product::Wireguard => {
                KeyAccess::Outline { api_url: "https://127.0.0.1:1/prefix".into(), cert_sha256: "ab".repeat(32) }
            }
        };
        let spec = KeyNodeSpec {
            name: name.to_owned(),
            place: "Miami".to_owned(),
            country: "US".to_owned(),
            product,
            capacity: 100,
            host: "keys.example.org".to_owned(),
            port: 443,
            domain: None,
            exclusive: false,
            access,
        };
        let store = self.store_with(|options| options.max_connections = 1);
        let node = store.ensure_key_node(&spec, DateTime::UNIX_EPOCH).await.expect("the server can be added");
        self.execute(&format!("UPDATE nodes SET up = true WHERE id = {}", node.id)).await;
        KeyNodeRow { up: true, ..node }
    }

    /// A node that is up, with a trial and a paid pool; and the default plans.
    pub async fn seed_node(&self, name: &str) -> SeededNode {
        self.seed_plans().await;
        let private_key = PrivateKey::from_random(std::array::from_fn(|_| random_byte()));
        let public_key = private_key.public_key();
        let sealed = self.vault().seal_node_key(&public_key, &private_key).expect("sealing works");
        let mut conn = connect(self.url()).await;
        let node: i32 = diesel::insert_into(nodes::table)
            .values((
                nodes::name.eq(name),
                nodes::driver.eq("wireguard"),
                nodes::mode.eq("config-only"),
                nodes::place.eq("Miami"),
                nodes::interface.eq("wg0"),
                nodes::listen_port.eq(51820),
                nodes::endpoint.eq("vpn.example.org:51820"),
                nodes::dns.eq(vec!["1.1.1.1"]),
                nodes::mtu.eq(1420),
                nodes::public_key.eq(public_key.as_bytes().as_slice()),
                nodes::private_key.eq(sealed),
                nodes::created_at.eq(DateTime::<Utc>::UNIX_EPOCH),
                nodes::up.eq(true),
            ))
            .returning(nodes::id)
            .get_result(&mut conn)
            .await
            .expect("a node can be added");
        let net = |text: &str| text.parse::<IpNetwork>().expect("a prefix");
        let pool = async |conn: &mut diesel_async::AsyncPgConnection, purpose: &str, v4, v6: Option<IpNetwork>| {
            let id: i32 = diesel::insert_into(pools::table)
                .values((pools::node_id.eq(node), pools::purpose.eq(purpose), pools::v4.eq(net(v4)), pools::v6.eq(v6)))
                .returning(pools::id)
                .get_result(conn)
                .await
                .expect("a pool can be added");
            PoolId(id)
        };
        let trial = pool(&mut conn, "trial", "10.66.0.0/24", Some(net("fd66::/64"))).await;
        let paid = pool(&mut conn, "paid", "10.67.0.0/24", None).await;
        SeededNode { node: NodeId(node), trial, paid, private_key, public_key }
    }

    /// Becomes the leader for an hour.
    pub async fn lead(&self, store: &Store) -> Epoch {
        let epoch = store.try_lead("test", Duration::from_secs(3600)).await.expect("the database answers");
        epoch.expect("nobody else leads")
    }

    /// Stores a session update of the user, undone, and returns its number.
    pub async fn seed_update(&self, store: &Store, update_id: i64, user: UserId, now: DateTime<Utc>) -> InboxSeq {
        let update = NewUpdate { update_id: Some(update_id), user: Some(user), lane: "session", raw: b"{}".to_vec() };
        let rows = store.store_updates(BotId(1), vec![update], false, now).await.expect("the database answers");
        rows.into_iter().next().expect("the update is new").seq
    }
}

/// What a session prepares for a trial at `10.66.0.host` and `fd66::host`, with new keys.
#[must_use]
pub fn prepared(node: &SeededNode, host: u8) -> Prepared {
    Prepared {
        node: node.node,
        pool: node.trial,
        addresses: Some(Addresses {
            v4: Some(Ipv4Addr::new(10, 66, 0, host)),
            v6: Some(Ipv6Addr::new(0xfd66, 0, 0, 0, 0, 0, 0, u16::from(host))),
        }),
        private_key: PrivateKey::from_random(std::array::from_fn(|_| random_byte())),
        preshared_key: PresharedKey::from_random(std::array::from_fn(|_| random_byte())),
        name: "WireGuard 1".to_owned(),
    }
}

/// What a session prepares for an offer that needs a key on this server.
#[must_use]
pub fn prepared_key(node: &KeyNodeRow) -> PreparedKey {
    let secret = match node.spec.product {
        Product::Mtproto => KeySecret::mtproto(std::array::from_fn(|_| random_byte())),
        Product::Outline | Product::Wireguard => {
            KeySecret::outline(std::array::from_fn(|_| random_byte())).expect("few random bytes are rejected")
        }
    };
    PreparedKey { node: node.id, secret, name: "Key 1".to_owned() }
}

/// A step of a user who is Ana in Spanish, from and to [`State::Idle`], with a new message.
#[must_use]
pub fn step(seq: InboxSeq, user: UserId, act: Act, now: DateTime<Utc>) -> StepCommit {
    StepCommit {
        seq,
        user,
        step: Step { state: State::Idle, act, place: Place::New },
        before: State::Idle,
        callback_id: None,
        touch: Some(UserTouch {
            first_name: "Ana".to_owned(),
            last_name: None,
            username: None,
            lang: Lang::Es,
            tz: "America/Havana".to_owned(),
            referral: None,
        }),
        prepared: None,
        prepared_key: None,
        refused: None,
        rules: StepRules::default(),
        now,
    }
}

/// The screen of the step's first message, if it has one.
#[must_use]
pub fn screen(done: &StepDone) -> Option<&Screen> {
    match done.messages.as_slice().first()?.content.body.as_ref()? {
        Body::Screen { screen, .. } => Some(screen),
        _ => None,
    }
}

impl TestDatabase {
    /// Stores an update of the user and commits what it causes.
    ///
    /// # Errors
    /// The step's refusal.
    pub async fn act(
        &self,
        store: &Store,
        epoch: Epoch,
        user: UserId,
        act: Act,
        change: impl FnOnce(&mut StepCommit),
        now: DateTime<Utc>,
    ) -> Result<StepDone, StepRefusal> {
        let update = NewUpdate { update_id: None, user: Some(user), lane: "session", raw: b"{}".to_vec() };
        let rows = store.store_updates(BotId(1), vec![update], false, now).await.expect("the database answers");
        let mut step = step(rows.into_iter().next().expect("the update is new").seq, user, act, now);
        change(&mut step);
        let outcomes = store.commit_steps(epoch, vec![step]).await.expect("the database answers");
        outcomes.into_iter().next().expect("one outcome for each step")
    }

    /// Asks for a trial and returns the offer.
    pub async fn seed_trial_offer(&self, store: &Store, epoch: Epoch, user: UserId, now: DateTime<Utc>) -> OfferId {
        let done = self
            .act(store, epoch, user, Act::Do(Effect::OfferTrial(Some(Product::Wireguard))), |_| {}, now)
            .await
            .expect("an offer");
        match screen(&done) {
            Some(Screen::TrialOffer { offer, .. }) => *offer,
            other => panic!("no offer but {other:?}"),
        }
    }

    /// Takes a trial at `10.66.0.host` and `fd66::host`; it is pending, its peer not applied.
    pub async fn seed_trial(
        &self,
        store: &Store,
        epoch: Epoch,
        user: UserId,
        node: &SeededNode,
        host: u8,
        now: DateTime<Utc>,
    ) -> ServiceId {
        let offer = self.seed_trial_offer(store, epoch, user, now).await;
        let accept = Act::Do(Effect::Accept { offer, own_key: None, node: None });
        let done = self
            .act(store, epoch, user, accept, |step| step.prepared = Some(prepared(node, host)), now)
            .await
            .expect("a trial");
        match screen(&done) {
            Some(Screen::Preparing { service }) => *service,
            other => panic!("no trial but {other:?}"),
        }
    }

    /// Asks for a free service of this product and returns the offer.
    pub async fn seed_free_offer(
        &self,
        store: &Store,
        epoch: Epoch,
        user: UserId,
        product: Product,
        now: DateTime<Utc>,
    ) -> OfferId {
        let ask = Act::Do(Effect::OfferTrial(Some(product)));
        let done = self.act(store, epoch, user, ask, |_| {}, now).await.expect("an offer");
        match screen(&done) {
            Some(Screen::TrialOffer { offer, .. }) => *offer,
            other => panic!("no offer but {other:?}"),
        }
    }

    /// Takes the free service (trial or free plan) of this server's product; it is pending, its key not applied.
    pub async fn seed_key_service(
        &self,
        store: &Store,
        epoch: Epoch,
        user: UserId,
        node: &KeyNodeRow,
        now: DateTime<Utc>,
    ) -> ServiceId {
        let offer = self.seed_free_offer(store, epoch, user, node.spec.product, now).await;
        let accept = Act::Do(Effect::Accept { offer, own_key: None, node: None });
        let key = prepared_key(node);
        let done =
            self.act(store, epoch, user, accept, |step| step.prepared_key = Some(key), now).await.expect("a service");
        match screen(&done) {
            Some(Screen::Preparing { service }) => *service,
            other => panic!("no service but {other:?}"),
        }
    }
}

/// Keys written in one statement.
const KEYS_AT_ONCE: usize = 4_096;

impl TestDatabase {
    /// As many active services of as many users on a server of proxies, which end one after another within a minute from
    /// `start` on. Their ids begin at 1,000,000, those of their users at 10,000; each key is open and was handed over. The
    /// names and secrets of the keys.
    pub async fn seed_many_keys(&self, node: &KeyNodeRow, many: u32, start: DateTime<Utc>) -> Vec<(String, KeySecret)> {
        let id = node.id;
        self.execute(&format!(
            "INSERT INTO users (id, first_name, language, tz, created_at, last_seen_at)
             SELECT 9999 + i, 'U', 'es', 'UTC', '{start}', '{start}' FROM generate_series(1, {many}) i;
             INSERT INTO services (id, user_id, product, trial, free, node_id, name, status, days, created_at, activated_at,
                                   ends_at)
             SELECT 999999 + i, 9999 + i, 'mtproto', false, true, {id}, 'T', 'active', 30, '{start}', '{start}',
                    '{start}'::timestamptz + make_interval(secs => i * 60.0 / {many}) FROM generate_series(1, {many}) i;"
        ))
        .await;
        let secret = || KeySecret::mtproto(std::array::from_fn(|_| random_byte()));
        let keys: Vec<_> = (1_000_000_i64..)
            .take(usize::try_from(many).expect("a few"))
            .map(|id| (id, format!("u{id}-1"), secret()))
            .collect();
        let mut conn = connect(self.url()).await;
        for some in keys.chunks(KEYS_AT_ONCE) {
            let row = |(service, name, secret): &(i64, String, KeySecret)| {
                let sealed = self.vault().seal_key_secret(id, name, secret).expect("sealing works");
                (
                    access_keys::service_id.eq(*service),
                    access_keys::node_id.eq(id.0),
                    access_keys::name.eq(name.clone()),
                    access_keys::secret.eq(sealed),
                    access_keys::created_at.eq(start),
                    access_keys::applied.eq("open"),
                    access_keys::told_at.eq(start),
                )
            };
            let rows: Vec<_> = some.iter().map(row).collect();
            diesel::insert_into(access_keys::table).values(&rows).execute(&mut conn).await.expect("keys can be added");
        }
        keys.into_iter().map(|(_, name, secret)| (name, secret)).collect()
    }
}

fn random_byte() -> u8 {
    let mut byte = [0];
    getrandom::fill(&mut byte).expect("random bytes");
    byte[0]
}
