//! A message, and its two views: the Bot API's and the chat page's.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::Person;
use crate::text::Entity;
use crate::text::render;

/// A stored file as a message shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRef {
    /// For getFile and for sending again.
    pub file_id: String,
    /// The same for every bot.
    pub unique_id: String,
    /// As the sender named it.
    pub file_name: String,
    /// Content type.
    pub mime: String,
    /// In bytes.
    pub size: usize,
    /// Of a picture.
    pub width: u32,
    /// Of a picture.
    pub height: u32,
}

/// What a message is about; its text or caption stands apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Content {
    /// Only text.
    Text,
    /// A file.
    Document(FileRef),
    /// A picture.
    Photo(FileRef),
    /// A field of the Bot API's message as it is: sticker, location, contact, invoice, successful_payment, refunded_payment.
    Other {
        /// The field's name.
        field: String,
        /// Its value.
        value: Value,
        /// An invoice's payload, which is not shown.
        hidden: Option<String>,
    },
}

/// One message of a chat.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    /// Counts up in its chat; given by the chat.
    pub id: i64,
    /// The chat's revision of its last change; given by the chat.
    pub rev: u64,
    /// From the bot, or else from the person.
    pub from_bot: bool,
    /// When it was sent.
    pub date: i64,
    /// When its text changed last.
    pub edit_date: Option<i64>,
    /// Text or caption.
    pub text: String,
    /// Of the text or caption.
    pub entities: Vec<Entity>,
    /// What else it holds.
    pub content: Content,
    /// Inline keyboard: rows of buttons, as JSON text, which takes a tenth of a value's memory.
    pub keyboard: Option<String>,
    /// It came with a keyboard that is not inline, so it can't be edited.
    pub fixed: bool,
    /// The message it answers.
    pub reply_to: Option<i64>,
    /// Not to be forwarded.
    pub protected: bool,
    /// Gone.
    pub deleted: bool,
}

impl Message {
    /// A text; the chat gives id and revision.
    pub fn new(
        from_bot: bool,
        date: i64,
        text: String,
        entities: Vec<Entity>,
        content: Content,
    ) -> Self {
        Self {
            id: 0,
            rev: 0,
            from_bot,
            date,
            edit_date: None,
            text,
            entities,
            content,
            keyboard: None,
            fixed: false,
            reply_to: None,
            protected: false,
            deleted: false,
        }
    }

    /// As a `Message` of the Bot API.
    pub fn api(&self, person: &Person, bot: &Value) -> Value {
        let mut out = Map::new();
        out.insert("message_id".into(), self.id.into());
        out.insert(
            "from".into(),
            if self.from_bot {
                bot.clone()
            } else {
                person.user()
            },
        );
        out.insert("chat".into(), person.chat());
        out.insert("date".into(), self.date.into());
        if let Some(date) = self.edit_date {
            out.insert("edit_date".into(), date.into());
        }
        let caption = self.content != Content::Text;
        match &self.content {
            Content::Text => {}
            Content::Document(file) => {
                out.insert("document".into(), json!({"file_name": file.file_name, "mime_type": file.mime, "file_id": file.file_id,
                    "file_unique_id": file.unique_id, "file_size": file.size}));
            }
            Content::Photo(file) => {
                out.insert(
                    "photo".into(),
                    json!([{"file_id": file.file_id, "file_unique_id": file.unique_id,
                    "file_size": file.size, "width": file.width, "height": file.height}]),
                );
            }
            Content::Other { field, value, .. } => {
                out.insert(field.clone(), value.clone());
            }
        }
        if !self.text.is_empty() {
            out.insert(
                if caption { "caption" } else { "text" }.into(),
                self.text.clone().into(),
            );
            if !self.entities.is_empty() {
                let name = if caption {
                    "caption_entities"
                } else {
                    "entities"
                };
                out.insert(name.into(), json!(self.entities));
            }
        }
        if self.keyboard.is_some() {
            let keyboard = self.rows();
            out.insert("reply_markup".into(), json!({"inline_keyboard": keyboard}));
        }
        if self.protected {
            out.insert("has_protected_content".into(), true.into());
        }
        Value::Object(out)
    }

    /// For the chat page and the tests.
    pub fn view(&self) -> Value {
        let from = if self.from_bot { "bot" } else { "person" };
        if self.deleted {
            return json!({"message_id": self.id, "rev": self.rev, "from": from, "date": self.date, "deleted": true});
        }
        let is_text = self.content == Content::Text;
        let given = |wanted: bool| (wanted && !self.text.is_empty()).then_some(&self.text);
        let other = |name: &str| match &self.content {
            Content::Other { field, value, .. } if field == name => value.clone(),
            _ => Value::Null,
        };
        json!({
            "message_id": self.id, "rev": self.rev, "from": from, "date": self.date, "edit_date": self.edit_date,
            "text": given(is_text), "caption": given(!is_text), "html": render::html(&self.text, &self.entities),
            "entities": self.entities, "buttons": self.buttons(),
            "document": match &self.content {
                Content::Document(file) => json!({"file_name": file.file_name, "size": file.size, "file_id": file.file_id, "mime": file.mime}),
                _ => Value::Null,
            },
            "photo": match &self.content {
                Content::Photo(file) => json!({"file_id": file.file_id, "width": file.width, "height": file.height, "size": file.size}),
                _ => Value::Null,
            },
            "sticker": other("sticker"), "location": other("location"), "contact": other("contact"), "invoice": other("invoice"),
            "payment": other("successful_payment"), "refund": other("refunded_payment"),
            "reply_to": self.reply_to, "edited": self.edit_date.is_some(), "deleted": false,
        })
    }

    /// Rows of buttons as they came.
    pub fn rows(&self) -> Vec<Vec<Value>> {
        let rows = self.keyboard.as_ref();
        // The text was made from checked rows.
        rows.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }

    /// All buttons, with row and column.
    pub fn all_buttons(&self) -> impl Iterator<Item = (usize, usize, Value)> {
        self.rows()
            .into_iter()
            .enumerate()
            .flat_map(|(row, buttons)| {
                let buttons = buttons.into_iter().enumerate();
                buttons.map(move |(column, button)| (row, column, button))
            })
    }

    fn buttons(&self) -> Vec<Vec<Value>> {
        let rows = self.rows();
        rows.iter()
            .map(|row| row.iter().map(view_button).collect())
            .collect()
    }
}

fn view_button(button: &Value) -> Value {
    let mut view = json!({"text": button["text"]});
    let (kind, name, value) = if !button["callback_data"].is_null() {
        ("callback", "data", &button["callback_data"])
    } else if !button["url"].is_null() {
        ("url", "url", &button["url"])
    } else if !button["copy_text"].is_null() {
        ("copy", "copy", &button["copy_text"]["text"])
    } else if !button["pay"].is_null() {
        ("pay", "pay", &button["pay"])
    } else if !button["web_app"].is_null() {
        ("web_app", "url", &button["web_app"]["url"])
    } else {
        ("other", "text", &button["text"])
    };
    view["kind"] = json!(kind);
    view[name] = value.clone();
    for name in ["style", "icon_custom_emoji_id"] {
        if !button[name].is_null() {
            view[name] = button[name].clone();
        }
    }
    view
}
