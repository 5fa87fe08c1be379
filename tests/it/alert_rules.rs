//! Every alert rule: its condition is caused in the running program from outside, a real Prometheus with the shipped rules
//! (hastened, see `support::hasten`) fires it, the board shows it, and when the condition ends it is over.

mod database;
mod keys;
mod payments;
mod pools;
mod process;
mod servers;
mod telegram;
mod users;

use crate::support::hasten::{alerts, hasten};
use crate::support::prometheus::{Prometheus, RULES};
use crate::support::{board, until};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;

/// Rules whose condition nothing outside brings about, with the reason. promtool alone proves them, with made-up samples.
const NOT_FROM_OUTSIDE: [(&str, &str); 1] = [(
    "UsipipoSupervisorGaveUp",
    "core actors answer every failure of the database, Telegram or a server by waiting; only a bug crashes one five times",
)];

/// Window of a panel's rates.
const PANEL_WINDOW: &str = "5s";

/// Every group of conditions.
const CAUSED: [&[&str]; 9] = [
    database::CAUSED,
    keys::CAUSED,
    payments::CAUSED,
    pools::CAUSED,
    process::CAUSED,
    process::CAUSED_BY_DEATH,
    servers::CAUSED,
    telegram::CAUSED,
    users::CAUSED,
];

/// All files of rules, in one text.
fn shipped() -> String {
    let files = std::fs::read_dir(RULES).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    files.collect()
}

#[test]
fn every_alert_rule_is_caused_or_says_why_it_cannot_be() {
    let shipped: BTreeSet<String> = alerts(&shipped()).into_iter().collect();
    let caused = CAUSED.iter().flat_map(|group| group.iter()).map(|name| (*name).to_owned());
    let excused = NOT_FROM_OUTSIDE.iter().map(|(name, _)| (*name).to_owned());
    let known: Vec<String> = caused.chain(excused).collect();
    let once: BTreeSet<String> = known.iter().cloned().collect();
    assert_eq!(known.len(), once.len(), "an alert is named twice: {known:?}");
    assert_eq!(shipped, once, "on the left what is shipped, on the right what is caused here");
    let synthetic = std::fs::read_to_string(format!("{RULES}/../tests/usipipo.yml")).unwrap();
    for (name, reason) in NOT_FROM_OUTSIDE {
        let named = format!("alertname: {name}\n");
        let fires = |rest: &str| rest.trim_start().starts_with("exp_alerts:") && rest.contains("exp_labels:");
        assert!(synthetic.split(&named).skip(1).any(fires), "promtool does not prove {name} ({reason})");
    }
}

/// Watches alerts and panels while conditions come and go.
struct Watch {
    prometheus: Prometheus,
    fired: BTreeSet<&'static str>,
    over: BTreeSet<&'static str>,
    caused: &'static [&'static str],
}

impl Watch {
    /// Loads the hastened rules. `None`, loudly, where there is no Prometheus.
    async fn start(directory: &Path, scraped: &[SocketAddr], caused: &'static [&'static str]) -> Option<Self> {
        let mut pattern = directory.join("rules");
        std::fs::create_dir_all(&pattern).unwrap();
        let mut count = 0;
        for file in std::fs::read_dir(RULES).unwrap().map(|file| file.unwrap()) {
            let rules = std::fs::read_to_string(file.path()).unwrap();
            count += alerts(&rules).len();
            std::fs::write(pattern.join(file.file_name()), hasten(&rules)).unwrap();
        }
        pattern.push("*.yml");
        let prometheus = Prometheus::start(directory, &pattern.display().to_string(), scraped).await?;
        let loaded = prometheus.rules().await;
        assert_eq!(loaded.len(), count, "Prometheus did not load all rules");
        until("the program is scraped", async || {
            let up = prometheus.query("sum(up)").await.unwrap();
            (!up.is_empty()).then_some(())
        })
        .await;
        Some(Self { prometheus, fired: BTreeSet::new(), over: BTreeSet::new(), caused })
    }

    /// The same watch over another program.
    async fn moved(self, directory: &Path, scraped: SocketAddr) -> Self {
        let Self { prometheus, fired, over, caused } = self;
        drop(prometheus);
        let other = Self::start(directory, &[scraped], caused).await.expect("there was a Prometheus a moment ago");
        Self { fired, over, ..other }
    }

    async fn state(&self, alert: &str) -> Option<String> {
        let alerts = self.prometheus.alerts().await;
        let mut states: Vec<String> =
            alerts.into_iter().filter(|(name, _)| name == alert).map(|(_, state)| state).collect();
        // Several label sets: one that fires counts most.
        states.sort();
        states.into_iter().next()
    }

    /// It is not there before its condition is caused.
    async fn is_quiet(&self, alert: &'static str) {
        until(&format!("{alert} is quiet"), async || self.state(alert).await.is_none().then_some(())).await;
    }

    /// Waits until it fires.
    async fn fires(&mut self, alert: &'static str) {
        assert!(self.caused.contains(&alert), "{alert} is not in this group's list");
        until(&format!("{alert} fires"), async || (self.state(alert).await.as_deref() == Some("firing")).then_some(()))
            .await;
        self.fired.insert(alert);
    }

    /// Waits until it is over.
    async fn is_over(&mut self, alert: &'static str) {
        assert!(self.fired.contains(alert), "{alert} never fired");
        until(&format!("{alert} is over"), async || self.state(alert).await.is_none().then_some(())).await;
        self.over.insert(alert);
    }

    /// Waits until a panel shows such a value.
    async fn shows(&self, title: &str, fits: impl Fn(f64) -> bool) {
        let queries = board::panel(title, PANEL_WINDOW);
        until(&format!("the panel {title} shows it"), async || {
            for query in &queries {
                let rows = self.prometheus.query(query).await.unwrap();
                let value = |row: &serde_json::Value| row["value"][1].as_str()?.parse::<f64>().ok();
                if rows.iter().filter_map(value).any(&fits) {
                    return Some(());
                }
            }
            None
        })
        .await;
    }

    /// Waits until Prometheus knows that a counter came so far.
    async fn counts(&self, counter: &str, at_least: usize) {
        until(&format!("{counter} reaches {at_least}"), async || {
            let rows = self.prometheus.query(&format!("sum({counter}) >= {at_least}")).await.unwrap();
            (!rows.is_empty()).then_some(())
        })
        .await;
    }

    /// Everything of the list was caused, fired and ended.
    fn ends(self) {
        let caused: BTreeSet<&str> = self.caused.iter().copied().collect();
        assert_eq!(self.over, caused, "on the left what came and went");
    }
}
