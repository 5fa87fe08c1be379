#![allow(clippy::unwrap_used)]

use super::keys::{labels, messages};
use super::*;
use crate::telegram::countries::COUNTRIES;
use crate::telegram::html::tests::check;
use crate::telegram::zones::ZONES;
use std::collections::{BTreeMap, BTreeSet};

/// Keys of plain text, which Telegram shows as it is; all others are HTML.
const PLAIN: [&str; 6] = ["btn-", "toast-", "cmd-", "bot-", "tz-", "t-"];

type Keys = BTreeMap<String, BTreeSet<String>>;

/// Keys and variables as they stand in a file, read without Fluent's parser.
fn keys_of(source: &str) -> Keys {
    let mut keys = Keys::new();
    let mut current = None;
    for line in source.lines().filter(|line| !line.starts_with('#')) {
        let text = match line.split_once(" =") {
            Some((key, text)) if line.starts_with(|c: char| c.is_ascii_lowercase()) => {
                assert!(keys.insert(key.to_owned(), BTreeSet::new()).is_none(), "{key} stands there twice");
                current = Some(key.to_owned());
                text
            }
            _ => line,
        };
        for rest in text.split('$').skip(1) {
            let name: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
            keys.get_mut(current.as_ref().unwrap()).unwrap().insert(name);
        }
    }
    keys
}

/// Keys and variables as the program uses them.
fn keys_of_the_program() -> Keys {
    let table = messages()
        .chain(labels())
        .map(|(key, vars)| (String::from(*key), vars.iter().map(|var| String::from(*var)).collect()));
    let plain = COUNTRIES.iter().map(|(_, key)| key).chain(ZONES.iter().map(|(_, key)| key));
    table.chain(plain.map(|key| (String::from(*key), BTreeSet::new()))).collect()
}

#[test]
fn every_text_exists_in_every_language_with_the_same_variables() {
    for (lang, source) in SOURCES {
        let (file, program) = (keys_of(source), keys_of_the_program());
        let only = |a: &Keys, b: &Keys| a.keys().filter(|key| !b.contains_key(*key)).cloned().collect::<Vec<_>>();
        assert_eq!(only(&program, &file), Vec::<String>::new(), "missing in {lang:?}");
        assert_eq!(only(&file, &program), Vec::<String>::new(), "unused in {lang:?}");
        for (key, vars) in &program {
            assert_eq!(&file[key], vars, "variables of {key} in {lang:?}");
        }
    }
}

#[test]
fn the_files_have_no_errors() {
    for (lang, source) in SOURCES {
        assert!(FluentResource::try_new(source.to_owned()).is_ok(), "{lang:?}");
    }
}

#[test]
fn every_text_can_be_said_and_sent() {
    for lang in Lang::ALL {
        let bundle = &BUNDLES[usize::from(lang == Lang::En)];
        for (key, vars) in keys_of_the_program() {
            for count in [0_u32, 1, 2, 5, 12, 1_000_000] {
                let args: FluentArgs<'_> = vars
                    .iter()
                    .map(|var| {
                        (var.as_str(), if var == "n" { FluentValue::from(count) } else { FluentValue::from("x") })
                    })
                    .collect();
                let mut errors = Vec::new();
                let pattern = bundle.get_message(&key).unwrap().value().unwrap();
                let said = bundle.format_pattern(pattern, Some(&args), &mut errors);
                assert!(errors.is_empty(), "{key} in {lang:?}: {errors:?}");
                assert!(!said.trim().is_empty() && said.trim() == said, "{key} in {lang:?}: {said:?}");
                if PLAIN.iter().any(|prefix| key.starts_with(prefix)) {
                    assert!(!said.contains(['<', '&']), "{key} in {lang:?} is plain text: {said}");
                } else {
                    assert!(check(&said).is_ok(), "{key} in {lang:?}: {:?}", check(&said));
                }
            }
        }
    }
}

#[test]
fn one_is_not_said_as_many_are() {
    let (es, en) = (Words(Lang::Es), Words(Lang::En));
    let said = |html: Html| html.as_str().to_owned();
    assert!(said(es.status_some("X", 1_u64, "2")).ends_with("1 de 2 responde"));
    assert!(said(es.status_some("X", 2_u64, "3")).ends_with("2 de 3 responden"));
    assert!(said(en.status_some("X", 1_u64, "2")).ends_with("1 of 2 answers"));
    assert!(said(es.trial_too_many(1_u32)).starts_with("Ya tienes un servicio,"));
    assert!(said(es.trial_too_many(5_u32)).starts_with("Ya tienes 5 servicios,"));
    assert!(said(en.trial_too_many(1_u32)).starts_with("You have a service already,"));
    assert!(said(es.ask_revoke_free("mtproto")).ends_with("pedir otro."));
    assert!(said(es.ask_revoke_free("outline")).ends_with("pedir otra."));
}

#[test]
fn plain_texts_and_messages_are_told_apart_by_their_names() {
    for (key, _) in messages() {
        assert!(!PLAIN.iter().any(|prefix| key.starts_with(prefix)), "{key} is HTML");
    }
    for (key, _) in labels() {
        assert!(PLAIN.iter().any(|prefix| key.starts_with(prefix)), "{key} is plain text");
    }
}

#[test]
fn telegram_takes_the_lengths() {
    for words in Lang::ALL.map(Words) {
        assert!(words.bot_description().chars().count() <= 512);
        assert!(words.bot_short_description().chars().count() <= 120);
        for toast in [words.toast_saved(), words.toast_already_done(), words.toast_refuse_checkout()] {
            assert!(toast.chars().count() <= 200);
        }
    }
}

#[test]
fn fault_22_arguments_are_escaped_by_their_type() {
    let words = Words(Lang::Es);
    assert_eq!(words.card_title("🟢", "<b>&\"").as_str(), "🟢 <b>&lt;b&gt;&amp;&quot;</b>");
    assert_eq!(words.profile_id(Html::code("7")).as_str(), "Id: <code>7</code>");
    assert_eq!(words.btn_chosen("<b>&"), "✔ <b>&");
}
