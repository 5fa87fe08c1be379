//! Simulated Outline servers, as a client of their API sees them.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use reqwest::StatusCode;
use reqwest::tls::TlsInfo;
use serde_json::Value;
use serde_json::json;
use usipipo_sandbox::world::Settings;

use crate::support::Sim;

mod shadowsocks;
mod traffic;

const DAY: i64 = 24 * 3600;

/// A sandbox with one Outline server.
struct Outline {
    sim: Sim,
    client: reqwest::Client,
    name: String,
    url: String,
    hash: String,
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .danger_accept_invalid_certs(true)
        .tls_info(true)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

impl Outline {
    async fn start(new: Value) -> Self {
        Self::within(Sim::start().await, new).await
    }

    async fn within(sim: Sim, new: Value) -> Self {
        let made = sim.post("/sim/outline", new).await;
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Self {
            client: client(),
            name: text("name"),
            url: text("apiUrl"),
            hash: text("certSha256"),
            sim,
        }
    }

    fn control(&self, path: &str) -> String {
        format!("/sim/outline/{}{path}", self.name)
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let bytes = response.bytes().await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        let (status, body) = self.call(Method::PUT, path, body).await;
        (status.as_u16(), body)
    }

    async fn delete(&self, path: &str) -> u16 {
        self.call(Method::DELETE, path, Value::Null)
            .await
            .0
            .as_u16()
    }

    async fn transferred(&self) -> Value {
        self.get("/metrics/transfer").await["bytesTransferredByUserId"].take()
    }

    /// What the control API says of a key.
    async fn key(&self, id: &str) -> Value {
        let keys = self.sim.get(&self.control("/keys")).await;
        let keys = keys["keys"].as_array().unwrap();
        let key = keys.iter().find(|key| key["id"] == id);
        key.cloned().unwrap_or_default()
    }

    async fn works(&self, id: &str) -> bool {
        self.key(id).await["works"] == true
    }

    async fn days_pass(&self, days: i64) {
        let body = json!({"advance_seconds": days * DAY});
        self.sim.post("/sim/clock", body).await;
    }

    async fn flows(&self, id: &str, bytes: u64) {
        let body = json!({"bytes": {id: bytes}});
        self.sim.post(&self.control("/traffic"), body).await;
    }

