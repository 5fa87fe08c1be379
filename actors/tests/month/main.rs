//! A simulated month: the whole system on a real database, a thousand people who do what they like, servers that come and go, and
//! actors and processes that are killed, under a clock that is moved by hand. What must come of it is worked out here once
//! more, from the rules, the audit trail and what flowed.
//!
//! All chance comes from one number, which is printed; `USIPIPO_MONTH_SEED` repeats it (as far as the order in which actors
//! run allows). `USIPIPO_MONTH_USERS` and `USIPIPO_MONTH_DAYS` make it smaller or larger.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod check;
mod clocks;
mod finale;
mod history;
mod ledger;
mod people;
mod play;
mod rng;
mod rows;
mod stage;
mod telegram;

use play::Play;

/// Says how to repeat it when the test fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this month can be repeated with USIPIPO_MONTH_SEED={}", self.0);
        }
    }
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_month_of_chance_every_service_lease_peer_and_notice_is_as_the_rules_say() {
    let seed = Seed(setting("USIPIPO_MONTH_SEED").unwrap_or_else(|| getrandom::u64().unwrap()));
    eprintln!("USIPIPO_MONTH_SEED={}", seed.0);
    let users = setting("USIPIPO_MONTH_USERS").unwrap_or(1_000);
    let days = setting("USIPIPO_MONTH_DAYS").unwrap_or(30);
    let mut play = Play::begin(seed.0, users, days).await;
    while play.goes_on() {
        Box::pin(play.scene()).await;
    }
    Box::pin(play.finale()).await;
}
