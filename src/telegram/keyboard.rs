//! Buttons under a message.

use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use std::fmt;
use teloxide::types::{CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup};
use usipipo_actors::domain::callback::Button;

/// An address that a button opens. It may hold a proxy's secret, so its `Debug` shows nothing.
#[derive(Clone)]
pub struct Link(SecretString);

impl Link {
    /// Of a page that everybody may know.
    pub(crate) fn page(address: &'static str) -> Self {
        Self(SecretString::from(address))
    }

    /// Of something that is for one person alone.
    pub(crate) const fn secret(address: SecretString) -> Self {
        Self(address)
    }

    /// The address, to be sent.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link(…)")
    }
}

impl PartialEq for Link {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Link {}

/// What pressing a button does.
#[derive(Debug, Clone)]
pub enum Action {
    /// It comes back to us.
    Press(Button),
    /// Telegram opens an address.
    Open(Link),
    /// A tap copies it; it may be a secret. Telegram takes 1 to 256 characters.
    Copy(SecretString),
}

impl PartialEq for Action {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Press(one), Self::Press(other)) => one == other,
            (Self::Open(one), Self::Open(other)) => one == other,
            (Self::Copy(one), Self::Copy(other)) => one.expose_secret() == other.expose_secret(),
            _ => false,
        }
    }
}

impl Eq for Action {}

impl From<Button> for Action {
    fn from(button: Button) -> Self {
        Self::Press(button)
    }
}

impl From<Link> for Action {
    fn from(link: Link) -> Self {
        Self::Open(link)
    }
}

/// A label and what pressing it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Plain text.
    pub label: String,
    /// What it does.
    pub action: Action,
}

impl Key {
    /// Our own button, unless it opens an address.
    #[must_use]
    pub const fn button(&self) -> Option<&Button> {
        match &self.action {
            Action::Press(button) => Some(button),
            Action::Open(_) | Action::Copy(_) => None,
        }
    }
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
    pub(crate) fn row<A: Into<Action>, const N: usize>(mut self, keys: [(String, A); N]) -> Self {
        self.push(keys);
        self
    }

    /// Adds a row if the condition holds.
    #[must_use]
    pub(crate) fn row_if<A: Into<Action>, const N: usize>(
        self,
        condition: bool,
        keys: impl FnOnce() -> [(String, A); N],
    ) -> Self {
        if condition { self.row(keys()) } else { self }
    }

    /// Adds a row; an empty one is left out.
    pub(crate) fn push<A: Into<Action>>(&mut self, keys: impl IntoIterator<Item = (String, A)>) {
        let row: Vec<Key> = keys.into_iter().map(|(label, action)| Key { label, action: action.into() }).collect();
        if !row.is_empty() {
            self.rows.push(row);
        }
    }

    /// As Telegram takes it.
    #[must_use]
    pub fn markup(&self) -> InlineKeyboardMarkup {
        let rows = self.rows.iter().map(|row| {
            row.iter()
                .filter_map(|key| match &key.action {
                    Action::Press(button) => Some(InlineKeyboardButton::callback(key.label.clone(), button.encode())),
                    // Ours are well formed; a host of the settings that makes no address must not cost the whole message.
                    Action::Open(link) => {
                        let address = Url::parse(link.expose()).ok()?;
                        Some(InlineKeyboardButton::url(key.label.clone(), address))
                    }
                    Action::Copy(text) => {
                        let text = CopyTextButton { text: text.expose_secret().to_owned() };
                        Some(InlineKeyboardButton::copy_text_button(key.label.clone(), text))
                    }
                })
                .collect::<Vec<_>>()
        });
        InlineKeyboardMarkup::new(rows.filter(|row| !row.is_empty()))
    }
}
