//! B2: from the press of the button to the config in the chat; and replies while a crowd of notices waits.

use super::lab::{Lab, Limits};
use super::seed::Seeding;
use super::{figure, say};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

const SERVICES: i64 = 3_000;
const KEYS: i64 = 1_500;
/// Who press at the same time.
const CONCURRENCY: i64 = 128;
const FIRST: i64 = 2_000_000;

/// Services that end at once; their notices take half a minute at Telegram's speed.
const NOTICES: i64 = 900;
/// Who asks meanwhile, one after the other, so that nobody asks more often than Telegram lets a bot answer.
const ASKING: i64 = 40;
const ASK_EVERY: Duration = Duration::from_millis(200);

pub(crate) async fn run() {
    tunnels().await;
    keys().await;
    behind_notices().await;
}

async fn tunnels() {
    say(&format!(
        "B2: {SERVICES} WireGuard trials, {CONCURRENCY} at a time, from the press of the button to the file in the chat; tunnels of \
         configs only, Telegram's limits lifted"
    ));
    let lab = Lab::new().await.with_room();
    let program = lab.start(&[]);
    lab.until_leading().await;
    let (per_s, p99) = deliver(lab, SERVICES, "/trial", None, "document=.conf").await;
    drop(program);
    figure("B2.services_per_s", format!("{per_s:.0}"));
    figure("B2.p99_ms", format!("{p99:.0}"));
}

async fn keys() {
    say(&format!("B2: the same for {KEYS} Outline keys on two simulated servers, until the link is in the chat"));
    let mut lab = Lab::new().await;
    for name in ["outline-1", "outline-2"] {
        lab.add_outline(name).await;
    }
    let program = lab.start(&[]);
    lab.until_leading().await;
    let (per_s, p99) = deliver(lab, KEYS, "/trial", Some("1try:outline"), "text=ss:").await;
    drop(program);
    figure("B2.outline_services_per_s", format!("{per_s:.0}"));
    figure("B2.outline_p99_ms", format!("{p99:.0}"));
}

/// Services a second, and the 99th percentile from press to thing in ms.
async fn deliver(
    lab: Lab,
    count: i64,
    ask: &'static str,
    choose: Option<&'static str>,
    thing: &'static str,
) -> (f64, f64) {
    lab.people(FIRST, count).await;
    let lab = Arc::new(lab);
    // Everybody has seen an offer.
    each(&lab, count, move |lab, person| async move {
        lab.ask(person, ask).await;
        if let Some(choose) = choose {
            let (message, data) = lab.button(person, choose).await;
            lab.press(person, message, &data).await;
        }
        lab.button(person, "1ok:").await
    })
    .await;
    let begin = Instant::now();
    let mut took = each(&lab, count, move |lab, person| async move {
        // Looked up again, which the clock of this one does not see.
        let (message, data) = lab.button(person, "1ok:").await;
        let begin = Instant::now();
        let rev = lab.press(person, message, &data).await;
        lab.wait(person, rev, thing).await;
        begin.elapsed()
    })
    .await;
    let seconds = begin.elapsed().as_secs_f64();
    let live = "SELECT count(*) AS n FROM services WHERE status = 'active'";
    assert_eq!(lab.database.number(live).await, count, "services are missing\n{}", lab.log());
    took.sort();
    (count as f64 / seconds, took[took.len() * 99 / 100].as_secs_f64() * 1e3)
}

/// Does it for everybody, some at a time.
async fn each<T: Send + 'static, F>(
    lab: &Arc<Lab>,
    count: i64,
    action: impl Fn(Arc<Lab>, i64) -> F + Copy + Send + 'static,
) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
{
    let next = Arc::new(AtomicI64::new(0));
    let workers: Vec<_> = (0..CONCURRENCY.min(count))
        .map(|_| {
            let (lab, next) = (Arc::clone(lab), Arc::clone(&next));
            tokio::spawn(async move {
                let mut results = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return results;
                    }
                    results.push(action(Arc::clone(&lab), FIRST + number).await);
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    all
}

async fn behind_notices() {
    say(&format!(
        "B2: {NOTICES} services end at once, with Telegram's limits on; meanwhile {ASKING} people ask in turn, every {} ms",
        ASK_EVERY.as_millis()
    ));
    let lab = Lab::with(Limits::Telegrams).await.with_room();
    lab.first_start().await;
    let mut seeding = Seeding::begin(&lab).await;
    seeding.tunnels(FIRST, NOTICES).await;
    seeding.finish().await;
    lab.people(FIRST, NOTICES).await;
    lab.people(1_000, ASKING).await;
    let program = lab.start(&[]);
    lab.until_leading().await;
    for person in 1_000..1_000 + ASKING {
        let rev = lab.send(person, "/start").await;
        lab.wait(person, rev, "text=").await;
    }
    lab.database.execute("UPDATE services SET ends_at = now()").await;
    lab.restart("duty/sweeper").await;
    let waiting = "SELECT count(*) AS n FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL AND chat_id >= 2000000";
    lab.until("notices wait", async || lab.database.number(waiting).await > NOTICES / 2).await;
    let lab = Arc::new(lab);
    let mut waits = tokio::task::JoinSet::new();
    let mut asked = 0;
    while lab.database.number(waiting).await > NOTICES / 10 {
        let (lab, person) = (Arc::clone(&lab), 1_000 + asked % ASKING);
        asked += 1;
        waits.spawn(async move {
            let begin = Instant::now();
            let rev = lab.send(person, "/help").await;
            lab.wait(person, rev, "text=How").await;
            begin.elapsed()
        });
        tokio::time::sleep(ASK_EVERY).await;
    }
    let mut worst = Duration::ZERO;
    while let Some(took) = waits.join_next().await {
        worst = worst.max(took.unwrap());
    }
    drop(program);
    assert!(asked > ASKING, "the notices were gone before anybody could ask");
    figure("B2.asked_behind_notices", asked);
    figure("B2.reply_behind_notices_s", format!("{:.2}", worst.as_secs_f64()));
    assert!(worst < Duration::from_secs(2), "a reply waited behind notices");
}
