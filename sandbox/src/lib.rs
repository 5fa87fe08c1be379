//! The outside world of uSipipo, simulated: Telegram's Bot API, strictly, with a control API that plays the people.
//!
//! `README.md` beside this package describes both from outside. Inside, [`bot_api`] reads, checks and runs calls,
//! [`sim`] is the control API, [`world`] holds what both work on, [`delivery`] sends updates to a webhook,
//! and [`persist`] keeps the world between runs. [`outline`] and [`telemt`] are servers that the product drives,
//! each at ports of its own behind a [`door`] that faults can shut.

pub mod bot_api;
pub mod clock;
pub mod delivery;
pub mod door;
pub mod listener;
pub mod outline;
pub mod percent;
pub mod persist;
pub mod program;
pub mod random;
pub mod servers;
pub mod sim;
pub mod telemt;
pub mod text;
pub mod world;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use listener::Connection;
use listener::CuttableListener;
use world::Settings;
use world::Shared;
use world::World;

/// Open requests get this long when the sandbox stops.
const STOP_WITHIN: Duration = Duration::from_secs(1);

/// A running sandbox.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    world: Shared,
    server: JoinHandle<std::io::Result<()>>,
    delivery: JoinHandle<()>,
    saver: JoinHandle<()>,
    follower: JoinHandle<()>,
}

impl Sandbox {
    /// Loads the state and serves.
    pub async fn start(settings: Settings) -> anyhow::Result<Self> {
        let listen = settings.listen;
        let world = Arc::new(World::new(settings)?);
        persist::load(&world)?;
        world.outline.resume(&world).await?;
        world.telemt.resume(&world).await?;
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr()?;
        let app = Router::new()
            .merge(sim::routes(&world))
            .fallback(bot_api::entry)
            .layer(DefaultBodyLimit::max(sim::MAX_BODY_BYTES))
            .with_state(world.clone())
            .into_make_service_with_connect_info::<Connection>();
        let mut stopping = world.stopping.subscribe();
        let server =
            axum::serve(CuttableListener(listener), app).with_graceful_shutdown(async move {
                // A closed channel means that the world is gone, which ends it too.
                let _ = stopping.wait_for(|stop| *stop).await;
            });
        Ok(Self {
            address,
            server: tokio::spawn(async move { server.await }),
            delivery: tokio::spawn(delivery::run(world.clone())),
            saver: tokio::spawn(persist::run(world.clone())),
            follower: tokio::spawn(program::run(world.clone())),
            world,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://…` of it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers what is open, saves, and ends.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.world.stopping.send_replace(true);
        self.delivery.abort();
        self.saver.abort();
        self.follower.abort();
        let mut server = self.server;
        if tokio::time::timeout(STOP_WITHIN, &mut server)
            .await
            .is_err()
        {
            server.abort();
        }
        let saved = persist::save(&self.world);
        self.world.outline.stop().await;
        self.world.telemt.stop().await;
        saved
    }
}
