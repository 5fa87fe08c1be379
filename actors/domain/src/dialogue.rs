//! The conversation as a pure function: `(state, event) → (state, what to show or do)`.
//!
//! It knows no HTML, no database and no time. What has to be decided with rows at hand is an [`Effect`]; storage carries it
//! out in the transaction of the step and [`after`] turns its [`Outcome`] into messages, inside that same transaction.

use crate::access::Hidden;
use crate::callback::Button;
use crate::ids::{AlertId, DeadLetterId, NodeId, OfferId, ServiceId, UserId};
use crate::lang::Lang;
use crate::new_server::{ServerDraft, ServerPaste, ServerProblem};
use crate::outgoing::{Body, Place, Toast};
use crate::permission::{Permission, Role};
use crate::plan::PlanSpec;
use crate::promotion::{AdTag, PromotionStep, TagError, tags_in};
use crate::screen::{Screen, TrialRefusal};
use crate::service::{NodeChange, Product, ServiceChange, clean_name};
use crate::wg::PublicKey;
use serde::{Deserialize, Serialize};

/// Commands, as a person types them behind a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `/start`, with the parameter of the link it came from.
    Start(Option<String>),
    /// `/vpn`
    Vpn,
    /// `/proxy`
    Proxy,
    /// `/trial`
    Trial,
    /// `/profile`
    Profile,
    /// `/status`
    Status,
    /// `/help`
    Help,
    /// `/settings`
    Settings,
    /// `/cancel`
    Cancel,
    /// `/privacy`
    Privacy,
    /// `/terms`
    Terms,
    /// `/nodes`, admins
    Nodes,
    /// `/pools`, admins
    Pools,
    /// `/plans`, admins
    Plans,
    /// `/grant USER PLAN`, admins; `None` when it was typed otherwise
    Grant(Option<(UserId, String)>),
    /// `/deadletters`, admins
    DeadLetters,
    /// `/user ID`, admins; `None` when no number was given
    User(Option<UserId>),
    /// Anything else behind a slash.
    Unknown,
}

impl Command {
    /// Reads a text that begins with a slash: `/name`, `/name@bot`, arguments behind a space. `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('/')?;
        let (name, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let name = name.split('@').next().unwrap_or(name).to_lowercase();
        let argument = argument.trim();
        Some(match name.as_str() {
            "start" => Self::Start((!argument.is_empty()).then(|| argument.to_owned())),
            "vpn" => Self::Vpn,
            "proxy" => Self::Proxy,
            "trial" => Self::Trial,
            "profile" => Self::Profile,
            "status" => Self::Status,
            "help" => Self::Help,
            "settings" => Self::Settings,
            "cancel" => Self::Cancel,
            "privacy" => Self::Privacy,
            "terms" => Self::Terms,
            "nodes" => Self::Nodes,
            "pools" => Self::Pools,
            "plans" => Self::Plans,
            "grant" => Self::Grant(grant(argument)),
            "deadletters" => Self::DeadLetters,
            "user" => Self::User(argument.parse().ok()),
            _ => Self::Unknown,
        })
    }
}

fn grant(argument: &str) -> Option<(UserId, String)> {
    let mut words = argument.split_whitespace();
    let (user, plan) = (words.next()?.parse().ok()?, words.next()?.to_lowercase());
    (words.next().is_none() && PlanSpec::is_code(&plan)).then_some((user, plan))
}

/// What a person did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A command.
    Command(Command),
    /// A text that is no command.
    Text(String),
    /// A button of ours, and the message it hung on when Telegram still knows it.
    Button(Button, Option<i32>),
    /// A button we do not know: another version's, or forged.
    OldButton,
    /// A picture, a sticker, a voice message …
    OtherKind,
}

/// Where a conversation stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// No question is open.
    #[default]
    Idle,
    /// We asked for a name.
    AwaitName {
        /// Of this service.
        service: ServiceId,
    },
    /// We asked for a public key.
    AwaitOwnKey {
        /// To do this with it.
        offer: OfferId,
    },
    /// We asked for the promotion tag of a server.
    AwaitAdTag {
        /// Which.
        node: NodeId,
    },
    /// An admin adds a server of keys; [`ServerDraft::next`] is the open question.
    AwaitServer {
        /// The answers so far.
        draft: ServerDraft,
    },
}

/// Version of [`State`]'s stored form. A row of another version is read as [`State::Idle`].
pub const STATE_VERSION: i16 = 1;

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

/// What a step comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Only shows something.
    Show(Screen),
    /// Answers the button press and nothing else.
    Acknowledge,
    /// Does something first.
    Do(Effect),
}

