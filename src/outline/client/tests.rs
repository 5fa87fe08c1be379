#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::outline::fake::{PREFIX, Signer, acceptor, api_url, hash, serve};
use crate::outline::key::Cipher;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use rustls::version::{TLS12, TLS13};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as Lock, MutexGuard};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const ID: u64 = KEY_ID_MIN + 7;
const PASSWORD: &str = "aSECRETpassword22chars";
/// Enough for a machine under load, short for a lost answer.
const SHORT: CallTimeouts = CallTimeouts { connect: Duration::from_secs(5), call: Duration::from_secs(2) };

/// What the server holds and how it behaves.
#[derive(Default)]
struct Inner {
    keys: BTreeMap<String, Value>,
    transfer: Value,
    /// So many changes to come take effect and are not answered.
    lose_answers: u32,
    /// Answers everything with this.
    refuses: Option<(u16, String)>,
    /// 404 to a key does not say that it is one.
    terse: bool,
    /// Changes at this moment, and the most there were.
    at_once: (u32, u32),
}

#[derive(Clone, Default)]
struct Fake(Arc<Lock<Inner>>);

impl Fake {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    async fn start() -> (Self, OutlineClient) {
        let (fake, url) = Self::serve().await;
        (fake, OutlineClient::new(&api_url(&url), hash(), SHORT).unwrap())
    }

    async fn serve() -> (Self, String) {
        let fake = Self::default();
        let router = Router::new().fallback(answer).with_state(fake.clone());
        (fake, serve(router, Signer::Owner, &TLS13).await)
    }
}

fn refusal(status: u16, code: &str, message: &str) -> (u16, Value) {
    (status, json!({ "code": code, "message": message }))
}

impl Inner {
    fn answer(&mut self, method: &str, path: &[&str], body: &Value) -> (u16, Value) {
        let no_key = if self.terse { refusal(404, "", "") } else { refusal(404, "NotFoundError", "no such key") };
        match (method, path) {
            ("GET", ["server"]) => {
                let info = json!({ "name": "s", "serverId": "id-1", "metricsEnabled": false, "version": "1.12.3",
                    "createdTimestampMs": 1_613_605_044_000_i64, "portForNewAccessKeys": 443,
                    "hostnameForAccessKeys": "vpn.example.org", "experimental": {} });
                (200, info)
            }
            ("GET", ["access-keys"]) => (200, json!({ "accessKeys": self.keys.values().collect::<Vec<_>>() })),
            ("PUT", ["access-keys", id]) => {
                let port = body.get("port").cloned().unwrap_or(json!(443));
                if self.keys.contains_key(*id) || port == json!(80) {
                    return refusal(409, "Conflict", &format!("{} is taken", body["password"]));
                }
                if body["name"].as_str().unwrap().len() > 100 {
                    return refusal(409, "InvalidArgument", "name too long");
                }
                let mut key = json!({ "id": id, "name": body["name"], "password": body["password"], "port": port,
                    "method": body["method"], "accessUrl": "ss://x" });
                if let Some(limit) = body.get("limit") {
                    key["dataLimit"] = limit.clone();
                }
                self.keys.insert((*id).to_owned(), key.clone());
                (201, key)
            }
            (_, ["access-keys", id, ..]) if !self.keys.contains_key(*id) => no_key,
            ("GET", ["access-keys", id]) => (200, self.keys[*id].clone()),
            ("DELETE", ["access-keys", id]) => {
                self.keys.remove(*id);
                (204, Value::Null)
            }
            ("PUT", ["access-keys", id, "data-limit"]) => {
                self.keys.get_mut(*id).unwrap()["dataLimit"] = body["limit"].clone();
                (204, Value::Null)
            }
            ("DELETE", ["access-keys", id, "data-limit"]) => {
                self.keys.get_mut(*id).unwrap().as_object_mut().unwrap().remove("dataLimit");
                (204, Value::Null)
            }
            ("GET", ["metrics", "transfer"]) => (200, json!({ "bytesTransferredByUserId": self.transfer })),
            _ => refusal(404, "ResourceNotFound", "no such path"),
        }
    }
}

