//! Faults that the Bot API shows on request.

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde::Serialize;

use super::lock;

/// What a fault does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action")]
pub enum Action {
    /// Too many requests.
    #[serde(rename = "429")]
    TooMany {
        /// Seconds.
        #[serde(default = "one_second")]
        retry_after: u64,
    },
    /// Telegram is broken, and says so in JSON.
    #[serde(rename = "500")]
    Internal,
    /// A proxy before it is broken, and says so in HTML.
    #[serde(rename = "502-html")]
    BadGateway,
    /// The answer takes its time.
    #[serde(rename = "hang")]
    Hang {
        /// Milliseconds.
        ms: u64,
    },
    /// The same.
    #[serde(rename = "delay")]
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// The connection is closed without an answer.
    #[serde(rename = "drop")]
    Drop,
    /// Any refusal.
    #[serde(rename = "error")]
    Error {
        /// Of HTTP and of the body.
        code: u16,
        /// Of the body.
        description: String,
    },
}

fn one_second() -> u64 {
    1
}

fn once() -> i64 {
    1
}

/// Whether the call takes effect before the fault shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// It does not.
    #[default]
    Before,
    /// It does.
    After,
}

/// Which calls get which fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rule {
    /// Given by the sandbox.
    #[serde(default)]
    pub id: u64,
    /// Only this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only this chat.
    #[serde(default)]
    pub chat_id: Option<i64>,
    /// So many matching calls pass first.
    #[serde(default)]
    pub skip: u64,
    /// So many calls are hit; -1 for all.
    #[serde(default = "once")]
    pub times: i64,
    /// Before or after the effect.
    #[serde(default)]
    pub when: When,
    /// How many were hit.
    #[serde(default)]
    pub hits: u64,
    /// What happens.
    #[serde(flatten)]
    pub action: Action,
}

/// All rules.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<(u64, Vec<Rule>)>,
    active: AtomicUsize,
}

impl Faults {
    /// Adds a rule.
    pub fn add(&self, mut rule: Rule) {
        let mut rules = lock(&self.rules);
        rules.0 += 1;
        rule.id = rules.0;
        rule.hits = 0;
        rules.1.push(rule);
        self.active.store(rules.1.len(), Ordering::Release);
    }

    /// All rules, used up ones as well.
    pub fn list(&self) -> Vec<Rule> {
        lock(&self.rules).1.clone()
    }

    /// Removes all.
    pub fn clear(&self) {
        lock(&self.rules).1.clear();
        self.active.store(0, Ordering::Release);
    }

    /// The fault for a call, if it is to show one.
    pub fn hit(&self, method: &str, chat_id: Option<i64>) -> Option<(When, Action)> {
        if self.active.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut rules = lock(&self.rules);
        for rule in &mut rules.1 {
            let fits = rule.times != 0
                && rule
                    .method
                    .as_deref()
                    .is_none_or(|name| name.eq_ignore_ascii_case(method))
                && rule.chat_id.is_none_or(|id| chat_id == Some(id));
            if !fits {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            rule.hits += 1;
            if rule.times > 0 {
                rule.times -= 1;
            }
            return Some((rule.when, rule.action.clone()));
        }
        None
    }
}
