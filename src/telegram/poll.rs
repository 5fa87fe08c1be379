//! Long polling that keeps the bytes of each update.

use crate::telegram::api::{ALLOWED_UPDATES, Api, ApiError, Method, result_of};
use crate::telegram::metrics;
use crate::telegram::parse::find_update_id;
use async_trait::async_trait;
use reqwest::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use usipipo_actors::ports::updates::{PollError, UpdateSource};

/// How long Telegram holds a request when there is nothing to tell.
const LONG_POLL: Duration = Duration::from_secs(25);
/// Longest wait for the answer: the long poll and a slow link.
const POLL_TIMEOUT: Duration = Duration::from_secs(40);
/// Most updates in one answer (Bot API, `getUpdates.limit`).
const BATCH_MAX: u8 = 100;
/// Largest answer, bytes. A hundred of the longest messages are about 2 MiB.
const BATCH_MAX_BYTES: usize = 8 * 1024 * 1024;

/// Updates by `getUpdates`.
#[derive(Debug)]
pub struct Poller {
    api: Arc<Api>,
    /// The last batch could not be read: ask for one update, so that a broken one stops no other.
    one_by_one: AtomicBool,
}

#[derive(Serialize)]
struct GetUpdates {
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<i64>,
    limit: u8,
    timeout: u64,
    allowed_updates: [&'static str; 4],
}

impl Poller {
    /// A poller on this client.
    #[must_use]
    pub fn new(api: Arc<Api>) -> Self {
        Self { api, one_by_one: AtomicBool::new(false) }
    }
}

#[async_trait]
impl UpdateSource for Poller {
    async fn poll(&self, confirm: Option<i64>) -> Result<Vec<Vec<u8>>, PollError> {
        let one = self.one_by_one.load(Ordering::Relaxed);
        let request = GetUpdates {
            offset: confirm.map(|id| id.saturating_add(1)),
            limit: if one { 1 } else { BATCH_MAX },
            timeout: LONG_POLL.as_secs(),
            allowed_updates: ALLOWED_UPDATES,
        };
        let read = |status, bytes: &[u8]| read_batch(status, bytes, one);
        let result = self.api.call_raw(Method::GetUpdates, &request, POLL_TIMEOUT, BATCH_MAX_BYTES, read).await;
        let broken = matches!(result, Err(ApiError::Unreadable(_)));
        self.one_by_one.store(broken, Ordering::Relaxed);
        if broken {
            ::metrics::counter!(metrics::BROKEN_BATCHES).increment(1);
        }
        result.map_err(|error| match error {
            ApiError::RetryAfter(wait) => PollError::RetryAfter(wait),
            ApiError::Conflict(text) => PollError::Conflict(text),
            ApiError::Unauthorized(text) => PollError::Unauthorized(text),
            ApiError::Unavailable(text)
            | ApiError::Unreadable(text)
            | ApiError::Forbidden(text)
            | ApiError::Refused(text) => PollError::Unavailable(text),
        })
    }
}

/// The updates of an answer, each with its bytes as they came.
fn read_batch(status: StatusCode, bytes: &[u8], one: bool) -> Result<Vec<Vec<u8>>, ApiError> {
    match split(status, bytes) {
        // One byte that is not UTF-8 makes all of it no JSON; with a mark in its place the rest can be read.
        Err(ApiError::Unreadable(_)) if std::str::from_utf8(bytes).is_err() => {
            read_batch(status, String::from_utf8_lossy(bytes).as_bytes(), one)
        }
        // The only update of its batch, and broken: it is handed on as it is, so that it is kept, counted and confirmed.
        Err(ApiError::Unreadable(_)) if one && find_update_id(bytes).is_some() => Ok(vec![bytes.to_vec()]),
        other => other,
    }
}

fn split(status: StatusCode, bytes: &[u8]) -> Result<Vec<Vec<u8>>, ApiError> {
    let result = result_of(status, bytes)?.map_or("[]", RawValue::get);
    let updates: Vec<&RawValue> = serde_json::from_str(result)
        .map_err(|error| ApiError::Unreadable(format!("the updates are not a list: {error}")))?;
    Ok(updates.into_iter().map(|update| update.get().as_bytes().to_vec()).collect())
}

#[cfg(test)]
mod tests;
