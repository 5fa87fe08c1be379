#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::super::fixture::{ANA, BEA, World, at, bodies, days};
use crate::model::{KeyNodeRow, KeyStanding};
use chrono::{DateTime, TimeDelta, Utc};
use usipipo_domain::dialogue::{Act, Effect};
use usipipo_domain::ids::ServiceId;
use usipipo_domain::lifecycle::{GRACE, QuietHours, Reminder};
use usipipo_domain::outgoing::Body;
use usipipo_domain::screen::Screen;
use usipipo_domain::service::{Product, ServiceStatus};

impl World {
    /// A free proxy that works since `at(0)`, for thirty days.
    async fn proxy(&self) -> (KeyNodeRow, ServiceId, i64) {
        let node = self.db.seed_key_node("paris", Product::Mtproto).await;
        let service = self.db.seed_key_service(&self.store, self.epoch, ANA, &node, at(0)).await;
        let key = self.store.keys_of(node.id).await.unwrap()[0].id;
        self.store.keys_applied(self.epoch, node.id, &[(key, KeyStanding::Open)], at(0)).await.unwrap();
        (node, service, key)
    }

    async fn reminded(&self, now: DateTime<Utc>, quiet: Option<QuietHours>) -> Vec<Body> {
        let store = self.store.clone().with_notice_hours(quiet, "UTC");
        bodies(&store.remind_due(self.epoch, now, 10).await.unwrap().messages)
    }

    async fn renew(&self, service: ServiceId, now: DateTime<Utc>) -> Vec<Body> {
        let asked = self.act(ANA, Act::Do(Effect::OfferRenew(service)), now).await;
        let Some(Body::Screen { screen: Screen::AskRenew { offer, .. }, .. }) = asked.first() else { return asked };
        self.act(ANA, Act::Do(Effect::Accept { offer: *offer, own_key: None, node: None }), now).await
    }
}

#[tokio::test]
async fn each_reminder_comes_once_at_its_time() {
    let world = World::new().await;
    let (service, _) = world.active(ANA, 2).await;
    let end = at(0) + days(7);
    let mut seen = Vec::new();
    // As the sweeper does: always at the next moment at which something is due.
    for _ in 0..20 {
        let Some(now) = world.store.next_sweep(GRACE).await.unwrap().filter(|now| *now < end) else { break };
        for body in world.reminded(now, None).await {
            seen.push((body, end - now));
        }
    }
    let expected = Reminder::ALL.map(|reminder| (Body::Reminder { service, reminder }, reminder.before()));
    assert_eq!(seen, expected);
    assert!(world.reminded(end - TimeDelta::seconds(1), None).await.is_empty());
}

#[tokio::test]
async fn reminders_keep_out_of_quiet_hours_and_of_the_way_of_who_wants_none() {
    let world = World::new().await;
    let (service, _) = world.active(ANA, 2).await;
    // The end and every reminder but the last lie at the same time of day, in the middle of these hours.
    let minute = u16::try_from(at(0).timestamp() % 86_400 / 60).unwrap();
    let quiet = QuietHours::new((minute + 1_440 - 60) % 1_440, (minute + 60) % 1_440);
    world.db.execute("UPDATE users SET tz = 'UTC'").await;
    let due = at(0) + days(4);
    assert!(world.reminded(due - TimeDelta::minutes(90), quiet).await.is_empty());
    let early = world.reminded(due - TimeDelta::minutes(61), quiet).await;
    assert_eq!(early, [Body::Reminder { service, reminder: Reminder::ThreeDays }]);
    assert!(world.reminded(due, quiet).await.is_empty());

    world.db.execute("UPDATE users SET reminders = false").await;
    assert!(world.reminded(at(0) + days(6), None).await.is_empty());
    world.db.execute("UPDATE users SET reminders = true").await;
    assert!(world.reminded(at(1) + days(6), None).await.is_empty(), "what was due then is dealt with");
}

