#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::super::fixture::{ANA, BEA, World, at, hello};
use crate::model::{SendFailure, SentMessage};
use usipipo_domain::ids::{OutboxId, ServiceId, UserId};
use usipipo_domain::outgoing::{OutboxMessage, Priority};
use usipipo_domain::screen::Screen;

impl World {
    async fn say(&self, chat: UserId, priority: Priority, number: i64) -> OutboxMessage {
        self.store.enqueue(self.epoch, chat, priority, &hello(number), None, at(0)).await.unwrap().unwrap()
    }

    async fn due(&self, seconds: i64, except: &[OutboxId], limit: usize) -> Vec<OutboxId> {
        let waiting = self.store.outbox_waiting(at(seconds), except, limit).await.unwrap();
        waiting.into_iter().filter(|message| message.wait.is_zero()).map(|message| message.id).collect()
    }

    async fn fail(&self, id: OutboxId, failure: SendFailure) {
        self.store.mark_failure(self.epoch, id, &failure, at(50)).await.unwrap();
    }
}

fn sent(id: OutboxId, chat: UserId) -> SentMessage {
    SentMessage { id, chat, shown: None }
}

#[tokio::test]
async fn replies_come_before_deliveries_before_notices_and_each_in_order() {
    let world = World::new().await;
    let notice = world.say(ANA, Priority::Notice, 1).await;
    let reply = world.say(BEA, Priority::Reply, 2).await;
    let delivery = world.say(ANA, Priority::Delivery, 3).await;
    let second = world.say(ANA, Priority::Reply, 4).await;
    assert_eq!(world.due(0, &[], 10).await, [reply.id, second.id, delivery.id, notice.id]);
    assert_eq!(world.due(0, &[], 2).await, [reply.id, second.id]);
    assert_eq!(world.due(0, &[reply.id, delivery.id], 10).await, [second.id, notice.id]);
    assert!(world.due(-1, &[], 10).await.is_empty(), "not before its time");
    assert_eq!(world.store.outbox_waiting(at(0), &[], 1).await.unwrap(), [reply]);
}

#[tokio::test]
async fn a_dedupe_key_lets_one_message_through_for_ever() {
    let world = World::new().await;
    let once = async |number| {
        let content = hello(number);
        world.store.enqueue(world.epoch, ANA, Priority::Notice, &content, Some("ended/1"), at(0)).await.unwrap()
    };
    let first = once(1).await.unwrap();
    assert_eq!(once(2).await, None);
    world.store.mark_sent(world.epoch, &[sent(first.id, ANA)], at(1)).await.unwrap();
    assert_eq!(once(3).await, None);
    assert_eq!(world.db.number("SELECT count(*) AS n FROM outbox").await, 1);
}

#[tokio::test]
async fn what_was_sent_is_not_due_again_and_the_last_screen_of_a_chat_is_noted() {
    let world = World::new().await;
    world.db.seed_trial_offer(&world.store, world.epoch, ANA, at(0)).await;
    world.db.execute("DELETE FROM outbox; DELETE FROM dialogues").await;
    let (one, two, three) = (
        world.say(ANA, Priority::Reply, 1).await,
        world.say(ANA, Priority::Reply, 2).await,
        world.say(BEA, Priority::Reply, 3).await,
    );
    let card = Screen::Card { service: ServiceId(9) };
    let batch = [
        SentMessage { id: one.id, chat: ANA, shown: Some((70, Screen::Help)) },
        SentMessage { id: two.id, chat: ANA, shown: Some((71, card.clone())) },
        // Somebody without a row.
        SentMessage { id: three.id, chat: BEA, shown: Some((5, Screen::Help)) },
    ];
    world.store.mark_sent(world.epoch, &batch, at(5)).await.unwrap();
    assert!(world.due(99, &[], 10).await.is_empty());
    let viewer = world.store.viewer(ANA).await.unwrap().unwrap();
    assert_eq!(viewer.current, Some((71, card, at(5))));
    assert!(world.store.viewer(BEA).await.unwrap().is_none());

    // A file shows no screen: what was noted stays.
    let four = world.say(ANA, Priority::Reply, 4).await;
    world.store.mark_sent(world.epoch, &[sent(four.id, ANA)], at(9)).await.unwrap();
    assert_eq!(world.store.viewer(ANA).await.unwrap().unwrap().current.unwrap().0, 71);
}

