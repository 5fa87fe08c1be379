//! B9: from the start of the process to the first answered update, with 5,000 services of every kind.

use super::lab::Lab;
use super::seed::Seeding;
use super::{figure, say};
use std::time::Instant;
use usipipo_actors::domain::service::Product;

const TUNNELS: i64 = 3_200;
/// On each of two servers.
const TELEMT: i64 = 450;
const OUTLINE: i64 = 900;
const FIRST: i64 = 2_000_000;
const RUNS: usize = 5;

pub(crate) async fn run() {
    let mut lab = Lab::new().await;
    for name in ["telemt-1", "telemt-2"] {
        lab.add_telemt(name).await;
    }
    lab.add_outline("outline-1").await;
    lab.first_start().await;
    let mut seeding = Seeding::begin(&lab).await;
    seeding.tunnels(FIRST, TUNNELS).await;
    seeding.keys("telemt-1", Product::Mtproto, FIRST + TUNNELS, TELEMT).await;
    seeding.keys("telemt-2", Product::Mtproto, FIRST + TUNNELS + TELEMT, TELEMT).await;
    seeding.keys("outline-1", Product::Outline, FIRST + TUNNELS + 2 * TELEMT, OUTLINE).await;
    seeding.finish().await;
    lab.people(1_001, 1).await;
    say(&format!(
        "B9: start of the process to the first answer, with {TUNNELS} WireGuard services, {} proxies and {OUTLINE} Outline keys, \
         median of {RUNS}",
        2 * TELEMT
    ));
    let mut took = Vec::new();
    for _ in 0..RUNS {
        let rev = lab.send(1_001, "/help").await;
        let begin = Instant::now();
        let program = lab.start(&[]);
        lab.wait(1_001, rev, "text=How").await;
        took.push(begin.elapsed().as_secs_f64());
        program.terminate();
    }
    took.sort_by(f64::total_cmp);
    figure("B9.ready_s", format!("{:.2}", took[RUNS / 2]));
}