async fn answer(State(fake): State<Fake>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body: Value = serde_json::from_slice(&axum::body::to_bytes(body, 65_536).await.unwrap()).unwrap_or_default();
    let path = head.uri.path();
    let change = head.method != "GET";
    fake.inner().at_once.0 += u32::from(change);
    tokio::task::yield_now().await;
    let (status, json, lost) = {
        let mut inner = fake.inner();
        inner.at_once.1 = inner.at_once.1.max(inner.at_once.0);
        inner.at_once.0 -= u32::from(change);
        let mut parts = path.trim_start_matches('/').split('/');
        let known = parts.next() == Some(PREFIX);
        let parts: Vec<&str> = parts.collect();
        let (status, json) = match &inner.refuses {
            _ if !known => refusal(404, "ResourceNotFound", &format!("{path} does not exist")),
            Some((status, text)) => refusal(*status, "Odd", text),
            None => inner.answer(head.method.as_str(), &parts, &body),
        };
        let lost = change && inner.lose_answers > 0;
        inner.lose_answers -= u32::from(lost);
        (status, json, lost)
    };
    if lost {
        // Far longer than the tests' clients wait.
        tokio::time::sleep(Duration::from_secs(600)).await;
    }
    let status = StatusCode::from_u16(status).unwrap();
    if json.is_null() { status.into_response() } else { (status, axum::Json(json)).into_response() }
}

fn new(password: &SecretString) -> NewKey<'_> {
    NewKey { id: ID, name: "s-7", password, port: None, cipher: Cipher::default(), limit: Some(5_000) }
}

#[tokio::test]
async fn a_key_lives_its_whole_life() {
    let (fake, client) = Fake::start().await;
    let password = SecretString::from(PASSWORD);
    let Created::Created(key) = client.create_key(&new(&password)).await.unwrap() else { panic!("not made") };
    assert_eq!((key.id.as_str(), key.port, key.limit), ("1000000007", 443, Some(5_000)));
    client.set_limit(ID, Some(0)).await.unwrap();
    let key = client.key(ID).await.unwrap().unwrap();
    assert!(key.is_suspended() && key.is(&new(&password)), "suspended with its password");
    client.set_limit(ID, None).await.unwrap();
    let keys = client.keys().await.unwrap();
    assert_eq!((keys.len(), keys[0].limit), (1, None));
    client.delete_key(ID).await.unwrap();
    client.delete_key(ID).await.unwrap();
    assert!(fake.inner().keys.is_empty());
    assert!(client.key(ID).await.unwrap().is_none());
    assert_eq!(client.set_limit(ID, None).await.unwrap_err(), OutlineError::NoSuchKey(ID.to_string()));
    assert_eq!(client.server().await.unwrap().port_for_new_access_keys, 443);
}

#[tokio::test]
async fn fault_09_a_key_made_by_a_call_whose_answer_was_lost_is_known_as_ours() {
    let (fake, client) = Fake::start().await;
    let password = SecretString::from(PASSWORD);
    fake.inner().lose_answers = 1;
    let made = client.create_key(&new(&password)).await.unwrap();
    assert!(matches!(made, Created::AlreadyOurs(_)), "{made:?}");
    let again = client.create_key(&new(&password)).await.unwrap();
    assert!(matches!(again, Created::AlreadyOurs(_)), "{again:?}");
    assert_eq!(fake.inner().keys.len(), 1);
}

#[tokio::test]
async fn an_id_with_another_password_port_or_cipher_is_somebody_elses() {
    let (fake, client) = Fake::start().await;
    let (password, another) = (SecretString::from(PASSWORD), SecretString::from("another"));
    client.create_key(&new(&password)).await.unwrap();
    let before = fake.inner().keys.clone();
    for wanted in [
        new(&another),
        NewKey { port: Some(444), ..new(&password) },
        NewKey { cipher: Cipher::Aes256Gcm, ..new(&password) },
    ] {
        let other = client.create_key(&wanted).await.unwrap();
        assert!(matches!(other, Created::TakenByOther), "{other:?}");
    }
    assert_eq!(fake.inner().keys, before);
    let same = NewKey { port: Some(443), ..new(&password) };
    assert!(matches!(client.create_key(&same).await.unwrap(), Created::AlreadyOurs(_)));
}

#[tokio::test]
async fn a_busy_port_and_a_bad_argument_are_told_apart_from_a_taken_id() {
    let (_fake, client) = Fake::start().await;
    let password = SecretString::from(PASSWORD);
    let error = client.create_key(&NewKey { port: Some(80), ..new(&password) }).await.unwrap_err();
    assert!(matches!(error, OutlineError::Conflict(_)), "{error:?}");
    assert!(!format!("{error:?}").contains("SECRET"), "the server repeated the password: {error:?}");
    let name = "n".repeat(101);
    let error = client.create_key(&NewKey { name: &name, ..new(&password) }).await.unwrap_err();
    assert!(matches!(error, OutlineError::Refused { status: 409, .. }), "{error:?}");
}

