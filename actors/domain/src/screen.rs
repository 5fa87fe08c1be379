//! What the bot can show, as data: kinds, ids and parameters. The edge turns it into words and buttons in the user's
//! language at the moment of sending, with what the rows say then.

use crate::ids::{AlertId, DeadLetterId, OfferId, ServiceId, UserId};
use crate::service::NameError;
use crate::wg::KeyError;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The operating systems of the how-to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Os {
    /// iPhone and iPad.
    Ios,
    /// Android.
    Android,
    /// Windows, macOS and Linux.
    Pc,
}

/// Why a trial is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrialRefusal {
    /// Once per user and product, for ever.
    AlreadyUsed {
        /// When it was used.
        at: DateTime<Utc>,
        /// The service it gave, if it still exists.
        service: Option<ServiceId>,
    },
    /// No address is free.
    PoolFull,
    /// No server offers trials.
    NoNode,
}

/// One screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Screen {
    /// Services first, then the menu; a greeting for a new user.
    Home {
        /// First contact.
        new: bool,
    },
    /// Own services.
    Vpn {
        /// From zero.
        page: u16,
    },
    /// The free plan, with a button that takes it.
    TrialOffer {
        /// The idempotency key of taking it.
        offer: OfferId,
    },
    /// Why there is no trial.
    TrialRefused {
        /// The reason.
        reason: TrialRefusal,
    },
    /// The service is being made.
    Preparing {
        /// The service.
        service: ServiceId,
    },
    /// Its server does not answer; it will be made when the server is back.
    Waiting {
        /// The service.
        service: ServiceId,
    },
    /// The service works (or its new key does).
    Ready {
        /// The service.
        service: ServiceId,
    },
    /// It could not be made.
    Failed {
        /// The service.
        service: ServiceId,
    },
    /// One service with its buttons.
    Card {
        /// The service.
        service: ServiceId,
    },
    /// How to use the file on one operating system.
    HowTo {
        /// The service.
        service: ServiceId,
        /// The system.
        os: Os,
    },
    /// Asks for a new name.
    AskName {
        /// The service.
        service: ServiceId,
        /// What was wrong with the name just sent.
        error: Option<NameError>,
    },
    /// Asks for the user's own public key.
    AskOwnKey {
        /// What will be done with it: a trial or a rotation.
        offer: OfferId,
        /// What was wrong with the key just sent.
        error: Option<KeyError>,
    },
    /// Asks whether to replace the key.
    AskRotate {
        /// The service.
        service: ServiceId,
        /// Accepting it.
        offer: OfferId,
    },
    /// The pasted key is in use already, or is a server's; the question for one stays open.
    KeyTaken {
        /// What will be done with a better one: a trial or a rotation.
        offer: OfferId,
        /// The service whose key is to be replaced; `None` for a trial.
        service: Option<ServiceId>,
    },
    /// Asks whether to end the service.
    AskRevoke {
        /// The service.
        service: ServiceId,
        /// Accepting it.
        offer: OfferId,
    },
    /// It is ended.
    Revoked {
        /// The service.
        service: ServiceId,
    },
    /// What the button proposed is no longer to be had (used, expired, replaced).
    OfferGone,
    /// The service the button speaks of is not one of the user's.
    NoSuchService,
    /// Name, id, since when, services, role.
    Profile,
    /// Are my services and their servers all right.
    Status,
    /// What one can do here.
    Help,
    /// Language, time zone.
    Settings,
    /// Choose a language.
    Languages,
    /// Choose a time zone.
    TimeZones {
        /// From zero.
        page: u16,
    },
    /// What is kept, for how long.
    Privacy,
    /// Terms of use.
    Terms,
    /// A dialogue was left.
    Cancelled,
    /// There was nothing to leave.
    NothingToCancel,
    /// A command we do not have.
    UnknownCommand,
    /// A text when no question was asked.
    UnexpectedText,
    /// A picture, sticker, voice …
    UnexpectedKind,
    /// A button of an older version or one that nobody made.
    OldButton,
    /// The user may not do that.
    NotAllowed,
    /// Too many messages at once; some were not read.
    SlowDown,
    /// Something broke on our side; the user can go on.
    Apology {
        /// What admins can search for.
        code: String,
    },
    /// Admins: the whole system.
    System,
    /// Admins: servers.
    Nodes,
    /// Admins: address pools.
    Pools,
    /// Admins: updates that failed.
    DeadLetters {
        /// From zero.
        page: u16,
    },
    /// Admins: one of them.
    DeadLetter {
        /// Which.
        id: DeadLetterId,
    },
    /// Admins: it will be handled again.
    DeadLetterReplayed {
        /// Which.
        id: DeadLetterId,
    },
    /// Admins: an alert that somebody settled.
    AlertSettled {
        /// Which.
        alert: AlertId,
    },
    /// Admins: one user.
    UserCard {
        /// Who.
        user: UserId,
    },
    /// Admins: how to ask for a user.
    UserUsage,
}

impl Screen {
    /// The service a screen is about; a later message about the same service may take its place.
    #[must_use]
    pub const fn service(&self) -> Option<ServiceId> {
        match self {
            Self::Preparing { service }
            | Self::Waiting { service }
            | Self::Ready { service }
            | Self::Failed { service }
            | Self::Card { service }
            | Self::HowTo { service, .. }
            | Self::AskName { service, .. }
            | Self::AskRotate { service, .. }
            | Self::AskRevoke { service, .. }
            | Self::Revoked { service } => Some(*service),
            _ => None,
        }
    }

    /// Whether it says that something is on its way, so that the result may replace it.
    #[must_use]
    pub const fn is_progress(&self) -> bool {
        matches!(self, Self::Preparing { .. } | Self::Waiting { .. })
    }
}
