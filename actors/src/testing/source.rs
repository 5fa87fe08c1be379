//! A source of updates that keeps Telegram's promise: what is not confirmed comes again.

use crate::ports::updates::{PollError, UpdateSource};
use async_trait::async_trait;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Most updates in one answer, as with Telegram.
const BATCH_MAX: usize = 100;
/// How long an answer waits for the first update.
const LONG_POLL: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
struct Waiting {
    updates: VecDeque<(i64, Vec<u8>)>,
    failures: VecDeque<PollError>,
    confirms: Vec<Option<i64>>,
    given: u64,
}

/// Updates that wait to be polled.
///
/// A confirmation drops everything up to the last waiting update with an id no higher than the confirmed one, so that ids may
/// start anew with lower ones, as Telegram's do after a quiet week.
#[derive(Debug, Default)]
pub struct FakeSource {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

impl FakeSource {
    fn with<T>(&self, act: impl FnOnce(&mut Waiting) -> T) -> T {
        act(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds an update under the id by which it can be confirmed, whatever the bytes say.
    pub fn push(&self, update_id: i64, raw: impl Into<Vec<u8>>) {
        self.with(|waiting| waiting.updates.push_back((update_id, raw.into())));
        self.arrived.notify_one();
    }

    /// The next poll fails with this.
    pub fn fail_next(&self, error: PollError) {
        self.with(|waiting| waiting.failures.push_back(error));
        self.arrived.notify_one();
    }

    /// Updates that are not confirmed.
    #[must_use]
    pub fn unconfirmed(&self) -> usize {
        self.with(|waiting| waiting.updates.len())
    }

    /// Every confirmation so far, in order.
    #[must_use]
    pub fn confirms(&self) -> Vec<Option<i64>> {
        self.with(|waiting| waiting.confirms.clone())
    }

    /// Updates in all answers so far; one that comes again counts again.
    #[must_use]
    pub fn given(&self) -> u64 {
        self.with(|waiting| waiting.given)
    }

    fn take(&self) -> Option<Result<Vec<Vec<u8>>, PollError>> {
        self.with(|waiting| {
            if let Some(error) = waiting.failures.pop_front() {
                return Some(Err(error));
            }
            let batch: Vec<_> = waiting.updates.iter().take(BATCH_MAX).map(|(_, raw)| raw.clone()).collect();
            waiting.given += batch.len() as u64;
            (!batch.is_empty()).then_some(Ok(batch))
        })
    }
}

#[async_trait]
impl UpdateSource for FakeSource {
    async fn poll(&self, confirm: Option<i64>) -> Result<Vec<Vec<u8>>, PollError> {
        self.with(|waiting| {
            waiting.confirms.push(confirm);
            let Some(confirm) = confirm else { return };
            // Only what one answer showed can be confirmed.
            let shown = waiting.updates.len().min(BATCH_MAX);
            let last = waiting.updates.iter().take(shown).rposition(|(id, _)| *id <= confirm);
            if let Some(last) = last {
                waiting.updates.drain(..=last);
            }
        });
        let wait = async {
            loop {
                if let Some(answer) = self.take() {
                    return answer;
                }
                self.arrived.notified().await;
            }
        };
        tokio::time::timeout(LONG_POLL, wait).await.unwrap_or_else(|_| Ok(Vec::new()))
    }
}
