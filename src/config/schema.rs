//! Every key there is, and the nearest one to a key there is not.

/// What a key holds; decides how the text of an environment variable is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text, also addresses, paths and choices.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Switch,
    /// A list of texts; separated by commas in the environment.
    Texts,
    /// A list of whole numbers; separated by commas in the environment.
    Integers,
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    /// With dots between sections; `[]` stands for an index.
    pub(super) path: &'static str,
    /// What it holds.
    pub(super) kind: Kind,
    /// Never shown.
    pub(super) secret: bool,
}

const fn key(path: &'static str, kind: Kind) -> Key {
    Key { path, kind, secret: false }
}

const fn secret(path: &'static str) -> Key {
    Key { path, kind: Kind::Text, secret: true }
}

/// Every key, in the order of the sample file.
pub(super) const KEYS: &[Key] = &[
    key("data_dir", Kind::Text),
    key("services_max", Kind::Integer),
    key("grace_hours", Kind::Integer),
    secret("telegram.token"),
    key("telegram.api_url", Kind::Text),
    key("telegram.mode", Kind::Text),
    key("telegram.webhook_url", Kind::Text),
    secret("telegram.webhook_secret"),
    key("telegram.limits.per_second", Kind::Integer),
    key("telegram.limits.per_chat_per_second", Kind::Integer),
    key("telegram.limits.burst", Kind::Integer),
    key("telegram.limits.lift", Kind::Switch),
    secret("database.url"),
    key("database.max_connections", Kind::Integer),
    key("database.system_user", Kind::Text),
    key("http.listen", Kind::Text),
    key("metrics.listen", Kind::Text),
    key("admins.superadmins", Kind::Integers),
    key("admins.admins", Kind::Integers),
    key("locale.language", Kind::Text),
    key("locale.tz", Kind::Text),
    key("log.format", Kind::Text),
    key("log.level", Kind::Text),
    key("trial.days", Kind::Integer),
    key("trial.quota_gb", Kind::Integer),
    key("notices.quiet", Kind::Text),
    key("sessions.idle_seconds", Kind::Integer),
    key("sessions.max_active", Kind::Integer),
    key("nodes[].name", Kind::Text),
    key("nodes[].place", Kind::Text),
    key("nodes[].country", Kind::Text),
    key("nodes[].driver", Kind::Text),
    key("nodes[].interface", Kind::Text),
    key("nodes[].listen_port", Kind::Integer),
    key("nodes[].endpoint", Kind::Text),
    key("nodes[].mode", Kind::Text),
    key("nodes[].dns", Kind::Texts),
    key("nodes[].mtu", Kind::Integer),
    key("nodes[].exclusive", Kind::Switch),
    key("nodes[].pools[].purpose", Kind::Text),
    key("nodes[].pools[].v4", Kind::Text),
    key("nodes[].pools[].v6", Kind::Text),
    secret("nodes[].access"),
    secret("nodes[].api_url"),
    key("nodes[].cert_sha256", Kind::Text),
    secret("nodes[].auth_header"),
    key("nodes[].host", Kind::Text),
    key("nodes[].port", Kind::Integer),
    key("nodes[].domain", Kind::Text),
    key("nodes[].capacity", Kind::Integer),
    key("plans[].code", Kind::Text),
    key("plans[].product", Kind::Text),
    key("plans[].kind", Kind::Text),
    key("plans[].days", Kind::Integer),
    key("plans[].price_cents", Kind::Integer),
    key("plans[].quota_gb", Kind::Integer),
    key("plans[].devices", Kind::Integer),
];

/// `nodes[3].name` becomes `nodes[].name`.
fn pattern(path: &str) -> String {
    let mut inside = false;
    path.chars()
        .filter(|c| {
            match c {
                '[' => inside = true,
                ']' => inside = false,
                _ => return !inside,
            }
            true
        })
        .collect()
}

/// The key of that path.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    let pattern = pattern(path);
    KEYS.iter().find(|key| key.path == pattern)
}

/// What to tell about a key there is not.
pub(super) fn advice(path: &str) -> String {
    let wanted = pattern(path);
    let section = format!("{wanted}.");
    if KEYS.iter().any(|key| key.path.starts_with(&section)) {
        return format!("{path} is a section: write [{path}] and its settings below it");
    }
    if KEYS.iter().any(|key| key.path.starts_with(&format!("{wanted}[]"))) {
        return format!("{path} is a list of sections: write [[{path}]] and its settings below it");
    }
    let last = |text: &str| text.rsplit('.').next().unwrap_or_default().to_owned();
    let best = KEYS
        .iter()
        .map(|key| {
            // The right name in the wrong section is nearer than any other slip.
            let score = if last(key.path) == last(&wanted) { 1 } else { distance(key.path, &wanted) };
            (score, key.path)
        })
        .min();
    match best {
        Some((score, near)) if score <= 2 + wanted.len() / 6 => format!("did you mean {near}?"),
        _ => "remove it; usipipo.sample.toml explains every setting".to_owned(),
    }
}

/// How many letters must be added, removed or replaced to get from one text to the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_are_recognised() {
        assert_eq!(advice("telegram.tokn"), "did you mean telegram.token?");
        assert_eq!(advice("http.listenn"), "did you mean http.listen?");
        assert_eq!(advice("nodes[0].intrface"), "did you mean nodes[].interface?");
        assert_eq!(advice("telegram.superadmins"), "did you mean admins.superadmins?");
        assert!(advice("telegram").starts_with("telegram is a section"));
        assert!(advice("nodes").contains("[[nodes]]"));
        assert!(advice("colour.of.the.sky").starts_with("remove it"));
    }

    #[test]
    fn distances() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
