//! The inbox against a real PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use crate::Store;
use crate::model::{Epoch, InboxRow, NewUpdate};
use crate::testing::TestDatabase;
use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use usipipo_domain::ids::{BotId, UserId};
use usipipo_domain::outgoing::Body;
use usipipo_domain::screen::Screen;

const BOT: BotId = BotId(1);
const ANA: UserId = UserId(101);

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 24, 12, 0, 0).unwrap()
}

fn update(id: i64, user: UserId, raw: &[u8]) -> NewUpdate {
    NewUpdate { update_id: Some(id), user: Some(user), lane: "session", raw: raw.to_vec() }
}

async fn world() -> (TestDatabase, Store, Epoch) {
    let db = TestDatabase::new().await;
    let store = db.store();
    let epoch = db.lead(&store).await;
    (db, store, epoch)
}

fn raws(rows: &[InboxRow]) -> Vec<&[u8]> {
    rows.iter().map(|row| row.raw.as_slice()).collect()
}

#[tokio::test]
async fn an_update_is_stored_once_and_the_new_ones_come_back_in_order() {
    let (_db, store, _) = world().await;
    let first = store.store_updates(BOT, vec![update(1, ANA, b"a"), update(2, ANA, b"b")], true, now()).await.unwrap();
    assert_eq!(raws(&first), [b"a", b"b"]);
    assert!(first[0].seq < first[1].seq);
    assert!(first.iter().all(|row| row.attempts == 1 && row.received_at == now()));
    let again = vec![update(2, ANA, b"b"), update(3, ANA, b"c"), update(3, ANA, b"c")];
    let second = store.store_updates(BOT, again, false, now()).await.unwrap();
    assert_eq!(raws(&second), [b"c"], "a repeated update, and one that comes twice in a batch, are one");
    assert_eq!(second[0].attempts, 0);
    assert_eq!(store.store_updates(BOT, Vec::new(), true, now()).await.unwrap(), []);
}

#[tokio::test]
async fn updates_without_a_number_are_all_kept() {
    let (_db, store, _) = world().await;
    let unnumbered = |raw: &[u8]| NewUpdate { update_id: None, user: None, lane: "ignored", raw: raw.to_vec() };
    let rows = store.store_updates(BOT, vec![unnumbered(b"x"), unnumbered(b"x")], false, now()).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].user, None);
}

#[tokio::test]
async fn fault_30_ids_that_start_anew_are_not_taken_for_handled() {
    let (db, store, epoch) = world().await;
    let old =
        store.store_updates(BOT, vec![update(7, ANA, b"old"), update(8, ANA, b"open")], true, now()).await.unwrap();
    store.finish(epoch, &[old[0].seq], false, now()).await.unwrap();
    // Within two days it is the same update, whoever sends it again.
    let later = now() + TimeDelta::days(2);
    assert_eq!(store.store_updates(BOT, vec![update(7, ANA, b"old")], true, later).await.unwrap(), []);
    // After a quiet week it is another.
    let week = now() + TimeDelta::days(7);
    let rows =
        store.store_updates(BOT, vec![update(7, ANA, b"new"), update(8, ANA, b"new 8")], true, week).await.unwrap();
    assert_eq!(raws(&rows), [b"new".as_slice(), b"new 8"]);
    // And that one is stored once as well.
    assert_eq!(store.store_updates(BOT, vec![update(7, ANA, b"new")], true, week).await.unwrap(), []);
    // The old ones are as they were: one handled, one still to be handled, before the new.
    let rows = store.take_for_user(epoch, ANA, 16).await.unwrap();
    assert_eq!(raws(&rows), [b"open".as_slice(), b"new", b"new 8"]);
    assert_eq!(db.number("SELECT count(*) AS n FROM inbox WHERE outcome = 'handled' AND raw = 'old'").await, 1);
}

