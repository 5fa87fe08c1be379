//! B8, for keys: 2,000 MTProto secrets in four telemt servers, from empty servers to all of them in place, and a second
//! comparison, which must change nothing.

use super::lab::Lab;
use super::seed::Seeding;
use super::{figure, say};
use serde_json::Value;
use std::time::{Duration, Instant};
use usipipo_actors::domain::service::Product;

const SERVERS: i64 = 4;
const SECRETS: i64 = 500;
const FIRST: i64 = 2_000_000;
const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) async fn run() {
    say(&format!(
        "B8: {SERVERS} simulated telemt servers of {SECRETS} users each, from empty; then compared once more"
    ));
    let mut lab = Lab::new().await;
    let names: Vec<String> = (0..SERVERS).map(|n| format!("telemt-{n}")).collect();
    let mut apis = Vec::new();
    for name in &names {
        apis.push(lab.add_telemt(name).await);
    }
    lab.first_start().await;
    let mut seeding = Seeding::begin(&lab).await;
    for (n, name) in (0..).zip(&names) {
        seeding.keys(name, Product::Mtproto, FIRST + n * SECRETS, SECRETS).await;
    }
    seeding.finish().await;
    let program = lab.start(&[]);
    lab.until_leading().await;
    let begin = Instant::now();
    let open = "SELECT count(*) AS n FROM access_keys WHERE applied = 'open'";
    while lab.database.number(open).await < SERVERS * SECRETS {
        assert!(begin.elapsed() < PATIENCE, "secrets are missing\n{}", lab.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    figure("B8.secrets_reconcile_s", format!("{:.2}", begin.elapsed().as_secs_f64()));
    for name in &names {
        let users = get(&lab, &format!("{}/sim/telemt/{name}/users", lab.sandbox)).await;
        let enabled = users["users"].as_array().unwrap().iter().filter(|user| user["enabled"] == true);
        let through = enabled.filter(|user| user["username"].as_str().is_some_and(|name| name.starts_with('u')));
        assert_eq!(through.count(), usize::try_from(SECRETS).unwrap(), "users of {name}");
    }
    let mut before = Vec::new();
    for api in &apis {
        before.push(revision(&lab, api).await);
    }
    let compared = compared(&lab, &names).await;
    let begin = Instant::now();
    for name in &names {
        assert!(lab.restart(&format!("duty/key_node/{name}")).await, "{name} has no actor");
    }
    lab.until("all are compared once more", async || {
        self::compared(&lab, &names).await.iter().zip(&compared).all(|(now, then)| now > then)
    })
    .await;
    figure("B8.secrets_compare_s", format!("{:.2}", begin.elapsed().as_secs_f64()));
    for (api, before) in apis.iter().zip(before) {
        assert_eq!(revision(&lab, api).await, before, "a comparison changed what was right");
    }
    drop(program);
}

async fn get(lab: &Lab, url: &str) -> Value {
    lab.client.get(url).send().await.unwrap().json().await.unwrap()
}

/// Of the server's file; another one after every change.
async fn revision(lab: &Lab, api: &str) -> String {
    let health = get(lab, &format!("{api}/v1/health")).await;
    health["revision"].as_str().expect("telemt tells the revision of its file").to_owned()
}

/// Comparisons of each server that ended.
async fn compared(lab: &Lab, names: &[String]) -> Vec<u64> {
    let metrics = lab.metrics().await;
    let of = |name: &String| {
        let label = format!("node=\"{name}\"");
        let mut lines = metrics.lines().filter(|line| line.starts_with("usipipo_node_reconcile_seconds_count"));
        let count = lines.find(|line| line.contains(&label)).and_then(|line| line.rsplit(' ').next());
        count.map_or(0, |count| count.parse().unwrap())
    };
    names.iter().map(of).collect()
}