#[tokio::test]
async fn a_wrong_prefix_is_never_taken_for_a_missing_key() {
    let (fake, url) = Fake::serve().await;
    fake.inner().keys.insert(ID.to_string(), json!({}));
    let wrong = SecretString::from(format!("{url}/anotherSECRETprefix"));
    let client = OutlineClient::new(&wrong, hash(), SHORT).unwrap();
    assert_eq!(client.server().await.unwrap_err(), OutlineError::WrongPrefix);
    assert_eq!(client.keys().await.unwrap_err(), OutlineError::WrongPrefix);
    assert_eq!(client.key(ID).await.unwrap_err(), OutlineError::WrongPrefix);
    assert_eq!(client.delete_key(ID).await.unwrap_err(), OutlineError::WrongPrefix);
    assert_eq!(fake.inner().keys.len(), 1);
}

#[tokio::test]
async fn a_server_that_does_not_name_the_missing_thing_is_asked_again() {
    let (fake, client) = Fake::start().await;
    fake.inner().terse = true;
    assert!(client.key(ID).await.unwrap().is_none());
    client.delete_key(ID).await.unwrap();
}

#[tokio::test]
async fn keys_of_others_are_not_changed() {
    let (fake, client) = Fake::start().await;
    let key = json!({ "id": "5", "name": "", "password": "x", "port": 1, "method": "aes-128-gcm" });
    fake.inner().keys.insert("5".to_owned(), key);
    let before = fake.inner().keys.clone();
    assert_eq!(client.delete_key(5).await.unwrap_err(), OutlineError::Foreign(5));
    assert_eq!(client.set_limit(5, Some(0)).await.unwrap_err(), OutlineError::Foreign(5));
    let password = SecretString::from("x");
    let taken = client.create_key(&NewKey { id: 5, ..new(&password) }).await.unwrap_err();
    assert_eq!(taken, OutlineError::Foreign(5));
    assert_eq!(fake.inner().keys, before);
}

#[tokio::test]
async fn traffic_is_read_with_all_its_oddities() {
    let (fake, client) = Fake::start().await;
    fake.inner().transfer = json!({ ID.to_string(): 1_000, "1000000008": 12.6, "1000000009": null, "3": 7 });
    let transfer = client.transfer().await.unwrap();
    assert_eq!([ID, ID + 1, ID + 2, ID + 3].map(|id| transfer.of(id)), [1_000, 13, 0, 0]);
    fake.inner().transfer = json!({});
    assert_eq!(client.transfer().await.unwrap().of(ID), 0);
}

