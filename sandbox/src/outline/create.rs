//! The rules for new keys: what the body may say, and what is in conflict.

use serde_json::Map;
use serde_json::Value;

use super::api::ApiError;
use super::state::DEFAULT_METHOD;
use super::state::Key;
use super::state::METHODS;
use super::state::State;
use crate::random;

/// What a client wishes for a new key.
#[derive(Debug, Default)]
pub struct Wish {
    /// Chosen in the path of a PUT.
    pub id: Option<String>,
    name: Option<String>,
    method: Option<String>,
    password: Option<String>,
    port: Option<u16>,
    limit: Option<u64>,
}

impl Wish {
    /// Reads a body.
    ///
    /// # Errors
    /// 400 for a field of a wrong type or value.
    pub fn read(body: &Map<String, Value>, id: Option<String>) -> Result<Self, ApiError> {
        Ok(Self {
            id,
            name: text(body, "name")?,
            method: text(body, "method")?,
            password: text(body, "password")?,
            port: present(body, "port").map(port).transpose()?,
            limit: present(body, "limit").map(limit).transpose()?,
        })
    }

    /// The port that the key would have, if it asks for another than that of new keys.
    pub fn other_port(&self, state: &State) -> Option<u16> {
        self.port.filter(|port| *port != state.port_for_new_keys)
    }

    /// Adds the key; `is_free` tells whether a port that no key has is free on the machine.
    ///
    /// # Errors
    /// 409 for an id, a password or a port in conflict, 400 for an unknown cipher.
    pub fn grant(self, state: &mut State, is_free: impl Fn(u16) -> bool) -> Result<Key, ApiError> {
        let other_port = self.other_port(state);
        let id = match self.id {
            Some(id) if state.key(&id).is_some() => {
                return Err(ApiError::conflict(format!("Access key \"{id}\" conflict")));
            }
            Some(id) => id,
            None => state.next_id(),
        };
        if self
            .password
            .as_ref()
            .is_some_and(|password| state.keys.iter().any(|key| key.password == *password))
        {
            return Err(ApiError::conflict(format!(
                "Access key {id} has the password of another"
            )));
        }
        let method = self
            .method
            .filter(|method| !method.is_empty())
            .unwrap_or_else(|| DEFAULT_METHOD.to_owned());
        if !METHODS.contains(&method.as_str()) {
            return Err(ApiError::invalid(format!("cipher {method} is not valid")));
        }
        if let Some(port) = other_port {
            check_port(state, port, is_free)?;
        }
        let key = Key {
            id,
            name: self.name.unwrap_or_default(),
            password: self.password.unwrap_or_else(random::letters::<22>),
            port: other_port.unwrap_or(state.port_for_new_keys),
            method,
            data_limit: self.limit,
            over_limit: false,
        };
        state.keys.push(key.clone());
        Ok(key)
    }
}

/// A port is good when a key has it already or nobody has it.
///
/// # Errors
/// 409 when something else has it.
pub fn check_port(state: &State, port: u16, is_free: impl Fn(u16) -> bool) -> Result<(), ApiError> {
    if state.keys.iter().any(|key| key.port == port) || is_free(port) {
        return Ok(());
    }
    Err(ApiError::conflict(format!("port {port} is already in use")))
}

/// A field that is there and not null.
pub fn present<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    body.get(name).filter(|value| !value.is_null())
}

fn text(body: &Map<String, Value>, name: &str) -> Result<Option<String>, ApiError> {
    present(body, name)
        .map(|value| {
            value.as_str().map(str::to_owned).ok_or_else(|| {
                ApiError::invalid(format!("Expected a string for {name}, instead got {value}"))
            })
        })
        .transpose()
}

/// A port number.
///
/// # Errors
/// 400 when it is none.
pub fn port(value: &Value) -> Result<u16, ApiError> {
    value
        .as_u64()
        .and_then(|port| u16::try_from(port).ok())
        .filter(|port| *port > 0)
        .ok_or_else(|| ApiError::invalid(format!("port {value} is not valid")))
}

/// The bytes of `{"bytes": N}`.
///
/// # Errors
/// 400 when it is something else.
pub fn limit(value: &Value) -> Result<u64, ApiError> {
    value["bytes"].as_u64().ok_or_else(|| {
        ApiError::invalid(
            "Must provide a limit value with a non-negative integer value for 'bytes'",
        )
    })
}
