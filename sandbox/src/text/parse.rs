//! `parse_mode` HTML, read as Telegram reads it, with its wording of errors.

use super::Entity;

/// A text that cannot be parsed: the part of Telegram's description after `can't parse entities: `.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(pub String);

const TAGS: [&str; 16] = [
    "a",
    "b",
    "strong",
    "i",
    "em",
    "s",
    "strike",
    "del",
    "u",
    "ins",
    "tg-spoiler",
    "tg-emoji",
    "span",
    "pre",
    "code",
    "blockquote",
];

struct Open {
    tag: String,
    argument: Option<String>,
    utf16_offset: usize,
    byte_offset: usize,
}

struct Parser<'a> {
    source: &'a str,
    position: usize,
    text: String,
    units: usize,
    open: Vec<Open>,
    entities: Vec<Entity>,
}

/// Parses HTML to a plain text and its entities.
pub fn html(source: &str) -> Result<(String, Vec<Entity>), ParseError> {
    let mut parser = Parser {
        source,
        position: 0,
        text: String::with_capacity(source.len()),
        units: 0,
        open: Vec::new(),
        entities: Vec::new(),
    };
    while let Some(next) = parser.peek() {
        match next {
            '<' if parser.rest().starts_with("</") => parser.end_tag()?,
            '<' => parser.start_tag()?,
            _ => {
                let character = parser.character(next);
                parser.push(character);
            }
        }
    }
    match parser.open.pop() {
        Some(open) => fail(format!(
            "Can't find end tag corresponding to start tag \"{}\"",
            open.tag
        )),
        None => Ok((parser.text, parser.entities)),
    }
}

fn fail<T>(message: String) -> Result<T, ParseError> {
    Err(ParseError(message))
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.position..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn push(&mut self, character: char) {
        self.units += character.len_utf16();
        self.text.push(character);
    }

    /// Takes one character, decoding `&lt; &gt; &amp; &quot;` and numeric references.
    fn character(&mut self, next: char) -> char {
        if next == '&'
            && let Some((character, length)) = reference(self.rest())
        {
            self.position += length;
            return character;
        }
        self.position += next.len_utf8();
        next
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.position += length;
        &rest[..length]
    }

    fn skip_space(&mut self) {
        self.take_while(|c| c.is_ascii_whitespace());
    }

    fn start_tag(&mut self) -> Result<(), ParseError> {
        let begin = self.position;
        self.position += 1;
        let tag = self
            .take_while(|c| !c.is_ascii_whitespace() && c != '>')
            .to_ascii_lowercase();
        if self.peek().is_none() {
            return fail(format!("Unclosed start tag at byte offset {begin}"));
        }
        if !TAGS.contains(&tag.as_str()) {
            return fail(format!(
                "Unsupported start tag \"{tag}\" at byte offset {begin}"
            ));
        }
        let mut argument = None;
        loop {
            self.skip_space();
            match self.peek() {
                Some('>') => break,
                Some(_) => {
                    if let Some(value) = self.attribute(&tag, begin)? {
                        argument = Some(value);
                    }
                }
                None => return fail(format!("Unclosed start tag at byte offset {begin}")),
            }
        }
        self.position += 1;
        if tag == "span" && argument.as_deref() != Some("spoiler") {
            return fail(format!(
                "Tag \"span\" must have class \"tg-spoiler\" at byte offset {begin}"
            ));
        }
        self.check_nesting(&tag, begin)?;
        self.open.push(Open {
            tag,
            argument,
            utf16_offset: self.units,
            byte_offset: self.text.len(),
        });
        Ok(())
    }

    /// Stricter than Telegram, which drops such tags without a word.
    fn check_nesting(&self, tag: &str, begin: usize) -> Result<(), ParseError> {
        let within = self.open.iter().find(|open| match open.tag.as_str() {
            "pre" => tag != "code",
            "code" => true,
            "blockquote" => tag == "blockquote",
            _ => false,
        });
        match within {
            Some(open) => {
                let outer = &open.tag;
                fail(format!(
                    "Tag \"{tag}\" must not be nested in \"{outer}\" at byte offset {begin}"
                ))
            }
            None => Ok(()),
        }
    }

    /// Reads one attribute; returns its value when this tag knows it.
    fn attribute(&mut self, tag: &str, begin: usize) -> Result<Option<String>, ParseError> {
        let name = self
            .take_while(|c| !c.is_ascii_whitespace() && !matches!(c, '=' | '>' | '/' | '"' | '\''))
            .to_ascii_lowercase();
        if name.is_empty() {
            return fail(format!(
                "Empty attribute name in the tag \"{tag}\" at byte offset {begin}"
            ));
        }
        self.skip_space();
        if self.peek() != Some('=') {
            if tag == "blockquote" && name == "expandable" {
                return Ok(Some("1".to_owned()));
            }
            return match self.peek() {
                None => fail(format!(
                    "Unclosed start tag \"{tag}\" at byte offset {begin}"
                )),
                Some(_) => fail(format!(
                    "Expected equal sign in declaration of an attribute of the tag \"{tag}\" at byte offset {begin}"
                )),
            };
        }
        self.position += 1;
        self.skip_space();
        let value = self.attribute_value(tag, begin)?;
        Ok(match (tag, name.as_str()) {
            ("a", "href") | ("tg-emoji", "emoji-id") => Some(value),
            ("code", "class") => value.strip_prefix("language-").map(str::to_owned),
            ("span", "class") => value.strip_prefix("tg-").map(str::to_owned),
            ("blockquote", "expandable") => Some("1".to_owned()),
            _ => None,
        })
    }

    fn attribute_value(&mut self, tag: &str, begin: usize) -> Result<String, ParseError> {
        let Some(quote @ ('"' | '\'')) = self.peek() else {
            let token_begin = self.position;
            let token = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
            return match self.peek() {
                Some(c) if c.is_ascii_whitespace() || c == '>' => Ok(token.to_ascii_lowercase()),
                Some(_) => fail(format!(
                    "Unexpected end of name token at byte offset {token_begin}"
                )),
                None => fail(format!("Unclosed start tag at byte offset {begin}")),
            };
        };
        self.position += 1;
        let mut value = String::new();
        while let Some(next) = self.peek() {
            if next == quote {
                self.position += 1;
                return Ok(value);
            }
            let character = self.character(next);
            value.push(character);
        }
        fail(format!(
            "Unclosed start tag \"{tag}\" at byte offset {begin}"
        ))
    }

    fn end_tag(&mut self) -> Result<(), ParseError> {
        let begin = self.position;
        let Some(open) = self.open.pop() else {
            return fail(format!("Unexpected end tag at byte offset {begin}"));
        };
        self.position += 2;
        let name = self
            .take_while(|c| !c.is_ascii_whitespace() && c != '>')
            .to_ascii_lowercase();
        self.skip_space();
        if self.peek() != Some('>') {
            return fail(format!("Unclosed end tag at byte offset {begin}"));
        }
        if !name.is_empty() && name != open.tag {
            let expected = &open.tag;
            return fail(format!(
                "Unmatched end tag at byte offset {begin}, expected \"</{expected}>\", found \"</{name}>\""
            ));
        }
        self.position += 1;
        self.close(&open);
        Ok(())
    }

    fn close(&mut self, open: &Open) {
        let length = self.units - open.utf16_offset;
        if length == 0 {
            return;
        }
        let argument = open.argument.clone();
        let mut entity = Entity::new("", open.utf16_offset, length);
        entity.kind = match open.tag.as_str() {
            "b" | "strong" => "bold",
            "i" | "em" => "italic",
            "s" | "strike" | "del" => "strikethrough",
            "u" | "ins" => "underline",
            "tg-spoiler" | "span" => "spoiler",
            "blockquote" if argument.is_some() => "expandable_blockquote",
            "blockquote" => "blockquote",
            "pre" => "pre",
            "code" => "code",
            "tg-emoji" => {
                entity.custom_emoji_id = argument;
                "custom_emoji"
            }
            _ => {
                let target = argument.unwrap_or_else(|| self.text[open.byte_offset..].to_owned());
                let Some(kind) = link(&mut entity, target) else {
                    return;
                };
                kind
            }
        }
        .to_owned();
        if open.tag == "code" && self.merge_in_pre(open, &entity) {
            return;
        }
        self.entities.push(entity);
    }

    /// `<pre><code class="language-x">` is one `pre` with a language.
    fn merge_in_pre(&mut self, open: &Open, entity: &Entity) -> bool {
        match self.open.last_mut() {
            Some(outer) if outer.tag == "pre" && outer.utf16_offset == entity.offset => {
                if let Some(language) = &open.argument {
                    let mut pre = Entity::new("pre", entity.offset, entity.length);
                    pre.language = Some(language.clone());
                    self.entities.push(pre);
                    outer.utf16_offset = self.units;
                }
                true
            }
            _ => false,
        }
    }
}

