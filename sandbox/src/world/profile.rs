//! What the bot says about itself: commands, descriptions, the menu button.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

/// The commands of one scope and language.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Commands {
    /// `BotCommandScope`.
    pub scope: Value,
    /// Empty for all languages without their own.
    pub language_code: String,
    /// `BotCommand` each.
    pub commands: Vec<Value>,
}

/// The bot's public face; languages are keys, the empty one is the default.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Profile {
    /// Each scope and language once.
    pub commands: Vec<Commands>,
    /// In an empty chat.
    pub description: BTreeMap<String, String>,
    /// On the profile page.
    pub short_description: BTreeMap<String, String>,
    /// By chat; 0 for all.
    pub menu_buttons: BTreeMap<i64, Value>,
}

impl Profile {
    /// Replaces the commands of a scope and language; none removes them.
    pub fn set_commands(&mut self, scope: Value, language_code: String, commands: Vec<Value>) {
        self.commands
            .retain(|entry| entry.scope != scope || entry.language_code != language_code);
        if !commands.is_empty() {
            self.commands.push(Commands {
                scope,
                language_code,
                commands,
            });
        }
    }

    /// The commands of exactly this scope and language.
    pub fn commands_of(&self, scope: &Value, language_code: &str) -> Vec<Value> {
        let found = self
            .commands
            .iter()
            .find(|entry| entry.scope == *scope && entry.language_code == language_code);
        found
            .map(|entry| entry.commands.clone())
            .unwrap_or_default()
    }

    /// What a person's client shows: the narrowest scope wins, then the language.
    pub fn commands_for(&self, chat: i64, language_code: &str) -> Vec<Value> {
        let scopes = [
            json!({"type": "chat", "chat_id": chat}),
            json!({"type": "all_private_chats"}),
            json!({"type": "default"}),
        ];
        let all = scopes.iter().flat_map(|scope| {
            [
                self.commands_of(scope, language_code),
                self.commands_of(scope, ""),
            ]
        });
        all.into_iter()
            .find(|commands| !commands.is_empty())
            .unwrap_or_default()
    }

    /// Sets or (with an empty text) removes a text of one language.
    pub fn set_text(texts: &mut BTreeMap<String, String>, language_code: &str, text: &str) {
        if text.is_empty() {
            texts.remove(language_code);
        } else {
            texts.insert(language_code.to_owned(), text.to_owned());
        }
    }
}
