//! Callback queries that wait for an answer.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use super::lock;

/// How long a callback query may be answered, in real seconds, unless set otherwise.
pub const CALLBACK_SECONDS: u64 = 15;
/// So many queries are remembered.
const KEPT: usize = 100_000;
/// So many unanswered ones are listed.
const LISTED: usize = 1000;

/// A press of a button.
#[derive(Clone, Debug)]
pub struct Query {
    /// Who pressed.
    pub person: i64,
    /// On which message.
    pub message_id: i64,
    /// What the button carries.
    pub data: String,
    /// When.
    pub at: Instant,
    /// The bot's answer.
    pub answer: Option<Value>,
}

#[derive(Debug, Default)]
struct Inner {
    by_id: HashMap<i64, Query>,
    order: VecDeque<i64>,
}

/// All queries by id.
#[derive(Debug)]
pub struct Queries {
    inner: Mutex<Inner>,
    next_id: AtomicI64,
}

impl Default for Queries {
    fn default() -> Self {
        // Large and different in every run, as real ones are.
        let start = crate::clock::real_ms().saturating_mul(1_000_000);
        Self {
            inner: Mutex::default(),
            next_id: AtomicI64::new(start),
        }
    }
}

impl Queries {
    /// A fresh id, also for pre-checkout queries.
    pub fn next_id(&self) -> i64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Remembers a press under an id.
    pub fn insert(&self, id: i64, person: i64, message_id: i64, data: &str) {
        let mut inner = lock(&self.inner);
        if inner.order.len() >= KEPT
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.by_id.remove(&oldest);
        }
        inner.order.push_back(id);
        inner.by_id.insert(
            id,
            Query {
                person,
                message_id,
                data: data.to_owned(),
                at: Instant::now(),
                answer: None,
            },
        );
    }

    /// Answers once and in time; `None` otherwise.
    pub fn answer(&self, id: &str, answer: Value, within: Duration) -> Option<Query> {
        let id: i64 = id.parse().ok()?;
        let mut inner = lock(&self.inner);
        let query = inner.by_id.get_mut(&id)?;
        if query.answer.is_some() || query.at.elapsed() > within {
            return None;
        }
        query.answer = Some(answer);
        Some(query.clone())
    }

    /// The answer to a query, if there is one.
    pub fn answer_of(&self, id: i64) -> Option<Value> {
        lock(&self.inner).by_id.get(&id)?.answer.clone()
    }

    /// How many of one person's presses from some id on have no answer.
    pub fn unanswered_since(&self, first: i64) -> usize {
        lock(&self.inner)
            .by_id
            .iter()
            .filter(|(id, query)| **id >= first && query.answer.is_none())
            .count()
    }

    /// One person's presses that may still be answered, newest first.
    pub fn unanswered_of(&self, person: i64, within: Duration) -> Vec<String> {
        let inner = lock(&self.inner);
        let newest = inner
            .order
            .iter()
            .rev()
            .filter_map(|id| inner.by_id.get(id).map(|query| (id, query)));
        newest
            .take_while(|(_, query)| query.at.elapsed() <= within)
            .filter(|(_, query)| query.person == person && query.answer.is_none())
            .map(|(id, _)| id.to_string())
            .collect()
    }

    /// The unanswered ones, oldest first.
    pub fn unanswered(&self) -> Vec<Value> {
        let inner = lock(&self.inner);
        let newest = inner
            .order
            .iter()
            .rev()
            .filter_map(|id| inner.by_id.get(id).map(|query| (id, query)));
        let mut listed: Vec<Value> = newest
            .filter(|(_, query)| query.answer.is_none())
            .take(LISTED)
            .map(|(id, query)| {
                json!({"id": id.to_string(), "person": query.person, "message_id": query.message_id, "data": query.data,
                    "age_ms": u64::try_from(query.at.elapsed().as_millis()).unwrap_or(u64::MAX)})
            })
            .collect();
        listed.reverse();
        listed
    }

    /// Forgets all.
    pub fn clear(&self) {
        *lock(&self.inner) = Inner::default();
    }
}
