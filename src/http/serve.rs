//! A server that ends in order.

use axum::Router;
use axum::serve::{Listener, ListenerExt as _};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;

/// Connections at once; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 256;
/// Requests in hand may take so long when the program ends.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Somebody listens there.
    #[error("{key}: {address} is in use by another program (`ss -ltnp` shows which); stop it or choose another port")]
    InUse {
        /// The setting.
        key: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// Not an address of this machine, or a port for root only.
    #[error("{key}: cannot listen on {address}: {cause}; choose an address of this machine and a port above 1023")]
    Address {
        /// The setting.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        cause: io::Error,
    },
}

/// A running server. Dropping it ends it at once; [`HttpServer::stop`] lets requests in hand finish.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    end: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl HttpServer {
    /// Starts it; `key` is the setting that holds the address, for messages.
    ///
    /// # Errors
    /// [`HttpError`] when the address cannot be used.
    pub async fn start(key: &'static str, listen: SocketAddr, router: Router) -> Result<Self, HttpError> {
        let wrong = |cause: io::Error| match cause.kind() {
            io::ErrorKind::AddrInUse => HttpError::InUse { key, address: listen },
            _ => HttpError::Address { key, address: listen, cause },
        };
        let listener = TcpListener::bind(listen).await.map_err(wrong)?;
        let address = listener.local_addr().map_err(wrong)?;
        let listener = Bounded { inner: listener, room: Arc::new(Semaphore::new(CONNECTIONS_MAX)) };
        let (end, mut ending) = watch::channel(false);
        let task = tokio::spawn(async move {
            let ended = async move {
                let _ = ending.wait_for(|end| *end).await;
            };
            let listener = listener.tap_io(|connection| {
                let _ = connection.stream.set_nodelay(true);
            });
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(ended).await {
                tracing::error!(%error, key, "an HTTP server ended");
            }
        });
        Ok(Self { address, end, task })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests and finishes those in hand, five seconds at most.
    pub async fn stop(mut self) {
        self.end.send_replace(true);
        if tokio::time::timeout(STOP_TIMEOUT, &mut self.task).await.is_err() {
            tracing::warn!(address = %self.address, "requests in hand were cut off");
        }
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A listener that takes no connection while there are too many.
struct Bounded {
    inner: TcpListener,
    room: Arc<Semaphore>,
}

/// A connection that makes room when it ends.
struct Connection {
    stream: TcpStream,
    _room: Option<OwnedSemaphorePermit>,
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        // The semaphore is never closed, so there is always a permit in the end.
        let room = Arc::clone(&self.room).acquire_owned().await.ok();
        let (stream, address) = Listener::accept(&mut self.inner).await;
        (Connection { stream, _room: room }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
