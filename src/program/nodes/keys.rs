//! Servers of keys.

use crate::config::{KeyNodeSettings, KeyServer};
use crate::outline::OutlineClient;
use crate::remote::CallTimeouts;
use std::time::Duration;
use usipipo_actors::domain::service::Product;
use usipipo_actors::model::{KeyAccess, KeyNodeRow, KeyNodeSpec};
use usipipo_actors::ports::drivers::Drivers;
use usipipo_actors::storage::Store;
use usipipo_actors::system::KeyNodePart;

/// How long the start of the program may wait for a new server to say where its users connect.
const ASKED: CallTimeouts = CallTimeouts { connect: Duration::from_secs(5), call: Duration::from_secs(10) };

/// Where users of a server connect.
struct Place {
    host: String,
    port: u16,
    domain: Option<String>,
}

/// Servers of keys, and a sentence about each. One whose place nobody knows is left out until the next start, so that it
/// keeps the others from nothing.
pub(in crate::program) async fn key_parts(
    settings: &[KeyNodeSettings],
    store: &Store,
    drivers: &dyn Drivers,
) -> anyhow::Result<(Vec<KeyNodePart>, Vec<String>)> {
    let rows = if settings.is_empty() { Vec::new() } else { store.key_nodes().await? };
    let (mut parts, mut sentences) = (Vec::new(), Vec::new());
    for node in settings {
        let row = rows.iter().find(|row| row.spec.name == node.name);
        anyhow::ensure!(
            row.is_none_or(|row| row.spec.product == product(node)),
            "server {} was of another kind before; give the new one another name in [[nodes]]",
            node.name
        );
        if row.is_some_and(|row| row.added) {
            tracing::warn!(
                node = node.name,
                "an admin added a server of this name before; it is managed as the settings say from now on"
            );
        }
        match place(node, row).await {
            Ok(place) => {
                let Place { host, port, .. } = &place;
                sentences.push(format!("{}: {host}:{port}, {}", node.name, node.server.driver()));
                parts.push(part(node, place, drivers)?);
            }
            Err(error) => {
                tracing::error!(
                    node = node.name,
                    %error,
                    "a new server does not say where its users connect, so it takes no part until the next start; set its \
                     host and port, or see that it answers"
                );
                sentences.push(format!("{}: takes no part, it does not answer", node.name));
            }
        }
    }
    for KeyNodeRow { spec, .. } in store.added_key_nodes().await? {
        if settings.iter().all(|node| node.name != spec.name) {
            sentences.push(format!("{}: {}:{}, added by an admin", spec.name, spec.host, spec.port));
            if let Some(node) = settings.iter().find(|node| access(node).same_server(&spec.access)) {
                tracing::warn!(
                    node = node.name,
                    added = spec.name,
                    "a server of the settings is one that an admin added under another name; each of the two takes the other's \
                     keys for foreign ones, and it gets twice as many as it should; take it out of [[nodes]], or drain and \
                     remove the other"
                );
            }
        }
    }
    Ok((parts, sentences))
}

const fn product(node: &KeyNodeSettings) -> Product {
    match node.server {
        KeyServer::Outline { .. } => Product::Outline,
        KeyServer::Telemt { .. } => Product::Mtproto,
    }
}

/// What was decided once stays: links that users have hold it.
async fn place(node: &KeyNodeSettings, row: Option<&KeyNodeRow>) -> anyhow::Result<Place> {
    let set = match &node.server {
        KeyServer::Outline { .. } => None,
        KeyServer::Telemt { domain, .. } => domain.clone(),
    };
    if let Some(KeyNodeRow { spec, .. }) = row {
        let other = node.host.as_ref().is_some_and(|host| *host != spec.host)
            || node.port.is_some_and(|port| port != spec.port)
            || (set.is_some() && set != spec.domain);
        if other {
            tracing::warn!(
                node = node.name,
                kept = format!("{}:{}", spec.host, spec.port),
                "users of this server connect where they always did, whatever its settings say now; for another place, give \
                 it another name as a new server"
            );
        }
        return Ok(Place { host: spec.host.clone(), port: spec.port, domain: spec.domain.clone() });
    }
    let (host, port) = match (&node.server, &node.host, node.port) {
        (_, Some(host), Some(port)) => (host.clone(), port),
        (KeyServer::Telemt { .. }, ..) => anyhow::bail!("host and port are not set"),
        (KeyServer::Outline { api_url, cert_sha256 }, host, port) => {
            let server = OutlineClient::new(api_url, *cert_sha256, ASKED)?.server().await?;
            let host = host.clone().or_else(|| server.host(api_url));
            let host = host.ok_or_else(|| anyhow::anyhow!("its management address has no host"))?;
            (host, port.unwrap_or(server.port_for_new_access_keys))
        }
    };
    Ok(Place { host, port, domain: set })
}

fn access(node: &KeyNodeSettings) -> KeyAccess {
    match &node.server {
        KeyServer::Outline { api_url, cert_sha256 } => {
            KeyAccess::Outline { api_url: api_url.clone(), cert_sha256: cert_sha256.to_string() }
        }
        KeyServer::Telemt { api_url, auth_header, .. } => {
            KeyAccess::Telemt { api_url: api_url.clone(), auth_header: auth_header.clone() }
        }
    }
}

fn part(node: &KeyNodeSettings, place: Place, drivers: &dyn Drivers) -> anyhow::Result<KeyNodePart> {
    let spec = KeyNodeSpec {
        name: node.name.clone(),
        place: node.place.clone(),
        country: node.country.clone(),
        product: product(node),
        capacity: node.capacity,
        host: place.host,
        port: place.port,
        domain: place.domain,
        // Drivers touch only what bears our names, so that there is nothing to be exclusive about.
        exclusive: false,
        access: access(node),
    };
    let driver = drivers.make(&spec).map_err(|error| anyhow::anyhow!("server {}: {error}", node.name))?;
    Ok(KeyNodePart { spec, driver })
}