/// The result of [`step`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The state from now on, unless the effect's outcome says otherwise.
    pub state: State,
    /// What to show or do.
    pub act: Act,
    /// Where the answer appears.
    pub place: Place,
}

/// What [`after`] makes of an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The state from now on.
    pub state: State,
    /// Messages in order.
    pub bodies: Vec<Body>,
    /// Words with the answer to the button press.
    pub toast: Option<Toast>,
}

/// The permission an event needs; `None` for what everyone may do. The one list of the gate.
#[must_use]
pub fn required(event: &Event) -> Option<Permission> {
    match event {
        Event::Command(Command::Nodes) | Event::Button(Button::Nodes, _) => Some(Permission::NodesRead),
        Event::Button(Button::Node { .. }, _) => Some(Permission::NodesRead),
        Event::Button(
            Button::AskNode { .. }
            | Button::ChangeNode { .. }
            | Button::Promote { .. }
            | Button::PromotionStep { .. }
            | Button::AskUnpromote { .. }
            | Button::Unpromote { .. }
            | Button::AddServer
            | Button::AddServerOf(_)
            | Button::LeaveServer(_),
            _,
        ) => Some(Permission::NodesManage),
        Event::Button(Button::AskService { change, .. } | Button::ChangeService { change, .. }, _) => {
            Some(change.permission())
        }
        Event::Command(Command::Pools) | Event::Button(Button::Pools, _) => Some(Permission::PoolsRead),
        Event::Command(Command::Grant(_) | Command::Plans) | Event::Button(Button::Plans, _) => {
            Some(Permission::ServicesGrant)
        }
        Event::Command(Command::DeadLetters)
        | Event::Button(Button::DeadLetters { .. } | Button::DeadLetter { .. }, _) => Some(Permission::DeadLettersRead),
        Event::Button(Button::Replay { .. }, _) => Some(Permission::DeadLettersReplay),
        Event::Button(Button::Settle { .. }, _) => Some(Permission::AlertsSettle),
        Event::Command(Command::User(_)) | Event::Button(Button::User { .. } | Button::UserService { .. }, _) => {
            Some(Permission::UsersRead)
        }
        Event::Button(Button::System, _) => Some(Permission::SystemRead),
        _ => None,
    }
}

/// One step of the conversation. The gate stands in here, so that no way around it exists.
#[must_use]
pub fn step(state: &State, event: &Event, role: Role) -> Step {
    let place = match event {
        Event::Button(_, Some(message_id)) => Place::Pressed { message_id: *message_id },
        _ => Place::New,
    };
    // A question of admins is closed to somebody who is none any more, whatever they type.
    if let (State::AwaitAdTag { .. } | State::AwaitServer { .. }, Event::Text(_) | Event::OtherKind) = (state, event)
        && !role.holds(Permission::NodesManage)
    {
        return Step { state: State::Idle, act: Act::Show(Screen::NotAllowed), place: Place::New };
    }
    if required(event).is_some_and(|permission| !role.holds(permission)) {
        return Step { state: state.clone(), act: Act::Show(Screen::NotAllowed), place: Place::New };
    }
    let (state, act) = match event {
        Event::Command(command) => on_command(state, command, role),
        Event::Button(button, _) => on_button(state, button),
        Event::Text(text) => on_text(state, text),
        Event::OldButton => (State::Idle, Act::Show(Screen::OldButton)),
        Event::OtherKind => (state.clone(), Act::Show(repeat_question(state).unwrap_or(Screen::UnexpectedKind))),
    };
    Step { state, act, place }
}

fn show(screen: Screen) -> (State, Act) {
    (State::Idle, Act::Show(screen))
}

fn effect(effect: Effect) -> (State, Act) {
    (State::Idle, Act::Do(effect))
}

