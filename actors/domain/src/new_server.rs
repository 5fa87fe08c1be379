//! A server of keys that an admin adds while the program runs: what was answered so far, and what is asked next.
//!
//! How to manage it is asked last, so that this secret is stored nowhere before the server itself has answered.

use crate::access::Hidden;
use crate::service::Product;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Longest name of a server, in characters.
pub const NAME_CHARS_MAX: usize = 32;
/// Longest city, in characters.
const CITY_CHARS_MAX: usize = 40;
/// Longest host name (RFC 1035), in bytes.
const HOST_BYTES_MAX: usize = 253;
/// Longest name of a web site that fits into a secret with `ee`, in bytes.
const DOMAIN_BYTES_MAX: usize = 180;
/// Most services on an Outline server, also when nobody says otherwise. It is what such a server carries well: above it,
/// setting up connections and changing keys become slow.
pub const OUTLINE_CAPACITY: u32 = 1_000;
/// The same for a telemt server. It matches a handshake by trying secrets in turn, and under attack tries only few, so that
/// with thousands of users good ones would be refused.
pub const TELEMT_CAPACITY: u32 = 500;

/// What is asked about a new server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ServerQuestion {
    /// Its name.
    Name,
    /// Where it stands: a country's code and perhaps a city.
    Country,
    /// Most services on it.
    Capacity,
    /// Where users connect, for proxies.
    Place,
    /// The web site that a proxy pretends to be.
    Domain,
    /// How to manage it: a secret.
    Access,
}

/// What is wrong with an answer, or with the server it leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerProblem {
    /// It cannot be a name.
    Name,
    /// Another server has this name, or had it.
    NameTaken,
    /// It does not begin with a country's code.
    Country,
    /// It is no number, or too large.
    Capacity,
    /// It is not where a client could connect.
    Place,
    /// It is no web site's name.
    Domain,
    /// It is not what was to be pasted.
    Unreadable,
    /// It leads to a server that is here already.
    Known {
        /// That server.
        name: String,
    },
    /// The server shows another certificate.
    Certificate {
        /// SHA-256 of what it shows, hexadecimal.
        seen: String,
    },
    /// The server does not answer, or not as it should; holds no secret.
    Answer {
        /// What happened, in the words of the client that asked.
        error: String,
    },
}

/// The answers so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerDraft {
    /// What its keys are.
    pub product: Product,
    /// Its name.
    pub name: Option<String>,
    /// Country's code and city, each may be empty.
    pub country: Option<(String, String)>,
    /// Most services on it.
    pub capacity: Option<u32>,
    /// Where users connect; Outline servers know it themselves.
    pub place: Option<(String, u16)>,
    /// The web site that it pretends to be; empty for none.
    pub domain: Option<String>,
}

impl ServerDraft {
    /// Nothing is answered yet. `None` for what cannot be added this way: a WireGuard server needs set-up on its machine.
    #[must_use]
    pub const fn new(product: Product) -> Option<Self> {
        match product {
            Product::Wireguard => None,
            Product::Outline | Product::Mtproto => {
                Some(Self { product, name: None, country: None, capacity: None, place: None, domain: None })
            }
        }
    }

    /// Most services that a server of this kind carries well.
    #[must_use]
    pub const fn capacity_max(product: Product) -> u32 {
        match product {
            Product::Mtproto => TELEMT_CAPACITY,
            Product::Wireguard | Product::Outline => OUTLINE_CAPACITY,
        }
    }

    /// The first question without an answer; [`ServerQuestion::Access`] when there is no other.
    #[must_use]
    pub fn next(&self) -> ServerQuestion {
        let proxy = self.product == Product::Mtproto;
        if self.name.is_none() {
            ServerQuestion::Name
        } else if self.country.is_none() {
            ServerQuestion::Country
        } else if self.capacity.is_none() {
            ServerQuestion::Capacity
        } else if proxy && self.place.is_none() {
            ServerQuestion::Place
        } else if proxy && self.domain.is_none() {
            ServerQuestion::Domain
        } else {
            ServerQuestion::Access
        }
    }

