#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{KIND, SweeperMsg, spec};
use crate::fixture::{ANA, Bench, at};
use crate::testing::until;
use crate::{ip_pool, outbox};
use std::sync::atomic::Ordering;
use std::time::Duration;
use usipipo_domain::ids::ServiceId;
use usipipo_domain::lifecycle::Reminder;
use usipipo_domain::outgoing::Body;

const WEEK: i64 = 7 * 86_400;

impl Bench {
    async fn active(&self, host: u8) -> ServiceId {
        let (service, peer) = self.trial(ANA, host).await;
        self.store.peers_applied(self.duty.epoch, self.node.node, &[peer.id], self.now()).await.unwrap();
        service
    }

    fn moved(&self) {
        self.env.directory.sweeper.tell(SweeperMsg::ClockMoved);
    }

    /// `n` active services of as many users that end one after another within a minute.
    async fn many(&self, n: u32) {
        let (node, start) = (self.node.node, at(0));
        self.db
            .execute(&format!(
                "INSERT INTO users (id, first_name, language, tz, created_at, last_seen_at)
                 SELECT 9999 + i, 'U', 'es', 'UTC', '{start}', '{start}' FROM generate_series(1, {n}) i;
                 INSERT INTO services (user_id, product, trial, node_id, name, status, days, created_at, activated_at, ends_at)
                 SELECT 9999 + i, 'wireguard', true, {node}, 'W', 'active', 7, '{start}', '{start}',
                        '{start}'::timestamptz + make_interval(secs => i * 60.0 / {n}) FROM generate_series(1, {n}) i;"
            ))
            .await;
    }

    async fn with_status(&self, status: &str) -> i64 {
        self.db.number(&format!("SELECT count(*) AS n FROM services WHERE status = '{status}'")).await
    }
}

#[tokio::test]
async fn a_trial_ends_at_its_second_and_its_owner_is_told_once() {
    let bench = Bench::new().await;
    let service = bench.active(2).await;
    bench.forget_messages().await;
    // So that its end is all there is to tell.
    bench.db.execute("UPDATE users SET reminders = false").await;
    bench.start([outbox::spec(&bench.duty), spec(&bench.duty)]).await;
    bench.pass(WEEK - 1);
    bench.moved();
    until("it looked", async || bench.env.directory.sweeper.depth() == 0).await;
    assert_eq!(bench.status(service).await, "active", "a second before");
    bench.pass(1);
    // Nobody says that the time has come: by now the sweeper waits for just this second.
    until("it ended", async || bench.status(service).await == "suspended").await;
    until("its owner is told", async || bench.messenger.count() == 1).await;
    assert_eq!(bench.messenger.to(ANA)[0].content.body, Some(Body::Ended { service }));
    bench.moved();
    bench.kill(KIND).await;
    until("it is back", async || bench.restarts(KIND).await == 1).await;
    bench.pass(3600);
    bench.moved();
    until("it looked again", async || {
        bench.db.number("SELECT count(*) AS n FROM outbox WHERE sent_at IS NULL").await == 0
            && bench.env.directory.sweeper.depth() == 0
    })
    .await;
    assert_eq!(bench.messenger.count(), 1);
}

#[tokio::test]
async fn fault_12_ten_thousand_ends_in_one_minute_are_swept_in_batches_and_everybody_is_told() {
    const MANY: u32 = 10_000;
    let bench = Bench::with(
        |limits| {
            limits.send_rate = None;
            limits.sweep_batch_max = 500;
            limits.outbox_memory_max = 1_000;
        },
        |_| {},
    )
    .await;
    bench.many(MANY).await;
    bench.start([outbox::spec(&bench.duty), spec(&bench.duty)]).await;
    bench.pass(60);
    bench.moved();
    until("all ended", async || bench.with_status("suspended").await == i64::from(MANY)).await;
    until("everybody is told", async || bench.messenger.count() == usize::try_from(MANY).unwrap()).await;
    until("and marked", async || bench.db.number("SELECT count(*) AS n FROM outbox WHERE sent_at IS NULL").await == 0)
        .await;
    assert_eq!(bench.messenger.count(), usize::try_from(MANY).unwrap());
}

