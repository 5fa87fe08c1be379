#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{KIND, OutboxMsg, spec};
use crate::fixture::{ANA, BEA, Bench};
use crate::ports::messenger::SendError;
use crate::testing::until;
use std::time::Duration;
use usipipo_domain::ids::UserId;
use usipipo_domain::outgoing::{Body, OutboxMessage, Outgoing, Place, Priority};
use usipipo_domain::screen::Screen;

const SECOND: Duration = Duration::from_secs(1);

impl Bench {
    /// A row that nobody tells the outbox about.
    async fn row(&self, chat: UserId, priority: Priority) -> OutboxMessage {
        let content = Outgoing::new(Body::Screen { screen: Screen::Home { new: false }, place: Place::New });
        let row = self.store.enqueue(self.duty.epoch, chat, priority, &content, None, self.now()).await.unwrap();
        row.expect("no dedupe, no refusal")
    }

    async fn send(&self, chat: UserId) -> OutboxMessage {
        let row = self.row(chat, Priority::Reply).await;
        self.env.directory.outbox.tell(OutboxMsg::Send(vec![row.clone()]));
        row
    }

    async fn unsent(&self) -> i64 {
        self.db.number("SELECT count(*) AS n FROM outbox WHERE sent_at IS NULL").await
    }

    async fn until_sent(&self) {
        until("every row is marked as sent", async || self.unsent().await == 0).await;
    }

    fn ids(&self) -> Vec<i64> {
        self.messenger.taken().iter().map(|taken| taken.message.id.0).collect()
    }
}

fn unavailable() -> SendError {
    SendError::Unavailable("502".to_owned())
}

#[tokio::test]
async fn what_is_pushed_is_sent_at_once_and_marked() {
    let bench = Bench::new().await;
    bench.start([spec(&bench.duty)]).await;
    let row = bench.send(ANA).await;
    bench.until_sent().await;
    assert_eq!(bench.messenger.to(ANA), [row]);
}

#[tokio::test]
async fn rows_that_nobody_told_about_are_found() {
    let bench = Bench::new().await;
    let before = bench.row(ANA, Priority::Notice).await;
    bench.start([spec(&bench.duty)]).await;
    bench.until_sent().await;
    let later = bench.row(BEA, Priority::Reply).await;
    bench.until_sent().await;
    assert_eq!(bench.ids(), [before.id.0, later.id.0]);
}

#[tokio::test]
async fn what_a_chat_shows_is_known_before_its_next_message_is_rendered() {
    let bench = Bench::new().await;
    let (_, _) = bench.trial(ANA, 2).await;
    bench.forget_messages().await;
    bench.start([spec(&bench.duty)]).await;
    let (one, two) = (bench.row(ANA, Priority::Reply).await, bench.row(ANA, Priority::Reply).await);
    bench.messenger.delay(Duration::from_millis(20));
    bench.env.directory.outbox.tell(OutboxMsg::Send(vec![one.clone(), two.clone()]));
    let begun = || bench.messenger.attempts().len() == 2;
    until("the second one is under way", async || begun()).await;
    let shown = bench.store.viewer(ANA).await.unwrap().unwrap().current.map(|(message, ..)| message);
    let first = bench.messenger.taken().first().and_then(|taken| taken.message_id);
    assert!(first.is_some() && shown == first, "{shown:?} {first:?}");
    bench.until_sent().await;
    assert_eq!(bench.messenger.overlaps(), 0);
}

#[tokio::test]
async fn fault_15_everything_pauses_as_telegram_asks_and_then_goes_on() {
    let bench = Bench::new().await;
    let pause = Duration::from_millis(700);
    bench.messenger.fail_next([SendError::RetryAfter(pause)]);
    bench.start([spec(&bench.duty)]).await;
    bench.send(ANA).await;
    until("it was tried", async || bench.messenger.attempts().len() == 1).await;
    bench.send(BEA).await;
    bench.until_sent().await;
    let asked = bench.messenger.attempts()[0].1;
    for taken in bench.messenger.taken() {
        assert!(taken.at >= asked + pause, "sent {:?} after being asked to wait", taken.at - asked);
    }
    assert_eq!(bench.db.number("SELECT max(attempts)::bigint AS n FROM outbox").await, 1, "the pause was no attempt");
}

