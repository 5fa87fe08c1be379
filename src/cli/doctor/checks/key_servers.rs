//! Servers of keys: do they answer, are they who they should be, do their clocks fit, is there room.

use super::super::Check;
use crate::clock::SystemClock;
use crate::config::{KeyNodeSettings, KeyServer, Settings};
use crate::outline::{CertHash, OutlineClient, own_key_id};
use crate::remote::CallTimeouts;
use crate::telemt::{TelemtClient, Username};
use secrecy::{ExposeSecret as _, SecretString};
use std::fmt::Display;
use std::time::Duration;
use tokio::net::TcpStream;
use usipipo_actors::domain::service::NodeState;
use usipipo_actors::model::{KeyAccess, KeyNodeRow, KeyNodeSpec};
use usipipo_actors::ports::clock::Clock as _;

/// How long a server may take.
const TIMEOUTS: CallTimeouts = CallTimeouts { connect: Duration::from_secs(5), call: Duration::from_secs(10) };
/// Longest wait for a connection to where users connect.
const CONNECT: Duration = Duration::from_secs(5);
/// Clocks this far apart deserve a look, in seconds.
const CLOCK_LOOK: i64 = 10;
/// telemt refuses greetings that look like TLS beyond 120 s; users' own clocks need some of that.
const CLOCK_BAD: i64 = 60;
/// Share of the capacity from which on a server is nearly full, percent.
const FULL_PERCENT: usize = 90;

/// Those of the settings, and those that admins added, unless the settings have one of the same name.
pub(super) async fn all(settings: &Settings, added: &[KeyNodeRow]) -> Vec<Check> {
    let mut checks = Vec::new();
    for node in &settings.key_nodes {
        checks.extend(one(node).await);
    }
    for row in added.iter().filter(|row| settings.key_nodes.iter().all(|node| node.name != row.spec.name)) {
        let subject = format!("server {}", row.spec.name);
        match as_set(&row.spec) {
            _ if row.state == NodeState::Maintenance => checks.push(Check::good(subject, "is in maintenance")),
            Some(node) => checks.extend(one(&node).await),
            None => checks.push(Check::bad(
                subject,
                "what leads to it does not open with these master keys",
                "bring back the master.keys of this database, or write the server into [[nodes]] under the same name",
            )),
        }
    }
    checks
}

async fn one(node: &KeyNodeSettings) -> Vec<Check> {
    let subject = format!("server {}", node.name);
    match &node.server {
        KeyServer::Outline { api_url, cert_sha256 } => outline(&subject, node, api_url, *cert_sha256).await,
        KeyServer::Telemt { api_url, auth_header, .. } => telemt(&subject, node, api_url, auth_header.clone()).await,
    }
}

/// A server of the database as the settings would have it; `None` when nobody knows what leads to it.
fn as_set(spec: &KeyNodeSpec) -> Option<KeyNodeSettings> {
    let server = match &spec.access {
        KeyAccess::Outline { api_url, cert_sha256 } => {
            KeyServer::Outline { api_url: api_url.clone(), cert_sha256: cert_sha256.parse().ok()? }
        }
        KeyAccess::Telemt { api_url, auth_header } => KeyServer::Telemt {
            api_url: api_url.clone(),
            auth_header: auth_header.clone(),
            domain: spec.domain.clone(),
        },
        KeyAccess::Forgotten | KeyAccess::Unreadable => return None,
    };
    Some(KeyNodeSettings {
        name: spec.name.clone(),
        place: spec.place.clone(),
        country: spec.country.clone(),
        host: Some(spec.host.clone()),
        port: Some(spec.port),
        capacity: spec.capacity,
        server,
    })
}

async fn outline(subject: &str, node: &KeyNodeSettings, api_url: &SecretString, cert: CertHash) -> Vec<Check> {
    let asked = async {
        let client = OutlineClient::new(api_url, cert, TIMEOUTS)?;
        Ok::<_, crate::outline::OutlineError>((client.server().await?, client.keys().await?))
    };
    let (server, keys) = match asked.await {
        Ok(answers) => answers,
        Err(error) => return vec![bad(subject, &error)],
    };
    let Some(host) = node.host.clone().or_else(|| server.host(api_url)) else {
        return vec![Check::bad(subject, "nobody says where its users connect", "set host")];
    };
    let port = node.port.unwrap_or(server.port_for_new_access_keys);
    let ours = keys.iter().filter(|key| own_key_id(&key.id).is_some()).count();
    let seen = format!(
        "Outline {} answers with the right certificate, users connect to {host}:{port}, {}",
        server.version,
        room(ours, keys.len(), node)
    );
    vec![full(subject, seen, keys.len(), node)]
}

async fn telemt(
    subject: &str,
    node: &KeyNodeSettings,
    api_url: &SecretString,
    auth_header: Option<SecretString>,
) -> Vec<Check> {
    let asked = async {
        let client = TelemtClient::new(api_url.expose_secret(), auth_header, TIMEOUTS)?;
        let (health, system) = (client.health().await?, client.system().await?);
        Ok::<_, crate::telemt::TelemtError>((health, system, client.users().await?, client.readiness().await?))
    };
    let (health, system, users, readiness) = match asked.await {
        Ok(answers) => answers,
        Err(error) => return vec![bad(subject, &error)],
    };
    if health.read_only {
        return vec![bad(subject, &crate::telemt::TelemtError::ReadOnly)];
    }
    let ours = users.iter().filter(|user| Username::parse(&user.username).is_some()).count();
    let seen = format!("telemt {} answers, {}", system.version, room(ours, users.len(), node));
    let mut checks = vec![full(subject, seen, users.len(), node)];
    if !readiness.ready {
        let reason = readiness.reason.unwrap_or_else(|| "it does not say why".to_owned());
        let seen = format!("its users do not get through to Telegram ({reason})");
        checks.push(Check::look(subject, seen, "look at telemt's log, and at that machine's way to Telegram"));
    }
    checks.extend(clock(subject, &system, SystemClock.now().timestamp()));
    checks.push(door(subject, node).await);
    checks
}

