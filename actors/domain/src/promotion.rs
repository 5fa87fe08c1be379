//! Promotion of a proxy server: the tag that Telegram's @MTProxybot gives for it. People who use the server see the channel that
//! its owner chose there. The bot asks for host, port and a secret, and answers with a tag of 32 hexadecimal digits among other
//! text; no program can talk to it but one with a user's account, so an admin carries the words to and fro.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Hexadecimal digits of a tag.
pub const TAG_DIGITS: usize = 32;
/// Most different tags that are looked at in a pasted text; a longer list is no answer of @MTProxybot.
pub const CANDIDATES_MAX: usize = 8;
/// For how long a secret that was shown for a registration stays the one that is shown, in hours.
pub const REGISTRATION_HOURS: i64 = 24;

/// A tag of @MTProxybot: 32 hexadecimal digits in lower case, not all zero. No secret: every proxy server tells it to Telegram.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AdTag(String);

impl AdTag {
    /// Reads exactly a tag, in any case; `None` for anything else, and for nothing but zeros, which stands for "no tag".
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_tag = text.len() == TAG_DIGITS
            && text.bytes().all(|byte| byte.is_ascii_hexdigit())
            && text.bytes().any(|byte| byte != b'0');
        is_tag.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The sixteen bytes, to be compared with secrets.
    #[must_use]
    pub fn bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(self.0.as_bytes().chunks_exact(2)) {
            let digit = |at: usize| pair.get(at).and_then(|digit| char::from(*digit).to_digit(16)).unwrap_or(0);
            *byte = u8::try_from(digit(0) * 16 + digit(1)).unwrap_or(0);
        }
        bytes
    }
}

impl fmt::Display for AdTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for AdTag {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a tag has 32 hexadecimal digits, not all zero")
    }
}

impl From<AdTag> for String {
    fn from(tag: AdTag) -> Self {
        tag.0
    }
}

/// Why a pasted text is not taken for a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TagError {
    /// No 32 hexadecimal digits stand in it.
    NoTag,
    /// Nothing but zeros: that switches promotion off at a proxy server.
    Zeros,
    /// The only digits in it are the secret that was sent to @MTProxybot, or that of a proxy on this server.
    Secret,
    /// Several could be it.
    Several,
}

/// The steps of the conversation with @MTProxybot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PromotionStep {
    /// Begin with `/newproxy`.
    Start,
    /// It asks for host and port.
    Place,
    /// It asks for the secret.
    Secret,
    /// It gave a tag, which is pasted here.
    Tag,
}

impl PromotionStep {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Start, Self::Place, Self::Secret, Self::Tag];

    /// The next one, if any.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Start => Some(Self::Place),
            Self::Place => Some(Self::Secret),
            Self::Secret => Some(Self::Tag),
            Self::Tag => None,
        }
    }

    /// The one before, if any.
    #[must_use]
    pub const fn before(self) -> Option<Self> {
        match self {
            Self::Start => None,
            Self::Place => Some(Self::Start),
            Self::Secret => Some(Self::Place),
            Self::Tag => Some(Self::Secret),
        }
    }
}

/// What could be a tag in a pasted text, each once: the whole answer of @MTProxybot may be pasted, with its link, whose secret
/// has more digits or letters around it.
///
/// # Errors
/// [`TagError::NoTag`], or [`TagError::Zeros`] when only zeros are there; [`TagError::Several`] when there are more than
/// [`CANDIDATES_MAX`].
pub fn tags_in(text: &str) -> Result<Vec<AdTag>, TagError> {
    let mut tags = Vec::new();
    let mut zeros = false;
    for word in text.split(|c: char| !c.is_alphanumeric() && c != '_') {
        if word.len() != TAG_DIGITS {
            continue;
        }
        match AdTag::parse(word) {
            Some(tag) if tags.contains(&tag) => {}
            Some(_) if tags.len() == CANDIDATES_MAX => return Err(TagError::Several),
            Some(tag) => tags.push(tag),
            None => zeros |= word.bytes().all(|byte| byte == b'0'),
        }
    }
    match (tags.is_empty(), zeros) {
        (false, _) => Ok(tags),
        (true, true) => Err(TagError::Zeros),
        (true, false) => Err(TagError::NoTag),
    }
}

/// The tag among the candidates that is no secret of this server.
///
/// # Errors
/// [`TagError::Secret`] when each is one; [`TagError::Several`] when more than one is left.
pub fn choose(candidates: Vec<AdTag>, is_secret: impl Fn(&[u8; 16]) -> bool) -> Result<AdTag, TagError> {
    let mut left = candidates.into_iter().filter(|tag| !is_secret(&tag.bytes()));
    match (left.next(), left.next()) {
        (Some(tag), None) => Ok(tag),
        (Some(_), Some(_)) => Err(TagError::Several),
        (None, _) => Err(TagError::Secret),
    }
}

#[cfg(test)]
mod tests;
