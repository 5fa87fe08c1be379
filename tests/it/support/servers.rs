//! Simulated servers of keys, and what their users do with what they get.

use super::program::free_port;
use super::world::{Person, World};
use super::{tools, until};
use chrono::DateTime;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use usipipo::mtproto::{Limits, ProxyTarget, Secret, SecretKey, SecretKind, Verdict, probe};
use usipipo::outline::AccessLink;

/// How long an answer through a tunnel may take that is expected to come.
const FETCH: Duration = Duration::from_secs(2);
/// Short, since who is refused meets silence.
const PROBE: Limits =
    Limits { connect: Duration::from_secs(5), answer: Duration::from_secs(2), total: Duration::from_secs(20) };

impl World {
    /// Adds a simulated Outline server to the world and to the settings.
    pub(crate) async fn with_outline(self, name: &str, real: bool) -> Self {
        self.with_small_outline(name, real, 1_000).await
    }

    /// An Outline server for so many keys.
    pub(crate) async fn with_small_outline(mut self, name: &str, real: bool, capacity: u32) -> Self {
        let wish = json!({"name": name, "real": real, "keys_port": free_port(), "ready_after_ms": 50});
        let server = self.post("/sim/outline", wish).await;
        let access = json!({"apiUrl": server["apiUrl"], "certSha256": server["certSha256"]}).to_string();
        let capacity = capacity.to_string();
        self.add_node(&[
            ("NAME", name),
            ("DRIVER", "outline"),
            ("COUNTRY", "DE"),
            ("CAPACITY", &capacity),
            ("ACCESS", &access),
        ]);
        self
    }

    /// Adds a simulated telemt server whose proxy takes handshakes.
    pub(crate) async fn with_telemt(self, name: &str) -> Self {
        self.with_telemt_behind(name, None).await.0
    }

    /// Adds a simulated telemt server, for clients at this place; says where its proxy really listens.
    pub(crate) async fn with_telemt_behind(mut self, name: &str, place: Option<SocketAddr>) -> (Self, SocketAddr) {
        let server = self.post("/sim/telemt", json!({"name": name, "proxy": true, "tls_domain": "example.com"})).await;
        let proxy: SocketAddr = server["proxy"].as_str().unwrap().parse().unwrap();
        let place = place.unwrap_or(proxy);
        let (host, port) = (place.ip().to_string(), place.port().to_string());
        self.add_node(&[
            ("NAME", name),
            ("DRIVER", "telemt"),
            ("API_URL", server["url"].as_str().unwrap()),
            ("HOST", &host),
            ("PORT", &port),
            ("DOMAIN", "example.com"),
        ]);
        (self, proxy)
    }

    fn add_node(&mut self, settings: &[(&str, &str)]) {
        let number = 1 + self.launch.env.iter().filter(|(name, _)| name.ends_with("__DRIVER")).count();
        let mut launch = self.launch.clone().with("USIPIPO_NODES__0__NAME", "local");
        for (name, value) in settings {
            launch = launch.with(&format!("USIPIPO_NODES__{number}__{name}"), value);
        }
        self.launch = launch;
    }

    /// Keys on an Outline server.
    pub(crate) async fn outline_keys(&self, server: &str) -> Vec<Value> {
        self.get(&format!("/sim/outline/{server}/keys")).await["keys"].as_array().unwrap().clone()
    }

    /// Users of a telemt server that are ours.
    pub(crate) async fn telemt_users(&self, server: &str) -> Vec<Value> {
        let users = self.get(&format!("/sim/telemt/{server}/users")).await;
        let ours = |user: &&Value| user["username"].as_str().unwrap().starts_with('u');
        users["users"]
            .as_array()
            .unwrap()
            .iter()
            .filter(ours)
            .filter(|user| user["username"] != "usipipo-sentinel")
            .cloned()
            .collect()
    }

    /// What a client learns from a proxy in this form, by the simulation's clock.
    pub(crate) async fn probe(&self, proxy: &Proxy, kind: SecretKind) -> Verdict {
        let now = self.get("/sim/clock").await["now"].as_i64().unwrap();
        let secret = Secret { kind, key: SecretKey::new(proxy.key) };
        let target = ProxyTarget { host: proxy.host.clone(), port: proxy.port, secret };
        probe(&target, 2, DateTime::from_timestamp(now, 0).unwrap(), PROBE).await
    }

    /// Whether both forms of the secret are accepted.
    pub(crate) async fn works(&self, proxy: &Proxy) -> bool {
        self.forms(proxy).await == [true, true]
    }

    /// Whether both forms of the secret are refused.
    pub(crate) async fn is_refused(&self, proxy: &Proxy) -> bool {
        self.forms(proxy).await == [false, false]
    }

    /// `dd` and `ee`; while the server takes a change over they may differ.
    async fn forms(&self, proxy: &Proxy) -> [bool; 2] {
        let tls = SecretKind::FakeTls { domain: "example.com".to_owned() };
        [self.probe(proxy, SecretKind::Padded).await.works(), self.probe(proxy, tls).await.works()]
    }
}

