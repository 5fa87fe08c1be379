//! `usipipo doctor`: each of its checks sees the fault that a test made, says how to mend it, and passes when it is mended.

mod database;
mod machine;
mod telegram;

use crate::support::program::Launch;
use std::process::Output;

/// What it said.
struct Report {
    text: String,
    code: Option<i32>,
}

impl Report {
    fn of(output: &Output) -> Self {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Self { text, code: output.status.code() }
    }

    /// Sign and words of a check, and the remedy below it.
    fn check(&self, subject: &str) -> Option<(&str, &str, &str)> {
        let mut lines = self.text.lines();
        let line = lines.find(|line| line.get(6..).is_some_and(|rest| rest.starts_with(&format!("{subject}: "))))?;
        let remedy = lines.next().and_then(|next| next.trim().strip_prefix("→ ")).unwrap_or_default();
        Some((line[..4].trim(), &line[6..], remedy))
    }

    fn says(&self, sign: &str, subject: &str, words: &str, remedy: &str) {
        let Some(seen) = self.check(subject) else { panic!("nothing about {subject} in\n{}", self.text) };
        assert!(seen.0 == sign && seen.1.contains(words) && seen.2.contains(remedy), "{seen:?} in\n{}", self.text);
    }

    /// It is broken: these words, this remedy, and a status that says so.
    fn bad(&self, subject: &str, words: &str, remedy: &str) {
        assert!(!remedy.is_empty());
        self.says("BAD", subject, words, remedy);
        assert_eq!(self.code, Some(1), "{}", self.text);
    }

    /// It deserves a look; nothing is broken.
    fn look(&self, subject: &str, words: &str, remedy: &str) {
        assert!(!remedy.is_empty());
        self.says("look", subject, words, remedy);
        assert_eq!(self.code, Some(0), "{}", self.text);
    }

    fn good(&self, subject: &str, words: &str) {
        self.says("ok", subject, words, "");
        assert_eq!(self.code, Some(0), "{}", self.text);
    }
}

fn doctor(launch: &Launch) -> Report {
    std::fs::create_dir_all(&launch.data_dir).ok();
    Report::of(&launch.command(&["doctor"]).current_dir("/").output().unwrap())
}
