//! Settings as text.

use super::Loaded;
use std::fmt::Write as _;

/// Every setting in force with its origin; secrets are not shown. What comes out can be pasted into a settings file, apart
/// from the secrets.
#[must_use]
pub fn render(loaded: &Loaded) -> String {
    let mut text = match &loaded.file {
        Some(path) => format!("# settings file: {}\n", path.display()),
        None => "# settings file: none found\n".to_owned(),
    };
    let widest = loaded.shown.iter().map(|shown| shown.key.len() + shown.value.len() + 3).max().unwrap_or(0).min(60);
    let mut section = String::new();
    for shown in &loaded.shown {
        let (inside, name) = shown.key.rsplit_once('.').unwrap_or(("", &shown.key));
        if inside != section {
            let _ = writeln!(text, "\n{}", header(inside));
            inside.clone_into(&mut section);
        }
        let line = format!("{name} = {}", shown.value);
        let _ = writeln!(text, "{line:<widest$}  # {}", shown.origin);
    }
    if !loaded.warnings.is_empty() {
        let _ = writeln!(text, "\n# To look at:");
    }
    for warning in &loaded.warnings {
        let _ = writeln!(text, "#   {warning}");
    }
    text
}

/// `nodes[0].pools[1]` is written `[[nodes.pools]]`.
fn header(section: &str) -> String {
    if section.ends_with(']') {
        let plain: String =
            section.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect();
        format!("[[{plain}]]")
    } else {
        format!("[{section}]")
    }
}
