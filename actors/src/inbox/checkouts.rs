//! Pre-checkout queries that are not durable yet.

use crate::ports::updates::{PaymentUpdate, RawUpdate, UpdateParser};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use usipipo_domain::ids::{OutboxId, UserId};
use usipipo_domain::outgoing::{Body, OutboxMessage, Outgoing, Priority};

/// How long a query may wait to be stored before it is refused directly. Telegram waits ten seconds; the rest is for the call.
const PATIENCE: Duration = Duration::from_secs(4);
/// Queries that are remembered after they were refused, since their updates come again until they are stored.
const REFUSED_MAX: usize = 256;
/// Queries that are watched at once.
const OPEN_MAX: usize = 256;

#[derive(Debug)]
struct Checkout {
    query_id: String,
    user: UserId,
    since: Instant,
}

/// The queries, oldest first.
#[derive(Debug, Default)]
pub(super) struct Checkouts {
    open: VecDeque<Checkout>,
    refused: VecDeque<String>,
}

impl Checkouts {
    /// A payments update arrived, perhaps again: its query's id, if it is a query.
    pub(super) fn arrived(&mut self, parser: &dyn UpdateParser, update: &RawUpdate, now: Instant) -> Option<String> {
        // What makes the parser panic is the lane's affair; here it must not stop the others.
        let parsed = catch_unwind(AssertUnwindSafe(|| parser.payment(&update.raw))).ok()?;
        let Ok(PaymentUpdate::PreCheckout { query_id, user }) = parsed else { return None };
        if self.open.len() < OPEN_MAX
            && !self.refused.contains(&query_id)
            && !self.open.iter().any(|checkout| checkout.query_id == query_id)
        {
            self.open.push_back(Checkout { query_id: query_id.clone(), user, since: now });
        }
        Some(query_id)
    }

    /// These are durable, so that somebody else answers them.
    pub(super) fn durable(&mut self, query_ids: &[String]) {
        self.open.retain(|checkout| !query_ids.contains(&checkout.query_id));
    }

    /// How long until one of them cannot wait any longer.
    pub(super) fn next_wait(&self, now: Instant) -> Option<Duration> {
        self.open.front().map(|oldest| PATIENCE.saturating_sub(now.duration_since(oldest.since)))
    }

    /// Those that cannot wait any longer, as messages that refuse them; each once.
    pub(super) fn overdue(&mut self, now: Instant) -> Vec<OutboxMessage> {
        let mut messages = Vec::new();
        while let Some(checkout) = self.open.pop_front_if(|oldest| now.duration_since(oldest.since) >= PATIENCE) {
            if self.refused.len() == REFUSED_MAX {
                self.refused.pop_front();
            }
            self.refused.push_back(checkout.query_id.clone());
            messages.push(OutboxMessage {
                // No row: there is no database.
                id: OutboxId(0),
                chat: checkout.user,
                priority: Priority::Reply,
                attempts: 0,
                wait: Duration::ZERO,
                content: Outgoing::new(Body::RefuseCheckout { query_id: checkout.query_id }),
            });
        }
        messages
    }
}
