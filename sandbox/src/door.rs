//! The port of a simulated server, plain or with TLS, that a fault can shut.

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use serde::Serialize;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::world::lock;

/// Connections of one door; more are closed at once.
const MAX_CONNECTIONS: usize = 1024;
/// A TLS handshake takes this long at most.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// So long between two attempts to have the port back.
const RETRY_EVERY: Duration = Duration::from_millis(20);

/// How the port behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It serves.
    #[default]
    Up,
    /// Nobody listens, so that connections are refused.
    Refuse,
    /// Connections come about and nothing is ever answered, as from a machine that is gone behind its firewall.
    Hang,
}

/// A port with a server behind it.
#[derive(Debug)]
pub struct Door {
    address: SocketAddr,
    wanted: watch::Sender<Mode>,
    /// What the port does now; `None` before it serves.
    current: watch::Sender<Option<Mode>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Door {
    /// Takes the port; [`Door::serve`] opens it.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn bind(address: SocketAddr) -> io::Result<(Self, TcpListener)> {
        let listener = TcpListener::bind(address).await?;
        let door = Self {
            address: listener.local_addr()?,
            wanted: watch::Sender::new(Mode::Up),
            current: watch::Sender::new(None),
            task: Mutex::default(),
        };
        Ok((door, listener))
    }

    /// Where it listens, or did before it was shut.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `app` until [`Door::close`].
    pub fn serve(&self, listener: TcpListener, tls: Option<TlsAcceptor>, app: Router) {
        let serving = Serving {
            address: self.address,
            tls,
            app,
            current: self.current.clone(),
        };
        let task = tokio::spawn(serving.run(listener, self.wanted.subscribe()));
        *lock(&self.task) = Some(task);
    }

    /// Changes what the port does; open connections are cut. Returns when it is so.
    pub async fn set(&self, mode: Mode) {
        self.wanted.send_if_modified(|wanted| {
            let differs = *wanted != mode;
            *wanted = mode;
            differs
        });
        let closed = || {
            lock(&self.task)
                .as_ref()
                .is_none_or(JoinHandle::is_finished)
        };
        let mut current = self.current.subscribe();
        while *current.borrow_and_update() != Some(mode) && !closed() {
            // A door that is closed meanwhile changes nothing any more.
            let _ = timeout(RETRY_EVERY, current.changed()).await;
        }
    }

    /// Ends it with all its connections; the port is free once the task that is returned has ended.
    pub fn close(&self) -> Option<JoinHandle<()>> {
        let task = lock(&self.task).take();
        if let Some(task) = &task {
            task.abort();
        }
        task
    }
}

struct Serving {
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    app: Router,
    current: watch::Sender<Option<Mode>>,
}

impl Serving {
    async fn run(self, listener: TcpListener, mut wanted: watch::Receiver<Mode>) {
        let mut listener = Some(listener);
        loop {
            let mode = *wanted.borrow_and_update();
            if mode == Mode::Refuse {
                listener = None;
                self.current.send_replace(Some(mode));
                if wanted.changed().await.is_err() {
                    return;
                }
                continue;
            }
            let open = match listener.take() {
                Some(open) => open,
                None => self.bind_again().await,
            };
            self.current.send_replace(Some(mode));
            tokio::select! {
                changed = wanted.changed() => if changed.is_err() { return },
                () = self.accept(&open, mode) => {}
            }
            listener = Some(open);
        }
    }

    async fn bind_again(&self) -> TcpListener {
        loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => return listener,
                Err(_) => tokio::time::sleep(RETRY_EVERY).await,
            }
        }
    }

    /// Accepts for ever; when it is dropped, so are the connections.
    async fn accept(&self, listener: &TcpListener, mode: Mode) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = listener.accept().await;
            while connections.try_join_next().is_some() {}
            match accepted {
                Ok(_) if connections.len() >= MAX_CONNECTIONS => {}
                Ok((stream, _)) if mode == Mode::Hang => {
                    connections.spawn(hold(stream));
                }
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, self.tls.clone(), self.app.clone()));
                }
                // Out of file descriptors, most likely.
                Err(_) => tokio::time::sleep(RETRY_EVERY).await,
            }
        }
    }
}

async fn hold(stream: TcpStream) {
    let _stream = stream;
    std::future::pending::<()>().await;
}

async fn serve(stream: TcpStream, tls: Option<TlsAcceptor>, app: Router) {
    // Small answers must not wait for more.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    match tls {
        None => talk(stream, app).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = timeout(HANDSHAKE_WITHIN, tls.accept(stream)).await {
                talk(stream, app).await;
            }
        }
    }
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, app: Router) {
    // How a client ends its connection is its own affair.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app))
        .await;
}
