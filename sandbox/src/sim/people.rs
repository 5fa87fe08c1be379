//! Who is there.

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use super::Body;
use super::SimError;
use super::SimResult;
use super::find;
use crate::world::Chat;
use crate::world::Person;
use crate::world::Shared;
use crate::world::lock;

/// A new person, or what changes about one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Put {
    id: Option<i64>,
    first_name: Option<String>,
    last_name: Option<String>,
    username: Option<String>,
    language_code: Option<String>,
    label: Option<String>,
}

/// A person as the page sees it.
pub fn view(chat: &Chat) -> Value {
    chat.with(|state| {
        let mut view = json!(state.person);
        view["opened"] = json!(state.opened);
        view["blocked"] = json!(state.blocked);
        view["deactivated"] = json!(state.deactivated);
        view["rev"] = json!(state.rev);
        view["last_message_id"] = json!(state.last_message_id);
        view
    })
}

/// `GET /sim/people`
pub async fn list(State(world): State<Shared>) -> Json<Value> {
    let people: Vec<Value> = world.chats.all().iter().map(|chat| view(chat)).collect();
    Json(json!({"people": people}))
}

/// `GET /sim/people/{id}`
pub async fn one(State(world): State<Shared>, Path(id): Path<i64>) -> SimResult {
    Ok(Json(view(&*find(&world, id)?)))
}

/// `POST /sim/people`
pub async fn put(State(world): State<Shared>, Body(put): Body<Put>) -> SimResult {
    let id = put.id.unwrap_or_else(|| world.chats.free_id());
    if id <= 0 {
        return Err(SimError::bad("a person's id is positive"));
    }
    let name = put.first_name.clone().filter(|name| !name.is_empty());
    if world.chats.get(id).is_none() && name.is_none() {
        return Err(SimError::bad("a new person needs a first_name"));
    }
    let chat = world.chats.get_or_insert(id, || Person {
        id,
        first_name: String::new(),
        last_name: None,
        username: None,
        language_code: None,
        label: None,
    });
    chat.with(|state| {
        let person = &mut state.person;
        if let Some(name) = name {
            person.first_name = name;
        }
        let fields = [
            (&mut person.last_name, put.last_name),
            (&mut person.username, put.username),
            (&mut person.language_code, put.language_code),
            (&mut person.label, put.label),
        ];
        for (field, value) in fields {
            // An empty text takes the value away.
            if let Some(value) = value {
                *field = Some(value).filter(|value| !value.is_empty());
            }
        }
        state.bump();
    });
    world.touch();
    Ok(Json(view(&chat)))
}

/// `DELETE /sim/people/{id}`
pub async fn delete(State(world): State<Shared>, Path(id): Path<i64>) -> SimResult {
    find(&world, id)?;
    world.chats.remove(id);
    world.touch();
    Ok(Json(json!({"ok": true})))
}

/// `GET /sim/people/{id}/commands`
pub async fn commands(State(world): State<Shared>, Path(id): Path<i64>) -> SimResult {
    let chat = find(&world, id)?;
    let language = chat
        .with(|state| state.person.language_code.clone())
        .unwrap_or_default();
    let commands = lock(&world.profile).commands_for(id, language.get(..2).unwrap_or_default());
    Ok(Json(json!({"commands": commands})))
}

/// Body of a block.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    #[serde(default = "yes")]
    blocked: bool,
}

fn yes() -> bool {
    true
}

/// `POST /sim/people/{id}/block`
pub async fn block(
    State(world): State<Shared>,
    Path(id): Path<i64>,
    Body(block): Body<Block>,
) -> SimResult {
    let chat = find(&world, id)?;
    let (update_id, rev) = chat.with(|state| {
        if state.blocked == block.blocked {
            return (None, state.rev);
        }
        state.blocked = block.blocked;
        let status = |blocked: bool| if blocked { "kicked" } else { "member" };
        let member = |blocked: bool| {
            let mut member = json!({"user": world.bot_user, "status": status(blocked)});
            if blocked {
                member["until_date"] = json!(0);
            }
            member
        };
        let content = json!({"chat": state.person.chat(), "from": state.person.user(), "date": world.clock.now(),
            "old_chat_member": member(!block.blocked), "new_chat_member": member(block.blocked)});
        (world.push_update("my_chat_member", id, &content), state.bump())
    });
    world.touch();
    Ok(Json(
        json!({"update_id": update_id, "message_id": null, "rev": rev}),
    ))
}

/// Body of a deactivation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deactivate {
    #[serde(default = "yes")]
    deactivated: bool,
}

/// `POST /sim/people/{id}/deactivate`
pub async fn deactivate(
    State(world): State<Shared>,
    Path(id): Path<i64>,
    Body(body): Body<Deactivate>,
) -> SimResult {
    let chat = find(&world, id)?;
    let rev = chat.with(|state| {
        state.deactivated = body.deactivated;
        state.bump()
    });
    world.touch();
    Ok(Json(
        json!({"update_id": null, "message_id": null, "rev": rev}),
    ))
}
