//! What a button carries: short, versioned texts of at most 64 bytes (Bot API, `InlineKeyboardButton.callback_data`).
//!
//! Format: version digit, name of the button, then its arguments, each behind a colon: `1card:42`. A button never proves
//! anything: whoever may press what is decided where it is handled.

use crate::ids::{AlertId, DeadLetterId, OfferId, ServiceId, UserId};
use crate::lang::Lang;
use crate::screen::Os;
use std::str::FromStr;

/// Telegram's limit, in bytes.
pub const CALLBACK_DATA_MAX_BYTES: usize = 64;

const VERSION: char = '1';

/// Every button of the bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Button {
    /// The first screen.
    Home,
    /// Own services.
    Vpn {
        /// From zero.
        page: u16,
    },
    /// The free plan.
    Trial,
    /// Takes what an offer proposes: trial, rotation or revocation.
    Accept {
        /// The offer.
        offer: OfferId,
    },
    /// As [`Button::Accept`], with the user's own public key.
    OwnKey {
        /// The offer.
        offer: OfferId,
    },
    /// A service's card.
    Card {
        /// The service.
        service: ServiceId,
    },
    /// Its config as a file.
    File {
        /// The service.
        service: ServiceId,
    },
    /// Its config as a QR code.
    Qr {
        /// The service.
        service: ServiceId,
    },
    /// Asks for a new name.
    Rename {
        /// The service.
        service: ServiceId,
    },
    /// Asks whether to replace its key.
    Rotate {
        /// The service.
        service: ServiceId,
    },
    /// Asks whether to end it.
    Revoke {
        /// The service.
        service: ServiceId,
    },
    /// How to use it.
    HowTo {
        /// The service.
        service: ServiceId,
        /// On which system.
        os: Os,
    },
    /// Who I am here.
    Profile,
    /// Are my services all right.
    Status,
    /// What one can do here.
    Help,
    /// Settings.
    Settings,
    /// Choose a language.
    Languages,
    /// This language.
    Language(Lang),
    /// Choose a time zone.
    TimeZones {
        /// From zero.
        page: u16,
    },
    /// This time zone (IANA name).
    TimeZone(String),
    /// What is kept.
    Privacy,
    /// Terms of use.
    Terms,
    /// Leaves a question.
    Cancel,
    /// Admins: the whole system.
    System,
    /// Admins: servers.
    Nodes,
    /// Admins: pools.
    Pools,
    /// Admins: failed updates.
    DeadLetters {
        /// From zero.
        page: u16,
    },
    /// Admins: one of them.
    DeadLetter {
        /// Which.
        id: DeadLetterId,
    },
    /// Admins: handle it again.
    Replay {
        /// Which.
        id: DeadLetterId,
    },
    /// Admins: one user.
    User {
        /// Who.
        user: UserId,
    },
    /// Admins: an alert that only a person can settle is settled.
    Settle {
        /// Which.
        alert: AlertId,
    },
    /// A label that does nothing, such as the page number.
    Nothing,
}

/// Why callback data is not one of our buttons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ButtonError {
    /// Made by another version of the bot.
    #[error("made by another version")]
    OtherVersion,
    /// Made by nobody of ours.
    #[error("not one of our buttons")]
    Unknown,
}