#[tokio::test]
async fn fault_15_a_chat_for_which_telegram_fails_delays_no_other_and_is_tried_again() {
    let bench = Bench::new().await;
    bench.messenger.fail_chat(ANA, Some(unavailable()));
    bench.start([spec(&bench.duty)]).await;
    let failing = bench.send(ANA).await;
    let retries = format!("SELECT attempts::bigint AS n FROM outbox WHERE id = {}", failing.id);
    until("the failure is noted", async || bench.db.number(&retries).await == 1).await;
    for other in 100..120 {
        bench.send(UserId(other)).await;
    }
    until("the others are sent", async || bench.messenger.count() == 20).await;
    until("they are marked", async || bench.unsent().await == 1).await;
    bench.messenger.fail_chat(ANA, None);
    bench.until_sent().await;
    let attempts = bench.messenger.attempts();
    let times: Vec<_> = attempts.iter().filter(|(message, _)| message.chat == ANA).map(|(_, at)| *at).collect();
    assert!(times[1] - times[0] >= SECOND);
}

#[tokio::test]
async fn fault_15_what_fails_again_and_again_is_given_up() {
    let bench = Bench::with(|limits| limits.send_attempts_max = 2, |_| {}).await;
    bench.messenger.fail_chat(ANA, Some(unavailable()));
    bench.start([spec(&bench.duty)]).await;
    let row = bench.send(ANA).await;
    let failed = format!("SELECT count(*) AS n FROM outbox WHERE id = {} AND failed_at IS NOT NULL", row.id);
    until("it is given up", async || bench.db.number(&failed).await == 1).await;
    assert_eq!(bench.messenger.attempts().len(), 2);
}

#[tokio::test]
async fn fault_15_a_user_who_blocked_the_bot_gets_nothing_and_others_everything() {
    let bench = Bench::new().await;
    let _ = bench.trial(ANA, 2).await;
    bench.forget_messages().await;
    bench.messenger.fail_chat(ANA, Some(SendError::Unreachable("blocked".to_owned())));
    let rows = [bench.row(ANA, Priority::Reply).await, bench.row(ANA, Priority::Reply).await];
    let other = bench.row(BEA, Priority::Notice).await;
    bench.start([spec(&bench.duty)]).await;
    let failed = "SELECT count(*) AS n FROM outbox WHERE failed_at IS NOT NULL";
    until("both are given up", async || bench.db.number(failed).await == 2).await;
    until("the other has theirs", async || bench.messenger.to(BEA) == [other.clone()]).await;
    assert_eq!(bench.messenger.attempts().iter().filter(|(message, _)| message.chat == ANA).count(), 1);
    let blocked = format!("SELECT count(*) AS n FROM users WHERE id = {ANA} AND blocked_at IS NOT NULL");
    assert_eq!(bench.db.number(&blocked).await, 1);
    assert_eq!(rows.len(), 2);
}

#[tokio::test]
async fn fault_15_a_message_that_telegram_refuses_is_given_up_at_once() {
    let bench = Bench::new().await;
    bench.messenger.fail_next([SendError::Rejected("can't parse entities".to_owned())]);
    bench.start([spec(&bench.duty)]).await;
    bench.send(ANA).await;
    until("it is given up", async || {
        bench.db.number("SELECT count(*) AS n FROM outbox WHERE failed_at IS NOT NULL").await == 1
    })
    .await;
    let second = bench.send(ANA).await;
    until("the next one is sent", async || bench.messenger.to(ANA) == [second.clone()]).await;
}

#[tokio::test]
async fn a_message_whose_rendering_panics_harms_no_other() {
    let bench = Bench::new().await;
    bench.messenger.panic_on(ANA);
    bench.start([spec(&bench.duty)]).await;
    let bad = bench.send(ANA).await;
    let good = bench.send(BEA).await;
    until("the other is sent", async || bench.messenger.to(BEA) == [good.clone()]).await;
    let noted = format!("SELECT attempts::bigint AS n FROM outbox WHERE id = {}", bad.id);
    until("the failure is noted", async || bench.db.number(&noted).await >= 1).await;
    assert_eq!(bench.restarts(KIND).await, 0);
}

#[tokio::test]
async fn after_a_crash_everything_is_sent_at_most_once_more() {
    let bench = Bench::with(|limits| limits.send_rate = None, |_| {}).await;
    bench.messenger.delay(Duration::from_millis(30));
    bench.start([spec(&bench.duty)]).await;
    for chat in 0..40 {
        bench.send(UserId(1_000 + chat)).await;
        if chat == 20 {
            bench.kill(KIND).await;
        }
    }
    bench.until_sent().await;
    assert_eq!(bench.restarts(KIND).await, 1);
    for chat in 0..40 {
        let times = bench.messenger.to(UserId(1_000 + chat)).len();
        assert!((1..=2).contains(&times), "{times} messages to chat {chat}");
    }
}

