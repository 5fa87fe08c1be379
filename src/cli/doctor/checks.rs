//! The single checks.

use super::Check;
use crate::admin;
use crate::config::{Loaded, NodeMode, Settings, TelegramMode};
use crate::node_setup;
use crate::postgres::installed;
use crate::program::database::{Database, key_file};
use crate::telegram::api::{Api, ApiError};
use crate::wireguard::Probe;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::time::Duration;
use usipipo_actors::ports::driver::DriverMode;
use usipipo_actors::storage::{Store, Vault};

/// Longest look at one thing.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Less free space than this is worth a look, bytes.
const DISK_LOW: u64 = 1 << 30;
/// With less than this the database stops soon, bytes.
const DISK_OUT: u64 = 100 << 20;

/// Everything, in the order in which the program needs it.
pub(super) async fn all(loaded: &Loaded) -> Vec<Check> {
    let settings = &loaded.settings;
    let mut checks = Vec::new();
    let from =
        loaded.file.as_ref().map_or_else(|| "defaults and environment".to_owned(), |file| file.display().to_string());
    checks.push(Check::good("settings", from));
    checks.extend(
        loaded
            .warnings
            .iter()
            .map(|warning| Check::look(warning.key.clone(), warning.what.clone(), warning.remedy.clone())),
    );
    let running = admin::ask_tree(&settings.data_dir).await.is_ok();
    checks.push(data_dir(&settings.data_dir));
    checks.push(disk(&settings.data_dir));
    checks.push(keys(settings));
    checks.extend(database(settings, running).await);
    checks.push(telegram(settings).await);
    checks.push(admins(settings));
    checks.extend(ports(settings, running));
    checks.extend(servers(settings, running));
    checks.push(if running {
        Check::good("program", "runs; `usipipo tree` shows its actors")
    } else {
        Check::look("program", "does not run", "start it with `usipipo run`")
    });
    checks
}

fn data_dir(path: &Path) -> Check {
    const SUBJECT: &str = "data directory";
    let shown = path.display().to_string();
    if !path.exists() {
        return Check::look(SUBJECT, format!("{shown} does not exist yet"), "the first start makes it");
    }
    match nix::unistd::access(path, nix::unistd::AccessFlags::W_OK) {
        Ok(()) => Check::good(SUBJECT, shown),
        Err(cause) => Check::bad(
            SUBJECT,
            format!("{shown} cannot be written: {cause}"),
            "give it to the user who runs the program, or choose another data_dir",
        ),
    }
}

fn disk(path: &Path) -> Check {
    const SUBJECT: &str = "disk";
    let place = path.ancestors().find(|place| place.exists()).unwrap_or(path);
    let free = match nix::sys::statvfs::statvfs(place) {
        Ok(disk) => disk.blocks_available().saturating_mul(disk.fragment_size()),
        Err(cause) => return Check::look(SUBJECT, format!("cannot be asked: {cause}"), "look at it with `df -h`"),
    };
    let seen = format!("{} MB free at {}", free >> 20, place.display());
    if free < DISK_OUT {
        Check::bad(SUBJECT, seen, "make room, or the database will stop")
    } else if free < DISK_LOW {
        Check::look(SUBJECT, seen, "make room before it gets less")
    } else {
        Check::good(SUBJECT, seen)
    }
}

fn keys(settings: &Settings) -> Check {
    const SUBJECT: &str = "master keys";
    let path = key_file(settings);
    if !path.exists() {
        return Check::look(
            SUBJECT,
            format!("{} does not exist yet", path.display()),
            "the first start makes it; keep a copy",
        );
    }
    match Vault::open_file(&path) {
        Ok(vault) => Check::good(SUBJECT, format!("{} (current key {})", path.display(), vault.current_key_id())),
        Err(error) => {
            Check::bad(SUBJECT, error.to_string(), "bring the file back from its copy, readable by its owner only")
        }
    }
}

