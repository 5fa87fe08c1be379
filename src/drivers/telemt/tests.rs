#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::clock::SystemClock;
use crate::drivers::simulated::{Simulated, text};
use crate::remote::CallTimeouts;
use crate::telemt::fake::{AUTHORIZATION, Fake};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::time::Duration;
use usipipo_actors::testing::clock::FakeClock;

const NAME: &str = "u42-1";
const TAG: &str = "3f40462915a3e6026a4d790127b95ded";
const HEADER: &str = "Bearer a-header";
const DOMAIN: &str = "example.com";
/// Short, since some answers never come.
const SHORT: CallTimeouts = CallTimeouts { connect: Duration::from_secs(5), call: Duration::from_secs(2) };
/// Short, since a refusal is silence.
const PROBE: Limits =
    Limits { connect: Duration::from_secs(5), answer: Duration::from_secs(2), total: Duration::from_secs(20) };

struct World {
    sim: Simulated,
    driver: TelemtDriver,
    clock: Arc<FakeClock>,
}

async fn world() -> World {
    let sim = Simulated::start().await;
    let wish = json!({"name": "t", "auth_header": HEADER, "proxy": true, "tls_domain": DOMAIN});
    let server = sim.post("/sim/telemt", wish).await;
    let client = TelemtClient::new(text(&server, "url"), Some(SecretString::from(HEADER)), SHORT).unwrap();
    let (host, port) = text(&server, "proxy").split_once(':').unwrap();
    let place = ProxyPlace { host: host.to_owned(), port: port.parse().unwrap(), domain: Some(DOMAIN.to_owned()) };
    let clock = Arc::new(FakeClock::at(SystemClock.now()));
    let driver = TelemtDriver::new(client, place, Arc::clone(&clock) as Arc<dyn Clock>).with_probe_limits(PROBE);
    World { sim, driver, clock }
}

/// Puts a key and waits for it.
async fn works(driver: &TelemtDriver, key: &KeySpec) -> Result<Settled, DriverError> {
    assert_eq!(driver.put(key).await?, Put::Begun);
    driver.settle(key).await
}

fn key(byte: u8) -> KeySpec {
    let terms = KeyTerms { expires_at: DateTime::from_timestamp(1_900_000_000, 0), ad_tag: AdTag::parse(TAG) };
    KeySpec { name: NAME.to_owned(), secret: KeySecret::mtproto([byte; 16]), closed: false, devices: Some(5), terms }
}

impl World {
    async fn user(&self, name: &str) -> Option<Value> {
        let users = self.sim.get("/sim/telemt/t/users").await;
        users["users"].as_array().unwrap().iter().find(|user| user["username"] == name).cloned()
    }

    async fn ours(&self) -> Option<KeyStatus> {
        self.driver.survey().await.unwrap().keys.into_iter().find(|key| key.name == NAME)
    }
}

#[tokio::test]
async fn a_user_is_put_once_with_its_limits_and_works_when_settle_says_so() {
    let world = world().await;
    for _ in 0..2 {
        assert_eq!(works(&world.driver, &key(1)).await.unwrap(), Settled::Works);
        assert_eq!(world.user(NAME).await.unwrap()["works"], json!(true));
    }
    assert_eq!(world.user(NAME).await.unwrap()["max_unique_ips"], json!(6));
    let ours = world.ours().await.unwrap();
    assert_eq!((ours.standing, ours.secret), (KeyStanding::Open, Some(KeySecret::mtproto([1; 16]))));
    assert_eq!(world.driver.put(&key(2)).await.unwrap(), Put::TakenByOther);
    let first = key(1).terms;
    assert_eq!(ours.terms, Some(first.clone()));
    let later = KeyTerms { expires_at: first.expires_at.map(|at| at + TimeDelta::days(30)), ad_tag: None };
    assert_eq!(works(&world.driver, &KeySpec { terms: later.clone(), ..key(1) }).await.unwrap(), Settled::Works);
    assert_eq!(
        world.ours().await.unwrap().terms,
        Some(later),
        "a renewal moves the end on, and a tag can be taken away"
    );
    let fewer = KeySpec { devices: Some(2), ..key(1) };
    assert_eq!(works(&world.driver, &fewer).await.unwrap(), Settled::Works);
    assert_eq!(world.user(NAME).await.unwrap()["max_unique_ips"], json!(3));
    world.driver.remove(NAME).await.unwrap();
    world.driver.remove(NAME).await.unwrap();
    assert!(world.ours().await.is_none());
}

