//! Parsing and rendering of texts.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::Entity;
use super::entity;
use super::find;
use super::parse;
use super::render;
use super::split;
use super::utf16_len;

fn kinds(source: &str) -> Vec<(String, usize, usize)> {
    let (_, entities) = parse::html(source).unwrap();
    entities
        .into_iter()
        .map(|e| (e.kind, e.offset, e.length))
        .collect()
}

#[test]
fn html_becomes_text_and_entities() {
    let (text, entities) = parse::html(
        "<b>a😀</b> &lt;&#x1F600;&#33;&quot; & &nbsp; <a href=\"https://x.y/?a=1&amp;b=2\">l</a>",
    )
    .unwrap();
    assert_eq!(text, "a😀 <😀!\" & &nbsp; l");
    assert_eq!(entities[0], Entity::new("bold", 0, 3));
    assert_eq!(entities[1].url.as_deref(), Some("https://x.y/?a=1&b=2"));
    assert_eq!(entities[1].offset, 19);
}

#[test]
fn every_tag_is_known() {
    let table = [
        ("<strong>x</strong>", "bold"),
        ("<i>x</i>", "italic"),
        ("<em>x</em>", "italic"),
        ("<u>x</u>", "underline"),
        ("<ins>x</ins>", "underline"),
        ("<s>x</s>", "strikethrough"),
        ("<strike>x</strike>", "strikethrough"),
        ("<del>x</del>", "strikethrough"),
        ("<span class=\"tg-spoiler\">x</span>", "spoiler"),
        ("<tg-spoiler>x</tg-spoiler>", "spoiler"),
        ("<tg-emoji emoji-id=\"5\">x</tg-emoji>", "custom_emoji"),
        ("<code>x</code>", "code"),
        ("<pre>x</pre>", "pre"),
        ("<blockquote>x</blockquote>", "blockquote"),
        (
            "<blockquote expandable>x</blockquote>",
            "expandable_blockquote",
        ),
        ("<B>x</B>", "bold"),
        ("<a href='tg://user?id=5'>x</a>", "text_mention"),
        ("<a>x.org</a>", "text_link"),
    ];
    for (source, kind) in table {
        assert_eq!(kinds(source)[0].0, kind, "{source}");
    }
    assert_eq!(
        kinds("<pre><code class=\"language-toml\">x</code></pre>"),
        [("pre".to_owned(), 0, 1)]
    );
    assert_eq!(kinds("<b><i>x</i>y</b>").len(), 2);
    assert!(kinds("<b></b>").is_empty());
}

#[test]
fn errors_have_telegrams_wording() {
    let table = [
        (
            "<b>x",
            "Can't find end tag corresponding to start tag \"b\"",
        ),
        (
            "a<div>x</div>",
            "Unsupported start tag \"div\" at byte offset 1",
        ),
        ("1 <2", "Unclosed start tag at byte offset 2"),
        ("1 < 2 >", "Unsupported start tag \"\" at byte offset 2"),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        (
            "<b>x</i>",
            "Unmatched end tag at byte offset 4, expected \"</b>\", found \"</i>\"",
        ),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        (
            "<span>x</span>",
            "Tag \"span\" must have class \"tg-spoiler\" at byte offset 0",
        ),
        ("<br/>", "Unsupported start tag \"br/\" at byte offset 0"),
        (
            "<code><b>x</b></code>",
            "Tag \"b\" must not be nested in \"code\" at byte offset 6",
        ),
        (
            "<blockquote><blockquote>x</blockquote></blockquote>",
            "Tag \"blockquote\" must not be nested in \"blockquote\" at byte offset 12",
        ),
    ];
    for (source, message) in table {
        assert_eq!(parse::html(source).unwrap_err().0, message, "{source}");
    }
}

#[test]
fn nothing_makes_the_parser_panic() {
    let pieces = [
        "<", ">", "</", "b", "a href=", "\"", "'", "&", "&#", "x1F600;", " ", "😀", "é", "=", "/",
        "code", "\0",
    ];
    let mut seed = 7_u64;
    for _ in 0..20_000 {
        let mut source = String::new();
        for _ in 0..8 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let index = usize::try_from(seed >> 33).unwrap() % pieces.len();
            source.push_str(pieces[index]);
        }
        if let Ok((text, entities)) = parse::html(&source) {
            assert!(entity::fit(&text, &entities), "{source}");
            render::html(&text, &entities);
        }
    }
}

#[test]
fn trimming_moves_entities() {
    let (text, entities) = entity::trim("  ab \n", vec![Entity::new("bold", 0, 6)]);
    assert_eq!(
        (text.as_str(), &entities[0]),
        ("ab", &Entity::new("bold", 0, 2))
    );
}

#[test]
fn commands_links_and_mentions_are_found() {
    let found = |text: &str| {
        let entities = find::complete(text, Vec::new());
        entities
            .into_iter()
            .map(|e| (e.kind, e.offset, e.length))
            .collect::<Vec<_>>()
    };
    assert_eq!(found("/start"), [("bot_command".to_owned(), 0, 6)]);
    assert_eq!(
        found("😀 /a@some_bot!"),
        [("bot_command".to_owned(), 3, 11)]
    );
    assert_eq!(found("/etc/passwd a/b / //"), []);
    assert_eq!(
        found("see https://x.y/z, @anna"),
        [("url".to_owned(), 4, 13), ("mention".to_owned(), 19, 5)]
    );
    assert_eq!(
        find::complete("/x", vec![Entity::new("code", 0, 2)]).len(),
        1
    );
}

#[test]
fn rendering_is_safe_and_well_formed() {
    let text = "<script>\n/x";
    assert_eq!(render::html(text, &[]), "&lt;script&gt;<br>/x");
    let overlap = [Entity::new("bold", 0, 4), Entity::new("italic", 2, 4)];
    assert_eq!(
        render::html("abcdef", &overlap),
        "<b>ab<i>cd</i></b><i>ef</i>"
    );
    let mut link = Entity::new("text_link", 0, 1);
    link.url = Some("https://x.y/\"><script>".to_owned());
    let expected = "<a href=\"https://x.y/&quot;&gt;&lt;script&gt;\" rel=\"noreferrer\" target=\"_blank\">a</a>";
    assert_eq!(render::html("a", &[link]), expected);
}

#[test]
fn links_cannot_lead_into_the_page() {
    let rendered = |kind: &str, text: &str, url: Option<&str>| {
        let mut entity = Entity::new(kind, 0, utf16_len(text));
        entity.url = url.map(str::to_owned);
        render::html(text, &[entity])
    };
    for target in [
        "javascript:alert(1)",
        " JavaScript:alert(1)",
        "data:text/html,x",
        "/sim/reset",
        "x.org",
    ] {
        for html in [
            rendered("url", target, None),
            rendered("text_link", "a", Some(target)),
        ] {
            assert!(html.starts_with("<a href=\"http://"), "{html}");
        }
    }
    for target in [
        "https://x.org",
        "HTTP://x.org",
        "tg://resolve?domain=x",
        "mailto:a@b.c",
    ] {
        assert!(rendered("text_link", "a", Some(target)).contains(&format!("href=\"{target}\"")));
    }
}

#[test]
fn long_inputs_are_split() {
    let text = "😀".repeat(5000);
    let parts = split(&text, 4096);
    assert_eq!(parts.len(), 3);
    assert!(parts.iter().all(|part| utf16_len(part) <= 4096));
}
