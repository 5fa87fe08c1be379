//! Safe HTML from a text and its entities, for the chat page.

use super::Entity;
use super::byte_at;

/// Renders a text; whatever the text holds, only known tags come out.
pub fn html(text: &str, entities: &[Entity]) -> String {
    let mut marks: Vec<(usize, bool, usize)> = Vec::new();
    for (index, entity) in entities.iter().enumerate() {
        if let (Some(start), Some(end)) =
            (byte_at(text, entity.offset), byte_at(text, entity.end()))
            && start < end
            && tags(entity, &text[start..end]).is_some()
        {
            marks.push((start, true, index));
            marks.push((end, false, index));
        }
    }
    // At one place ends come before starts.
    marks.sort_by_key(|(position, opens, index)| (*position, *opens, *index));
    let mut out = String::with_capacity(text.len() + 16);
    let mut open: Vec<usize> = Vec::new();
    let mut position = 0;
    for (at, opens, index) in marks {
        escape(&text[position..at], &mut out);
        position = at;
        if opens {
            open.push(index);
            start(text, entities, index, &mut out);
            continue;
        }
        // Entities may overlap; tags must not, so the inner ones are closed and opened again.
        let Some(depth) = open.iter().rposition(|other| *other == index) else {
            continue;
        };
        for other in open[depth..].iter().rev() {
            end(&entities[*other], &mut out);
        }
        open.remove(depth);
        for other in &open[depth..] {
            start(text, entities, *other, &mut out);
        }
    }
    escape(&text[position..], &mut out);
    out
}

fn start(text: &str, entities: &[Entity], index: usize, out: &mut String) {
    let entity = &entities[index];
    let covered = byte_at(text, entity.offset).zip(byte_at(text, entity.end()));
    let Some((from, to)) = covered else { return };
    if let Some((tag, attribute)) = tags(entity, &text[from..to]) {
        out.push('<');
        out.push_str(tag);
        if let Some((name, value)) = attribute {
            out.push(' ');
            out.push_str(name);
            out.push_str("=\"");
            escape_attribute(&value, out);
            out.push('"');
        }
        match entity.kind.as_str() {
            "bot_command" => out.push_str(" class=\"cmd\""),
            "text_link" | "url" => out.push_str(" rel=\"noreferrer\" target=\"_blank\""),
            _ => {}
        }
        out.push('>');
    }
}

fn end(entity: &Entity, out: &mut String) {
    if let Some((tag, _)) = tags(entity, "") {
        out.push_str("</");
        out.push_str(tag);
        out.push('>');
    }
}

type Tag = (&'static str, Option<(&'static str, String)>);

fn tags(entity: &Entity, covered: &str) -> Option<Tag> {
    let plain = |tag| Some((tag, None));
    match entity.kind.as_str() {
        "bold" => plain("b"),
        "italic" => plain("i"),
        "underline" => plain("u"),
        "strikethrough" => plain("s"),
        "code" => plain("code"),
        "blockquote" | "expandable_blockquote" => plain("blockquote"),
        "pre" => Some((
            "pre",
            entity
                .language
                .clone()
                .map(|language| ("data-language", language)),
        )),
        "spoiler" => Some(("span", Some(("class", "spoiler".to_owned())))),
        "bot_command" => Some(("a", Some(("data-cmd", covered.to_owned())))),
        "url" => link(covered),
        "text_link" => link(entity.url.as_deref().unwrap_or_default()),
        _ => None,
    }
}

/// Schemes that a link may have; others, such as `javascript`, would do something in the page.
const SCHEMES: [&str; 5] = ["http:", "https:", "tg:", "mailto:", "tel:"];

/// Whatever has no known scheme leads to a web site, as clients have it; so nothing can lead into the page itself.
fn link(target: &str) -> Option<Tag> {
    let lower = target.to_ascii_lowercase();
    let known = SCHEMES.iter().any(|scheme| lower.starts_with(scheme));
    let href = if known {
        target.to_owned()
    } else {
        format!("http://{target}")
    };
    Some(("a", Some(("href", href))))
}

fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\n' => out.push_str("<br>"),
            other => out.push(other),
        }
    }
}

fn escape_attribute(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
}
