//! The experimental metrics, which take ids for integers.

use serde_json::Value;
use serde_json::json;

use super::state::State;

/// The tunnel is taken to have been open one second per so many bytes.
const BYTES_PER_SECOND: u64 = 125_000;

/// Seconds of `24h` and the like: a number and one of `s h d w`.
pub fn seconds(since: &str) -> Option<i64> {
    let unit = since.chars().last()?;
    let number = since.strip_suffix(unit)?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let unit = match unit {
        's' => 1,
        'h' => 3600,
        'd' => 24 * 3600,
        'w' => 7 * 24 * 3600,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(unit)
}

/// The digits that an id begins with, as JavaScript's `parseInt` reads them; null for what is no number.
fn integer(id: &str) -> Value {
    let digits = id.trim_start();
    let end = digits
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end]
        .parse::<u64>()
        .map_or(Value::Null, Value::from)
}

fn tunnel_time(bytes: u64) -> Value {
    json!({"seconds": bytes.div_ceil(BYTES_PER_SECOND)})
}

/// `/experimental/server/metrics` over the last `seconds`.
pub fn view(state: &State, seconds: i64, now: i64) -> Value {
    let transferred = state.all_transferred(seconds, now);
    let total: u64 = transferred.values().map(|(bytes, _)| bytes).sum();
    let last = transferred.values().map(|(_, last)| *last).max();
    let rate = json!({"data": {"bytes": 0}, "timestamp": last.unwrap_or(now)});
    let keys: Vec<Value> = transferred
        .iter()
        .map(|(id, (bytes, last))| {
            json!({
                "accessKeyId": integer(id),
                "tunnelTime": tunnel_time(*bytes),
                "dataTransferred": {"bytes": bytes},
                "connection": {"lastTrafficSeen": last, "peakDeviceCount": {"data": 1, "timestamp": last}},
            })
        })
        .collect();
    json!({
        "server": {
            "tunnelTime": tunnel_time(total),
            "dataTransferred": {"bytes": total},
            "bandwidth": {"current": rate, "peak": rate},
            "locations": [{
                "location": "XX", "asn": null, "asOrg": null,
                "dataTransferred": {"bytes": total}, "tunnelTime": tunnel_time(total),
            }],
        },
        "accessKeys": keys,
    })
}
