//! Text in Telegram's HTML, escaped by its type: the only ways into [`Html`] are our own markup, checked by tests, and
//! [`Html::escape`].
//!
//! Telegram knows few tags and only the entities `&lt; &gt; &amp; &quot;` and numeric ones (Bot API, "HTML style"); anything
//! else is a 400, and a 400 is a person without an answer.

use std::fmt;

/// Most UTF-16 units of a message, after its entities are parsed (Bot API, `sendMessage.text`).
pub const MESSAGE_MAX_UNITS: usize = 4096;
/// Most UTF-16 units of a caption (Bot API, `sendDocument.caption`).
pub const CAPTION_MAX_UNITS: usize = 1024;

/// Well-formed Telegram HTML: every tag closed, everything foreign escaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Takes markup of our own: texts from the Fluent files with arguments that are [`Html`] themselves.
    pub(crate) fn trusted(markup: String) -> Self {
        Self(markup)
    }

    /// Takes anything, as text to be read: names, errors, updates.
    #[must_use]
    pub fn escape(text: &str) -> Self {
        let mut html = String::with_capacity(text.len());
        push_escaped(&mut html, &tame(text));
        Self(html)
    }

    /// The text in a fixed-width face; a tap copies it.
    #[must_use]
    pub fn code(text: &str) -> Self {
        Self(format!("<code>{}</code>", Self::escape(text)))
    }

    /// Several lines in a fixed-width face.
    #[must_use]
    pub fn pre(text: &str) -> Self {
        Self(format!("<pre>{}</pre>", Self::escape(text)))
    }

    /// The markup.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Begins a new line with this; nothing adds nothing.
    pub fn line(&mut self, next: &Html) {
        self.append("\n", next);
    }

    /// Leaves a line empty, then goes on with this; nothing adds nothing.
    pub fn paragraph(&mut self, next: &Html) {
        self.append("\n\n", next);
    }

    fn append(&mut self, gap: &str, next: &Html) {
        if !self.is_empty() && !next.is_empty() {
            self.0.push_str(gap);
        }
        self.0.push_str(&next.0);
    }

    /// One line each.
    #[must_use]
    pub fn lines(lines: impl IntoIterator<Item = Html>) -> Self {
        lines.into_iter().fold(Self::default(), |mut all, line| {
            all.line(&line);
            all
        })
    }

    /// Puts the parts in one row, with a middle dot between them; empty ones are left out.
    #[must_use]
    pub fn dotted(parts: &[Html]) -> Self {
        let mut row = String::new();
        for part in parts.iter().filter(|part| !part.is_empty()) {
            if !row.is_empty() {
                row.push_str(" · ");
            }
            row.push_str(&part.0);
        }
        Self(row)
    }

    /// Shortens to what Telegram takes, with an ellipsis; tags that were open are closed.
    #[must_use]
    pub fn cut(self, max_units: usize) -> Self {
        // Markup is never shorter than what is seen of it, so that most messages need no count.
        if self.0.len() <= max_units || units(&self.0) <= max_units { self } else { Self(cut(&self.0, max_units)) }
    }

    /// UTF-16 units that a reader sees: tags count nothing, an entity counts one.
    #[must_use]
    pub fn units(&self) -> usize {
        units(&self.0)
    }

    /// The markup, to be sent.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn push_escaped(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '&' => html.push_str("&amp;"),
            '"' => html.push_str("&quot;"),
            _ => html.push(c),
        }
    }
}

/// Takes from a foreign text what could rearrange or break the message around it: control characters (Telegram refuses
/// NUL), direction overrides. A text with right-to-left letters is isolated, so that the rest of its line stays in order.
pub(crate) fn tame(text: &str) -> std::borrow::Cow<'_, str> {
    let plain = |c: char| (' '..'\u{7f}').contains(&c) || ('\u{a0}'..'\u{590}').contains(&c);
    if text.chars().all(plain) {
        return text.into();
    }
    let kept = text.chars().filter(|c| *c == '\n' || *c == '\t' || !(c.is_control() || is_direction_mark(*c)));
    if text.chars().any(is_right_to_left) {
        std::iter::once('\u{2068}').chain(kept).chain(std::iter::once('\u{2069}')).collect()
    } else {
        kept.collect()
    }
}

const fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Hebrew, Arabic and their neighbours, presentation forms included.
const fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

enum Piece<'a> {
    Open(&'a str),
    Close,
    Char(&'a str, usize),
}

/// Splits well-formed markup into tags and visible characters.
fn pieces(mut rest: &str) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let (length, units) = match first {
            '<' => (rest.find('>').map_or(rest.len(), |end| end + 1), 0),
            '&' => (rest.find(';').map_or(1, |end| end + 1), 1),
            c => (c.len_utf8(), c.len_utf16()),
        };
        let (piece, after) = rest.split_at(length);
        rest = after;
        Some(match first {
            '<' if piece.starts_with("</") => Piece::Close,
            '<' => Piece::Open(piece),
            _ => Piece::Char(piece, units),
        })
    })
}

fn units(markup: &str) -> usize {
    pieces(markup)
        .map(|piece| match piece {
            Piece::Char(_, units) => units,
            Piece::Open(_) | Piece::Close => 0,
        })
        .sum()
}

fn cut(markup: &str, max_units: usize) -> String {
    let mut kept = String::with_capacity(markup.len().min(max_units * 2));
    let mut open: Vec<&str> = Vec::new();
    let mut left = max_units.saturating_sub(1); // one for the ellipsis
    for piece in pieces(markup) {
        match piece {
            Piece::Open(tag) => {
                kept.push_str(tag);
                open.push(tag.trim_matches(['<', '>']).split(' ').next().unwrap_or_default());
            }
            Piece::Close => close(&mut kept, open.pop()),
            Piece::Char(text, units) => match left.checked_sub(units) {
                Some(rest) => {
                    left = rest;
                    kept.push_str(text);
                }
                None => break,
            },
        }
    }
    kept.push('…');
    while let Some(tag) = open.pop() {
        close(&mut kept, Some(tag));
    }
    kept
}

fn close(markup: &mut String, tag: Option<&str>) {
    if let Some(tag) = tag {
        markup.push_str("</");
        markup.push_str(tag);
        markup.push('>');
    }
}

#[cfg(test)]
pub(crate) mod tests;
