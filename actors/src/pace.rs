//! Keeps small transactions apart, so that under load they become fewer and larger.

use crate::timer::Timer;
use std::time::{Duration, Instant};

/// Least time between the beginnings of two transactions that are not full. A transaction costs about ten round trips of work
/// whatever is in it; at 1,000 updates a second this makes groups of three or four for a few milliseconds of waiting, and what
/// comes after a quiet moment does not wait at all.
const APART: Duration = Duration::from_millis(3);

/// When the next transaction may begin.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    not_before: Option<Instant>,
    timer: Option<Timer>,
}

impl Pace {
    /// Whether one may begin now, and then it begins. If not, `wake` is called when it is time; the caller asks again then.
    pub(crate) fn begin(&mut self, full: bool, wake: impl FnOnce() + Send + 'static) -> bool {
        let now = Instant::now();
        if let Some(wait) = self.not_before.and_then(|at| at.checked_duration_since(now))
            && !wait.is_zero()
            && !full
        {
            if self.timer.is_none() {
                self.timer = Some(Timer::after(wait, wake));
            }
            return false;
        }
        self.timer = None;
        self.not_before = Some(now + APART);
        true
    }

    /// The timer ran out.
    pub(crate) fn woken(&mut self) {
        self.timer = None;
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;
    use std::time::Instant;

    #[tokio::test]
    async fn the_first_does_not_wait_the_second_does_unless_it_is_full() {
        let mut pace = Pace::default();
        assert!(pace.begin(false, || {}));
        let (told, woken) = tokio::sync::oneshot::channel();
        let begun = Instant::now();
        assert!(!pace.begin(false, move || told.send(()).unwrap_or_default()));
        assert!(!pace.begin(false, || unreachable!("one timer is enough")));
        woken.await.unwrap_or_default();
        pace.woken();
        assert!(pace.begin(false, || {}), "woken after {:?}", begun.elapsed());
        assert!(pace.begin(true, || {}));
    }
}
