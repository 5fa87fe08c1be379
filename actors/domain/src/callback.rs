//! What a button carries: short, versioned texts of at most 64 bytes (Bot API, `InlineKeyboardButton.callback_data`).
//!
//! Format: version digit, name of the button, then its arguments, each behind a colon: `1card:42`. A button never proves
//! anything: whoever may press what is decided where it is handled.

mod words;

use crate::ids::{AlertId, DeadLetterId, NodeId, OfferId, ServiceId, UserId};
use crate::lang::Lang;
use crate::new_server::ServerQuestion;
use crate::promotion::PromotionStep;
use crate::screen::Os;
use crate::service::{NodeChange, Product, ServiceChange};
use words::{change, letter, number, place_of, question, question_letter, service_change, step, switch, what};

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
    /// Own proxies for Telegram.
    Proxy {
        /// From zero.
        page: u16,
    },
    /// The free plans.
    Trial,
    /// The free plan of one product.
    TrialOf(Product),
    /// Servers to take an offer on.
    Servers {
        /// The offer.
        offer: OfferId,
        /// From zero.
        page: u16,
    },
    /// As [`Button::Accept`], on this server.
    AcceptAt {
        /// The offer.
        offer: OfferId,
        /// The server.
        node: NodeId,
    },
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
    /// Asks whether to begin another period.
    Renew {
        /// The service.
        service: ServiceId,
    },
    /// Asks which server to move to.
    Move {
        /// The service.
        service: ServiceId,
    },
    /// Another page of those servers.
    MovePage {
        /// The service.
        service: ServiceId,
        /// The offer that the list belongs to.
        offer: OfferId,
        /// From zero.
        page: u16,
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
    /// Reminders on or off.
    Reminders {
        /// On.
        on: bool,
    },
    /// Quiet hours on or off.
    Quiet {
        /// On.
        on: bool,
    },
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
    /// Admins: one server.
    Node {
        /// Which.
        node: NodeId,
    },
    /// Admins: asks whether to change it.
    AskNode {
        /// Which.
        node: NodeId,
        /// How.
        change: NodeChange,
    },
    /// Admins: changes it.
    ChangeNode {
        /// Which.
        node: NodeId,
        /// How.
        change: NodeChange,
    },
    /// Admins: which kind of server to add.
    AddServer,
    /// Admins: adds a server for this product.
    AddServerOf(Product),
    /// Admins: leaves a question about a new server at what is usual.
    LeaveServer(ServerQuestion),
    /// Admins: plans on offer.
    Plans,
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
    /// Admins: one service of a user.
    UserService {
        /// Whose.
        user: UserId,
        /// Which.
        service: ServiceId,
    },
    /// Admins: asks whether to change it.
    AskService {
        /// Whose.
        user: UserId,
        /// Which.
        service: ServiceId,
        /// How.
        change: ServiceChange,
    },
    /// Admins: changes it, if it still ends when it did.
    ChangeService {
        /// Whose.
        user: UserId,
        /// Which.
        service: ServiceId,
        /// How.
        change: ServiceChange,
        /// When it ended as far as the admin saw, in seconds since 1970; zero for one without an end. A second tap does not
        /// extend it twice.
        seen: i64,
    },
    /// Admins: begins the promotion of a proxy server.
    Promote {
        /// Which.
        node: NodeId,
    },
    /// Admins: shows one of its steps.
    PromotionStep {
        /// Which server.
        node: NodeId,
        /// Which step.
        step: PromotionStep,
    },
    /// Admins: asks whether to take its tag away.
    AskUnpromote {
        /// Which server.
        node: NodeId,
    },
    /// Admins: takes its tag away.
    Unpromote {
        /// Which server.
        node: NodeId,
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
            Self::Proxy { page } => format!("px:{page}"),
            Self::Trial => "trial".to_owned(),
            Self::TrialOf(product) => format!("try:{}", product.as_str()),
            Self::Servers { offer, page } => format!("srv:{offer}:{page}"),
            Self::AcceptAt { offer, node } => format!("at:{offer}:{node}"),
            Self::Accept { offer } => format!("ok:{offer}"),
            Self::OwnKey { offer } => format!("own:{offer}"),
            Self::Card { service } => format!("card:{service}"),
            Self::File { service } => format!("file:{service}"),
            Self::Qr { service } => format!("qr:{service}"),
            Self::Rename { service } => format!("name:{service}"),
            Self::Rotate { service } => format!("rot:{service}"),
            Self::Renew { service } => format!("ren:{service}"),
            Self::Move { service } => format!("mov:{service}"),
            Self::MovePage { service, offer, page } => format!("mvp:{service}:{offer}:{page}"),
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
            Self::Reminders { on } => format!("rem:{}", u8::from(*on)),
            Self::Quiet { on } => format!("qui:{}", u8::from(*on)),
            Self::Languages => "langs".to_owned(),
            Self::Language(lang) => format!("lang:{}", lang.code()),
            Self::TimeZones { page } => format!("tzs:{page}"),
            Self::TimeZone(name) => format!("tz:{name}"),
            Self::Privacy => "priv".to_owned(),
            Self::Terms => "terms".to_owned(),
            Self::Cancel => "x".to_owned(),
            Self::System => "sys".to_owned(),
            Self::Nodes => "nodes".to_owned(),
            Self::Node { node } => format!("node:{node}"),
            Self::AskNode { node, change } => format!("nq:{node}:{}", letter(*change)),
            Self::ChangeNode { node, change } => format!("nc:{node}:{}", letter(*change)),
            Self::AddServer => "nadd".to_owned(),
            Self::AddServerOf(product) => format!("nnew:{}", product.as_str()),
            Self::LeaveServer(question) => format!("nskip:{}", question_letter(*question)),
            Self::Plans => "plans".to_owned(),
            Self::Pools => "pools".to_owned(),
            Self::DeadLetters { page } => format!("dls:{page}"),
            Self::DeadLetter { id } => format!("dl:{id}"),
            Self::Replay { id } => format!("again:{id}"),
            Self::User { user } => format!("user:{user}"),
            Self::Settle { alert } => format!("done:{alert}"),
            Self::UserService { user, service } => format!("us:{user}:{service}"),
            Self::AskService { user, service, change } => format!("uq:{user}:{service}:{}", what(*change)),
            Self::ChangeService { user, service, change, seen } => {
                format!("uc:{user}:{service}:{}:{seen}", what(*change))
            }
            Self::Promote { node } => format!("pro:{node}"),
            Self::PromotionStep { node, step } => format!("pst:{node}:{}", place_of(*step)),
            Self::AskUnpromote { node } => format!("pq:{node}"),
            Self::Unpromote { node } => format!("pc:{node}"),
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
            "px" => Self::Proxy { page: number(next()?)? },
            "trial" => Self::Trial,
            "try" => Self::TrialOf(Product::parse(next()?).ok_or(ButtonError::Unknown)?),
            "srv" => Self::Servers { offer: number(next()?)?, page: number(next()?)? },
            "at" => Self::AcceptAt { offer: number(next()?)?, node: number(next()?)? },
            "ok" => Self::Accept { offer: number(next()?)? },
            "own" => Self::OwnKey { offer: number(next()?)? },
            "card" => Self::Card { service: number(next()?)? },
            "file" => Self::File { service: number(next()?)? },
            "qr" => Self::Qr { service: number(next()?)? },
            "name" => Self::Rename { service: number(next()?)? },
            "rot" => Self::Rotate { service: number(next()?)? },
            "ren" => Self::Renew { service: number(next()?)? },
            "mov" => Self::Move { service: number(next()?)? },
            "mvp" => Self::MovePage { service: number(next()?)?, offer: number(next()?)?, page: number(next()?)? },
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
            "rem" => Self::Reminders { on: switch(next()?)? },
            "qui" => Self::Quiet { on: switch(next()?)? },
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
            "node" => Self::Node { node: number(next()?)? },
            "nq" => Self::AskNode { node: number(next()?)?, change: change(next()?)? },
            "nc" => Self::ChangeNode { node: number(next()?)?, change: change(next()?)? },
            "nadd" => Self::AddServer,
            "nnew" => Self::AddServerOf(Product::parse(next()?).ok_or(ButtonError::Unknown)?),
            "nskip" => Self::LeaveServer(question(next()?)?),
            "plans" => Self::Plans,
            "pools" => Self::Pools,
            "dls" => Self::DeadLetters { page: number(next()?)? },
            "dl" => Self::DeadLetter { id: number(next()?)? },
            "again" => Self::Replay { id: number(next()?)? },
            "user" => Self::User { user: number(next()?)? },
            "done" => Self::Settle { alert: number(next()?)? },
            "us" => Self::UserService { user: number(next()?)?, service: number(next()?)? },
            "uq" => {
                Self::AskService { user: number(next()?)?, service: number(next()?)?, change: service_change(next()?)? }
            }
            "uc" => Self::ChangeService {
                user: number(next()?)?,
                service: number(next()?)?,
                change: service_change(next()?)?,
                seen: number(next()?)?,
            },
            "pro" => Self::Promote { node: number(next()?)? },
            "pst" => Self::PromotionStep { node: number(next()?)?, step: step(next()?)? },
            "pq" => Self::AskUnpromote { node: number(next()?)? },
            "pc" => Self::Unpromote { node: number(next()?)? },
            "-" => Self::Nothing,
            _ => return Err(ButtonError::Unknown),
        };
        if parts.next().is_some() { Err(ButtonError::Unknown) } else { Ok(button) }
    }
}

#[cfg(test)]
mod tests;
