#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{AlertsMsg, KIND, spec};
use crate::fixture::{ADMIN, Bench};
use crate::outbox;
use crate::testing::until;
use std::time::Duration;
use usipipo_domain::alert::AlertKind;
use usipipo_domain::outgoing::{Body, Priority};

fn down() -> AlertKind {
    AlertKind::NodeDown { node: "miami".to_owned(), error: "no answer".to_owned() }
}

impl Bench {
    fn tell_alerts(&self, message: AlertsMsg) {
        assert!(self.env.directory.alerts.tell(message));
    }

    /// What the admin was told: `true` for "it is over".
    fn told(&self) -> Vec<bool> {
        let resolved = |body: Option<Body>| match body {
            Some(Body::Alert { resolved, .. }) => resolved,
            other => panic!("{other:?}"),
        };
        self.messenger.to(ADMIN).into_iter().map(|message| resolved(message.content.body)).collect()
    }

    async fn open(&self) -> i64 {
        self.db.number("SELECT count(*) AS n FROM alerts WHERE resolved_at IS NULL").await
    }
}

#[tokio::test]
async fn admins_are_told_once_that_it_began_and_once_that_it_is_over() {
    let bench = Bench::new().await;
    bench.start([spec(&bench.duty), outbox::spec(&bench.duty)]).await;
    for _ in 0..5 {
        bench.tell_alerts(AlertsMsg::Raise(down()));
    }
    until("the admin is told", async || bench.told() == [false]).await;
    assert_eq!(bench.messenger.to(ADMIN)[0].priority, Priority::Notice);
    assert_eq!(bench.open().await, 1);
    for _ in 0..5 {
        bench.tell_alerts(AlertsMsg::Resolve(down().key()));
    }
    until("the admin is told of the end", async || bench.told() == [false, true]).await;
    assert_eq!(bench.open().await, 0);
    bench.tell_alerts(AlertsMsg::Raise(down()));
    until("it begins anew", async || bench.told() == [false, true, false]).await;
}

#[tokio::test]
async fn an_alert_of_an_earlier_process_is_resolved() {
    let bench = Bench::new().await;
    bench.store.raise(bench.duty.epoch, &down(), &[ADMIN], bench.now()).await.unwrap();
    bench.start([spec(&bench.duty), outbox::spec(&bench.duty)]).await;
    // The outbox still reads the old row while the new one is handed to it.
    bench.tell_alerts(AlertsMsg::Resolve(down().key()));
    until("it is resolved", async || bench.open().await == 0).await;
    until("the admin is told both", async || bench.told().len() == 2).await;
    assert_eq!(bench.told(), [false, true], "it begins before it is over");
}

#[tokio::test]
async fn fault_14_what_is_reported_while_the_database_is_away_is_told_later() {
    let bench = Bench::with(|_| {}, |store| store.statement_timeout = Duration::from_millis(100)).await;
    bench.start([spec(&bench.duty), outbox::spec(&bench.duty)]).await;
    let lock = bench.lock("alerts").await;
    for count in 1..=3 {
        bench.tell_alerts(AlertsMsg::Raise(AlertKind::ForeignPeers { node: "miami".to_owned(), count }));
    }
    bench.tell_alerts(AlertsMsg::Raise(down()));
    lock.turned_away(2).await;
    lock.release().await;
    until("both are told", async || bench.told() == [false, false]).await;
    assert_eq!(bench.open().await, 2);
    let count =
        bench.db.number("SELECT (content->>'count')::bigint AS n FROM alerts WHERE key = 'foreign_peers/miami'").await;
    assert_eq!(count, 3, "the latest words count");
}

#[tokio::test]
async fn after_a_crash_the_same_condition_is_not_told_again() {
    let bench = Bench::new().await;
    bench.start([spec(&bench.duty), outbox::spec(&bench.duty)]).await;
    bench.tell_alerts(AlertsMsg::Raise(down()));
    until("the admin is told", async || bench.told() == [false]).await;
    bench.kill(KIND).await;
    until("it is back", async || bench.restarts(KIND).await == 1 && bench.env.directory.alerts.depth() == 0).await;
    until("it takes words again", async || {
        bench.env.directory.alerts.tell(AlertsMsg::Raise(down()));
        bench.db.number("SELECT times::bigint AS n FROM alerts").await == 2
    })
    .await;
    bench.tell_alerts(AlertsMsg::Resolve(down().key()));
    until("its end is told", async || bench.told() == [false, true]).await;
}
