//! What is wrong with the settings, all of it at once.

use std::fmt;
use std::path::PathBuf;

/// One thing that is wrong, or that deserves a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, as it is written in the file.
    pub key: String,
    /// Where its value came from; empty when it has none.
    pub origin: String,
    /// What is wrong. Never holds a secret's value.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, origin, what, remedy } = self;
        if origin.is_empty() {
            write!(f, "{key}: {what}; {remedy}")
        } else {
            write!(f, "{key} (from {origin}): {what}; {remedy}")
        }
    }
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(
        "the settings file {path} cannot be read: {cause}; check the path given with --config and that this user may read it"
    )]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The file is no TOML.
    #[error("the settings file {path} cannot be understood:\n{cause}\nWrite it like usipipo.sample.toml")]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Line, column and what was expected; the line itself only when it holds no secret.
        cause: String,
    },
    /// Values are wrong.
    #[error("{}", listed(.0))]
    Invalid(Vec<Problem>),
}

impl ConfigError {
    /// The single problems, if it came so far.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid(problems) => problems,
            _ => &[],
        }
    }
}

fn listed(problems: &[Problem]) -> String {
    use fmt::Write as _;
    let mut text = match problems.len() {
        1 => "one setting is wrong:".to_owned(),
        n => format!("{n} settings are wrong:"),
    };
    for problem in problems {
        let _ = write!(text, "\n  {problem}");
    }
    text
}
