//! A database, a simulated Telegram and people in it.

use super::PATIENCE;
use super::program::{Launch, Program};
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use usipipo_actors::storage::testing::TestDatabase;
use usipipo_sandbox::Sandbox;
use usipipo_sandbox::world::Settings;

/// Everything a test needs besides the program.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) client: Client,
    pub(crate) database: TestDatabase,
    pub(crate) directory: TempDir,
    pub(crate) launch: Launch,
}

impl World {
    /// Without Telegram's limits of speed.
    pub(crate) async fn new() -> Self {
        Self::with_limits(false).await
    }

    pub(crate) async fn with_limits(limits: bool) -> Self {
        let database = TestDatabase::new().await;
        let directory = tempfile::Builder::new().prefix("usipipo-it-").tempdir().unwrap();
        let http = super::program::free_port();
        let settings =
            Settings { limits, program_url: Some(format!("http://127.0.0.1:{http}")), ..Settings::for_tests() };
        let sandbox = Sandbox::start(settings).await.unwrap();
        let mut launch = Launch::new(directory.path(), database.url(), &sandbox.url());
        launch.http.set_port(http);
        if !limits {
            launch = launch.with("USIPIPO_TELEGRAM__LIMITS__LIFT", "true");
        }
        Self { sandbox, client: Client::builder().no_proxy().build().unwrap(), database, directory, launch }
    }

    /// The program, ready and leading.
    pub(crate) async fn program(&self) -> Program {
        let mut program = self.launch.spawn();
        program.until_ready("leader").await;
        program
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.url())
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let response = self.client.get(self.url(path)).send().await.unwrap();
        let status = response.status();
        let body = response.json().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {body}");
        body
    }

    /// Adds a fault to the simulated Telegram.
    pub(crate) async fn fault(&self, rule: Value) {
        self.post("/sim/faults", json!({ "rules": [rule] })).await;
    }

    /// Ends all faults of the simulated Telegram.
    pub(crate) async fn no_faults(&self) {
        let response = self.client.delete(self.url("/sim/faults")).send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.status());
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let response = self.client.post(self.url(path)).json(&body).send().await.unwrap();
        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        assert!(status.is_success(), "{path} {body}: {status} {answer}");
        answer
    }

    /// A person who speaks Spanish.
    pub(crate) async fn person(&self, id: i64, name: &str) -> Person<'_> {
        self.person_speaking(id, name, "es").await
    }

    pub(crate) async fn person_speaking(&self, id: i64, name: &str, language: &str) -> Person<'_> {
        self.post("/sim/people", json!({"id": id, "first_name": name, "language_code": language})).await;
        Person { world: self, id }
    }

    /// Moves both clocks.
    pub(crate) async fn advance(&self, seconds: u64) {
        self.post("/sim/clock", json!({"advance_seconds": seconds})).await;
    }
}

/// Somebody who chats with the bot.
#[derive(Clone, Copy)]
pub(crate) struct Person<'a> {
    pub(crate) world: &'a World,
    pub(crate) id: i64,
}

impl Person<'_> {
    /// The chat's revision now: what comes later is newer.
    pub(crate) async fn rev(&self) -> i64 {
        self.world.get(&format!("/sim/people/{}", self.id)).await["rev"].as_i64().unwrap()
    }

    /// Sends a text; returns the revision it made.
    pub(crate) async fn send(&self, text: &str) -> i64 {
        let path = format!("/sim/people/{}/send", self.id);
        self.world.post(&path, json!({ "text": text })).await["rev"].as_i64().unwrap()
    }

    /// Sends a text and waits for an answer that contains `expected`.
    pub(crate) async fn ask(&self, text: &str, expected: &str) -> Value {
        let rev = self.send(text).await;
        self.wait(rev, &format!("text={}", encode(expected))).await
    }

    /// Presses the newest button whose label contains `label`; returns the revision before.
    pub(crate) async fn press(&self, label: &str) -> i64 {
        let rev = self.rev().await;
        let path = format!("/sim/people/{}/press", self.id);
        self.world.post(&path, json!({ "text": label })).await;
        rev
    }

    /// Presses and waits for an answer that contains `expected`.
    pub(crate) async fn tap(&self, label: &str, expected: &str) -> Value {
        let rev = self.press(label).await;
        self.wait(rev, &format!("text={}", encode(expected))).await
    }

    /// Sends any callback data, as a forged client would.
    pub(crate) async fn forge(&self, message_id: i64, data: &str) -> Value {
        let path = format!("/sim/people/{}/press", self.id);
        self.world.post(&path, json!({"message_id": message_id, "data": data, "force": true, "wait": 10})).await
    }

    /// Waits for a message newer than `rev`; `query` as the control API takes it.
    pub(crate) async fn wait(&self, rev: i64, query: &str) -> Value {
        let path = format!("/sim/chat/wait?person={}&after={rev}&timeout={}&{query}", self.id, PATIENCE.as_secs());
        let response = self.world.client.get(self.world.url(&path)).send().await.unwrap();
        let status = response.status();
        let body: Value = response.json().await.unwrap();
        assert!(status.is_success(), "{} never saw {query} after {rev}: {body:#}", self.id);
        body["message"].clone()
    }

    /// Every message of the chat.
    pub(crate) async fn messages(&self) -> Vec<Value> {
        self.world.get(&format!("/sim/people/{}/chat", self.id)).await["messages"].as_array().unwrap().clone()
    }

    /// Takes the trial and returns its config file.
    pub(crate) async fn take_trial(&self) -> String {
        self.ask("/start", "👋").await;
        self.ask("/trial", "").await;
        let rev = self.press_accept().await;
        let message = self.wait(rev, "document=.conf").await;
        self.file(&message).await
    }

    /// Presses the button that takes the offered trial; the revision before.
    pub(crate) async fn press_accept(&self) -> i64 {
        let rev = self.rev().await;
        let data = self.button("1ok:").await;
        let path = format!("/sim/people/{}/press", self.id);
        self.world.post(&path, json!({ "message_id": data.0, "data": data.1 })).await;
        rev
    }

    /// The newest button whose data begins so: its message and data.
    pub(crate) async fn button(&self, prefix: &str) -> (i64, String) {
        super::until(&format!("a button {prefix}"), async || {
            let messages = self.messages().await;
            messages.iter().rev().find_map(|message| {
                let rows = message["buttons"].as_array()?;
                let buttons = rows.iter().flat_map(|row| row.as_array().into_iter().flatten());
                let data =
                    buttons.filter_map(|button| button["data"].as_str()).find(|data| data.starts_with(prefix))?;
                Some((message["message_id"].as_i64()?, data.to_owned()))
            })
        })
        .await
    }

    /// Presses the newest button whose data begins so, and waits for an answer that contains `expected`.
    pub(crate) async fn click(&self, prefix: &str, expected: &str) -> Value {
        let (message_id, data) = self.button(prefix).await;
        let rev = self.rev().await;
        let path = format!("/sim/people/{}/press", self.id);
        self.world.post(&path, json!({ "message_id": message_id, "data": data })).await;
        self.wait(rev, &format!("text={}", encode(expected))).await
    }

    /// The text of a message's document.
    pub(crate) async fn file(&self, message: &Value) -> String {
        let id = message["document"]["file_id"].as_str().unwrap();
        let response = self.world.client.get(self.world.url(&format!("/sim/files/{id}"))).send().await.unwrap();
        response.text().await.unwrap()
    }
}

/// For a query.
pub(crate) fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}
