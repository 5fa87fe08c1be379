//! Reads given values into typed ones, notes what is wrong, and remembers what to show.

use super::error::Problem;
use super::schema;
use super::source::{Given, Origin};
use secrecy::SecretString;
use std::net::SocketAddr;
use std::path::PathBuf;
use toml::Value;

/// A setting in force, as `config show` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its key.
    pub key: String,
    /// Its value as TOML; a secret's is replaced.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// A type that a setting may have.
pub(super) trait Setting: Sized {
    /// Reads it, or says what it must be ("a whole number").
    fn read(value: &Value) -> Result<Self, String>;
    /// Writes it.
    fn show(&self) -> Value;
}

impl Setting for String {
    fn read(value: &Value) -> Result<Self, String> {
        value.as_str().map(str::to_owned).ok_or_else(|| "a text in quotes".to_owned())
    }
    fn show(&self) -> Value {
        Value::String(self.clone())
    }
}

impl Setting for bool {
    fn read(value: &Value) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| "true or false".to_owned())
    }
    fn show(&self) -> Value {
        Value::Boolean(*self)
    }
}

impl Setting for i64 {
    fn read(value: &Value) -> Result<Self, String> {
        value.as_integer().ok_or_else(|| "a whole number".to_owned())
    }
    fn show(&self) -> Value {
        Value::Integer(*self)
    }
}

impl Setting for SocketAddr {
    fn read(value: &Value) -> Result<Self, String> {
        let wanted = || "an address with a port, such as \"127.0.0.1:8080\" or \"[::1]:8080\"".to_owned();
        value.as_str().and_then(|text| text.parse().ok()).ok_or_else(wanted)
    }
    fn show(&self) -> Value {
        Value::String(self.to_string())
    }
}

impl Setting for PathBuf {
    fn read(value: &Value) -> Result<Self, String> {
        let text = value.as_str().filter(|text| !text.is_empty());
        text.map(Self::from).ok_or_else(|| "a path in quotes".to_owned())
    }
    fn show(&self) -> Value {
        Value::String(self.display().to_string())
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn read(value: &Value) -> Result<Self, String> {
        let items = value.as_array().ok_or_else(|| "a list in [ ]".to_owned())?;
        items.iter().map(|item| T::read(item).map_err(|wanted| format!("a list in [ ], each item {wanted}"))).collect()
    }
    fn show(&self) -> Value {
        Value::Array(self.iter().map(T::show).collect())
    }
}

impl Setting for chrono_tz::Tz {
    fn read(value: &Value) -> Result<Self, String> {
        let wanted = || "a time zone of the IANA list, such as \"America/Havana\" or \"UTC\"".to_owned();
        value.as_str().and_then(|text| text.parse().ok()).ok_or_else(wanted)
    }
    fn show(&self) -> Value {
        Value::String(self.name().to_owned())
    }
}

/// Makes an enum a setting with a closed list of words.
macro_rules! choice {
    ($type:ty { $($word:literal => $variant:path),+ $(,)? }) => {
        impl $crate::config::read::Setting for $type {
            fn read(value: &toml::Value) -> Result<Self, String> {
                match value.as_str() {
                    $(Some($word) => Ok($variant),)+
                    _ => Err(["one of", $(concat!("\"", $word, "\"")),+].join(" ")),
                }
            }
            fn show(&self) -> toml::Value {
                toml::Value::String(self.as_str().to_owned())
            }
        }

        impl $type {
            /// As the settings write it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($variant => $word,)+
                }
            }
        }
    };
}
pub(super) use choice;

/// Reads settings one by one.
pub(super) struct Reader {
    given: Given,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
    pub(super) shown: Vec<Shown>,
}

impl Reader {
    pub(super) fn new(mut given: Given) -> Self {
        let problems = std::mem::take(&mut given.problems);
        Self { given, problems, warnings: Vec::new(), shown: Vec::new() }
    }

    /// The setting, or the default when it is not given or wrong.
    pub(super) fn get<T: Setting>(&mut self, key: &str, default: T) -> T {
        self.optional(key).unwrap_or_else(|| {
            self.show(key, default.show().to_string(), Origin::Default);
            default
        })
    }

    /// The setting, if it is given and right.
    pub(super) fn optional<T: Setting>(&mut self, key: &str) -> Option<T> {
        debug_assert!(schema::find(key).is_some_and(|known| !known.secret), "{key} is not listed, or is a secret");
        let (value, origin) = self.given.values.get(key)?.clone();
        match T::read(&value) {
            Ok(read) => {
                self.show(key, read.show().to_string(), origin);
                Some(read)
            }
            Err(wanted) => {
                self.problem(key, &format!("{value} does not fit"), &format!("write {wanted}"));
                None
            }
        }
    }

    /// A text that is not empty.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.optional::<String>(key).filter(|text| !text.is_empty())
    }

    /// A whole number within limits.
    pub(super) fn number<T>(&mut self, key: &str, default: T, least: T, most: T) -> T
    where
        T: TryFrom<i64> + Into<i64> + Copy + PartialOrd + std::fmt::Display,
    {
        let wide = self.get::<i64>(key, default.into());
        match T::try_from(wide) {
            Ok(number) if number >= least && number <= most => number,
            _ => {
                self.problem(key, &format!("{wide} is out of range"), &format!("choose from {least} to {most}"));
                default
            }
        }
    }

    /// A secret; an empty one counts as not given.
    pub(super) fn secret(&mut self, key: &str) -> Option<SecretString> {
        let (value, origin) = self.given.values.get(key)?.clone();
        let Some(text) = value.as_str() else {
            self.problem(key, "it is not a text", "write it in quotes");
            return None;
        };
        if text.is_empty() {
            return None;
        }
        self.show(key, "\"<set, not shown>\"".to_owned(), origin);
        Some(SecretString::from(text))
    }

    pub(super) fn indices(&self, list: &str) -> Vec<usize> {
        self.given.indices(list).into_iter().collect()
    }

    /// Whether somebody gave this key.
    pub(super) fn is_given(&self, key: &str) -> bool {
        self.given.values.contains_key(key)
    }

    fn origin_of(&self, key: &str) -> String {
        self.given.values.get(key).map(|(_, origin)| origin.to_string()).unwrap_or_default()
    }

    pub(super) fn problem(&mut self, key: &str, what: &str, remedy: &str) {
        let origin = self.origin_of(key);
        self.problems.push(Problem { key: key.to_owned(), origin, what: what.to_owned(), remedy: remedy.to_owned() });
    }

    pub(super) fn warn(&mut self, key: &str, what: &str, remedy: &str) {
        let origin = self.origin_of(key);
        self.warnings.push(Problem { key: key.to_owned(), origin, what: what.to_owned(), remedy: remedy.to_owned() });
    }

    pub(super) fn show(&mut self, key: &str, value: String, origin: Origin) {
        self.shown.push(Shown { key: key.to_owned(), value, origin });
    }
}