fn on_command(state: &State, command: &Command, role: Role) -> (State, Act) {
    match command {
        Command::Start(_) => show(Screen::Home { new: false }),
        Command::Vpn => show(Screen::Vpn { page: 0 }),
        Command::Proxy => show(Screen::Proxy { page: 0 }),
        Command::Trial => effect(Effect::OfferTrial(None)),
        Command::Profile => show(Screen::Profile),
        Command::Status if role.holds(Permission::SystemRead) => show(Screen::System),
        Command::Status => show(Screen::Status),
        Command::Help => show(Screen::Help),
        Command::Settings => show(Screen::Settings),
        Command::Cancel if *state == State::Idle => show(Screen::NothingToCancel),
        Command::Cancel => show(Screen::Cancelled),
        Command::Privacy => show(Screen::Privacy),
        Command::Terms => show(Screen::Terms),
        Command::Nodes => show(Screen::Nodes),
        Command::Pools => show(Screen::Pools),
        Command::Plans => show(Screen::Plans),
        Command::Grant(Some((user, plan))) => effect(Effect::OfferGrant { user: *user, plan: plan.clone() }),
        Command::Grant(None) => show(Screen::GrantUsage),
        Command::DeadLetters => show(Screen::DeadLetters { page: 0 }),
        Command::User(Some(user)) => show(Screen::UserCard { user: *user }),
        Command::User(None) => show(Screen::UserUsage),
        Command::Unknown => show(Screen::UnknownCommand),
    }
}

fn on_button(state: &State, button: &Button) -> (State, Act) {
    match button {
        Button::Home => show(Screen::Home { new: false }),
        Button::Vpn { page } => show(Screen::Vpn { page: *page }),
        Button::Proxy { page } => show(Screen::Proxy { page: *page }),
        Button::Trial => effect(Effect::OfferTrial(None)),
        Button::TrialOf(product) => effect(Effect::OfferTrial(Some(*product))),
        Button::Servers { offer, page } => show(Screen::Servers { offer: *offer, page: *page }),
        Button::Accept { offer } => effect(Effect::Accept { offer: *offer, own_key: None, node: None }),
        Button::AcceptAt { offer, node } => effect(Effect::Accept { offer: *offer, own_key: None, node: Some(*node) }),
        Button::OwnKey { offer } => {
            (State::AwaitOwnKey { offer: *offer }, Act::Show(Screen::AskOwnKey { offer: *offer, error: None }))
        }
        Button::Card { service } => show(Screen::Card { service: *service }),
        Button::File { service } => effect(Effect::SendFile(*service)),
        Button::Qr { service } => effect(Effect::SendQr(*service)),
        Button::Rename { service } => {
            (State::AwaitName { service: *service }, Act::Show(Screen::AskName { service: *service, error: None }))
        }
        Button::Rotate { service } => effect(Effect::OfferRotate(*service)),
        Button::Renew { service } => effect(Effect::OfferRenew(*service)),
        Button::Move { service } => effect(Effect::OfferMove(*service)),
        Button::MovePage { service, offer, page } => {
            show(Screen::AskMove { service: *service, offer: *offer, page: *page })
        }
        Button::Revoke { service } => effect(Effect::OfferRevoke(*service)),
        Button::HowTo { service, os } => show(Screen::HowTo { service: *service, os: *os }),
        Button::Profile => show(Screen::Profile),
        Button::Status => show(Screen::Status),
        Button::Help => show(Screen::Help),
        Button::Settings => show(Screen::Settings),
        Button::Reminders { on } => effect(Effect::SetReminders(*on)),
        Button::Quiet { on } => effect(Effect::SetQuiet(*on)),
        Button::Languages => show(Screen::Languages),
        Button::Language(lang) => effect(Effect::SetLanguage(*lang)),
        Button::TimeZones { page } => show(Screen::TimeZones { page: *page }),
        Button::TimeZone(name) => match name.parse() {
            Ok(tz) => effect(Effect::SetTimeZone(tz)),
            Err(_) => show(Screen::OldButton),
        },
        Button::Privacy => show(Screen::Privacy),
        Button::Terms => show(Screen::Terms),
        Button::Cancel if *state == State::Idle => show(Screen::Home { new: false }),
        Button::Cancel => show(Screen::Cancelled),
        Button::System => show(Screen::System),
        Button::Nodes => show(Screen::Nodes),
        Button::Node { node } => show(Screen::Node { node: *node }),
        Button::AskNode { node, change } => show(Screen::AskNode { node: *node, change: *change }),
        Button::ChangeNode { node, change } => effect(Effect::ChangeNode { node: *node, change: *change }),
        Button::AddServer => show(Screen::AddServer),
        Button::AddServerOf(product) => match ServerDraft::new(*product) {
            Some(draft) => ask_server(draft, None),
            None => show(Screen::AddServer),
        },
        Button::LeaveServer(question) => match state {
            State::AwaitServer { draft } => match draft.clone().leave(*question) {
                Some(draft) => ask_server(draft, None),
                None => ask_server(draft.clone(), None),
            },
            _ => show(Screen::OldButton),
        },
        Button::Plans => show(Screen::Plans),
        Button::Pools => show(Screen::Pools),
        Button::DeadLetters { page } => show(Screen::DeadLetters { page: *page }),
        Button::DeadLetter { id } => show(Screen::DeadLetter { id: *id }),
        Button::Replay { id } => effect(Effect::Replay(*id)),
        Button::User { user } => show(Screen::UserCard { user: *user }),
        Button::Settle { alert } => effect(Effect::SettleAlert(*alert)),
        Button::UserService { user, service } => show(Screen::UserService { user: *user, service: *service }),
        Button::AskService { user, service, change } => {
            show(Screen::AskService { user: *user, service: *service, change: *change })
        }
        Button::ChangeService { user, service, change, seen } => {
            effect(Effect::ChangeService { user: *user, service: *service, change: *change, seen: *seen })
        }
        Button::Promote { node } => effect(Effect::BeginPromotion(*node)),
        Button::PromotionStep { node, step } => {
            (State::AwaitAdTag { node: *node }, Act::Show(promotion(*node, *step, None)))
        }
        Button::AskUnpromote { node } => show(Screen::AskUnpromote { node: *node }),
        Button::Unpromote { node } => effect(Effect::ClearAdTag(*node)),
        Button::Nothing => (state.clone(), Act::Acknowledge),
    }
}

