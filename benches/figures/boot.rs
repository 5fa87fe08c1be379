//! B9: from the start of the process to the first answered update, with 5,000 services.

use super::lab::Lab;
use super::{figure, say};
use serde_json::json;
use std::time::Instant;

const SERVICES: u32 = 5_000;
const RUNS: usize = 5;

pub(crate) async fn run() {
    let lab = Lab::new().await;
    {
        // The first start makes the server's row.
        let program = lab.start(&[]);
        lab.until_leading().await;
        drop(program);
    }
    lab.database.seed_services(SERVICES).await;
    lab.post("/sim/people", json!({"id": 1001, "first_name": "Ana", "language_code": "en"})).await;
    say(&format!("B9: start of the process to the first answer, {SERVICES} services, median of {RUNS}"));
    let mut took = Vec::new();
    for _ in 0..RUNS {
        let sent = lab.post("/sim/people/1001/send", json!({"text": "/help"})).await;
        let begin = Instant::now();
        let program = lab.start(&[]);
        let path = format!("{}/sim/chat/wait?person=1001&after={}&text=How&timeout=60", lab.sandbox, sent["rev"]);
        let answer = lab.client.get(path).send().await.unwrap();
        assert!(answer.status().is_success(), "no answer\n{}", lab.log());
        took.push(begin.elapsed().as_secs_f64());
        drop(program);
    }
    took.sort_by(f64::total_cmp);
    figure("B9.ready_s", format!("{:.2}", took[RUNS / 2]));
}
