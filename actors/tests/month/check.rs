//! What must hold at every quiet moment: statuses, leases, peers and keys, in the tables and on the servers.

use crate::rows::{KeyRow, LeaseRow, Rows, ServiceRow};
use crate::stage::{Server, Stage, TELL_WAITING_AFTER};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};
use usipipo_actors::domain::ids::NodeId;
use usipipo_actors::domain::service::Product;
use usipipo_actors::domain::wg::PublicKey;
use usipipo_actors::model::KeyStanding;
use usipipo_actors::testing::driver::FakeDriver;
use usipipo_actors::testing::key_driver::FakeKeyDriver;

/// Most services of a user, grants excepted.
const SERVICES_MAX: usize = 5;

fn grace() -> TimeDelta {
    TimeDelta::hours(48)
}

/// Looks at everything.
pub(crate) async fn check(stage: &mut Stage) {
    let rows = Rows::read(stage).await;
    let away: BTreeSet<i32> =
        rows.nodes.iter().filter(|node| stage.away.contains(&node.name)).map(|node| node.id).collect();
    let now = stage.now();
    for service in rows.services.values() {
        status(service, now, &away);
    }
    possessions(&rows);
    leases(&rows);
    one_key(&rows, &away);
    for node in rows.nodes.iter().filter(|node| !away.contains(&node.id)) {
        match &stage.servers[&node.name] {
            Server::Tunnels(driver) => tunnels(stage, &rows, node.id, driver).await,
            Server::Keys(driver, product) => keys(stage, &rows, node.id, driver, *product).await,
        }
    }
}

fn status(service: &ServiceRow, now: DateTime<Utc>, away: &BTreeSet<i32>) {
    let used_up = service.quota_bytes.is_some_and(|quota| service.used - service.quota_base >= quota);
    let has = |reason: &str| service.reasons.iter().any(|known| known == reason);
    let ends_at = service.ends_at;
    match service.status.as_str() {
        "pending" => {
            assert!(away.contains(&service.node_id), "only an absent server keeps one waiting: {service:?}");
            assert!(ends_at.is_none() && service.reasons.is_empty(), "{service:?}");
            let late = service.created_at + TimeDelta::from_std(TELL_WAITING_AFTER).unwrap() < now;
            assert!(!late || service.late_told_at.is_some(), "nobody waits long without being told: {service:?}");
        }
        "active" => {
            assert!(ends_at.is_some_and(|end| end > now) && service.reasons.is_empty(), "{now}: {service:?}");
            assert!(!used_up, "one that used up its traffic is cut off: {service:?}");
        }
        "suspended" => {
            let end = ends_at.expect("it has begun");
            assert_eq!(has("expiry"), end <= now, "{now}: {service:?}");
            assert!(end + grace() > now, "its grace is over: {now}: {service:?}");
            assert_eq!(has("quota"), used_up, "{service:?}");
            assert!(has("expiry") || has("quota"), "{service:?}");
        }
        "expired" => {
            let (end, ended) = (ends_at.expect("it has begun"), service.ended_at.expect("it has ended"));
            assert!(end + grace() <= ended, "not before its grace is over: {service:?}");
        }
        "revoked" => assert!(service.ended_at.is_some_and(|ended| ended <= now), "{service:?}"),
        other => panic!("no service is {other}: {service:?}"),
    }
}

/// What one person may have.
fn possessions(rows: &Rows) {
    let mut trials = BTreeSet::new();
    let mut free = BTreeSet::new();
    let mut live: BTreeMap<i64, usize> = BTreeMap::new();
    for service in rows.services.values() {
        let of = (service.user_id, service.product.as_str());
        assert!(!service.trial || trials.insert(of), "a second trial: {service:?}");
        if service.is_live() {
            assert!(!service.free || free.insert(of), "a second free one: {service:?}");
            *live.entry(service.user_id).or_default() += usize::from(!service.granted);
        }
    }
    for (user, count) in live {
        assert!(count <= SERVICES_MAX, "user {user} has {count} services");
    }
}

