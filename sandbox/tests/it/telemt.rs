//! Simulated telemt instances, as a client of their API and of their proxies sees them.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tokio::net::TcpStream;
use usipipo_sandbox::world::Settings;

use crate::support::Sim;

mod life;
mod proxy;

/// The secret of the tests' user.
const SECRET: &str = "000102030405060708090a0b0c0d0e0f";

/// A sandbox with one instance.
struct Telemt {
    sim: Sim,
    name: String,
    url: String,
    proxy: Option<SocketAddr>,
}

impl Telemt {
    async fn start(new: Value) -> Self {
        Self::within(Sim::start().await, new).await
    }

    async fn within(sim: Sim, new: Value) -> Self {
        let made = sim.post("/sim/telemt", new).await;
        Self {
            name: made["name"].as_str().unwrap().to_owned(),
            url: made["url"].as_str().unwrap().to_owned(),
            proxy: made["proxy"]
                .as_str()
                .map(|address| address.parse().unwrap()),
            sim,
        }
    }

    fn control(&self, path: &str) -> String {
        format!("/sim/telemt/{}{path}", self.name)
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.sim
            .client
            .request(method, format!("{}/v1{path}", self.url))
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap();
        assert_eq!(
            body["ok"],
            status < 400 || status == 503 && body["data"].is_object(),
            "{body}"
        );
        assert_eq!(body["revision"].is_string(), body["ok"] == true, "{body}");
        (status, body)
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let mut request = self.request(method, path);
        if !body.is_null() {
            request = request.json(&body);
        }
        self.send(request).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, body).await
    }

    async fn get(&self, path: &str) -> Value {
        let (status, mut body) = self.call(Method::GET, path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {body}");
        body["data"].take()
    }

    async fn refused(&self, method: Method, path: &str, body: Value) -> (u16, String) {
        let (status, body) = self.call(method, path, body).await;
        assert!(body["request_id"].is_u64(), "{body}");
        (status, body["error"]["code"].as_str().unwrap().to_owned())
    }

    async fn faults(&self, faults: Value) {
        self.sim.post(&self.control("/faults"), faults).await;
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.proxy.unwrap()).await.unwrap()
    }

    async fn set_clock(&self, to: i64) {
        let now = self.sim.get("/sim/clock").await["now"].as_i64().unwrap();
        self.sim
            .post("/sim/clock", json!({"advance_seconds": to - now}))
            .await;
    }
}

