//! The conversation as a pure function: `(state, event) → (state, what to show or do)`.
//!
//! It knows no HTML, no database and no time. What has to be decided with rows at hand is an [`Effect`]; storage carries it
//! out in the transaction of the step and [`after`] turns its [`Outcome`] into messages, inside that same transaction.

mod answer;
mod command;
mod effect;

pub use answer::after;
pub use command::Command;
pub use effect::{Effect, Outcome};

use crate::access::Hidden;
use crate::callback::Button;
use crate::ids::{NodeId, OfferId, ServiceId};
use crate::new_server::{ServerDraft, ServerPaste, ServerProblem};
use crate::outgoing::{Body, Place, Toast};
use crate::permission::{Permission, Role};
use crate::promotion::{PromotionStep, TagError, tags_in};
use crate::screen::Screen;
use crate::service::clean_name;
use crate::wg::PublicKey;
use serde::{Deserialize, Serialize};

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

#[cfg(test)]
mod tests;
