#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use ipnetwork::IpNetwork;
use proptest::prelude::*;
use std::collections::HashSet;

fn v4(text: &str) -> Option<Ipv4Network> {
    Some(text.parse().unwrap())
}

fn v6(text: &str) -> Option<Ipv6Network> {
    Some(text.parse().unwrap())
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000 + seconds, 0).unwrap()
}

fn pair(v4: &str, v6: &str) -> Addresses {
    Addresses { v4: Some(v4.parse().unwrap()), v6: Some(v6.parse().unwrap()) }
}

fn drain(pool: &mut Pool) -> Vec<Addresses> {
    std::iter::from_fn(|| pool.reserve(at(0)).ok()).collect()
}

#[test]
fn a_pair_shares_its_host_number_and_network_server_and_broadcast_are_given_to_nobody() {
    let mut pool = Pool::new(v4("10.66.0.0/29"), v6("fd66::/64"), 0);
    let expected: Vec<_> = (2..7).map(|host| pair(&format!("10.66.0.{host}"), &format!("fd66::{host}"))).collect();
    assert_eq!(drain(&mut pool), expected);
    assert_eq!(pool.reserve(at(0)), Err(PoolFull));
}

#[test]
fn the_server_has_the_first_host_of_each_prefix_with_its_length() {
    let own = server_addresses(v4("10.66.64.0/18"), v6("fd66:1::/64"));
    let text: Vec<_> = own.iter().map(IpNetwork::to_string).collect();
    assert_eq!(text, ["10.66.64.1/18", "fd66:1::1/64"]);
    assert!(server_addresses(v4("10.0.0.1/32"), None).is_empty());
}

#[test]
fn capacities_of_usual_and_odd_prefixes() {
    let cases = [
        (v4("10.0.0.0/18"), v6("fd00::/64"), 16_381),
        (v4("10.0.0.0/20"), None, 4_093),
        (v4("10.0.0.0/30"), None, 1),
        (v4("10.0.0.0/31"), None, 0),
        (v4("10.0.0.0/32"), None, 0),
        (v4("10.0.0.0/8"), None, SLOTS_MAX),
        (v4("0.0.0.0/0"), v6("::/0"), SLOTS_MAX),
        (None, v6("fd00::/64"), V6_ONLY_SLOTS_MAX),
        (None, v6("fd00::/120"), 254),
        (None, v6("fd00::/128"), 0),
        (v4("10.0.0.0/18"), v6("fd00::/120"), 254),
        (None, None, 0),
    ];
    for (v4, v6, slots) in cases {
        assert_eq!(capacity(v4, v6), slots, "{v4:?} {v6:?}");
        if slots < SLOTS_MAX {
            let mut pool = Pool::new(v4, v6, 7);
            assert_eq!(drain(&mut pool).len() as u64, slots, "{v4:?} {v6:?}");
        }
    }
}

#[test]
fn two_seeds_begin_at_different_addresses() {
    let mut one = Pool::new(v4("10.0.0.0/18"), None, 3);
    let mut two = Pool::new(v4("10.0.0.0/18"), None, 9_000);
    assert_ne!(one.reserve(at(0)).unwrap(), two.reserve(at(0)).unwrap());
}

#[test]
fn a_freed_address_is_given_out_after_all_others() {
    let mut pool = Pool::new(v4("10.0.0.0/29"), None, 0);
    let first = pool.reserve(at(0)).unwrap();
    pool.give_back(first);
    let next: Vec<_> = drain(&mut pool);
    assert_eq!(next.last(), Some(&first));
}

#[test]
fn a_reservation_ends_at_its_second() {
    let mut pool = Pool::new(v4("10.0.0.0/30"), None, 0);
    let only = pool.reserve(at(0)).unwrap();
    assert_eq!(pool.reserve(at(RESERVATION_SECONDS - 1)), Err(PoolFull));
    assert_eq!(pool.reserve(at(RESERVATION_SECONDS)), Ok(only));
}

#[test]
fn a_confirmed_address_stays_when_its_reservation_would_have_ended() {
    let mut pool = Pool::new(v4("10.0.0.0/30"), None, 0);
    let only = pool.reserve(at(0)).unwrap();
    pool.confirm(only);
    assert_eq!(pool.reserve(at(10 * RESERVATION_SECONDS)), Err(PoolFull));
    assert_eq!(pool.held(only), Some(Held::Live));
}

#[test]
fn what_another_process_holds_is_not_offered_again() {
    let mut pool = Pool::new(v4("10.0.0.0/29"), None, 0);
    let taken = pool.reserve(at(0)).unwrap();
    pool.mark_taken(taken);
    assert!(!drain(&mut pool).contains(&taken));
    assert_eq!(pool.held(taken), Some(Held::Live));
}

