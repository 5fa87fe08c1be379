//! What the bot can show, as data: kinds, ids and parameters. The edge turns it into words and buttons in the user's
//! language at the moment of sending, with what the rows say then.

use crate::ids::{AlertId, DeadLetterId, NodeId, OfferId, ServiceId, UserId};
use crate::new_server::{ServerProblem, ServerQuestion};
use crate::promotion::{PromotionStep, TagError};
use crate::service::{NameError, NodeChange, Product, ServiceChange};
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
    /// No server offers it: there is none, or those there are full, draining or in maintenance.
    NoNode,
    /// Its servers do not answer just now; others may sell.
    NodeDown,
    /// The user has one already, and only one is free.
    HaveOne {
        /// It.
        service: ServiceId,
    },
    /// The user has as many services as one may have.
    TooMany {
        /// How many that is.
        most: u16,
    },
}

/// What rows of before there were several products speak of.
const fn wireguard() -> Product {
    Product::Wireguard
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
    /// Own proxies for Telegram.
    Proxy {
        /// From zero.
        page: u16,
    },
    /// Free plans of several products, to choose from.
    TrialChoice {
        /// Those that can be had now.
        products: Vec<Product>,
    },
    /// The free plan, with a button that takes it.
    TrialOffer {
        /// The idempotency key of taking it.
        offer: OfferId,
        /// What it gives.
        #[serde(default = "wireguard")]
        product: Product,
    },
    /// Why there is no trial (or other free service).
    TrialRefused {
        /// The reason.
        reason: TrialRefusal,
        /// What it would have given.
        #[serde(default = "wireguard")]
        product: Product,
    },
    /// Servers to take the offer on.
    Servers {
        /// The offer.
        offer: OfferId,
        /// From zero.
        page: u16,
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
    /// Asks whether to begin another period.
    AskRenew {
        /// The service.
        service: ServiceId,
        /// Accepting it.
        offer: OfferId,
    },
    /// It goes on: another period is added.
    Renewed {
        /// The service.
        service: ServiceId,
    },
    /// Asks which server to move to.
    AskMove {
        /// The service.
        service: ServiceId,
        /// Accepting it, with a server.
        offer: OfferId,
        /// From zero.
        page: u16,
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
    /// Admins: one server with what can be done about it.
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
    /// Admins: the change was refused, because services live there.
    NodeInUse {
        /// Which.
        node: NodeId,
        /// How many.
        services: u64,
    },
    /// Admins: it was not removed, because keys are still to be taken off it.
    NodeKeysLeft {
        /// Which.
        node: NodeId,
        /// How many.
        keys: u64,
    },
    /// Its key is not changed again, because the last one is not there yet.
    KeyOnItsWay {
        /// Whose key.
        service: ServiceId,
    },
    /// Admins: which kind of server to add.
    AddServer,
    /// Admins: asks something about a new server.
    AskServer {
        /// What its keys are.
        product: Product,
        /// What is asked.
        question: ServerQuestion,
        /// What was wrong with the answer just sent.
        error: Option<ServerProblem>,
    },
    /// Admins: the new server is kept.
    ServerAdded {
        /// It.
        node: NodeId,
    },
    /// Admins: plans on offer.
    Plans,
    /// Admins: how to grant a service.
    GrantUsage,
    /// Admins: there is no such user or plan.
    GrantUnknown {
        /// The user asked for.
        user: UserId,
        /// The plan asked for.
        plan: String,
    },
    /// Admins: asks whether to grant a service.
    AskGrant {
        /// To whom.
        user: UserId,
        /// Which plan.
        plan: String,
        /// Accepting it.
        offer: OfferId,
    },
    /// Admins: it is granted.
    Granted {
        /// To whom.
        user: UserId,
        /// The service.
        service: ServiceId,
    },
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
    /// Admins: one service of a user, with what can be done about it.
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
    /// Admins: a step towards the promotion tag of a proxy server; the question for the tag is open in each.
    Promotion {
        /// Which server.
        node: NodeId,
        /// Where one stands.
        step: PromotionStep,
        /// What was wrong with the tag just pasted.
        error: Option<TagError>,
    },
    /// Admins: the server has its tag.
    Promoted {
        /// Which.
        node: NodeId,
    },
    /// Admins: asks whether to take the tag away.
    AskUnpromote {
        /// Which server.
        node: NodeId,
    },
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
            | Self::AskRenew { service, .. }
            | Self::Renewed { service }
            | Self::KeyOnItsWay { service }
            | Self::AskMove { service, .. }
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
