#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::super::fixture::{ANA, World, at};
use crate::model::PeerCounters;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use usipipo_domain::ids::ServiceId;

fn read(peer: i64, (rx, tx): (u64, u64)) -> PeerCounters {
    PeerCounters { peer, rx, tx, last_handshake: None }
}

impl World {
    async fn used(&self, service: ServiceId) -> (u64, u64) {
        let card = self.store.card(ANA, service).await.unwrap().unwrap();
        (card.used_up, card.used_down)
    }

    async fn record(&self, peer: i64, counters: (u64, u64)) {
        self.store.record_usage(self.epoch, self.node.node, &[read(peer, counters)], at(0)).await.unwrap();
    }
}

#[tokio::test]
async fn a_reading_that_comes_twice_adds_nothing() {
    let world = World::new().await;
    let (service, peer) = world.active(ANA, 2).await;
    world.record(peer.id, (100, 1_000)).await;
    world.record(peer.id, (100, 1_000)).await;
    assert_eq!(world.used(service).await, (100, 1_000));
    let both = [read(peer.id, (130, 1_100)), read(peer.id, (150, 1_200))];
    world.store.record_usage(world.epoch, world.node.node, &both, at(0)).await.unwrap();
    assert_eq!(world.used(service).await, (150, 1_200), "of two readings in one batch the last one counts");
}

#[tokio::test]
async fn one_smaller_counter_makes_both_count_from_zero() {
    let world = World::new().await;
    let (service, peer) = world.active(ANA, 2).await;
    world.record(peer.id, (100, 1_000)).await;
    world.record(peer.id, (10, 2_000)).await;
    assert_eq!(world.used(service).await, (110, 3_000));
}