/// Errors of the clients say what is wrong, then, after a semicolon, what to do.
fn bad(subject: &str, error: &dyn Display) -> Check {
    let text = error.to_string();
    match text.split_once("; ") {
        Some((seen, mend)) => Check::bad(subject, seen, mend),
        None => Check::bad(subject, text, "see the server's own log"),
    }
}

fn room(ours: usize, all: usize, node: &KeyNodeSettings) -> String {
    let foreign = match all - ours {
        0 => String::new(),
        n => format!(" and {n} that are not ours"),
    };
    format!("{ours} of {} keys{foreign}", node.capacity)
}

fn full(subject: &str, seen: String, keys: usize, node: &KeyNodeSettings) -> Check {
    let capacity = usize::try_from(node.capacity).unwrap_or(usize::MAX);
    if keys.saturating_mul(100) < capacity.saturating_mul(FULL_PERCENT) {
        Check::good(subject, seen)
    } else {
        Check::look(subject, seen, "add another server of this kind before it is full")
    }
}

fn clock(subject: &str, system: &crate::telemt::SystemInfo, now: i64) -> Option<Check> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole seconds are enough, and out of range becomes the nearest"
    )]
    let uptime = system.uptime_seconds? as i64;
    let theirs = i64::try_from(system.process_started_at_epoch_secs).ok()?.saturating_add(uptime);
    let apart = theirs.saturating_sub(now);
    let seen =
        format!("its clock is {} s {} this machine's", apart.abs(), if apart < 0 { "behind" } else { "ahead of" });
    let mend = "set both with NTP, then restart telemt: its clock is computed from the moment it started";
    match apart.abs() {
        0..CLOCK_LOOK => None,
        CLOCK_LOOK..CLOCK_BAD => Some(Check::look(subject, seen, mend)),
        _ => Some(Check::bad(subject, seen, mend)),
    }
}

/// Where users connect.
async fn door(subject: &str, node: &KeyNodeSettings) -> Check {
    let (Some(host), Some(port)) = (&node.host, node.port) else {
        return Check::bad(subject, "nobody says where its users connect", "set host and port");
    };
    let bare = host.trim_matches(['[', ']']);
    match tokio::time::timeout(CONNECT, TcpStream::connect((bare, port))).await {
        Ok(Ok(_)) => Check::good(subject, format!("{host}:{port} can be connected to")),
        Ok(Err(cause)) => Check::bad(
            subject,
            format!("{host}:{port} cannot be connected to: {cause}"),
            "check host and port, that the proxy runs, and its firewall",
        ),
        Err(_) => Check::bad(
            subject,
            format!("no connection to {host}:{port} within {} s", CONNECT.as_secs()),
            "check host and port, and the firewall of that machine",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Verdict;
    use usipipo_actors::domain::service::Product;

    fn verdict(apart: i64) -> Option<Verdict> {
        let system = crate::telemt::SystemInfo {
            version: String::new(),
            process_started_at_epoch_secs: 1_000,
            uptime_seconds: Some(500.7),
        };
        clock("s", &system, 1_500 - apart).map(|check| check.verdict)
    }

    #[test]
    fn clocks_that_differ_are_told_before_users_are_refused() {
        assert_eq!(verdict(0), None);
        assert_eq!(verdict(-9), None);
        assert!(matches!(verdict(-10), Some(Verdict::Look(_))));
        assert!(matches!(verdict(59), Some(Verdict::Look(_))));
        assert!(matches!(verdict(-60), Some(Verdict::Bad(_))));
        assert!(matches!(verdict(100_000), Some(Verdict::Bad(_))));
    }

    #[test]
    fn a_server_that_an_admin_added_is_looked_at_as_one_of_the_settings() {
        let spec = |access| KeyNodeSpec {
            name: "ber".to_owned(),
            place: "Berlin".to_owned(),
            country: "DE".to_owned(),
            product: Product::Outline,
            capacity: 7,
            host: "192.0.2.1".to_owned(),
            port: 443,
            domain: None,
            exclusive: false,
            access,
        };
        let access = KeyAccess::Outline { api_url: "https://192.0.2.1:9/p".into(), cert_sha256: "AB".repeat(32) };
        let node = as_set(&spec(access)).expect("it can be reached");
        assert_eq!((node.host.as_deref(), node.port, node.capacity), (Some("192.0.2.1"), Some(443), 7));
        assert!(matches!(node.server, KeyServer::Outline { .. }));
        assert!(as_set(&spec(KeyAccess::Unreadable)).is_none());
    }

    #[test]
    fn errors_are_cut_into_what_is_wrong_and_what_to_do() {
        let check = bad("s", &crate::outline::OutlineError::WrongPrefix);
        assert!(check.seen.ends_with("API address"), "{}", check.seen);
        assert!(matches!(check.verdict, Verdict::Bad(mend) if mend.starts_with("copy apiUrl")));
    }
}
