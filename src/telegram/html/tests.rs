#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

/// Reads markup as strictly as Telegram does; `Err` says what it would refuse.
pub(crate) fn check(markup: &str) -> Result<usize, String> {
    let mut open = Vec::new();
    let mut units = 0;
    let mut rest = markup;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '<' => {
                let end = rest.find('>').ok_or("a tag without an end")?;
                let tag = &rest[1..end];
                if let Some(name) = tag.strip_prefix('/') {
                    if open.pop() != Some(name) {
                        return Err(format!("</{name}> closes nothing"));
                    }
                } else {
                    let name = tag.split(' ').next().unwrap();
                    let link = tag.strip_prefix("a href=\"https://").is_some_and(|url| url.ends_with('"'));
                    if !(matches!(tag, "b" | "i" | "code" | "pre") || link) {
                        return Err(format!("unknown tag <{tag}>"));
                    }
                    if open.iter().any(|outer| matches!(*outer, "code" | "pre")) {
                        return Err(format!("<{tag}> inside code"));
                    }
                    open.push(name);
                }
                end + 1
            }
            '>' => return Err("a bare >".into()),
            '&' => {
                let end = rest.find(';').ok_or("a bare &")?;
                if !matches!(&rest[..=end], "&lt;" | "&gt;" | "&amp;" | "&quot;") {
                    return Err(format!("unknown entity {}", &rest[..=end]));
                }
                units += 1;
                end + 1
            }
            '\0' => return Err("NUL".into()),
            c => {
                units += c.len_utf16();
                c.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    if open.is_empty() { Ok(units) } else { Err(format!("open: {open:?}")) }
}

fn nasty() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![
            Just("<b>"),
            Just("</code>"),
            Just("&"),
            Just("&amp;"),
            Just(";"),
            Just("\""),
            Just("😀"),
            Just("👩‍👩‍👧"),
            Just("\u{202e}"),
            Just("שלום"),
            Just("\0"),
            Just("\n"),
            Just("ñ"),
            Just("a"),
            Just("\u{200f}"),
        ],
        0..200,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn fault_22_any_text_is_escaped(text in any::<String>(), nasty in nasty()) {
        for text in [text, nasty] {
            for html in [Html::escape(&text), Html::code(&text), Html::pre(&text)] {
                let units = check(html.as_str());
                prop_assert_eq!(units, Ok(html.units()), "{}", html);
            }
        }
    }

    #[test]
    fn fault_22_any_length_is_cut_within_the_limit(parts in proptest::collection::vec(nasty(), 1..6), max in 1_usize..200) {
        let mut html = Html::default();
        for (n, part) in parts.iter().enumerate() {
            match n % 3 {
                0 => html.line(&Html::escape(part)),
                1 => html.paragraph(&Html::trusted(format!("<b>{}</b>", Html::code(part)))),
                _ => html.line(&Html::pre(part)),
            }
        }
        let whole = html.clone();
        let short = html.cut(max);
        let units = check(short.as_str());
        prop_assert!(units.clone().is_ok_and(|units| units <= max), "{units:?} of {max}: {short}");
        if whole.units() <= max {
            prop_assert_eq!(short, whole);
        }
    }
}

#[test]
fn fault_22_ten_thousand_characters_become_a_message() {
    let html = Html::pre(&"<&😀".repeat(4_000)).cut(MESSAGE_MAX_UNITS);
    assert!(html.units() <= MESSAGE_MAX_UNITS && html.units() > MESSAGE_MAX_UNITS - 3);
    assert!(html.as_str().ends_with("…</pre>"));
    check(html.as_str()).unwrap();
}

#[test]
fn a_name_cannot_rearrange_its_line() {
    assert_eq!(Html::escape("a\u{202e}b\0").as_str(), "ab");
    assert_eq!(Html::escape("שלום").as_str(), "\u{2068}שלום\u{2069}");
    assert_eq!(Html::escape("Ana & <José>").as_str(), "Ana &amp; &lt;José&gt;");
}
