#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::super::fixture::{ANA, BEA, World, at, days, hello};
use crate::model::{NewUpdate, NodeHealth, SendFailure};
use std::time::Duration;
use usipipo_domain::ids::{BotId, DeadLetterId};
use usipipo_domain::outgoing::Priority;
use usipipo_domain::pool::capacity;
use usipipo_domain::service::Purpose;

fn of(list: &[(String, u64)]) -> Vec<(&str, u64)> {
    list.iter().map(|(name, count)| (name.as_str(), *count)).collect()
}

#[tokio::test]
async fn an_empty_system_lists_every_status_and_priority_with_zero() {
    let world = World::new().await;
    let stats = world.store.system_stats(at(0)).await.unwrap();
    let statuses = ["pending", "active", "suspended", "expired", "revoked", "failed"];
    assert_eq!(of(&stats.services), statuses.map(|status| (status, 0)));
    assert_eq!(of(&stats.outbox_waiting), [("reply", 0), ("delivery", 0), ("notice", 0)]);
    assert_eq!((stats.users, stats.users_day, stats.inbox_undone, stats.dead_letters), (0, 0, 0, 0));
    assert_eq!((stats.inbox_oldest, stats.outbox_oldest, stats.pending_oldest), (None, None, None));
    assert!(stats.alerts.is_empty());
}

#[tokio::test]
async fn the_numbers_follow_the_rows() {
    let world = World::new().await;
    let (store, epoch) = (&world.store, world.epoch);
    world.active(ANA, 2).await;
    world.pending(BEA, 3).await;
    world.db.execute("DELETE FROM outbox").await;
    world.db.execute(&format!("UPDATE users SET last_seen_at = '{}' WHERE id = {BEA}", at(0) - days(3))).await;
    world.db.seed_update(store, 1, ANA, at(10)).await;
    let dead = world.db.seed_update(store, 2, ANA, at(20)).await;
    store.bury(epoch, dead, "boom", false, &[], at(30)).await.unwrap();
    store.enqueue(epoch, ANA, Priority::Reply, &hello(1), None, at(40)).await.unwrap();
    let later = store.enqueue(epoch, ANA, Priority::Notice, &hello(2), None, at(5)).await.unwrap().unwrap();
    let retry = SendFailure::Retry { at: at(999), error: String::new() };
    store.mark_failure(epoch, later.id, &retry, at(6)).await.unwrap();

    let stats = store.system_stats(at(100)).await.unwrap();
    assert_eq!((stats.users, stats.users_day), (2, 1));
    assert_eq!(of(&stats.services)[..2], [("pending", 1), ("active", 1)]);
    assert_eq!((stats.inbox_undone, stats.inbox_oldest), (1, Some(Duration::from_secs(90))));
    assert_eq!(of(&stats.outbox_waiting), [("reply", 1), ("delivery", 0), ("notice", 1)]);
    assert_eq!(stats.outbox_oldest, Some(Duration::from_secs(60)), "what is not due is not old");
    assert_eq!(stats.pending_oldest, Some(Duration::from_secs(100)));
    assert_eq!((stats.dead_letters, stats.alerts.len()), (1, 1));
    let early = store.system_stats(at(1)).await.unwrap();
    assert_eq!(early.inbox_oldest, Some(Duration::ZERO), "nothing is younger than now");
}