#[tokio::test]
async fn after_a_panic_it_goes_on_with_the_rows() {
    let bench = Bench::new().await;
    bench.start([spec(&bench.duty)]).await;
    bench.panic(KIND);
    let row = bench.send(ANA).await;
    bench.until_sent().await;
    assert_eq!(bench.messenger.to(ANA), [row]);
    until("the restart is counted", async || bench.restarts(KIND).await == 1).await;
}

#[tokio::test]
async fn a_stop_finishes_and_marks_what_is_under_way() {
    let bench = Bench::new().await;
    bench.messenger.delay(Duration::from_millis(300));
    bench.start([spec(&bench.duty)]).await;
    bench.send(ANA).await;
    until("it is under way", async || bench.messenger.attempts().len() == 1).await;
    bench.stop(KIND).await;
    assert_eq!(bench.messenger.to(ANA).len(), 1);
    assert_eq!(bench.unsent().await, 0, "and its row says so");
}

#[tokio::test]
async fn fault_14_while_the_database_is_away_marks_wait_and_nothing_is_sent_twice() {
    let bench =
        Bench::with(|limits| limits.send_rate = None, |store| store.statement_timeout = Duration::from_millis(150))
            .await;
    let rows = {
        let mut rows = Vec::new();
        for chat in 0..30 {
            rows.push(bench.row(UserId(1_000 + chat), Priority::Reply).await);
        }
        rows
    };
    bench.messenger.hold(true);
    bench.start([spec(&bench.duty)]).await;
    bench.env.directory.outbox.tell(OutboxMsg::Send(rows));
    until("all are under way", async || bench.messenger.attempts().len() == 30).await;
    let lock = bench.lock("outbox").await;
    bench.messenger.hold(false);
    until("all are sent", async || bench.messenger.count() == 30).await;
    lock.turned_away(3).await;
    lock.release().await;
    bench.until_sent().await;
    let mut ids = bench.ids();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), bench.messenger.count()), (30, 30));
}

#[tokio::test]
async fn fault_33_when_another_process_leads_it_sends_nothing_more() {
    let bench = Bench::new().await;
    bench.start([spec(&bench.duty)]).await;
    bench.db.execute("UPDATE leader_lease SET epoch = epoch + 1").await;
    let content = Outgoing::new(Body::Screen { screen: Screen::Home { new: false }, place: Place::New });
    let next = usipipo_storage::model::Epoch(bench.duty.epoch.0 + 1);
    let lost = bench.lost_lead().await;
    let enqueue = async |chat| {
        let row = bench.store.enqueue(next, chat, Priority::Reply, &content, None, bench.now()).await.unwrap();
        bench.env.directory.outbox.tell(OutboxMsg::Send(row.into_iter().collect()));
    };
    enqueue(ANA).await;
    until("it was sent", async || bench.messenger.count() == 1).await;
    // Its mark is refused, which says who leads.
    until("it says so", async || *lost.borrow() == Some(bench.duty.epoch)).await;
    enqueue(BEA).await;
    bench.env.directory.outbox.tell(OutboxMsg::Tick);
    until("both messages are taken", async || bench.env.directory.outbox.depth() == 0).await;
    // It ends after what it has in hand, and a call that it began then began before.
    bench.stop(KIND).await;
    assert_eq!(bench.messenger.attempts().len(), 1, "nothing was tried but the first");
}

#[tokio::test]
async fn what_does_not_fit_into_memory_is_sent_from_the_rows() {
    let bench = Bench::with(
        |limits| {
            limits.send_rate = None;
            limits.outbox_memory_max = 5;
        },
        |_| {},
    )
    .await;
    let mut rows = Vec::new();
    for chat in 0..50 {
        rows.push(bench.row(UserId(1_000 + chat), Priority::Notice).await);
    }
    bench.start([spec(&bench.duty)]).await;
    bench.env.directory.outbox.tell(OutboxMsg::Send(rows));
    bench.until_sent().await;
    assert_eq!(bench.messenger.count(), 50);
}

#[tokio::test]
async fn commands_are_announced_until_telegram_listens() {
    let bench = Bench::new().await;
    bench.messenger.fail_announcements([SendError::RetryAfter(Duration::from_millis(20)), unavailable()]);
    bench.start([spec(&bench.duty)]).await;
    until("the commands are announced", async || bench.messenger.announced() == 1).await;
}
