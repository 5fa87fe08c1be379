//! The shipped alert rules, so that a test can wait for them: the same conditions in seconds instead of minutes.
//!
//! Whatever is written in a form that is not known here panics, so that a new rule cannot slip through unhastened.

/// What `for: …` becomes.
const FOR: &str = "1s";
/// What each range and offset becomes: long enough for a dozen samples.
const WINDOW: &str = "5s";
/// By how much numbers of seconds become smaller.
const SECONDS_DIVISOR: f64 = 10.0;
/// A test cannot make as many of anything as this …
const MANY: f64 = 1_000.0;
/// … but more than so many.
const FEW: f64 = 3.0;

/// Names of all alerts of a file of rules, in order.
pub(crate) fn alerts(rules: &str) -> Vec<String> {
    rules.lines().filter_map(|line| Some(line.trim().strip_prefix("- alert: ")?.trim().to_owned())).collect()
}

/// The same rules, faster.
pub(crate) fn hasten(rules: &str) -> String {
    let mut out = String::new();
    let mut rule = String::new();
    for line in rules.lines() {
        if line.trim().starts_with("- ") {
            out.push_str(&of_rule(&std::mem::take(&mut rule)));
        }
        rule.push_str(line);
        rule.push('\n');
    }
    out.push_str(&of_rule(&rule));
    out
}

fn of_rule(rule: &str) -> String {
    // Texts and comments hold durations that mean nothing to Prometheus.
    let texts = rule.find("annotations:").map_or(rule.len(), |at| rule[..at].rfind('\n').map_or(at, |end| end + 1));
    let (head, texts) = rule.split_at(texts);
    let in_seconds = head.contains("_seconds");
    let lines = head.lines().map(|line| {
        let (code, comment) = line.split_at(line.find('#').unwrap_or(line.len()));
        let code = match code.split_once("for: ") {
            Some((before, duration)) => {
                assert!(is_duration(duration.trim()), "unknown duration: {line}");
                format!("{before}for: {FOR}")
            }
            None => comparisons(&windows(code), in_seconds),
        };
        format!("{code}{comment}\n")
    });
    lines.collect::<String>() + texts
}

fn is_duration(text: &str) -> bool {
    let digits = text.trim_end_matches(|unit: char| "smhd".contains(unit));
    digits.len() + 1 == text.len() && digits.parse::<u32>().is_ok()
}

/// `[5m]` and `offset 5m`.
fn windows(code: &str) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some((index, opening)) =
        ["[", "offset "].iter().filter_map(|opening| Some((rest.find(opening)?, *opening))).min()
    {
        let (before, after) = rest.split_at(index + opening.len());
        let end = after.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(after.len());
        assert!(is_duration(&after[..end]), "unknown window: {code}");
        out.push_str(before);
        out.push_str(WINDOW);
        rest = &after[end..];
    }
    out + rest
}

/// Numbers after `>` and `<`.
fn comparisons(code: &str, in_seconds: bool) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some(index) = rest.find(['>', '<']) {
        let (before, after) = rest.split_at(index + 1);
        let number = after.strip_prefix(' ').unwrap_or_else(|| panic!("unknown comparison: {code}"));
        let end = number.find([' ', ')']).unwrap_or(number.len());
        let value: f64 = number[..end].parse().unwrap_or_else(|_| panic!("no number after the comparison: {code}"));
        let value = match (in_seconds, value >= MANY) {
            (true, _) => value / SECONDS_DIVISOR,
            (false, true) => FEW,
            (false, false) => value,
        };
        out.push_str(&format!("{before} {value}"));
        rest = &number[end..];
    }
    out + rest
}

#[test]
fn rules_are_hastened_and_texts_are_left_alone() {
    let rules = "\
groups:
  - name: one
    rules:
      - alert: Late
        # After 2m: see above.
        expr: max(x_seconds and on (instance) y == 1) > 60
        for: 2m
        annotations: {description: 'more than 60 in [5m]'}
      - alert: Many
        expr: |
          sum((x unless x offset 1h) or increase(x[1h])) > 5
            or max(depth) > 10000
        labels: {severity: warning}
";
    let fast = "\
groups:
  - name: one
    rules:
      - alert: Late
        # After 2m: see above.
        expr: max(x_seconds and on (instance) y == 1) > 6
        for: 1s
        annotations: {description: 'more than 60 in [5m]'}
      - alert: Many
        expr: |
          sum((x unless x offset 5s) or increase(x[5s])) > 5
            or max(depth) > 3
        labels: {severity: warning}
";
    assert_eq!(hasten(rules), fast);
    assert_eq!(alerts(rules), ["Late", "Many"]);
}

#[test]
#[should_panic(expected = "no number after the comparison")]
fn a_rule_in_another_form_is_noticed() {
    let _ = hasten("- alert: New\n  expr: a > b\n");
}