impl Person<'_> {
    /// Presses the newest button with this data; returns the revision before.
    pub(crate) async fn press_data(&self, prefix: &str) -> i64 {
        let rev = self.rev().await;
        let (message, data) = self.button(prefix).await;
        self.world.post(&format!("/sim/people/{}/press", self.id), json!({"message_id": message, "data": data})).await;
        rev
    }

    /// The newest thing in the chat that begins so: in a text or behind a button.
    pub(crate) async fn thing(&self, after: i64, prefix: &str) -> String {
        until(&format!("{prefix} in the chat of {}", self.id), async || {
            let messages = self.messages().await;
            let fresh = messages.iter().rev().filter(|message| message["rev"].as_i64().unwrap() > after);
            fresh.into_iter().find_map(|message| find(message, prefix))
        })
        .await
    }

    /// Takes the free plan of a product; gives the revision before its end.
    pub(crate) async fn take(&self, product: &str) -> i64 {
        self.ask("/start", "👋").await;
        let command = if product == "mtproto" { "/proxy" } else { "/trial" };
        self.ask(command, "").await;
        self.press_data(&format!("1try:{product}")).await;
        self.press_accept().await
    }

    /// Takes an Outline key; its link.
    pub(crate) async fn take_outline(&self) -> String {
        let rev = self.take("outline").await;
        self.thing(rev, "ss://").await
    }

    /// Takes a proxy.
    pub(crate) async fn take_proxy(&self) -> Proxy {
        let rev = self.take("mtproto").await;
        Proxy::parse(&self.thing(rev, "https://t.me/proxy?").await)
    }

    /// Ends the newest service.
    pub(crate) async fn revoke(&self, list: &str) {
        self.ask(list, "").await;
        self.press_data("1card:").await;
        self.press_data("1rev:").await;
        let rev = self.press_accept().await;
        self.wait(rev, "").await;
    }
}

/// The first text that begins so, to the next space.
fn find(value: &Value, prefix: &str) -> Option<String> {
    match value {
        Value::String(text) => {
            let rest = &text[text.find(prefix)?..];
            Some(rest.split(|c: char| c.is_whitespace() || c == '<' || c == '"').next()?.to_owned())
        }
        Value::Array(items) => items.iter().find_map(|item| find(item, prefix)),
        // What is shown is looked at before what it was made of.
        Value::Object(fields) => ["text", "caption", "buttons"]
            .iter()
            .filter_map(|name| fields.get(*name))
            .chain(fields.get("url"))
            .chain(fields.get("copy"))
            .find_map(|field| find(field, prefix)),
        _ => None,
    }
}

/// A link to a proxy in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) key: [u8; 16],
}

impl Proxy {
    fn parse(link: &str) -> Self {
        let url = reqwest::Url::parse(&link.replace("&amp;", "&")).unwrap();
        let of = |name: &str| {
            let found = url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
            found.unwrap_or_else(|| panic!("{link} has no {name}"))
        };
        let secret = of("secret");
        // dd or ee, then the key, then perhaps a domain.
        let digits = &secret[2..34];
        let byte = |at: usize| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap();
        Self { host: of("server"), port: of("port").parse().unwrap(), key: std::array::from_fn(byte) }
    }
}

/// The programs of Debian's Shadowsocks, or a loud word.
pub(crate) fn shadowsocks() -> Option<PathBuf> {
    let (client, server) = (tools::find("ss-local"), tools::find("ss-server"));
    if server.is_some() && client.is_some() {
        return client;
    }
    assert!(std::env::var_os("CI").is_none(), "there is no ss-local or ss-server; run tools/unpack.sh");
    eprintln!(
        "\n!!! SKIPPED: bytes through an Outline key were NOT tested: there is no ss-local or ss-server. Remedy: run \
         tools/unpack.sh and set USIPIPO_TOOLS_DIR to what it prints !!!\n"
    );
    None
}

/// Debian's Shadowsocks client with the link that a user got.
pub(crate) struct ShadowsocksClient {
    process: Child,
    socks: SocketAddr,
}

impl ShadowsocksClient {
    pub(crate) async fn start(program: &PathBuf, link: &str) -> Self {
        use secrecy::ExposeSecret as _;
        let link = AccessLink::parse(link).unwrap();
        let local = free_port();
        let process = Command::new(program)
            .args(["-s", &link.host, "-p", &link.port.to_string(), "-k", link.password.expose_secret()])
            .args(["-m", link.cipher.as_str(), "-b", "127.0.0.1", "-l", &local.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let client = Self { process, socks: SocketAddr::from(([127, 0, 0, 1], local)) };
        until("ss-local listens", async || TcpStream::connect(client.socks).await.ok()).await;
        client
    }

    /// Fetches `/` of a web site through it; `None` if not all of the answer comes.
    pub(crate) async fn fetch(&self, site: SocketAddr) -> Option<Vec<u8>> {
        let fetch = async {
            let mut stream = TcpStream::connect(self.socks).await.ok()?;
            stream.write_all(&[5, 1, 0]).await.ok()?;
            stream.read_exact(&mut [0; 2]).await.ok()?;
            let port = site.port().to_be_bytes();
            stream.write_all(&[5, 1, 0, 1, 127, 0, 0, 1, port[0], port[1]]).await.ok()?;
            stream.read_exact(&mut [0; 10]).await.ok()?;
            stream.write_all(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n").await.ok()?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.ok()?;
            let start = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
            Some(answer.split_off(start + 4))
        };
        tokio::time::timeout(FETCH, fetch).await.ok().flatten()
    }
}

impl Drop for ShadowsocksClient {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
