//! B1: update → reply, each update durable before anything else.

use super::lab::{Lab, cpu_seconds, peak_mib};
use super::{figure, say};
use serde_json::json;

const PEOPLE: u32 = 1_000;
const UPDATES: u32 = 20_000;
const STEADY_PER_S: u32 = 1_000;

pub(crate) async fn run() {
    let lab = Lab::new().await;
    let program = lab.start(&[]);
    lab.until_leading().await;
    let pid = program.0.id();
    let texts = ["/help", "/status", "/vpn", "/profile", "/settings"];
    let load = |people: u32, updates: u32, rate: Option<u32>| {
        json!({
            "people": people, "updates": updates, "rate": rate, "concurrency": 64, "first_id": 5_000_000,
            "mix": {"buttons": 0.7}, "texts": texts, "start": "/start", "timeout_ms": 20_000,
            // The page number between the arrows of a list.
            "labels": ["1-"],
        })
    };
    say(&format!(
        "B1: {PEOPLE} people, {UPDATES} updates, 70 % buttons, long polling, PostgreSQL with fsync, simulated Telegram, all on this machine"
    ));
    // Everybody is known and every connection open.
    lab.post("/sim/load", load(PEOPLE, 2_000, None)).await;
    let before = cpu_seconds(pid);
    let fast = lab.post("/sim/load", load(PEOPLE, UPDATES, None)).await;
    let cpu = cpu_seconds(pid) - before;
    assert_eq!(fast["wrong"], 0, "updates without an answer: {fast:#}");
    let handled = fast["updates"].as_f64().unwrap() + f64::from(PEOPLE);
    figure("B1.updates_per_s", format!("{:.0}", fast["updates_per_s"].as_f64().unwrap()));
    figure("B1.cpu_us_per_update", format!("{:.0}", cpu * 1e6 / handled));
    let steady = lab.post("/sim/load", load(PEOPLE, UPDATES / 2, Some(STEADY_PER_S))).await;
    assert_eq!(steady["wrong"], 0, "updates without an answer: {steady:#}");
    figure("B1.p50_ms", steady["latency_ms"]["p50"].clone());
    figure("B1.p99_ms", steady["latency_ms"]["p99"].clone());
    figure("B1.peak_mib", format!("{:.0}", peak_mib(pid)));
}
