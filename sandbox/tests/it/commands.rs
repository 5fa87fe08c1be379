//! Commands, descriptions, the menu button, the chat.

use serde_json::json;

use crate::support::Sim;

#[tokio::test]
async fn commands_are_kept_by_scope_and_language() {
    let sim = Sim::with_ana().await;
    let commands = |text: &str| json!([{"command": "start", "description": text}]);
    sim.ok("setMyCommands", json!({"commands": commands("Begin")}))
        .await;
    sim.ok(
        "setMyCommands",
        json!({"commands": commands("Empezar"), "language_code": "es"}),
    )
    .await;
    sim.ok(
        "setMyCommands",
        json!({"commands": commands("Admin"), "scope": {"type": "chat", "chat_id": 7}}),
    )
    .await;
    assert_eq!(sim.ok("getMyCommands", json!({})).await, commands("Begin"));
    assert_eq!(
        sim.ok("getMyCommands", json!({"language_code": "es"}))
            .await,
        commands("Empezar")
    );
    assert_eq!(
        sim.ok("getMyCommands", json!({"language_code": "fr"}))
            .await,
        json!([])
    );
    assert_eq!(
        sim.get("/sim/people/1001/commands").await["commands"],
        commands("Empezar")
    );
    assert_eq!(
        sim.get("/sim/state").await["commands"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    sim.ok("deleteMyCommands", json!({"language_code": "es"}))
        .await;
    assert_eq!(
        sim.get("/sim/people/1001/commands").await["commands"],
        commands("Begin")
    );
}

#[tokio::test]
async fn commands_have_rules() {
    let sim = Sim::start().await;
    let command = |name: &str, description: &str| json!({"commands": [{"command": name, "description": description}]});
    let long = "x".repeat(33);
    let wordy = "x".repeat(257);
    for (name, text, reason) in [
        ("Start", "x", "BOT_COMMAND_INVALID"),
        ("with-dash", "x", "BOT_COMMAND_INVALID"),
        ("", "x", "BOT_COMMAND_INVALID"),
        (&long, "x", "BOT_COMMAND_INVALID"),
        ("start", "", "BOT_COMMAND_DESCRIPTION_INVALID"),
        ("start", &wordy, "BOT_COMMAND_DESCRIPTION_INVALID"),
    ] {
        assert_eq!(
            sim.refused("setMyCommands", command(name, text)).await,
            format!("Bad Request: {reason}")
        );
    }
    let many = json!({"commands": vec![json!({"command": "a", "description": "x"}); 101]});
    assert_eq!(
        sim.refused("setMyCommands", many).await,
        "Bad Request: BOT_COMMANDS_TOO_MUCH"
    );
    let scope = json!({"commands": [], "scope": {"type": "chat"}});
    assert!(sim.refused("setMyCommands", scope).await.contains("scope"));
    let scope = json!({"commands": [], "scope": {"type": "everyone"}});
    assert!(
        sim.refused("setMyCommands", scope)
            .await
            .contains("none of BotCommandScopeDefault")
    );
}

#[tokio::test]
async fn descriptions_and_the_chat_are_kept() {
    let sim = Sim::with_ana().await;
    sim.ok(
        "setMyDescription",
        json!({"description": "Long", "language_code": "es"}),
    )
    .await;
    sim.ok(
        "setMyShortDescription",
        json!({"short_description": "Short"}),
    )
    .await;
    sim.ok(
        "setChatMenuButton",
        json!({"menu_button": {"type": "commands"}}),
    )
    .await;
    let bot = sim.get("/sim/state").await["bot"].take();
    assert_eq!(
        (&bot["description"]["es"], &bot["short_description"][""]),
        (&json!("Long"), &json!("Short"))
    );
    assert_eq!(bot["menu_button"], json!({"type": "commands"}));
    sim.refused(
        "setMyShortDescription",
        json!({"short_description": "x".repeat(121)}),
    )
    .await;
    let chat = sim.ok("getChat", json!({"chat_id": 1001})).await;
    assert_eq!(
        (&chat["type"], &chat["first_name"]),
        (&json!("private"), &json!("Ana"))
    );
    sim.ok("logOut", json!({})).await;
    sim.ok("close", json!({})).await;
}
