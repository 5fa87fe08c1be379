//! A server for tests, strictly by the contract.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::TcpListener;

/// What it holds and how it behaves.
#[derive(Default)]
pub(crate) struct Inner {
    /// By name, with the secret among the fields.
    pub(crate) users: BTreeMap<String, Map<String, Value>>,
    /// Of the file.
    pub(crate) revision: u32,
    /// So many looks at a user until a change is in the running server.
    pub(crate) looks_until_running: u32,
    /// So many changes to come take effect and are not answered.
    pub(crate) lose_answers: u32,
    /// So many changes to come find that somebody else was quicker.
    pub(crate) conflicts: u32,
    /// Offers no links.
    pub(crate) no_links: bool,
    /// Answers everything with this.
    pub(crate) refuses: Option<(u16, &'static str)>,
    /// `/health/ready` says why not.
    pub(crate) not_ready: Option<&'static str>,
    /// Everything that was asked, as `METHOD path`.
    pub(crate) seen: Vec<String>,
}

pub(crate) const AUTHORIZATION: &str = "Bearer SECRET-header";

#[derive(Clone, Default)]
pub(crate) struct Fake(Arc<Mutex<Inner>>);

impl Fake {
    /// Gives the server and its address.
    pub(crate) async fn start() -> (Self, String) {
        let fake = Self::default();
        let router = Router::new().fallback(serve).with_state(fake.clone());
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", tcp.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(tcp, router).await });
        (fake, url)
    }

    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }
}

impl Inner {
    fn info(&mut self, name: &str) -> Value {
        let running = self.looks_until_running == 0;
        self.looks_until_running = self.looks_until_running.saturating_sub(1);
        let mut user = self.users[name].clone();
        let secret = user.remove("secret").unwrap();
        let secret = secret.as_str().unwrap();
        let link = |text: String| vec![format!("tg://proxy?server=h&port=443&secret={text}")];
        let links = if self.no_links {
            json!({ "classic": [], "secure": [], "tls": [], "tls_domains": [] })
        } else {
            json!({ "classic": link(secret.to_owned()), "secure": link(format!("dd{secret}")),
                    "tls": link(format!("ee{secret}6578616d706c652e636f6d")), "tls_domains": [] })
        };
        user.insert("username".to_owned(), json!(name));
        user.insert("in_runtime".to_owned(), json!(running));
        user.insert("current_connections".to_owned(), json!(2));
        user.insert("active_unique_ips".to_owned(), json!(1));
        user.insert("total_octets".to_owned(), json!(1_234));
        user.insert("links".to_owned(), links);
        Value::Object(user)
    }

    fn answer(&mut self, method: &Method, path: &[&str], body: &Value) -> Result<(u16, Value), (u16, &'static str)> {
        let missing = (404, "not_found");
        match (method.as_str(), path) {
            ("GET", ["health"]) => Ok((200, json!({ "status": "ok", "read_only": false }))),
            ("GET", ["health", "ready"]) => match self.not_ready {
                Some(reason) => Ok((503, json!({ "ready": false, "status": "not_ready", "reason": reason }))),
                None => Ok((200, json!({ "ready": true, "status": "ready" }))),
            },
            ("GET", ["system", "info"]) => Ok((
                200,
                json!({ "version": "3.4.25", "process_started_at_epoch_secs": 1_790_000_000, "uptime_seconds": 1.5 }),
            )),
            ("GET", ["users"]) => {
                let names: Vec<String> = self.users.keys().cloned().collect();
                Ok((200, names.iter().map(|name| self.info(name)).collect()))
            }
            ("POST", ["users"]) => {
                let mut fields = body.as_object().unwrap().clone();
                let name = fields.remove("username").unwrap().as_str().unwrap().to_owned();
                if self.users.contains_key(&name) {
                    return Err((409, "user_exists"));
                }
                if fields.values().any(Value::is_null) {
                    return Err((400, "bad_request"));
                }
                fields.entry("secret").or_insert_with(|| json!("f".repeat(32)));
                fields.entry("enabled").or_insert(json!(true));
                let secret = fields["secret"].clone();
                self.users.insert(name.clone(), fields);
                let user = self.info(&name);
                Ok((if user["in_runtime"] == true { 201 } else { 202 }, json!({ "user": user, "secret": secret })))
            }
            (_, ["users", name, ..]) if !self.users.contains_key(*name) => Err(missing),
            ("GET", ["users", name]) => Ok((200, self.info(name))),
            ("PATCH", ["users", name]) => {
                let user = self.users.get_mut(*name).unwrap();
                for (field, value) in body.as_object().unwrap() {
                    if value.is_null() {
                        user.remove(field);
                    } else {
                        user.insert(field.clone(), value.clone());
                    }
                }
                Ok((200, self.info(name)))
            }
            ("DELETE", ["users", name]) => {
                if self.users.len() == 1 {
                    return Err((409, "last_user_forbidden"));
                }
                self.users.remove(*name);
                Ok((200, json!({ "username": name })))
            }
            ("POST", ["users", name, action @ ("enable" | "disable")]) => {
                self.users.get_mut(*name).unwrap().insert("enabled".to_owned(), json!(*action == "enable"));
                Ok((200, self.info(name)))
            }
            _ => Err(missing),
        }
    }
}

async fn serve(State(fake): State<Fake>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 65_536).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let path = head.uri.path().strip_prefix("/v1/").unwrap().to_owned();
    let change = head.method != Method::GET;
    let (answer, lost) = {
        let mut inner = fake.inner();
        inner.seen.push(format!("{} /{path}", head.method));
        let stated = head.headers.get("if-match").map(|value| value.to_str().unwrap().to_owned());
        let result = if head.headers.get("authorization").is_none_or(|value| value != AUTHORIZATION) {
            Err((401, "unauthorized"))
        } else if let Some(refusal) = inner.refuses {
            Err(refusal)
        } else {
            if change && inner.conflicts > 0 {
                inner.conflicts -= 1;
                inner.revision += 1;
            }
            if change && stated.is_some_and(|stated| stated != format!("rev-{}", inner.revision)) {
                Err((409, "revision_conflict"))
            } else {
                let parts: Vec<&str> = path.split('/').collect();
                inner.answer(&head.method, &parts, &body)
            }
        };
        if change && result.is_ok() {
            inner.revision += 1;
        }
        let lost = change && inner.lose_answers > 0;
        inner.lose_answers -= u32::from(lost);
        let answer = match result {
            Ok((status, data)) => {
                (status, json!({ "ok": true, "data": data, "revision": format!("rev-{}", inner.revision) }))
            }
            Err((status, code)) => {
                let message = format!("no: {code} {AUTHORIZATION} {}", body["secret"]);
                (status, json!({ "ok": false, "error": { "code": code, "message": message }, "request_id": 1 }))
            }
        };
        (answer, lost)
    };
    if lost {
        // Far longer than the tests' clients wait.
        tokio::time::sleep(Duration::from_secs(600)).await;
    }
    (StatusCode::from_u16(answer.0).unwrap(), axum::Json(answer.1)).into_response()
}
