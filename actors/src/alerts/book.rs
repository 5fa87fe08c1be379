//! What is to be written about each condition. Pure.
//!
//! Only the latest word on a condition counts. The same word is written at most once a minute; a changed one at once. What the
//! database does not take stays here, one entry per condition, so memory is bounded by the number of conditions.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};
use usipipo_domain::alert::AlertKind;

/// How long an open alert is not written again, however often it is raised.
pub(super) const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Conditions in memory; beyond them new ones are not taken until some are written. Conditions are named after servers and
/// parts of the program, so this is never reached in practice.
pub(super) const CONDITIONS_MAX: usize = 1_000;

/// The latest word on a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// It holds.
    Raise(AlertKind),
    /// It is over.
    Resolve,
}

#[derive(Debug, Default)]
struct Entry {
    wish: Option<Word>,
    raised_at: Option<Instant>,
}

/// All conditions.
#[derive(Debug, Default)]
pub(super) struct Book {
    entries: HashMap<String, Entry>,
    /// Alerts that are open in the database, as last known; `None` when nobody knows.
    open: Option<HashSet<String>>,
}

impl Book {
    /// Takes what the database says is open. Entries that only remember when an alert was written are forgotten when it is
    /// not open any more.
    pub(super) fn know_open(&mut self, open: HashSet<String>) {
        self.entries.retain(|key, entry| entry.wish.is_some() || open.contains(key));
        self.open = Some(open);
    }

    /// The condition holds. `false` when there is no room for it.
    pub(super) fn raise(&mut self, kind: AlertKind) -> bool {
        let key = kind.key();
        if !self.entries.contains_key(&key) && self.entries.len() >= CONDITIONS_MAX {
            return false;
        }
        self.entries.entry(key).or_default().wish = Some(Word::Raise(kind));
        true
    }

    /// The condition is over. Nothing is to be written when no alert is open.
    pub(super) fn resolve(&mut self, key: String) {
        if self.open.as_ref().is_some_and(|open| !open.contains(&key)) {
            if let Some(entry) = self.entries.get_mut(&key) {
                // Raised and over before it was written.
                entry.wish = None;
            }
            return;
        }
        if self.entries.contains_key(&key) || self.entries.len() < CONDITIONS_MAX {
            self.entries.entry(key).or_default().wish = Some(Word::Resolve);
        }
    }

    /// What may be written now, taken out. When it fails, [`Book::put_back`] it.
    pub(super) fn next(&mut self, now: Instant) -> Option<(String, Word)> {
        let due = |entry: &Entry| match &entry.wish {
            Some(Word::Resolve) => true,
            Some(Word::Raise(_)) => entry.raised_at.is_none_or(|at| now >= at + AGAIN_AFTER),
            None => false,
        };
        let key = self.entries.iter().find(|(_, entry)| due(entry)).map(|(key, _)| key.clone())?;
        let word = self.entries.get_mut(&key)?.wish.take()?;
        Some((key, word))
    }

    /// It is written.
    pub(super) fn written(&mut self, key: &str, word: &Word, now: Instant) {
        match word {
            Word::Raise(_) => {
                if let Some(open) = &mut self.open {
                    open.insert(key.to_owned());
                }
                self.entries.entry(key.to_owned()).or_default().raised_at = Some(now);
            }
            Word::Resolve => {
                if let Some(open) = &mut self.open {
                    open.remove(key);
                }
                let again = self.entries.get_mut(key).is_some_and(|entry| {
                    entry.raised_at = None;
                    entry.wish.is_some()
                });
                if !again {
                    self.entries.remove(key);
                }
            }
        }
    }

    /// It could not be written; a later word on the same condition wins.
    pub(super) fn put_back(&mut self, key: String, word: Word) {
        self.entries.entry(key).or_default().wish.get_or_insert(word);
    }
}

#[cfg(test)]
mod tests;
