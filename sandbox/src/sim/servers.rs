//! What the control API does with simulated servers of every kind.

use std::sync::Arc;

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::Body;
use super::SimError;
use super::SimResult;
use crate::servers::Servers;
use crate::servers::Simulated;
use crate::world::Shared;
use crate::world::World;

/// A server that the control API shows and troubles.
pub trait Controlled: Simulated + 'static {
    /// How it behaves; the faults of it are changed here.
    type Habits: Serialize + DeserializeOwned + Default + Send;

    /// What one is called in refusals.
    const KIND: &str;

    /// All of this kind.
    fn all(world: &World) -> &Servers<Self>;

    /// As the control API shows it.
    fn view(&self) -> Value;

    /// How it behaves now.
    fn habits(&self) -> Self::Habits;

    /// Changes how it behaves; returns when it is so.
    fn set_habits(&self, habits: Self::Habits) -> impl Future<Output = ()> + Send;

    /// What is due by now is done before anybody looks at it.
    fn catch_up(self: &Arc<Self>, _world: &World) {}
}

/// The server of this name.
pub fn find<S: Controlled>(world: &World, name: &str) -> Result<Arc<S>, SimError> {
    let missing = || SimError::missing(format!("there is no {} {name}", S::KIND));
    let server = S::all(world).get(name).ok_or_else(missing)?;
    server.catch_up(world);
    Ok(server)
}

/// `GET /sim/{kind}`
pub async fn list<S: Controlled>(State(world): State<Shared>) -> Json<Value> {
    let servers = S::all(&world).all();
    let servers: Vec<Value> = servers.iter().map(|server| server.view()).collect();
    Json(json!({"servers": servers}))
}

/// `GET /sim/{kind}/{name}`
pub async fn one<S: Controlled>(
    State(world): State<Shared>,
    Path(name): Path<String>,
) -> SimResult {
    Ok(Json(find::<S>(&world, &name)?.view()))
}

/// `DELETE /sim/{kind}/{name}`
pub async fn delete<S: Controlled>(
    State(world): State<Shared>,
    Path(name): Path<String>,
) -> SimResult {
    find::<S>(&world, &name)?;
    S::all(&world).remove(&name);
    world.touch();
    Ok(Json(json!({"ok": true})))
}

/// `GET /sim/{kind}/{name}/faults`
pub async fn faults<S: Controlled>(
    State(world): State<Shared>,
    Path(name): Path<String>,
) -> SimResult {
    Ok(Json(json!(find::<S>(&world, &name)?.habits())))
}

/// `POST /sim/{kind}/{name}/faults`: what is named changes.
pub async fn set_faults<S: Controlled>(
    State(world): State<Shared>,
    Path(name): Path<String>,
    Body(changes): Body<Map<String, Value>>,
) -> SimResult {
    let server = find::<S>(&world, &name)?;
    let mut habits = json!(server.habits());
    if let Some(habits) = habits.as_object_mut() {
        habits.extend(changes);
    }
    let habits =
        serde_json::from_value(habits).map_err(|error| SimError::bad(error.to_string()))?;
    behave(&world, &*server, habits).await
}

/// `DELETE /sim/{kind}/{name}/faults`
pub async fn clear_faults<S: Controlled>(
    State(world): State<Shared>,
    Path(name): Path<String>,
) -> SimResult {
    let server = find::<S>(&world, &name)?;
    behave(&world, &*server, S::Habits::default()).await
}

async fn behave<S: Controlled>(world: &World, server: &S, habits: S::Habits) -> SimResult {
    server.set_habits(habits).await;
    world.touch();
    Ok(Json(json!(server.habits())))
}