#[tokio::test]
async fn a_user_lives_from_creation_to_removal() {
    let telemt = Telemt::start(
        json!({"public_host": "proxy.example.org", "public_port": 8443, "ready_after_ms": 200}),
    )
    .await;
    let wish = json!({"username": "u-1", "secret": SECRET, "max_tcp_conns": 3, "expiration_rfc3339": "2030-01-01T00:00:00Z"});
    let (status, made) = telemt.post("/users", wish.clone()).await;
    assert_eq!(status, 202, "it is not running yet: {made}");
    let user = &made["data"]["user"];
    assert_eq!(
        (&made["data"]["secret"], &user["in_runtime"]),
        (&json!(SECRET), &json!(false))
    );
    assert_eq!(
        (
            &user["max_tcp_conns"],
            &user["data_quota_bytes"],
            &user["total_octets"]
        ),
        (&json!(3), &Value::Null, &json!(0))
    );
    let link = |secret: &str| {
        json!([format!(
            "tg://proxy?server=proxy.example.org&port=8443&secret={secret}"
        )])
    };
    assert_eq!(
        user["links"],
        json!({
            "classic": link(SECRET), "secure": link(&format!("dd{SECRET}")),
            "tls": link(&format!("ee{SECRET}6578616d706c652e636f6d")), "tls_domains": [],
        })
    );
    assert!(user.get("secret").is_none());
    telemt
        .sim
        .until("it runs", async || {
            telemt.get("/users/u-1").await["in_runtime"] == true
        })
        .await;
    assert_eq!(
        telemt.refused(Method::POST, "/users", wish).await,
        (409, "user_exists".to_owned())
    );

    let (status, body) = telemt
        .call(
            Method::PATCH,
            "/users/u-1",
            json!({"max_tcp_conns": null, "data_quota_bytes": 5}),
        )
        .await;
    assert_eq!(status, 200);
    let changed = &body["data"];
    assert_eq!(
        (&changed["max_tcp_conns"], &changed["data_quota_bytes"]),
        (&Value::Null, &json!(5))
    );
    assert_eq!(
        changed["expiration_rfc3339"], "2030-01-01T00:00:00Z",
        "what is not named stays"
    );
    let (status, body) = telemt.post("/users/u-1/rotate-secret", Value::Null).await;
    let rotated = body["data"]["secret"].as_str().unwrap().to_owned();
    assert!(
        status == 200 && rotated.len() == 32 && rotated != SECRET,
        "{body}"
    );
    let (_, body) = telemt
        .post(
            "/users/u-1/rotate-secret",
            json!({"secret": "F".repeat(32)}),
        )
        .await;
    assert_eq!(body["data"]["secret"], "F".repeat(32));
    let (_, body) = telemt.post("/users/u-1/disable", Value::Null).await;
    assert_eq!(body["data"]["enabled"], false);
    let (_, body) = telemt.post("/users/u-1/enable", Value::Null).await;
    assert_eq!(body["data"]["enabled"], true);

    let names: Vec<Value> = telemt
        .get("/users")
        .await
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["username"].clone())
        .collect();
    assert_eq!(names, ["default", "u-1"], "sorted");
    assert_eq!(telemt.get("/stats/users").await, telemt.get("/users").await);
    let (status, body) = telemt.call(Method::DELETE, "/users/u-1", Value::Null).await;
    assert_eq!(
        (status, &body["data"]["in_runtime"]),
        (202, &json!(true)),
        "it still runs"
    );
    telemt.faults(json!({"ready_after_ms": 0})).await;
    assert_eq!(
        telemt.post("/users", json!({"username": "u-2"})).await.0,
        201,
        "it runs at once"
    );
    assert_eq!(
        telemt
            .call(Method::DELETE, "/users/u-2", Value::Null)
            .await
            .0,
        200
    );
    assert_eq!(
        telemt
            .refused(Method::DELETE, "/users/default", Value::Null)
            .await,
        (409, "last_user_forbidden".to_owned())
    );
}

#[tokio::test]
async fn a_change_with_an_old_revision_is_refused() {
    let telemt = Telemt::start(json!({})).await;
    let (_, listed) = telemt.call(Method::GET, "/users", Value::Null).await;
    let old = listed["revision"].as_str().unwrap().to_owned();
    assert_eq!(telemt.get("/system/info").await["config_hash"], old);
    let create = |name: &str, revision: &str| {
        telemt
            .request(Method::POST, "/users")
            .header("If-Match", revision)
            .json(&json!({"username": name}))
    };
    let (status, made) = telemt.send(create("a", &format!("\"{old}\""))).await;
    assert!(status == 202 && made["revision"] != old, "{made}");
    let (status, body) = telemt.send(create("b", &old)).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (409, &json!("revision_conflict"))
    );
    assert_eq!(
        telemt
            .send(create("b", made["revision"].as_str().unwrap()))
            .await
            .0,
        202
    );
}

