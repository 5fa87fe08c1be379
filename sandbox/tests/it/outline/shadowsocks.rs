//! Real Shadowsocks behind a simulated Outline server, used with Debian's own client.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::process::Command;
use tokio::time::timeout;

use super::Outline;
use crate::support::PATIENCE;

/// Programs of Debian's package, unpacked by `tools/unpack.sh` or installed.
fn ss_local() -> Option<std::path::PathBuf> {
    let tools = std::env::var_os("USIPIPO_TOOLS_DIR");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = tools
        .iter()
        .map(|tools| std::path::Path::new(tools).join("bin"))
        .chain(std::env::split_paths(&path))
        .map(|directory| directory.join("ss-local"))
        .find(|program| program.is_file());
    assert!(
        found.is_some() || tools.is_none(),
        "USIPIPO_TOOLS_DIR is set and holds no ss-local"
    );
    found
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A client with the key of an access URL.
struct ShadowsocksClient {
    _child: Child,
    socks: SocketAddr,
}

impl ShadowsocksClient {
    async fn start(program: &std::path::Path, access_url: &str) -> Self {
        let (user, place) = access_url
            .strip_prefix("ss://")
            .unwrap()
            .split_once('@')
            .unwrap();
        let user = String::from_utf8(URL_SAFE_NO_PAD.decode(user).unwrap()).unwrap();
        let (method, password) = user.split_once(':').unwrap();
        let (host, port) = place
            .strip_suffix("/?outline=1")
            .unwrap()
            .split_once(':')
            .unwrap();
        let local = free_port().await;
        let child = Command::new(program)
            .args([
                "-s",
                host,
                "-p",
                port,
                "-k",
                password,
                "-m",
                method,
                "-b",
                "127.0.0.1",
                "-l",
                &local.to_string(),
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let socks = SocketAddr::from(([127, 0, 0, 1], local));
        let listens = async {
            while TcpStream::connect(socks).await.is_err() {
                tokio::task::yield_now().await
            }
        };
        timeout(PATIENCE, listens).await.unwrap();
        Self {
            _child: child,
            socks,
        }
    }

    /// Fetches `/` of a server through it; `None` if not all of the answer comes.
    async fn fetch(&self, server: SocketAddr) -> Option<Vec<u8>> {
        let fetch = async {
            let mut stream = TcpStream::connect(self.socks).await.ok()?;
            stream.write_all(&[5, 1, 0]).await.ok()?;
            stream.read_exact(&mut [0; 2]).await.ok()?;
            let port = server.port().to_be_bytes();
            stream
                .write_all(&[5, 1, 0, 1, 127, 0, 0, 1, port[0], port[1]])
                .await
                .ok()?;
            stream.read_exact(&mut [0; 10]).await.ok()?;
            stream
                .write_all(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")
                .await
                .ok()?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.ok()?;
            let start = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
            Some(answer.split_off(start + 4))
        };
        timeout(Duration::from_secs(2), fetch).await.ok().flatten()
    }
}

#[tokio::test]
async fn bytes_really_flow_with_an_issued_key_and_stop_when_it_is_revoked() {
    const BYTES: usize = 200_000;
    let Some(program) = ss_local() else {
        eprintln!(
            "SKIPPED: there is no ss-local here; run tools/unpack.sh and set USIPIPO_TOOLS_DIR"
        );
        return;
    };
    let site = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = site.local_addr().unwrap();
    let app = Router::new().route("/", get(async || "x".repeat(BYTES)));
    tokio::spawn(async { axum::serve(site, app).await.unwrap() });

    // Both keys are on one port, as Outline has them.
    let outline =
        Outline::start(json!({"real": true, "keys_port": free_port().await, "ready_after_ms": 50}))
            .await;
    let mut clients = Vec::new();
    for id in ["1", "2"] {
        let (status, key) = outline.put(&format!("/access-keys/{id}"), json!({})).await;
        assert_eq!(status, 201, "{key}");
        clients.push(ShadowsocksClient::start(&program, key["accessUrl"].as_str().unwrap()).await);
    }
    let flows = async |client: &ShadowsocksClient| {
        client
            .fetch(place)
            .await
            .is_some_and(|body| body.len() == BYTES)
    };
    for client in &clients {
        outline
            .sim
            .until("bytes flow", async || flows(client).await)
            .await;
    }
    let counted = outline.transferred().await;
    for id in ["1", "2"] {
        let bytes = counted[id].as_u64().unwrap();
        assert!(
            (BYTES as u64..2 * BYTES as u64).contains(&bytes),
            "{counted}"
        );
    }

    // Suspended: key and password stay, nothing flows.
    assert_eq!(
        outline
            .put("/access-keys/1/data-limit", json!({"limit": {"bytes": 0}}))
            .await
            .0,
        204
    );
    outline
        .sim
        .until("the suspended key is dead", async || {
            !flows(&clients[0]).await
        })
        .await;
    assert!(flows(&clients[1]).await, "the other key lives");
    assert_eq!(outline.delete("/access-keys/1/data-limit").await, 204);
    outline
        .sim
        .until("it lives again", async || flows(&clients[0]).await)
        .await;

    assert_eq!(outline.delete("/access-keys/1").await, 204);
    outline
        .sim
        .until("the revoked key is dead", async || {
            !flows(&clients[0]).await
        })
        .await;
    assert!(flows(&clients[1]).await, "the other key lives");
    // Another password under the same id is another key.
    assert_eq!(outline.put("/access-keys/1", json!({})).await.0, 201);
    outline
        .sim
        .until("the new one works", async || outline.works("1").await)
        .await;
    assert!(!flows(&clients[0]).await, "the old password is dead");
}
