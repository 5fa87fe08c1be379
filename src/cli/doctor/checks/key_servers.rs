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

pub(super) async fn all(settings: &Settings) -> Vec<Check> {
    let mut checks = Vec::new();
    for node in &settings.key_nodes {
        let subject = format!("server {}", node.name);
        match &node.server {
            KeyServer::Outline { api_url, cert_sha256 } => {
                checks.extend(outline(&subject, node, api_url, *cert_sha256).await);
            }
            KeyServer::Telemt { api_url, auth_header, .. } => {
                checks.extend(telemt(&subject, node, api_url, auth_header.clone()).await);
            }
        }
    }
    checks
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
    let host = node.host.as_deref().unwrap_or(&server.hostname_for_access_keys);
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
        Check::look(subject, seen, "add another server of this kind to [[nodes]] before it is full")
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
    fn errors_are_cut_into_what_is_wrong_and_what_to_do() {
        let check = bad("s", &crate::outline::OutlineError::WrongPrefix);
        assert!(check.seen.ends_with("API address"), "{}", check.seen);
        assert!(matches!(check.verdict, Verdict::Bad(mend) if mend.starts_with("copy apiUrl")));
    }
}
