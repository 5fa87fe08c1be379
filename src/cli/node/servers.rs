//! `usipipo node add`, `list`, `drain`, `maintenance`, `activate`, `remove`: servers, while the program runs or not.
//!
//! The rows are changed, and a program that runs is told, so that it need not be started anew.

use super::{AddArgs, Kind};
use crate::admin;
use crate::cli::{print, runtime, say};
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::drivers::KeyDrivers;
use crate::program::database::{Database, key_file};
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Read as _};
use std::sync::Arc;
use usipipo_actors::domain::access::Hidden;
use usipipo_actors::domain::new_server::{ServerDraft, ServerProblem, ServerQuestion};
use usipipo_actors::domain::service::{NodeChange, Product};
use usipipo_actors::model::{NodeOverview, ServerChanged};
use usipipo_actors::ports::clock::Clock as _;
use usipipo_actors::ports::drivers::Drivers as _;
use usipipo_actors::storage::{Store, Vault};

/// Longest text of a secret on standard input, bytes.
const SECRET_BYTES_MAX: u64 = 16 * 1024;

/// What is to be done.
pub(super) enum Task<'a> {
    Add(&'a AddArgs),
    List,
    Change(&'a str, NodeChange),
}

pub(super) fn run(task: &Task<'_>, settings: &Settings) -> anyhow::Result<()> {
    // Before the database is opened, since somebody may have to paste it.
    let secret = match task {
        Task::Add(args) => Some(read_secret(args)?),
        _ => None,
    };
    runtime()?.block_on(async {
        let database = Database::open(settings).await?;
        let result = on_database(task, secret, settings, &database).await;
        database.close().await;
        result
    })
}

async fn on_database(
    task: &Task<'_>,
    secret: Option<Hidden>,
    settings: &Settings,
    database: &Database,
) -> anyhow::Result<()> {
    Store::migrate(&database.options).await?;
    let store = Store::connect(&database.options, Vault::open_or_create(&key_file(settings))?)?;
    match (task, secret) {
        (Task::Add(args), Some(secret)) => add(args, &secret, &store, settings).await,
        (Task::Change(name, change), _) => self::change(name, *change, &store, settings).await,
        (Task::Add(_) | Task::List, _) => print(&table(&store.node_overviews().await?)),
    }
}

/// Never from the command line, which other users of the machine can read.
fn read_secret(args: &AddArgs) -> anyhow::Result<Hidden> {
    if std::io::stdin().is_terminal() {
        say(match args.kind {
            Kind::Outline => "Paste the line that Outline's installer printed, then press Ctrl-D:",
            Kind::Telemt => {
                "Paste the address of telemt's interface, its auth_header on a second line if it has one, then press Ctrl-D:"
            }
        });
    }
    let mut text = String::new();
    std::io::stdin().lock().take(SECRET_BYTES_MAX).read_to_string(&mut text)?;
    Ok(Hidden::new(text.trim()))
}

async fn add(args: &AddArgs, secret: &Hidden, store: &Store, settings: &Settings) -> anyhow::Result<()> {
    let draft = draft(args)?;
    let taken = settings.nodes.iter().map(|node| &node.name).chain(settings.key_nodes.iter().map(|node| &node.name));
    anyhow::ensure!(
        taken.into_iter().all(|name| *name != args.name),
        "the settings have a server {} already; choose another name",
        args.name
    );
    let clock = Arc::new(SystemClock);
    let now = clock.now();
    let new = KeyDrivers::new(clock).check(&draft, secret).await.map_err(|problem| sentence(&problem, args))?;
    let place = format!("{}:{}", new.host, new.port);
    store.add_key_node(&new, now).await?.map_err(|problem| sentence(&problem, args))?;
    print(&format!("{} is added; its users connect to {place}.\n{}\n", args.name, tell(settings).await))
}

fn draft(args: &AddArgs) -> anyhow::Result<ServerDraft> {
    let product = match args.kind {
        Kind::Outline => Product::Outline,
        Kind::Telemt => Product::Mtproto,
    };
    let mut draft = ServerDraft::new(product).ok_or_else(|| anyhow::anyhow!("such a server cannot be added"))?;
    let country = args.country.as_deref().map(|country| match &args.place {
        Some(place) => format!("{country} {place}"),
        None => country.to_owned(),
    });
    let address = match (&args.host, args.port) {
        (Some(host), Some(port)) => Some(format!("{host}:{port}")),
        _ => None,
    };
    let capacity = args.capacity.map(|number| number.to_string());
    loop {
        let question = draft.next();
        let given = match question {
            ServerQuestion::Name => Some(&args.name),
            ServerQuestion::Country => country.as_ref(),
            ServerQuestion::Capacity => capacity.as_ref(),
            ServerQuestion::Place => address.as_ref(),
            ServerQuestion::Domain => args.domain.as_ref(),
            ServerQuestion::Access => return Ok(draft),
        };
        draft = match given {
            Some(text) => draft.answer(text).map_err(|problem| sentence(&problem, args))?,
            None => draft.leave(question).ok_or_else(|| sentence(&ServerProblem::Place, args))?,
        };
    }
}

/// What happened, and what to do next.
fn sentence(problem: &ServerProblem, args: &AddArgs) -> anyhow::Error {
    match problem {
        ServerProblem::Name => anyhow::anyhow!(
            "{:?} cannot be a server's name; use up to 32 letters, digits, hyphens, dots or underscores",
            args.name
        ),
        ServerProblem::NameTaken => {
            anyhow::anyhow!("another server is or was called {}; choose another name", args.name)
        }
        ServerProblem::Country => anyhow::anyhow!("--country is no country's code; write two letters, such as DE"),
        ServerProblem::Capacity => {
            anyhow::anyhow!("--capacity is too large; such a server carries {} services well", capacity_max(args.kind))
        }
        ServerProblem::Place => {
            anyhow::anyhow!("nobody says where the proxy's users connect; give --host and --port as they see them")
        }
        ServerProblem::Domain => anyhow::anyhow!("--domain is no web site's name; write tls_domain of telemt's file"),
        ServerProblem::Unreadable => match args.kind {
            Kind::Outline => anyhow::anyhow!(
                "standard input does not hold what Outline's installer prints; pipe /opt/outline/access.txt of that server, or \
                 the line {{\"apiUrl\":\"…\",\"certSha256\":\"…\"}}, into this command"
            ),
            Kind::Telemt => anyhow::anyhow!(
                "standard input does not hold the address of telemt's interface; write http://host:port on its first \
                 line, and auth_header, if there is one, on the second"
            ),
        },
        ServerProblem::Known { name } => anyhow::anyhow!("that leads to the server {name}, which is here already"),
        ServerProblem::Certificate { seen } => anyhow::anyhow!(
            "the server shows a certificate with SHA-256 {seen}, not the one that was given; if it was installed anew, \
             copy its access.txt again, else somebody is in between: do not use it"
        ),
        ServerProblem::Answer { error } => anyhow::anyhow!("{error}"),
    }
}

const fn capacity_max(kind: Kind) -> u32 {
    match kind {
        Kind::Outline => ServerDraft::capacity_max(Product::Outline),
        Kind::Telemt => ServerDraft::capacity_max(Product::Mtproto),
    }
}

async fn change(name: &str, change: NodeChange, store: &Store, settings: &Settings) -> anyhow::Result<()> {
    match store.change_node(name, change, SystemClock.now()).await? {
        ServerChanged::NoSuch => {
            anyhow::bail!("there is no server {name}, or it was removed; `usipipo node list` shows them")
        }
        ServerChanged::InUse(services) => anyhow::bail!(
            "{services} service(s) live on {name}, so it stays; `usipipo node drain {name}`, and remove it once it is \
             empty"
        ),
        ServerChanged::KeysLeft(keys) => anyhow::bail!(
            "{keys} key(s) are still to be taken off {name}, so it stays; the running program takes them off while the \
             server answers; if the server no longer exists, `usipipo node remove {name} --gone` gives them up"
        ),
        ServerChanged::Yes { .. } => {}
    }
    let done = match change {
        NodeChange::Activate => "takes new services",
        NodeChange::Drain => "keeps what it has and gets nothing new",
        NodeChange::Maintain => "gets nothing new, and nobody is alarmed when it does not answer",
        NodeChange::Remove => "is removed, and what led to it is forgotten",
        NodeChange::Forget => "is removed, and what led to it and the keys that were left on it are forgotten",
    };
    print(&format!("{name} {done}.\n{}\n", tell(settings).await))
}

/// Tells the program that runs, if it does.
async fn tell(settings: &Settings) -> &'static str {
    match admin::tell_servers(&settings.data_dir).await {
        Ok(()) => "The running program knows.",
        Err(_) => "No program of this data directory runs here; one that runs elsewhere knows within seconds.",
    }
}

fn table(nodes: &[NodeOverview]) -> String {
    let mut rows = vec![["server", "driver", "state", "health", "services", "users connect to"].map(str::to_owned)];
    rows.extend(nodes.iter().map(|node| {
        let services = match node.capacity {
            Some(most) => format!("{} of {most}", node.services),
            None => node.services.to_string(),
        };
        let health = if node.up {
            "answers"
        } else if node.seen_at.is_some() {
            "silent"
        } else {
            "unknown"
        };
        [
            node.name.clone(),
            node.driver.clone(),
            node.state.as_str().to_owned(),
            health.to_owned(),
            services,
            node.endpoint.clone(),
        ]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    text
}