#[tokio::test]
async fn fault_30_another_bot_has_ids_of_its_own() {
    let (_db, store, _) = world().await;
    assert_eq!(store.store_updates(BOT, vec![update(7, ANA, b"a")], true, now()).await.unwrap().len(), 1);
    assert_eq!(store.store_updates(BotId(2), vec![update(7, ANA, b"b")], true, now()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn fault_31_any_bytes_are_kept() {
    let (_db, store, epoch) = world().await;
    let nasty: [&[u8]; 4] = [b"{\"text\":\"\\u0000\"}", b"\0", &[0xff, 0xfe, 0x00], b""];
    let updates = nasty.iter().zip(1..).map(|(raw, id)| update(id, ANA, raw)).collect();
    let rows = store.store_updates(BOT, updates, false, now()).await.unwrap();
    assert_eq!(raws(&rows), nasty);
    assert_eq!(raws(&store.take_for_user(epoch, ANA, 16).await.unwrap()), nasty);
}

#[tokio::test]
async fn fault_31_an_update_that_cannot_be_stored_does_not_hold_up_its_batch() {
    let (db, store, epoch) = world().await;
    // No constraint refuses what intake makes; this one stands for whatever we did not think of.
    db.execute("ALTER TABLE inbox ADD CHECK (lane = 'ignored' OR length(raw) < 5), ADD CHECK (length(raw) < 10)").await;
    let batch = vec![
        update(1, ANA, b"fine"),
        update(2, ANA, b"refused"),
        update(3, ANA, b"refused even bare"),
        update(4, ANA, b"good"),
    ];
    let rows = store.store_updates(BOT, batch, true, now()).await.unwrap();
    assert_eq!(raws(&rows), [b"fine".as_slice(), b"refused", b"good"]);
    assert_eq!(rows[1].lane, "ignored", "its bytes are kept");
    assert_eq!(raws(&store.take_for_user(epoch, ANA, 16).await.unwrap()), [b"fine".as_slice(), b"good"]);
}

#[tokio::test]
async fn each_attempt_is_counted_before_it_is_made() {
    let (_db, store, epoch) = world().await;
    store.store_updates(BOT, (1..=5).map(|id| update(id, ANA, b"x")).collect(), false, now()).await.unwrap();
    let first = store.take_for_user(epoch, ANA, 3).await.unwrap();
    assert_eq!(first.iter().map(|row| row.attempts).collect::<Vec<_>>(), [1, 1, 1]);
    let second = store.take_for_user(epoch, ANA, 16).await.unwrap();
    assert_eq!(second.iter().map(|row| row.attempts).collect::<Vec<_>>(), [2, 2, 2, 1, 1]);
    assert!(second.is_sorted_by_key(|row| row.seq));
    store.finish(epoch, &[second[0].seq, second[1].seq], true, now()).await.unwrap();
    assert_eq!(store.backlog_of(ANA).await.unwrap(), 3);
}

#[tokio::test]
async fn waiting_users_come_oldest_first_and_lanes_are_apart() {
    let (_db, store, epoch) = world().await;
    let (beto, eva) = (UserId(102), UserId(103));
    let mut payment = update(4, eva, b"money");
    payment.lane = "payments";
    let batch = vec![update(1, beto, b"x"), update(2, ANA, b"x"), update(3, beto, b"x"), payment];
    store.store_updates(BOT, batch, false, now()).await.unwrap();
    assert_eq!(store.waiting_users(10).await.unwrap(), [beto, ANA]);
    assert_eq!(store.waiting_users(1).await.unwrap(), [beto]);
    let money = store.take_for_lane(epoch, "payments", 16).await.unwrap();
    assert_eq!((raws(&money), money[0].user, money[0].attempts), (vec![b"money".as_slice()], Some(eva), 1));
    store.finish(epoch, &[money[0].seq], false, now()).await.unwrap();
    assert_eq!(store.take_for_lane(epoch, "payments", 16).await.unwrap(), []);
}

#[tokio::test]
async fn fault_18_a_flood_is_shed_from_its_end_and_told_once_a_minute() {
    let (db, store, epoch) = world().await;
    store.store_updates(BOT, (1..=50).map(|id| update(id, ANA, b"x")).collect(), false, now()).await.unwrap();
    store.store_updates(BOT, vec![update(100, UserId(102), b"other")], false, now()).await.unwrap();
    let (shed, messages) = store.shed(epoch, ANA, 20, now()).await.unwrap();
    assert_eq!((shed, messages.len()), (30, 1));
    assert!(matches!(&messages[0].content.body, Some(Body::Screen { screen: Screen::SlowDown, .. })));
    assert_eq!(store.backlog_of(ANA).await.unwrap(), 20);
    assert_eq!(store.backlog_of(UserId(102)).await.unwrap(), 1);
    let kept = store.take_for_user(epoch, ANA, 100).await.unwrap();
    assert_eq!(kept.len(), 20);
    assert_eq!(db.number("SELECT max(update_id) AS n FROM inbox WHERE user_id = 101 AND done_at IS NULL").await, 20);
    let (shed, messages) = store.shed(epoch, ANA, 10, now() + TimeDelta::seconds(30)).await.unwrap();
    assert_eq!((shed, messages.len()), (10, 0), "told already in this minute");
    let (shed, messages) = store.shed(epoch, ANA, 10, now() + TimeDelta::seconds(90)).await.unwrap();
    assert_eq!((shed, messages.len()), (0, 0), "nothing shed, nothing said");
}

#[tokio::test]
async fn what_is_done_stays_as_it_is() {
    let (db, store, epoch) = world().await;
    let rows = store.store_updates(BOT, vec![update(1, ANA, b"x")], false, now()).await.unwrap();
    store.finish(epoch, &[rows[0].seq], false, now()).await.unwrap();
    store.finish(epoch, &[rows[0].seq], true, now() + TimeDelta::hours(1)).await.unwrap();
    assert_eq!(db.text("SELECT outcome AS t FROM inbox").await, "handled");
    store.finish(epoch, &[], true, now()).await.unwrap();
}
