//! Countries in which servers stand: their flags, and names of those where servers are usually rented.

/// ISO 3166 code and the key of the country's name in the Fluent files.
pub(crate) const COUNTRIES: [(&str, &str); 52] = [
    ("US", "t-country-us"),
    ("CA", "t-country-ca"),
    ("MX", "t-country-mx"),
    ("CU", "t-country-cu"),
    ("DO", "t-country-do"),
    ("PA", "t-country-pa"),
    ("CO", "t-country-co"),
    ("BR", "t-country-br"),
    ("CL", "t-country-cl"),
    ("AR", "t-country-ar"),
    ("PE", "t-country-pe"),
    ("ES", "t-country-es"),
    ("PT", "t-country-pt"),
    ("FR", "t-country-fr"),
    ("DE", "t-country-de"),
    ("NL", "t-country-nl"),
    ("BE", "t-country-be"),
    ("LU", "t-country-lu"),
    ("CH", "t-country-ch"),
    ("AT", "t-country-at"),
    ("IT", "t-country-it"),
    ("GB", "t-country-gb"),
    ("IE", "t-country-ie"),
    ("DK", "t-country-dk"),
    ("SE", "t-country-se"),
    ("NO", "t-country-no"),
    ("FI", "t-country-fi"),
    ("IS", "t-country-is"),
    ("EE", "t-country-ee"),
    ("LV", "t-country-lv"),
    ("LT", "t-country-lt"),
    ("PL", "t-country-pl"),
    ("CZ", "t-country-cz"),
    ("HU", "t-country-hu"),
    ("RO", "t-country-ro"),
    ("BG", "t-country-bg"),
    ("RS", "t-country-rs"),
    ("GR", "t-country-gr"),
    ("MD", "t-country-md"),
    ("UA", "t-country-ua"),
    ("RU", "t-country-ru"),
    ("KZ", "t-country-kz"),
    ("TR", "t-country-tr"),
    ("IL", "t-country-il"),
    ("AE", "t-country-ae"),
    ("IN", "t-country-in"),
    ("SG", "t-country-sg"),
    ("HK", "t-country-hk"),
    ("JP", "t-country-jp"),
    ("KR", "t-country-kr"),
    ("AU", "t-country-au"),
    ("ZA", "t-country-za"),
];

/// The key of a country's name.
pub(crate) fn key_of(code: &str) -> Option<&'static str> {
    COUNTRIES.iter().find(|(known, _)| *known == code).map(|(_, key)| *key)
}

/// The flag of a country, which is its code in letters of their own (Unicode, "regional indicator symbols"); nothing for what
/// is no code.
pub(crate) fn flag(code: &str) -> String {
    if code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return String::new();
    }
    code.bytes().filter_map(|byte| char::from_u32(0x1f1e6 + u32::from(byte - b'A'))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_made_of_two_letters_and_nothing_else_makes_one() {
        assert_eq!(flag("US"), "🇺🇸");
        assert_eq!(flag("ZA"), "🇿🇦");
        for code in ["", "U", "us", "USA", "ñ", "1A"] {
            assert_eq!(flag(code), "", "{code}");
        }
    }

    #[test]
    fn every_country_stands_in_the_table_once() {
        let mut codes = COUNTRIES.map(|(code, _)| code);
        codes.sort_unstable();
        assert!(codes.windows(2).all(|pair| pair[0] != pair[1]));
        for (code, key) in COUNTRIES {
            assert_eq!(key, format!("t-country-{}", code.to_lowercase()));
            assert_eq!(flag(code).chars().count(), 2, "{code}");
        }
        assert_eq!(key_of("US"), Some("t-country-us"));
        assert_eq!(key_of("XX"), None);
    }
}
