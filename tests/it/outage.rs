//! Telegram and the database are away now and then.

use crate::support::program::{ADMIN, Launch};
use crate::support::until;
use crate::support::world::World;
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;

#[tokio::test]
async fn fault_15_who_blocks_or_is_limited_delays_nobody() {
    let world = World::new().await;
    let program = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    let luis = world.person_speaking(1002, "Luis", "en").await;
    let eva = world.person_speaking(1003, "Eva", "en").await;
    ana.ask("/start", "Hello").await;
    luis.ask("/start", "Hello").await;
    eva.ask("/start", "Hello").await;
    let rules = json!({"rules": [
        {"method": "sendMessage", "chat_id": 1001, "action": "500", "times": 2},
        {"method": "sendMessage", "chat_id": 1002, "action": "drop", "times": 1},
        {"method": "sendMessage", "chat_id": 1003, "action": "502-html", "times": 1},
    ]});
    world.post("/sim/faults", rules).await;
    let waits = [(&ana, ana.send("/help").await), (&luis, luis.send("/help").await), (&eva, eva.send("/help").await)];
    for (person, rev) in waits {
        person.wait(rev, "text=How%20it%20works").await;
    }
    world.post("/sim/faults", json!({"rules": [{"method": "sendMessage", "action": "429", "retry_after": 2}]})).await;
    let begin = std::time::Instant::now();
    eva.ask("/terms", "The rules").await;
    assert!(begin.elapsed().as_millis() >= 1_900, "it did not wait as told");

    world.post("/sim/people/1002/block", json!({"blocked": true})).await;
    until("the block is noted", async || {
        (world.database.number("SELECT count(*) AS n FROM users WHERE blocked_at IS NOT NULL").await == 1).then_some(())
    })
    .await;
    ana.ask("/terms", "The rules").await;
    world.post("/sim/people/1002/block", json!({"blocked": false})).await;
    luis.ask("/terms", "The rules").await;
    assert!(program.metric("usipipo_outbox_sent_total", &["outcome=\"retry\""]).await >= 3.0);
}

/// The private database is killed under load; nobody restarts the program.
#[tokio::test]
async fn fault_14_the_private_database_is_killed_and_nothing_is_lost() {
    let world = World::new().await;
    let directory = tempfile::Builder::new().prefix("usipipo-pg-").tempdir_in("/tmp").unwrap();
    // PostgreSQL's own user has to enter it.
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut launch = Launch::new(&directory.path().join("data"), "", &world.sandbox.url());
    launch.http = world.launch.http;
    launch = launch.with("USIPIPO_TELEGRAM__LIMITS__LIFT", "true");
    std::fs::create_dir_all(&launch.data_dir).unwrap();
    std::fs::set_permissions(&launch.data_dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut program = launch.spawn();
    program.until_ready("leader").await;
    let people: Vec<_> = {
        let mut people = Vec::new();
        for id in 2_000..2_010 {
            people.push(world.person_speaking(id, "Ana", "en").await);
        }
        people
    };
    for person in &people {
        person.ask("/start", "Hello").await;
    }
    let pid_file = launch.data_dir.join("postgres/data/postmaster.pid");
    let pid: i32 = std::fs::read_to_string(pid_file).unwrap().lines().next().unwrap().parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
    let mut revs = Vec::new();
    for person in &people {
        revs.push(person.send("/help").await);
    }
    for (person, rev) in people.iter().zip(revs) {
        person.wait(rev, "text=How%20it%20works").await;
        let answers = person.messages().await;
        let count = answers.iter().filter(|m| m["text"].as_str().is_some_and(|t| t.contains("How it works"))).count();
        assert!(count <= 2, "at most one extra message for each crash, not {count}");
    }
    assert!(program.try_ended().is_none(), "the program went on");
    assert!(program.stop().await.success());
}

#[tokio::test]
async fn an_alert_reaches_the_admins_once_and_says_when_it_is_over() {
    let world = World::new().await;
    let admin = world.person_speaking(ADMIN, "Admin", "en").await;
    let _program = world.program().await;
    admin.ask("/start", "Hello").await;
    let rev = admin.rev().await;
    // Somebody else polls with our token.
    let other = world.client.clone();
    let url = world.url("/bot12345:TEST/getUpdates?timeout=1");
    let thief = tokio::spawn(async move {
        loop {
            let _ = other.get(&url).send().await;
        }
    });
    admin.wait(rev, "text=Telegram%20does%20not%20accept%20us").await;
    thief.abort();
    admin.wait(rev, "text=Telegram%20accepts%20us%20again").await;
}