    async fn faults(&self, faults: Value) {
        self.sim.post(&self.control("/faults"), faults).await;
    }
}

#[tokio::test]
async fn the_certificate_is_the_one_that_was_told_and_names_no_host() {
    let outline = Outline::start(json!({})).await;
    let answer = outline
        .client
        .get(format!("{}/server", outline.url))
        .send()
        .await
        .unwrap();
    let info = answer.extensions().get::<TlsInfo>().unwrap();
    let der = info.peer_certificate().unwrap();
    let hash = ring::digest::digest(&ring::digest::SHA256, der);
    let hash: String = hash.as_ref().iter().map(|b| format!("{b:02X}")).collect();
    assert_eq!(hash, outline.hash);
    // The object identifier of subjectAltName.
    assert!(!der.windows(3).any(|three| three == [0x55, 0x1d, 0x11]));
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    assert!(
        plain
            .get(format!("{}/server", outline.url))
            .send()
            .await
            .is_err(),
        "ordinary verification accepted it"
    );
    let about: Value = answer.json().await.unwrap();
    assert_eq!(about["portForNewAccessKeys"], 8388);
    assert!(about["serverId"].as_str().unwrap().len() == 36, "{about}");
}

#[tokio::test]
async fn a_wrong_prefix_finds_nothing() {
    let outline = Outline::start(json!({"prefix": "TheSecretPrefix"})).await;
    let wrong = outline.url.replace("TheSecretPrefix", "TheSecretPrefiy");
    for path in ["/server", "/access-keys", ""] {
        let answer = outline
            .client
            .get(format!("{wrong}{path}"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["code"], "ResourceNotFound");
    }
    let (status, body) = outline.call(Method::POST, "/server", Value::Null).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{body}");
}

#[tokio::test]
async fn keys_are_made_as_wished_and_conflicts_are_refused() {
    let outline = Outline::start(json!({"hostname": "vpn.example.com"})).await;
    let wish =
        json!({"name": "Ana", "password": "correct horse", "port": 4000, "limit": {"bytes": 500}});
    let (status, made) = outline.put("/access-keys/1000007", wish.clone()).await;
    assert_eq!(status, 201, "{made}");
    let user = URL_SAFE_NO_PAD.encode("chacha20-ietf-poly1305:correct horse");
    assert_eq!(
        made,
        json!({
            "id": "1000007", "name": "Ana", "password": "correct horse", "port": 4000, "method": "chacha20-ietf-poly1305",
            "dataLimit": {"bytes": 500}, "accessUrl": format!("ss://{user}@vpn.example.com:4000/?outline=1"),
        })
    );
    assert_eq!(outline.get("/access-keys/1000007").await, made);
    // A retry proves by 409 and a look that the key is ours.
    assert_eq!(outline.put("/access-keys/1000007", wish).await.0, 409);
    let same_password = json!({"password": "correct horse"});
    assert_eq!(outline.put("/access-keys/8", same_password).await.0, 409);
    outline.faults(json!({"busy_ports": [22]})).await;
    let busy = outline.put("/access-keys/8", json!({"port": 22})).await;
    assert_eq!((busy.0, &busy.1["code"]), (409, &json!("Conflict")));
    // A port that keys share already is no conflict.
    assert_eq!(
        outline.put("/access-keys/8", json!({"port": 4000})).await.0,
        201
    );

    for wrong in [
        json!({"port": "4000"}),
        json!({"port": 70000}),
        json!({"port": 0}),
        json!({"method": "rot13"}),
        json!({"name": 5}),
        json!({"limit": {"bytes": -1}}),
        json!({"limit": 7}),
    ] {
        let (status, body) = outline.put("/access-keys/9", wrong.clone()).await;
        assert_eq!(status, 400, "{wrong}: {body}");
    }
    let (status, body) = outline
        .call(Method::POST, "/access-keys", json!({"id": "5"}))
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");

    let (status, made) = outline
        .call(Method::POST, "/access-keys", Value::Null)
        .await;
    assert_eq!((status, &made["id"]), (StatusCode::CREATED, &json!("0")));
    assert_eq!(made["password"].as_str().unwrap().len(), 22);
    assert_eq!(made["port"], 8388);
    let listed = outline.get("/access-keys").await;
    let ids: Vec<&Value> = listed["accessKeys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["id"])
        .collect();
    assert_eq!(ids, ["1000007", "8", "0"]);
    assert_eq!(
        outline
            .put("/access-keys/8/name", json!({"name": "Luis"}))
            .await
            .0,
        204
    );
    assert_eq!(outline.get("/access-keys/8").await["name"], "Luis");
    assert_eq!(outline.delete("/access-keys/8").await, 204);
    assert_eq!(outline.delete("/access-keys/8").await, 404);
    let (status, body) = outline
        .call(Method::GET, "/access-keys/8", Value::Null)
        .await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::NOT_FOUND, &json!("NotFoundError"))
    );
}

#[tokio::test]
async fn the_server_is_told_its_name_host_and_port() {
    let outline = Outline::start(json!({})).await;
    assert_eq!(outline.put("/name", json!({"name": "Havana"})).await.0, 204);
    assert_eq!(outline.put("/name", json!({})).await.0, 400);
    assert_eq!(
        outline
            .put("/name", json!({"name": "x".repeat(101)}))
            .await
            .0,
        409
    );
    let host = "/server/hostname-for-access-keys";
    assert_eq!(outline.put(host, json!({"hostname": "a b"})).await.0, 400);
    assert_eq!(
        outline
            .put(host, json!({"hostname": "2001:db8::7"}))
            .await
            .0,
        204
    );
    let port = "/server/port-for-new-access-keys";
    let own: SocketAddr = outline.url.split('/').nth(2).unwrap().parse().unwrap();
    assert_eq!(outline.put(port, json!({"port": own.port()})).await.0, 409);
    assert_eq!(outline.put(port, json!({"port": 0})).await.0, 400);
    // A form, whose values are texts, so that a port cannot come by it but a name can.
    let form = outline
        .client
        .put(format!("{}/name", outline.url))
        .form(&[("name", "Matanzas")])
        .send()
        .await
        .unwrap();
    assert_eq!(form.status(), StatusCode::NO_CONTENT);
    assert_eq!(outline.put(port, json!({"port": 4443})).await.0, 204);
    let about = outline.get("/server").await;
    assert_eq!(
        (
            &about["name"],
            &about["portForNewAccessKeys"],
            &about["hostnameForAccessKeys"]
        ),
        (&json!("Matanzas"), &json!(4443), &json!("2001:db8::7"))
    );
    outline.put("/access-keys/5", json!({})).await;
    let url = outline.get("/access-keys/5").await["accessUrl"].take();
    assert!(
        url.as_str()
            .unwrap()
            .ends_with("@[2001:db8::7]:4443/?outline=1"),
        "{url}"
    );
    assert_eq!(
        outline
            .put("/metrics/enabled", json!({"metricsEnabled": "yes"}))
            .await
            .0,
        400
    );
    assert_eq!(
        outline
            .put("/metrics/enabled", json!({"metricsEnabled": true}))
            .await
            .0,
        204
    );
    assert_eq!(
        outline.get("/metrics/enabled").await,
        json!({"metricsEnabled": true})
    );
    let old = format!("{}/experimental/access-key-data-limit", outline.url);
    let moved = outline.client.put(old).send().await.unwrap();
    assert_eq!(moved.status(), StatusCode::PERMANENT_REDIRECT);
    assert!(
        moved.headers()["location"]
            .to_str()
            .unwrap()
            .ends_with("/server/access-key-data-limit")
    );
}

#[tokio::test]
async fn faults_are_shown_and_end() {
    let outline = Outline::start(json!({"ready_after_ms": 0})).await;
    outline.faults(json!({"mode": "refuse"})).await;
    let refused = outline
        .client
        .get(format!("{}/server", outline.url))
        .send()
        .await
        .unwrap_err();
    assert!(refused.is_connect(), "{refused}");
    outline.faults(json!({"mode": "hang"})).await;
    let short = Duration::from_millis(300);
    let hangs = outline
        .client
        .get(format!("{}/server", outline.url))
        .timeout(short)
        .send()
        .await
        .unwrap_err();
    assert!(hangs.is_timeout(), "{hangs}");
    outline.faults(json!({"mode": "up", "errors": 1})).await;
    let (status, _) = outline.call(Method::PUT, "/access-keys/1", json!({})).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(
        outline.get("/access-keys").await["accessKeys"],
        json!([]),
        "nothing happened"
    );

    outline.faults(json!({"lose_answers": 1})).await;
    let lost = outline
        .client
        .put(format!("{}/access-keys/1", outline.url))
        .json(&json!({}))
        .timeout(short)
        .send()
        .await
        .unwrap_err();
    assert!(lost.is_timeout(), "{lost}");
    assert_eq!(
        outline.get("/access-keys/1").await["id"],
        "1",
        "it took effect"
    );
    assert_eq!(outline.put("/access-keys/1", json!({})).await.0, 409);

    // 200 ms for each key that is there; the clock only has to show that it was not at once.
    outline.faults(json!({"rewrite_us_per_key": 200_000})).await;
    let started = std::time::Instant::now();
    assert_eq!(outline.put("/access-keys/2", json!({})).await.0, 201);
    assert_eq!(outline.put("/access-keys/3", json!({})).await.0, 201);
    assert!(
        started.elapsed() >= Duration::from_millis(600),
        "{:?}",
        started.elapsed()
    );
    outline
        .faults(json!({"rewrite_us_per_key": 0, "slow_ms": 200}))
        .await;
    let started = std::time::Instant::now();
    outline.get("/server").await;
    assert!(started.elapsed() >= Duration::from_millis(200));

    let before = outline.get("/server").await;
    let by_hand = outline
        .sim
        .post(&outline.control("/keys"), json!({"name": "by hand"}))
        .await;
    assert_eq!(
        outline.get("/access-keys").await["accessKeys"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    assert_eq!(by_hand["id"], "0");
    outline
        .sim
        .post(&outline.control("/forget"), json!({}))
        .await;
    assert_eq!(outline.get("/access-keys").await["accessKeys"], json!([]));
    assert_ne!(outline.get("/server").await["serverId"], before["serverId"]);
    let (status, _) = outline
        .sim
        .try_post(&outline.control("/faults"), json!({"mode": "sideways"}))
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn servers_come_back_at_their_ports_with_their_keys() {
    let path = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("sandbox-outline-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    let settings = Settings {
        state_dir: Some(path.clone()),
        ..Settings::for_tests()
    };
    let outline = Outline::within(
        Sim::with(settings.clone()).await,
        json!({"name": "one", "ready_after_ms": 0}),
    )
    .await;
    let second = outline.sim.post("/sim/outline", json!({})).await;
    assert_ne!(second["apiUrl"], outline.url);
    outline
        .put("/access-keys/77", json!({"limit": {"bytes": 0}}))
        .await;
    outline.flows("77", 9).await;
    let key = outline.get("/access-keys/77").await;
    let Outline {
        sim,
        client,
        name,
        url,
        hash,
    } = outline;
    sim.sandbox.stop().await.unwrap();
    assert!(
        client.get(format!("{url}/server")).send().await.is_err(),
        "it still listens"
    );

    let sim = Sim::with(settings).await;
    let listed = sim.get("/sim/outline").await;
    assert_eq!(listed["servers"].as_array().unwrap().len(), 2);
    let outline = Outline {
        sim,
        client,
        name,
        url,
        hash,
    };
    assert_eq!(
        outline.sim.get(&outline.control("")).await["certSha256"],
        outline.hash
    );
    assert_eq!(outline.get("/access-keys/77").await, key);
    assert_eq!(outline.transferred().await, json!({"77": 9}));
    outline.sim.post("/sim/reset", json!({})).await;
    assert_eq!(outline.sim.get("/sim/outline").await["servers"], json!([]));
}
