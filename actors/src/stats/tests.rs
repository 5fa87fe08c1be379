#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{KIND, StatsMsg, alerts, forecast, room, spec};
use crate::alerts::AlertsMsg;
use crate::fixture::{ADMIN, ANA, Bench};
use crate::testing::until;
use crate::{alerts as alerts_actor, outbox};
use std::time::Duration;
use usipipo_domain::alert::AlertKind;
use usipipo_domain::ids::{NodeId, PoolId};
use usipipo_domain::service::{NodeState, Purpose};
use usipipo_storage::model::{NodeOverview, PoolOverview, SystemStats};

/// 253 addresses.
fn pool(live: u64, quarantined: u64, begun_last_week: u64) -> PoolOverview {
    PoolOverview {
        id: PoolId(1),
        node: NodeId(1),
        node_name: "miami".to_owned(),
        purpose: Purpose::Trial,
        v4: Some("10.66.0.0/24".parse().unwrap()),
        v6: None,
        live,
        quarantined,
        begun_last_week,
    }
}

fn node(services: u64, capacity: Option<u64>, state: NodeState) -> NodeOverview {
    NodeOverview {
        id: NodeId(2),
        name: "frankfurt".to_owned(),
        place: "Frankfurt".to_owned(),
        country: "DE".to_owned(),
        driver: "outline".to_owned(),
        state,
        services,
        capacity,
        mode: "keys".to_owned(),
        up: true,
        config_only: false,
        seen_at: None,
        down_since: None,
        error: None,
        active: services,
        pending: 0,
        foreign_peers: 0,
        endpoint: "fra.example.org:443".to_owned(),
    }
}

#[test]
fn a_server_of_keys_with_less_than_a_tenth_of_its_places_free_raises_the_alert_unless_it_gets_nothing_new() {
    for (node, expected) in [
        (node(0, Some(100), NodeState::Active), false),
        (node(90, Some(100), NodeState::Active), false),
        (node(91, Some(100), NodeState::Active), true),
        (node(100, Some(100), NodeState::Active), true),
        (node(3, Some(2), NodeState::Active), true),
        (node(100, Some(100), NodeState::Draining), false),
        (node(1_000, None, NodeState::Active), false),
    ] {
        let messages = alerts(&SystemStats::default(), &[], std::slice::from_ref(&node));
        let raised = messages.iter().any(|message| {
            matches!(message, AlertsMsg::Raise(AlertKind::ServerNearlyFull { used, .. }) if *used == node.services)
        });
        assert_eq!(raised, expected, "{node:?}");
    }
    for (node, expected) in [
        (node(0, Some(100), NodeState::Active), Some(1.0)),
        (node(91, Some(100), NodeState::Active), Some(0.09)),
        (node(3, Some(2), NodeState::Active), Some(0.0)),
        (node(100, Some(100), NodeState::Draining), Some(1.0)),
        (node(1, Some(0), NodeState::Active), None),
        (node(1_000, None, NodeState::Active), None),
    ] {
        assert_eq!(room(&node), expected, "{node:?}");
    }
}

fn raised(stats: &SystemStats, pools: &[PoolOverview]) -> Vec<&'static str> {
    let raised = |message: AlertsMsg| match message {
        AlertsMsg::Raise(kind) => Some(kind.name()),
        _ => None,
    };
    alerts(stats, pools, &[]).into_iter().filter_map(raised).collect()
}

#[test]
fn a_pool_with_less_than_a_tenth_free_or_a_week_left_raises_the_alert() {
    let quiet = SystemStats::default();
    for (pool, expected) in [
        (pool(0, 0, 0), false),
        (pool(227, 0, 0), false),
        (pool(228, 0, 0), true),
        (pool(128, 100, 0), true),
        (pool(253, 0, 0), true),
        (pool(100, 0, 100), false),
        (pool(100, 0, 153), false),
        (pool(100, 0, 200), true),
    ] {
        let expected: &[&str] = if expected { &["pool_nearly_full"] } else { &[] };
        assert_eq!(raised(&quiet, std::slice::from_ref(&pool)), expected, "{pool:?}");
    }
    assert_eq!(forecast(&pool(100, 0, 153)), Some(7));
    assert_eq!(forecast(&pool(100, 0, 0)), None);
}

#[test]
fn services_that_wait_too_long_and_dead_letters_raise_alerts_and_their_end_resolves_them() {
    let stats = |seconds, dead_letters| SystemStats {
        services: vec![("pending".to_owned(), 3)],
        pending_oldest: Some(Duration::from_secs(seconds)),
        dead_letters,
        ..SystemStats::default()
    };
    assert_eq!(raised(&stats(300, 0), &[]), [] as [&str; 0]);
    assert_eq!(raised(&stats(301, 2), &[]), ["provisioning_late", "dead_letter"]);
    let kinds = alerts(&stats(301, 2), &[], &[]);
    assert!(matches!(kinds[0], AlertsMsg::Raise(AlertKind::ProvisioningLate { count: 3 })), "{kinds:?}");
    let over: Vec<_> = alerts(&stats(1, 0), &[pool(0, 0, 0)], &[node(50, Some(100), NodeState::Active)])
        .into_iter()
        .map(|message| match message {
            AlertsMsg::Resolve(key) => key,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        over,
        ["provisioning_late", "dead_letter", "pool_nearly_full/miami/trial", "server_nearly_full/frankfurt"]
    );
}

#[tokio::test]
async fn admins_are_told_that_a_pool_is_nearly_full_and_that_it_is_not_any_more() {
    let bench = Bench::with(|limits| limits.stats_every = Duration::from_millis(50), |_| {}).await;
    let _ = bench.trial(ANA, 2).await;
    bench.forget_messages().await;
    let duty = &bench.duty;
    bench.start([alerts_actor::spec(duty), outbox::spec(duty), spec(duty)]).await;
    // One of a /30's single address is taken.
    bench.db.execute("UPDATE pools SET v4 = '10.66.0.0/30', v6 = NULL WHERE purpose = 'trial'").await;
    let open = "SELECT count(*) AS n FROM alerts WHERE key = 'pool_nearly_full/miami/trial' AND resolved_at IS NULL";
    until("the alert is open", async || bench.db.number(open).await == 1).await;
    until("the admin is told", async || bench.messenger.to(ADMIN).len() == 1).await;
    bench.panic(KIND);
    bench.env.directory.stats.tell(StatsMsg::Tick);
    until("it was started again", async || bench.restarts(KIND).await == 1).await;
    bench.db.execute("UPDATE pools SET v4 = '10.66.0.0/20' WHERE purpose = 'trial'").await;
    until("the alert is resolved", async || bench.db.number(open).await == 0).await;
    until("the admin is told", async || bench.messenger.to(ADMIN).len() == 2).await;
    bench.kill(KIND).await;
    until("it is back after a kill", async || bench.restarts(KIND).await == 2).await;
}
