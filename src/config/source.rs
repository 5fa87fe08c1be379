//! Values as they were given: in the file, in the environment.

use super::error::{ConfigError, Problem};
use super::schema::{self, Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use toml::Value;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The settings file.
    File(PathBuf),
    /// This environment variable.
    Environment(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => path.display().fmt(f),
            Self::Environment(name) => f.write_str(name),
        }
    }
}

const PREFIX: &str = "USIPIPO_";

/// Given values by key.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) values: BTreeMap<String, (Value, Origin)>,
    pub(super) problems: Vec<Problem>,
}

impl Given {
    /// Takes over what a file says.
    pub(super) fn read_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause })?;
        self.read_text(path, &text)
    }

    /// Takes over a file's content.
    pub(super) fn read_text(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let table: toml::Table = text.parse().map_err(|cause: toml::de::Error| ConfigError::Syntax {
            path: path.to_owned(),
            cause: explain(text, &cause),
        })?;
        self.flatten("", Value::Table(table), &Origin::File(path.to_owned()));
        Ok(())
    }

    fn flatten(&mut self, path: &str, value: Value, origin: &Origin) {
        match value {
            Value::Table(table) => {
                for (name, value) in table {
                    let inner = if path.is_empty() { name } else { format!("{path}.{name}") };
                    self.flatten(&inner, value, origin);
                }
            }
            Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_table) => {
                for (index, item) in items.into_iter().enumerate() {
                    self.flatten(&format!("{path}[{index}]"), item, origin);
                }
            }
            leaf => self.take(path, leaf, origin.clone()),
        }
    }

    fn take(&mut self, path: &str, value: Value, origin: Origin) {
        if schema::find(path).is_some() {
            self.values.insert(path.to_owned(), (value, origin));
        } else {
            self.problems.push(Problem {
                key: path.to_owned(),
                origin: origin.to_string(),
                what: "there is no such setting".to_owned(),
                remedy: schema::advice(path),
            });
        }
    }

    /// Lets the environment override. `USIPIPO_…` variables without a double underscore belong to other things, apart from
    /// the keys outside any section.
    pub(super) fn read_environment<'a>(&mut self, variables: impl Iterator<Item = (&'a str, &'a str)>) {
        for (name, text) in variables {
            let Some(rest) = name.strip_prefix(PREFIX) else { continue };
            let path = path_of(rest);
            if !rest.contains("__") && schema::find(&path).is_none() {
                continue;
            }
            let origin = Origin::Environment(name.to_owned());
            let kind = schema::find(&path).map_or(Kind::Text, |key| key.kind);
            match typed(kind, text) {
                Ok(value) => self.take(&path, value, origin),
                Err(wanted) => self.problems.push(Problem {
                    key: path,
                    origin: origin.to_string(),
                    what: format!("{text:?} is not {wanted}"),
                    remedy: format!("write {wanted}"),
                }),
            }
        }
    }

    /// Indices in use below a list of sections, such as `nodes` or `nodes[0].pools`.
    pub(super) fn indices(&self, list: &str) -> BTreeSet<usize> {
        let start = format!("{list}[");
        self.values.keys().filter_map(|path| path.strip_prefix(&start)?.split(']').next()?.parse().ok()).collect()
    }
}

/// `NODES__0__MODE` is `nodes[0].mode`.
fn path_of(name: &str) -> String {
    let mut path = String::new();
    for part in name.to_lowercase().split("__") {
        if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) {
            path.push_str(&format!("[{part}]"));
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(part);
        }
    }
    path
}

fn typed(kind: Kind, text: &str) -> Result<Value, &'static str> {
    let items = || text.split(',').map(str::trim).filter(|item| !item.is_empty());
    match kind {
        Kind::Text => Ok(Value::String(text.to_owned())),
        Kind::Integer => text.trim().parse().map(Value::Integer).map_err(|_| "a whole number"),
        Kind::Switch => text.trim().parse().map(Value::Boolean).map_err(|_| "true or false"),
        Kind::Texts => Ok(Value::Array(items().map(|item| Value::String(item.to_owned())).collect())),
        Kind::Integers => items()
            .map(|item| item.parse().map(Value::Integer))
            .collect::<Result<_, _>>()
            .map(Value::Array)
            .map_err(|_| "whole numbers separated by commas"),
    }
}

/// Says where the mistake is without quoting the line, which may hold a secret.
fn explain(text: &str, cause: &toml::de::Error) -> String {
    let line = cause.span().map_or(0, |span| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1);
    format!("line {line}: {}", cause.message())
}