#[test]
fn quarantine_is_left_only_by_release() {
    let mut pool = Pool::new(v4("10.0.0.0/30"), None, 0);
    let only = pool.reserve(at(0)).unwrap();
    pool.confirm(only);
    pool.quarantine(only, at(60));
    pool.give_back(only);
    pool.mark_taken(only);
    assert_eq!(pool.held(only), Some(Held::Quarantined { until: at(60) }));
    // Its time is over, but the row is not released: the server may still carry the key.
    assert_eq!(pool.reserve(at(3_600)), Err(PoolFull));
    pool.release(only);
    assert_eq!(pool.reserve(at(3_600)), Ok(only));
    // A late word about the lease before does not free what is somebody else's now.
    pool.release(only);
    assert_eq!(pool.reserve(at(3_600)), Err(PoolFull));
}

#[test]
fn addresses_of_other_prefixes_change_nothing() {
    let mut pool = Pool::new(v4("10.0.0.0/29"), v6("fd00::/64"), 0);
    let before = pool.stats();
    for foreign in [
        pair("10.9.9.9", "fe80::5"),
        pair("10.0.0.1", "fd00::1"),
        pair("10.0.0.7", "fd00::ffff"),
        Addresses { v4: None, v6: None },
    ] {
        pool.confirm(foreign);
        pool.load([(foreign, None)]);
        assert_eq!(pool.stats(), before, "{foreign:?}");
    }
}

#[test]
fn a_lease_whose_addresses_do_not_match_blocks_both_slots() {
    let mut pool = Pool::new(v4("10.0.0.0/29"), v6("fd00::/64"), 0);
    pool.load([(pair("10.0.0.3", "fd00::5"), None)]);
    let rest = drain(&mut pool);
    assert_eq!(rest.len(), 3);
    assert!(rest.iter().all(|pair| pair.v4 != Some("10.0.0.3".parse().unwrap())));
    assert!(rest.iter().all(|pair| pair.v6 != Some("fd00::5".parse().unwrap())));
}

#[test]
fn a_reload_keeps_reservations_and_forgets_what_no_row_holds() {
    let mut pool = Pool::new(v4("10.0.0.0/29"), None, 0);
    let reserved = pool.reserve(at(0)).unwrap();
    let committed = pool.reserve(at(0)).unwrap();
    let gone = pool.reserve(at(0)).unwrap();
    pool.confirm(gone);
    pool.load([(committed, None)]);
    assert_eq!(pool.held(reserved), Some(Held::Reserved { until: at(RESERVATION_SECONDS) }));
    assert_eq!(pool.held(committed), Some(Held::Live));
    assert_eq!(pool.held(gone), None);
    assert_eq!(pool.stats(), PoolStats { total: 5, free: 3, reserved: 1, live: 1, quarantined: 0 });
}

#[test]
fn the_forecast_counts_free_addresses_only() {
    let mut pool = Pool::new(v4("10.0.0.0/27"), None, 0);
    assert_eq!(pool.forecast(0), None);
    assert_eq!(pool.forecast(7), Some(29));
    let all = drain(&mut pool);
    pool.load(all[1..].iter().map(|addresses| (*addresses, None)));
    assert_eq!(pool.forecast(7), Some(0), "one is reserved still");
    pool.expire_reservations(at(RESERVATION_SECONDS));
    assert_eq!(pool.forecast(7), Some(1));
    assert_eq!(pool.forecast(14), Some(0));
}

/// What a test does with the pool.
#[derive(Debug, Clone)]
enum Op {
    Reserve,
    Confirm(usize),
    GiveBack(usize),
    MarkTaken(usize),
    Quarantine(usize, i64),
    Release(usize),
    Pass(i64),
    Reload,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let index = any::<usize>();
    let op = prop_oneof![
        6 => Just(Op::Reserve),
        4 => index.prop_map(Op::Confirm),
        2 => index.prop_map(Op::GiveBack),
        1 => index.prop_map(Op::MarkTaken),
        3 => (index, 0..500_i64).prop_map(|(index, rest)| Op::Quarantine(index, rest)),
        3 => index.prop_map(Op::Release),
        2 => (0..90_i64).prop_map(Op::Pass),
        1 => Just(Op::Reload),
    ];
    proptest::collection::vec(op, 1..300)
}

fn prefixes() -> impl Strategy<Value = (Option<Ipv4Network>, Option<Ipv6Network>)> {
    prop_oneof![
        Just((v4("10.0.0.0/28"), None)),
        Just((v4("10.0.0.0/25"), v6("fd00::/64"))),
        Just((v4("10.0.0.0/25"), v6("fd00::/122"))),
        Just((None, v6("fd00::/123"))),
    ]
}

/// Every slot of the pool, in a simple model: a list of what each is doing.
struct Model {
    held: HashMap<u32, Held>,
    total: u64,
}

impl Model {
    fn expire(&mut self, now: DateTime<Utc>) {
        self.held.retain(|_, held| !matches!(held, Held::Reserved { until } if *until <= now));
    }

    fn count(&self, wanted: impl Fn(&Held) -> bool) -> u64 {
        self.held.values().filter(|held| wanted(held)).count() as u64
    }

    fn stats(&self) -> PoolStats {
        let reserved = self.count(|held| matches!(held, Held::Reserved { .. }));
        let quarantined = self.count(|held| matches!(held, Held::Quarantined { .. }));
        let live = self.count(|held| *held == Held::Live);
        PoolStats { total: self.total, free: self.total - self.held.len() as u64, reserved, live, quarantined }
    }
}

