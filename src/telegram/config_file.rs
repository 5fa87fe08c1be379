//! The WireGuard config as a document.

use usipipo_actors::domain::ids::ServiceId;

/// Characters of the name before `.conf`: wg-quick takes the file's name as the interface's, which the kernel limits to 15
/// bytes; wg-quick(8) allows `[a-zA-Z0-9_=+.-]`.
const STEM_MAX: usize = 15;

/// The file's name for a service, from the name its owner gave it: `iphone.conf`. A name without a usable letter becomes
/// `vpn-` and the service's number.
#[must_use]
pub fn file_name(name: &str, service: ServiceId) -> String {
    let mut stem = String::with_capacity(STEM_MAX);
    for c in name.chars().flat_map(char::to_lowercase) {
        match plain(c) {
            Some(c) => stem.push(c),
            None if stem.is_empty() || stem.ends_with('-') => {}
            None => stem.push('-'),
        }
        if stem.len() == STEM_MAX {
            break;
        }
    }
    let stem = stem.trim_end_matches('-');
    if stem.is_empty() {
        let number = service.0.unsigned_abs() % 100_000_000_000;
        format!("vpn-{number}.conf")
    } else {
        format!("{stem}.conf")
    }
}

/// Spanish letters without their accents; nothing for what has no place in an interface's name.
const fn plain(c: char) -> Option<char> {
    match c {
        'a'..='z' | '0'..='9' => Some(c),
        'á' | 'à' | 'ä' | 'â' | 'ã' => Some('a'),
        'é' | 'è' | 'ë' | 'ê' => Some('e'),
        'í' | 'ì' | 'ï' | 'î' => Some('i'),
        'ó' | 'ò' | 'ö' | 'ô' | 'õ' => Some('o'),
        'ú' | 'ù' | 'ü' | 'û' => Some('u'),
        'ñ' => Some('n'),
        'ç' => Some('c'),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