const fn promotion(node: NodeId, step: PromotionStep, error: Option<TagError>) -> Screen {
    Screen::Promotion { node, step, error }
}

fn on_text(state: &State, text: &str) -> (State, Act) {
    match state {
        State::Idle => show(Screen::UnexpectedText),
        State::AwaitName { service } => match clean_name(text) {
            Ok(name) => effect(Effect::Rename { service: *service, name }),
            Err(error) => (state.clone(), Act::Show(Screen::AskName { service: *service, error: Some(error) })),
        },
        State::AwaitOwnKey { offer } => match PublicKey::from_user(text) {
            Ok(key) => effect(Effect::Accept { offer: *offer, own_key: Some(key), node: None }),
            Err(error) => (state.clone(), Act::Show(Screen::AskOwnKey { offer: *offer, error: Some(error) })),
        },
        State::AwaitAdTag { node } => match tags_in(text) {
            Ok(tags) => effect(Effect::SetAdTag { node: *node, tags }),
            Err(error) => (state.clone(), Act::Show(promotion(*node, PromotionStep::Tag, Some(error)))),
        },
        State::AwaitServer { draft } => match draft.clone().answer(text) {
            Ok(draft) => ask_server(draft, None),
            // The last one: only the server itself can judge it.
            Err(ServerProblem::Unreadable) => {
                let (draft, pasted) = (draft.clone(), Hidden::new(text.trim()));
                let paste = ServerPaste { draft, pasted, message: None, checked: None };
                (state.clone(), Act::Do(Effect::AddServer(Box::new(paste))))
            }
            Err(error) => ask_server(draft.clone(), Some(error)),
        },
    }
}

fn ask_server(draft: ServerDraft, error: Option<ServerProblem>) -> (State, Act) {
    let screen = question_of(&draft, error);
    (State::AwaitServer { draft }, Act::Show(screen))
}

fn question_of(draft: &ServerDraft, error: Option<ServerProblem>) -> Screen {
    Screen::AskServer { product: draft.product, question: draft.next(), error }
}

fn repeat_question(state: &State) -> Option<Screen> {
    match state {
        State::Idle => None,
        State::AwaitName { service } => Some(Screen::AskName { service: *service, error: None }),
        State::AwaitOwnKey { offer } => Some(Screen::AskOwnKey { offer: *offer, error: None }),
        State::AwaitAdTag { node } => Some(promotion(*node, PromotionStep::Tag, None)),
        State::AwaitServer { draft } => Some(question_of(draft, None)),
    }
}

