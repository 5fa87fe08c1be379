//! What the conversation has done with rows at hand, and what can become of it.

use crate::ids::{AlertId, DeadLetterId, NodeId, OfferId, ServiceId, UserId};
use crate::lang::Lang;
use crate::new_server::{ServerPaste, ServerProblem};
use crate::promotion::{AdTag, TagError};
use crate::screen::TrialRefusal;
use crate::service::{NodeChange, Product, ServiceChange};
use crate::wg::PublicKey;

/// What has to be decided and done with rows at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Proposes a free service of a product, or says why not: its trial if it has one, else its free plan. With several
    /// products and none named, the choice.
    OfferTrial(Option<Product>),
    /// Proposes another period.
    OfferRenew(ServiceId),
    /// Proposes to move to another server.
    OfferMove(ServiceId),
    /// Admins: proposes to give a user a service.
    OfferGrant {
        /// To whom.
        user: UserId,
        /// A plan's code.
        plan: String,
    },
    /// Admins: changes what a server is for.
    ChangeNode {
        /// Which.
        node: NodeId,
        /// How.
        change: NodeChange,
    },
    /// Admins: changes a user's service.
    ChangeService {
        /// Whose.
        user: UserId,
        /// Which.
        service: ServiceId,
        /// How.
        change: ServiceChange,
        /// When it ended as the admin saw it, in seconds since 1970; zero for one without an end.
        seen: i64,
    },
    /// Admins: begins the promotion of a server of proxies: a secret to register it with.
    BeginPromotion(NodeId),
    /// Admins: one of these is the server's tag, unless it is a secret.
    SetAdTag {
        /// Which server.
        node: NodeId,
        /// What could be it, each once.
        tags: Vec<AdTag>,
    },
    /// Admins: takes the server's tag away.
    ClearAdTag(NodeId),
    /// Admins: keeps a new server of keys, if it answers.
    AddServer(Box<ServerPaste>),
    /// Reminders on or off.
    SetReminders(bool),
    /// Quiet hours on or off.
    SetQuiet(bool),
    /// Proposes a new key.
    OfferRotate(ServiceId),
    /// Proposes to end a service.
    OfferRevoke(ServiceId),
    /// Does what an offer proposed, once.
    Accept {
        /// The offer.
        offer: OfferId,
        /// The user's own public key, for trials and rotations.
        own_key: Option<PublicKey>,
        /// On this server; else on the best one.
        node: Option<NodeId>,
    },
    /// Gives a service a name.
    Rename {
        /// The service.
        service: ServiceId,
        /// Clean already.
        name: String,
    },
    /// Sends the config as a file.
    SendFile(ServiceId),
    /// Sends the config as a picture.
    SendQr(ServiceId),
    /// Language of the user.
    SetLanguage(Lang),
    /// Time zone of the user, an IANA name that exists.
    SetTimeZone(chrono_tz::Tz),
    /// Puts a dead letter back into the inbox, once.
    Replay(DeadLetterId),
    /// Ends an alert that only a person can end.
    SettleAlert(AlertId),
}

/// What became of an [`Effect`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Several products have a free plan that can be had.
    TrialChoice(Vec<Product>),
    /// A trial (or other free service) may be taken.
    TrialOffered(OfferId, Product),
    /// None.
    TrialRefused(TrialRefusal, Product),
    /// Another period is proposed.
    RenewOffered(ServiceId, OfferId),
    /// A move is proposed.
    MoveOffered(ServiceId, OfferId),
    /// Another period is added.
    Renewed(ServiceId),
    /// A grant is proposed.
    GrantOffered(UserId, String, OfferId),
    /// There is no such user or plan.
    GrantUnknown(UserId, String),
    /// A service is given to somebody.
    Granted(UserId, ServiceId),
    /// A server is for something else from now on.
    NodeChanged(NodeId),
    /// So many services live on it that it stays.
    NodeInUse(NodeId, u64),
    /// It is not removed: so many keys are still to be taken off it.
    NodeKeysLeft(NodeId, u64),
    /// There is no such server.
    NoSuchNode,
    /// A user's service is changed.
    ServiceChanged(UserId, ServiceId),
    /// It is not as the admin saw it, or not in a state in which that can be done.
    ServiceNotChanged(UserId, ServiceId),
    /// There is a secret to register this server with.
    PromotionBegun(NodeId),
    /// The tag is none; the question stays open.
    TagRefused(NodeId, TagError),
    /// The server has its tag.
    TagSet(NodeId),
    /// It has none any more.
    TagCleared(NodeId),
    /// A new server is kept.
    ServerAdded(NodeId),
    /// A new server is not kept.
    ServerRefused(ServerProblem),
    /// A new key is proposed.
    RotateOffered(ServiceId, OfferId),
    /// The present key was never handed over; it is not changed again before that.
    KeyOnItsWay(ServiceId),
    /// An end is proposed.
    RevokeOffered(ServiceId, OfferId),
    /// The service is on its way: just begun, or with a new key.
    Begun(ServiceId),
    /// This offer was taken before.
    AlreadyTaken,
    /// The key is in use; the offer still stands.
    KeyTaken {
        /// The offer.
        offer: OfferId,
        /// The service whose key is to be replaced; `None` for a trial.
        service: Option<ServiceId>,
    },
    /// The service is ended.
    Revoked(ServiceId),
    /// The offer is too old, replaced, or not the user's.
    OfferGone,
    /// Not one of the user's services, or not in a state in which that can be done.
    NoSuchService,
    /// The name is kept.
    Renamed(ServiceId),
    /// The file or picture may be sent.
    MaySend(ServiceId),
    /// A setting is kept.
    Saved,
    /// The dead letter is in the inbox again.
    Replayed(DeadLetterId),
    /// It was handled again before, or there is none.
    NothingToReplay,
    /// The alert is over.
    AlertSettled(AlertId),
    /// It was over before, there is none, or it ends by itself.
    NothingToSettle,
}
