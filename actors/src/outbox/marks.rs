//! What the rows must be told about messages, in batches.

use crate::env::Duty;
use std::collections::VecDeque;
use std::time::Duration;
use usipipo_domain::ids::{OutboxId, UserId};
use usipipo_storage::StoreError;
use usipipo_storage::model::{SendFailure, SentMessage};

/// Marks written in one go.
const BATCH_MAX: usize = 64;
/// How long marks are gathered before they are written.
pub(super) const GATHER: Duration = Duration::from_millis(20);

/// One row's news.
#[derive(Debug, Clone)]
pub(super) enum Mark {
    /// Telegram took it.
    Sent(SentMessage),
    /// It did not.
    Failed { id: OutboxId, chat: UserId, failure: SendFailure },
}

/// Marks that wait to be written, in order.
#[derive(Debug, Default)]
pub(super) struct Marks(VecDeque<Mark>);

impl Marks {
    pub(super) fn push(&mut self, mark: Mark) {
        self.0.push_back(mark);
    }

    /// Earlier news of this row is of no interest any more.
    pub(super) fn forget(&mut self, row: OutboxId) {
        self.0.retain(|mark| !matches!(mark, Mark::Failed { id, .. } if *id == row));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= BATCH_MAX
    }

    pub(super) fn batch(&mut self) -> Vec<Mark> {
        let end = self.0.len().min(BATCH_MAX);
        self.0.drain(..end).collect()
    }

    pub(super) fn give_back(&mut self, marks: Vec<Mark>) {
        for mark in marks.into_iter().rev() {
            self.0.push_front(mark);
        }
    }
}

/// How a batch went.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Rows that need no more attention of this process: sent, or given up.
    pub(super) done: Vec<(OutboxId, UserId)>,
    /// Not written.
    pub(super) left: Vec<Mark>,
    /// Why not; worth another try.
    pub(super) error: Option<StoreError>,
}

/// Writes a batch.
pub(super) async fn write(duty: &Duty, batch: Vec<Mark>) -> Written {
    let mut written = Written::default();
    let sent: Vec<SentMessage> = batch
        .iter()
        .filter_map(|mark| match mark {
            Mark::Sent(sent) => Some(sent.clone()),
            Mark::Failed { .. } => None,
        })
        .collect();
    if let Err(error) = write_sent(duty, &sent, &mut written.done).await {
        let marked = |mark: &Mark| matches!(mark, Mark::Sent(sent) if written.done.contains(&(sent.id, sent.chat)));
        written.left = batch.into_iter().filter(|mark| !marked(mark)).collect();
        written.error = Some(error);
        return written;
    }
    let mut failures = batch.into_iter().filter(|mark| matches!(mark, Mark::Failed { .. }));
    while let Some(mark) = failures.next() {
        let Mark::Failed { id, chat, failure } = &mark else { continue };
        match duty.env.store.mark_failure(duty.epoch, *id, failure, duty.env.clock.now()).await {
            Ok(()) => {}
            Err(error @ StoreError::Broken(_)) => broken(*id, &error),
            Err(error) => {
                written.left = std::iter::once(mark).chain(failures).collect();
                written.error = Some(error);
                return written;
            }
        }
        // A message that is to be tried again stays in the queue's hands.
        if matches!(failure, SendFailure::Failed { .. }) {
            written.done.push((*id, *chat));
        }
    }
    written
}

/// One statement for all; when the database refuses it for good, one for each, so that one bad row harms no other.
async fn write_sent(duty: &Duty, sent: &[SentMessage], done: &mut Vec<(OutboxId, UserId)>) -> Result<(), StoreError> {
    if sent.is_empty() {
        return Ok(());
    }
    let (store, clock) = (&duty.env.store, &duty.env.clock);
    match store.mark_sent(duty.epoch, sent, clock.now()).await {
        Ok(()) => {}
        Err(StoreError::Broken(_)) if sent.len() > 1 => {
            for one in sent {
                match store.mark_sent(duty.epoch, std::slice::from_ref(one), clock.now()).await {
                    Ok(()) => {}
                    Err(error @ StoreError::Broken(_)) => broken(one.id, &error),
                    Err(error) => return Err(error),
                }
                done.push((one.id, one.chat));
            }
            return Ok(());
        }
        Err(error @ StoreError::Broken(_)) => sent.iter().for_each(|one| broken(one.id, &error)),
        Err(error) => return Err(error),
    }
    done.extend(sent.iter().map(|one| (one.id, one.chat)));
    Ok(())
}

/// The row cannot be marked; while this process lives it is remembered and not sent again.
fn broken(id: OutboxId, error: &StoreError) {
    tracing::error!(actor = super::KIND, message = %id, %error, "the database refuses to mark a message");
}
