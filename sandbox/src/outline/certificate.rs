//! The self-signed certificate of an Outline server: made once, without subjectAltName, good for about 100 years. Clients know
//! it by its hash alone. (The real one has an RSA key; nobody who pins the hash can tell.)

use std::sync::Arc;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::CertificateParams;
use rcgen::DistinguishedName;
use rcgen::DnType;
use rcgen::KeyPair;
use ring::digest::SHA256;
use ring::digest::digest;
use serde::Deserialize;
use serde::Serialize;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::random;

/// A certificate and its key, both DER in base64, as they are kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Certificate {
    certificate: String,
    key: String,
}

impl Certificate {
    /// A new one for this name.
    ///
    /// # Errors
    /// When the name cannot stand in a certificate.
    pub fn make(hostname: &str) -> anyhow::Result<Self> {
        let key = KeyPair::generate()?;
        let mut parameters = CertificateParams::new(Vec::new())?;
        parameters.distinguished_name = DistinguishedName::new();
        parameters
            .distinguished_name
            .push(DnType::CommonName, hostname);
        parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2120, 1, 1);
        let certificate = parameters.self_signed(&key)?;
        Ok(Self {
            certificate: STANDARD.encode(certificate.der()),
            key: STANDARD.encode(key.serialize_der()),
        })
    }

    /// `certSha256`: upper-case hex of the hash over the DER.
    ///
    /// # Errors
    /// When what was kept is not base64.
    pub fn sha256(&self) -> anyhow::Result<String> {
        let der = STANDARD.decode(&self.certificate)?;
        Ok(random::hex(digest(&SHA256, &der).as_ref()).to_uppercase())
    }

    /// For the port.
    ///
    /// # Errors
    /// When what was kept is no certificate with its key.
    pub fn acceptor(&self) -> anyhow::Result<TlsAcceptor> {
        let der = CertificateDer::from(STANDARD.decode(&self.certificate)?);
        let key = PrivateKeyDer::try_from(STANDARD.decode(&self.key)?)
            .map_err(|reason| anyhow::anyhow!("the kept key is none: {reason}"))?;
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![der], key)
            .context("the kept certificate does not fit its key")?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
