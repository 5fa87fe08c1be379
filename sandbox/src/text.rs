//! Texts as Telegram counts and marks them: UTF-16 lengths, entities, HTML in and out.

pub mod entity;
pub mod find;
pub mod parse;
pub mod render;

pub use entity::Entity;

/// Length in UTF-16 code units, which is how Telegram counts.
pub fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Byte position of a UTF-16 offset; `None` inside a surrogate pair or beyond the end.
pub fn byte_at(text: &str, utf16_offset: usize) -> Option<usize> {
    let mut units = 0;
    for (position, character) in text.char_indices() {
        if units == utf16_offset {
            return Some(position);
        }
        units += character.len_utf16();
    }
    (units == utf16_offset).then_some(text.len())
}

/// Cuts a text in parts of at most `limit` UTF-16 units, as clients do with a long input.
pub fn split(text: &str, limit: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut units = 0;
    for character in text.chars() {
        if units + character.len_utf16() > limit {
            parts.push(std::mem::take(&mut part));
            units = 0;
        }
        units += character.len_utf16();
        part.push(character);
    }
    parts.push(part);
    parts
}

#[cfg(test)]
mod tests;
