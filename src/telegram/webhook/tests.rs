use super::*;
use axum::http::StatusCode;
use std::sync::Mutex;

#[derive(Default)]
struct Kept {
    updates: Mutex<Vec<Vec<u8>>>,
    away: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl WebhookSink for Kept {
    async fn accept(&self, raw: Vec<u8>) -> Result<(), SinkError> {
        if self.away.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(SinkError("the database does not answer".to_owned()));
        }
        self.updates.lock().unwrap().push(raw);
        Ok(())
    }
}

async fn served() -> (Arc<Kept>, String) {
    let kept = Arc::new(Kept::default());
    let app = routes("/hook", SecretString::from("right-secret_1"), Arc::<Kept>::clone(&kept));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (kept, url)
}

async fn post(url: &str, secret: Option<&str>, body: Vec<u8>) -> StatusCode {
    let mut request = reqwest::Client::new().post(url).body(body);
    if let Some(secret) = secret {
        request = request.header(SECRET_HEADER, secret);
    }
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn only_the_secret_opens_the_door() {
    let (kept, url) = served().await;
    for wrong in [None, Some(""), Some("right-secret_"), Some("right-secret_2"), Some("right-secret_11")] {
        assert_eq!(post(&url, wrong, b"{}".to_vec()).await, 401, "{wrong:?}");
    }
    assert!(kept.updates.lock().unwrap().is_empty());
    assert_eq!(post(&url, Some("right-secret_1"), b"{}".to_vec()).await, 200);
    assert_eq!(reqwest::get(&url).await.unwrap().status(), 405);
}

#[tokio::test]
async fn bad_json_nul_and_unknown_bytes_are_stored_and_huge_bodies_refused() {
    let (kept, url) = served().await;
    let right = Some("right-secret_1");
    for body in [b"{".to_vec(), vec![0, 1, 255], Vec::new()] {
        assert_eq!(post(&url, right, body.clone()).await, 200);
        assert_eq!(kept.updates.lock().unwrap().last().unwrap(), &body);
    }
    assert_eq!(post(&url, right, vec![b'x'; UPDATE_MAX_BYTES + 1]).await, 413);
}

#[tokio::test]
async fn what_cannot_be_stored_is_asked_for_again() {
    let (kept, url) = served().await;
    kept.away.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(post(&url, Some("right-secret_1"), b"{}".to_vec()).await, 503);
}
