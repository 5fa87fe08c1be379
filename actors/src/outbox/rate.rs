//! Telegram's limits of speed, counted.

use crate::limits::SendRate;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use usipipo_domain::outgoing::{Body, OutboxMessage, Priority};

/// Over which "messages a second" are counted: a little more than one, because calls do not arrive as evenly as they leave.
const WINDOW: Duration = Duration::from_millis(1_050);

/// What a message is for its place in the row. Earlier is sooner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Class {
    /// Makes no message in the chat (answers a button or a checkout): no limit of speed counts it.
    Free,
    /// An answer.
    Reply,
    /// What was bought.
    Delivery,
    /// Reminders and alerts.
    Notice,
}

impl Class {
    /// Of a message.
    pub(super) fn of(message: &OutboxMessage) -> Self {
        match (&message.content.body, message.priority) {
            (None | Some(Body::RefuseCheckout { .. }), _) => Self::Free,
            (Some(_), priority) => Self::of_rows(priority),
        }
    }

    /// Of the rows with this priority, as far as that alone tells.
    pub(super) const fn of_rows(priority: Priority) -> Self {
        match priority {
            Priority::Reply => Self::Reply,
            Priority::Delivery => Self::Delivery,
            Priority::Notice => Self::Notice,
        }
    }

    /// The part of `whole` that this class and those behind it may use together, so that a flood of them leaves room for
    /// answers; at least one.
    pub(super) fn share(self, whole: usize) -> usize {
        let part = match self {
            Self::Free | Self::Reply => whole,
            Self::Delivery => whole - whole / 10,
            Self::Notice => whole * 2 / 3,
        };
        part.max(1)
    }
}

/// Messages of the last second, exactly.
#[derive(Debug, Default)]
pub(super) struct Window {
    sent: VecDeque<(Instant, Class)>,
}

impl Window {
    /// `None` when one of this class may go now, else the earliest time to ask again.
    pub(super) fn wait(&mut self, now: Instant, class: Class, rate: SendRate) -> Option<Instant> {
        if class == Class::Free {
            return None;
        }
        while self.sent.front().is_some_and(|(at, _)| *at + WINDOW <= now) {
            self.sent.pop_front();
        }
        let whole = usize::try_from(rate.per_second).unwrap_or(usize::MAX).max(1);
        let mut until = None;
        for outer in [Class::Reply, Class::Delivery, Class::Notice].into_iter().filter(|outer| *outer <= class) {
            let used = self.sent.iter().filter(|(_, sent)| *sent >= outer);
            if used.clone().count() >= outer.share(whole) {
                until = until.max(used.map(|(at, _)| *at + WINDOW).next());
            }
        }
        until
    }

    pub(super) fn count(&mut self, now: Instant, class: Class) {
        if class != Class::Free {
            self.sent.push_back((now, class));
        }
    }
}

/// One chat's pace: when the next message would be due if they came evenly (the generic cell rate algorithm).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    next: Option<Instant>,
}

impl Pace {
    /// The time from which one more message may go.
    pub(super) fn free_at(self, rate: SendRate) -> Option<Instant> {
        let ahead = period(rate) * rate.burst.saturating_sub(1);
        self.next.and_then(|next| next.checked_sub(ahead))
    }

    pub(super) fn count(&mut self, now: Instant, rate: SendRate) {
        self.next = Some(self.next.map_or(now, |next| next.max(now)) + period(rate));
    }

    /// From then on the chat is as if nothing had been sent.
    pub(super) const fn forgotten_at(self) -> Option<Instant> {
        self.next
    }
}

fn period(rate: SendRate) -> Duration {
    Duration::from_secs(1) / rate.per_chat_per_second.max(1)
}
