//! Simulated telemt instances: what happens on their machines.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::net::SocketAddr;

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::Body;
use super::SimError;
use super::SimResult;
use super::servers::Controlled;
use super::servers::find;
use crate::servers::Servers;
use crate::servers::Simulated as _;
use crate::telemt::Habits;
use crate::telemt::MAX_SERVERS;
use crate::telemt::Plan;
use crate::telemt::Server;
use crate::telemt::api::ApiError;
use crate::telemt::config;
use crate::telemt::state::File;
use crate::telemt::state::State as Known;
use crate::telemt::state::User;
use crate::telemt::state::new_secret;
use crate::telemt::users;
use crate::world::Shared;
use crate::world::World;

/// The user that an installation has; the last one cannot be deleted.
const FIRST_USER: &str = "default";

/// An instance to create; all is optional.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct New {
    name: Option<String>,
    listen: Option<SocketAddr>,
    auth_header: String,
    public_host: Option<String>,
    public_port: Option<u16>,
    tls_domain: Option<String>,
    proxy: bool,
    proxy_listen: Option<SocketAddr>,
    users: BTreeMap<String, String>,
    ready_after_ms: Option<u64>,
}

impl Controlled for Server {
    type Habits = Habits;

    const KIND: &str = "telemt instance";

    fn all(world: &World) -> &Servers<Self> {
        &world.telemt
    }

    fn view(&self) -> Value {
        let state = self.state();
        let links = &state.file.sections["general"]["links"];
        json!({
            "name": self.name, "url": self.url(), "auth_header": self.auth_header,
            "proxy": self.proxy.map(|address| address.to_string()),
            "public_host": links["public_host"], "public_port": links["public_port"],
            "tls_domain": state.file.sections["censorship"]["tls_domain"], "users": state.file.users.len(),
        })
    }

    fn habits(&self) -> Habits {
        self.habits()
    }

    async fn set_habits(&self, habits: Habits) {
        self.set_habits(habits).await;
    }
}

fn refuse(error: ApiError) -> SimError {
    SimError::bad(error.message())
}

/// `POST /sim/telemt`
pub async fn create(State(world): State<Shared>, Body(new): Body<New>) -> SimResult {
    if world.telemt.all().len() >= MAX_SERVERS {
        let reason = format!("there are {MAX_SERVERS} telemt instances, delete one first");
        return Err(SimError::conflict(reason));
    }
    let free = |number: &usize| world.telemt.get(&format!("telemt-{number}")).is_none();
    let number = (1..=MAX_SERVERS).find(free).unwrap_or_default();
    let name = new.name.unwrap_or_else(|| format!("telemt-{number}"));
    let ip = world.settings.listen.ip();
    let any = SocketAddr::new(ip, 0);
    let proxy = new.proxy_listen.or(new.proxy.then_some(any));
    let mut file = File {
        users: BTreeMap::new(),
        sections: Value::Null,
    };
    for (name, secret) in new.users {
        let body = Map::from_iter([("secret".to_owned(), json!(secret))]);
        file.users
            .insert(name, users::create(&body).map_err(refuse)?);
    }
    if file.users.is_empty() {
        let first = User::with_secret(new_secret());
        file.users.insert(FIRST_USER.to_owned(), first);
    }
    // A free port is only known once it is taken.
    let (proxy, port) = match proxy {
        Some(address) if address.port() == 0 => {
            let probe = std::net::TcpListener::bind(address);
            let bound = probe.and_then(|listener| listener.local_addr());
            let bound = bound.map_err(|error| SimError::conflict(error.to_string()))?;
            (Some(bound), bound.port())
        }
        Some(address) => (Some(address), address.port()),
        None => (None, 443),
    };
    file.sections = config::sections(
        &new.public_host.unwrap_or_else(|| ip.to_string()),
        new.public_port.unwrap_or(port),
        &new.tls_domain.unwrap_or_else(|| "example.com".to_owned()),
    );
    let mut habits = Habits::default();
    habits.ready_after_ms = new.ready_after_ms.unwrap_or(habits.ready_after_ms);
    let plan = Plan {
        name: name.clone(),
        listen: new.listen.unwrap_or(any),
        proxy,
        auth_header: new.auth_header,
        habits,
        file,
        quota_used: BTreeMap::new(),
    };
    let taken = || SimError::conflict(format!("there is a telemt instance {name}"));
    if world.telemt.get(&name).is_some() {
        return Err(taken());
    }
    let server = Server::start(&world, plan)
        .await
        .map_err(|error| SimError::conflict(format!("{error:#}")))?;
    if !world.telemt.add(&server) {
        server.close();
        return Err(taken());
    }
    world.touch();
    Ok(Json(server.view()))
}

