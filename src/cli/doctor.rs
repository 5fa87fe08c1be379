//! `usipipo doctor`: looks at everything the program depends on and says how to mend what is wrong.

mod checks;

use crate::config::{ConfigError, Needs, Surroundings, load};
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// What came of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is right.
    Good,
    /// The program runs, but the operator should know.
    Look(String),
    /// The program cannot work so.
    Bad(String),
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    /// What was looked at.
    subject: String,
    /// What was seen.
    seen: String,
    /// What to do, inside [`Verdict::Look`] and [`Verdict::Bad`].
    verdict: Verdict,
}

impl Check {
    fn good(subject: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { subject: subject.into(), seen: seen.into(), verdict: Verdict::Good }
    }

    fn look(subject: impl Into<String>, seen: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { subject: subject.into(), seen: seen.into(), verdict: Verdict::Look(mend.into()) }
    }

    fn bad(subject: impl Into<String>, seen: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { subject: subject.into(), seen: seen.into(), verdict: Verdict::Bad(mend.into()) }
    }
}

/// Exit status 0 when nothing is bad, 1 otherwise.
pub(super) fn run(config: Option<&Path>) -> ExitCode {
    let around = Surroundings::of_process();
    let checks = match load(config, Needs::Bot, &around) {
        Ok(loaded) => match super::runtime() {
            Ok(runtime) => {
                let checks = runtime.block_on(checks::all(&loaded));
                runtime.shutdown_background();
                checks
            }
            Err(error) => vec![Check::bad("runtime", error.to_string(), "free memory or raise the limit of threads")],
        },
        Err(error) => of_settings(&error),
    };
    let bad = checks.iter().filter(|check| matches!(check.verdict, Verdict::Bad(_))).count();
    if super::print(&crate::telemetry::redact(&report(&checks, bad))).is_err() {
        return ExitCode::FAILURE;
    }
    if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn of_settings(error: &ConfigError) -> Vec<Check> {
    match error {
        ConfigError::Invalid(problems) => {
            let bad = |problem: &crate::config::Problem| {
                Check::bad(problem.key.clone(), problem.what.clone(), problem.remedy.clone())
            };
            problems.iter().map(bad).collect()
        }
        other => vec![Check::bad("settings file", other.to_string(), "mend the file named above")],
    }
}

fn report(checks: &[Check], bad: usize) -> String {
    let mut text = String::new();
    for check in checks {
        let (sign, mend) = match &check.verdict {
            Verdict::Good => ("ok  ", None),
            Verdict::Look(mend) => ("look", Some(mend)),
            Verdict::Bad(mend) => ("BAD ", Some(mend)),
        };
        let _ = writeln!(text, "{sign}  {}: {}", check.subject, check.seen);
        if let Some(mend) = mend {
            let _ = writeln!(text, "      → {mend}");
        }
    }
    let _ = match bad {
        0 => writeln!(text, "\nNothing is broken."),
        1 => writeln!(text, "\nOne thing is broken; the arrow under it says how to mend it."),
        n => writeln!(text, "\n{n} things are broken; the arrow under each says how to mend it."),
    };
    text
}