async fn database(settings: &Settings, running: bool) -> Vec<Check> {
    const SUBJECT: &str = "database";
    if settings.database.url.is_none() && !running {
        return vec![private_database()];
    }
    // With the program running the private server runs too, and is only taken over for a moment.
    let looked = tokio::time::timeout(TIMEOUT, async {
        let database = Database::open(settings).await?;
        let answer = ask_database(settings, &database).await;
        database.close().await;
        answer
    })
    .await;
    vec![match looked {
        Ok(Ok(seen)) => Check::good(SUBJECT, seen),
        Ok(Err(error)) => Check::bad(
            SUBJECT,
            format!("{error:#}"),
            "check database.url, that the server runs, and that it lets this user in",
        ),
        Err(_) => Check::bad(
            SUBJECT,
            format!("no answer within {} s", TIMEOUT.as_secs()),
            "check that the server runs and is reachable",
        ),
    }]
}

async fn ask_database(settings: &Settings, database: &Database) -> anyhow::Result<String> {
    let vault = Vault::open_file(&key_file(settings)).or_else(|_| Vault::generate())?;
    let store = Store::connect(&database.options, vault)?;
    store.ping().await?;
    Ok("answers".to_owned())
}

fn private_database() -> Check {
    const SUBJECT: &str = "database";
    match installed().first() {
        Some(newest) => {
            let place = newest.directory.display();
            Check::good(SUBJECT, format!("private, PostgreSQL {} from {place}, runs with the program", newest.major))
        }
        None => Check::bad(
            SUBJECT,
            "PostgreSQL is not installed",
            "`apt-get install postgresql`, or set database.url to a server of yours",
        ),
    }
}

async fn telegram(settings: &Settings) -> Check {
    const SUBJECT: &str = "telegram";
    let Some(token) = &settings.telegram.token else {
        return Check::bad(SUBJECT, "there is no token", "get one from @BotFather and set telegram.token");
    };
    let api = match Api::new(token, &settings.telegram.api_url) {
        Ok(api) => api,
        Err(error) => return Check::bad(SUBJECT, error.to_string(), "mend the setting named there"),
    };
    match tokio::time::timeout(TIMEOUT, api.get_me()).await {
        Ok(Ok(me)) => {
            let mode = match settings.telegram.mode {
                TelegramMode::Poll => "polling",
                TelegramMode::Webhook => "webhook",
            };
            Check::good(SUBJECT, format!("@{}, {mode}", me.username))
        }
        Ok(Err(ApiError::Unauthorized(text))) => Check::bad(
            SUBJECT,
            format!("the token is refused: {text}"),
            "copy it again from @BotFather (/mybots, API Token)",
        ),
        Ok(Err(error)) => Check::bad(
            SUBJECT,
            error.to_string(),
            format!("check that this machine reaches {}", settings.telegram.api_url),
        ),
        Err(_) => Check::bad(
            SUBJECT,
            format!("no answer within {} s", TIMEOUT.as_secs()),
            format!("check that this machine reaches {}", settings.telegram.api_url),
        ),
    }
}

fn admins(settings: &Settings) -> Check {
    const SUBJECT: &str = "admins";
    match settings.superadmins.len() {
        0 => Check::look(
            SUBJECT,
            "nobody gets alerts",
            "set admins.superadmins to your Telegram id (the bot tells it under /profile)",
        ),
        n => Check::good(SUBJECT, format!("{n} superadmin(s), {} admin(s)", settings.admins.len())),
    }
}

fn ports(settings: &Settings, running: bool) -> Vec<Check> {
    [("http.listen", settings.http_listen), ("metrics.listen", settings.metrics_listen)]
        .into_iter()
        .map(|(key, address)| port(key, address, running))
        .collect()
}

