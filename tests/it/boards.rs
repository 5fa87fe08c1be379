//! Every panel of the board and every alert rule against a real Prometheus that scrapes the program.

use crate::support::program::ADMIN;
use crate::support::prometheus::{Prometheus, RULES};
use crate::support::world::World;
use crate::support::{board, until};

/// What shows nothing while all is well, by panel and a part of its query, and what brings it about. Nothing else may be
/// empty. What `alert_rules` causes it sees on the board as well.
const EMPTY_WHILE_ALL_IS_WELL: [(&str, &str, &str); 8] = [
    ("Transactions by name, 99 %", "db_tx_retries", "two transactions that conflict"),
    ("Polls", "webhook_requests", "webhook mode"),
    ("Peers put on and taken off", "", "a tunnel on this machine"),
    ("Traffic", "", "clients in a tunnel"),
    ("Restarts in an hour", "", "alert_rules::users"),
    ("Alerts raised", "", "alert_rules::users"),
    ("Steps that were not committed", "", "alert_rules::users"),
    ("Calls of Telegram that failed", "", "alert_rules::telegram"),
];

fn may_be_empty(title: &str, query: &str) -> bool {
    EMPTY_WHILE_ALL_IS_WELL.iter().any(|(of, part, _)| *of == title && query.contains(part))
}

#[tokio::test]
async fn every_panel_has_data_and_every_rule_is_healthy() {
    let world = World::new().await.with_outline("fra", false).await.with_telemt("ams").await;
    let program = world.program().await;
    let Some(prometheus) =
        Prometheus::start(world.directory.path(), &format!("{RULES}/*.yml"), &[program.launch.metrics]).await
    else {
        return;
    };
    let ana = world.person_speaking(1001, "Ana", "en").await;
    ana.take("wireguard").await;
    world.person_speaking(1002, "Luis", "en").await.take_outline().await;
    world.person_speaking(1003, "Eva", "es").await.take_proxy().await;
    let admin = world.person_speaking(ADMIN, "Admin", "en").await;
    admin.ask("/status", "System").await;
    until("an hour-like window has data", async || {
        ana.ask("/help", "How it works").await;
        let rows = prometheus.query("rate(usipipo_updates_handled_total[1m]) > 0").await.unwrap();
        (!rows.is_empty()).then_some(())
    })
    .await;
    let queries = board::queries("1m");
    for (title, part, _) in EMPTY_WHILE_ALL_IS_WELL {
        assert!(queries.iter().any(|(of, query)| of == title && query.contains(part)), "no panel {title} with {part}");
    }
    assert!(queries.len() > 30, "only {} queries", queries.len());
    let mut empty = Vec::new();
    for (title, query) in &queries {
        match prometheus.query(query).await {
            Err(error) => panic!("{title}: {query}: {error}"),
            Ok(rows) if rows.is_empty() && !may_be_empty(title, query) => empty.push(format!("{title}: {query}")),
            Ok(_) => {}
        }
    }
    assert!(empty.is_empty(), "panels without data:\n{}", empty.join("\n"));
    let rules = prometheus.rules().await;
    assert!(rules.len() > 10, "only {} rules", rules.len());
    for rule in rules {
        assert_eq!(rule["health"], "ok", "{rule:#}");
    }
}
