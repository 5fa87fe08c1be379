//! Buttons under a message.

use teloxide::types::{InlineKeyboardButton, InlineKeyboardMarkup};
use usipipo_actors::domain::callback::Button;

/// A label and what pressing it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Plain text.
    pub label: String,
    /// What it does.
    pub button: Button,
}

/// Rows of buttons.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keyboard {
    /// From the top; no row is empty.
    pub rows: Vec<Vec<Key>>,
}

impl Keyboard {
    /// Adds a row; an empty one is left out.
    #[must_use]
    pub(crate) fn row<const N: usize>(mut self, keys: [(String, Button); N]) -> Self {
        self.push(keys);
        self
    }

    /// Adds a row if the condition holds.
    #[must_use]
    pub(crate) fn row_if<const N: usize>(self, condition: bool, keys: impl FnOnce() -> [(String, Button); N]) -> Self {
        if condition { self.row(keys()) } else { self }
    }

    /// Adds a row; an empty one is left out.
    pub(crate) fn push(&mut self, keys: impl IntoIterator<Item = (String, Button)>) {
        let row: Vec<Key> = keys.into_iter().map(|(label, button)| Key { label, button }).collect();
        if !row.is_empty() {
            self.rows.push(row);
        }
    }

    /// As Telegram takes it.
    #[must_use]
    pub fn markup(&self) -> InlineKeyboardMarkup {
        InlineKeyboardMarkup::new(self.rows.iter().map(|row| {
            row.iter()
                .map(|key| InlineKeyboardButton::callback(key.label.clone(), key.button.encode()))
                .collect::<Vec<_>>()
        }))
    }
}
