#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::mtproto::SecretKey;
use crate::telemt::fake::{self, Fake};
use crate::telemt::user::UserLimits;
use usipipo_actors::domain::ids::ServiceId;

const NAME: Username = Username { service: ServiceId(42), number: 1 };
const OTHER: Username = Username { service: ServiceId(43), number: 1 };
/// Enough for a machine under load, short for a lost answer.
const SHORT: CallTimeouts = CallTimeouts { connect: Duration::from_secs(5), call: Duration::from_secs(2) };

fn client(url: &str) -> TelemtClient {
    TelemtClient::new(url, Some(SecretString::from(fake::AUTHORIZATION)), SHORT).unwrap()
}

fn key(byte: u8) -> SecretKey {
    SecretKey::new([byte; 16])
}

fn new(secret: &SecretKey) -> NewUser<'_> {
    let limits = UserLimits { max_tcp_conns: Some(8), quota_bytes: Some(5_000_000_000), ..UserLimits::default() };
    NewUser { name: NAME, secret, limits, enabled: true }
}

async fn created(client: &TelemtClient, secret: &SecretKey) -> ProxyUser {
    match client.create_user(&new(secret)).await.unwrap() {
        UserCreated::Created(user) => user,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_user_lives_its_whole_life() {
    let (fake, url) = Fake::start().await;
    let client = client(&url);
    let user = created(&client, &key(1)).await;
    assert_eq!((user.name(), user.enabled, user.in_runtime), (Some(NAME), true, true));
    assert_eq!(user.limits.max_tcp_conns, Some(8));
    assert_eq!((user.unique_ips, user.total_bytes), (1, 1_234));
    assert_eq!((user.has_secret(&key(1)), user.has_secret(&key(2))), (Some(true), Some(false)));

    let limits = UserLimits {
        max_unique_ips: Some(3),
        expires_at: "2026-12-01T10:00:00Z".parse().ok(),
        ..UserLimits::default()
    };
    let patch = UserPatch { limits: Some(limits.clone()), ..UserPatch::default() };
    let user = client.patch_user(NAME, &patch).await.unwrap();
    assert_eq!(user.limits, limits, "the older limits are gone");
    assert_eq!(user.has_secret(&key(1)), Some(true));

    assert!(!client.set_enabled(NAME, false).await.unwrap().enabled);
    assert!(client.set_enabled(NAME, true).await.unwrap().enabled);
    assert_eq!(client.users().await.unwrap().len(), 1);

    client.delete_user(NAME).await.unwrap();
    assert!(client.user(NAME).await.unwrap().is_none());
    client.delete_user(NAME).await.unwrap();
    assert!(!fake.inner().users.contains_key("u42-1"));
    let error = client.set_enabled(NAME, true).await.unwrap_err();
    assert_eq!(error, TelemtError::NoSuchUser("u42-1".to_owned()));
}

#[tokio::test]
async fn the_last_user_goes_once_a_disabled_sentinel_is_there() {
    let (fake, url) = Fake::start().await;
    let client = client(&url);
    created(&client, &key(1)).await;
    client.delete_user(NAME).await.unwrap();
    {
        let inner = fake.inner();
        assert_eq!(inner.users.keys().collect::<Vec<_>>(), [SENTINEL]);
        assert_eq!(inner.users[SENTINEL]["enabled"], false);
    }
    fake.inner().users.get_mut(SENTINEL).unwrap().insert("enabled".to_owned(), json!(true));
    client.ensure_sentinel().await.unwrap();
    assert_eq!(fake.inner().users[SENTINEL]["enabled"], false);
}

#[tokio::test]
async fn a_user_made_by_a_call_whose_answer_was_lost_is_known_as_ours() {
    let (fake, url) = Fake::start().await;
    let client = client(&url);
    fake.inner().lose_answers = 1;
    let made = client.create_user(&new(&key(1))).await.unwrap();
    assert!(matches!(made, UserCreated::AlreadyOurs(_)), "{made:?}");
    let again = client.create_user(&new(&key(1))).await.unwrap();
    assert!(matches!(again, UserCreated::AlreadyOurs(_)), "{again:?}");
    let posts = fake.inner().seen.iter().filter(|line| *line == "POST /users").count();
    assert!(posts >= 2);
    assert_eq!(fake.inner().users.len(), 1);
}

#[tokio::test]
async fn a_name_with_another_secret_is_somebody_elses() {
    let (fake, url) = Fake::start().await;
    let client = client(&url);
    created(&client, &key(1)).await;
    let other = client.create_user(&new(&key(2))).await.unwrap();
    assert!(matches!(other, UserCreated::TakenByOther), "{other:?}");
    assert_eq!(client.user(NAME).await.unwrap().unwrap().has_secret(&key(1)), Some(true));

    // Without links the limits decide.
    fake.inner().no_links = true;
    assert!(matches!(client.create_user(&new(&key(1))).await.unwrap(), UserCreated::AlreadyOurs(_)));
    let secret = key(1);
    let wanted = NewUser { limits: UserLimits::default(), ..new(&secret) };
    assert!(matches!(client.create_user(&wanted).await.unwrap(), UserCreated::TakenByOther));
}

#[tokio::test]
async fn a_change_is_tried_again_when_somebody_else_was_quicker() {
    let (fake, url) = Fake::start().await;
    let client = client(&url);
    created(&client, &key(1)).await;
    fake.inner().conflicts = 2;
    assert!(!client.set_enabled(NAME, false).await.unwrap().enabled);
    let tries = |fake: &Fake| fake.inner().seen.iter().filter(|line| line.ends_with("able")).count();
    assert_eq!(tries(&fake), 3);
    fake.inner().conflicts = 1_000;
    assert_eq!(client.set_enabled(NAME, true).await.unwrap_err(), TelemtError::Busy);
    assert_eq!(tries(&fake), 3 + REVISION_TRIES, "it ends");
}

#[tokio::test]
async fn the_running_server_is_waited_for_but_not_for_ever() {
    let (fake, url) = Fake::start().await;
    let client = client(&url);
    fake.inner().looks_until_running = 3;
    assert!(!created(&client, &key(1)).await.in_runtime);
    assert!(client.wait_in_runtime(NAME, Duration::from_secs(60)).await.unwrap().in_runtime);
    fake.inner().looks_until_running = u32::MAX;
    let within = Duration::from_millis(120);
    let error = client.wait_in_runtime(NAME, within).await.unwrap_err();
    assert_eq!(error, TelemtError::NotRunning { user: "u42-1".to_owned(), within });
    assert!(error.is_passing());
    let gone = client.wait_in_runtime(OTHER, within).await.unwrap_err();
    assert_eq!(gone, TelemtError::NoSuchUser("u43-1".to_owned()));
}

#[tokio::test]
async fn what_the_server_says_about_itself_is_read() {
    let (fake, url) = Fake::start().await;
    let client = client(&format!("{url}/v1/"));
    assert_eq!(client.health().await.unwrap(), Health { read_only: false });
    assert_eq!(client.system().await.unwrap().process_started_at_epoch_secs, 1_790_000_000);
    assert!(client.readiness().await.unwrap().ready);
    fake.inner().not_ready = Some("no_healthy_upstreams");
    let readiness = client.readiness().await.unwrap();
    assert_eq!((readiness.ready, readiness.reason.as_deref()), (false, Some("no_healthy_upstreams")));
    fake.inner().refuses = Some((503, "api_disabled"));
    assert_eq!(client.readiness().await.unwrap_err(), TelemtError::Disabled);
}

#[tokio::test]
async fn refusals_are_told_apart_and_hold_no_secret() {
    let (fake, url) = Fake::start().await;
    let client = client(&url);
    let cases = [
        ((401, "unauthorized"), "unauthorized", false),
        ((403, "forbidden"), "forbidden", false),
        ((403, "read_only"), "read_only", false),
        ((503, "api_disabled"), "disabled", false),
        ((409, "reload_in_progress"), "busy", true),
        ((500, "internal_error"), "no_answer", true),
        ((400, "bad_request"), "refused", false),
        ((413, "payload_too_large"), "refused", false),
        ((405, "method_not_allowed"), "refused", false),
    ];
    for (refusal, kind, passing) in cases {
        fake.inner().refuses = Some(refusal);
        let error = client.create_user(&new(&key(1))).await.unwrap_err();
        assert_eq!((error.kind(), error.is_passing()), (kind, passing), "{refusal:?}");
        let said = format!("{error} {error:?} {client:?}");
        assert!(!said.contains("SECRET") && !said.contains("010101"), "{said}");
    }
}

#[tokio::test]
async fn a_header_that_is_missing_is_refused() {
    let (_fake, url) = Fake::start().await;
    let client = TelemtClient::new(&url, None, SHORT).unwrap();
    assert_eq!(client.users().await.unwrap_err(), TelemtError::Unauthorized);
}

#[tokio::test]
async fn what_is_not_telemt_is_no_answer_or_cannot_be_read() {
    for (status, body, kind) in [
        (200, "<html>".to_owned(), "unreadable"),
        (404, "<html>".to_owned(), "unreadable"),
        (502, "<html>".to_owned(), "no_answer"),
        (200, r#"{"ok":true}"#.to_owned(), "unreadable"),
        (200, format!(r#"{{"ok":true,"data":"{}"}}"#, "x".repeat(ANSWER_MAX_BYTES)), "unreadable"),
    ] {
        let status = axum::http::StatusCode::from_u16(status).unwrap();
        let app = axum::Router::new().fallback(move || async move { (status, body) });
        let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", tcp.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(tcp, app).await });
        assert_eq!(client(&url).user(NAME).await.unwrap_err().kind(), kind, "{status}");
    }
}

#[test]
fn addresses_and_headers_that_cannot_be_are_refused_at_once() {
    for wrong in ["", "localhost:9091", "ftp://h", "http://u:p@h", "http://h/?a", "http://h/#a"] {
        let result = TelemtClient::new(wrong, None, SHORT);
        assert!(matches!(result, Err(TelemtError::BadUrl(_))), "{wrong}");
    }
    let result = TelemtClient::new("http://h", Some(SecretString::from("a\nb")), SHORT);
    assert!(matches!(result, Err(TelemtError::BadHeader)));
}
