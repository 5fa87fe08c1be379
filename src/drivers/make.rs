//! Makes drivers while the program runs, and asks a server whether it is what somebody says before it is kept.

use super::{OutlineDriver, ProxyPlace, TelemtDriver};
use crate::outline::{CertHash, Installed, OutlineClient, OutlineError, check_api_url};
use crate::remote::CallTimeouts;
use crate::telemt::{TelemtClient, TelemtError};
use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use usipipo_actors::domain::access::Hidden;
use usipipo_actors::domain::new_server::{NewServer, ServerAccess, ServerDraft, ServerProblem};
use usipipo_actors::domain::service::Product;
use usipipo_actors::model::{KeyAccess, KeyNodeSpec};
use usipipo_actors::ports::clock::Clock;
use usipipo_actors::ports::drivers::Drivers;
use usipipo_actors::ports::key_driver::KeyDriver;

/// How long a server that somebody waits for may take.
const ASKED: CallTimeouts = CallTimeouts { connect: Duration::from_secs(4), call: Duration::from_secs(6) };

/// Makes drivers of Outline and telemt servers.
#[derive(Clone)]
pub struct KeyDrivers {
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for KeyDrivers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyDrivers").finish_non_exhaustive()
    }
}

impl KeyDrivers {
    /// The clock is what probes of proxies tell.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }
}

#[async_trait]
impl Drivers for KeyDrivers {
    fn make(&self, server: &KeyNodeSpec) -> Result<Arc<dyn KeyDriver>, String> {
        let timeouts = CallTimeouts::default();
        match &server.access {
            KeyAccess::Outline { api_url, cert_sha256 } => {
                let hash = cert_sha256.parse::<CertHash>().map_err(|error| error.to_string())?;
                let client = OutlineClient::new(api_url, hash, timeouts).map_err(|error| error.to_string())?;
                Ok(Arc::new(OutlineDriver::new(client, server.port)))
            }
            KeyAccess::Telemt { api_url, auth_header } => {
                let client = TelemtClient::new(api_url.expose_secret(), auth_header.clone(), timeouts)
                    .map_err(|error| error.to_string())?;
                let seen = ProxyPlace { host: server.host.clone(), port: server.port, domain: server.domain.clone() };
                Ok(Arc::new(TelemtDriver::new(client, seen, Arc::clone(&self.clock))))
            }
            KeyAccess::Forgotten => Err("it was removed, and what led to it is forgotten".to_owned()),
            KeyAccess::Unreadable => {
                Err("what leads to it cannot be opened with this program's secret keys; give them the \
                                          key it was sealed with back, or write the server into the settings"
                    .to_owned())
            }
        }
    }

    async fn check(&self, draft: &ServerDraft, pasted: &Hidden) -> Result<NewServer, ServerProblem> {
        match draft.product {
            Product::Outline => outline(draft, pasted.expose()).await,
            Product::Mtproto => telemt(draft, pasted.expose()).await,
            Product::Wireguard => Err(ServerProblem::Unreadable),
        }
    }
}

async fn outline(draft: &ServerDraft, pasted: &str) -> Result<NewServer, ServerProblem> {
    let read = Installed::read(pasted).ok_or(ServerProblem::Unreadable)?;
    let (api_url, cert) = (SecretString::from(read.api_url), read.cert_sha256);
    check_api_url(&api_url).map_err(|_| ServerProblem::Unreadable)?;
    let hash = cert.parse::<CertHash>().map_err(|_| ServerProblem::Unreadable)?;
    let asked = async { OutlineClient::new(&api_url, hash, ASKED)?.server().await };
    let server = asked.await.map_err(|error| match error {
        OutlineError::Certificate { seen } => ServerProblem::Certificate { seen: seen.to_string() },
        error => ServerProblem::Answer { error: error.to_string() },
    })?;
    let host = server.host(&api_url).ok_or(ServerProblem::Unreadable)?;
    let place = (host, server.port_for_new_access_keys);
    let access = ServerAccess::Outline { api_url: Hidden::new(api_url.expose_secret()), cert_sha256: hash.to_string() };
    finish(draft, place, access)
}

/// The address on the first line; what telemt expects in `Authorization`, if anything, on the second.
async fn telemt(draft: &ServerDraft, pasted: &str) -> Result<NewServer, ServerProblem> {
    let mut lines = pasted.lines().map(str::trim).filter(|line| !line.is_empty());
    let url = lines.next().ok_or(ServerProblem::Unreadable)?;
    let header = lines.next();
    if lines.next().is_some() || !(url.starts_with("http://") || url.starts_with("https://")) {
        return Err(ServerProblem::Unreadable);
    }
    let asked = async {
        let client = TelemtClient::new(url, header.map(SecretString::from), ASKED)?;
        if client.health().await?.read_only {
            return Err(TelemtError::ReadOnly);
        }
        client.users().await.map(drop)
    };
    asked.await.map_err(|error| match error {
        TelemtError::BadUrl(_) | TelemtError::BadHeader => ServerProblem::Unreadable,
        error => ServerProblem::Answer { error: error.to_string() },
    })?;
    let place = draft.place.clone().ok_or(ServerProblem::Place)?;
    let access = ServerAccess::Telemt { api_url: Hidden::new(url), auth_header: header.map(Hidden::new) };
    finish(draft, place, access)
}

fn finish(draft: &ServerDraft, (host, port): (String, u16), access: ServerAccess) -> Result<NewServer, ServerProblem> {
    let (country, place) = draft.country.clone().unwrap_or_default();
    Ok(NewServer {
        name: draft.name.clone().ok_or(ServerProblem::Name)?,
        place,
        country,
        product: draft.product,
        capacity: draft.capacity.unwrap_or_else(|| ServerDraft::capacity_max(draft.product)),
        host,
        port,
        domain: draft.domain.clone().filter(|domain| !domain.is_empty()),
        access,
    })
}

#[cfg(test)]
mod tests;
