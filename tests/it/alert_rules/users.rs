//! What users feel: slow answers, waiting updates, conversations that crash.

use super::Watch;
use crate::support::lever::Levers;
use crate::support::program::ADMIN;
use crate::support::until;
use crate::support::world::World;

pub(super) const CAUSED: &[&str] = &[
    "UsipipoUpdatesWait",
    "UsipipoUpdatesSlow",
    "UsipipoStepsFail",
    "UsipipoActorRestarts",
    "UsipipoSessionsQuarantined",
    "UsipipoDeadLetters",
];

/// Three crashes each, and more than five are too many for one kind of actor.
const POISONED: [i64; 3] = [1001, 1002, 1003];

#[tokio::test]
async fn waiting_updates_and_crashing_conversations_fire_and_resolve() {
    let world = World::new().await;
    let mut program = world.program().await;
    let Some(mut watch) = Watch::start(world.directory.path(), &[program.launch.metrics], CAUSED).await else {
        return;
    };
    let levers = Levers::new(&world.database).await;
    let mut people = Vec::new();
    for id in POISONED {
        let person = world.person_speaking(id, "Ana", "en").await;
        person.ask("/start", "Hello").await;
        people.push(person);
    }

    // The database takes its time.
    for alert in ["UsipipoUpdatesWait", "UsipipoUpdatesSlow"] {
        watch.is_quiet(alert).await;
    }
    levers.slow("inbox").await;
    let rev = people[1].send("/vpn").await;
    until("an update waits for a second", async || {
        let old = "SELECT count(*) AS n FROM inbox WHERE done_at IS NULL AND received_at < now() - interval '1 s'";
        (world.database.number(old).await > 0).then_some(())
    })
    .await;
    levers.release().await;
    people[1].wait(rev, "text=VPN").await;
    watch.fires("UsipipoUpdatesSlow").await;
    watch.shows("From an update to its committed step", |seconds| seconds > 0.5).await;
    watch.is_over("UsipipoUpdatesSlow").await;

    levers.slow("inbox").await;
    let rev = people[0].send("/vpn").await;
    watch.fires("UsipipoUpdatesWait").await;
    watch.shows("Oldest waiting update", |seconds| seconds > 1.0).await;
    watch.shows("Age of the oldest", |seconds| seconds > 1.0).await;
    watch.shows("Updates waiting", |count| count >= 1.0).await;
    levers.release().await;
    people[0].wait(rev, "text=VPN").await;
    watch.is_over("UsipipoUpdatesWait").await;

    // It refuses what three users want.
    for alert in ["UsipipoStepsFail", "UsipipoActorRestarts", "UsipipoSessionsQuarantined", "UsipipoDeadLetters"] {
        watch.is_quiet(alert).await;
    }
    for id in POISONED {
        levers.refuse(id).await;
    }
    for (number, person) in people.iter().enumerate() {
        person.send("/help").await;
        // One after the other, so that Prometheus sees the counters grow.
        watch.counts("usipipo_actor_restarts_total{actor=\"session\"}", 3 * (number + 1)).await;
    }
    watch.fires("UsipipoStepsFail").await;
    watch.fires("UsipipoActorRestarts").await;
    watch.fires("UsipipoSessionsQuarantined").await;
    watch.shows("Steps that were not committed", |rate| rate > 0.0).await;
    watch.shows("Restarts in an hour", |count| count > 5.0).await;
    watch.shows("Messages that ended in an error or a panic", |rate| rate > 0.0).await;
    watch.shows("Conversations", |count| count == 3.0).await;
    watch.shows("Given up for a while", |count| count >= 3.0).await;
    watch.shows("Alerts raised", |count| count > 0.0).await;
    watch.fires("UsipipoDeadLetters").await;
    watch.shows("Dead letters", |count| count == 3.0).await;
    watch.shows("Open alerts", |count| count > 0.0).await;
    watch.is_over("UsipipoStepsFail").await;
    watch.is_over("UsipipoActorRestarts").await;

    // What an operator does: mend the cause, start anew, put back what could not be handled.
    levers.release().await;
    program.kill();
    let _program = world.program().await;
    watch.is_over("UsipipoSessionsQuarantined").await;
    let admin = world.person_speaking(ADMIN, "Admin", "en").await;
    for _ in POISONED {
        let next = "SELECT min(id) AS n FROM dead_letters WHERE replayed_at IS NULL";
        let id = world.database.number(next).await;
        admin.ask("/deadletters", "Messages that failed").await;
        admin.click(&format!("1dl:{id}"), "lane").await;
        admin.click(&format!("1again:{id}"), "is back in the inbox").await;
    }
    for person in &people {
        person.ask("/help", "How it works").await;
    }
    watch.is_over("UsipipoDeadLetters").await;
    watch.ends();
}