#[tokio::test]
async fn the_same_reading_from_many_callers_at_once_is_counted_once() {
    let world = World::new().await;
    let (service, peer) = world.active(ANA, 2).await;
    for round in 1..=20_u64 {
        let reading = read(peer.id, (round * 100, round * 1_000));
        let calls = (0..6).map(|_| {
            let (store, epoch, node, reading) = (world.store.clone(), world.epoch, world.node.node, reading.clone());
            tokio::spawn(async move { store.record_usage(epoch, node, &[reading], at(0)).await })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap().unwrap();
        }
        assert_eq!(world.used(service).await, (round * 100, round * 1_000));
    }
}

#[tokio::test]
async fn the_latest_handshake_is_kept_and_absurd_counters_do_not_overflow() {
    let world = World::new().await;
    let (service, peer) = world.active(ANA, 2).await;
    for (rx, seconds) in [(1, 50), (2, 40), (u64::MAX, 60), (7, 55), (u64::MAX, 30)] {
        let reading = PeerCounters { peer: peer.id, rx, tx: 0, last_handshake: Some(at(seconds)) };
        world.store.record_usage(world.epoch, world.node.node, &[reading], at(0)).await.unwrap();
    }
    let card = world.store.card(ANA, service).await.unwrap().unwrap();
    assert_eq!(card.last_handshake, Some(at(60)));
    assert_eq!(card.used_up, i64::MAX.unsigned_abs());
}

#[tokio::test]
async fn a_handshake_without_traffic_is_news() {
    let world = World::new().await;
    let (service, peer) = world.active(ANA, 2).await;
    let reading = PeerCounters { peer: peer.id, rx: 0, tx: 0, last_handshake: Some(at(5)) };
    world.store.record_usage(world.epoch, world.node.node, &[reading], at(0)).await.unwrap();
    let card = world.store.card(ANA, service).await.unwrap().unwrap();
    assert_eq!((card.last_handshake, card.used()), (Some(at(5)), 0));
}

/// What happens to a peer on its server, and to the program.
#[derive(Debug, Clone)]
enum Event {
    /// Bytes pass.
    Traffic(u64, u64),
    /// The node's actor reads and records.
    Read,
    /// It reads, and records the same reading again after a crash in between.
    ReadTwice,
    /// The server is restarted and has forgotten the peer; the actor finds that, puts it back and says so.
    Forgotten,
    /// As before, but the program dies between putting it back and saying so; after its start it reads first.
    ForgottenAndCrashed(u64, u64),
    /// The server is restarted with its peers (a device that keeps its configuration), and read at once.
    CountersReset,
    /// Suspended and brought back: read, removed, said so, put, said so.
    Replaced,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let bytes = 0..5_000_u64;
    let event = prop_oneof![
        6 => (bytes.clone(), bytes.clone()).prop_map(|(rx, tx)| Event::Traffic(rx, tx)),
        4 => Just(Event::Read),
        1 => Just(Event::ReadTwice),
        1 => Just(Event::Forgotten),
        1 => (bytes.clone(), bytes).prop_map(|(rx, tx)| Event::ForgottenAndCrashed(rx, tx)),
        1 => Just(Event::CountersReset),
        1 => Just(Event::Replaced),
    ];
    proptest::collection::vec(event, 1..30)
}

/// The server's counters, and what passed while somebody could read it.
#[derive(Default)]
struct Server {
    counters: (u64, u64),
    read: (u64, u64),
    total: (u64, u64),
}

impl Server {
    fn pass(&mut self, rx: u64, tx: u64) {
        self.counters = (self.counters.0 + rx, self.counters.1 + tx);
    }

    /// What passed since the last reading is seen now.
    fn look(&mut self) -> (u64, u64) {
        self.total = (self.total.0 + self.counters.0 - self.read.0, self.total.1 + self.counters.1 - self.read.1);
        self.read = self.counters;
        self.counters
    }

    /// What nobody had read is gone with the server's memory.
    fn forget(&mut self) {
        (self.counters, self.read) = ((0, 0), (0, 0));
    }
}

async fn play(world: &World, service: ServiceId, peer: i64, events: &[Event]) -> Result<(), TestCaseError> {
    let (store, epoch, node) = (&world.store, world.epoch, world.node.node);
    let mut server = Server::default();
    let before = world.used(service).await;
    store.peers_applied(epoch, node, &[peer], at(0)).await.unwrap();
    for event in events {
        match event {
            Event::Traffic(rx, tx) => server.pass(*rx, *tx),
            Event::Read => world.record(peer, server.look()).await,
            Event::ReadTwice => {
                let reading = server.look();
                world.record(peer, reading).await;
                world.record(peer, reading).await;
            }
            Event::Forgotten => {
                server.forget();
                store.peers_applied(epoch, node, &[peer], at(1)).await.unwrap();
            }
            Event::ForgottenAndCrashed(rx, tx) => {
                world.record(peer, server.look()).await;
                server.forget();
                store.peers_removed(epoch, node, &[peer], at(1)).await.unwrap();
                // Put back, and used, before anybody noted it.
                server.pass(*rx, *tx);
                let reading = server.look();
                world.record(peer, reading).await;
                store.peers_applied(epoch, node, &[peer], at(2)).await.unwrap();
                world.record(peer, reading).await;
            }
            Event::CountersReset => {
                world.record(peer, server.look()).await;
                server.forget();
                world.record(peer, server.look()).await;
            }
            Event::Replaced => {
                world.record(peer, server.look()).await;
                store.peers_removed(epoch, node, &[peer], at(1)).await.unwrap();
                server.forget();
                store.peers_applied(epoch, node, &[peer], at(2)).await.unwrap();
            }
        }
        let used = world.used(service).await;
        prop_assert!(used.0 >= before.0 && used.1 >= before.1, "totals only grow");
    }
    world.record(peer, server.look()).await;
    let used = world.used(service).await;
    prop_assert_eq!((used.0 - before.0, used.1 - before.1), server.total);
    Ok(())
}

#[test]
fn fault_09_usage_neither_lost_nor_doubled() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (world, service, peer) = runtime.block_on(async {
        let world = World::new().await;
        let (service, peer) = world.active(ANA, 2).await;
        (world, service, peer.id)
    });
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&events(), |events| runtime.block_on(play(&world, service, peer, &events)));
    outcome.unwrap();
}