#[tokio::test]
async fn a_user_that_the_running_server_does_not_know_yet_is_neither_open_nor_the_servers_fault() {
    let (fake, url) = Fake::start().await;
    let client = TelemtClient::new(&url, Some(SecretString::from(AUTHORIZATION)), CallTimeouts::default()).unwrap();
    let place = ProxyPlace { host: "127.0.0.1".to_owned(), port: 1, domain: None };
    let driver = TelemtDriver::new(client, place, Arc::new(SystemClock));
    let ours = async || driver.survey().await.unwrap().keys.into_iter().find(|key| key.name == NAME).unwrap();
    fake.inner().looks_until_running = u32::MAX;
    let put = works(&driver, &key(1)).await.unwrap();
    assert!(matches!(&put, Settled::NotYet(text) if text.contains(NAME)), "{put:?}");
    assert_eq!(ours().await.standing, KeyStanding::Absent);
    fake.inner().looks_until_running = 0;
    assert_eq!(works(&driver, &key(1)).await.unwrap(), Settled::Works);
    assert_eq!((ours().await.standing, ours().await.full), (KeyStanding::Open, false));
    // One address of it is connected, as the server says, and the place of the probe is one more.
    assert_eq!(works(&driver, &KeySpec { devices: Some(0), ..key(1) }).await.unwrap(), Settled::Works);
    assert!(ours().await.full);
    driver.set_closed(NAME, true).await.unwrap();
    fake.inner().looks_until_running = u32::MAX;
    assert_eq!(ours().await.standing, KeyStanding::Closed);
}

#[tokio::test]
async fn several_users_are_waited_for_at_once_and_others_put_meanwhile() {
    const MANY: u8 = 12;
    let world = world().await;
    let slow = 1_000;
    world.sim.post("/sim/telemt/t/faults", json!({"ready_after_ms": slow})).await;
    let keys: Vec<KeySpec> = (1..=MANY).map(|n| KeySpec { name: format!("u{n}-1"), devices: None, ..key(n) }).collect();
    let begin = std::time::Instant::now();
    for key in &keys {
        assert_eq!(world.driver.put(key).await.unwrap(), Put::Begun);
    }
    // One after the other they would take as many seconds.
    let mut waits = tokio::task::JoinSet::new();
    let driver = Arc::new(world.driver);
    for key in keys {
        let driver = Arc::clone(&driver);
        waits.spawn(async move { driver.settle(&key).await });
    }
    while let Some(settled) = waits.join_next().await {
        assert_eq!(settled.unwrap().unwrap(), Settled::Works);
    }
    assert!(begin.elapsed() < Duration::from_millis(slow * u64::from(MANY) / 2), "{:?}", begin.elapsed());
    let open = driver.survey().await.unwrap().keys.into_iter().filter(|key| key.standing == KeyStanding::Open);
    assert_eq!(open.filter(|key| key.name.starts_with('u')).count(), usize::from(MANY));
}

#[tokio::test]
async fn the_probe_tells_a_good_secret_from_a_wrong_a_closed_and_a_removed_one() {
    let world = world().await;
    let driver = &world.driver;
    works(driver, &key(1)).await.unwrap();
    assert_eq!(driver.probe(&key(1)).await.unwrap(), Some(true));
    assert_eq!(driver.probe(&key(2)).await.unwrap(), Some(false));
    assert!(driver.keeps_closed());
    driver.set_closed(NAME, true).await.unwrap();
    assert_eq!(world.ours().await.unwrap().standing, KeyStanding::Closed);
    world.until_works(false).await;
    assert_eq!(driver.probe(&key(1)).await.unwrap(), Some(false));
    driver.set_closed(NAME, false).await.unwrap();
    world.until_works(true).await;
    assert_eq!(driver.probe(&key(1)).await.unwrap(), Some(true), "the same secret works again");
    driver.remove(NAME).await.unwrap();
    world.until_gone().await;
    assert_eq!(driver.probe(&key(1)).await.unwrap(), Some(false));
}

