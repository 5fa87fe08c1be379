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

/// A question under way.
struct Question {
    call: Call,
    sent: Duration,
    /// When the server gets it; never, if it is lost.
    arrives: Option<Duration>,
    /// When the process hears of it.
    back: Duration,
    answer: Answer,
}

/// One process of the model.
struct Process {
    lease: Lease,
    question: Option<Question>,
    works: bool,
    ends_at: Option<Duration>,
}

const STEP: Duration = ms(50);

/// What chance brings to one process in one step.
#[derive(Debug, Clone, Copy)]
struct Chance {
    /// How long the work takes to end: any part of the margin, less the coarseness of this model.
    ending: u64,
    /// To the server, and back.
    latencies: (u64, u64),
    /// Both are short, the question is lost, the answer is lost, or (above) nothing special.
    fate: u8,
}

fn chance() -> impl Strategy<Value = Chance> {
    (0_u64..900, (0_u64..3_000, 0_u64..3_000), 0_u8..6).prop_map(|(ending, latencies, fate)| Chance {
        ending,
        latencies: if fate == 0 { (0, 50) } else { latencies },
        fate,
    })
}

impl Process {
    fn new() -> Self {
        Self { lease: Lease::new(TTL), question: None, works: false, ends_at: None }
    }

    fn follow(&mut self, act: Act, now: Duration, ending: u64) {
        match act {
            Act::Begin(_) => self.works = true,
            Act::End if self.ends_at.is_none() => self.ends_at = Some(now + ms(ending)),
            Act::End | Act::StandBy | Act::Nothing => {}
        }
    }

    fn step(&mut self, who: usize, server: &mut Server, now: Duration, chance: Chance) {
        if self.ends_at.is_some_and(|at| at <= now) {
            (self.works, self.ends_at) = (false, None);
            self.lease.duty_ended();
        }
        let act = self.lease.look(now);
        self.follow(act, now, chance.ending);
        let Some(question) = &mut self.question else {
            self.ask(now, chance);
            return;
        };
        if question.arrives.is_some_and(|at| at <= now) {
            question.arrives = None;
            let answer = server.answer(who, question.call, now);
            question.answer = if chance.fate == 2 { Answer::Unknown } else { answer };
        }
        if question.arrives.is_none() && question.back <= now {
            let act = self.lease.answered(question.call, question.sent, question.answer, now);
            self.question = None;
            self.follow(act, now, chance.ending);
        }
    }

    fn ask(&mut self, now: Duration, chance: Chance) {
        let Some(call) = self.lease.next_call() else { return };
        let (there, back) = chance.latencies;
        let arrives = (chance.fate != 1).then_some(now + ms(there));
        let question = Question { call, sent: now, arrives, back: now + ms(there + back), answer: Answer::Unknown };
        self.question = Some(question);
    }
}

proptest! {
    #[test]
    fn two_processes_never_work_at_once_and_one_of_them_does(
        chances in prop::collection::vec((chance(), chance()), 200..2_000),
    ) {
        let mut server = Server::default();
        let mut processes = [Process::new(), Process::new()];
        let (mut now, mut worked) = (ms(0), false);
        for (first, second) in chances {
            now += STEP;
            processes[0].step(0, &mut server, now, first);
            processes[1].step(1, &mut server, now, second);
            let at_work = processes.iter().filter(|process| process.works).count();
            prop_assert!(at_work <= 1, "two at {now:?}");
            worked |= at_work == 1;
        }
        prop_assert!(worked || now < ms(60_000));
    }
}
