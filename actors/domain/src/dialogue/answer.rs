//! What people are told about what became of an effect.

use super::{Answer, Effect, Outcome, State, promotion, question_of};
use crate::new_server::ServerProblem;
use crate::outgoing::{Body, Place, Toast};
use crate::promotion::PromotionStep;
use crate::screen::Screen;

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