proptest! {
    #[test]
    fn no_address_is_held_twice_none_is_lost_and_quarantine_is_kept(
        (v4, v6) in prefixes(), seed in any::<u64>(), ops in ops()
    ) {
        let mut pool = Pool::new(v4, v6, seed);
        let layout = Layout::new(v4, v6);
        let mut model = Model { held: HashMap::new(), total: capacity(v4, v6) };
        let mut now = at(0);
        for op in ops {
            // Slots are picked by number, so that words about free and foreign states are tried too.
            let pick = |index: usize| u32::try_from(index % layout.slots() as usize).unwrap();
            match op {
                Op::Reserve => {
                    model.expire(now);
                    match pool.reserve(now) {
                        Ok(addresses) => {
                            let slots: Vec<_> = layout.slots_of(addresses).collect();
                            prop_assert_eq!(slots.len(), 1, "a pair is one slot");
                            let until = now + TimeDelta::seconds(RESERVATION_SECONDS);
                            let before = model.held.insert(slots[0], Held::Reserved { until });
                            prop_assert_eq!(before, None, "given out twice: {:?}", addresses);
                        }
                        Err(PoolFull) => prop_assert_eq!(model.stats().free, 0),
                    }
                }
                Op::Confirm(index) => {
                    pool.confirm(layout.addresses(pick(index)));
                    model.held.insert(pick(index), Held::Live);
                }
                Op::GiveBack(index) => {
                    pool.give_back(layout.addresses(pick(index)));
                    if let Some(Held::Reserved { .. }) = model.held.get(&pick(index)) {
                        model.held.remove(&pick(index));
                    }
                }
                Op::MarkTaken(index) => {
                    pool.mark_taken(layout.addresses(pick(index)));
                    let held = model.held.entry(pick(index)).or_insert(Held::Live);
                    if let Held::Reserved { .. } = held {
                        *held = Held::Live;
                    }
                }
                Op::Quarantine(index, rest) => {
                    let until = now + TimeDelta::seconds(rest);
                    pool.quarantine(layout.addresses(pick(index)), until);
                    model.held.insert(pick(index), Held::Quarantined { until });
                }
                Op::Release(index) => {
                    pool.release(layout.addresses(pick(index)));
                    if let Some(Held::Live | Held::Quarantined { .. }) = model.held.get(&pick(index)) {
                        model.held.remove(&pick(index));
                    }
                }
                Op::Pass(seconds) => {
                    now += TimeDelta::seconds(seconds);
                    pool.expire_reservations(now);
                    model.expire(now);
                }
                Op::Reload => {
                    let rows: Vec<_> = model.held.iter().filter_map(|(slot, held)| match held {
                        Held::Reserved { .. } => None,
                        Held::Live => Some((layout.addresses(*slot), None)),
                        Held::Quarantined { until } => Some((layout.addresses(*slot), Some(*until))),
                    }).collect();
                    pool.load(rows);
                }
            }
            let stats = pool.stats();
            prop_assert_eq!(stats, model.stats());
            prop_assert_eq!(stats.free + stats.reserved + stats.live + stats.quarantined, stats.total);
        }
        for slot in 0..layout.slots() {
            prop_assert_eq!(pool.held(layout.addresses(slot)), model.held.get(&slot).copied());
        }
    }

    #[test]
    fn a_pool_rebuilt_from_its_rows_gives_out_exactly_the_rest(
        (v4, v6) in prefixes(), seed in any::<u64>(), other in any::<u64>(), taken in 0..200_usize
    ) {
        let mut pool = Pool::new(v4, v6, seed);
        let all: HashSet<_> = {
            let slots = Layout::new(v4, v6);
            (0..slots.slots()).map(|slot| key(slots.addresses(slot))).collect()
        };
        let mut rows = Vec::new();
        for number in 0..taken {
            let Ok(addresses) = pool.reserve(at(0)) else { break };
            if number % 3 == 0 {
                pool.quarantine(addresses, at(99));
                rows.push((addresses, Some(at(99))));
            } else {
                pool.confirm(addresses);
                rows.push((addresses, None));
            }
        }
        let mut rebuilt = Pool::new(v4, v6, other);
        rebuilt.load(rows.iter().copied());
        prop_assert_eq!(rebuilt.stats(), pool.stats());
        let held: HashSet<_> = rows.iter().map(|(addresses, _)| key(*addresses)).collect();
        let rest: HashSet<_> = drain(&mut rebuilt).into_iter().map(key).collect();
        prop_assert!(held.is_disjoint(&rest));
        prop_assert_eq!(held.len() + rest.len(), all.len());
        prop_assert_eq!(held.union(&rest).copied().collect::<HashSet<_>>(), all);
    }
}

fn key(addresses: Addresses) -> (Option<std::net::Ipv4Addr>, Option<std::net::Ipv6Addr>) {
    (addresses.v4, addresses.v6)
}
