//! Rows that are finished.

use std::collections::{HashSet, VecDeque};
use usipipo_domain::ids::OutboxId;

/// Rows remembered after they were finished. Far more than can be sent while a reading is under way.
const MAX: usize = 16_384;

/// The rows finished last, so that a late hint or an older reading does not send them again.
#[derive(Debug, Default)]
pub(super) struct Recent {
    order: VecDeque<OutboxId>,
    set: HashSet<OutboxId>,
}

impl Recent {
    pub(super) fn contains(&self, id: OutboxId) -> bool {
        self.set.contains(&id)
    }

    pub(super) fn insert(&mut self, id: OutboxId) {
        if !self.set.insert(id) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
    }
}