/// Fills in the target of a link; `None` when Telegram would drop the link.
fn link(entity: &mut Entity, target: String) -> Option<&'static str> {
    if let Some(id) = target
        .strip_prefix("tg://user?id=")
        .and_then(|id| id.parse::<i64>().ok())
    {
        entity.user = Some(serde_json::json!({"id": id, "is_bot": false, "first_name": ""}));
        return Some("text_mention");
    }
    let known = ["http://", "https://", "tg://", "mailto:", "tel:"]
        .iter()
        .any(|scheme| target.starts_with(scheme));
    let bare =
        !target.contains("://") && target.contains('.') && !target.contains(char::is_whitespace);
    if bare && !known {
        entity.url = Some(format!("http://{target}"));
        return Some("text_link");
    }
    entity.url = known.then_some(target);
    entity.url.as_ref().map(|_| "text_link")
}

/// A character reference at the start of a text, with its length in bytes.
fn reference(text: &str) -> Option<(char, usize)> {
    let body = text.strip_prefix('&')?;
    let (character, length) = if let Some(number) = body.strip_prefix('#') {
        let (digits, radix, prefix) = match number.strip_prefix(['x', 'X']) {
            Some(hexadecimal) => (hexadecimal, 16, 2),
            None => (number, 10, 1),
        };
        let count = digits
            .find(|c: char| !c.is_digit(radix))
            .unwrap_or(digits.len());
        let code = u32::from_str_radix(digits.get(..count)?, radix).ok()?;
        (char::from_u32(code).filter(|c| *c != '\0')?, prefix + count)
    } else {
        let count = body
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(body.len());
        let character = match &body[..count] {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            _ => return None,
        };
        (character, count)
    };
    let semicolon = usize::from(body[length..].starts_with(';'));
    Some((character, 1 + length + semicolon))
}
