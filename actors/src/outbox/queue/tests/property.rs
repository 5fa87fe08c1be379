//! Any rows, any answers of Telegram, any lost hints.

use super::{SECOND, done, message, toast};
use crate::limits::{Limits, SendRate};
use crate::outbox::queue::{Queue, Trouble, Verdict};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};
use usipipo_domain::ids::{OutboxId, UserId};
use usipipo_domain::outgoing::{OutboxMessage, Priority};

/// How Telegram answers an attempt.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Taken,
    Fails(Trouble),
}

#[derive(Debug, Clone)]
struct Job {
    after_ms: u64,
    chat: i64,
    priority: Priority,
    free: bool,
    answers: Vec<Answer>,
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        12 => Just(Answer::Taken),
        1 => Just(Answer::Fails(Trouble::Pause(Duration::from_millis(700)))),
        3 => Just(Answer::Fails(Trouble::Unavailable)),
        1 => Just(Answer::Fails(Trouble::Render)),
        1 => Just(Answer::Fails(Trouble::Rejected)),
        1 => Just(Answer::Fails(Trouble::Unreachable)),
    ]
}

fn job() -> impl Strategy<Value = Job> {
    let priority = prop_oneof![Just(Priority::Reply), Just(Priority::Delivery), Just(Priority::Notice)];
    (0_u64..400, 0_i64..6, priority, prop::bool::weighted(0.1), prop::collection::vec(answer(), 0..4))
        .prop_map(|(after_ms, chat, priority, free, answers)| Job { after_ms, chat, priority, free, answers })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Waits,
    Sent,
    GivenUp,
}

#[derive(Debug)]
struct Row {
    message: OutboxMessage,
    fate: Fate,
    due: Instant,
    attempts: usize,
}

/// Rows, the queue, and a Telegram that answers as told.
struct World {
    queue: Queue,
    rows: BTreeMap<i64, Row>,
    answers: HashMap<i64, Vec<Answer>>,
    calls: BTreeMap<(Instant, i64), Answer>,
    marks: BTreeSet<(Instant, i64)>,
    busy: HashMap<i64, i64>,
    sent: Vec<(Instant, i64)>,
    taken: Vec<i64>,
}

impl World {
    fn free(message: &OutboxMessage) -> bool {
        message.content.body.is_none()
    }

    fn pump(&mut self, now: Instant) {
        while let Some(next) = self.queue.next(now) {
            let id = next.message.id.0;
            let row = self.rows.get_mut(&id).expect("only rows are sent");
            assert_eq!(row.fate, Fate::Waits, "{id} is sent although its row is done");
            let other = self.busy.insert(row.message.chat.0, id);
            assert_eq!(other, None, "two under way in one chat");
            row.attempts += 1;
            let answer = self.answers.get_mut(&id).and_then(Vec::pop).unwrap_or(Answer::Taken);
            if !Self::free(&row.message) {
                self.sent.push((now, id));
            }
            self.calls.insert((now + Duration::from_millis(30), id), answer);
        }
    }

    fn answered(&mut self, id: i64, answer: Answer, now: Instant) {
        let chat = self.rows[&id].message.chat;
        self.busy.remove(&chat.0);
        let row = self.rows.get_mut(&id).expect("a row");
        match answer {
            Answer::Taken => {
                let shows = !Self::free(&row.message);
                self.taken.push(id);
                self.queue.delivered(OutboxId(id), shows, now);
                self.marks.insert((now + Duration::from_millis(20), id));
            }
            Answer::Fails(trouble) => match self.queue.failed(OutboxId(id), trouble, now) {
                Verdict::Again => {}
                Verdict::Retry(wait) => row.due = now + wait,
                Verdict::GiveUp => {
                    row.fate = Fate::GivenUp;
                    self.queue.marked(OutboxId(id), chat, now);
                }
                Verdict::Blocked => {
                    for row in self.rows.values_mut().filter(|row| row.message.chat == chat) {
                        if row.fate == Fate::Waits && !self.taken.contains(&row.message.id.0) {
                            row.fate = Fate::GivenUp;
                        }
                    }
                    self.queue.marked(OutboxId(id), chat, now);
                }
            },
        }
    }

    fn read(&mut self, now: Instant) {
        let Some((room, except)) = self.queue.begin_reading(50) else { return };
        let mut due: Vec<_> = self
            .rows
            .values()
            .filter(|row| row.fate == Fate::Waits && row.due <= now && !except.contains(&row.message.id))
            .map(|row| row.message.clone())
            .collect();
        due.sort_by_key(|message| (message.priority, message.id));
        due.truncate(room);
        let complete = due.len() < room;
        self.queue.end_reading(due, complete, now);
    }