#[tokio::test]
async fn noting_a_screen_leaves_the_conversation_alone() {
    let world = World::new().await;
    let (service, _) = world.active(ANA, 2).await;
    let state = r#"{"AwaitName":{"service":1}}"#;
    world
        .db
        .execute(&format!(
            "INSERT INTO dialogues (user_id, version, state) VALUES ({ANA}, 1, '{state}')
             ON CONFLICT (user_id) DO UPDATE SET state = excluded.state"
        ))
        .await;
    let message = world.say(ANA, Priority::Reply, 1).await;
    let shown = SentMessage { id: message.id, chat: ANA, shown: Some((7, Screen::Card { service })) };
    world.store.mark_sent(world.epoch, &[shown], at(1)).await.unwrap();
    assert_eq!(world.db.number(&format!("SELECT count(*) AS n FROM dialogues WHERE state = '{state}'")).await, 1);
}

#[tokio::test]
async fn fault_15_a_message_that_failed_comes_again_at_its_time_with_its_attempts_counted() {
    let world = World::new().await;
    let (one, two) = (world.say(ANA, Priority::Reply, 1).await, world.say(BEA, Priority::Reply, 2).await);
    world.fail(one.id, SendFailure::Retry { at: at(60), error: "503\0".to_owned() }).await;
    assert_eq!(world.due(59, &[], 10).await, [two.id]);
    let early = world.store.outbox_waiting(at(50), &[], 10).await.unwrap();
    assert_eq!((early[0].id, early[0].wait), (one.id, std::time::Duration::from_secs(10)), "it keeps its place");
    let due = world.store.outbox_waiting(at(60), &[], 10).await.unwrap();
    assert_eq!(
        due.iter().map(|message| (message.id, message.attempts)).collect::<Vec<_>>(),
        [(one.id, 1), (two.id, 0)]
    );
    world.store.mark_sent(world.epoch, &[sent(one.id, ANA)], at(61)).await.unwrap();
    // A late word about it changes nothing.
    world.fail(one.id, SendFailure::Retry { at: at(70), error: "late".to_owned() }).await;
    assert_eq!(world.due(99, &[], 10).await, [two.id]);
}

#[tokio::test]
async fn fault_15_a_message_given_up_does_not_touch_the_others_of_its_chat() {
    let world = World::new().await;
    let (one, two) = (world.say(ANA, Priority::Reply, 1).await, world.say(ANA, Priority::Reply, 2).await);
    world.fail(one.id, SendFailure::Failed { error: "400".to_owned(), blocked: false }).await;
    assert_eq!(world.due(99, &[], 10).await, [two.id]);
}

#[tokio::test]
async fn fault_15_a_user_who_blocked_the_bot_gets_nothing_more_and_others_are_not_touched() {
    let world = World::new().await;
    world.active(ANA, 2).await;
    world.db.execute("DELETE FROM outbox").await;
    let (one, two) = (world.say(ANA, Priority::Reply, 1).await, world.say(BEA, Priority::Reply, 2).await);
    world.say(ANA, Priority::Notice, 3).await;
    world.fail(one.id, SendFailure::Failed { error: "403: bot was blocked".to_owned(), blocked: true }).await;
    assert_eq!(world.due(99, &[], 10).await, [two.id]);
    assert!(world.store.viewer(ANA).await.unwrap().unwrap().user.blocked);
    assert_eq!(world.db.number("SELECT count(*) AS n FROM outbox WHERE failed_at IS NOT NULL").await, 2);
    let audited = format!("SELECT count(*) AS n FROM audit WHERE action = 'user.block' AND subject = 'user/{ANA}'");
    assert_eq!(world.db.number(&audited).await, 1);
}

#[tokio::test]
async fn a_row_of_another_version_is_given_up_and_does_not_block_the_others() {
    let world = World::new().await;
    world
        .db
        .execute(
            "INSERT INTO outbox (chat_id, priority, content, created_at, due_at)
             SELECT 1, 0, '{\"body\": {\"Hologram\": {}}}', 'epoch', 'epoch' FROM generate_series(1, 5)",
        )
        .await;
    let good = world.say(ANA, Priority::Notice, 1).await;
    assert!(world.due(99, &[], 5).await.is_empty());
    assert_eq!(world.due(99, &[], 5).await, [good.id]);
    assert_eq!(world.db.number("SELECT count(*) AS n FROM outbox WHERE failed_at IS NOT NULL").await, 5);
}