#[tokio::test]
async fn changes_are_made_one_at_a_time() {
    let (fake, client) = Fake::start().await;
    let client = Arc::new(client);
    let password = SecretString::from(PASSWORD);
    let tasks: Vec<_> = (0..8)
        .map(|at| {
            let (client, password) = (Arc::clone(&client), password.clone());
            tokio::spawn(async move {
                client.create_key(&NewKey { id: ID + at, ..new(&password) }).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let inner = fake.inner();
    assert_eq!((inner.keys.len(), inner.at_once.1), (8, 1));
}

#[tokio::test]
async fn fault_28_what_the_server_says_is_told_by_kind_and_without_secrets() {
    let (fake, client) = Fake::start().await;
    let password = SecretString::from(PASSWORD);
    for (status, kind, passing) in [
        (400, "refused", false),
        (401, "refused", false),
        (302, "refused", false),
        (429, "no_answer", true),
        (500, "no_answer", true),
        (503, "no_answer", true),
    ] {
        fake.inner().refuses = Some((status, format!("/{PREFIX}/server {PASSWORD}")));
        let error = client.create_key(&new(&password)).await.unwrap_err();
        assert_eq!((error.kind(), error.is_passing()), (kind, passing), "{status}");
        assert!(!format!("{error} {error:?} {client:?}").contains("SECRET"), "{error:?}");
    }
}

#[tokio::test]
async fn fault_28_nobody_who_listens_is_an_error_without_the_address() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = OutlineClient::new(&api_url(&url), hash(), SHORT).unwrap();
    let error = client.server().await.unwrap_err();
    assert!(matches!(error, OutlineError::Unreachable(_)), "{error:?}");
    assert!(!format!("{error} {error:?} {client:?}").contains("SECRET"), "{error:?}");
}

#[tokio::test]
async fn answers_that_are_too_long_or_another_interfaces_are_refused() {
    for (body, kind) in [
        ("x".repeat(ANSWER_MAX_BYTES + 1), "unreadable"),
        ("<html>SECRET</html>".to_owned(), "unreadable"),
        (r#"{"serverId":"SECRET","portForNewAccessKeys":"SECRET"}"#.to_owned(), "unreadable"),
    ] {
        let url = serve(Router::new().fallback(move || async move { body }), Signer::Owner, &TLS13).await;
        let client = OutlineClient::new(&api_url(&url), hash(), SHORT).unwrap();
        let error = client.server().await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(!format!("{error:?}").contains("SECRET"), "{error:?}");
    }
}

#[tokio::test]
async fn the_right_certificate_without_any_name_is_taken_in_both_versions_of_tls() {
    for version in [&TLS12, &TLS13] {
        let fake = Fake::default();
        let router = Router::new().fallback(answer).with_state(fake);
        let url = serve(router, Signer::Owner, version).await;
        let client = OutlineClient::new(&api_url(&url), hash(), SHORT).unwrap();
        assert_eq!(client.server().await.unwrap().server_id, "id-1", "{version:?}");
    }
}

#[tokio::test]
async fn another_certificate_is_refused_and_named() {
    let (_fake, url) = Fake::serve().await;
    let told = CertHash::of(b"another");
    let client = OutlineClient::new(&api_url(&url), told, SHORT).unwrap();
    let error = client.server().await.unwrap_err();
    assert_eq!(error, OutlineError::Certificate { seen: hash() });
    assert!(error.to_string().contains(&hash().to_string()));
}

#[tokio::test]
async fn a_stolen_certificate_without_its_key_is_refused_in_both_versions_of_tls() {
    for version in [&TLS12, &TLS13] {
        let router = Router::new().fallback(answer).with_state(Fake::default());
        let url = serve(router, Signer::Thief, version).await;
        let client = OutlineClient::new(&api_url(&url), hash(), SHORT).unwrap();
        let error = client.server().await.unwrap_err();
        assert!(matches!(error, OutlineError::Handshake(_)), "{version:?}: {error:?}");
    }
}

#[tokio::test]
async fn tls_that_breaks_after_the_request_went_out_leaves_open_what_was_done() {
    let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", tcp.local_addr().unwrap());
    tokio::spawn(async move {
        let mut stream = acceptor(Signer::Owner, &TLS13).accept(tcp.accept().await.unwrap().0).await.unwrap();
        assert!(stream.read(&mut [0; 1_024]).await.unwrap() > 0);
        let tcp = stream.get_mut().0;
        tcp.write_all(b"no record of TLS begins with these bytes").await.unwrap();
        let _ = tcp.read(&mut [0; 1_024]).await;
    });
    let client = OutlineClient::new(&api_url(&url), hash(), SHORT).unwrap();
    let error = client.set_limit(ID, None).await.unwrap_err();
    assert!(matches!(error, OutlineError::NoAnswer(_)), "{error:?}");
    assert!(error.is_passing());
}

#[test]
fn users_connect_where_the_server_says_or_where_it_is_managed() {
    let at = |named: &str, url: &str| {
        let info = json!({ "serverId": "id-1", "portForNewAccessKeys": 443, "hostnameForAccessKeys": named });
        serde_json::from_value::<ServerInfo>(info).unwrap().host(&SecretString::from(url))
    };
    assert_eq!(at("vpn.example.org", "https://192.0.2.1:9/p").as_deref(), Some("vpn.example.org"));
    assert_eq!(at("", "https://192.0.2.1:9/p").as_deref(), Some("192.0.2.1"));
    assert_eq!(at("", "https://[2001:db8::1]:9/p").as_deref(), Some("2001:db8::1"));
    assert_eq!(at("", "no address"), None);
}

#[test]
fn addresses_that_cannot_be_are_refused_without_being_repeated() {
    for wrong in [
        "",
        "SECRET",
        "http://h:1/SECRET",
        "https://h:1",
        "https://h:1/",
        "https://h:1/SECRET?a",
        "https://h:1/SECRET#a",
        "https://SECRET@h:1/p",
        "https://u:SECRET@h:1/p",
    ] {
        let error = OutlineClient::new(&SecretString::from(wrong), hash(), SHORT).unwrap_err();
        assert!(matches!(error, OutlineError::BadUrl(_)), "{wrong}");
        assert!(!format!("{error} {error:?}").contains("SECRET"), "{wrong}");
    }
    for right in ["https://h:1/p", " https://h:1/p/\n", "https://[::1]:1/p"] {
        assert!(OutlineClient::new(&SecretString::from(right), hash(), SHORT).is_ok(), "{right}");
    }
}