#[tokio::test]
async fn every_refusal_has_its_code() {
    let telemt = Telemt::start(json!({"auth_header": "Bearer key"})).await;
    let is = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(
        telemt.refused(Method::GET, "/users", Value::Null).await,
        is(401, "unauthorized")
    );
    let authorized = telemt
        .request(Method::GET, "/users")
        .header("Authorization", "Bearer key");
    assert_eq!(telemt.send(authorized).await.0, 200);

    let telemt = Telemt::start(json!({})).await;
    for wrong in [
        json!({}),
        json!({"username": ""}),
        json!({"username": "a b"}),
        json!({"username": "x".repeat(65)}),
        json!({"username": "a", "secret": "abc"}),
        json!({"username": "a", "expiration_rfc3339": "tomorrow"}),
        json!({"username": "a", "max_tcp_conns": -1}),
        json!({"username": "a", "user_ad_tag": "zz"}),
        json!({"username": "a", "enabled": 1}),
    ] {
        assert_eq!(
            telemt.refused(Method::POST, "/users", wrong.clone()).await,
            is(400, "bad_request"),
            "{wrong}"
        );
    }
    let broken = telemt.request(Method::POST, "/users").body("{");
    assert_eq!(telemt.send(broken).await.1["error"]["code"], "bad_request");
    let large = telemt
        .request(Method::POST, "/users")
        .body(" ".repeat(70_000));
    let (status, body) = telemt.send(large).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (413, &json!("payload_too_large"))
    );
    for (method, path) in [
        (Method::GET, "/nothing"),
        (Method::GET, "/users/nobody"),
        (Method::DELETE, "/users/nobody"),
        (Method::POST, "/users/nobody"),
        (Method::POST, "/users/nobody/enable"),
    ] {
        assert_eq!(
            telemt.refused(method, path, Value::Null).await,
            is(404, "not_found"),
            "{path}"
        );
    }
    assert_eq!(
        telemt
            .refused(Method::PUT, "/users/default", Value::Null)
            .await,
        is(405, "method_not_allowed")
    );
    assert_eq!(
        telemt.refused(Method::PUT, "/config", Value::Null).await,
        is(405, "method_not_allowed")
    );
    for (fault, status, code) in [
        (json!({"api_disabled": true}), 503, "api_disabled"),
        (
            json!({"api_disabled": false, "forbidden": true}),
            403,
            "forbidden",
        ),
        (
            json!({"forbidden": false, "read_only": true}),
            403,
            "read_only",
        ),
        (
            json!({"read_only": false, "errors": 1}),
            500,
            "internal_error",
        ),
    ] {
        telemt.faults(fault).await;
        let new = json!({"username": "new"});
        assert_eq!(
            telemt.refused(Method::POST, "/users", new).await,
            is(status, code)
        );
    }
    assert_eq!(
        telemt.get("/users").await.as_array().unwrap().len(),
        1,
        "nothing was made"
    );
    assert_eq!(
        telemt.get("/health").await,
        json!({"status": "ok", "read_only": false})
    );
    assert_eq!(telemt.get("/health/ready").await["ready"], true);
    telemt.faults(json!({"not_ready": true})).await;
    let (status, body) = telemt.call(Method::GET, "/health/ready", Value::Null).await;
    assert_eq!((status, &body["data"]["ready"]), (503, &json!(false)));
}

#[tokio::test]
async fn the_configuration_is_patched_and_reloaded() {
    let telemt = Telemt::start(json!({"ready_after_ms": 60_000})).await;
    let patch = json!({"censorship": {"tls_domain": "front.example.net", "tls_domains": ["b.example.net"]}});
    let (status, body) = telemt.call(Method::PATCH, "/config", patch).await;
    assert_eq!(
        (status, &body["data"]["changed"]),
        (200, &json!(["censorship"]))
    );
    let config = telemt.get("/config").await;
    assert_eq!(
        (
            &config["censorship"]["tls_domain"],
            &config["censorship"]["mask"]
        ),
        (&json!("front.example.net"), &json!(true))
    );
    assert!(config.get("access").is_none());
    let links = telemt.get("/users/default").await["links"].take();
    assert_eq!(links["tls"].as_array().unwrap().len(), 2);
    assert_eq!(links["tls_domains"][0]["domain"], "b.example.net");
    for (wrong, code) in [
        (json!({"access": {}}), "access_not_editable"),
        (json!({"network": {}}), "section_not_editable"),
        (json!({"server": {"port": 1}}), "field_not_editable"),
        (json!({}), "bad_request"),
    ] {
        assert_eq!(
            telemt.refused(Method::PATCH, "/config", wrong).await,
            (400, code.to_owned())
        );
    }
    let (status, body) = telemt.post("/system/reload", Value::Null).await;
    assert_eq!(status, 202, "{body}");
    let path = format!("/system/reload/{}", body["data"]["reload_id"]);
    assert_eq!(telemt.get(&path).await["state"], "activating");
    assert_eq!(
        telemt
            .refused(Method::POST, "/system/reload", Value::Null)
            .await,
        (409, "reload_in_progress".to_owned())
    );
    assert_eq!(
        telemt
            .refused(Method::GET, "/system/reload/99", Value::Null)
            .await
            .0,
        404
    );
}
