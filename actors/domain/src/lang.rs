//! Languages of the bot.

use serde::{Deserialize, Serialize};

/// A language in which every text exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// Spanish, the default.
    #[default]
    Es,
    /// English.
    En,
}

impl Lang {
    /// Every language, in the order of the settings screen.
    pub const ALL: [Lang; 2] = [Lang::Es, Lang::En];

    /// ISO 639-1 code, as stored and as Telegram writes it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Es => "es",
            Self::En => "en",
        }
    }

    /// Reads an IETF tag such as Telegram's `language_code` (`en-GB`); `None` for a language we do not speak.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next()?.to_ascii_lowercase();
        Self::ALL.into_iter().find(|lang| lang.code() == primary)
    }
}