/// Turns what became of an effect into messages; storage calls it in the transaction of the step.
#[must_use]
pub fn after(effect: &Effect, outcome: &Outcome, place: Place) -> Answer {
    let mut state = State::Idle;
    let mut toast = None;
    let screen = |screen| vec![Body::Screen { screen, place }];
    let bodies = match outcome {
        Outcome::TrialChoice(products) => screen(Screen::TrialChoice { products: products.clone() }),
        Outcome::TrialOffered(offer, product) => screen(Screen::TrialOffer { offer: *offer, product: *product }),
        Outcome::TrialRefused(reason, product) => screen(Screen::TrialRefused { reason: *reason, product: *product }),
        Outcome::RenewOffered(service, offer) => screen(Screen::AskRenew { service: *service, offer: *offer }),
        Outcome::MoveOffered(service, offer) => screen(Screen::AskMove { service: *service, offer: *offer, page: 0 }),
        Outcome::Renewed(service) => screen(Screen::Renewed { service: *service }),
        Outcome::GrantOffered(user, plan, offer) => {
            screen(Screen::AskGrant { user: *user, plan: plan.clone(), offer: *offer })
        }
        Outcome::GrantUnknown(user, plan) => screen(Screen::GrantUnknown { user: *user, plan: plan.clone() }),
        Outcome::Granted(user, service) => screen(Screen::Granted { user: *user, service: *service }),
        Outcome::NodeChanged(node) => {
            toast = Some(Toast::Saved);
            screen(Screen::Node { node: *node })
        }
        Outcome::NodeInUse(node, services) => screen(Screen::NodeInUse { node: *node, services: *services }),
        Outcome::NodeKeysLeft(node, keys) => screen(Screen::NodeKeysLeft { node: *node, keys: *keys }),
        Outcome::NoSuchNode => screen(Screen::Nodes),
        Outcome::ServerAdded(node) => screen(Screen::ServerAdded { node: *node }),
        Outcome::ServerRefused(problem) => {
            let Effect::AddServer(paste) = effect else {
                return Answer { state, bodies: screen(Screen::Nodes), toast };
            };
            let mut draft = paste.draft.clone();
            if *problem == ServerProblem::NameTaken {
                draft.name = None;
            }
            let bodies = screen(question_of(&draft, Some(problem.clone())));
            state = State::AwaitServer { draft };
            bodies
        }
        Outcome::ServiceChanged(user, service) => {
            toast = Some(Toast::Saved);
            screen(Screen::UserService { user: *user, service: *service })
        }
        Outcome::ServiceNotChanged(user, service) => {
            toast = Some(Toast::AlreadyDone);
            screen(Screen::UserService { user: *user, service: *service })
        }
        Outcome::PromotionBegun(node) => {
            state = State::AwaitAdTag { node: *node };
            screen(promotion(*node, PromotionStep::Start, None))
        }
        Outcome::TagRefused(node, error) => {
            state = State::AwaitAdTag { node: *node };
            screen(promotion(*node, PromotionStep::Tag, Some(*error)))
        }
        Outcome::TagSet(node) => screen(Screen::Promoted { node: *node }),
        Outcome::TagCleared(node) => {
            toast = Some(Toast::Saved);
            screen(Screen::Node { node: *node })
        }
        Outcome::RotateOffered(service, offer) => screen(Screen::AskRotate { service: *service, offer: *offer }),
        Outcome::KeyOnItsWay(service) => screen(Screen::KeyOnItsWay { service: *service }),
        Outcome::RevokeOffered(service, offer) => screen(Screen::AskRevoke { service: *service, offer: *offer }),
        Outcome::Begun(service) => screen(Screen::Preparing { service: *service }),
        Outcome::AlreadyTaken => {
            toast = Some(Toast::AlreadyDone);
            Vec::new()
        }
        Outcome::KeyTaken { offer, service } => {
            state = State::AwaitOwnKey { offer: *offer };
            screen(Screen::KeyTaken { offer: *offer, service: *service })
        }
        Outcome::Revoked(service) => screen(Screen::Revoked { service: *service }),
        Outcome::OfferGone => screen(Screen::OfferGone),
        Outcome::NoSuchService => screen(Screen::NoSuchService),
        Outcome::Renamed(service) => screen(Screen::Card { service: *service }),
        Outcome::MaySend(service) => match effect {
            Effect::SendQr(_) => vec![Body::ConfigQr { service: *service }],
            _ => vec![Body::ConfigFile { service: *service }],
        },
        Outcome::Saved => {
            toast = Some(Toast::Saved);
            screen(Screen::Settings)
        }
        Outcome::Replayed(id) => screen(Screen::DeadLetterReplayed { id: *id }),
        Outcome::NothingToReplay => {
            toast = Some(Toast::AlreadyDone);
            screen(Screen::DeadLetters { page: 0 })
        }
        Outcome::AlertSettled(alert) => screen(Screen::AlertSettled { alert: *alert }),
        Outcome::NothingToSettle => {
            toast = Some(Toast::AlreadyDone);
            screen(Screen::System)
        }
    };
    let mut bodies = bodies;
    if let Effect::AddServer(paste) = effect {
        // Whatever became of it: it holds a secret.
        bodies.extend(paste.message.map(|message_id| Body::Delete { message_id }));
    }
    Answer { state, bodies, toast }
}

#[cfg(test)]
mod tests;
