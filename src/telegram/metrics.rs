//! Names of the metrics that this folder reports. Labels are few and fixed: never a user, a chat or a text.

/// Histogram, seconds: one call of the Bot API. Labels: `method`.
pub const CALL_SECONDS: &str = "usipipo_telegram_call_seconds";
/// Counter: calls of the Bot API. Labels: `method`, `outcome` = `ok`, `retry_after`, `unavailable`,
/// `unreadable`, `unauthorized`, `conflict`, `forbidden`, `refused`.
pub const CALLS: &str = "usipipo_telegram_calls_total";
/// Counter: batches of updates that were not JSON as a whole. No labels.
pub const BROKEN_BATCHES: &str = "usipipo_telegram_broken_batches_total";
/// Counter: requests to our webhook. Labels: `outcome` = `stored`, `unauthorized`, `too_large`, `unreadable`,
/// `unavailable`.
pub const WEBHOOK_REQUESTS: &str = "usipipo_telegram_webhook_requests_total";
