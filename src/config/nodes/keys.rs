//! Servers of keys: Outline and telemt.

use super::super::read::Reader;
use super::{Head, is_host_name};
use crate::mtproto::hello::DOMAIN_MAX;
use crate::outline::{CertHash, Installed};
use secrecy::{ExposeSecret as _, SecretString};
use std::net::IpAddr;
use usipipo_actors::model::KeyAccess;

pub use usipipo_actors::domain::new_server::{OUTLINE_CAPACITY, TELEMT_CAPACITY};

/// A server of keys.
#[derive(Debug, Clone)]
pub struct KeyNodeSettings {
    /// Unique among all servers.
    pub name: String,
    /// For people, such as "Miami".
    pub place: String,
    /// ISO 3166 code of two letters, upper case; empty when not given.
    pub country: String,
    /// Where clients connect: a name or an address. `None`: as the server says.
    pub host: Option<String>,
    /// The port of clients. `None`: as the server says; never for telemt.
    pub port: Option<u16>,
    /// Most services on it.
    pub capacity: u32,
    /// What runs there, and how it is managed.
    pub server: KeyServer,
}

/// What runs on a server of keys, and how it is managed.
#[derive(Debug, Clone)]
pub enum KeyServer {
    /// Outline.
    Outline {
        /// `https://host:port/prefix`; the prefix is the only credential.
        api_url: SecretString,
        /// Of its certificate.
        cert_sha256: CertHash,
    },
    /// telemt.
    Telemt {
        /// `http://host:port`
        api_url: SecretString,
        /// What it expects in `Authorization`, if anything.
        auth_header: Option<SecretString>,
        /// The web site that it pretends to be; `None`: no secrets with `ee`.
        domain: Option<String>,
    },
}

impl KeyServer {
    /// Where it is managed.
    #[must_use]
    pub const fn api_url(&self) -> &SecretString {
        match self {
            Self::Outline { api_url, .. } | Self::Telemt { api_url, .. } => api_url,
        }
    }

    /// As `driver` in the settings.
    #[must_use]
    pub const fn driver(&self) -> &'static str {
        match self {
            Self::Outline { .. } => super::NodeDriver::Outline.as_str(),
            Self::Telemt { .. } => super::NodeDriver::Telemt.as_str(),
        }
    }
}

/// `None` when what is most needed is wrong; then there is a problem.
pub(super) fn outline(r: &mut Reader, head: Head) -> Option<(usize, KeyNodeSettings)> {
    let (access_key, url_key, cert_key) = (head.key("access"), head.key("api_url"), head.key("cert_sha256"));
    let access = r.secret(&access_key);
    let url = r.secret(&url_key);
    let cert = r.text(&cert_key);
    let (host, port) = place_of_clients(r, &head);
    let capacity = r.number(&head.key("capacity"), OUTLINE_CAPACITY, 1, OUTLINE_CAPACITY);
    let (api_url, cert, url_key, cert_key) = match (access, url, cert) {
        (Some(access), None, None) => {
            let Some(read) = Installed::read(access.expose_secret()) else {
                r.problem(
                    &access_key,
                    "it is not what Outline's installer prints",
                    "copy the line {\"apiUrl\":\"…\",\"certSha256\":\"…\"} as it is, in single quotes, or the two lines of \
                     /opt/outline/access.txt, between '''",
                );
                return None;
            };
            (SecretString::from(read.api_url), read.cert_sha256, access_key.clone(), access_key)
        }
        (None, Some(url), Some(cert)) => (url, cert, url_key, cert_key),
        (Some(_), ..) => {
            r.problem(&access_key, "it is given together with api_url or cert_sha256", "keep access alone");
            return None;
        }
        (None, url, cert) => {
            let missing = if url.is_none() { url_key } else { cert_key };
            let remedy = "set access to what its installer printed, or api_url and cert_sha256 to its parts";
            let what = if cert.is_none() && url.is_none() {
                "nothing says how to reach the Outline server"
            } else {
                "it is missing"
            };
            r.problem(&missing, what, remedy);
            return None;
        }
    };
    if let Err(why) = crate::outline::check_api_url(&api_url) {
        r.problem(
            &url_key,
            &format!("apiUrl cannot be used: {why}"),
            "copy it again from /opt/outline/access.txt on the server",
        );
        return None;
    }
    let cert_sha256 = match cert.parse() {
        Ok(hash) => hash,
        Err(_) => {
            let remedy = "copy certSha256 (64 hexadecimal digits) from /opt/outline/access.txt on the server";
            r.problem(&cert_key, "it is not the SHA-256 of a certificate", remedy);
            return None;
        }
    };
    let server = KeyServer::Outline { api_url, cert_sha256 };
    Some((head.index, finish(head, host, port, capacity, server)))
}

