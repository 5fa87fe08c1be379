//! The list of Bot API calls.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use super::lock;
use crate::clock;

/// So many calls are kept.
const KEPT: usize = 200_000;

/// One call.
#[derive(Debug)]
pub struct Call {
    n: u64,
    method: &'static str,
    chat_id: Option<i64>,
    error: Option<(u16, Box<str>)>,
    took: Duration,
    at_ms: i64,
}

#[derive(Debug, Default)]
struct Inner {
    last: u64,
    ring: VecDeque<Call>,
    counts: BTreeMap<&'static str, (u64, u64)>,
}

/// The newest calls and counts of all.
#[derive(Debug, Default)]
pub struct Calls {
    inner: Mutex<Inner>,
}

impl Calls {
    /// Notes a call that ended.
    pub fn add(
        &self,
        method: &'static str,
        chat_id: Option<i64>,
        error: Option<(u16, Box<str>)>,
        started: Instant,
    ) {
        let took = started.elapsed();
        let at_ms = clock::real_ms();
        let mut inner = lock(&self.inner);
        inner.last += 1;
        let n = inner.last;
        let count = inner.counts.entry(method).or_default();
        count.0 += 1;
        count.1 += u64::from(error.is_some());
        if inner.ring.len() >= KEPT {
            inner.ring.pop_front();
        }
        inner.ring.push_back(Call {
            n,
            method,
            chat_id,
            error,
            took,
            at_ms,
        });
    }

    /// The calls after `after` that fit, with the counts.
    pub fn list(
        &self,
        after: u64,
        method: Option<&str>,
        chat_id: Option<i64>,
        limit: usize,
    ) -> Value {
        let inner = lock(&self.inner);
        let first = inner.ring.front().map_or(inner.last + 1, |call| call.n);
        let skip =
            usize::try_from(after.saturating_add(1).saturating_sub(first)).unwrap_or(usize::MAX);
        let fits = |call: &&Call| {
            method.is_none_or(|method| method.eq_ignore_ascii_case(call.method))
                && chat_id.is_none_or(|chat_id| call.chat_id == Some(chat_id))
        };
        let calls: Vec<Value> = inner
            .ring
            .iter()
            .skip(skip)
            .filter(fits)
            .take(limit)
            .map(Call::view)
            .collect();
        let counts: BTreeMap<_, _> = inner
            .counts
            .iter()
            .map(|(name, count)| (name, count.0))
            .collect();
        let errors: BTreeMap<_, _> = inner
            .counts
            .iter()
            .filter(|(_, count)| count.1 > 0)
            .map(|(name, count)| (name, count.1))
            .collect();
        json!({"first": first, "last": inner.last, "counts": counts, "errors": errors, "calls": calls})
    }

    /// Forgets the calls and counts; the numbers go on.
    pub fn clear(&self) {
        let mut inner = lock(&self.inner);
        inner.ring.clear();
        inner.counts.clear();
    }
}

impl Call {
    fn view(&self) -> Value {
        let (code, description) = match &self.error {
            Some((code, description)) => (Some(code), Some(description)),
            None => (None, None),
        };
        json!({"n": self.n, "method": self.method, "chat_id": self.chat_id, "ok": code.is_none(), "error_code": code,
            "description": description, "ms": self.took.as_secs_f64() * 1000.0, "at": clock::real_iso(self.at_ms)})
    }
}
