#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{Queue, Trouble, Verdict};
use crate::limits::Limits;
use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};
use usipipo_domain::ids::{OutboxId, ServiceId, UserId};
use usipipo_domain::outgoing::{Body, OutboxMessage, Outgoing, Place, Priority};
use usipipo_domain::screen::Screen;

mod property;

const SECOND: Duration = Duration::from_secs(1);

fn limits() -> Limits {
    Limits { sends_in_flight_max: 1_000, ..Limits::default() }
}

fn message(id: i64, chat: i64, priority: Priority) -> OutboxMessage {
    let content = Outgoing::new(Body::Screen { screen: Screen::Home { new: false }, place: Place::New });
    OutboxMessage { id: OutboxId(id), chat: UserId(chat), priority, attempts: 0, wait: Duration::ZERO, content }
}

fn toast(id: i64, chat: i64) -> OutboxMessage {
    let content = Outgoing { callback_id: Some("7".to_owned()), toast: None, body: None };
    OutboxMessage { content, ..message(id, chat, Priority::Reply) }
}

fn drain(queue: &mut Queue, now: Instant) -> Vec<i64> {
    std::iter::from_fn(|| queue.next(now)).map(|next| next.message.id.0).collect()
}

/// Delivered and marked.
fn done(queue: &mut Queue, id: i64, chat: i64, now: Instant) {
    queue.delivered(OutboxId(id), true, now);
    queue.marked(OutboxId(id), UserId(chat), now);
}

#[test]
fn what_is_pushed_before_the_first_reading_waits_for_older_rows_of_its_chat() {
    let now = Instant::now();
    let mut queue = Queue::new(&limits()).before_first_reading();
    queue.push(vec![message(9, 1, Priority::Notice), toast(10, 1)], now);
    assert_eq!(drain(&mut queue, now), [10], "a toast makes no message in the chat");
    queue.delivered(OutboxId(10), false, now);
    queue.begin_reading(10).unwrap();
    queue.end_reading(vec![message(5, 1, Priority::Notice), message(9, 1, Priority::Notice)], true, now);
    assert_eq!(drain(&mut queue, now), [5]);
    done(&mut queue, 5, 1, now);
    assert_eq!(drain(&mut queue, now), [9], "once");
    done(&mut queue, 9, 1, now);
    queue.push(vec![message(11, 1, Priority::Notice)], now);
    assert_eq!(drain(&mut queue, now), [11], "from then on nothing waits");
}

#[test]
fn after_a_first_reading_that_left_notices_behind_new_notices_join_them_and_answers_go_on() {
    let now = Instant::now();
    let mut queue = Queue::new(&limits()).before_first_reading();
    queue.begin_reading(2).unwrap();
    queue.end_reading(vec![message(1, 1, Priority::Reply), message(2, 2, Priority::Notice)], false, now);
    queue.push(vec![message(8, 3, Priority::Notice), message(9, 3, Priority::Reply)], now);
    assert_eq!(drain(&mut queue, now), [1, 9, 2]);
    done(&mut queue, 9, 3, now);
    queue.begin_reading(10).unwrap();
    queue.end_reading(vec![message(3, 3, Priority::Notice), message(8, 3, Priority::Notice)], true, now);
    assert_eq!(drain(&mut queue, now), [3]);
    done(&mut queue, 3, 3, now);
    assert_eq!(drain(&mut queue, now), [8]);
}

#[test]
fn a_row_that_failed_in_an_earlier_process_is_not_overtaken_by_a_younger_one() {
    let now = Instant::now();
    let mut queue = Queue::new(&limits()).before_first_reading();
    queue.begin_reading(10).unwrap();
    let failed = OutboxMessage { attempts: 2, wait: 16 * SECOND, ..message(1, 1, Priority::Notice) };
    queue.end_reading(vec![failed], true, now);
    queue.push(vec![message(2, 1, Priority::Notice)], now);
    assert_eq!(drain(&mut queue, now + 15 * SECOND), Vec::<i64>::new());
    assert_eq!(drain(&mut queue, now + 16 * SECOND), [1]);
    done(&mut queue, 1, 1, now + 16 * SECOND);
    assert_eq!(drain(&mut queue, now + 17 * SECOND), [2]);
}

#[test]
fn answers_go_before_deliveries_and_those_before_notices() {
    let (mut queue, now) = (Queue::new(&limits()), Instant::now());
    queue.push(
        vec![message(1, 1, Priority::Notice), message(2, 2, Priority::Delivery), message(3, 3, Priority::Reply)],
        now,
    );
    assert_eq!(drain(&mut queue, now), [3, 2, 1]);
}

