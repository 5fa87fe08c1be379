//! Money, and floods.

use super::Watch;
use crate::support::lever::Levers;
use crate::support::until;
use crate::support::world::World;
use serde_json::json;

pub(super) const CAUSED: &[&str] = &["UsipipoUnexpectedPayment", "UsipipoMailboxLong"];

/// People who block the bot while it cannot write.
const BLOCKERS: i64 = 6;

#[tokio::test]
async fn a_payment_while_nothing_is_sold_and_a_stuck_actor_fire_and_resolve() {
    let world = World::new().await;
    let program = world.program().await;
    let Some(mut watch) = Watch::start(world.directory.path(), &[program.launch.metrics], CAUSED).await else {
        return;
    };
    let ana = world.person_speaking(1001, "Ana", "en").await;
    ana.ask("/start", "Hello").await;

    watch.is_quiet("UsipipoUnexpectedPayment").await;
    let paid = json!({"update_id": "{{update_id}}", "message": {
        "message_id": 77, "date": 1, "chat": {"id": 1001, "type": "private", "first_name": "Ana"},
        "from": {"id": 1001, "is_bot": false, "first_name": "Ana"},
        "successful_payment": {"currency": "XTR", "total_amount": 100, "invoice_payload": "x",
            "telegram_payment_charge_id": "charge-1", "provider_payment_charge_id": ""},
    }});
    let raw = paid.to_string().replace("\"{{update_id}}\"", "{{update_id}}");
    world.post("/sim/updates/raw", json!({ "raw": raw })).await;
    watch.fires("UsipipoUnexpectedPayment").await;
    watch.shows("Unexpected payments", |value| value > 0.0).await;
    watch.is_over("UsipipoUnexpectedPayment").await;

    for id in 0..BLOCKERS {
        world.person_speaking(2_000 + id, "Eva", "en").await.ask("/start", "Hello").await;
    }
    watch.is_quiet("UsipipoMailboxLong").await;
    let levers = Levers::new(&world.database).await;
    levers.slow("users").await;
    for id in 0..BLOCKERS {
        let before = world.database.number("SELECT count(*) AS n FROM inbox WHERE lane = 'membership'").await;
        world.post(&format!("/sim/people/{}/block", 2_000 + id), json!({"blocked": true})).await;
        until("the update is stored", async || {
            let now = world.database.number("SELECT count(*) AS n FROM inbox WHERE lane = 'membership'").await;
            (now > before).then_some(())
        })
        .await;
    }
    watch.shows("Mailboxes", |value| value > 3.0).await;
    watch.fires("UsipipoMailboxLong").await;
    levers.release().await;
    watch.is_over("UsipipoMailboxLong").await;
    watch.ends();
}
