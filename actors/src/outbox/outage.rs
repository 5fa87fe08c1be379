//! Telling one message's trouble from Telegram's.
//!
//! A message that fails again and again is given up; when Telegram itself is away, that must not eat up the attempts of
//! everything that waits. So when several chats fail in a row and nothing gets through, one message at a time tries, ever
//! less often, and its failure is not counted.

use std::time::{Duration, Instant};
use usipipo_domain::ids::UserId;

/// Failures in a row, of at least two chats, that count as an outage.
const FAILURES: u32 = 5;
/// First wait before the next try; doubles.
const WAIT_MIN: Duration = Duration::from_secs(1);
/// Longest such wait.
const WAIT_MAX: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(super) struct Outage {
    failures: u32,
    first: Option<UserId>,
    several: bool,
    /// Since it was noticed: the present wait, and its end.
    waiting: Option<(Duration, Instant)>,
}

impl Outage {
    /// A call got no answer, or an error of Telegram's own. `true` when that is not the message's fault.
    pub(super) fn failed(&mut self, chat: UserId, now: Instant) -> bool {
        if let Some((wait, until)) = self.waiting {
            // Others that were under way when it was noticed do not lengthen the wait.
            if now >= until {
                let wait = (wait * 2).min(WAIT_MAX);
                self.waiting = Some((wait, now + wait));
            }
            return true;
        }
        self.failures += 1;
        self.several |= *self.first.get_or_insert(chat) != chat;
        let noticed = self.failures >= FAILURES && self.several;
        if noticed {
            self.waiting = Some((WAIT_MIN, now + WAIT_MIN));
        }
        noticed
    }

    /// Telegram answered. `true` when an outage is over.
    pub(super) fn answered(&mut self) -> bool {
        std::mem::take(self).waiting.is_some()
    }

    /// Nothing goes before this; at and after it one message at a time.
    pub(super) fn until(&self) -> Option<Instant> {
        self.waiting.map(|(_, until)| until)
    }
}