impl Button {
    /// The text for `callback_data`. At most [`CALLBACK_DATA_MAX_BYTES`] bytes for every button that the bot makes.
    #[must_use]
    pub fn encode(&self) -> String {
        let body = match self {
            Self::Home => "home".to_owned(),
            Self::Vpn { page } => format!("vpn:{page}"),
            Self::Trial => "trial".to_owned(),
            Self::Accept { offer } => format!("ok:{offer}"),
            Self::OwnKey { offer } => format!("own:{offer}"),
            Self::Card { service } => format!("card:{service}"),
            Self::File { service } => format!("file:{service}"),
            Self::Qr { service } => format!("qr:{service}"),
            Self::Rename { service } => format!("name:{service}"),
            Self::Rotate { service } => format!("rot:{service}"),
            Self::Revoke { service } => format!("rev:{service}"),
            Self::HowTo { service, os } => format!(
                "how:{service}:{}",
                match os {
                    Os::Ios => "i",
                    Os::Android => "a",
                    Os::Pc => "p",
                }
            ),
            Self::Profile => "me".to_owned(),
            Self::Status => "st".to_owned(),
            Self::Help => "help".to_owned(),
            Self::Settings => "set".to_owned(),
            Self::Languages => "langs".to_owned(),
            Self::Language(lang) => format!("lang:{}", lang.code()),
            Self::TimeZones { page } => format!("tzs:{page}"),
            Self::TimeZone(name) => format!("tz:{name}"),
            Self::Privacy => "priv".to_owned(),
            Self::Terms => "terms".to_owned(),
            Self::Cancel => "x".to_owned(),
            Self::System => "sys".to_owned(),
            Self::Nodes => "nodes".to_owned(),
            Self::Pools => "pools".to_owned(),
            Self::DeadLetters { page } => format!("dls:{page}"),
            Self::DeadLetter { id } => format!("dl:{id}"),
            Self::Replay { id } => format!("again:{id}"),
            Self::User { user } => format!("user:{user}"),
            Self::Settle { alert } => format!("done:{alert}"),
            Self::Nothing => "-".to_owned(),
        };
        format!("{VERSION}{body}")
    }

    /// Reads callback data, which anyone can forge.
    ///
    /// # Errors
    /// [`ButtonError`]; the answer to the user is friendly in both cases.
    pub fn decode(data: &str) -> Result<Self, ButtonError> {
        if data.len() > CALLBACK_DATA_MAX_BYTES {
            return Err(ButtonError::Unknown);
        }
        let mut chars = data.chars();
        match chars.next() {
            Some(VERSION) => {}
            Some('0'..='9') => return Err(ButtonError::OtherVersion),
            _ => return Err(ButtonError::Unknown),
        }
        let mut parts = chars.as_str().split(':');
        let name = parts.next().ok_or(ButtonError::Unknown)?;
        let mut next = || parts.next().ok_or(ButtonError::Unknown);
        let button = match name {
            "home" => Self::Home,
            "vpn" => Self::Vpn { page: number(next()?)? },
            "trial" => Self::Trial,
            "ok" => Self::Accept { offer: number(next()?)? },
            "own" => Self::OwnKey { offer: number(next()?)? },
            "card" => Self::Card { service: number(next()?)? },
            "file" => Self::File { service: number(next()?)? },
            "qr" => Self::Qr { service: number(next()?)? },
            "name" => Self::Rename { service: number(next()?)? },
            "rot" => Self::Rotate { service: number(next()?)? },
            "rev" => Self::Revoke { service: number(next()?)? },
            "how" => Self::HowTo {
                service: number(next()?)?,
                os: match next()? {
                    "i" => Os::Ios,
                    "a" => Os::Android,
                    "p" => Os::Pc,
                    _ => return Err(ButtonError::Unknown),
                },
            },
            "me" => Self::Profile,
            "st" => Self::Status,
            "help" => Self::Help,
            "set" => Self::Settings,
            "langs" => Self::Languages,
            "lang" => {
                let code = next()?;
                let lang = Lang::ALL.into_iter().find(|lang| lang.code() == code);
                Self::Language(lang.ok_or(ButtonError::Unknown)?)
            }
            "tzs" => Self::TimeZones { page: number(next()?)? },
            "tz" => Self::TimeZone(next()?.to_owned()),
            "priv" => Self::Privacy,
            "terms" => Self::Terms,
            "x" => Self::Cancel,
            "sys" => Self::System,
            "nodes" => Self::Nodes,
            "pools" => Self::Pools,
            "dls" => Self::DeadLetters { page: number(next()?)? },
            "dl" => Self::DeadLetter { id: number(next()?)? },
            "again" => Self::Replay { id: number(next()?)? },
            "user" => Self::User { user: number(next()?)? },
            "done" => Self::Settle { alert: number(next()?)? },
            "-" => Self::Nothing,
            _ => return Err(ButtonError::Unknown),
        };
        if parts.next().is_some() { Err(ButtonError::Unknown) } else { Ok(button) }
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, ButtonError> {
    text.parse().map_err(|_| ButtonError::Unknown)
}

#[cfg(test)]
mod tests;
