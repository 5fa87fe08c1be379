//! Keys of services that have no addresses: Outline passwords and MTProto secrets.

use std::fmt;
use zeroize::{Zeroize as _, Zeroizing};

/// Characters of an Outline password: letters and digits, so that it needs no escaping anywhere.
const PASSWORD_ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Length of a password that we make; 22 characters of 62 hold 130 bits.
pub const PASSWORD_CHARS: usize = 22;
/// Random bytes that [`KeySecret::outline`] takes; more than enough to reject those that would favour some characters.
pub const PASSWORD_RANDOM_BYTES: usize = 64;

/// A secret text. Its `Debug` shows nothing, and it is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(Zeroizing<String>);

impl Hidden {
    /// Takes it over.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself; for whoever seals it or speaks to the server that it is for.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}

/// The secret half of a key. Its `Debug` shows nothing, and it is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub enum KeySecret {
    /// An Outline password.
    Outline(String),
    /// The sixteen bytes of an MTProto secret, without `dd`, `ee` or domain.
    Mtproto([u8; 16]),
}

impl KeySecret {
    /// A password from random bytes. `None` when too many of them had to be rejected (less than once in 2^60).
    #[must_use]
    pub fn outline(random: [u8; PASSWORD_RANDOM_BYTES]) -> Option<Self> {
        // 248 is the largest multiple of 62 in a byte: what lies above would make some characters likelier.
        let fair = random.iter().filter(|byte| **byte < 248);
        let password: String =
            fair.take(PASSWORD_CHARS).map(|byte| char::from(PASSWORD_ALPHABET[usize::from(*byte % 62)])).collect();
        (password.len() == PASSWORD_CHARS).then_some(Self::Outline(password))
    }

    /// A secret from random bytes.
    #[must_use]
    pub const fn mtproto(random: [u8; 16]) -> Self {
        Self::Mtproto(random)
    }
}

impl Drop for KeySecret {
    fn drop(&mut self) {
        match self {
            Self::Outline(password) => password.zeroize(),
            Self::Mtproto(secret) => secret.zeroize(),
        }
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Outline(_) => "KeySecret::Outline(…)",
            Self::Mtproto(_) => "KeySecret::Mtproto(…)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn passwords_have_their_length_and_only_plain_characters(seed in any::<[u8; 32]>()) {
            let mut random = [0; PASSWORD_RANDOM_BYTES];
            random[..32].copy_from_slice(&seed);
            random[32..].copy_from_slice(&seed);
            let fair = random.iter().filter(|byte| **byte < 248).count();
            match &KeySecret::outline(random) {
                Some(KeySecret::Outline(password)) => {
                    prop_assert_eq!(password.len(), PASSWORD_CHARS);
                    prop_assert!(password.bytes().all(|byte| byte.is_ascii_alphanumeric()));
                }
                _ => prop_assert!(fair < PASSWORD_CHARS),
            }
        }
    }

    #[test]
    fn nothing_of_a_secret_shows() {
        let secret = KeySecret::mtproto([0xab; 16]);
        assert!(!format!("{secret:?}").contains("ab"));
        let Some(password) = KeySecret::outline([7; PASSWORD_RANDOM_BYTES]) else { unreachable!("7 is fair") };
        assert!(!format!("{password:?}").contains('H'));
    }
}