fn leases(rows: &Rows) {
    let mut of: BTreeMap<i64, usize> = BTreeMap::new();
    let mut by_address: BTreeMap<(i32, &str), Vec<&LeaseRow>> = BTreeMap::new();
    for lease in &rows.leases {
        let service = &rows.services[&lease.service_id];
        assert!(lease.inside && lease.pool_node == lease.node_id, "out of its pool: {lease:?}");
        assert_eq!(lease.pool_purpose == "trial", service.trial, "trials alone take trials' addresses: {lease:?}");
        if lease.state == "live" {
            *of.entry(service.id).or_default() += 1;
            assert_eq!(service.node_id, lease.node_id, "{lease:?}");
        }
        for address in [&lease.v4, &lease.v6].into_iter().flatten() {
            by_address.entry((lease.node_id, address)).or_default().push(lease);
        }
    }
    for service in rows.services.values() {
        let wanted = usize::from(service.product == "wireguard" && service.is_live());
        assert_eq!(of.get(&service.id).copied().unwrap_or(0), wanted, "live leases of {service:?}");
    }
    for (address, mut leases) in by_address {
        leases.sort_by_key(|lease| lease.id);
        for pair in leases.windows(2) {
            let [first, next] = pair else { continue };
            let over = first.state == "released"
                && first.released_at.is_some_and(|at| at <= next.created_at)
                && first.quarantine_until.is_some_and(|until| until <= next.created_at);
            assert!(over, "{address:?} was leased before it had rested: {first:?}, {next:?}");
            let left =
                rows.peers.iter().filter(|peer| peer.service_id == first.service_id && peer.node_id == address.0);
            for peer in left.filter(|peer| peer.retired_at.is_some_and(|at| at <= first.released_at.unwrap())) {
                let gone = peer.removed_at.is_some_and(|at| at <= next.created_at);
                assert!(gone, "{address:?} was leased while a key was there: {peer:?}, {next:?}");
            }
        }
    }
}

fn one_key(rows: &Rows, away: &BTreeSet<i32>) {
    let mut current: BTreeMap<i64, Vec<&KeyRow>> = BTreeMap::new();
    for key in rows.peers.iter().chain(&rows.keys).filter(|key| key.retired_at.is_none()) {
        current.entry(key.service_id).or_default().push(key);
    }
    for service in rows.services.values() {
        let keys = current.get(&service.id).map_or(&[][..], Vec::as_slice);
        assert_eq!(keys.len(), usize::from(service.is_live()), "current keys of {service:?}: {keys:?}");
        assert!(keys.iter().all(|key| key.node_id == service.node_id), "{service:?}: {keys:?}");
        // Once it works, its owner has it.
        let has_it = |key: &&KeyRow| key.told_at.is_some() || away.contains(&key.node_id);
        assert!(service.status != "active" || keys.iter().all(has_it), "{service:?}: {keys:?}");
    }
}

async fn tunnels(stage: &Stage, rows: &Rows, node: i32, driver: &FakeDriver) {
    let wanted: BTreeMap<PublicKey, &KeyRow> = rows
        .peers
        .iter()
        .filter(|peer| {
            peer.node_id == node && peer.retired_at.is_none() && rows.services[&peer.service_id].is_carried()
        })
        .map(|peer| (peer.name.parse().unwrap(), peer))
        .collect();
    let there: BTreeMap<PublicKey, _> = driver.on_it().into_iter().map(|peer| (peer.public_key, peer)).collect();
    let (keys, on_it): (Vec<_>, Vec<_>) = (wanted.keys().collect(), there.keys().collect());
    assert_eq!(keys, on_it, "server {node} carries just the peers that it should");
    let lease: BTreeMap<i64, &LeaseRow> =
        rows.leases.iter().filter(|lease| lease.state == "live").map(|lease| (lease.service_id, lease)).collect();
    let stored = stage.system.env().store.peers_of(NodeId(node)).await.unwrap();
    let stored: BTreeMap<PublicKey, _> = stored.into_iter().map(|peer| (peer.public_key, peer.preshared_key)).collect();
    for (key, peer) in wanted {
        let lease = lease[&peer.service_id];
        let mut addresses: Vec<String> = there[&key].allowed_ips.iter().map(|prefix| prefix.ip().to_string()).collect();
        let mut leased: Vec<String> = [&lease.v4, &lease.v6].into_iter().flatten().cloned().collect();
        addresses.sort();
        leased.sort();
        assert_eq!(addresses, leased, "{peer:?} has its lease's addresses");
        let (on_it, stored) = (driver.preshared_key(&key), stored.get(&key).and_then(Option::as_ref));
        assert!(stored.is_some() && on_it.as_ref() == stored, "{peer:?} has its row's secret");
    }
}

async fn keys(stage: &Stage, rows: &Rows, node: i32, driver: &FakeKeyDriver, product: Product) {
    let standing = |key: &KeyRow| match rows.services[&key.service_id].status.as_str() {
        "pending" | "active" => KeyStanding::Open,
        "suspended" if product == Product::Mtproto => KeyStanding::Closed,
        _ => KeyStanding::Absent,
    };
    let current = rows.keys.iter().filter(|key| key.node_id == node && key.retired_at.is_none());
    let mut wanted: Vec<(String, KeyStanding)> = current.map(|key| (key.name.clone(), standing(key))).collect();
    wanted.retain(|(_, standing)| *standing != KeyStanding::Absent);
    wanted.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(driver.on_it(), wanted, "server {node} has just the keys that it should");
    for key in stage.system.env().store.keys_of(NodeId(node)).await.unwrap() {
        if let Some(on_it) = driver.secret(&key.name) {
            assert!(Some(&on_it) == key.secret.as_ref(), "key {} has its row's secret", key.name);
        }
    }
}
