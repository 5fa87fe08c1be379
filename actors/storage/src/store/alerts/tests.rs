#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::super::fixture::{ANA, BEA, World, at, bodies};
use usipipo_domain::alert::AlertKind;
use usipipo_domain::dialogue::{Act, Effect};
use usipipo_domain::ids::AlertId;
use usipipo_domain::outgoing::{Body, Place, Priority};
use usipipo_domain::screen::Screen;

fn down(error: &str) -> AlertKind {
    AlertKind::NodeDown { node: "miami".to_owned(), error: error.to_owned() }
}

#[tokio::test]
async fn an_alert_raised_many_times_is_one_message_per_admin_and_resolved_once() {
    let world = World::new().await;
    let (store, epoch) = (&world.store, world.epoch);
    let opened = store.raise(epoch, &down("no answer"), &[ANA, BEA], at(0)).await.unwrap();
    assert_eq!(opened.iter().map(|message| message.chat).collect::<Vec<_>>(), [ANA, BEA]);
    assert!(opened.iter().all(|message| message.priority == Priority::Notice));
    for second in 1..5 {
        assert!(store.raise(epoch, &down("refused"), &[ANA, BEA], at(second)).await.unwrap().is_empty());
    }
    let open = store.open_alerts().await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!((&open[0].kind, open[0].times, open[0].opened_at), (&down("refused"), 5, at(0)));
    let alert = open[0].id;
    assert_eq!(bodies(&opened)[0], Body::Alert { alert, resolved: false });

    let resolved = store.resolve(epoch, &down("").key(), &[ANA], at(9)).await.unwrap();
    assert_eq!(bodies(&resolved), [Body::Alert { alert, resolved: true }]);
    assert!(store.resolve(epoch, &down("").key(), &[ANA], at(10)).await.unwrap().is_empty());
    assert!(store.open_alerts().await.unwrap().is_empty());
    assert_eq!(store.alert(alert).await.unwrap().unwrap().resolved_at, Some(at(9)));
}

#[tokio::test]
async fn a_condition_that_comes_back_is_a_new_alert() {
    let world = World::new().await;
    let (store, epoch) = (&world.store, world.epoch);
    store.raise(epoch, &down("x"), &[ANA], at(0)).await.unwrap();
    store.resolve(epoch, &down("x").key(), &[ANA], at(1)).await.unwrap();
    let again = store.raise(epoch, &down("x"), &[ANA], at(2)).await.unwrap();
    assert_eq!(again.len(), 1);
    let open = store.open_alerts().await.unwrap();
    assert_eq!((open[0].times, open[0].opened_at), (1, at(2)));
}

#[tokio::test]
async fn the_same_condition_raised_by_many_at_once_is_told_once() {
    let world = World::new().await;
    let kind = down("x");
    let calls = (0..8).map(|_| {
        let (store, epoch, kind) = (world.store.clone(), world.epoch, kind.clone());
        tokio::spawn(async move { store.raise(epoch, &kind, &[ANA], at(0)).await })
    });
    let mut told = 0;
    for call in calls.collect::<Vec<_>>() {
        told += call.await.unwrap().unwrap().len();
    }
    assert_eq!(told, 1);
    assert_eq!(world.store.open_alerts().await.unwrap()[0].times, 8);
}

#[tokio::test]
async fn an_alert_that_only_a_person_can_end_is_settled_once_and_the_others_are_told() {
    let world = World::new().await;
    let (store, epoch) = (&world.store, world.epoch);
    let payment = AlertKind::UnexpectedPayment { charge: "stx_1".to_owned() };
    store.raise(epoch, &payment, &[ANA, BEA], at(0)).await.unwrap();
    store.raise(epoch, &down("x"), &[ANA, BEA], at(0)).await.unwrap();
    let open = store.open_alerts().await.unwrap();
    let of = |kind: &AlertKind| open.iter().find(|row| row.kind == *kind).unwrap().id;
    let (payment, down) = (of(&payment), of(&down("x")));
    let settle = async |alert| {
        let act = Act::Do(Effect::SettleAlert(alert));
        world.db.act(store, epoch, ANA, act, |_| {}, at(5)).await.unwrap().messages
    };

    let messages = settle(payment).await;
    let chats: Vec<_> = messages.iter().map(|message| (message.chat, message.content.body.clone().unwrap())).collect();
    let screen = |screen| Body::Screen { screen, place: Place::New };
    let told = Body::Alert { alert: payment, resolved: true };
    assert_eq!(chats, [(BEA, told), (ANA, screen(Screen::AlertSettled { alert: payment }))]);
    assert_eq!(store.alert(payment).await.unwrap().unwrap().resolved_at, Some(at(5)));
    // Twice, one that ends by itself, and one that there is not.
    for alert in [payment, down, AlertId(999)] {
        let messages = settle(alert).await;
        assert!(messages.iter().all(|message| message.chat == ANA), "{messages:?}");
        assert!(!bodies(&messages).contains(&screen(Screen::AlertSettled { alert })));
    }
    assert_eq!(store.open_alerts().await.unwrap().iter().map(|row| row.id).collect::<Vec<_>>(), [down]);
    let audited = format!("SELECT count(*) AS n FROM audit WHERE action = 'alert.settle' AND user_id = {ANA}");
    assert_eq!(world.db.number(&audited).await, 1);
}

#[tokio::test]
async fn the_worst_alerts_are_listed_first_and_unreadable_ones_are_left_out() {
    let world = World::new().await;
    let foreign = AlertKind::ForeignPeers { node: "miami".to_owned(), count: 2 };
    world.store.raise(world.epoch, &foreign, &[], at(0)).await.unwrap();
    world.store.raise(world.epoch, &down("x"), &[], at(1)).await.unwrap();
    world
        .db
        .execute(
            "INSERT INTO alerts (key, content, severity, opened_at, raised_at)
             VALUES ('new', '{\"kind\": \"meteor\"}', 'critical', 'epoch', 'epoch')",
        )
        .await;
    let open = world.store.open_alerts().await.unwrap();
    assert_eq!(open.into_iter().map(|row| row.kind).collect::<Vec<_>>(), [down("x"), foreign]);
}
