#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{IpPoolMsg, PoolFull, spec};
use crate::ask::AskError;
use crate::fixture::{ANA, Bench};
use crate::testing::until;
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;
use usipipo_domain::ids::LeaseId;
use usipipo_domain::service::Addresses;
use usipipo_storage::model::LeaseRow;

const NAME: &str = "pool/miami/trial";
const ALL: i64 = 253;

impl Bench {
    async fn start_pool(&self) {
        let row = self.store.node(self.node.node).await.unwrap().unwrap();
        self.start(spec(&self.duty, &row, 0)).await;
    }

    async fn reserve(&self) -> Result<Result<Addresses, PoolFull>, AskError> {
        let place = self.env.directory.pool(self.node.trial).unwrap();
        place.slot.ask(Duration::from_secs(5), |reply| IpPoolMsg::Reserve { reply }).await
    }

    /// Every address that can still be had.
    async fn reserve_all(&self) -> Vec<Addresses> {
        let mut all = Vec::new();
        while let Ok(addresses) = self.reserve().await.unwrap() {
            all.push(addresses);
        }
        all
    }

    fn tell_pool(&self, message: IpPoolMsg) {
        self.env.directory.pool(self.node.trial).unwrap().slot.tell(message);
    }

    fn free(&self) -> i64 {
        self.env.directory.pool(self.node.trial).unwrap().free.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn each_address_is_given_once_and_then_the_pool_is_full() {
    let bench = Bench::new().await;
    bench.start_pool().await;
    assert_eq!(bench.free(), ALL);
    let all = bench.reserve_all().await;
    let distinct: HashSet<_> = all.iter().map(|addresses| addresses.v4.unwrap()).collect();
    assert_eq!(distinct.len(), usize::try_from(ALL).unwrap());
    assert_eq!(bench.free(), 0);
    assert_eq!(bench.reserve().await.unwrap(), Err(PoolFull));
    bench.tell_pool(IpPoolMsg::GaveBack(all[7]));
    until("it is free again", async || bench.free() == 1).await;
    assert_eq!(bench.reserve().await.unwrap(), Ok(all[7]));
}

#[tokio::test]
async fn after_a_restart_leased_addresses_are_known_and_reserved_ones_free() {
    let bench = Bench::new().await;
    let (_, peer) = bench.trial(ANA, 9).await;
    bench.start_pool().await;
    assert_eq!(bench.free(), ALL - 1);
    bench.reserve().await.unwrap().unwrap();
    assert_eq!(bench.free(), ALL - 2);
    bench.kill(NAME).await;
    until("it is back and knows", async || bench.restarts(NAME).await == 1 && bench.free() == ALL - 1).await;
    let all = bench.reserve_all().await;
    assert!(!all.contains(&peer.addresses));
    bench.panic(NAME);
    bench.tell_pool(IpPoolMsg::Tick);
    until("it is back after a panic", async || bench.restarts(NAME).await == 2 && bench.free() == ALL - 1).await;
}

#[tokio::test]
async fn fault_01_an_address_of_another_process_is_not_given_again() {
    let bench = Bench::new().await;
    bench.start_pool().await;
    // The pool does not know of this lease.
    let (_, peer) = bench.trial(ANA, 9).await;
    bench.tell_pool(IpPoolMsg::FoundTaken(peer.addresses));
    let all = bench.reserve_all().await;
    assert!(!all.contains(&peer.addresses));
    assert_eq!(all.len(), usize::try_from(ALL - 1).unwrap());
}

#[tokio::test]
async fn a_pool_that_seems_full_asks_the_rows() {
    let bench = Bench::new().await;
    bench.start_pool().await;
    let all = bench.reserve_all().await;
    // Somebody said that they are leased, but no row says so.
    for addresses in all {
        bench.tell_pool(IpPoolMsg::Leased(addresses));
    }
    let full = bench.reserve().await.unwrap();
    assert_eq!(full, Err(PoolFull));
    until("the rows are read", async || bench.free() == ALL).await;
}

#[tokio::test]
async fn reservations_that_nobody_confirms_end_and_confirmed_ones_stay() {
    let bench = Bench::new().await;
    bench.start_pool().await;
    let kept = bench.reserve().await.unwrap().unwrap();
    bench.reserve().await.unwrap().unwrap();
    bench.tell_pool(IpPoolMsg::Leased(kept));
    bench.pass(121);
    bench.tell_pool(IpPoolMsg::Tick);
    until("one is free again", async || bench.free() == ALL - 1).await;
}

#[tokio::test]
async fn what_was_released_is_given_again() {
    let bench = Bench::new().await;
    let (_, peer) = bench.trial(ANA, 9).await;
    bench.start_pool().await;
    let lease = LeaseRow { id: LeaseId(1), addresses: peer.addresses, quarantine_until: None };
    bench.tell_pool(IpPoolMsg::Released(vec![lease]));
    until("it is free", async || bench.free() == ALL).await;
    assert!(bench.reserve_all().await.contains(&peer.addresses));
}

#[tokio::test]
async fn fault_14_while_the_rows_cannot_be_read_nobody_gets_a_wrong_answer() {
    let bench = Bench::with(|_| {}, |store| store.statement_timeout = Duration::from_millis(100)).await;
    let lock = bench.lock("leases").await;
    bench.start_pool().await;
    assert_eq!(bench.reserve().await, Err(AskError::Dropped));
    lock.turned_away(2).await;
    assert_eq!(bench.reserve().await, Err(AskError::Dropped));
    lock.release().await;
    until("it answers again", async || matches!(bench.reserve().await, Ok(Ok(_)))).await;
}
