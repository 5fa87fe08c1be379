//! Getting updates, by polling or by webhook.

use std::time::Duration;

use reqwest::Url;
use serde_json::Value;
use tokio::time::Instant;
use tokio::time::timeout_at;

use super::Call;
use crate::bot_api::done;
use crate::bot_api::error::ApiError;
use crate::bot_api::result;
use crate::world::World;
use crate::world::updates::Refusal;
use crate::world::webhook::DEFAULT_CONNECTIONS;
use crate::world::webhook::Target;

/// The longest poll, in seconds.
const MAX_TIMEOUT: i64 = 50;

/// Marks the poll as waiting while it is there.
struct Waiting<'a>(&'a World, u64);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.updates.set_waiting(self.1, false);
    }
}

fn refusal(refusal: &Refusal) -> ApiError {
    ApiError::conflict(match refusal {
        Refusal::Webhook => {
            "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
        }
        Refusal::WebhookSet => "terminated by setWebhook request",
        Refusal::Replaced => {
            "terminated by other getUpdates request; make sure that only one bot instance is running"
        }
    })
}

/// Reads `allowed_updates`; the outer `None` when it was left out.
fn allowed(call: &Call<'_>) -> Result<Option<Vec<String>>, ApiError> {
    let Some(list) = call
        .arguments
        .get("allowed_updates")
        .and_then(Value::as_array)
    else {
        return Ok(None);
    };
    let names: Vec<String> = list
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    match names.iter().find(|name| !call.world.schema.is_update(name)) {
        Some(name) => Err(ApiError::bad(format!(
            "unknown kind of update \"{name}\" in allowed_updates"
        ))),
        None => Ok(Some(names)),
    }
}

/// `getUpdates`
pub async fn get_updates(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let updates = &call.world.updates;
    let limit = call.arguments.integer("limit").unwrap_or(100);
    // Telegram takes anything out of range for 100.
    let limit = usize::try_from(limit)
        .ok()
        .filter(|limit| (1..=100).contains(limit))
        .unwrap_or(100);
    let seconds = call
        .arguments
        .integer("timeout")
        .unwrap_or(0)
        .clamp(0, MAX_TIMEOUT);
    let deadline = Instant::now() + Duration::from_secs(seconds.unsigned_abs());
    let allowed = allowed(call)?;
    let mut arrivals = updates.subscribe();
    let mut stopping = call.world.stopping.subscribe();
    let poll = updates.begin_poll().map_err(|reason| refusal(&reason))?;
    updates.set_waiting(poll, true);
    let _waiting = Waiting(call.world, poll);
    if allowed.is_some() {
        updates.set_allowed(allowed);
    }
    if let Some(offset) = call
        .arguments
        .integer("offset")
        .filter(|offset| *offset != 0)
    {
        updates.confirm(offset);
        call.world.touch();
    }
    loop {
        arrivals.mark_unchanged();
        if let Some(found) = updates
            .poll(poll, limit)
            .map_err(|reason| refusal(&reason))?
        {
            return Ok(found);
        }
        let wait = async {
            tokio::select! {
                changed = arrivals.changed() => changed.is_ok(),
                _ = stopping.wait_for(|stop| *stop) => false,
            }
        };
        if !timeout_at(deadline, wait).await.unwrap_or(false) {
            return Ok(b"[]".to_vec());
        }
    }
}

/// `setWebhook`
pub fn set_webhook(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let world = call.world;
    let url = call.arguments.text("url").unwrap_or_default();
    if url.is_empty() {
        return delete_webhook(call);
    }
    check_url(url)?;
    let secret = call.arguments.filled("secret_token");
    if let Some(secret) = secret {
        let letters = secret
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if secret.len() > 256 || !letters {
            return Err(ApiError::bad("secret token contains unallowed characters"));
        }
    }
    let connections = call
        .arguments
        .integer("max_connections")
        .map_or(Some(DEFAULT_CONNECTIONS), |n| usize::try_from(n).ok());
    let max_connections = connections.filter(|n| (1..=100).contains(n));
    let max_connections =
        max_connections.ok_or_else(|| ApiError::bad("max_connections must be from 1 to 100"))?;
    let target = Target {
        url: url.to_owned(),
        secret_token: secret.map(str::to_owned),
        max_connections,
        ip_address: call.arguments.filled("ip_address").map(str::to_owned),
        has_custom_certificate: call.arguments.files.contains_key("certificate"),
    };
    if let Some(allowed) = allowed(call)? {
        world.updates.set_allowed(Some(allowed));
    }
    if call.arguments.flag("drop_pending_updates") {
        world.updates.drop_pending();
    }
    world.updates.set_webhook(true);
    world.webhook.set(Some(target));
    world.touch();
    done()
}

/// HTTPS on one of four ports, as Telegram wants it, or anything on the loopback.
fn check_url(text: &str) -> Result<(), ApiError> {
    let invalid = || ApiError::bad("bad webhook: An HTTPS URL must be provided for webhook");
    let url = Url::parse(text).map_err(|_| ApiError::bad("bad webhook: invalid URL host"))?;
    let host = url.host_str().unwrap_or_default();
    let loopback = host == "localhost" || host == "[::1]" || host.starts_with("127.");
    match url.scheme() {
        "http" if loopback => Ok(()),
        "https" => match url.port_or_known_default() {
            Some(443 | 80 | 88 | 8443) => Ok(()),
            _ if loopback => Ok(()),
            _ => Err(ApiError::bad(
                "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
            )),
        },
        _ => Err(invalid()),
    }
}

/// `deleteWebhook`
pub fn delete_webhook(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let world = call.world;
    if call.arguments.flag("drop_pending_updates") {
        world.updates.drop_pending();
    }
    world.webhook.clear();
    world.updates.set_webhook(false);
    world.touch();
    done()
}

/// `getWebhookInfo`
pub fn get_webhook_info(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let world = call.world;
    result(
        &world
            .webhook
            .info(world.updates.pending(), world.updates.allowed()),
    )
}
