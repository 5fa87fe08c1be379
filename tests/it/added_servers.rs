//! Servers of keys that come and go while the program runs: from the bot and by command.

use crate::support::program::{ADMIN, Launch, free_port};
use crate::support::until;
use crate::support::world::{Person, World};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::Stdio;

impl World {
    /// A simulated Outline server of which the settings know nothing.
    async fn outline_elsewhere(&self, name: &str) -> Value {
        let wish = json!({"name": name, "keys_port": free_port(), "ready_after_ms": 50});
        let server = self.post("/sim/outline", wish).await;
        json!({"apiUrl": server["apiUrl"], "certSha256": server["certSha256"]})
    }
}

impl Person<'_> {
    /// Presses a button of the newest screens and waits for what it leads to.
    async fn go(&self, data: &str, expected: &str) {
        let rev = self.press_data(data).await;
        self.wait(rev, &format!("text={}", crate::support::world::encode(expected))).await;
    }
}

/// Runs a command with this on its standard input: whether it succeeded, and everything it said.
fn run(launch: &Launch, args: &[&str], input: &str) -> (bool, String) {
    let mut command = launch.command(args);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].map(|part| String::from_utf8_lossy(&part).into_owned()).concat();
    (output.status.success(), said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_adds_an_outline_server_sells_on_it_restarts_drains_and_removes_it() {
    let world = World::new().await;
    let access = world.outline_elsewhere("ber").await;
    let bot = world.program().await;
    let admin = world.person_speaking(ADMIN, "Admin", "en").await;
    admin.ask("/start", "👋").await;
    admin.ask("/nodes", "local").await;
    admin.go("1nadd", "under [[nodes]] in the settings").await;
    admin.go("1nnew:outline", "called").await;
    admin.ask("two words", "cannot be a name").await;
    admin.ask("ber", "Where does it stand").await;
    admin.ask("DE Berlin", "How many services").await;
    admin.go("1nskip:m", "Paste what Outline").await;

    admin.ask("no idea", "not what Outline").await;
    let mut other = access.clone();
    other["certSha256"] = json!("AB".repeat(32));
    admin.ask(&other.to_string(), "another certificate").await;
    let mut nowhere = access.clone();
    nowhere["apiUrl"] = json!(format!("{}x", access["apiUrl"].as_str().unwrap()));
    admin.ask(&nowhere.to_string(), "secret part").await;
    assert_eq!(world.database.number("SELECT count(*) AS n FROM nodes WHERE added").await, 0);
    admin.ask(&access.to_string(), "ber is added").await;

    // What was pasted is neither in the chat, nor in the inbox, nor in plain anywhere else.
    let secret = access["apiUrl"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    assert!(secret.len() > 8, "{secret}");
    until("the messages with the secret are gone", async || {
        let messages = admin.messages().await;
        messages.iter().all(|message| !message["text"].to_string().contains(&secret)).then_some(())
    })
    .await;
    let stored = format!(
        "SELECT (SELECT count(*) FROM inbox WHERE position('{secret}'::bytea IN raw) > 0)
              + (SELECT count(*) FROM nodes x WHERE x::text LIKE '%{secret}%')
              + (SELECT count(*) FROM audit x WHERE x::text LIKE '%{secret}%')
              + (SELECT count(*) FROM outbox x WHERE x::text LIKE '%{secret}%')
              + (SELECT count(*) FROM dialogues x WHERE x::text LIKE '%{secret}%') AS n"
    );
    assert_eq!(world.database.number(&stored).await, 0);
    assert!(!world.launch.log().contains(&secret));

    let ana = world.person_speaking(1001, "Ana", "en").await;
    let link = ana.take_outline().await;
    assert_eq!(world.outline_keys("ber").await.len(), 1);
    let (_, tree) = run(&world.launch, &["tree"], "");
    assert!(tree.contains("key_node/ber"), "{tree}");
    assert!(bot.stop().await.success());

    let again = world.program().await;
    ana.ask("/vpn", "").await;
    ana.press_data("1card:").await;
    let rev = ana.press_data("1file:").await;
    assert_eq!(ana.thing(rev, "ss://").await, link);
    admin.ask("/nodes", "ber").await;
    let node = world.database.number("SELECT id::bigint AS n FROM nodes WHERE name = 'ber'").await;
    admin.go(&format!("1node:{node}"), "Berlin").await;
    admin.go(&format!("1nq:{node}:d"), "Drain ber").await;
    admin.go(&format!("1nc:{node}:d"), "Draining").await;
    let (removed, said) = run(&world.launch, &["node", "remove", "ber"], "");
    assert!(!removed && said.contains("1 service(s) live on ber"), "{said}");
    ana.revoke("/vpn").await;
    until("the key is gone", async || world.outline_keys("ber").await.is_empty().then_some(())).await;
    admin.ask("/nodes", "ber").await;
    admin.go(&format!("1node:{node}"), "Draining").await;
    admin.go(&format!("1nq:{node}:r"), "for good").await;
    admin.go(&format!("1nc:{node}:r"), "Removed").await;
    until("its actor has ended", async || {
        (!run(&world.launch, &["tree"], "").1.contains("key_node/ber")).then_some(())
    })
    .await;
    assert_eq!(world.database.number("SELECT count(*) AS n FROM nodes WHERE access IS NOT NULL").await, 0);
    assert!(again.stop().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_server_is_added_drained_and_removed_by_command_while_the_program_runs() {
    let world = World::new().await;
    let wish = json!({"name": "ams", "proxy": true, "tls_domain": "example.com"});
    let server = world.post("/sim/telemt", wish).await;
    let (host, port) = server["proxy"].as_str().unwrap().split_once(':').unwrap();
    let url = server["url"].as_str().unwrap();
    let bot = world.program().await;
    let add = |more: &[&str], input: &str| {
        let mut args = vec!["node", "add", "telemt", "--name", "ams", "--country", "NL", "--place", "Amsterdam"];
        args.extend(more);
        run(&world.launch, &args, input)
    };
    let place = ["--host", host, "--port", port, "--domain", "example.com"];
    let (added, said) = add(&[], url);
    assert!(!added && said.contains("--host and --port"), "{said}");
    let (added, said) = add(&place, "not an address");
    assert!(!added && said.contains("standard input does not hold"), "{said}");
    let (added, said) = add(&place, "http://127.0.0.1:1");
    assert!(!added && said.contains("cannot be reached"), "{said}");
    let (added, said) = add(&place, url);
    assert!(added && said.contains("ams is added") && said.contains("The running program knows"), "{said}");
    let (_, report) = run(&world.launch, &["doctor"], "");
    assert!(report.contains("server ams: telemt") && report.contains("0 of 500 keys"), "{report}");
    let (added, said) = add(&place, url);
    assert!(!added && said.contains("ams, which is here already"), "{said}");

    let ana = world.person_speaking(1001, "Ana", "en").await;
    let proxy = ana.take_proxy().await;
    assert!(world.works(&proxy).await);
    let (_, list) = run(&world.launch, &["node", "list"], "");
    let line = list.lines().find(|line| line.starts_with("ams")).unwrap();
    for part in ["telemt", "active", "answers", "1 of 500", server["proxy"].as_str().unwrap()] {
        assert!(line.contains(part), "{part} is missing in {line}");
    }
    for (command, state) in [("maintenance", "maintenance"), ("activate", "active"), ("drain", "draining")] {
        let (done, said) = run(&world.launch, &["node", command, "ams"], "");
        assert!(done, "{said}");
        let (_, list) = run(&world.launch, &["node", "list"], "");
        assert!(list.lines().any(|line| line.starts_with("ams") && line.contains(state)), "{list}");
    }
    let (done, said) = run(&world.launch, &["node", "drain", "nowhere"], "");
    assert!(!done && said.contains("there is no server nowhere"), "{said}");
    ana.revoke("/proxy").await;
    until("the user is gone", async || world.telemt_users("ams").await.is_empty().then_some(())).await;
    let (done, said) = run(&world.launch, &["node", "remove", "ams"], "");
    assert!(done && said.contains("forgotten"), "{said}");
    until("its actor has ended", async || {
        (!run(&world.launch, &["tree"], "").1.contains("key_node/ams")).then_some(())
    })
    .await;
    assert_eq!(world.database.number("SELECT count(*) AS n FROM nodes WHERE access IS NOT NULL").await, 0);
    assert!(bot.stop().await.success());
}
