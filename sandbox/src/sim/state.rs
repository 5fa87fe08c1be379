//! Everything at a glance.

use axum::Json;
use axum::extract::State;
use serde_json::Value;
use serde_json::json;

use super::people;
use crate::program;
use crate::world::Shared;
use crate::world::lock;

/// So many people are listed; a load test has more than anyone reads.
const LISTED: usize = 1000;

/// `GET /sim/state`
pub async fn state(State(world): State<Shared>) -> Json<Value> {
    let profile = lock(&world.profile).clone();
    let mut bot = world.bot_user.clone();
    bot["description"] = json!(profile.description);
    bot["short_description"] = json!(profile.short_description);
    bot["menu_button"] = json!(profile.menu_buttons.get(&0));
    let people: Vec<Value> = world
        .chats
        .all()
        .iter()
        .take(LISTED)
        .map(|chat| people::view(chat))
        .collect();
    Json(json!({
        "bot": bot,
        "commands": profile.commands,
        "people": people,
        "clock": {"now": world.clock.now(), "offset_seconds": world.clock.offset(), "iso": world.clock.iso()},
        "webhook": world.webhook.info(world.updates.pending(), world.updates.allowed()),
        "updates": {"next_update_id": world.updates.next_id(), "unconfirmed": world.updates.pending(), "poller": world.updates.is_polled()},
        "callback_queries": world.queries.unanswered(),
        "limits": world.limits.rates(),
        "faults": world.faults.list(),
        "files": world.files.count(),
        "program_url": world.settings.program_url,
        "program": program::view(&world),
        "epoch": world.epoch(),
    }))
}
