//! Keeps secrets out of log lines.

use secrecy::{ExposeSecret as _, SecretString};
use std::borrow::Cow;
use std::sync::{PoisonError, RwLock};

/// Shorter ones would blank out ordinary words.
const SECRET_BYTES_MIN: usize = 6;
const REPLACEMENT: &str = "<secret>";

static SECRETS: RwLock<Vec<SecretString>> = RwLock::new(Vec::new());

/// From now on this secret is replaced in every log line.
pub fn hide(secret: &SecretString) {
    let text = secret.expose_secret();
    if text.len() < SECRET_BYTES_MIN {
        return;
    }
    let mut secrets = SECRETS.write().unwrap_or_else(PoisonError::into_inner);
    if !secrets.iter().any(|known| known.expose_secret() == text) {
        secrets.push(secret.clone());
    }
}

/// The text without secrets.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut result = Cow::Borrowed(text);
    for secret in SECRETS.read().unwrap_or_else(PoisonError::into_inner).iter() {
        if result.contains(secret.expose_secret()) {
            result = Cow::Owned(result.replace(secret.expose_secret(), REPLACEMENT));
        }
    }
    if result.contains("/bot") { Cow::Owned(without_tokens(&result)) } else { result }
}

/// HTTP clients put the address into their errors, and the Bot API has the token in it: `/bot<digits>:<letters>/`.
fn without_tokens(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("/bot") {
        let (before, after) = rest.split_at(at + 4);
        result.push_str(before);
        let token = token_length(after);
        if token > 0 {
            result.push_str(REPLACEMENT);
        }
        rest = &after[token..];
    }
    result + rest
}

fn token_length(text: &str) -> usize {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let Some(rest) = text[digits..].strip_prefix(':').filter(|_| digits > 0) else { return 0 };
    let letters = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte)).count();
    digits + 1 + letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_secrets_and_tokens_in_addresses_go() {
        hide(&SecretString::from("correct horse"));
        hide(&SecretString::from("a"));
        assert_eq!(redact("battery correct horse staple"), "battery <secret> staple");
        assert_eq!(redact("GET https://x/bot12:A-b_9/getMe?y"), "GET https://x/bot<secret>/getMe?y");
        assert_eq!(redact("/bot12:Aé /bot7:x"), "/bot<secret>é /bot<secret>");
        assert_eq!(redact("/botany and /bot12/x"), "/botany and /bot12/x");
        assert!(matches!(redact("plain"), Cow::Borrowed("plain")));
    }
}