    fn check_limits(&self, rate: SendRate) {
        let burst = usize::try_from(rate.burst + rate.per_chat_per_second).unwrap();
        for (index, (at, _)) in self.sent.iter().enumerate() {
            let second: Vec<_> = self.sent[index..].iter().take_while(|(later, _)| *later < *at + SECOND).collect();
            assert!(second.len() <= usize::try_from(rate.per_second).unwrap(), "{} in one second", second.len());
            let notices = second.iter().filter(|(_, id)| self.rows[id].message.priority == Priority::Notice).count();
            assert!(notices <= (usize::try_from(rate.per_second).unwrap() * 2 / 3).max(1), "{notices} notices");
            let mut by_chat: HashMap<UserId, usize> = HashMap::new();
            for (_, id) in second {
                let count = by_chat.entry(self.rows[id].message.chat).or_default();
                *count += 1;
                assert!(*count <= burst, "{count} to one chat in one second");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_or_doubled_and_every_limit_is_kept(
        jobs in prop::collection::vec(job(), 1..60),
        memory in 1_usize..20,
        lost_hints in prop::collection::vec(any::<bool>(), 60),
    ) {
        let rate = SendRate { per_second: 7, per_chat_per_second: 1, burst: 2 };
        let limits = Limits { outbox_memory_max: memory, sends_in_flight_max: 4, send_rate: Some(rate), ..Limits::default() };
        let start = Instant::now();
        let mut world = World {
            queue: Queue::new(&limits),
            rows: BTreeMap::new(),
            answers: HashMap::new(),
            calls: BTreeMap::new(),
            marks: BTreeSet::new(),
            busy: HashMap::new(),
            sent: Vec::new(),
            taken: Vec::new(),
        };
        let mut now = start;
        let mut arrivals = Vec::new();
        for (id, job) in (1_i64..).zip(&jobs) {
            now += Duration::from_millis(job.after_ms);
            arrivals.push((now, id));
        }
        let mut arrivals = arrivals.into_iter().peekable();
        let mut now = start;
        let mut next_read = start;
        for step in 0.. {
            prop_assert!(step < 200_000, "it never ends");
            while let Some((_, id)) = arrivals.next_if(|(at, _)| *at <= now) {
                let job = &jobs[usize::try_from(id - 1).unwrap()];
                let message = if job.free { toast(id, job.chat) } else { message(id, job.chat, job.priority) };
                world.rows.insert(id, Row { message: message.clone(), fate: Fate::Waits, due: now, attempts: 0 });
                world.answers.insert(id, job.answers.clone());
                if !lost_hints[usize::try_from(id - 1).unwrap()] {
                    world.queue.push(vec![message], now);
                }
            }
            while let Some(entry) = world.calls.first_entry().filter(|entry| entry.key().0 <= now) {
                let ((_, id), answer) = entry.remove_entry();
                world.answered(id, answer, now);
            }
            while let Some((at, id)) = world.marks.first().copied().filter(|(at, _)| *at <= now) {
                world.marks.remove(&(at, id));
                let row = world.rows.get_mut(&id).unwrap();
                row.fate = Fate::Sent;
                world.queue.marked(OutboxId(id), row.message.chat, now);
            }
            if next_read <= now {
                world.read(now);
                next_read = now + SECOND;
            }
            world.pump(now);
            prop_assert!(world.queue.in_flight() <= 4);
            prop_assert!(world.queue.next_time(now).is_none_or(|at| at > now), "it would run in circles");
            let over = arrivals.peek().is_none() && world.rows.values().all(|row| row.fate != Fate::Waits);
            if over {
                break;
            }
            now = [
                arrivals.peek().map(|(at, _)| *at),
                world.calls.keys().next().map(|(at, _)| *at),
                world.marks.first().map(|(at, _)| *at),
                Some(next_read),
                world.queue.next_time(now),
            ]
            .into_iter()
            .flatten()
            .filter(|at| *at > now)
            .min()
            .unwrap();
        }
        let mut taken = world.taken.clone();
        taken.sort_unstable();
        taken.dedup();
        prop_assert_eq!(taken.len(), world.taken.len(), "something was sent twice");
        for (id, row) in &world.rows {
            prop_assert_eq!(row.fate == Fate::Sent, world.taken.contains(id));
            prop_assert!(row.attempts > 0 || row.fate == Fate::GivenUp);
        }
        world.check_limits(rate);
        prop_assert_eq!(world.queue.waiting(), 0);
        prop_assert_eq!(world.queue.in_flight(), 0);
    }

    #[test]
    fn without_failures_each_chat_gets_its_messages_in_order(
        chats in prop::collection::vec((0_i64..4, 0_u8..3), 1..80),
        memory in 1_usize..20,
    ) {
        let limits = Limits { outbox_memory_max: memory, sends_in_flight_max: 5, send_rate: None, ..Limits::default() };
        let mut queue = Queue::new(&limits);
        let start = Instant::now();
        let rows: Vec<_> = (1_i64..)
            .zip(&chats)
            .map(|(id, (chat, priority))| message(id, *chat, Priority::from_i16(i16::from(*priority))))
            .collect();
        let mut sent: Vec<OutboxMessage> = Vec::new();
        let mut pushed = 0;
        let mut now = start;
        while sent.len() < rows.len() {
            now += SECOND;
            let hint = rows[pushed..].iter().take(3).cloned().collect();
            pushed = rows.len().min(pushed + 3);
            queue.push(hint, now);
            if let Some((room, except)) = queue.begin_reading(10) {
                let waits = |row: &&OutboxMessage| !sent.contains(row) && !except.contains(&row.id);
                let mut due: Vec<_> = rows[..pushed].iter().filter(waits).cloned().collect();
                due.sort_by_key(|message| (message.priority, message.id));
                due.truncate(room);
                let complete = due.len() < room;
                queue.end_reading(due, complete, now);
            }
            let batch: Vec<_> = std::iter::from_fn(|| queue.next(now)).map(|next| next.message).collect();
            for message in batch {
                done(&mut queue, message.id.0, message.chat.0, now);
                sent.push(message);
            }
        }
        for chat in 0..4 {
            for priority in [Priority::Reply, Priority::Delivery, Priority::Notice] {
                let ids: Vec<_> = sent
                    .iter()
                    .filter(|message| message.chat == UserId(chat) && message.priority == priority)
                    .map(|message| message.id)
                    .collect();
                prop_assert!(ids.is_sorted(), "{:?}", ids);
            }
        }
    }
}