#[test]
fn a_chat_gets_one_message_at_a_time_in_the_order_of_rows() {
    let (mut queue, now) = (Queue::new(&limits()), Instant::now());
    queue.push(vec![message(2, 1, Priority::Reply), message(1, 1, Priority::Reply)], now);
    assert_eq!(drain(&mut queue, now), [1]);
    queue.delivered(OutboxId(1), true, now);
    assert_eq!(drain(&mut queue, now), [] as [i64; 0], "what the first one shows is not marked yet");
    queue.marked(OutboxId(1), UserId(1), now);
    assert_eq!(drain(&mut queue, now), [2]);
}

#[test]
fn a_message_that_shows_nothing_frees_its_chat_before_it_is_marked() {
    let (mut queue, now) = (Queue::new(&limits()), Instant::now());
    queue.push(vec![message(1, 1, Priority::Delivery), message(2, 1, Priority::Delivery)], now);
    assert_eq!(drain(&mut queue, now), [1]);
    queue.delivered(OutboxId(1), false, now);
    assert_eq!(drain(&mut queue, now), [2]);
}

#[test]
fn a_second_hint_about_a_row_changes_nothing() {
    let (mut queue, now) = (Queue::new(&limits()), Instant::now());
    queue.push(vec![message(1, 1, Priority::Reply)], now);
    queue.push(vec![message(1, 1, Priority::Reply)], now);
    assert_eq!(drain(&mut queue, now), [1]);
    queue.push(vec![message(1, 1, Priority::Reply)], now);
    done(&mut queue, 1, 1, now);
    // A reading that began before the mark brings it once more.
    queue.end_reading(vec![message(1, 1, Priority::Reply)], true, now);
    queue.push(vec![message(1, 1, Priority::Reply)], now);
    assert_eq!(drain(&mut queue, now), [] as [i64; 0]);
}

#[test]
fn no_more_than_thirty_go_within_a_second() {
    let (mut queue, now) = (Queue::new(&limits()), Instant::now());
    queue.push((0..100).map(|n| message(n, n, Priority::Reply)).collect(), now);
    assert_eq!(drain(&mut queue, now).len(), 30);
    assert_eq!(drain(&mut queue, now + SECOND / 2).len(), 0);
    let next = queue.next_time(now + SECOND / 2).unwrap();
    assert!(next > now + SECOND, "{:?}", next - now);
    assert_eq!(drain(&mut queue, next).len(), 30);
}

#[test]
fn notices_leave_a_third_of_the_speed_to_answers() {
    let (mut queue, now) = (Queue::new(&limits()), Instant::now());
    queue.push((0..100).map(|n| message(n, n, Priority::Notice)).collect(), now);
    assert_eq!(drain(&mut queue, now).len(), 20);
    queue.push((100..120).map(|n| message(n, n, Priority::Reply)).collect(), now);
    assert_eq!(drain(&mut queue, now), (100..110).collect::<Vec<_>>(), "ten of the thirty are left");
}

#[test]
fn notices_leave_a_third_of_the_calls_under_way_to_answers() {
    let limits = Limits { sends_in_flight_max: 9, send_rate: None, ..Limits::default() };
    let (mut queue, now) = (Queue::new(&limits), Instant::now());
    queue.push((0..100).map(|n| message(n, n, Priority::Notice)).collect(), now);
    assert_eq!(drain(&mut queue, now).len(), 6);
    queue.push((100..120).map(|n| message(n, n, Priority::Reply)).collect(), now);
    assert_eq!(drain(&mut queue, now), [100, 101, 102]);
    assert_eq!(queue.in_flight(), 9);
    assert_eq!(queue.next_time(now), None, "only the end of a call can help");
}

#[test]
fn a_chat_gets_a_burst_and_then_one_a_second() {
    let (mut queue, start) = (Queue::new(&limits()), Instant::now());
    queue.push((0..6).map(|n| message(n, 1, Priority::Reply)).collect(), start);
    let mut now = start;
    let mut sent = Vec::new();
    while sent.len() < 6 {
        for id in drain(&mut queue, now) {
            sent.push((id, (now - start).as_millis()));
            done(&mut queue, id, 1, now);
        }
        // Marked and free: more may go at once.
        if let Some(next) = queue.next_time(now) {
            now = next.max(now);
        }
    }
    assert_eq!(sent, [(0, 0), (1, 0), (2, 0), (3, 1_000), (4, 2_000), (5, 3_000)]);
}

#[test]
fn an_answer_to_a_button_alone_counts_against_no_limit() {
    let (mut queue, now) = (Queue::new(&limits()), Instant::now());
    queue.push((0..30).map(|n| message(n, n, Priority::Reply)).collect(), now);
    assert_eq!(drain(&mut queue, now).len(), 30);
    queue.push((100..150).map(|n| toast(n, n)).collect(), now);
    assert_eq!(drain(&mut queue, now).len(), 50);
}

