//! Services to begin with, made as the program makes them: through offers and steps, with sealed keys.

use super::lab::Lab;
use chrono::{DateTime, Utc};
use std::net::Ipv4Addr;
use usipipo::clock::SystemClock;
use usipipo_actors::domain::access::{KeySecret, PASSWORD_RANDOM_BYTES};
use usipipo_actors::domain::dialogue::{Act, Effect, State, Step};
use usipipo_actors::domain::ids::{InboxSeq, NodeId, OfferId, PoolId, UserId};
use usipipo_actors::domain::outgoing::Place;
use usipipo_actors::domain::service::{Addresses, Product};
use usipipo_actors::domain::wg::{PresharedKey, PrivateKey};
use usipipo_actors::model::{Epoch, Prepared, PreparedKey, StepCommit, StepRules};
use usipipo_actors::ports::clock::Clock as _;
use usipipo_actors::storage::{Store, Vault};

/// Steps in one transaction, as in the program.
const BATCH: usize = 64;
/// As the holder of the lease; the program must not lead meanwhile.
const HOLDER: &str = "test";
/// First address that is given out; the pools of [`Lab::with_room`] begin right before it.
const FIRST_ADDRESS: u32 = 0x0a50_0002;

/// Random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// Makes services while the program is down; it must have run once, so that servers, pools and plans have rows.
pub(crate) struct Seeding<'a> {
    lab: &'a Lab,
    store: Store,
    epoch: Epoch,
    now: DateTime<Utc>,
    made: i64,
}

impl<'a> Seeding<'a> {
    pub(crate) async fn begin(lab: &'a Lab) -> Self {
        let options = lab.database.options();
        let vault = Vault::open_file(&lab.directory.path().join("master.keys")).unwrap();
        let store = Store::connect(&options, vault).unwrap();
        let epoch = lab.database.lead(&store).await;
        Self { lab, store, epoch, now: SystemClock.now(), made: 0 }
    }

    /// WireGuard trials of users `first` and following, on the first server.
    pub(crate) async fn tunnels(&mut self, first: i64, count: i64) {
        let node = self.node("wireguard", None).await;
        let pool = self.lab.database.number("SELECT id::bigint AS n FROM pools WHERE purpose = 'trial'").await;
        let pool = PoolId(i32::try_from(pool).unwrap());
        let offers = self.offers("trial", "wg-trial", first, count).await;
        let mut address = FIRST_ADDRESS;
        let steps = offers.map(|(user, offer)| {
            let addresses = Addresses { v4: Some(Ipv4Addr::from(address)), v6: None };
            address += 1;
            let prepared = Prepared {
                node,
                pool,
                addresses: Some(addresses),
                private_key: PrivateKey::from_random(random()),
                preshared_key: PresharedKey::from_random(random()),
                name: "WireGuard 1".to_owned(),
            };
            StepCommit { prepared: Some(prepared), ..self.step(user, offer) }
        });
        self.commit(steps.collect()).await;
        self.made += count;
    }

    /// Keys of users `first` and following, on the server of this name.
    pub(crate) async fn keys(&mut self, server: &str, product: Product, first: i64, count: i64) {
        let (kind, plan, driver) = match product {
            Product::Outline => ("trial", "outline-trial", "outline"),
            _ => ("free", "mtproto-free", "telemt"),
        };
        let node = self.node(driver, Some(server)).await;
        let offers = self.offers(kind, plan, first, count).await;
        let steps = offers.map(|(user, offer)| {
            let secret = match product {
                // Few random bytes cannot be used for a password.
                Product::Outline => loop {
                    if let Some(secret) = KeySecret::outline(random::<PASSWORD_RANDOM_BYTES>()) {
                        break secret;
                    }
                },
                _ => KeySecret::mtproto(random()),
            };
            let key = PreparedKey { node, secret, name: "Key 1".to_owned() };
            StepCommit { prepared_key: Some(key), ..self.step(user, offer) }
        });
        self.commit(steps.collect()).await;
        self.made += count;
    }

    /// All work since a while and for long, and their owners know; the servers have none of them yet.
    pub(crate) async fn finish(self) {
        let (database, made) = (&self.lab.database, self.made);
        assert_eq!(database.number("SELECT count(*) AS n FROM services").await, made, "services are missing");
        for statement in [
            "UPDATE services SET status = 'active', activated_at = created_at, period_at = created_at, \
                                 ends_at = '2126-01-01', remind_at = NULL",
            "UPDATE peers SET told_at = created_at",
            "UPDATE access_keys SET told_at = created_at",
            "UPDATE outbox SET sent_at = created_at",
            "ANALYZE",
        ] {
            database.execute(statement).await;
        }
        self.store.release_lead(HOLDER, self.epoch).await.unwrap();
    }

    async fn node(&self, driver: &str, name: Option<&str>) -> NodeId {
        let name = name.map_or_else(String::new, |name| format!("AND name = '{name}'"));
        let sql = format!("SELECT id::bigint AS n FROM nodes WHERE driver = '{driver}' {name}");
        NodeId(i32::try_from(self.lab.database.number(&sql).await).unwrap())
    }

    /// Users with an offer each, and the update with which they take it; both have the user's number. They have no quiet hours.
    async fn offers(&self, kind: &str, plan: &str, first: i64, count: i64) -> impl Iterator<Item = (i64, i64)> + use<> {
        let last = first + count - 1;
        let rows = format!(
            "INSERT INTO users (id, first_name, language, tz, created_at, last_seen_at, quiet_from, quiet_to) \
               SELECT n, 'x', 'en', 'UTC', 'epoch', 'epoch', 0, 0 FROM generate_series({first}, {last}) n;
             INSERT INTO offers (id, user_id, kind, plan_id, created_at, expires_at) OVERRIDING SYSTEM VALUE \
               SELECT n, n, '{kind}', (SELECT max(id) FROM plans WHERE code = '{plan}'), '2026-01-01', '2126-01-01' \
               FROM generate_series({first}, {last}) n;
             INSERT INTO inbox (seq, bot_id, update_id, user_id, lane, raw, received_at) OVERRIDING SYSTEM VALUE \
               SELECT n, 1, n, n, 'session', '{{}}', '2026-01-01' FROM generate_series({first}, {last}) n"
        );
        for statement in rows.split(';') {
            self.lab.database.execute(statement).await;
        }
        (first..=last).map(|number| (number, number))
    }

    fn step(&self, user: i64, offer: i64) -> StepCommit {
        StepCommit {
            seq: InboxSeq(user),
            user: UserId(user),
            step: Step {
                state: State::Idle,
                act: Act::Do(Effect::Accept { offer: OfferId(offer), own_key: None, node: None }),
                place: Place::New,
            },
            before: State::Idle,
            callback_id: None,
            touch: None,
            prepared: None,
            prepared_key: None,
            refused: None,
            rules: StepRules::default(),
            now: self.now,
        }
    }

    async fn commit(&self, mut steps: Vec<StepCommit>) {
        while !steps.is_empty() {
            let group = steps.drain(..BATCH.min(steps.len())).collect();
            for outcome in self.store.commit_steps(self.epoch, group).await.unwrap() {
                outcome.unwrap();
            }
        }
    }
}