#[tokio::test]
async fn a_change_of_hours_or_clock_plans_reminders_anew() {
    let world = World::new().await;
    let (service, _) = world.active(ANA, 2).await;
    world.db.execute("UPDATE users SET tz = 'UTC'").await;
    let (end, quiet) = (at(0) + days(7), Some(QuietHours::default()));
    // 11:06:40 in Greenwich; two hours before is no quiet time there.
    let one_day = world.reminded(end - days(1), quiet).await;
    assert_eq!(one_day, [Body::Reminder { service, reminder: Reminder::OneDay }]);
    let moved = Effect::SetTimeZone(chrono_tz::America::Sao_Paulo);
    world.act(ANA, Act::Do(moved), end - TimeDelta::hours(20)).await;
    // In São Paulo it is six in the morning, so it comes before the night there.
    let before_night = end - TimeDelta::hours(10) - TimeDelta::minutes(7) - TimeDelta::seconds(40);
    assert!(world.reminded(before_night - TimeDelta::minutes(1), quiet).await.is_empty());
    world.act(ANA, Act::Do(Effect::SetQuiet(false)), before_night - TimeDelta::seconds(50)).await;
    assert!(world.reminded(before_night, quiet).await.is_empty(), "nothing is quiet any more");
    world.act(ANA, Act::Do(Effect::SetQuiet(true)), before_night + TimeDelta::seconds(10)).await;
    let two_hours = world.reminded(before_night + TimeDelta::seconds(20), quiet).await;
    assert_eq!(two_hours, [Body::Reminder { service, reminder: Reminder::TwoHours }]);
}

#[tokio::test]
async fn what_waits_for_the_end_of_quiet_hours_is_dropped_when_it_is_not_so_any_more() {
    let world = World::new().await;
    let (_, proxy, _) = world.proxy().await;
    let (tunnel, _) = world.active(BEA, 3).await;
    world.db.execute("UPDATE users SET tz = 'UTC', quiet_from = 0, quiet_to = 1439").await;
    let (first, last) = (at(0) + days(7), at(0) + days(30));
    for end in [first, last] {
        let swept = world.store.expire_due(world.epoch, end, 10).await.unwrap();
        assert_eq!((swept.services.len(), swept.messages.len()), (1, 0), "its owner sleeps");
        if end == first {
            world.revoke(BEA, tunnel, end + TimeDelta::minutes(5)).await;
        } else {
            assert_eq!(world.renew(proxy, end + TimeDelta::minutes(5)).await.len(), 1);
        }
        assert_eq!(world.db.number("SELECT count(*) AS n FROM held_notices").await, 0);
    }
}

#[tokio::test]
async fn a_renewal_in_the_grace_brings_back_the_same_key() {
    let world = World::new().await;
    let (node, service, key) = world.proxy().await;
    let end = at(0) + days(30);
    world.store.expire_due(world.epoch, end, 10).await.unwrap();
    let closed = world.store.key_work(node.id, 10).await.unwrap();
    assert_eq!((closed[0].id, closed[0].wanted), (key, KeyStanding::Closed));
    world.store.keys_applied(world.epoch, node.id, &[(key, KeyStanding::Closed)], end).await.unwrap();

    let later = end + TimeDelta::hours(47);
    let shown = world.renew(service, later).await;
    assert!(matches!(shown[0], Body::Screen { screen: Screen::Renewed { .. }, .. }), "{shown:?}");
    let card = world.store.card(ANA, service).await.unwrap().unwrap();
    assert_eq!((card.status, card.ends_at), (ServiceStatus::Active, Some(later + days(30))));
    let open = world.store.key_work(node.id, 10).await.unwrap();
    assert_eq!((open.len(), open[0].id, open[0].wanted), (1, key, KeyStanding::Open));
    let told = world.store.keys_applied(world.epoch, node.id, &[(key, KeyStanding::Open)], later).await.unwrap();
    assert!(told.is_empty(), "its owner has it");
    assert!(world.store.end_grace(world.epoch, later, later, 10).await.unwrap().services.is_empty());
}

