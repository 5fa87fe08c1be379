#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::drivers::simulated::{Simulated, text};
use crate::remote::CallTimeouts;
use serde_json::{Value, json};
use std::time::Duration;

const NAME: &str = "1000000042";
const PORT: u16 = 8388;

/// Short, since some answers never come.
const SHORT: CallTimeouts = CallTimeouts { connect: Duration::from_secs(5), call: Duration::from_secs(2) };

async fn world() -> (Simulated, OutlineDriver) {
    let world = Simulated::start().await;
    let server = world.post("/sim/outline", json!({"name": "o", "keys_port": PORT})).await;
    let hash = text(&server, "certSha256").parse().unwrap();
    let client = OutlineClient::new(&SecretString::from(text(&server, "apiUrl")), hash, SHORT).unwrap();
    (world, OutlineDriver::new(client, PORT))
}

use usipipo_actors::ports::key_driver::KeyTerms;

fn key(password: &str) -> KeySpec {
    KeySpec {
        name: NAME.to_owned(),
        secret: KeySecret::Outline(password.to_owned()),
        closed: false,
        devices: None,
        terms: KeyTerms::default(),
    }
}

async fn there(world: &Simulated) -> Vec<Value> {
    world.get("/sim/outline/o/keys").await["keys"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_key_is_put_once_however_often_it_is_asked_for() {
    let (world, driver) = world().await;
    assert!(driver.survey().await.unwrap().keys.is_empty());
    for _ in 0..2 {
        assert_eq!(driver.put(&key("a-password")).await.unwrap(), Put::Done);
    }
    let [made] = there(&world).await.try_into().unwrap();
    assert_eq!((text(&made, "id"), text(&made, "password"), &made["port"]), (NAME, "a-password", &json!(PORT)));
    let survey = driver.survey().await.unwrap();
    let wanted = KeyStatus {
        name: NAME.to_owned(),
        standing: KeyStanding::Open,
        secret: Some(KeySecret::Outline("a-password".to_owned())),
        terms: None,
        full: false,
        bytes: 0,
    };
    assert_eq!((survey.keys, survey.kind), (vec![wanted], UsageKind::Window30Days));
    assert_eq!(driver.put(&key("another")).await.unwrap(), Put::TakenByOther);
    assert_eq!(there(&world).await.len(), 1);
    driver.remove(NAME).await.unwrap();
    driver.remove(NAME).await.unwrap();
    assert!(there(&world).await.is_empty());
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_key() {
    let (world, driver) = world().await;
    world.post("/sim/outline/o/faults", json!({"lose_answers": 1})).await;
    let first = driver.put(&key("a-password")).await;
    assert!(matches!(first, Ok(Put::Done) | Err(DriverError::Unavailable(_))), "{first:?}");
    assert_eq!(driver.put(&key("a-password")).await.unwrap(), Put::Done);
    assert_eq!(there(&world).await.len(), 1);
}

#[tokio::test]
async fn closing_takes_the_key_away_and_opening_brings_the_same_one_back() {
    let (world, driver) = world().await;
    assert!(!driver.keeps_closed());
    driver.put(&key("a-password")).await.unwrap();
    driver.set_closed(NAME, true).await.unwrap();
    assert!(there(&world).await.is_empty());
    driver.put(&key("a-password")).await.unwrap();
    let closed = KeySpec { closed: true, ..key("a-password") };
    assert_eq!(driver.put(&closed).await.unwrap(), Put::Done);
    assert!(there(&world).await.is_empty(), "a closed key lets nobody in");
    driver.put(&key("other")).await.unwrap();
    assert_eq!(driver.put(&closed).await.unwrap(), Put::TakenByOther);
    assert_eq!(there(&world).await.len(), 1, "somebody else's stays");
}

#[tokio::test]
async fn a_limit_set_by_hand_is_seen_and_taken_away() {
    let (world, driver) = world().await;
    driver.put(&key("a-password")).await.unwrap();
    driver.client.set_limit(1_000_000_042, Some(0)).await.unwrap();
    assert_eq!(driver.survey().await.unwrap().keys[0].standing, KeyStanding::Closed);
    driver.put(&key("a-password")).await.unwrap();
    assert_eq!(driver.survey().await.unwrap().keys[0].standing, KeyStanding::Open);
    drop(world);
}

#[tokio::test]
async fn fault_10_foreign_keys_are_seen_without_their_secret_and_never_touched() {
    let (world, driver) = world().await;
    world.post("/sim/outline/o/keys", json!({"id": "17", "password": "foreign-password"})).await;
    let survey = driver.survey().await.unwrap();
    assert_eq!((survey.keys[0].name.as_str(), survey.keys[0].secret.is_none()), ("17", true));
    let foreign = KeySpec { name: "17".to_owned(), ..key("x") };
    for result in [driver.remove("17").await, driver.set_closed("17", true).await, driver.put(&foreign).await.map(drop)]
    {
        assert!(matches!(result, Err(DriverError::Refused(_))), "{result:?}");
    }
    assert_eq!(there(&world).await.len(), 1);
}

#[tokio::test]
async fn traffic_is_that_of_thirty_days_and_a_new_installation_is_another_life() {
    let (world, driver) = world().await;
    driver.put(&key("a-password")).await.unwrap();
    let flows = async |bytes: u64| {
        let mut traffic = serde_json::Map::new();
        traffic.insert(NAME.to_owned(), json!(bytes));
        world.post("/sim/outline/o/traffic", json!({"bytes": traffic})).await;
    };
    flows(700).await;
    let first = driver.survey().await.unwrap();
    assert_eq!(first.keys[0].bytes, 700);
    world.advance(20 * 86_400).await;
    flows(50).await;
    assert_eq!(driver.survey().await.unwrap().keys[0].bytes, 750);
    world.advance(11 * 86_400).await;
    let later = driver.survey().await.unwrap();
    assert_eq!((later.keys[0].bytes, &later.incarnation), (50, &first.incarnation));
    world.post("/sim/outline/o/forget", json!({})).await;
    let anew = driver.survey().await.unwrap();
    assert!(anew.keys.is_empty() && anew.incarnation != first.incarnation);
}

#[tokio::test]
async fn fault_08_a_server_that_is_away_is_waited_for_and_a_wrong_certificate_is_not() {
    let (world, driver) = world().await;
    world.post("/sim/outline/o/faults", json!({"mode": "refuse"})).await;
    assert!(matches!(driver.survey().await, Err(DriverError::Unavailable(_))));
    world.post("/sim/outline/o/faults", json!({"mode": "up"})).await;
    driver.survey().await.unwrap();
    let server = world.get("/sim/outline/o").await;
    let url = SecretString::from(text(&server, "apiUrl"));
    let client = OutlineClient::new(&url, "0".repeat(64).parse().unwrap(), SHORT).unwrap();
    let other = OutlineDriver::new(client, PORT).survey().await;
    assert!(matches!(&other, Err(DriverError::Refused(text)) if text.contains("SHA-256")), "{other:?}");
}
