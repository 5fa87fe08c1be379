//! Dead letters against a real PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use crate::Store;
use crate::model::Epoch;
use crate::testing::{TestDatabase, screen};
use chrono::{DateTime, TimeZone as _, Utc};
use usipipo_domain::dialogue::{Act, Effect};
use usipipo_domain::ids::{DeadLetterId, UserId};
use usipipo_domain::outgoing::{Body, OutboxMessage, Priority};
use usipipo_domain::screen::Screen;

const ANA: UserId = UserId(101);
const ADMIN: UserId = UserId(1);

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 24, 12, 0, 0).unwrap()
}

async fn world() -> (TestDatabase, Store, Epoch) {
    let db = TestDatabase::new().await;
    let store = db.store();
    let epoch = db.lead(&store).await;
    (db, store, epoch)
}

fn apologies(messages: &[OutboxMessage]) -> Vec<(UserId, String)> {
    let code = |message: &OutboxMessage| match &message.content.body {
        Some(Body::Screen { screen: Screen::Apology { code }, .. }) => Some((message.chat, code.clone())),
        _ => None,
    };
    messages.iter().filter_map(code).collect()
}

#[test]
fn a_code_is_short_and_can_be_read_aloud() {
    for _ in 0..200 {
        let code = super::code().unwrap();
        let shape: String = code.chars().map(|c| if c.is_ascii_digit() { '9' } else { 'A' }).collect();
        assert_eq!(shape, "A9A9", "{code}");
        assert!(!code.contains(['0', '1', 'O', 'I']), "{code}");
    }
}

#[tokio::test]
async fn a_buried_update_is_over_its_user_gets_one_apology_and_admins_one_alert() {
    let (db, store, epoch) = world().await;
    let seq = db.seed_update(&store, 1, ANA, now()).await;
    store.take_for_user(epoch, ANA, 1).await.unwrap();
    let (code, messages) = store.bury(epoch, seq, "it \0 broke", true, &[ADMIN], now()).await.unwrap();
    assert_eq!(apologies(&messages), [(ANA, code.clone())]);
    let alerts: Vec<_> =
        messages.iter().filter(|message| matches!(message.content.body, Some(Body::Alert { .. }))).collect();
    assert_eq!(
        alerts.iter().map(|message| (message.chat, message.priority)).collect::<Vec<_>>(),
        [(ADMIN, Priority::Notice)]
    );
    assert_eq!(store.backlog_of(ANA).await.unwrap(), 0);
    assert_eq!(db.text("SELECT outcome AS t FROM inbox").await, "dead");
    assert_eq!(
        db.text("SELECT error || '/' || attempts || '/' || code AS t FROM dead_letters").await,
        format!("it  broke/1/{code}")
    );
    // Buried again (after a crash of whoever did it): the same code and not a word more.
    let again = store.bury(epoch, seq, "it broke", true, &[ADMIN], now()).await.unwrap();
    assert_eq!(again, (code, Vec::new()));
    // Another letter counts the same alert again.
    let seq = db.seed_update(&store, 2, ANA, now()).await;
    let (_, messages) = store.bury(epoch, seq, "again", false, &[ADMIN], now()).await.unwrap();
    assert_eq!(messages, [], "no apology asked for, and the alert is open");
    assert_eq!(db.number("SELECT (content ->> 'count')::bigint AS n FROM alerts WHERE times = 2").await, 2);
}

#[tokio::test]
async fn what_was_handled_is_not_buried() {
    let (db, store, epoch) = world().await;
    let seq = db.seed_update(&store, 1, ANA, now()).await;
    store.finish(epoch, &[seq], false, now()).await.unwrap();
    let buried = store.bury(epoch, seq, "late", true, &[ADMIN], now()).await.unwrap();
    assert_eq!(buried, (String::new(), Vec::new()));
    assert_eq!(db.number("SELECT count(*) AS n FROM dead_letters").await, 0);
}

#[tokio::test]
async fn a_replayed_letter_is_handled_again_once_with_its_attempts_counted_anew() {
    let (db, store, epoch) = world().await;
    let seq = db.seed_update(&store, 1, ANA, now()).await;
    store.take_for_user(epoch, ANA, 1).await.unwrap();
    store.bury(epoch, seq, "it broke", true, &[], now()).await.unwrap();
    // Meanwhile the inbox forgot its content.
    db.execute("UPDATE inbox SET raw = ''").await;
    let letter = DeadLetterId(db.number("SELECT id AS n FROM dead_letters").await);
    let replay = || Act::Do(Effect::Replay(letter));
    let done = db.act(&store, epoch, ADMIN, replay(), |_| {}, now()).await.unwrap();
    assert_eq!(screen(&done), Some(&Screen::DeadLetterReplayed { id: letter }));
    assert_eq!(done.replayed, Some(ANA));
    let rows = store.take_for_user(epoch, ANA, 16).await.unwrap();
    assert_eq!(
        rows.iter().map(|row| (row.seq, row.attempts, row.raw.as_slice())).collect::<Vec<_>>(),
        [(seq, 1, b"{}".as_slice())]
    );
    let again = db.act(&store, epoch, ADMIN, replay(), |_| {}, now()).await.unwrap();
    assert_eq!(screen(&again), Some(&Screen::DeadLetters { page: 0 }));
    assert_eq!(again.replayed, None);
    assert_eq!(db.number("SELECT replayed_by AS n FROM dead_letters").await, ADMIN.0);
    // It fails again: a new letter, a new apology.
    let (_, messages) = store.bury(epoch, seq, "and again", true, &[], now()).await.unwrap();
    assert_eq!(apologies(&messages).len(), 1);
}

#[tokio::test]
async fn a_letter_outlives_its_inbox_row() {
    let (db, store, epoch) = world().await;
    let seq = db.seed_update(&store, 1, ANA, now()).await;
    store.bury(epoch, seq, "it broke", false, &[], now()).await.unwrap();
    db.execute("DELETE FROM inbox").await;
    let letter = DeadLetterId(db.number("SELECT id AS n FROM dead_letters").await);
    let done = db.act(&store, epoch, ADMIN, Act::Do(Effect::Replay(letter)), |_| {}, now()).await.unwrap();
    assert_eq!(done.replayed, Some(ANA));
    assert_eq!(store.take_for_user(epoch, ANA, 16).await.unwrap().len(), 1);
}