#[tokio::test]
async fn a_node_is_shown_as_its_actor_saw_it() {
    let world = World::new().await;
    world.active(ANA, 2).await;
    world.pending(BEA, 3).await;
    world.db.seed_node("havana").await;
    let health = |up: bool, seconds: i64| NodeHealth {
        up,
        config_only: false,
        error: (!up).then(|| "no answer".to_owned()),
        foreign_peers: 3,
        now: at(seconds),
    };
    for (up, seconds) in [(false, 10), (false, 20)] {
        world.store.record_health(world.epoch, world.node.node, &health(up, seconds)).await.unwrap();
    }
    let nodes = world.store.node_overviews().await.unwrap();
    assert_eq!(nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["miami", "havana"]);
    let node = &nodes[0];
    assert_eq!((node.active, node.pending, node.foreign_peers, node.up), (1, 1, 3, false));
    assert_eq!((node.down_since, node.seen_at), (Some(at(10)), Some(at(20))), "down since the first time");
    assert_eq!(node.error.as_deref(), Some("no answer"));
    assert_eq!((nodes[1].active, nodes[1].pending), (0, 0));

    world.store.record_health(world.epoch, world.node.node, &health(true, 30)).await.unwrap();
    let node = &world.store.node_overviews().await.unwrap()[0];
    assert_eq!((node.up, node.down_since, node.error.as_deref()), (true, None, None));
    world.store.record_health(world.epoch, world.node.node, &health(false, 40)).await.unwrap();
    assert_eq!(world.store.node_overviews().await.unwrap()[0].down_since, Some(at(40)));
}

#[tokio::test]
async fn a_pool_counts_live_and_resting_leases_and_those_begun_lately() {
    let world = World::new().await;
    world.many(20).await;
    world
        .db
        .execute(&format!(
            "UPDATE leases SET state = 'quarantined', quarantine_until = created_at WHERE service_id < 1005;
             UPDATE leases SET state = 'released', released_at = created_at WHERE service_id < 1002;
             UPDATE leases SET created_at = '{}' WHERE service_id >= 1010",
            at(0) - days(8)
        ))
        .await;
    let pools = world.store.pool_overviews(at(0)).await.unwrap();
    assert_eq!(pools.iter().map(|pool| pool.purpose).collect::<Vec<_>>(), [Purpose::Trial, Purpose::Paid]);
    let trial = &pools[0];
    assert_eq!((trial.id, trial.node_name.as_str()), (world.node.trial, "miami"));
    assert_eq!((trial.live, trial.quarantined, trial.begun_last_week), (15, 3, 10));
    assert_eq!(capacity(trial.v4, trial.v6), 253);
    assert_eq!((pools[1].live, pools[1].begun_last_week, pools[1].v6), (0, 0, None));
}

#[tokio::test]
async fn dead_letters_are_listed_open_ones_first_with_a_short_lossy_excerpt() {
    let world = World::new().await;
    let (store, epoch) = (&world.store, world.epoch);
    let mut raw = b"{\"text\":\"\0\xff".to_vec();
    raw.extend("ñ".repeat(3_000).bytes());
    for number in 0..5 {
        let update = NewUpdate { update_id: Some(number), user: Some(ANA), lane: "session", raw: raw.clone() };
        let rows = store.store_updates(BotId(1), vec![update], true, at(number)).await.unwrap();
        store.bury(epoch, rows[0].seq, &format!("boom {number}"), false, &[], at(number)).await.unwrap();
    }
    world
        .db
        .execute("UPDATE dead_letters SET replayed_at = created_at WHERE id = (SELECT max(id) FROM dead_letters)")
        .await;
    let page = store.dead_letters(0, 3).await.unwrap();
    let errors: Vec<_> = page.rows.iter().map(|row| row.error.as_str()).collect();
    assert_eq!((errors, page.pages, page.total), (vec!["boom 3", "boom 2", "boom 1"], 2, 5));
    let last = store.dead_letters(9, 3).await.unwrap();
    let errors: Vec<_> = last.rows.iter().map(|row| row.error.as_str()).collect();
    assert_eq!((errors, last.page), (vec!["boom 0", "boom 4"], 1));
    assert!(last.rows[1].replayed_at.is_some());

    let row = store.dead_letter(page.rows[0].id).await.unwrap().unwrap();
    assert_eq!((row.user, row.lane.as_str(), row.attempts), (Some(ANA), "session", 1));
    assert_eq!(row.excerpt.chars().count(), 1_000);
    assert!(row.excerpt.contains('\u{fffd}') && row.excerpt.ends_with('ñ'));
    assert!(store.dead_letter(DeadLetterId(999)).await.unwrap().is_none());
}
