//! The demo's simulated servers of keys.

use crate::config::{KeyNodeSettings, KeyServer, OUTLINE_CAPACITY, TELEMT_CAPACITY};
use crate::telemt::SENTINEL;
use anyhow::Context as _;
use reqwest::{Client, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;

/// Longest wait for the simulation to make a server.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Names in the simulation.
const OUTLINE: &str = "demo-outline";
const TELEMT: &str = "demo-telemt";
/// Where the keys and the proxy are reached, if these ports are free.
const OUTLINE_KEYS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8388);
const TELEMT_PROXY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8443);
/// The web site that the proxy pretends to be.
const DOMAIN: &str = "example.com";

/// One Outline server and one proxy server. What an earlier run left comes back with its keys; else they are made.
pub(super) async fn simulated(sandbox: &str) -> anyhow::Result<Vec<KeyNodeSettings>> {
    let simulation = Simulation { client: Client::builder().no_proxy().timeout(TIMEOUT).build()?, url: sandbox };
    Ok(vec![simulation.outline().await?, simulation.telemt().await?])
}

struct Simulation<'a> {
    client: Client,
    url: &'a str,
}

impl Simulation<'_> {
    async fn outline(&self) -> anyhow::Result<KeyNodeSettings> {
        let wish = |real: bool| {
            let port = port_of(OUTLINE_KEYS);
            json!({ "name": OUTLINE, "hostname": OUTLINE_KEYS.ip(), "keys_port": port, "real": real })
        };
        let kind = "outline";
        let server = match self.there(kind, OUTLINE).await? {
            Some(server) => server,
            // Bytes flow where Debian's Shadowsocks is; elsewhere keys are made and lead nowhere.
            None => match self.make(kind, &wish(true)).await {
                Ok(server) => server,
                Err(_) => self.make(kind, &wish(false)).await?,
            },
        };
        let cert_sha256 =
            text(&server, "certSha256")?.parse().context("the simulated Outline server has a strange hash")?;
        let server = KeyServer::Outline { api_url: SecretString::from(text(&server, "apiUrl")?), cert_sha256 };
        Ok(KeyNodeSettings {
            name: OUTLINE.to_owned(),
            place: "Demo".to_owned(),
            country: "DE".to_owned(),
            host: None,
            port: None,
            capacity: OUTLINE_CAPACITY,
            server,
        })
    }

    async fn telemt(&self) -> anyhow::Result<KeyNodeSettings> {
        let kind = "telemt";
        let server = match self.there(kind, TELEMT).await? {
            Some(server) => server,
            None => {
                let proxy = SocketAddr::new(TELEMT_PROXY.ip(), port_of(TELEMT_PROXY));
                // A user is there from the start; the program's own sentinel is nobody's, and is disabled at once.
                let users = json!({ SENTINEL: "5e".repeat(16) });
                let wish = json!({
                    "name": TELEMT, "proxy": true, "proxy_listen": proxy, "tls_domain": DOMAIN, "users": users
                });
                self.make(kind, &wish).await?
            }
        };
        let proxy: SocketAddr = text(&server, "proxy")?.parse().context("the simulated proxy has a strange address")?;
        let api_url = SecretString::from(text(&server, "url")?);
        let server = KeyServer::Telemt { api_url, auth_header: None, domain: Some(DOMAIN.to_owned()) };
        Ok(KeyNodeSettings {
            name: TELEMT.to_owned(),
            place: "Demo".to_owned(),
            country: "NL".to_owned(),
            host: Some(proxy.ip().to_string()),
            port: Some(proxy.port()),
            capacity: TELEMT_CAPACITY,
            server,
        })
    }

    async fn there(&self, kind: &str, name: &str) -> anyhow::Result<Option<Value>> {
        let answer = self.client.get(format!("{}/sim/{kind}/{name}", self.url)).send().await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(answer.error_for_status()?.json().await?))
    }

    async fn make(&self, kind: &str, wish: &Value) -> anyhow::Result<Value> {
        let answer = self.client.post(format!("{}/sim/{kind}", self.url)).json(wish).send().await?;
        let status = answer.status();
        let body: Value = answer.json().await?;
        anyhow::ensure!(status.is_success(), "the simulated {kind} server could not be made: {}", body["error"]);
        Ok(body)
    }
}

/// The port, or another one if it is in use.
fn port_of(address: SocketAddr) -> u16 {
    super::free(address).parse().map_or(address.port(), |free: SocketAddr| free.port())
}

fn text<'a>(value: &'a Value, field: &str) -> anyhow::Result<&'a str> {
    value[field].as_str().with_context(|| format!("the simulation did not tell {field}"))
}
