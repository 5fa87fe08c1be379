//! What a process knows about the lease. Pure; times are measured from any fixed moment on a monotonic clock.

use std::time::Duration;
use usipipo_storage::model::Epoch;

/// What this process is among those on one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Not yet known.
    Starting,
    /// It works, in this epoch.
    Leader(Epoch),
    /// It waits to take over.
    Standby,
    /// It ends.
    Stopping,
}

/// Of the lease's time, this part (one in so many) is kept for ending the work before another process begins it.
const MARGIN_PART: u32 = 6;

/// A question to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// Take it if it is free.
    Try,
    /// Keep it.
    Renew(Epoch),
}

/// Its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// To [`Call::Try`]: in this epoch, or somebody else has it.
    Taken(Option<Epoch>),
    /// To [`Call::Renew`].
    Kept(bool),
    /// There was none; whether it was done nobody knows.
    Unknown,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Act {
    /// Nothing new.
    Nothing,
    /// Tell that another process leads.
    StandBy,
    /// Begin the work in this epoch; if it has begun already, that is fine.
    Begin(Epoch),
    /// End the work and say so with [`Lease::duty_ended`]; asked for again until then.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No work goes on. An epoch that was ours and may still be is tried first.
    Idle(Option<Epoch>),
    /// Work goes on.
    Leading { epoch: Epoch, good_until: Duration },
    /// Work is being ended.
    Ending(Option<Epoch>),
}

/// What a process knows about the lease.
#[derive(Debug)]
pub(super) struct Lease {
    ttl: Duration,
    phase: Phase,
}

impl Lease {
    pub(super) const fn new(ttl: Duration) -> Self {
        Self { ttl, phase: Phase::Idle(None) }
    }

    /// Time for ending the work.
    pub(super) fn margin(&self) -> Duration {
        self.ttl / MARGIN_PART
    }

    /// An epoch that may be ours.
    pub(super) const fn held(&self) -> Option<Epoch> {
        match self.phase {
            Phase::Leading { epoch, .. } => Some(epoch),
            Phase::Idle(epoch) | Phase::Ending(epoch) => epoch,
        }
    }

    /// Until when we may work without another renewal.
    pub(super) const fn good_until(&self) -> Option<Duration> {
        match self.phase {
            Phase::Leading { good_until, .. } => Some(good_until),
            Phase::Idle(_) | Phase::Ending(_) => None,
        }
    }

    /// It was given back.
    pub(super) const fn forget(&mut self) {
        self.phase = Phase::Idle(None);
    }

    /// What to ask now.
    pub(super) const fn next_call(&self) -> Option<Call> {
        match self.phase {
            Phase::Leading { epoch, .. } | Phase::Idle(Some(epoch)) => Some(Call::Renew(epoch)),
            Phase::Idle(None) => Some(Call::Try),
            // Not before the old work has ended.
            Phase::Ending(_) => None,
        }
    }

    /// The actor that keeps this crashed and is back.
    pub(super) const fn resume(&self) -> Act {
        match self.phase {
            Phase::Leading { epoch, .. } => Act::Begin(epoch),
            Phase::Ending(_) => Act::End,
            Phase::Idle(_) => Act::Nothing,
        }
    }

    /// Time has passed.
    pub(super) fn look(&mut self, now: Duration) -> Act {
        match self.phase {
            Phase::Leading { epoch, good_until } if now >= good_until => self.end(Some(epoch)),
            Phase::Ending(_) => Act::End,
            Phase::Leading { .. } | Phase::Idle(_) => Act::Nothing,
        }
    }

    /// A write of this epoch was refused.
    pub(super) fn lost(&mut self, lost: Epoch) -> Act {
        match self.phase {
            Phase::Leading { epoch, .. } if epoch <= lost => self.end(None),
            _ => Act::Nothing,
        }
    }

    /// The database answered a question that was sent at `sent`.
    pub(super) fn answered(&mut self, call: Call, sent: Duration, answer: Answer, now: Duration) -> Act {
        let good_until = (sent + self.ttl).saturating_sub(self.margin());
        match (self.phase, call, answer) {
            (Phase::Idle(_), Call::Try, Answer::Taken(Some(epoch))) => self.begin(epoch, good_until, now),
            (Phase::Idle(Some(held)), Call::Renew(asked), Answer::Kept(true)) if held == asked => {
                self.begin(held, good_until, now)
            }
            (Phase::Idle(held), _, Answer::Taken(None) | Answer::Kept(false)) => {
                if call != Call::Try && held.map(Call::Renew) == Some(call) {
                    self.phase = Phase::Idle(None);
                }
                Act::StandBy
            }
            (Phase::Leading { epoch, good_until: before }, Call::Renew(asked), Answer::Kept(kept))
                if asked == epoch =>
            {
                if !kept {
                    return self.end(None);
                }
                self.phase = Phase::Leading { epoch, good_until: before.max(good_until) };
                self.look(now)
            }
            // Asked in an earlier phase, or not answered.
            _ => self.look(now),
        }
    }

    /// The work has ended.
    pub(super) const fn duty_ended(&mut self) {
        if let Phase::Ending(epoch) = self.phase {
            self.phase = Phase::Idle(epoch);
        }
    }

    /// An answer that took too long is worth nothing but the epoch.
    fn begin(&mut self, epoch: Epoch, good_until: Duration, now: Duration) -> Act {
        if now >= good_until {
            self.phase = Phase::Idle(Some(epoch));
            return Act::Nothing;
        }
        self.phase = Phase::Leading { epoch, good_until };
        Act::Begin(epoch)
    }

    const fn end(&mut self, held: Option<Epoch>) -> Act {
        self.phase = Phase::Ending(held);
        Act::End
    }
}

#[cfg(test)]
mod tests;