    /// Takes the answer to the question that is open.
    ///
    /// # Errors
    /// What is wrong with it; the question stays open. [`ServerProblem::Unreadable`] for the last question, whose answer only
    /// the server itself can judge.
    pub fn answer(mut self, text: &str) -> Result<Self, ServerProblem> {
        let text = text.trim();
        match self.next() {
            ServerQuestion::Name => self.name = Some(name(text)?),
            ServerQuestion::Country => self.country = Some(country(text)?),
            ServerQuestion::Capacity => {
                let number = text.parse().ok().filter(|n| (1..=Self::capacity_max(self.product)).contains(n));
                self.capacity = Some(number.ok_or(ServerProblem::Capacity)?);
            }
            ServerQuestion::Place => self.place = Some(place(text)?),
            ServerQuestion::Domain => self.domain = Some(domain(text)?),
            ServerQuestion::Access => return Err(ServerProblem::Unreadable),
        }
        Ok(self)
    }

    /// Leaves the question at what it is when nobody says anything; `None` for one that needs an answer, and for one that is
    /// not open.
    #[must_use]
    pub fn leave(mut self, question: ServerQuestion) -> Option<Self> {
        if self.next() != question {
            return None;
        }
        match question {
            ServerQuestion::Country => self.country = Some(Default::default()),
            ServerQuestion::Capacity => self.capacity = Some(Self::capacity_max(self.product)),
            ServerQuestion::Domain => self.domain = Some(String::new()),
            ServerQuestion::Name | ServerQuestion::Place | ServerQuestion::Access => return None,
        }
        Some(self)
    }
}

/// Names stand in paths of actors and in commands, so they have no slashes and no spaces.
fn name(text: &str) -> Result<String, ServerProblem> {
    let fits = (1..=NAME_CHARS_MAX).contains(&text.chars().count());
    if fits && text.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c)) {
        Ok(text.to_owned())
    } else {
        Err(ServerProblem::Name)
    }
}

fn country(text: &str) -> Result<(String, String), ServerProblem> {
    let (code, city) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let city = city.trim();
    let sane = city.chars().count() <= CITY_CHARS_MAX && !city.chars().any(char::is_control);
    if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic()) && sane {
        Ok((code.to_ascii_uppercase(), city.to_owned()))
    } else {
        Err(ServerProblem::Country)
    }
}

fn place(text: &str) -> Result<(String, u16), ServerProblem> {
    let (host, port) = text.rsplit_once(':').ok_or(ServerProblem::Place)?;
    let port = port.parse().ok().filter(|port| *port > 0).ok_or(ServerProblem::Place)?;
    if is_host(host) { Ok((host.to_owned(), port)) } else { Err(ServerProblem::Place) }
}

fn domain(text: &str) -> Result<String, ServerProblem> {
    if text.len() <= DOMAIN_BYTES_MAX && text.contains('.') && is_host_name(text) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(ServerProblem::Domain)
    }
}

/// An IPv6 address stands in brackets, else its port could not be told from it.
fn is_host(host: &str) -> bool {
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.map_or_else(|| is_host_name(host), |inner| inner.parse::<IpAddr>().is_ok())
}

fn is_host_name(host: &str) -> bool {
    (1..=HOST_BYTES_MAX).contains(&host.len())
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

/// How to manage a server of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerAccess {
    /// Outline.
    Outline {
        /// `https://host:port/prefix`; the prefix is the only credential.
        api_url: Hidden,
        /// SHA-256 of its certificate, 64 hexadecimal digits.
        cert_sha256: String,
    },
    /// telemt.
    Telemt {
        /// `http://host:port`
        api_url: Hidden,
        /// What it expects in `Authorization`, if anything.
        auth_header: Option<Hidden>,
    },
}

/// A server that answered as it should, ready to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewServer {
    /// Unique among all servers.
    pub name: String,
    /// For people ("Miami"); may be empty.
    pub place: String,
    /// ISO 3166 code, upper case; may be empty.
    pub country: String,
    /// What its keys are.
    pub product: Product,
    /// Most services on it.
    pub capacity: u32,
    /// Where users connect.
    pub host: String,
    /// TCP (and for Outline also UDP) port of users.
    pub port: u16,
    /// The web site that a proxy pretends to be.
    pub domain: Option<String>,
    /// How to manage it.
    pub access: ServerAccess,
}

/// The last answer, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerPaste {
    /// The answers before.
    pub draft: ServerDraft,
    /// What was pasted.
    pub pasted: Hidden,
    /// The message that holds it; it is deleted.
    pub message: Option<i32>,
    /// What the server itself said; `None` while it was not asked.
    pub checked: Option<Result<NewServer, ServerProblem>>,
}

#[cfg(test)]
mod tests;
