use super::*;
use async_trait::async_trait;
use axum::routing::{get, post};
use reqwest::Client;
use serde_json::Value;
use std::sync::Mutex;
use tokio::sync::Notify;

struct Fixed(Mutex<ReadyReport>);

#[async_trait]
impl Readiness for Fixed {
    async fn report(&self) -> ReadyReport {
        self.0.lock().unwrap().clone()
    }
}

fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn server(demo_clock: Option<Arc<DemoClock>>, webhook: Option<Router>) -> (HttpServer, Arc<Fixed>, String) {
    let readiness = Arc::new(Fixed(Mutex::new(ReadyReport::new(Role::Starting, Vec::new()))));
    let parts = HttpParts { readiness: Arc::<Fixed>::clone(&readiness), webhook, demo_clock };
    let server = start(anywhere(), parts).await.unwrap();
    let base = format!("http://{}", server.address());
    (server, readiness, base)
}

#[tokio::test]
async fn healthy_is_not_yet_ready() {
    let (_server, readiness, base) = server(None, None).await;
    assert_eq!(reqwest::get(format!("{base}/healthz")).await.unwrap().status(), 200);
    let answer = reqwest::get(format!("{base}/readyz")).await.unwrap();
    assert_eq!(answer.status(), 503);
    *readiness.0.lock().unwrap() = ReadyReport::new(Role::Standby, vec![ReadyCheck::good("database", "answers")]);
    assert_eq!(reqwest::get(format!("{base}/readyz")).await.unwrap().status(), 200);
    *readiness.0.lock().unwrap() =
        ReadyReport::new(Role::Leader, vec![ReadyCheck::good("intake", "-"), ReadyCheck::bad("database", "is away")]);
    let answer = reqwest::get(format!("{base}/readyz")).await.unwrap();
    assert_eq!(answer.status(), 503);
    let report: ReadyReport = answer.json().await.unwrap();
    assert_eq!((report.role, report.checks[1].reason.as_str()), (Role::Leader, "is away"));
}

#[tokio::test]
async fn the_demo_clock_is_moved_only_in_the_demo() {
    let (_server, _, base) = server(None, None).await;
    let client = Client::new();
    let post = |base: &str, body: &'static str| client.post(format!("{base}/demo/clock")).body(body).send();
    assert_eq!(post(&base, r#"{"advance_seconds": 60}"#).await.unwrap().status(), 404);

    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(DemoClock::open(dir.path()).unwrap());
    let (_server, _, base) = server(Some(Arc::clone(&clock)), None).await;
    let answer: Value = post(&base, r#"{"advance_seconds": 3600}"#).await.unwrap().json().await.unwrap();
    assert_eq!(answer["offset_seconds"], 3600);
    assert!(answer["now"].as_i64().unwrap() > crate::clock::wall().timestamp() + 3_500);
    for wrong in ["", "{}", "[]", r#"{"advance_seconds": "x"}"#, r#"{"advance_seconds": -1}"#] {
        assert_eq!(post(&base, wrong).await.unwrap().status(), 400, "{wrong}");
    }
    assert_eq!(clock.offset_seconds(), 3600);
}

#[tokio::test]
async fn a_webhook_is_mounted_and_bodies_are_bounded() {
    let webhook =
        Router::new().route("/telegram", post(|body: axum::body::Bytes| async move { body.len().to_string() }));
    let (_server, _, base) = server(None, Some(webhook)).await;
    let client = Client::new();
    let send = |size: usize| client.post(format!("{base}/telegram")).body(vec![b'x'; size]).send();
    assert_eq!(send(10).await.unwrap().text().await.unwrap(), "10");
    assert_eq!(send(BODY_BYTES_MAX + 1).await.unwrap().status(), 413);
    assert_eq!(reqwest::get(format!("{base}/nothing")).await.unwrap().status(), 404);
}

#[tokio::test]
async fn stopping_finishes_what_is_in_hand() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = {
        let (entered, release) = (Arc::clone(&entered), Arc::clone(&release));
        get(move || async move {
            entered.notify_one();
            release.notified().await;
            "done"
        })
    };
    let server = HttpServer::start("http.listen", anywhere(), Router::new().route("/slow", slow)).await.unwrap();
    let address = server.address();
    let request =
        tokio::spawn(
            async move { reqwest::get(format!("http://{address}/slow")).await.unwrap().text().await.unwrap() },
        );
    entered.notified().await;
    let stopped = tokio::spawn(server.stop());
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    // Nobody new is let in, and the one inside is not cut off.
    assert!(!stopped.is_finished());
    release.notify_one();
    stopped.await.unwrap();
    assert_eq!(request.await.unwrap(), "done");
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = tokio::net::TcpListener::bind(anywhere()).await.unwrap();
    let address = taken.local_addr().unwrap();
    let error = HttpServer::start("http.listen", address, Router::new()).await.unwrap_err().to_string();
    assert!(error.contains("http.listen") && error.contains("in use"), "{error}");
    let foreign = SocketAddr::from(([192, 0, 2, 1], 8080));
    let error = HttpServer::start("http.listen", foreign, Router::new()).await.unwrap_err().to_string();
    assert!(error.contains("address of this machine"), "{error}");
}

#[tokio::test]
async fn metrics_hold_the_process_and_our_own() {
    let metrics = Metrics::install().unwrap();
    metrics::counter!("usipipo_page_total").increment(1);
    let server = start_metrics(anywhere(), &metrics).await.unwrap();
    let answer = reqwest::get(format!("http://{}/metrics", server.address())).await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    let text = answer.text().await.unwrap();
    for name in ["usipipo_page_total 1", "process_resident_memory_bytes", "process_open_fds"] {
        assert!(text.contains(name), "{name} is missing");
    }
}
