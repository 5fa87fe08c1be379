//! A server of keys that its users cannot reach, and one without a place left.

use super::Watch;
use crate::support::program::free_port;
use crate::support::world::{Person, World};
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub(super) const CAUSED: &[&str] = &["UsipipoProbeFailing", "UsipipoKeyServerNearlyFull"];

/// Places on the small server.
const PLACES: i64 = 3;

#[tokio::test]
async fn a_server_that_users_cannot_reach_and_a_full_one_fire_and_resolve() {
    // A firewall that somebody set up wrong: the server's API answers, its proxy is cut off.
    let outside = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let world = World::new().await.with_small_outline("fra", false, u32::try_from(PLACES).unwrap()).await;
    let (world, proxy) = world.with_telemt_behind("ams", Some(outside)).await;
    let program = world.program().await;
    let Some(mut watch) = Watch::start(world.directory.path(), &[program.launch.metrics], CAUSED).await else {
        return;
    };
    for alert in CAUSED {
        watch.is_quiet(alert).await;
    }
    for number in 0..PLACES {
        world.person_speaking(4_000 + number, "Ana", "en").await.take_proxy().await;
        watch.counts("usipipo_probe_total{outcome=\"unreachable\"}", usize::try_from(number).unwrap() + 1).await;
    }
    watch.fires("UsipipoProbeFailing").await;
    watch.shows("Keys tried as a client would", |rate| rate > 0.0).await;
    let _firewall = forward(outside, proxy).await;
    world.person_speaking(4_100, "Ana", "en").await.take_proxy().await;
    watch.counts("usipipo_probe_total{outcome=\"accepted\"}", 1).await;
    watch.is_over("UsipipoProbeFailing").await;

    for number in 0..PLACES {
        world.person_speaking(4_200 + number, "Ana", "en").await.take_outline().await;
    }
    watch.fires("UsipipoKeyServerNearlyFull").await;
    watch.shows("Places in use on servers", |share| share == 1.0).await;
    watch.shows("Keys on servers", |keys| keys == 3.0).await;
    Person { world: &world, id: 4_200 }.revoke("/vpn").await;
    watch.is_over("UsipipoKeyServerNearlyFull").await;
    watch.ends();
}

/// Lets through, from now on, what comes to this place.
async fn forward(from: SocketAddr, to: SocketAddr) -> JoinSet<()> {
    let listener = TcpListener::bind(from).await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut client, _)) = listener.accept().await {
            connections.spawn(async move {
                let Ok(mut server) = TcpStream::connect(to).await else { return };
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    tasks
}
