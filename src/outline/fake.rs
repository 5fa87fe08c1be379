//! A server for tests, strictly by the contract, with TLS as the installer sets it up.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::pin::CertHash;
use axum::Router;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use secrecy::SecretString;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub(crate) const CERTIFICATE: &[u8] = include_bytes!("tests/server.crt.der");
const KEY: &[u8] = include_bytes!("tests/server.key.der");
/// Not the certificate's.
const OTHER_KEY: &[u8] = include_bytes!("tests/other.key.der");

/// Whose key signs the handshake.
#[derive(Clone, Copy)]
pub(crate) enum Signer {
    Owner,
    Thief,
}

/// Shows the certificate whatever key it has, which rustls' own resolver would not.
#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesServerCert for Shows {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

struct Tls {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, from) = self.tcp.accept().await.unwrap();
            // A refused handshake is the client's affair.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// The server's side of TLS.
pub(crate) fn acceptor(signer: Signer, version: &'static rustls::SupportedProtocolVersion) -> TlsAcceptor {
    let provider = Arc::new(ring::default_provider());
    let key = match signer {
        Signer::Owner => KEY,
        Signer::Thief => OTHER_KEY,
    };
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key));
    let key = provider.key_provider.load_private_key(key.clone_key()).unwrap();
    let shown = CertifiedKey::new(vec![CertificateDer::from(CERTIFICATE)], key);
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Shows(Arc::new(shown))));
    TlsAcceptor::from(Arc::new(config))
}

/// Serves over TLS of this version; gives `https://127.0.0.1:port`.
pub(crate) async fn serve(
    router: Router,
    signer: Signer,
    version: &'static rustls::SupportedProtocolVersion,
) -> String {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", tcp.local_addr().unwrap());
    let listener = Tls { tcp, acceptor: acceptor(signer, version) };
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// The hash that the operator was told.
pub(crate) fn hash() -> CertHash {
    CertHash::of(CERTIFICATE)
}

/// The part of the address that is the credential.
pub(crate) const PREFIX: &str = "xSECRETprefixAbCdEf_-9";

/// The address as the installer prints it.
pub(crate) fn api_url(server: &str) -> SecretString {
    SecretString::from(format!("{server}/{PREFIX}"))
}
