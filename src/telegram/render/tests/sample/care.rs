//! What admins do for one person, and the promotion of a server of proxies.

use super::*;
use crate::telegram::fake::{mtproto, promotion};
use usipipo_actors::domain::promotion::{AdTag, PromotionStep, TagError};
use usipipo_actors::domain::service::ServiceChange;

/// The server of proxies among the fake ones.
const NODE: NodeId = NodeId(5);

fn promoted(lang: Lang) -> World {
    let tag = AdTag::parse("3f40462915a3e6026a4d790127b95ded");
    World {
        promotion: Some(usipipo_actors::model::PromotionRow { tag, secret: None, ..promotion() }),
        ..World::new(lang)
    }
}

fn seen(name: &'static str, screen: Screen, world: fn(Lang) -> World) -> Sample {
    Sample { name, screen, world, user: ADMIN }
}

pub(super) fn samples() -> Vec<Sample> {
    let one = || Screen::UserService { user: ANA, service: SERVICE };
    let ask = |change| Screen::AskService { user: ANA, service: SERVICE, change };
    let at = |step, error| Screen::Promotion { node: NODE, step, error };
    vec![
        admin("user_service", one()),
        seen("user_service_proxy", one(), |lang| with_one(lang, mtproto(1, "Proxy 1", ServiceStatus::Active))),
        seen("user_service_paused", one(), |lang| {
            let reasons = vec![SuspendReason::Admin, SuspendReason::Quota, SuspendReason::Expiry];
            with_one(lang, ServiceCard { reasons, ..mtproto(1, "Proxy 1", ServiceStatus::Suspended) })
        }),
        seen("user_service_pending", one(), |lang| with_one(lang, card(1, "iPhone", ServiceStatus::Pending))),
        seen("user_service_revoked", one(), |lang| with_one(lang, card(1, "iPhone", ServiceStatus::Revoked))),
        seen("user_service_gone", one(), |lang| World::with(lang, Vec::new())),
        admin("ask_service_pause", ask(ServiceChange::Pause)),
        seen("ask_service_resume", ask(ServiceChange::Resume), |lang| {
            with_one(lang, suspended(1, "iPhone", SuspendReason::Admin))
        }),
        admin("ask_service_resume_nothing", ask(ServiceChange::Resume)),
        admin("ask_service_extend_one", ask(ServiceChange::Extend { days: 1 })),
        admin("ask_service_extend", ask(ServiceChange::Extend { days: 30 })),
        admin("ask_service_revoke", ask(ServiceChange::Revoke)),
        seen("node_promoted", Screen::Node { node: NODE }, promoted),
        admin("promotion_start", at(PromotionStep::Start, None)),
        admin("promotion_place", at(PromotionStep::Place, None)),
        admin("promotion_secret", at(PromotionStep::Secret, None)),
        admin("promotion_tag", at(PromotionStep::Tag, None)),
        admin("promotion_tag_none", at(PromotionStep::Tag, Some(TagError::NoTag))),
        admin("promotion_tag_zeros", at(PromotionStep::Tag, Some(TagError::Zeros))),
        admin("promotion_tag_secret", at(PromotionStep::Tag, Some(TagError::Secret))),
        admin("promotion_tag_several", at(PromotionStep::Tag, Some(TagError::Several))),
        seen("promotion_over", at(PromotionStep::Secret, None), promoted),
        seen("promotion_no_server", at(PromotionStep::Start, None), |lang| World {
            promotion: None,
            ..World::new(lang)
        }),
        seen("promoted", Screen::Promoted { node: NODE }, promoted),
        seen("ask_unpromote", Screen::AskUnpromote { node: NODE }, promoted),
    ]
}
