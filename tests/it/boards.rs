//! Every panel of the board and every alert rule against a real Prometheus that scrapes the program.

use crate::support::program::ADMIN;
use crate::support::world::{World, encode};
use crate::support::{tools, until};
use serde_json::Value;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Ends with the test.
struct Prometheus {
    process: Child,
    url: String,
    client: reqwest::Client,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Prometheus {
    /// Scrapes the address every second with our rules loaded.
    async fn start(directory: &Path, scraped: std::net::SocketAddr) -> Option<Self> {
        let Some(program) = tools::find("prometheus") else {
            assert!(std::env::var_os("USIPIPO_TOOLS_DIR").is_none(), "prometheus is not among the tools");
            eprintln!("\n!!! SKIPPED: it needs prometheus (`make test` unpacks it) !!!\n");
            return None;
        };
        let root = env!("CARGO_MANIFEST_DIR");
        let config = directory.join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{root}/prometheus/rules/*.yml']\n\
             scrape_configs: [{{job_name: usipipo, static_configs: [{{targets: ['{scraped}']}}]}}]\n"
        );
        std::fs::write(&config, text).unwrap();
        let port = crate::support::program::free_port();
        let process = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", directory.join("tsdb").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let prometheus = Self { process, url: format!("http://127.0.0.1:{port}"), client: reqwest::Client::new() };
        until("prometheus is ready", async || {
            let answer = prometheus.client.get(format!("{}/-/ready", prometheus.url)).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        Some(prometheus)
    }

    async fn get(&self, path: &str) -> Value {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap().json().await.unwrap()
    }

    async fn query(&self, query: &str) -> Result<Vec<Value>, String> {
        let answer = self.get(&format!("/api/v1/query?query={}", encode(query))).await;
        match answer["data"]["result"].as_array() {
            Some(rows) => Ok(rows.clone()),
            None => Err(answer["error"].to_string()),
        }
    }
}

/// Title and query of everything the board shows.
fn queries() -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("grafana/dashboards/usipipo.json");
    let board: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut found = Vec::new();
    let mut panels: Vec<&Value> = board["panels"].as_array().unwrap().iter().collect();
    while let Some(panel) = panels.pop() {
        panels.extend(panel["panels"].as_array().into_iter().flatten());
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().unwrap().replace("$__rate_interval", "1m");
            found.push((panel["title"].as_str().unwrap_or_default().to_owned(), query));
        }
    }
    found
}

/// What shows nothing while all is well: it speaks of failures, of Telegram's limits, or of what nobody did yet.
fn may_be_empty(query: &str) -> bool {
    [
        "quarantined",
        "error",
        "broken_batches",
        "payments",
        "webhook",
        "restarts",
        "budget",
        "retries",
        "dead",
        "alerts",
        "refused",
        "duplicate",
        "shed",
        "passivated",
        "node_peer_changes",
        "failures",
        "foreign",
        "outcome!=",
        "node_traffic",
        "leadership",
        "swept",
        "conflict",
    ]
    .iter()
    .any(|word| query.contains(word))
}

#[tokio::test]
async fn every_panel_has_data_and_every_rule_is_healthy() {
    let world = World::new().await;
    let program = world.program().await;
    let Some(prometheus) = Prometheus::start(world.directory.path(), program.launch.metrics).await else { return };
    let ana = world.person_speaking(1001, "Ana", "en").await;
    ana.take_trial().await;
    let admin = world.person_speaking(ADMIN, "Admin", "en").await;
    admin.ask("/status", "System").await;
    until("an hour-like window has data", async || {
        ana.ask("/help", "How it works").await;
        let rows = prometheus.query("rate(usipipo_updates_handled_total[1m]) > 0").await.unwrap();
        (!rows.is_empty()).then_some(())
    })
    .await;
    let queries = queries();
    assert!(queries.len() > 30, "only {} queries", queries.len());
    let mut empty = Vec::new();
    for (title, query) in &queries {
        match prometheus.query(query).await {
            Err(error) => panic!("{title}: {query}: {error}"),
            Ok(rows) if rows.is_empty() && !may_be_empty(query) => empty.push(format!("{title}: {query}")),
            Ok(_) => {}
        }
    }
    assert!(empty.is_empty(), "panels without data:\n{}", empty.join("\n"));
    let rules = prometheus.get("/api/v1/rules").await;
    let groups = rules["data"]["groups"].as_array().unwrap();
    let all: Vec<&Value> = groups.iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    assert!(all.len() > 10, "only {} rules", all.len());
    for rule in all {
        assert_eq!(rule["health"], "ok", "{rule:#}");
    }
}
