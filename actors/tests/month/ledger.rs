//! What flows, counted beside the program: by service, and when the program can have read it.

use crate::rng::Rng;
use crate::stage::{Server, Stage};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, HashMap, HashSet};
use usipipo_actors::domain::wg::PublicKey;
use usipipo_actors::model::KeyStanding;

const MB: u64 = 1_000_000;

/// Bytes of a service that became readable at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Read {
    pub(crate) at: DateTime<Utc>,
    pub(crate) service: i64,
    pub(crate) bytes: u64,
}

#[derive(Default)]
pub(crate) struct Ledger {
    /// In order.
    pub(crate) reads: Vec<Read>,
    pub(crate) totals: BTreeMap<i64, u64>,
    /// On servers that do not answer: server, service, bytes.
    unread: Vec<(String, i64, u64)>,
}

/// A peer or key that may carry traffic.
struct Carrier {
    service: i64,
    user: i64,
    server: String,
    key: String,
}

impl Ledger {
    /// The server answers again: what flowed meanwhile is read.
    pub(crate) fn answers(&mut self, server: &str, now: DateTime<Utc>) {
        let (here, left): (Vec<_>, Vec<_>) = self.unread.drain(..).partition(|(on, ..)| on == server);
        self.unread = left;
        let mut of: BTreeMap<i64, u64> = BTreeMap::new();
        for (_, service, bytes) in here {
            *of.entry(service).or_default() += bytes;
        }
        for (service, bytes) in of {
            self.count(service, bytes, now);
        }
    }

    /// The server lost its counters: nobody will ever know.
    pub(crate) fn lost(&mut self, server: &str) {
        self.unread.retain(|(on, ..)| on != server);
    }

    fn count(&mut self, service: i64, bytes: u64, at: DateTime<Utc>) {
        *self.totals.entry(service).or_default() += bytes;
        self.reads.push(Read { at, service, bytes });
    }

    /// Lets traffic flow through some of what servers carry.
    pub(crate) async fn flow(&mut self, stage: &mut Stage, rng: &mut Rng, heavy: &HashSet<i64>) {
        let now = stage.now();
        for carrier in carriers(stage).await {
            let much = heavy.contains(&carrier.user);
            if !rng.permille(if much { 220 } else { 60 }) {
                continue;
            }
            let bytes = (1 + rng.below(if much { 500 } else { 60 })) * MB;
            // Whoever moved away from a server that does not answer waits until it was read.
            if self.unread.iter().any(|(on, service, _)| *service == carrier.service && *on != carrier.server) {
                continue;
            }
            if !passes(&stage.servers[&carrier.server], &carrier, bytes, now) {
                continue;
            }
            if stage.away.contains(&carrier.server) {
                self.unread.push((carrier.server, carrier.service, bytes));
            } else {
                self.count(carrier.service, bytes, now);
            }
        }
    }

    /// Waits until the program has read what can be read.
    pub(crate) async fn is_read(&self, stage: &mut Stage) {
        let total: u64 = self.totals.values().sum();
        stage.stir();
        let sql = format!("SELECT (coalesce(sum(used_up::numeric + used_down), 0) - {total})::text AS t FROM services");
        stage.becomes_zero("all traffic is recorded", &sql).await;
    }
}

/// Sends it through, if the server carries the key.
fn passes(server: &Server, carrier: &Carrier, bytes: u64, now: DateTime<Utc>) -> bool {
    match server {
        Server::Tunnels(driver) => {
            let Ok(key) = carrier.key.parse::<PublicKey>() else { panic!("the row's key can be read") };
            let up = bytes / 5;
            if driver.carries(&key) {
                driver.traffic(&key, up, bytes - up, now);
            }
            driver.carries(&key)
        }
        Server::Keys(driver, _) => {
            if driver.standing(&carrier.key) != KeyStanding::Open {
                return false;
            }
            driver.traffic(&carrier.key, bytes);
            true
        }
    }
}

async fn carriers(stage: &mut Stage) -> Vec<Carrier> {
    let sql = "SELECT coalesce(string_agg(line, ' '), '') AS t FROM (
            SELECT concat_ws('|', p.service_id, s.user_id, n.name, encode(p.public_key, 'base64')) AS line, p.service_id AS id
            FROM peers p JOIN services s ON s.id = p.service_id JOIN nodes n ON n.id = p.node_id WHERE p.retired_at IS NULL
            UNION ALL
            SELECT concat_ws('|', k.service_id, s.user_id, n.name, k.name), k.service_id
            FROM access_keys k JOIN services s ON s.id = k.service_id JOIN nodes n ON n.id = k.node_id WHERE k.retired_at IS NULL
            ORDER BY id) AS carriers";
    let text = stage.reader.text(sql).await;
    let carrier = |line: &str| {
        let parts: Vec<&str> = line.split('|').collect();
        let [service, user, server, key] = parts.as_slice() else { panic!("four parts: {line}") };
        Carrier {
            service: service.parse().unwrap(),
            user: user.parse().unwrap(),
            server: (*server).to_owned(),
            key: (*key).to_owned(),
        }
    };
    text.split_whitespace().map(carrier).collect()
}

/// What the rows say of traffic, against the ledger and against the days.
pub(crate) async fn check(ledger: &Ledger, stage: &mut Stage) {
    let sql = "SELECT coalesce(string_agg(concat_ws('|', s.id, s.used_up::numeric + s.used_down,
                 (SELECT coalesce(sum(d.up::numeric + d.down), 0) FROM usage_days d WHERE d.service_id = s.id)), ' '), '') AS t
               FROM services s";
    let text = stage.reader.text(sql).await;
    let mut seen: HashMap<i64, u64> = HashMap::new();
    for line in text.split_whitespace() {
        let numbers: Vec<u64> = line.split('|').map(|part| part.parse().unwrap()).collect();
        let [service, used, by_day] = numbers.as_slice() else { panic!("three numbers: {line}") };
        let service = i64::try_from(*service).unwrap();
        assert_eq!(used, by_day, "service {service}: the days sum up to the total");
        seen.insert(service, *used);
    }
    for (service, used) in seen {
        let counted = ledger.totals.get(&service).copied().unwrap_or(0);
        assert_eq!(used, counted, "service {service} used what its servers counted");
    }
}