impl World {
    async fn until_works(&self, works: bool) {
        let look = async {
            while self.user(NAME).await.unwrap()["works"] != json!(works) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), look).await.expect("the change reaches the running server");
    }

    /// The file forgets first, the running server a moment later.
    async fn until_gone(&self) {
        let look = async {
            while self.driver.probe(&key(1)).await.unwrap() == Some(true) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), look).await.expect("the user goes");
    }
}

#[tokio::test]
async fn a_wrong_clock_and_a_dead_way_to_telegram_are_not_the_keys_fault() {
    let world = world().await;
    works(&world.driver, &key(1)).await.unwrap();
    let right: DateTime<Utc> = world.clock.now();
    world.clock.set(right + TimeDelta::seconds(200));
    let clock = world.driver.probe(&key(1)).await;
    assert!(matches!(&clock, Err(DriverError::Refused(text)) if text.contains("clock")), "{clock:?}");
    world.clock.set(right);
    world.sim.post("/sim/telemt/t/faults", json!({"data_centre": "silent", "not_ready": true})).await;
    let silent = world.driver.probe(&key(1)).await;
    assert!(matches!(silent, Err(DriverError::Unavailable(_))), "{silent:?}");
}

#[tokio::test]
async fn fault_10_foreign_users_stay_and_the_sentinel_is_nobodys() {
    let world = world().await;
    let survey = world.driver.survey().await.unwrap();
    let names: Vec<(&str, bool)> = survey.keys.iter().map(|key| (key.name.as_str(), key.secret.is_none())).collect();
    assert_eq!(names, [("default", true)], "who is there, but for the sentinel");
    assert_eq!(world.user(SENTINEL).await.unwrap()["enabled"], json!(false));
    assert_eq!(world.driver.survey().await.unwrap().keys.len(), 1);
    for name in ["default", SENTINEL] {
        let foreign = KeySpec { name: name.to_owned(), ..key(1) };
        for result in [
            world.driver.remove(name).await,
            world.driver.set_closed(name, true).await,
            world.driver.put(&foreign).await.map(drop),
        ] {
            assert!(matches!(result, Err(DriverError::Refused(_))), "{result:?}");
        }
    }
    assert!(world.user("default").await.is_some());
}

#[tokio::test]
async fn fault_09_a_restart_and_a_new_installation_are_seen() {
    let world = world().await;
    works(&world.driver, &key(1)).await.unwrap();
    world.sim.post("/sim/telemt/t/traffic", json!({"users": {NAME: {"octets": 700}}})).await;
    assert_eq!(world.ours().await.unwrap().bytes, 700);
    let first = world.driver.survey().await.unwrap().incarnation;
    world.sim.advance(5).await;
    world.sim.post("/sim/telemt/t/restart", json!({})).await;
    let second = world.driver.survey().await.unwrap();
    assert_ne!(second.incarnation, first);
    assert_eq!(world.ours().await.unwrap().bytes, 0);
    world.sim.post("/sim/telemt/t/forget", json!({})).await;
    assert!(world.ours().await.is_none());
    assert_eq!(works(&world.driver, &key(1)).await.unwrap(), Settled::Works);
    assert_eq!(world.ours().await.unwrap().secret, Some(KeySecret::mtproto([1; 16])));
}

#[tokio::test]
async fn fault_08_a_server_that_is_away_is_waited_for_and_a_read_only_one_is_not() {
    let world = world().await;
    world.sim.post("/sim/telemt/t/faults", json!({"mode": "refuse"})).await;
    assert!(matches!(world.driver.survey().await, Err(DriverError::Unavailable(_))));
    world.sim.post("/sim/telemt/t/faults", json!({"mode": "up", "read_only": true})).await;
    let put = world.driver.put(&key(1)).await;
    assert!(matches!(&put, Err(DriverError::Refused(text)) if text.contains("read_only")), "{put:?}");
}

#[tokio::test]
async fn a_server_that_nobody_steers_any_more_closes_a_key_at_its_end() {
    let world = world().await;
    let terms = KeyTerms { expires_at: Some(SystemClock.now() - TimeDelta::hours(1)), ad_tag: None };
    works(&world.driver, &KeySpec { terms, ..key(1) }).await.unwrap();
    assert_eq!(world.user(NAME).await.unwrap()["works"], json!(false));
    assert_eq!(world.driver.probe(&key(1)).await.unwrap(), Some(false));
}