/// `None` when what is most needed is wrong; then there is a problem.
pub(super) fn telemt(r: &mut Reader, head: Head) -> Option<(usize, KeyNodeSettings)> {
    let url_key = head.key("api_url");
    let api_url = r.secret(&url_key);
    let auth_header = r.secret(&head.key("auth_header"));
    let (host, port) = place_of_clients(r, &head);
    let domain_key = head.key("domain");
    let domain = r.text(&domain_key);
    if let Some(domain) = &domain
        && !(is_host_name(domain) && domain.len() <= DOMAIN_MAX)
    {
        r.problem(
            &domain_key,
            &format!("{domain:?} is no web site's name"),
            "write tls_domain of telemt's [censorship]",
        );
    }
    let capacity = r.number(&head.key("capacity"), TELEMT_CAPACITY, 1, TELEMT_CAPACITY);
    if host.is_none() && !r.is_given(&head.key("host")) {
        r.problem(
            &head.key("host"),
            "nobody says where the proxy's users connect",
            "set it to the proxy's public name or address",
        );
    }
    if port.is_none() && !r.is_given(&head.key("port")) {
        r.problem(
            &head.key("port"),
            "nobody says at which port the proxy listens",
            "set it to port of telemt's [server]",
        );
    }
    let Some(api_url) = api_url else {
        r.problem(
            &url_key,
            "nothing says how to reach telemt",
            "set it to http:// and listen of telemt's [server.api]",
        );
        return None;
    };
    match reqwest::Url::parse(api_url.expose_secret()) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.host_str().is_some() => {
            let here = url.host_str().is_some_and(|host| {
                host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
            });
            if url.scheme() == "http" && !here {
                r.warn(
                    &url_key,
                    "secrets travel to it unencrypted",
                    "use https, or a tunnel, unless the network between is your own",
                );
            }
        }
        _ => {
            r.problem(&url_key, "it is not a web address", "write for example http://127.0.0.1:9091");
            return None;
        }
    }
    let server = KeyServer::Telemt { api_url, auth_header, domain };
    Some((head.index, finish(head, host, port, capacity, server)))
}

fn finish(head: Head, host: Option<String>, port: Option<u16>, capacity: u32, server: KeyServer) -> KeyNodeSettings {
    let Head { name, place, country, .. } = head;
    KeyNodeSettings { name, place, country, host, port, capacity, server }
}

/// Where clients connect.
fn place_of_clients(r: &mut Reader, head: &Head) -> (Option<String>, Option<u16>) {
    let (host_key, port_key) = (head.key("host"), head.key("port"));
    let host = r.text(&host_key);
    if let Some(host) = &host
        && !(is_host_name(host) || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok())
    {
        r.problem(
            &host_key,
            &format!("{host:?} is not where a client could connect"),
            "write a name or an address, without a port",
        );
    }
    let port = r.is_given(&port_key).then(|| r.number(&port_key, 443, 1, u16::MAX));
    (host, port)
}

/// Two nodes that lead to one server would each take the other's keys for foreign ones.
pub(super) fn each_once(r: &mut Reader, servers: &[(usize, KeyNodeSettings)]) {
    for (at, (index, node)) in servers.iter().enumerate() {
        let url = node.server.api_url();
        let same = |(_, other): &&(usize, KeyNodeSettings)| KeyAccess::same_address(other.server.api_url(), url);
        if let Some((first, _)) = servers.iter().take(at).find(same) {
            r.problem(
                &format!("nodes[{index}].api_url"),
                &format!("nodes[{first}] leads to the same server"),
                "name each server once",
            );
        }
    }
}
