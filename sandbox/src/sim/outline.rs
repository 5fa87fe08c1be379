//! Simulated Outline servers: what happens on their machines.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

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
use crate::outline;
use crate::outline::Habits;
use crate::outline::MAX_SERVERS;
use crate::outline::Plan;
use crate::outline::Server;
use crate::outline::certificate::Certificate;
use crate::outline::create::Wish;
use crate::outline::state::State as Known;
use crate::outline::state::WINDOW_SECONDS;
use crate::servers::Servers;
use crate::servers::Simulated as _;
use crate::world::Shared;
use crate::world::World;

/// The port of keys unless another is asked for.
const KEYS_PORT: u16 = 8388;

/// A server to create; all is optional.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct New {
    name: Option<String>,
    listen: Option<SocketAddr>,
    prefix: Option<String>,
    hostname: Option<String>,
    keys_port: Option<u16>,
    real: bool,
    ready_after_ms: Option<u64>,
    rewrite_us_per_key: Option<u64>,
}

impl Controlled for Server {
    type Habits = Habits;

    const KIND: &str = "Outline server";

    fn all(world: &World) -> &Servers<Self> {
        &world.outline
    }

    fn view(&self) -> Value {
        let state = self.state();
        json!({
            "name": self.name, "apiUrl": self.api_url(), "certSha256": self.cert_sha256(), "real": self.real,
            "hostname": state.hostname, "keys_port": state.port_for_new_keys, "keys": state.keys.len(),
        })
    }

    fn habits(&self) -> Habits {
        self.habits()
    }

    async fn set_habits(&self, habits: Habits) {
        self.set_habits(habits).await;
    }

    fn catch_up(self: &Arc<Self>, world: &World) {
        self.tick(world);
    }
}

/// `POST /sim/outline`
pub async fn create(State(world): State<Shared>, Body(new): Body<New>) -> SimResult {
    let all = world.outline.all();
    if all.len() >= MAX_SERVERS {
        let reason = format!("there are {MAX_SERVERS} Outline servers, delete one first");
        return Err(SimError::conflict(reason));
    }
    let free = |number: &usize| world.outline.get(&format!("outline-{number}")).is_none();
    let number = (1..=MAX_SERVERS).find(free).unwrap_or_default();
    let name = new.name.unwrap_or_else(|| format!("outline-{number}"));
    let listen = new
        .listen
        .unwrap_or_else(|| SocketAddr::new(world.settings.listen.ip(), 0));
    let hostname = new.hostname.unwrap_or_else(|| listen.ip().to_string());
    let refuse = |error: anyhow::Error| SimError::conflict(format!("{error:#}"));
    let mut habits = Habits::default();
    habits.ready_after_ms = new.ready_after_ms.unwrap_or(habits.ready_after_ms);
    habits.rewrite_us_per_key = new.rewrite_us_per_key.unwrap_or_default();
    let prefix = new.prefix.unwrap_or_else(outline::new_prefix);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if prefix.is_empty() || !prefix.bytes().all(plain) {
        return Err(SimError::bad("a prefix is letters, digits, - and _"));
    }
    let plan = Plan {
        name: name.clone(),
        listen,
        prefix,
        certificate: Certificate::make(&hostname).map_err(refuse)?,
        real: new.real,
        habits,
        state: Known::new(
            hostname,
            new.keys_port.unwrap_or(KEYS_PORT),
            world.clock.now(),
        ),
    };
    let taken = || SimError::conflict(format!("there is an Outline server {name}"));
    if world.outline.get(&name).is_some() {
        return Err(taken());
    }
    let server = Server::start(&world, plan).await.map_err(refuse)?;
    if !world.outline.add(&server) {
        server.close();
        return Err(taken());
    }
    world.touch();
    Ok(Json(server.view()))
}

/// `GET /sim/outline/{name}/keys`
pub async fn keys(State(world): State<Shared>, Path(name): Path<String>) -> SimResult {
    let server = find::<Server>(&world, &name)?;
    let now = world.clock.now();
    let working = server.configuration.borrow().keys.clone();
    let state = server.state();
    let keys: Vec<Value> = state
        .keys
        .iter()
        .map(|key| {
            let mut view = state.view(key);
            view["over_limit"] = json!(key.over_limit);
            view["bytes"] = json!(state.transferred(&key.id, WINDOW_SECONDS, now));
            // The proxy may be behind with an older password, too.
            view["works"] = json!(
                working
                    .get(&key.id)
                    .is_some_and(|served| served.password == key.password)
            );
            view
        })
        .collect();
    Ok(Json(json!({"keys": keys})))
}

/// `POST /sim/outline/{name}/keys`
pub async fn add_key(
    State(world): State<Shared>,
    Path(name): Path<String>,
    Body(mut body): Body<Map<String, Value>>,
) -> SimResult {
    let server = find::<Server>(&world, &name)?;
    let id = match body.remove("id") {
        None => None,
        Some(Value::String(id)) => Some(id),
        Some(other) => return Err(SimError::bad(format!("an id is a string, not {other}"))),
    };
    let refuse = |error: outline::api::ApiError| SimError::conflict(error.message());
    let wish = Wish::read(&body, id).map_err(refuse)?;
    let made = server.change(&world, |state| {
        let key = wish.grant(state, |port| server.is_free(port))?;
        Ok(state.view(&key))
    });
    Ok(Json(made.await.map_err(refuse)?))
}

/// What flowed, by id.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    bytes: BTreeMap<String, u64>,
}

/// `POST /sim/outline/{name}/traffic`
pub async fn traffic(
    State(world): State<Shared>,
    Path(name): Path<String>,
    Body(body): Body<Traffic>,
) -> SimResult {
    let server = find::<Server>(&world, &name)?;
    let now = world.clock.now();
    {
        let mut state = server.state();
        for id in body.bytes.keys() {
            let key = state
                .key(id)
                .ok_or_else(|| SimError::missing(format!("there is no key {id}")))?;
            if key.over_limit {
                let reason = format!("nothing flows under key {id}, which is over its limit");
                return Err(SimError::conflict(reason));
            }
        }
        for (id, bytes) in &body.bytes {
            state.add_traffic(id, *bytes, now);
        }
    }
    world.touch();
    Ok(Json(json!({"ok": true})))
}

/// `POST /sim/outline/{name}/forget`: a new installation at the old address, without a key.
pub async fn forget(State(world): State<Shared>, Path(name): Path<String>) -> SimResult {
    let server = find::<Server>(&world, &name)?;
    let now = world.clock.now();
    let fresh = server.change(&world, |state| {
        let hostname = state.hostname.clone();
        *state = Known::new(hostname, state.port_for_new_keys, now);
        Ok::<(), std::convert::Infallible>(())
    });
    let Ok(()) = fresh.await;
    Ok(Json(server.view()))
}
