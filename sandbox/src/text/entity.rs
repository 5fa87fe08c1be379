//! A marked stretch of a text.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use super::byte_at;
use super::utf16_len;

/// `MessageEntity` of the Bot API; offset and length in UTF-16 units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    /// `bold`, `code`, `text_link` and so on.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it starts.
    pub offset: usize,
    /// How long it is.
    pub length: usize,
    /// Target of a `text_link`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Language of a `pre`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Of a `custom_emoji`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_emoji_id: Option<String>,
    /// Of a `text_mention`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Value>,
}

impl Entity {
    /// An entity without arguments.
    pub fn new(kind: &str, offset: usize, length: usize) -> Self {
        Self {
            kind: kind.to_owned(),
            offset,
            length,
            url: None,
            language: None,
            custom_emoji_id: None,
            user: None,
        }
    }

    /// Where it ends.
    pub fn end(&self) -> usize {
        self.offset + self.length
    }
}

/// Takes white space off both ends, as Telegram does, moves the entities along and sorts them.
pub fn trim(text: &str, entities: Vec<Entity>) -> (String, Vec<Entity>) {
    let start = utf16_len(text) - utf16_len(text.trim_start());
    let trimmed = text.trim();
    let length = utf16_len(trimmed);
    let mut kept: Vec<Entity> = entities
        .into_iter()
        .filter_map(|mut entity| {
            let end = entity.end().saturating_sub(start).min(length);
            entity.offset = entity.offset.saturating_sub(start);
            entity.length = end
                .checked_sub(entity.offset)
                .filter(|length| *length > 0)?;
            Some(entity)
        })
        .collect();
    kept.sort_by(|a, b| (a.offset, b.length).cmp(&(b.offset, a.length)));
    (trimmed.to_owned(), kept)
}

/// Whether every entity lies on whole characters inside the text.
pub fn fit(text: &str, entities: &[Entity]) -> bool {
    entities.iter().all(|entity| {
        byte_at(text, entity.offset).is_some() && byte_at(text, entity.end()).is_some()
    })
}
