//! The command line.

use crate::support::program::TOKEN;
use crate::support::world::World;
use std::process::Output;

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_token_the_error_says_where_to_get_one() {
    let world = World::new().await;
    let output = world.launch.command(&["run"]).env_remove("USIPIPO_TELEGRAM__TOKEN").output().unwrap();
    assert!(!output.status.success());
    let text = text(&output);
    assert!(text.contains("@BotFather") && text.contains("usipipo demo"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_wrong_setting_is_named_at_once() {
    let world = World::new().await;
    let output = world
        .launch
        .command(&["run"])
        .env("USIPIPO_TELEGRAM__MODE", "pigeon")
        .env("USIPIPO_HTTP__LISTEN", "here")
        .env("USIPIPO_NODES__0__MTU", "5")
        .output()
        .unwrap();
    let text = text(&output);
    for key in ["telegram.mode", "http.listen", "nodes[0].mtu"] {
        assert!(text.contains(key), "{key} is missing in {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_not_there_is_one_sentence() {
    let world = World::new().await;
    let mut launch = world.launch.clone();
    launch.database_url = "postgres://nobody:s3cretpass@127.0.0.1:1/none".to_owned();
    let output = launch.command(&["run"]).output().unwrap();
    assert!(!output.status.success());
    let text = text(&output);
    assert!(text.contains("database") && !text.contains("s3cretpass"), "{text}");
    assert!(text.lines().filter(|line| line.starts_with("usipipo:")).count() == 1, "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tree_doctor_config_and_keys_work_beside_the_running_program() {
    let world = World::new().await;
    let program = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    let before = ana.take_trial().await;

    let tree = text(&world.launch.command(&["tree"]).output().unwrap());
    for actor in ["leader, epoch", "inbox", "outbox", "router", "node/local", "poller", "running"] {
        assert!(tree.contains(actor), "{actor} is missing in\n{tree}");
    }
    let restarted = world.launch.command(&["tree", "--restart", "duty/outbox"]).output().unwrap();
    assert!(restarted.status.success() && text(&restarted).contains("started anew"), "{}", text(&restarted));
    let nobody = world.launch.command(&["tree", "--restart", "duty/nobody"]).output().unwrap();
    assert!(!nobody.status.success() && text(&nobody).contains("no actor duty/nobody"), "{}", text(&nobody));
    ana.ask("/help", "How it works").await;
    let again = text(&world.launch.command(&["tree"]).output().unwrap());
    let outbox = again.lines().find(|line| line.contains("outbox")).unwrap();
    assert!(outbox.contains("running") && outbox.contains(" 1 "), "{again}");
    let doctor = world.launch.command(&["doctor"]).output().unwrap();
    assert!(doctor.status.success(), "{}", text(&doctor));
    let shown = text(&world.launch.command(&["config", "show"]).output().unwrap());
    assert!(shown.contains("api_url") && !shown.contains(TOKEN), "{shown}");

    let rotated = world.launch.command(&["keys", "rotate"]).output().unwrap();
    assert!(rotated.status.success(), "{}", text(&rotated));
    assert!(text(&rotated).contains("Sealed"), "{}", text(&rotated));
    // The running program reads what the new key sealed.
    let (message, data) = ana.button("1file:").await;
    let rev = ana.rev().await;
    world.post("/sim/people/1001/press", serde_json::json!({"message_id": message, "data": data})).await;
    let file = ana.wait(rev, "document=.conf").await;
    assert_eq!(ana.file(&file).await, before);
    let migrated = text(&world.launch.command(&["migrate"]).output().unwrap());
    assert!(migrated.contains("up to date"), "{migrated}");
    assert!(program.stop().await.success());
    let alone = text(&world.launch.command(&["tree"]).output().unwrap());
    assert!(alone.contains("no running program"), "{alone}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_names_what_is_broken_and_how_to_mend_it() {
    let world = World::new().await;
    let blocked = std::net::TcpListener::bind(world.launch.metrics).unwrap();
    let mut launch = world.launch.clone();
    launch.database_url = "postgres://nobody@127.0.0.1:1/none".to_owned();
    launch.api_url = "http://127.0.0.1:1".to_owned();
    let output = launch.with("USIPIPO_TELEGRAM__LIMITS__LIFT", "false").command(&["doctor"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = text(&output);
    for broken in ["BAD   database", "BAD   telegram", "BAD   metrics.listen", "→"] {
        assert!(text.contains(broken), "{broken} is missing in\n{text}");
    }
    drop(blocked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_28_no_secret_is_logged_listed_or_stored_in_plain() {
    let world = World::new().await;
    let program = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    let config = ana.take_trial().await;
    let rev = ana.press("QR").await;
    ana.wait(rev, "photo=1").await;
    let key = |name: &str| {
        let line = config.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_once(" = ").unwrap().1.trim().to_owned()
    };
    let secrets = [TOKEN.split_once(':').unwrap().1.to_owned(), key("PrivateKey"), key("PresharedKey")];
    let metrics = program.metrics().await;
    let command_line = std::fs::read_to_string(format!("/proc/{}/cmdline", program.pid())).unwrap();
    let rows = world
        .database
        .text(
            "SELECT coalesce(string_agg(row_to_json(x)::text, ''), '') AS t FROM (SELECT to_jsonb(o) FROM outbox o \
             UNION ALL SELECT to_jsonb(a) FROM audit a UNION ALL SELECT to_jsonb(d) FROM dialogues d) x",
        )
        .await;
    let sealed =
        world.database.text("SELECT encode(private_key, 'hex') || encode(preshared_key, 'hex') AS t FROM peers").await;
    let log = world.launch.log();
    for secret in &secrets {
        for (place, text) in [("log", &log), ("metrics", &metrics), ("command line", &command_line), ("rows", &rows)] {
            // "TEST" alone is an ordinary word; the token is looked for as a whole.
            let found = if secret == "TEST" { text.contains(TOKEN) } else { text.contains(secret.as_str()) };
            assert!(!found, "a secret stands in the {place}");
        }
    }
    use base64::Engine as _;
    for secret in &secrets[1..] {
        let raw = base64::engine::general_purpose::STANDARD.decode(secret).unwrap();
        let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!sealed.contains(&hex), "a key lies in the database in plain");
    }
}
