//! The bodies of calls about users: what they may say.

use chrono::DateTime;
use serde_json::Map;
use serde_json::Value;

use super::api::ApiError;
use super::state::User;
use super::state::new_secret;
use crate::random;

/// The longest name, in characters.
const MAX_NAME: usize = 64;
/// A secret's and a tag's hex digits.
const HEX_DIGITS: usize = 32;

/// The name of a user to create.
///
/// # Errors
/// 400 when it is missing or not `[A-Za-z0-9_.-]{1,64}`.
pub fn username(body: &Map<String, Value>) -> Result<String, ApiError> {
    let name = body
        .get("username")
        .and_then(Value::as_str)
        .ok_or_else(|| ApiError::bad("Invalid JSON body"))?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(plain) {
        return Err(ApiError::bad(
            "username must match [A-Za-z0-9_.-] and be 1..64 chars",
        ));
    }
    Ok(name.to_owned())
}

/// A new user of a body; a missing secret is made up.
///
/// # Errors
/// 400 for a field of a wrong type or value.
pub fn create(body: &Map<String, Value>) -> Result<User, ApiError> {
    let mut user = User::with_secret(secret(body)?.unwrap_or_else(new_secret));
    // In a creation null is the same as nothing.
    merge(&mut user, body)?;
    Ok(user)
}

/// The secret of a body, if it holds one.
///
/// # Errors
/// 400 when it is not 32 hex digits.
pub fn secret(body: &Map<String, Value>) -> Result<Option<String>, ApiError> {
    match body.get("secret") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => hex(value, "secret").map(Some),
    }
}

/// JSON merge patch: what is missing stays, null removes, anything else is set.
///
/// # Errors
/// 400 for a field of a wrong type or value; the user is half changed then.
pub fn merge(user: &mut User, body: &Map<String, Value>) -> Result<(), ApiError> {
    if let Some(secret) = secret(body)? {
        user.secret = secret;
    }
    set(&mut user.user_ad_tag, body, "user_ad_tag", hex)?;
    set(&mut user.max_tcp_conns, body, "max_tcp_conns", number)?;
    set(
        &mut user.expiration_rfc3339,
        body,
        "expiration_rfc3339",
        time,
    )?;
    set(&mut user.data_quota_bytes, body, "data_quota_bytes", number)?;
    set(
        &mut user.rate_limit_up_bps,
        body,
        "rate_limit_up_bps",
        number,
    )?;
    set(
        &mut user.rate_limit_down_bps,
        body,
        "rate_limit_down_bps",
        number,
    )?;
    set(&mut user.max_unique_ips, body, "max_unique_ips", number)?;
    match body.get("enabled") {
        None => {}
        Some(Value::Null) => user.enabled = true,
        Some(Value::Bool(enabled)) => user.enabled = *enabled,
        Some(_) => return Err(ApiError::bad("Invalid JSON body")),
    }
    Ok(())
}

fn set<T>(
    field: &mut Option<T>,
    body: &Map<String, Value>,
    name: &str,
    read: impl Fn(&Value, &str) -> Result<T, ApiError>,
) -> Result<(), ApiError> {
    match body.get(name) {
        None => {}
        Some(Value::Null) => *field = None,
        Some(value) => *field = Some(read(value, name)?),
    }
    Ok(())
}

fn hex(value: &Value, name: &str) -> Result<String, ApiError> {
    value
        .as_str()
        .filter(|text| text.len() == HEX_DIGITS && random::from_hex(text).is_some())
        .map(str::to_owned)
        .ok_or_else(|| ApiError::bad(format!("{name} must be exactly {HEX_DIGITS} hex chars")))
}

fn number(value: &Value, name: &str) -> Result<u64, ApiError> {
    value
        .as_u64()
        .ok_or_else(|| ApiError::bad(format!("{name} must be an unsigned integer")))
}

fn time(value: &Value, name: &str) -> Result<String, ApiError> {
    value
        .as_str()
        .filter(|text| DateTime::parse_from_rfc3339(text).is_ok())
        .map(str::to_owned)
        .ok_or_else(|| ApiError::bad(format!("{name} must be valid RFC3339")))
}
