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
        program.terminate();
    }
    seed(&lab).await;
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
        program.terminate();
    }
    took.sort_by(f64::total_cmp);
    figure("B9.ready_s", format!("{:.2}", took[RUNS / 2]));
}

/// Services that work, each with its lease and key; the keys' secrets are never opened here.
async fn seed(lab: &Lab) {
    let rows = format!(
        "INSERT INTO users (id, first_name, language, tz, created_at, last_seen_at) \
           SELECT 1000000 + n, 'x', 'es', 'UTC', 'epoch', 'epoch' FROM generate_series(1, {SERVICES}) n;
         INSERT INTO services (id, user_id, product, trial, node_id, name, status, days, created_at, activated_at, ends_at) \
           OVERRIDING SYSTEM VALUE SELECT 1000000 + n, 1000000 + n, 'wireguard', false, (SELECT id FROM nodes), 'x', 'active', 365, \
           '2026-01-01', '2026-01-01', '2126-01-01' FROM generate_series(1, {SERVICES}) n;
         INSERT INTO leases (node_id, pool_id, service_id, v4, state, created_at) SELECT (SELECT id FROM nodes), \
           (SELECT id FROM pools WHERE purpose = 'paid'), 1000000 + n, '10.77.0.1'::inet + n, 'live', '2026-01-01' \
           FROM generate_series(1, {SERVICES}) n"
    );
    for statement in rows.split(';') {
        lab.database.execute(statement).await;
    }
}
