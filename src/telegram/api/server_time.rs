//! What time it is at Telegram.

use super::{Api, CALL_TIMEOUT, Method};
use chrono::{DateTime, Utc};
use reqwest::header::DATE;
use serde_json::json;

impl Api {
    /// Telegram's clock by the `Date` header of its answer, exact to a second or so; `None` when it tells none.
    pub async fn server_time(&self) -> Option<DateTime<Utc>> {
        let response = self.json(Method::GetMe, &json!({}), CALL_TIMEOUT).ok()?.send().await.ok()?;
        let date = response.headers().get(DATE)?.to_str().ok()?;
        // RFC 9110, 5.6.7: the form of RFC 5322 with GMT.
        DateTime::parse_from_rfc2822(date).ok().map(|date| date.to_utc())
    }
}
