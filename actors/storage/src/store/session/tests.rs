//! Sessions' beginnings and the other lanes against a real PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use crate::Store;
use crate::model::Epoch;
use crate::testing::TestDatabase;
use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use usipipo_domain::dialogue::{Act, State};
use usipipo_domain::ids::{ServiceId, UserId};
use usipipo_domain::lang::Lang;
use usipipo_domain::outgoing::{Body, Priority};
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

#[tokio::test]
async fn a_session_resumes_where_the_conversation_stood() {
    let (db, store, epoch) = world().await;
    let unknown = store.session_snapshot(ANA).await.unwrap();
    assert_eq!((unknown.user, unknown.state), (None, State::Idle));
    let asks = State::AwaitName { service: ServiceId(5) };
    let state = asks.clone();
    db.act(&store, epoch, ANA, Act::Show(Screen::Help), |step| step.step.state = state, now()).await.unwrap();
    let known = db.store().session_snapshot(ANA).await.unwrap();
    let user = known.user.unwrap();
    assert_eq!((known.state, user.first_name.as_str(), user.lang), (asks, "Ana", Lang::Es));
    assert_eq!((user.created_at, user.last_seen_at, user.blocked), (now(), now(), false));
    for broken in ["version = 0", "version = 1, state = '{\"Unknown\": 1}'"] {
        db.execute(&format!("UPDATE dialogues SET {broken}")).await;
        assert_eq!(store.session_snapshot(ANA).await.unwrap().state, State::Idle, "{broken}");
    }
}

#[tokio::test]
async fn a_touch_renews_names_but_not_what_the_user_chose() {
    let (db, store, epoch) = world().await;
    db.act(&store, epoch, ANA, Act::Show(Screen::Help), |_| {}, now()).await.unwrap();
    let later = now() + TimeDelta::hours(3);
    let change = |step: &mut crate::model::StepCommit| {
        let touch = step.touch.as_mut().unwrap();
        touch.first_name = "Anita".to_owned();
        touch.username = Some("anita".to_owned());
        touch.lang = Lang::En;
        touch.tz = "Europe/Madrid".to_owned();
    };
    db.act(&store, epoch, ANA, Act::Show(Screen::Help), change, later).await.unwrap();
    let user = store.session_snapshot(ANA).await.unwrap().user.unwrap();
    assert_eq!((user.first_name.as_str(), user.username.as_deref()), ("Anita", Some("anita")));
    assert_eq!((user.lang, user.tz.as_str()), (Lang::Es, "America/Havana"));
    assert_eq!((user.created_at, user.last_seen_at), (now(), later));
}

#[tokio::test]
async fn fault_15_who_blocked_the_bot_gets_nothing_more_until_they_are_back() {
    let (db, store, epoch) = world().await;
    db.act(&store, epoch, ANA, Act::Show(Screen::Help), |_| {}, now()).await.unwrap();
    let seq = db.seed_update(&store, 9, ANA, now()).await;
    store.set_blocked(epoch, Some(seq), ANA, true, now()).await.unwrap();
    assert!(store.session_snapshot(ANA).await.unwrap().user.unwrap().blocked);
    assert_eq!(db.number("SELECT count(*) AS n FROM outbox WHERE failed_at IS NULL").await, 0);
    assert_eq!(store.backlog_of(ANA).await.unwrap(), 0);
    store.set_blocked(epoch, None, ANA, false, now()).await.unwrap();
    assert!(!store.session_snapshot(ANA).await.unwrap().user.unwrap().blocked);
    // The old row comes once more: it was done before.
    store.set_blocked(epoch, Some(seq), ANA, true, now()).await.unwrap();
    assert!(!store.session_snapshot(ANA).await.unwrap().user.unwrap().blocked);
    store.set_blocked(epoch, None, ANA, true, now()).await.unwrap();
    db.act(&store, epoch, ANA, Act::Show(Screen::Help), |_| {}, now()).await.unwrap();
    assert!(!store.session_snapshot(ANA).await.unwrap().user.unwrap().blocked, "whoever writes is back");
    store.set_blocked(epoch, None, UserId(999), true, now()).await.unwrap();
}

#[tokio::test]
async fn money_that_nobody_asked_for_is_told_once_and_a_checkout_is_refused_once() {
    let (db, store, epoch) = world().await;
    let seq = db.seed_update(&store, 1, ANA, now()).await;
    let refused = store.unexpected_payment(epoch, seq, ANA, Some("query"), None, &[ADMIN], now()).await.unwrap();
    assert_eq!(refused.len(), 1);
    assert_eq!((refused[0].chat, refused[0].priority), (ANA, Priority::Reply));
    assert!(matches!(&refused[0].content.body, Some(Body::RefuseCheckout { query_id }) if query_id == "query"));
    assert_eq!(store.unexpected_payment(epoch, seq, ANA, Some("query"), None, &[ADMIN], now()).await.unwrap(), []);

    for (update, told) in [(2, 1), (3, 0)] {
        let seq = db.seed_update(&store, update, ANA, now()).await;
        let messages = store.unexpected_payment(epoch, seq, ANA, None, Some("charge"), &[ADMIN], now()).await.unwrap();
        assert_eq!(messages.len(), told, "the same charge in another update");
        db.execute("UPDATE alerts SET resolved_at = opened_at").await;
    }
    assert_eq!(db.number("SELECT count(*) AS n FROM alerts").await, 1);
    assert_eq!(db.number("SELECT count(*) AS n FROM inbox WHERE done_at IS NULL").await, 0);
}