#[test]
fn fault_15_everything_waits_as_long_as_telegram_asks() {
    let (mut queue, now) = (Queue::new(&limits()), Instant::now());
    queue.push((1..=3).map(|n| message(n, n, Priority::Reply)).collect(), now);
    assert_eq!(drain(&mut queue, now), [1, 2, 3]);
    assert_eq!(queue.failed(OutboxId(1), Trouble::Pause(5 * SECOND), now), Verdict::Again);
    done(&mut queue, 2, 2, now);
    queue.push(vec![message(4, 4, Priority::Reply)], now);
    assert!(queue.is_paused(now));
    assert_eq!(drain(&mut queue, now + 4 * SECOND), [] as [i64; 0]);
    assert_eq!(queue.next_time(now), Some(now + 5 * SECOND));
    assert_eq!(drain(&mut queue, now + 5 * SECOND), [1, 4]);
}

#[test]
fn fault_15_a_chat_that_fails_waits_longer_each_time_and_delays_no_other() {
    let limits = Limits { send_rate: None, ..limits() };
    let (mut queue, mut now) = (Queue::new(&limits), Instant::now());
    queue.push(vec![message(1, 1, Priority::Reply), message(2, 1, Priority::Reply)], now);
    let mut waits = Vec::new();
    for other in 10.. {
        queue.push(vec![message(other, other, Priority::Reply)], now);
        assert_eq!(drain(&mut queue, now), [1, other], "the second message of the chat keeps behind the first");
        done(&mut queue, other, other, now);
        match queue.failed(OutboxId(1), Trouble::Unavailable, now) {
            Verdict::Retry(wait) => {
                waits.push(wait.as_secs());
                assert_eq!(drain(&mut queue, now + wait - Duration::from_millis(1)), [] as [i64; 0]);
                now += wait;
            }
            verdict => {
                assert_eq!(verdict, Verdict::GiveUp);
                break;
            }
        }
    }
    assert_eq!(waits, [1, 4, 16, 64, 256, 300, 300]);
    assert_eq!(drain(&mut queue, now), [2], "after it was given up the next one goes");
}

#[test]
fn someone_who_writes_again_waits_no_long_time_for_the_next_attempt() {
    let (mut queue, now) = (Queue::new(&limits()), Instant::now());
    queue.push(vec![OutboxMessage { attempts: 5, ..message(1, 1, Priority::Delivery) }], now);
    assert_eq!(drain(&mut queue, now), [1]);
    assert_eq!(queue.failed(OutboxId(1), Trouble::Unavailable, now), Verdict::Retry(300 * SECOND));
    queue.push(vec![message(2, 1, Priority::Reply)], now);
    assert_eq!(queue.next_time(now), Some(now + 5 * SECOND));
}

#[test]
fn fault_15_an_outage_of_telegrams_uses_up_no_attempts() {
    let limits = Limits { send_rate: None, ..limits() };
    let (mut queue, start) = (Queue::new(&limits), Instant::now());
    queue.push((0..20).map(|n| message(n, n, Priority::Reply)).collect(), start);
    assert_eq!(drain(&mut queue, start).len(), 20);
    let verdicts: Vec<_> = (0..20).map(|n| queue.failed(OutboxId(n), Trouble::Unavailable, start)).collect();
    assert!(verdicts[..4].iter().all(|verdict| *verdict == Verdict::Retry(SECOND)), "{verdicts:?}");
    assert!(verdicts[4..].iter().all(|verdict| *verdict == Verdict::Again), "{verdicts:?}");

    let mut now = start;
    let mut tried = BTreeSet::new();
    let mut gaps = Vec::new();
    for _ in 0..100 {
        let next = queue.next_time(now).unwrap().max(now);
        gaps.push((next - now).as_secs());
        now = next;
        let probes = drain(&mut queue, now);
        assert!(probes.len() <= 1, "one at a time: {probes:?}");
        for id in probes {
            tried.insert(id);
            assert_eq!(queue.next_time(now), None, "until the answer is here there is nothing to wake for");
            assert_eq!(queue.failed(OutboxId(id), Trouble::Unavailable, now), Verdict::Again);
        }
    }
    assert_eq!(gaps[..7], [1, 2, 4, 8, 16, 30, 30], "ever less often");
    assert_eq!(tried.len(), 20, "every chat tries, it may be about some of them after all: {tried:?}");

    let until = queue.next_time(now).unwrap();
    let id = drain(&mut queue, until)[0];
    done(&mut queue, id, id, until);
    let rest = drain(&mut queue, until + 2 * SECOND);
    assert_eq!(rest.len(), 19, "once Telegram answers, all go");
}

