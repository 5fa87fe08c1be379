//! The configuration's sections and reloads.

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::StatusCode;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::api::Answer;
use super::api::Api;
use super::api::ApiError;
use super::api::check_revision;
use super::state::File;
use super::state::Reload;
use crate::world::lock;

/// The sections that the API lets change.
const EDITABLE: [&str; 6] = [
    "general",
    "timeouts",
    "censorship",
    "upstreams",
    "dc_overrides",
    "web",
];
/// So many reloads are remembered.
const MAX_RELOADS: usize = 32;

/// The file of a new installation.
pub fn sections(public_host: &str, public_port: u16, tls_domain: &str) -> Value {
    json!({
        "general": {
            "use_middle_proxy": true,
            "modes": {"classic": true, "secure": true, "tls": true},
            "links": {"public_host": public_host, "public_port": public_port},
        },
        "censorship": {"tls_domain": tls_domain, "tls_domains": [], "mask": true},
    })
}

/// What `GET /v1/config` shows: never the users.
pub(super) fn view(file: &File) -> Value {
    file.sections.clone()
}

fn check(name: &str, value: &Value) -> Result<(), ApiError> {
    let refuse = |code, message: String| Err(ApiError::new(StatusCode::BAD_REQUEST, code, message));
    match name {
        "access" => refuse(
            "access_not_editable",
            "access is managed via /v1/users".to_owned(),
        ),
        "server" => match value.as_object() {
            Some(fields) if fields.keys().all(|field| field == "listeners") => Ok(()),
            _ => refuse(
                "field_not_editable",
                "of server only listeners may change".to_owned(),
            ),
        },
        name if EDITABLE.contains(&name) => Ok(()),
        name => refuse(
            "section_not_editable",
            format!("section {name} is not editable"),
        ),
    }
}

/// `PATCH /v1/config`, without its own reload.
pub(super) fn patch(api: &Api, headers: &HeaderMap, body: &Map<String, Value>) -> Answer {
    if body.is_empty() {
        return Err(ApiError::bad("empty patch"));
    }
    for (name, value) in body {
        check(name, value)?;
    }
    let (revision, changed) = api.change(headers, |state| {
        let before = state.file.sections.clone();
        merge(&mut state.file.sections, &Value::Object(body.clone()));
        let changed: Vec<&String> = body
            .keys()
            .filter(|name| before[name.as_str()] != state.file.sections[name.as_str()])
            .collect();
        Ok((state.file.revision(), json!(changed)))
    })?;
    let data = json!({
        "revision": revision, "restart_required": false, "runtime_reload_required": false,
        "process_restart_required": false, "deferred_process_fields": [], "changed": changed,
    });
    Ok((StatusCode::OK, data))
}

/// Tables field by field; anything else is replaced.
fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (name, value) in patch {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}

/// `POST /v1/system/reload`: done when the running configuration has taken the file over.
pub(super) fn reload(api: &Api, headers: &HeaderMap) -> Answer {
    let (id, revision) = {
        let mut state = api.server.state();
        check_revision(&state, headers)?;
        if state.reloads.iter().any(|reload| !reload.done) {
            let message = "Another reload is running";
            return Err(ApiError::conflict("reload_in_progress", message));
        }
        let id = state.next_reload;
        state.next_reload += 1;
        let revision = state.file.revision();
        state.reloads.push(Reload {
            id,
            revision: revision.clone(),
            done: false,
        });
        let excess = state.reloads.len().saturating_sub(MAX_RELOADS);
        state.reloads.drain(..excess);
        let after = Duration::from_millis(lock(&api.server.habits).ready_after_ms);
        api.server.take_over(&state.file, after);
        let server = api.server.clone();
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let mut state = server.state();
            let reload = state.reloads.iter_mut().find(|reload| reload.id == id);
            if let Some(reload) = reload {
                reload.done = true;
            }
        });
        (id, revision)
    };
    let data = json!({
        "reload_id": id, "target_generation": id + 1, "config_revision": revision, "state": "accepted",
        "mode": "instant", "failure_policy": "keep_new",
    });
    Ok((StatusCode::ACCEPTED, data))
}

/// `GET /v1/system/reload/{id}`
pub(super) fn reload_status(api: &Api, id: &str) -> Answer {
    let state = api.server.state();
    let reload = id
        .parse::<u64>()
        .ok()
        .and_then(|id| state.reloads.iter().find(|reload| reload.id == id))
        .ok_or_else(|| ApiError::not_found("Reload not found"))?;
    let now = match reload.done {
        true => "succeeded",
        false => "activating",
    };
    let data = json!({"reload_id": reload.id, "config_revision": reload.revision, "state": now});
    Ok((StatusCode::OK, data))
}
