//! A real Prometheus that scrapes the program.

use super::program::free_port;
use super::world::encode;
use super::{tools, until};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The rules that are shipped.
pub(crate) const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/prometheus/rules");

/// How often it scrapes and evaluates, as its settings write it.
const INTERVAL: &str = "300ms";

/// Ends with the test.
pub(crate) struct Prometheus {
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
    /// Scrapes these addresses as one job, with the rules that match the pattern. `None`, loudly, where there is none.
    pub(crate) async fn start(directory: &Path, rules: &str, scraped: &[SocketAddr]) -> Option<Self> {
        let Some(program) = tools::find("prometheus") else {
            assert!(std::env::var_os("USIPIPO_TOOLS_DIR").is_none(), "prometheus is not among the tools");
            eprintln!("\n!!! SKIPPED: it needs prometheus (`make test` unpacks it) !!!\n");
            return None;
        };
        let config = directory.join("prometheus.yml");
        let targets: Vec<String> = scraped.iter().map(|address| format!("'{address}'")).collect();
        let text = format!(
            "global: {{scrape_interval: {INTERVAL}, scrape_timeout: {INTERVAL}, evaluation_interval: {INTERVAL}}}\n\
             rule_files: ['{rules}']\n\
             scrape_configs: [{{job_name: usipipo, static_configs: [{{targets: [{}]}}]}}]\n",
            targets.join(", ")
        );
        std::fs::write(&config, text).unwrap();
        let port = free_port();
        let log = std::fs::File::create(directory.join("prometheus.log")).unwrap();
        let process = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", directory.join("tsdb").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut prometheus = Self { process, url: format!("http://127.0.0.1:{port}"), client };
        until("prometheus is ready", async || {
            if let Some(status) = prometheus.process.try_wait().unwrap() {
                let log = std::fs::read_to_string(directory.join("prometheus.log")).unwrap();
                panic!("prometheus ended with {status}:\n{log}");
            }
            let answer = prometheus.client.get(format!("{}/-/ready", prometheus.url)).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        Some(prometheus)
    }

    async fn get(&self, path: &str) -> Value {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap().json().await.unwrap()
    }

    /// The rows that a query gives now, or why it gives none.
    pub(crate) async fn query(&self, query: &str) -> Result<Vec<Value>, String> {
        let answer = self.get(&format!("/api/v1/query?query={}", encode(query))).await;
        match answer["data"]["result"].as_array() {
            Some(rows) => Ok(rows.clone()),
            None => Err(answer["error"].to_string()),
        }
    }

    /// Every rule that is loaded.
    pub(crate) async fn rules(&self) -> Vec<Value> {
        let rules = self.get("/api/v1/rules").await;
        let groups = rules["data"]["groups"].as_array().unwrap().iter();
        groups.flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
    }

    /// Name and state (`pending` or `firing`) of every alert that is not at rest.
    pub(crate) async fn alerts(&self) -> Vec<(String, String)> {
        let answer = self.get("/api/v1/alerts").await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let alerts = answer["data"]["alerts"].as_array().unwrap().iter();
        alerts.map(|alert| (text(&alert["labels"]["alertname"]), text(&alert["state"]))).collect()
    }
}
