//! Everything the bot says, from the Fluent files `src/texts/es.ftl` and `en.ftl`, which are part of the binary.
//!
//! Each message is a method of [`Words`], made by `messages!` and `labels!` in [`keys`]: a misspelt key or a forgotten
//! argument does not compile, a text that nobody uses is dead code, and a test compares both files with the table of keys
//! and their variables.

use crate::telegram::html::{Html, tame};
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use std::borrow::Cow;
use std::sync::LazyLock;
use unic_langid::LanguageIdentifier;
use usipipo_actors::domain::lang::Lang;

mod keys;

/// The files, by language; tests read them again.
pub(crate) const SOURCES: [(Lang, &str); 2] =
    [(Lang::Es, include_str!("../texts/es.ftl")), (Lang::En, include_str!("../texts/en.ftl"))];

/// Parsed once; formatting only borrows.
static BUNDLES: LazyLock<[FluentBundle<FluentResource>; 2]> =
    LazyLock::new(|| SOURCES.map(|(lang, source)| bundle(lang, source)));

fn bundle(lang: Lang, source: &str) -> FluentBundle<FluentResource> {
    // Decides the plural rules; both codes are well-formed.
    let id: LanguageIdentifier = lang.code().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    // Isolation marks around every argument would be visible in names that people copy; foreign right-to-left text is
    // isolated where it is escaped.
    bundle.set_use_isolating(false);
    // A test proves that the files have no error; what could be read would be used all the same.
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, _)| resource);
    let _ = bundle.add_resource(resource);
    bundle
}

/// An argument of a message: text is escaped, [`Html`] is markup already.
#[derive(Debug)]
pub(crate) enum Arg<'a> {
    Text(Cow<'a, str>),
    Html(Html),
    /// For counts that choose a plural. Identifiers go as text: Fluent's numbers are floating point.
    Count(u32),
}

/// An argument of a label, which is plain text without markup.
#[derive(Debug)]
pub(crate) enum LabelArg<'a> {
    Text(Cow<'a, str>),
    Count(u32),
}

macro_rules! from_text_and_count {
    ($name:ident) => {
        impl<'a> From<&'a str> for $name<'a> {
            fn from(text: &'a str) -> Self {
                Self::Text(text.into())
            }
        }
        impl<'a> From<&'a String> for $name<'a> {
            fn from(text: &'a String) -> Self {
                Self::Text(text.as_str().into())
            }
        }
        impl From<String> for $name<'_> {
            fn from(text: String) -> Self {
                Self::Text(text.into())
            }
        }
        impl From<u32> for $name<'_> {
            fn from(count: u32) -> Self {
                Self::Count(count)
            }
        }
        impl From<u64> for $name<'_> {
            fn from(count: u64) -> Self {
                Self::Count(u32::try_from(count).unwrap_or(u32::MAX))
            }
        }
    };
}
from_text_and_count!(Arg);
from_text_and_count!(LabelArg);

impl From<Html> for Arg<'_> {
    fn from(html: Html) -> Self {
        Self::Html(html)
    }
}

impl<'a> Arg<'a> {
    fn into_value(self) -> FluentValue<'a> {
        match self {
            Self::Text(text) => FluentValue::from(Html::escape(&text).into_string()),
            Self::Html(html) => FluentValue::from(html.into_string()),
            Self::Count(count) => FluentValue::from(count),
        }
    }
}

impl<'a> LabelArg<'a> {
    fn into_value(self) -> FluentValue<'a> {
        match self {
            Self::Text(text) => FluentValue::from(tame(&text).into_owned()),
            Self::Count(count) => FluentValue::from(count),
        }
    }
}

/// The texts of one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Words(pub(crate) Lang);

impl Words {
    fn message<const N: usize>(self, key: &'static str, args: [(&'static str, Arg<'_>); N]) -> Html {
        Html::trusted(self.format(key, args.map(|(name, arg)| (name, arg.into_value()))).into_owned())
    }

    fn label<const N: usize>(self, key: &'static str, args: [(&'static str, LabelArg<'_>); N]) -> String {
        self.format(key, args.map(|(name, arg)| (name, arg.into_value()))).into_owned()
    }

    /// The city of a time zone or the name of a country, by its key in `zones::ZONES` or `countries::COUNTRIES`.
    pub(crate) fn named(self, key: &'static str) -> String {
        self.label(key, [])
    }

    fn format<const N: usize>(
        self,
        key: &'static str,
        args: [(&'static str, FluentValue<'_>); N],
    ) -> Cow<'static, str> {
        let bundle = match self.0 {
            Lang::Es => &BUNDLES[0],
            Lang::En => &BUNDLES[1],
        };
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            return Cow::Borrowed(key);
        };
        let mut errors = Vec::new();
        if N == 0 {
            return bundle.format_pattern(pattern, None, &mut errors);
        }
        let args: FluentArgs<'_> = args.into_iter().collect();
        Cow::Owned(bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned())
    }
}

#[cfg(test)]
mod tests;