#[tokio::test]
async fn addresses_whose_rest_is_over_go_back_to_their_pool() {
    let bench = Bench::new().await;
    let (service, peer) = bench.trial(ANA, 2).await;
    let row = bench.store.node(bench.node.node).await.unwrap().unwrap();
    bench.start(ip_pool::spec(&bench.duty, &row, 0)).await;
    let place = bench.env.directory.pool(bench.node.trial).unwrap();
    assert_eq!(place.free.load(Ordering::Relaxed), 252);
    bench
        .db
        .execute(&format!(
            "UPDATE services SET status = 'revoked' WHERE id = {service};
             UPDATE peers SET retired_at = created_at, removed_at = created_at WHERE id = {};
             UPDATE leases SET state = 'quarantined', quarantine_until = '{}' WHERE service_id = {service}",
            peer.id,
            at(86_400)
        ))
        .await;
    bench.start([spec(&bench.duty)]).await;
    bench.pass(86_399);
    bench.moved();
    until("it looked", async || bench.env.directory.sweeper.depth() == 0).await;
    assert_eq!(place.free.load(Ordering::Relaxed), 252);
    bench.pass(1);
    bench.moved();
    until("the address is free", async || place.free.load(Ordering::Relaxed) == 253).await;
}

#[tokio::test]
async fn old_rows_go_every_hour() {
    let bench = Bench::new().await;
    let _ = bench.trial(ANA, 2).await;
    bench.start([spec(&bench.duty)]).await;
    let raw = "SELECT count(*) AS n FROM inbox WHERE raw <> ''";
    assert!(bench.db.number(raw).await > 0);
    bench.pass(8 * 86_400);
    bench.moved();
    until("contents are erased", async || bench.db.number(raw).await == 0).await;
    bench.pass(31 * 86_400);
    bench.moved();
    until("the rows are gone", async || bench.db.number("SELECT count(*) AS n FROM inbox").await == 0).await;
}

#[tokio::test]
async fn fault_14_it_goes_on_when_the_database_is_back() {
    let bench = Bench::with(|_| {}, |store| store.statement_timeout = Duration::from_millis(100)).await;
    let service = bench.active(2).await;
    bench.start([spec(&bench.duty)]).await;
    let lock = bench.lock("services").await;
    bench.pass(WEEK);
    bench.moved();
    lock.turned_away(2).await;
    lock.release().await;
    until("it ended", async || bench.status(service).await == "suspended").await;
    assert_eq!(bench.restarts(KIND).await, 0);
}

#[tokio::test]
async fn after_a_panic_it_sweeps_on() {
    let bench = Bench::new().await;
    let service = bench.active(2).await;
    bench.start([spec(&bench.duty)]).await;
    bench.panic(KIND);
    bench.pass(WEEK);
    bench.moved();
    until("it ended", async || bench.status(service).await == "suspended").await;
}

#[tokio::test]
async fn each_reminder_is_sent_once_at_its_time_also_after_panics() {
    let bench = Bench::new().await;
    let service = bench.active(2).await;
    bench.forget_messages().await;
    bench.start([outbox::spec(&bench.duty), spec(&bench.duty)]).await;
    let told = || bench.messenger.to(ANA).into_iter().filter_map(|message| message.content.body).collect::<Vec<_>>();
    let mut expected = Vec::new();
    for reminder in Reminder::ALL {
        let due = at(WEEK) - reminder.before();
        bench.pass((due - bench.now()).num_seconds() - 1);
        bench.moved();
        until("it looked", async || bench.env.directory.sweeper.depth() == 0).await;
        assert_eq!(told(), expected, "a second before");
        bench.pass(1);
        bench.moved();
        expected.push(Body::Reminder { service, reminder });
        until("the owner is reminded", async || told() == expected).await;
        let restarts = bench.restarts(KIND).await;
        bench.panic(KIND);
        bench.moved();
        until("it was started again", async || bench.restarts(KIND).await > restarts).await;
        bench.moved();
    }
    bench.pass(7_200);
    bench.moved();
    expected.push(Body::Ended { service });
    until("its end is told", async || told() == expected).await;
}

#[tokio::test]
async fn what_was_not_renewed_in_its_grace_is_over_and_its_address_rests() {
    let bench = Bench::new().await;
    let service = bench.active(2).await;
    bench.start([spec(&bench.duty)]).await;
    bench.pass(WEEK);
    bench.moved();
    until("it ended", async || bench.status(service).await == "suspended").await;
    bench.pass(48 * 3_600 - 1);
    bench.moved();
    until("it looked", async || bench.env.directory.sweeper.depth() == 0).await;
    assert_eq!(bench.status(service).await, "suspended", "a second before");
    bench.pass(1);
    bench.moved();
    until("it is over", async || bench.status(service).await == "expired").await;
    let resting = "SELECT count(*) AS n FROM leases WHERE state = 'quarantined'";
    assert_eq!(bench.db.number(resting).await, 1);
}
