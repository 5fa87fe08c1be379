//! What a server carries, what the rows want, and the steps from the one to the other. Pure.

use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use std::collections::{HashMap, HashSet, VecDeque};
use usipipo_domain::ids::ServiceId;
use usipipo_domain::service::Addresses;
use usipipo_domain::wg::{PeerSpec, PeerStatus, PublicKey};
use usipipo_storage::model::{PeerCounters, PeerRow};

/// One change of a server.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Put the peer on it.
    Put(PeerRow),
    /// Take it off; `None` for a foreign one on a server that is ours alone.
    Remove { row: Option<i64>, key: PublicKey },
}

/// What a comparison found.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    /// Counters of peers that were believed there and are.
    pub(super) usage: Vec<PeerCounters>,
    /// Wanted and there as they should be, but not believed so: a mark was lost.
    pub(super) found: Vec<PeerRow>,
    /// Not wanted and not there.
    pub(super) gone: Vec<i64>,
    /// Changes, in order.
    pub(super) steps: VecDeque<Step>,
    /// Peers of ours on it.
    pub(super) ours: usize,
    /// Peers on it that are not ours.
    pub(super) foreign: usize,
    /// Wanted rows without an address; they cannot be put. Nor can those whose secret cannot be opened, which are left as they
    /// are, on the server or not.
    pub(super) homeless: Vec<i64>,
}

/// Compares. `server` must have been read before `rows`: a key put between the two readings then has a row and is not taken
/// for a foreign one.
pub(super) fn compare(server: &[PeerStatus], rows: Vec<PeerRow>, exclusive: bool) -> Comparison {
    let mut there: HashMap<PublicKey, &PeerStatus> = server.iter().map(|peer| (peer.public_key, peer)).collect();
    let mut result = Comparison::default();
    let mut work = Vec::new();
    for row in rows {
        let status = there.remove(&row.public_key);
        if let Some(status) = status {
            result.ours += 1;
            if row.applied {
                result.usage.push(counters(row.id, status));
            }
        }
        match (row.wanted, status) {
            (true, Some(status)) if same(&status.allowed_ips, &allowed_ips(row.addresses)) => {
                if !row.applied {
                    result.found.push(row);
                }
            }
            (true, _) if allowed_ips(row.addresses).is_empty() => result.homeless.push(row.id),
            (true, _) | (false, Some(_)) => work.push(row),
            (false, None) => {
                if row.applied || row.retired {
                    result.gone.push(row.id);
                }
            }
        }
    }
    result.foreign = there.len();
    result.steps = ordered(work);
    if exclusive {
        let mut foreign: Vec<PublicKey> = there.into_keys().collect();
        foreign.sort_unstable();
        result.steps.extend(foreign.into_iter().map(|key| Step::Remove { row: None, key }));
    }
    result
}

/// The steps for rows that need one, those that somebody waits for first. The old key of a service goes before its new one
/// comes: they have the same addresses, and an address belongs to one peer.
pub(super) fn ordered(rows: Vec<PeerRow>) -> VecDeque<Step> {
    let can_be_done = |row: &PeerRow| !row.wanted || row.preshared_key.is_some();
    let rows: Vec<_> = rows.into_iter().filter(can_be_done).collect();
    let renewed: HashSet<ServiceId> = rows.iter().filter(|row| row.wanted).map(|row| row.service).collect();
    let (wanted, unwanted): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.wanted);
    let (first, last): (Vec<_>, Vec<_>) = unwanted.into_iter().partition(|row| renewed.contains(&row.service));
    let remove = |row: PeerRow| Step::Remove { row: Some(row.id), key: row.public_key };
    first.into_iter().map(remove).chain(wanted.into_iter().map(Step::Put)).chain(last.into_iter().map(remove)).collect()
}

pub(super) fn counters(peer: i64, status: &PeerStatus) -> PeerCounters {
    PeerCounters { peer, rx: status.rx_bytes, tx: status.tx_bytes, last_handshake: status.last_handshake }
}

/// The peer as a server should carry it.
pub(super) fn spec(row: &PeerRow) -> PeerSpec {
    PeerSpec {
        public_key: row.public_key,
        preshared_key: row.preshared_key.clone(),
        allowed_ips: allowed_ips(row.addresses),
    }
}

fn allowed_ips(addresses: Addresses) -> Vec<IpNetwork> {
    let v4 = addresses.v4.map(|address| IpNetwork::V4(Ipv4Network::from(address)));
    let v6 = addresses.v6.map(|address| IpNetwork::V6(Ipv6Network::from(address)));
    v4.into_iter().chain(v6).collect()
}

fn same(one: &[IpNetwork], other: &[IpNetwork]) -> bool {
    one.len() == other.len() && one.iter().all(|prefix| other.contains(prefix))
}

#[cfg(test)]
mod tests;