#[tokio::test]
async fn a_renewal_adds_to_the_end_lets_used_traffic_go_and_does_not_pile_up() {
    let world = World::new().await;
    let (_, service, _) = world.proxy().await;
    world
        .db
        .execute("UPDATE services SET used_down = 700, quota_bytes = 1000, reminded = 'two_hours' WHERE free")
        .await;
    world.renew(service, at(10)).await;
    let card = world.store.card(ANA, service).await.unwrap().unwrap();
    assert_eq!((card.used(), card.used_down, card.ends_at), (0, 700, Some(at(0) + days(60))));
    let again = world.renew(service, at(11)).await;
    assert!(matches!(again[0], Body::Screen { screen: Screen::OfferGone, .. }), "{again:?}");
    assert_eq!(world.db.number("SELECT count(*) AS n FROM services WHERE period = 2 AND reminded IS NULL").await, 1);
    let (trial, _) = world.active(ANA, 2).await;
    let refused = world.renew(trial, at(12)).await;
    assert!(matches!(refused[0], Body::Screen { screen: Screen::OfferGone, .. }), "a trial is not renewable");
}

#[tokio::test]
async fn a_renewal_of_what_an_admin_paused_meanwhile_is_refused() {
    let world = World::new().await;
    let (_, service, _) = world.proxy().await;
    let asked = world.act(ANA, Act::Do(Effect::OfferRenew(service)), at(10)).await;
    let Some(Body::Screen { screen: Screen::AskRenew { offer, .. }, .. }) = asked.first() else { panic!("{asked:?}") };
    let before = world.store.card(ANA, service).await.unwrap().unwrap();
    world.db.execute("UPDATE services SET status = 'suspended', reasons = '{admin}'").await;
    let accept = Act::Do(Effect::Accept { offer: *offer, own_key: None, node: None });
    let refused = world.act(ANA, accept.clone(), at(11)).await;
    assert!(matches!(refused[0], Body::Screen { screen: Screen::OfferGone, .. }), "{refused:?}");
    let asked = world.act(ANA, Act::Do(Effect::OfferRenew(service)), at(12)).await;
    assert!(matches!(asked[0], Body::Screen { screen: Screen::OfferGone, .. }), "{asked:?}");
    let card = world.store.card(ANA, service).await.unwrap().unwrap();
    assert_eq!((card.status, card.ends_at), (ServiceStatus::Suspended, before.ends_at));

    world.db.execute("UPDATE services SET status = 'active', reasons = '{}'").await;
    let renewed = world.act(ANA, accept, at(13)).await;
    assert!(
        matches!(renewed[0], Body::Screen { screen: Screen::Renewed { .. }, .. }),
        "the offer was not taken: {renewed:?}"
    );
}

#[tokio::test]
async fn after_the_grace_the_key_dies_and_the_address_rests() {
    let world = World::new().await;
    let (service, peer) = world.active(ANA, 2).await;
    let end = at(0) + days(7);
    let ended = world.store.expire_due(world.epoch, end, 10).await.unwrap();
    assert_eq!(ended.messages.len(), 1);
    assert_eq!(world.store.next_sweep(GRACE).await.unwrap(), Some(end + GRACE));
    let (over, early) = (end + GRACE, end - TimeDelta::seconds(1));
    assert!(world.store.end_grace(world.epoch, early, over, 10).await.unwrap().services.is_empty());
    let swept = world.store.end_grace(world.epoch, end, over, 10).await.unwrap();
    assert_eq!((swept.services, swept.wake), (vec![service], vec![world.node.node]));
    assert!(swept.messages.is_empty(), "the owner was told when it ended");
    let card = world.store.card(ANA, service).await.unwrap().unwrap();
    assert_eq!((card.status, card.lease, card.public_key), (ServiceStatus::Expired, None, None));
    assert!(world.peer(service).await.retired);
    world.store.peers_removed(world.epoch, world.node.node, &[peer.id], over).await.unwrap();
    assert!(world.store.release_quarantined(world.epoch, over + TimeDelta::hours(23), 10).await.unwrap().is_empty());
    let freed = world.store.release_quarantined(world.epoch, over + TimeDelta::hours(24), 10).await.unwrap();
    assert_eq!(freed.len(), 1);
    assert_eq!(world.store.next_sweep(GRACE).await.unwrap(), None);
}