#[test]
fn one_message_that_always_fails_is_no_outage() {
    let limits = Limits { send_rate: None, ..limits() };
    let (mut queue, mut now) = (Queue::new(&limits), Instant::now());
    queue.push(vec![message(1, 1, Priority::Reply)], now);
    let mut attempts = 0;
    loop {
        assert_eq!(drain(&mut queue, now), [1]);
        attempts += 1;
        match queue.failed(OutboxId(1), Trouble::Unavailable, now) {
            Verdict::Retry(wait) => now += wait,
            verdict => {
                assert_eq!(verdict, Verdict::GiveUp);
                break;
            }
        }
    }
    assert_eq!(attempts, 8);
}

#[test]
fn fault_15_a_user_who_blocked_us_gets_nothing_more() {
    let (mut queue, now) = (Queue::new(&limits()), Instant::now());
    queue.push((1..=3).map(|n| message(n, 1, Priority::Reply)).collect(), now);
    queue.push(vec![message(4, 2, Priority::Reply)], now);
    assert_eq!(drain(&mut queue, now), [1, 4]);
    assert_eq!(queue.failed(OutboxId(1), Trouble::Unreachable, now), Verdict::Blocked);
    queue.marked(OutboxId(1), UserId(1), now);
    assert_eq!(queue.waiting(), 0);
    queue.push(vec![message(9, 1, Priority::Reply)], now);
    assert_eq!(drain(&mut queue, now), [9], "what comes after they are back is sent");
}

#[test]
fn what_does_not_fit_is_left_to_the_rows_the_least_urgent_first() {
    let limits = Limits { outbox_memory_max: 3, send_rate: None, ..limits() };
    let (mut queue, now) = (Queue::new(&limits), Instant::now());
    queue.push((1..=3).map(|n| message(n, n, Priority::Notice)).collect(), now);
    queue.push(vec![message(4, 4, Priority::Reply), message(5, 5, Priority::Notice)], now);
    assert_eq!(queue.waiting(), 3);
    assert!(queue.has_left_out());
    assert_eq!(drain(&mut queue, now), [4, 1, 2]);
    for id in [4, 1, 2] {
        done(&mut queue, id, id, now);
    }
    // A newer notice keeps behind those that wait outside.
    queue.push(vec![message(6, 6, Priority::Notice)], now);
    assert_eq!(drain(&mut queue, now), [] as [i64; 0]);
    let (room, except) = queue.begin_reading(100).unwrap();
    assert_eq!((room, except.len()), (3, 0));
    queue.end_reading([3, 5, 6].map(|n| message(n, n, Priority::Notice)).into(), true, now);
    assert!(!queue.has_left_out());
    assert_eq!(drain(&mut queue, now), [3, 5, 6]);
}

#[test]
fn ten_thousand_notices_delay_no_answer_by_two_seconds() {
    let (mut queue, start) = (Queue::new(&limits()), Instant::now());
    queue.push((0..10_000).map(|n| message(n, n, Priority::Notice)).collect(), start);
    let mut now = start;
    let mut asked: HashMap<i64, Instant> = HashMap::new();
    let mut worst = Duration::ZERO;
    let mut notices = 0;
    // Nine answers a second for a minute, while the notices go out.
    for tick in 0_i64..600 {
        now = start + Duration::from_millis(100) * u32::try_from(tick).unwrap();
        if tick % 10 != 9 {
            let id = 100_000 + tick;
            queue.push(vec![message(id, id, Priority::Reply)], now);
            asked.insert(id, now);
        }
        for id in drain(&mut queue, now) {
            done(&mut queue, id, id, now);
            match asked.remove(&id) {
                Some(at) => worst = worst.max(now - at),
                None => notices += 1,
            }
        }
    }
    assert!(worst <= Duration::from_millis(200), "{worst:?}");
    assert!(asked.is_empty());
    assert!(notices > 1_000, "and the notices go on: {notices} in {:?}", now - start);
}

#[test]
fn a_file_counts_as_a_message_and_waits_its_turn_behind_the_screen() {
    let (mut queue, now) = (Queue::new(&limits()), Instant::now());
    let file = Outgoing::new(Body::ConfigFile { service: ServiceId(1) });
    let file = OutboxMessage { content: file, ..message(2, 1, Priority::Delivery) };
    queue.push(vec![file, message(1, 1, Priority::Delivery)], now);
    assert_eq!(drain(&mut queue, now), [1]);
    done(&mut queue, 1, 1, now);
    assert_eq!(drain(&mut queue, now), [2]);
}