fn port(key: &str, address: SocketAddr, running: bool) -> Check {
    match TcpListener::bind(address) {
        Ok(_) => Check::good(key, format!("{address} is free")),
        Err(_) if running => Check::good(key, format!("{address} is in use, the program runs")),
        Err(cause) => Check::bad(
            key,
            format!("{address} cannot be listened on: {cause}"),
            format!("stop the other program (`ss -ltnp` names it), or set {key}"),
        ),
    }
}

fn servers(settings: &Settings, running: bool) -> Vec<Check> {
    let probe = Probe::run();
    let mut checks = Vec::new();
    for node in &settings.nodes {
        let subject = format!("server {}", node.name);
        let (mode, set) = match node.mode {
            NodeMode::Auto => (probe.best(), "auto"),
            NodeMode::Kernel => (DriverMode::Kernel, "set"),
            NodeMode::Userspace => (DriverMode::Userspace, "set"),
            NodeMode::ConfigOnly => (DriverMode::ConfigOnly, "set"),
        };
        let needed: &[_] = match mode {
            DriverMode::Kernel => &[&probe.privilege, &probe.kernel],
            DriverMode::Userspace => &[&probe.privilege, &probe.tun, &probe.sockets],
            DriverMode::ConfigOnly => &[],
        };
        let missing = needed.iter().find_map(|finding| Some((finding.problem.as_ref()?, finding.mend)));
        checks.push(match (missing, mode, node.mode) {
            (Some((problem, mend)), ..) => Check::bad(subject, problem.clone(), mend),
            (None, DriverMode::ConfigOnly, NodeMode::Auto) => {
                Check::look(subject, "configs only, no tunnel is up on this machine", probe.why())
            }
            (None, ..) => Check::good(subject, format!("{} ({set}), {}", mode.as_str(), node.endpoint)),
        });
        if mode != DriverMode::ConfigOnly {
            checks.push(udp_port(node.listen_port, &node.interface, running));
        }
    }
    if settings.nodes.iter().any(|node| node.mode != NodeMode::ConfigOnly) && probe.best() != DriverMode::ConfigOnly {
        checks.push(forwarding(settings));
    }
    checks
}

fn udp_port(number: u16, interface: &str, running: bool) -> Check {
    let subject = format!("UDP port {number}");
    match UdpSocket::bind((std::net::Ipv4Addr::UNSPECIFIED, number)) {
        Ok(_) => Check::good(subject, "is free"),
        // A tunnel outlives the program, so the port may be ours without it.
        Err(_) if running || Path::new("/sys/class/net").join(interface).exists() => {
            Check::good(subject, format!("is in use, {interface} is up"))
        }
        Err(cause) => Check::bad(
            subject,
            format!("cannot be used: {cause}"),
            "stop the other program (`ss -lunp` names it), or set another listen_port",
        ),
    }
}

fn forwarding(settings: &Settings) -> Check {
    const SUBJECT: &str = "forwarding";
    let places = node_setup::Places::usual(&settings.data_dir);
    let plan = node_setup::plan(&settings.nodes, &node_setup::Machine::look(&places));
    let off: Vec<String> = plan
        .sysctls
        .iter()
        .filter(|sysctl| {
            std::fs::read_to_string(places.proc_sys.join(&sysctl.key))
                .map(|text| text.trim().to_owned())
                .ok()
                .as_deref()
                != Some(sysctl.value)
        })
        .map(|sysctl| sysctl.key.replace('/', "."))
        .collect();
    if off.is_empty() && places.state_file.exists() {
        Check::good(SUBJECT, "this machine forwards what clients send")
    } else if off.is_empty() {
        Check::look(
            SUBJECT,
            "the kernel forwards, but `usipipo node setup` was not run here",
            "run it, unless a firewall of yours translates the clients' addresses",
        )
    } else {
        Check::look(
            SUBJECT,
            format!("{} is not set, so clients reach this machine only", off.join(", ")),
            "run `usipipo node setup` as root (--dry-run shows what it does)",
        )
    }
}
