use super::*;
use proptest::prelude::*;

const TTL: Duration = ms(6_000);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn leading() -> Lease {
    let mut lease = Lease::new(TTL);
    assert_eq!(lease.answered(Call::Try, ms(0), Answer::Taken(Some(Epoch(7))), ms(10)), Act::Begin(Epoch(7)));
    lease
}

#[test]
fn a_renewal_counts_from_before_it_was_asked() {
    let mut lease = leading();
    assert_eq!(lease.good_until(), Some(ms(5_000)));
    assert_eq!(lease.next_call(), Some(Call::Renew(Epoch(7))));
    assert_eq!(lease.answered(Call::Renew(Epoch(7)), ms(2_000), Answer::Kept(true), ms(3_000)), Act::Nothing);
    assert_eq!(lease.good_until(), Some(ms(7_000)));
    assert_eq!(lease.look(ms(6_999)), Act::Nothing);
    assert_eq!(lease.look(ms(7_000)), Act::End);
}

#[test]
fn a_short_absence_of_the_database_ends_nothing() {
    let mut lease = leading();
    for second in 1..5 {
        let sent = ms(second * 1_000 - 500);
        assert_eq!(lease.answered(Call::Renew(Epoch(7)), sent, Answer::Unknown, ms(second * 1_000 - 1)), Act::Nothing);
    }
    assert_eq!(lease.answered(Call::Renew(Epoch(7)), ms(4_500), Answer::Kept(true), ms(4_900)), Act::Nothing);
}

#[test]
fn after_a_long_absence_the_same_epoch_goes_on_if_nobody_took_over() {
    let mut lease = leading();
    assert_eq!(lease.answered(Call::Renew(Epoch(7)), ms(2_000), Answer::Unknown, ms(5_001)), Act::End);
    assert_eq!(lease.next_call(), None, "nothing is asked for while the old work is being ended");
    assert_eq!(lease.look(ms(5_500)), Act::End, "asked for again until it is done");
    lease.duty_ended();
    assert_eq!(lease.next_call(), Some(Call::Renew(Epoch(7))));
    let answered = lease.answered(Call::Renew(Epoch(7)), ms(60_000), Answer::Kept(true), ms(60_010));
    assert_eq!(answered, Act::Begin(Epoch(7)));
}

#[test]
fn after_a_long_absence_an_epoch_that_is_over_is_forgotten() {
    let mut lease = leading();
    assert_eq!(lease.look(ms(9_000)), Act::End);
    lease.duty_ended();
    assert_eq!(lease.answered(Call::Renew(Epoch(7)), ms(9_000), Answer::Kept(false), ms(9_001)), Act::StandBy);
    assert_eq!((lease.next_call(), lease.held()), (Some(Call::Try), None));
}

#[test]
fn a_refused_write_or_renewal_ends_the_work() {
    let mut lease = leading();
    assert_eq!(lease.lost(Epoch(6)), Act::Nothing, "an older epoch's");
    assert_eq!(lease.lost(Epoch(7)), Act::End);
    let mut lease = leading();
    assert_eq!(lease.answered(Call::Renew(Epoch(7)), ms(100), Answer::Kept(false), ms(110)), Act::End);
    assert_eq!(lease.held(), None);
}

#[test]
fn a_lease_that_came_too_late_is_renewed_before_any_work() {
    let mut lease = Lease::new(TTL);
    assert_eq!(lease.answered(Call::Try, ms(0), Answer::Taken(Some(Epoch(1))), ms(5_000)), Act::Nothing);
    assert_eq!(lease.next_call(), Some(Call::Renew(Epoch(1))));
}

#[test]
fn an_actor_that_comes_back_goes_on_where_it_was() {
    let mut lease = leading();
    assert_eq!(lease.resume(), Act::Begin(Epoch(7)));
    assert_eq!(lease.look(ms(5_000)), Act::End);
    assert_eq!(lease.resume(), Act::End);
    lease.duty_ended();
    assert_eq!(lease.resume(), Act::Nothing);
}

/// The lease's row.
#[derive(Default)]
struct Server {
    holder: usize,
    epoch: i64,
    expires: Duration,
}

impl Server {
    fn answer(&mut self, who: usize, call: Call, now: Duration) -> Answer {
        match call {
            Call::Try if self.expires <= now => {
                *self = Self { holder: who, epoch: self.epoch + 1, expires: now + TTL };
                Answer::Taken(Some(Epoch(self.epoch)))
            }
            Call::Try => Answer::Taken(None),
            Call::Renew(epoch) => {
                let kept = self.holder == who && self.epoch == epoch.0;
                if kept {
                    self.expires = now + TTL;
                }
                Answer::Kept(kept)
            }
        }
    }
}

/// One process of the model.
struct Process {
    lease: Lease,
    /// The question, when it was sent, when the server gets it, when the answer comes, and the answer once the server gave it.
    call: Option<(Call, Duration, Duration, Duration, Option<Answer>)>,
    works: bool,
    ends_at: Option<Duration>,
}

const STEP: Duration = ms(50);

impl Process {
    fn follow(&mut self, act: Act, now: Duration, ending: Duration) {
        match act {
            Act::Begin(_) => self.works = true,
            Act::End if self.ends_at.is_none() => self.ends_at = Some(now + ending),
            Act::End | Act::StandBy | Act::Nothing => {}
        }
    }

    fn step(&mut self, who: usize, server: &mut Server, now: Duration, chance: u64) {
        // The work takes any part of the margin to end, less the coarseness of this model.
        let ending = ms(chance % 900);
        if self.ends_at.is_some_and(|at| at <= now) {
            (self.works, self.ends_at) = (false, None);
            self.lease.duty_ended();
        }
        let act = self.lease.look(now);
        self.follow(act, now, ending);
        match &mut self.call {
            None => {
                if let Some(call) = self.lease.next_call() {
                    let (there, back) = (ms(chance % 3_000), ms(chance / 3_000 % 3_000));
                    self.call = Some((call, now, now + there, now + there + back, None));
                }
            }
            Some((call, _, at, _, answer @ None)) if *at <= now => *answer = Some(server.answer(who, *call, now)),
            Some((call, sent, _, back, Some(answer))) if *back <= now => {
                let (call, sent) = (*call, *sent);
                let answer = if chance.is_multiple_of(5) { Answer::Unknown } else { *answer };
                self.call = None;
                let act = self.lease.answered(call, sent, answer, now);
                self.follow(act, now, ending);
            }
            Some(_) => {}
        }
    }
}

proptest! {
    #[test]
    fn two_processes_never_work_at_once_and_one_of_them_does(
        chances in prop::collection::vec((0_u64..9_000_000, 0_u64..9_000_000), 200..1_000),
    ) {
        let mut server = Server::default();
        let process = || Process { lease: Lease::new(TTL), call: None, works: false, ends_at: None };
        let mut processes = [process(), process()];
        let (mut now, mut worked) = (ms(0), false);
        for (first, second) in chances {
            now += STEP;
            processes[0].step(0, &mut server, now, first);
            processes[1].step(1, &mut server, now, second);
            let at_work = processes.iter().filter(|process| process.works).count();
            prop_assert!(at_work <= 1, "two at {now:?}");
            worked |= at_work == 1;
        }
        prop_assert!(worked || now < ms(30_000));
    }
}