/// `GET /sim/telemt/{name}/users`: as the API shows them, with the secrets, and whether they get through now.
pub async fn list_users(State(world): State<Shared>, Path(name): Path<String>) -> SimResult {
    let server = find::<Server>(&world, &name)?;
    let now = world.clock.now();
    let running = server.running();
    let state = server.state();
    let view = |(name, user): (&String, &User)| {
        let mut view = state.info(name, &running).unwrap_or_default();
        let served = running.users.get(name);
        view["secret"] = json!(user.secret);
        view["quota_used"] = json!(state.quota_used.get(name).copied().unwrap_or_default());
        view["works"] = json!(served.is_some_and(|served| {
            served.secret == user.secret
                && state.admits(name, served, world.settings.listen.ip(), now)
        }));
        view
    };
    let users: Vec<Value> = state.file.users.iter().map(view).collect();
    Ok(Json(json!({"users": users})))
}

/// `POST /sim/telemt/{name}/users`: someone edits the file by hand.
pub async fn add_user(
    State(world): State<Shared>,
    Path(name): Path<String>,
    Body(body): Body<Map<String, Value>>,
) -> SimResult {
    let server = find::<Server>(&world, &name)?;
    let username = users::username(&body).map_err(refuse)?;
    let user = users::create(&body).map_err(refuse)?;
    let secret = user.secret.clone();
    let added = server.change(&world, |state| {
        state.file.users.insert(username.clone(), user);
        Ok::<(), std::convert::Infallible>(())
    });
    let Ok(()) = added;
    Ok(Json(json!({"username": username, "secret": secret})))
}

/// What a user does; what is missing stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// Bytes that are added.
    #[serde(default)]
    octets: u64,
    connections: Option<u64>,
    ips: Option<BTreeSet<IpAddr>>,
}

/// Activities by user.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    users: BTreeMap<String, Activity>,
}

/// `POST /sim/telemt/{name}/traffic`
pub async fn traffic(
    State(world): State<Shared>,
    Path(name): Path<String>,
    Body(body): Body<Traffic>,
) -> SimResult {
    let server = find::<Server>(&world, &name)?;
    {
        let mut state = server.state();
        for user in body.users.keys() {
            if !state.file.users.contains_key(user) {
                return Err(SimError::missing(format!("there is no user {user}")));
            }
        }
        for (user, activity) in body.users {
            state.add_octets(&user, activity.octets);
            let counters = state.counters.entry(user).or_default();
            counters.told_connections = activity.connections.unwrap_or(counters.told_connections);
            if let Some(ips) = activity.ips {
                counters.told_ips = ips;
            }
        }
    }
    world.touch();
    Ok(Json(json!({"ok": true})))
}

/// `POST /sim/telemt/{name}/restart`
pub async fn restart(State(world): State<Shared>, Path(name): Path<String>) -> SimResult {
    let server = find::<Server>(&world, &name)?;
    server.restart(&world).await;
    Ok(Json(server.view()))
}

/// `POST /sim/telemt/{name}/forget`: a new installation at the old address, with one user of its own.
pub async fn forget(State(world): State<Shared>, Path(name): Path<String>) -> SimResult {
    let server = find::<Server>(&world, &name)?;
    let now = world.clock.now();
    let fresh = server.change(&world, |state| {
        let first = User::with_secret(new_secret());
        let file = File {
            users: BTreeMap::from([(FIRST_USER.to_owned(), first)]),
            sections: state.file.sections.clone(),
        };
        *state = Known::new(file, BTreeMap::new(), now);
        Ok::<(), std::convert::Infallible>(())
    });
    let Ok(()) = fresh;
    Ok(Json(server.view()))
}
