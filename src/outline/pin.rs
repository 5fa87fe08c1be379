//! The server's certificate, known by its hash.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// SHA-256 of the DER of a certificate, as the installer prints it in `certSha256`. It is not a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CertHash([u8; 32]);

/// A text that is not the hash of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("certSha256 must be 64 hexadecimal digits; copy it from /opt/outline/access.txt on the server")]
pub struct CertHashError;

impl CertHash {
    /// Of this certificate.
    #[must_use]
    pub fn of(der: &[u8]) -> Self {
        Self(Sha256::digest(der).into())
    }
}

impl FromStr for CertHash {
    type Err = CertHashError;

    /// Takes upper and lower case, with or without colons between bytes.
    fn from_str(text: &str) -> Result<Self, CertHashError> {
        let mut hash = [0; 32];
        let mut digits = text.trim().chars().filter(|&c| c != ':').map(|c| c.to_digit(16));
        let mut digit = || digits.next().flatten().ok_or(CertHashError);
        for byte in &mut hash {
            *byte = u8::try_from(digit()? * 16 + digit()?).map_err(|_| CertHashError)?;
        }
        if digits.next().is_some() { Err(CertHashError) } else { Ok(Self(hash)) }
    }
}

impl fmt::Display for CertHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for CertHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertHash({self})")
    }
}

/// The server showed another certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the certificate's SHA-256 is {seen}")]
pub(super) struct OtherCertificate {
    pub(super) seen: CertHash,
}

/// Takes exactly one certificate, whatever it says about names and times. The handshake's signature is checked as always:
/// it proves that the server has the key, while anybody can show a certificate.
#[derive(Debug)]
struct Pinned {
    hash: CertHash,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let seen = CertHash::of(end_entity);
        if bool::from(seen.0.ct_eq(&self.hash.0)) {
            return Ok(ServerCertVerified::assertion());
        }
        Err(CertificateError::Other(OtherError(Arc::new(OtherCertificate { seen }))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// TLS to the server with this certificate and no other.
///
/// # Errors
/// When the cryptography offers no version of TLS, which a build can only do wrong once.
pub(super) fn client_config(hash: CertHash) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Pinned { hash, provider: Arc::clone(&provider) });
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

/// The certificate that was shown, if this error says that it is the wrong one.
pub(super) fn other_certificate(error: &rustls::Error) -> Option<CertHash> {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => {
            other.0.downcast_ref::<OtherCertificate>().map(|other| other.seen)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
