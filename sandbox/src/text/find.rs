//! Entities that Telegram finds by itself: bot commands, links, mentions.

use super::Entity;
use super::utf16_len;

/// Adds what is found outside the given entities, and sorts.
pub fn complete(text: &str, mut entities: Vec<Entity>) -> Vec<Entity> {
    if text.contains(['/', '@']) {
        let found: Vec<Entity> = words(text)
            .filter_map(|(offset, word)| recognise(offset, word))
            .filter(|new| {
                !entities.iter().any(|old| {
                    new.offset < old.end() && old.offset < new.end() && closed(&old.kind)
                })
            })
            .collect();
        entities.extend(found);
        entities.sort_by(|a, b| (a.offset, b.length).cmp(&(b.offset, a.length)));
    }
    entities
}

/// Kinds inside which nothing is looked for.
fn closed(kind: &str) -> bool {
    matches!(
        kind,
        "code" | "pre" | "text_link" | "text_mention" | "bot_command" | "url" | "mention"
    )
}

/// Words with their UTF-16 offsets.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut offset = 0;
    text.split_inclusive(char::is_whitespace).map(move |piece| {
        let start = offset;
        offset += utf16_len(piece);
        (start, piece.trim_end())
    })
}

fn recognise(offset: usize, word: &str) -> Option<Entity> {
    if let Some(rest) = word.strip_prefix('/') {
        let name = rest
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .count();
        if name == 0 || name > 64 {
            return None;
        }
        let mut length = 1 + name;
        if let Some(bot) = rest[name..].strip_prefix('@') {
            length += mention(bot).map_or(0, |bot| bot + 1);
        }
        // "/path/to" is no command.
        let follows = word[length..].chars().next();
        if follows.is_some_and(|c| c == '/' || c.is_alphanumeric()) {
            return None;
        }
        return Some(Entity::new("bot_command", offset, length));
    }
    if let Some(name) = word.strip_prefix('@') {
        return mention(name).map(|length| Entity::new("mention", offset, length + 1));
    }
    let link = ["https://", "http://"]
        .iter()
        .find_map(|scheme| word.strip_prefix(scheme))?;
    let address = word.trim_end_matches(['.', ',', ';', ':', '!', '?', ')']);
    (!link.is_empty()).then(|| Entity::new("url", offset, utf16_len(address)))
}

/// Length of a user name at the start of a text.
fn mention(text: &str) -> Option<usize> {
    let length = text
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .count();
    (4..=32).contains(&length).then_some(length)
}
